"""What can be done with a result at once, below the form that it came from."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from mapscope.errors import InputError, MapscopeError
from mapscope.job import Job
from mapscope.jobs import all_jobs
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.editing.editing import editing_of
from mapscope.viewer.follow_up import FollowUp, shows
from mapscope.viewer.layers import role_of
from mapscope.viewer.previewed import NAME as PREVIEW
from mapscope.viewer.protecting import begin_painting, end_painting
from mapscope.viewer.roles import CHANCES, PROTECTED
from mapscope.viewer.views.connections import Connections
from mapscope.viewer.workspace import Entry, workspace_of


class NextSteps(QWidget):
    """A slider, colours, a brush, a wipe and further jobs, as far as a result allows.

    A live job that needs nothing but outputs of the result becomes a slider, any other such job
    a button. A map of chances colours the surface of the first map; what the live job can be
    told to keep is painted; what it begins with is compared with what came out.

    Parameters
    ----------
    job : Job
        The job whose results it is about.
    viewer : napari.Viewer
        Where they are shown.
    """

    failed = Signal(object)
    progressed = Signal(float, str)
    began = Signal()
    ended = Signal()

    def __init__(self, job: Job, viewer: Any) -> None:
        super().__init__()
        self.job, self.viewer = job, viewer
        self.entry: Entry | None = None
        after = jobs_after(job)
        live = next((one for one in after if one.live), None)
        self.follow = None if live is None else FollowUp(live, viewer)
        self.color_button = _button("Colour", "Show the first map in 3D, its surface coloured.")
        self.protect_button = _button(
            "Protect", "Paint over what shall stay as the data show it, such as a ligand."
        )
        self.wipe_button = _button("Before and after", "Both on either side of a divider.")
        for button in (self.protect_button, self.wipe_button):
            button.setCheckable(True)
        self.job_buttons = {j.name: _button(j.title, j.summary) for j in after if j is not live}
        self._painted: Any = None
        self._awaited: MapSurface | None = None
        self._connections = Connections()
        self._lay_out()
        self._connect()
        self.setVisible(False)

    def _lay_out(self) -> None:
        """The slider, and below it the buttons."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        if self.follow is not None:
            layout.addWidget(self.follow)
        for buttons in (
            (self.color_button, self.protect_button, self.wipe_button),
            tuple(self.job_buttons.values()),
        ):
            row = QHBoxLayout()
            row.setSpacing(2)
            for button in buttons:
                row.addWidget(button)
            layout.addLayout(row)

    def _connect(self) -> None:
        """Listen to the buttons, to the slider's job, and to what is painted."""
        self.color_button.clicked.connect(lambda: self._try(self.color))
        self.protect_button.clicked.connect(lambda: self._try(self.protect))
        self.wipe_button.clicked.connect(lambda: self._try(self.wipe))
        for name, button in self.job_buttons.items():
            button.clicked.connect(partial(self._open, name))
        # Bound methods of a widget: Qt forgets them when it is gone.
        contours_of(self.viewer).ready.connect(self._show_surface)
        contours_of(self.viewer).said.connect(self._say_of_surface)
        if self.follow is not None:
            for name in ("failed", "progressed", "began", "ended"):
                getattr(self.follow, name).connect(getattr(self, name))
            self.follow.began.connect(self._leave)
            editing_of(self.viewer).changed.connect(self._edited)
        self._connections.add(self.viewer.layers.events.removed, self._layer_removed)
        self._connections.add(self.viewer.layers.selection.events.active, self._selected)
        self.destroyed.connect(self._connections.end)

    def show_result(self, entry: Entry) -> None:
        """Offer what goes on from a result that is in the viewer now."""
        self.entry = entry
        first, chance = self.layer, self.chance
        if self.follow is not None and first is not None:
            self.follow.begin(first, entry.scalars)
        is_colored = first is not None and type(first).__name__ == "Image" and chance is not None
        self.color_button.setVisible(is_colored)
        if chance is not None:
            self.color_button.setText(f"Colour by {role_of(chance)}")
        has_slider = self.follow is not None and first is not None
        names = [] if self.follow is None else [c.parameter.name for c in self.follow.inputs]
        self.protect_button.setVisible(has_slider and PROTECTED in names)
        self.wipe_button.setVisible(has_slider)
        self.setVisible(is_colored or has_slider or bool(self.job_buttons))

    @property
    def layer(self) -> Any:
        """The layer of the first noun of the result, while it is open."""
        return self._layer_of(0)

    @property
    def chance(self) -> Any:
        """The layer of its map of chances, or None."""
        made = self._nouns()
        of_run = [la for la in self.viewer.layers if any(shows(la, noun) for noun in made)]
        return next((la for la in of_run if role_of(la) in CHANCES), None)

    def color(self) -> None:
        """Show the surface of what came out last, coloured by its chances, in 3D.

        The view turns to 3D once the surface is there: until then it would draw the whole map.

        Raises
        ------
        MapscopeError
            If it cannot be contoured.
        """
        self._leave()
        shown, contours = self._shown(), contours_of(self.viewer)
        shown.visible = True
        self._awaited = contours.current(shown) or contours.show(shown)
        contours.color_by(self._awaited, self.chance)
        self.viewer.layers.selection.active = shown

    def _show_surface(self, surface: MapSurface) -> None:
        """Turn to 3D once the surface that was asked for has its colours."""
        if surface is self._awaited and surface.coloring.by == "map" and surface.made is not None:
            self._awaited = None
            self.viewer.dims.ndisplay = 3

    def _say_of_surface(self, text: str) -> None:
        """Tell why there is no surface."""
        surface = self._awaited
        if surface is not None and surface.made is None and not surface.is_being_made:
            self._awaited = None
            self.failed.emit(InputError(text))

    def protect(self) -> None:
        """Take the brush, or put it down.

        Raises
        ------
        MapscopeError
            If there is no map to paint on.
        """
        is_down = self.protect_button.isChecked()
        if not is_down:
            self._put_brush_down()
            return
        self._leave(but=self.protect_button)
        self._painted = begin_painting(self.viewer, self.layer)

    def wipe(self) -> None:
        """Show what the slider's job begins with on the left, what came out on the right.

        Raises
        ------
        MapscopeError
            If one of the two is no longer there.
        """
        from mapscope.viewer.window import open_docks

        form = open_docks(self.viewer)["View"].compare_form
        if not self.wipe_button.isChecked():
            form.show_mode("off")
            return
        self._leave(but=self.wipe_button)
        assert self.follow is not None
        self.follow.values()
        comparison = form.compare(self.follow.inputs[0].choices[0].layer, self._shown())
        comparison.ended.connect(self._wipe_ended)
        form.show_mode("wipe")

    def stop(self) -> None:
        """Leave the viewer as it was, before the form is thrown away."""
        self._leave()
        if self.follow is not None:
            self.follow.stop()
            editing_of(self.viewer).changed.disconnect(self._edited)
        self._connections.end()

    def _leave(self, *, but: QPushButton | None = None) -> None:
        """Put the brush down, end the wipe and take the region away, whichever there is."""
        if self.follow is not None:
            self.follow.stop()
        if but is not self.protect_button and self.protect_button.isChecked():
            self.protect_button.setChecked(False)
            self._put_brush_down()
        if but is not self.wipe_button and self.wipe_button.isChecked():
            self.wipe_button.setChecked(False)
            self.wipe()

    def _put_brush_down(self) -> None:
        if self._painted is not None:
            end_painting(self._painted)
        self._painted = None

    def _edited(self) -> None:
        """Show what a stroke changes, on the region."""
        if self.follow is not None and self.protect_button.isChecked() and not self.isHidden():
            editor = editing_of(self.viewer).editor_of(self._painted)
            # napari tells of a dab before the layer has it; the log has it already.
            if editor is not None and len(editor.log.labels.numbers):
                self.follow.preview.request()

    def _selected(self, _event: Any = None) -> None:
        """Who selects another layer has put the brush down; a preview is selected by nobody."""
        active = self.viewer.layers.selection.active
        if active is None or role_of(active) == PREVIEW or self._painted in (None, active):
            return
        self.protect_button.setChecked(False)
        self._put_brush_down()

    def _layer_removed(self, _event: Any = None) -> None:
        """Without the layers of the result nothing can be done with it."""
        if self.entry is not None and self.layer is None:
            self.entry = None
            self.setVisible(False)

    def _wipe_ended(self) -> None:
        self.wipe_button.setChecked(False)

    def _shown(self) -> Any:
        return self.layer if self.follow is None else self.follow.shown

    def _nouns(self) -> list[Any]:
        return [] if self.entry is None else list(self.entry.nouns.values())

    def _layer_of(self, number: int) -> Any:
        nouns = self._nouns()
        found = (la for la in self.viewer.layers if nouns and shows(la, nouns[number]))
        return next(found, None)

    def _open(self, name: str, _is_down: bool = False) -> None:
        workspace_of(self.viewer).job_opened.emit(name)

    def _try(self, act: Any) -> None:
        """Do it, or tell why not."""
        try:
            act()
        except MapscopeError as error:
            for button in (self.protect_button, self.wipe_button):
                button.setChecked(False)
            self.failed.emit(error)


def jobs_after(job: Job) -> list[Job]:
    """The jobs that go on from a job: they require several of its outputs, and nothing else.

    A job that requires one noun takes it from anywhere, whatever it is called.
    """
    return [other for other in all_jobs().values() if _goes_on(other, job)]


def jobs_before(job: Job) -> list[Job]:
    """The jobs that a job goes on from."""
    return [other for other in all_jobs().values() if _goes_on(job, other)]


def _goes_on(job: Job, first: Job) -> bool:
    needs = {(p.name, p.noun) for p in job.inputs if p.required}
    given = {(output.name, output.noun) for output in first.outputs}
    return job is not first and len(needs) > 1 and needs <= given


def _button(text: str, tip: str) -> QPushButton:
    """A button with what it does."""
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
