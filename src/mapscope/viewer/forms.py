"""The form of a job, made from its parameters: inputs, settings, Run, progress, message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.grid import Grid
from mapscope.job import Job
from mapscope.jobs import all_jobs
from mapscope.viewer.answer import all_numbers_text, answer_text
from mapscope.viewer.choice_previews import choice_previews_of
from mapscope.viewer.estimate import estimate_text, note_duration
from mapscope.viewer.form_foot import FormButtons, FormFoot
from mapscope.viewer.form_rows import folded_rows, input_and_setting_rows, scroll_to
from mapscope.viewer.help import help_button
from mapscope.viewer.inputs import InputChoice, choose_defaults
from mapscope.viewer.layers import TOOL, role_of
from mapscope.viewer.making import makers_of
from mapscope.viewer.next_steps import NextSteps
from mapscope.viewer.pages import JOB
from mapscope.viewer.partners import object_name
from mapscope.viewer.preview import EDGE, Preview
from mapscope.viewer.probe import Probe
from mapscope.viewer.saving import save_entry, save_report
from mapscope.viewer.settings import Setting
from mapscope.viewer.voxel_size import VoxelSizeRow
from mapscope.viewer.whole_grid import WholeGrid
from mapscope.viewer.workspace import Entry, workspace_of

OPEN = "open_"
VOXEL_SIZE = "voxel_size"


def __getattr__(name: str) -> Callable[[], None]:
    """``open_<job>``: the command of the layer menus that shows a job's form."""
    job_name = name.removeprefix(OPEN)
    if not name.startswith(OPEN) or job_name not in all_jobs():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def open_form() -> None:
        from mapscope.viewer.window import open_job

        open_job(job_name)

    open_form.__name__ = name
    return open_form


class JobForm(QWidget):
    """One job's form in one viewer.

    Parameters
    ----------
    job : Job
        The job.
    viewer : napari.Viewer
        Where inputs come from and results go.
    """

    ended = Signal(object)

    def __init__(self, job: Job, viewer: Any) -> None:
        super().__init__()
        self.job = job
        self.viewer = viewer
        self.workspace = workspace_of(viewer)
        self.entry: Entry | None = None
        self.inputs = [InputChoice(p) for p in job.inputs]
        self.makers = makers_of(self.inputs, viewer)
        shown = [p for p in job.settings if p.name not in ("region", "position") or not job.probe]
        self.settings = {p.name: Setting(p) for p in shown if p.name != "position"}
        self.preview = Preview(job, viewer, self.values) if job.live else None
        self.pictures = choice_previews_of(job, viewer, self.values)
        self.probe = Probe(self) if job.probe else None
        self.whole = WholeGrid(job, self.values) if job.grid is not None else None
        self._build()
        self._connect()
        self._connect_parts()
        self.refresh()
        self.choose_defaults()
        if self.pictures is not None and self.run_button.isEnabled():
            self.pictures.start_if_quick()

    def _build(self) -> None:
        """Lay the form out: what scrolls above, and below it what must always be in sight."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        area = self.area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._choices())
        layout.addWidget(area, stretch=1)
        buttons = FormButtons(is_probe=self.probe is not None)
        self.run_button, self.save_button, self.report_button = buttons.parts
        self.foot = FormFoot(self.job.title)
        self.estimate, self.bar, self.message = self.foot.parts
        self.next_steps = NextSteps(self.job, self.viewer)
        layout.addWidget(buttons)
        layout.addWidget(self.foot)
        layout.addWidget(self.next_steps)

    def _choices(self) -> QWidget:
        """Title, inputs and settings."""
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(2, 2, 2, 2)
        summary = QLabel(f"<b>{self.job.title}.</b> {self.job.summary}")
        summary.setWordWrap(True)
        summary.setToolTip(self.job.description)
        top = QHBoxLayout()
        top.addWidget(summary, stretch=1)
        top.addWidget(help_button(f"{JOB}{self.job.name}"), 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(top)
        rows = input_and_setting_rows(self.inputs, list(self.settings.values()), self.makers)
        layout.addLayout(rows)
        if self.pictures is not None:
            layout.addWidget(self.pictures)
        self.voxel_row = VoxelSizeRow()
        self.voxel_row.given.connect(self.refresh)
        layout.addWidget(self.voxel_row)
        self.live_box = QCheckBox("Preview on a region while I change it")
        self.live_box.setToolTip(
            f"Compute a box of {EDGE} voxels, where you look, again and again."
        )
        self.live_box.setVisible(self.job.live)
        layout.addWidget(self.live_box)
        folded = [s for s in self.settings.values() if s.parameter.show.more]
        if folded:
            layout.addWidget(folded_rows(folded))
        layout.addStretch(1)
        return inner

    def _connect(self) -> None:
        """React to the viewer, to the inputs and to the buttons."""
        events = self.viewer.layers.events
        for event in (events.inserted, events.removed):
            event.connect(self._layers_changed)
        events.reordered.connect(self.refresh)
        for choice in self.inputs:
            for box in choice.choices:
                box.currentIndexChanged.connect(self._inputs_changed)
        for setting in self.settings.values():
            setting.changed.connect(self._settings_changed)
            if setting.parameter.show.choices is not None:
                setting.changed.connect(self._enable_run)
                setting.changed.connect(self._show_estimate)
            if self.job.live and setting.parameter.show.slider is not None:
                setting.changed.connect(self._watch_slider)
        if self.probe is None:
            self.run_button.clicked.connect(self._run_or_cancel)
        else:
            self.run_button.toggled.connect(self.probe.listen)
        self.save_button.clicked.connect(self.save)
        self.report_button.clicked.connect(self.save_report)
        self.workspace.models_changed.connect(self._list_models)
        self.live_box.toggled.connect(self._toggle_preview)
        if self.preview is not None:
            self.preview.failed.connect(self.foot.say_error)
            self.preview.answered.connect(self._show_scalars)
            self.destroyed.connect(self.preview.cancel)
        if self.whole is not None:
            self.whole.found.connect(self._show_grid)
            self.destroyed.connect(self.whole.stop)

    def _connect_parts(self) -> None:
        """Let pictures and next steps say what they have to say in the form's foot."""
        for name, slot in (
            ("failed", self.foot.say_error),
            ("progressed", self.foot.show_progress),
            ("began", self.foot.begin),
            ("ended", self.foot.end),
        ):
            getattr(self.next_steps, name).connect(slot)
        for maker in self.makers:
            maker.failed.connect(self.foot.say_error)
            maker.made.connect(self._watch_slider)
        if self.pictures is not None:
            self.pictures.follow(self.settings[self.pictures.choice.name])
            self.pictures.began.connect(partial(self.foot.say, ""))
            self.pictures.failed.connect(self.foot.say_error)
            self.pictures.made.connect(partial(scroll_to, self.area, self.pictures))

    def disconnect_viewer(self) -> None:
        """Stop listening to the viewer, before the form is thrown away."""
        events = self.viewer.layers.events
        for event in (events.inserted, events.removed):
            event.disconnect(self._layers_changed)
        events.reordered.disconnect(self.refresh)
        self.workspace.models_changed.disconnect(self._list_models)
        if self.preview is not None:
            self.preview.stop()
        if self.pictures is not None:
            self.pictures.stop()
        self.next_steps.stop()
        if self.probe is not None:
            self.probe.listen(False)
        if self.whole is not None:
            self.whole.stop()

    def _list_models(self) -> None:
        """List anew what was trained, imported or removed meanwhile."""
        for setting in self.settings.values():
            setting.refresh()
        self._enable_run()

    def _layers_changed(self, event: Any) -> None:
        self.refresh()
        if self.entry is None and role_of(event.value) not in ("preview", TOOL):
            self.choose_defaults()

    def refresh(self, *_: Any) -> None:
        """List the viewer's layers anew."""
        for choice in self.inputs:
            choice.fill(list(self.viewer.layers))
        self._inputs_changed()

    def choose_defaults(self) -> None:
        """Fill the inputs with the layers that fit."""
        active = self.viewer.layers.selection.active
        choose_defaults(self.inputs, list(self.viewer.layers), active)
        self._inputs_changed()

    def chosen_layers(self) -> list[Any]:
        """All layers chosen as inputs."""
        return [layer for choice in self.inputs for layer in choice.layers]

    def values(self) -> dict[str, Any]:
        """Nouns and parameters as they stand in the form.

        Raises
        ------
        MapscopeError
            If an input is missing or does not fit.
        """
        nouns = {choice.parameter.name: choice.noun() for choice in self.inputs}
        given = {name: noun for name, noun in nouns.items() if noun is not None}
        return given | {name: setting.value for name, setting in self.settings.items()}

    def _inputs_changed(self) -> None:
        """Ask for a missing voxel size, estimate, and preview."""
        for maker in self.makers:
            maker.refresh(next(iter(self.chosen_layers()), None))
        self._enable_run()
        self._show_estimate()
        self._settings_changed()

    def _enable_run(self) -> None:
        """Let it run, or be cancelled, where no voxel size is missing and no list is empty."""
        is_asking = self.voxel_row.ask(self.chosen_layers())
        is_empty = any(setting.is_empty for setting in self.settings.values())
        self.run_button.setEnabled(self._is_running() or not (is_asking or is_empty))

    def _show_estimate(self) -> None:
        """Time and memory, at once or as soon as it is known what will come out."""
        if self.whole is not None:
            self.whole.request()
        else:
            self.estimate.setText(self._estimate_text())

    def _estimate_text(self, grid: Grid | None = None) -> str:
        return estimate_text(self.job, self.chosen_layers(), grid, variant=self._variant)

    @property
    def _variant(self) -> str:
        """What the job's time depends on beside the layers: the model that is chosen."""
        listed = (s for s in self.settings.values() if s.parameter.show.choices is not None)
        return " ".join(str(setting.value) for setting in listed)

    def _show_grid(self, grid: Grid | None) -> None:
        """Say what will come out, and show what *auto* comes to."""
        self.estimate.setText("" if grid is None else self._estimate_text(grid))
        if grid is not None and VOXEL_SIZE in self.settings:
            self.settings[VOXEL_SIZE].suggest(grid.voxel_size[0])

    def _settings_changed(self) -> None:
        if self.whole is not None:
            self.whole.request()
        if self.pictures is not None:
            self.pictures.forget_others()
        if self.preview is not None and self.live_box.isChecked():
            self.preview.request()

    def _watch_slider(self) -> None:
        """Show what a slider does as soon as somebody moves it, or a new input once it is made."""
        if self.job.live and not self._is_running():
            self.live_box.setChecked(True)

    def _toggle_preview(self, on: bool) -> None:
        assert self.preview is not None
        if on:
            self.preview.request()
        else:
            self.preview.stop()

    def _is_running(self) -> bool:
        return self.entry is not None and not self.entry.run.is_over

    def _run_or_cancel(self) -> None:
        if self._is_running():
            assert self.entry is not None
            self.entry.run.cancel()
            self.run_button.setText("Cancelling…")
            self.run_button.setEnabled(False)
        else:
            self.run()

    def run(self, **extra: Any) -> None:
        """Run the job with what stands in the form; errors are shown under the button."""
        self.foot.say("")
        try:
            values = self.job.check(**self.values(), **extra)
        except MapscopeError as error:
            self.foot.say_error(error)
            return
        if self.preview is not None:
            self.preview.pause()
        if self.pictures is not None:
            self.pictures.stop()
        self.next_steps.setVisible(False)
        layers = self.chosen_layers()
        anchor = layers[0] if layers else None
        name = anchor.name if anchor is not None else self.job.title
        self.entry = self.workspace.start(self.job, values, object_name(name), anchor)
        run = self.entry.run
        run.progressed.connect(self.foot.show_progress)
        run.succeeded.connect(self._show_result)
        run.failed.connect(self.foot.say_error)
        run.cancelled.connect(self._say_cancelled)
        run.ended.connect(self._show_idle)
        self.window().destroyed.connect(run.leave)
        if self.probe is None:
            self.run_button.setText("Cancel")
            self.foot.begin()

    def _show_result(self, _outcome: Any) -> None:
        assert self.entry is not None
        self.save_button.setEnabled(bool(self.entry.nouns))
        self.report_button.setVisible(self.entry.has_report and self.probe is None)
        self._show_scalars(self.entry.scalars)
        self.next_steps.show_result(self.entry)
        if self.entry.record is not None:
            grid = None if self.whole is None else self.whole.grid
            whole = (self.job, self.chosen_layers(), self.entry.record.seconds, grid)
            if not self.entry.parameters.get("region"):
                note_duration(*whole, variant=self._variant)

    def _show_scalars(self, scalars: dict[str, Any]) -> None:
        """Say what came out, and show what *auto* came to."""
        self.foot.say(answer_text(self.job, scalars), all_numbers_text(self.job, scalars))
        for name, value in scalars.items():
            if name in self.settings and isinstance(value, float):
                self.settings[name].suggest(value)

    def _show_idle(self) -> None:
        if self.probe is None:
            self.run_button.setText("Run")
        self._enable_run()
        self.foot.end()
        self.live_box.setChecked(False)
        self._show_estimate()
        self.ended.emit(self.entry)

    def _say_cancelled(self) -> None:
        assert self.entry is not None
        self.save_button.setEnabled(bool(self.entry.nouns))
        kept = "what was done is kept in its folder" if self.job.home else "nothing was changed"
        self.foot.say(self.entry.message or f"Cancelled; {kept}.")

    def save(self) -> None:
        """Ask for a file name and write the result there, with its record."""
        if self.entry is not None:
            save_entry(self, self.entry, self.foot.say)

    def save_report(self) -> None:
        """Ask for a file name and write a page about the result there."""
        if self.entry is not None:
            save_report(self, self.entry, self.foot.say)
