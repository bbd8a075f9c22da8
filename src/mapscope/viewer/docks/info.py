"""The Info dock: what the selected layer is, how large, and where it lies."""

from __future__ import annotations

from html import escape
from typing import Any
from weakref import WeakKeyDictionary

from napari.viewer import Viewer
from qtpy.QtCore import QUrl, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.files import writable_suffixes
from mapscope.files.result import write_nouns
from mapscope.inspection import (
    Finding,
    Inspection,
    findings_of_noun,
    inspect_noun,
    settings_for,
)
from mapscope.jobs import all_jobs
from mapscope.labels import Labels
from mapscope.record import source_of
from mapscope.structure import Structure
from mapscope.viewer.docks.read_as import ReadAs
from mapscope.viewer.facts import facts_of_layer
from mapscope.viewer.help import add_help
from mapscope.viewer.layers import (
    LARGE_BYTES,
    noun_from_layer,
    role_of,
    tag_of,
)
from mapscope.viewer.roles import TEMPLATE
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.viewer.workspace import Entry, bare_viewer, workspace_of
from mapscope.volume import Volume

CHANGES = ("scale", "translate", "units", "name", "data")
"""What may change about a layer while it is shown here."""

MEND = "mend:"
LINK_COLOR = "#3b9cff"
SEVERITY_COLORS = {"error": "#ff7b72", "warning": "#ffb454", "note": "#59c2ff"}

OF_TEMPLATES = ("origin_off_grid", "filtered")
"""Findings that are no fault in a template: it has a frame of its own, and no finer detail."""

NOTHING = "Select a layer to see what it is."


class InfoDock(QWidget):
    """Facts about the selected layer, what is wrong with it, and what mends it.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    looked = Signal()

    HELP = "info"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.workspace = workspace_of(napari_viewer)
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._clicked)
        self.voxel_size = QDoubleSpinBox()
        self.voxel_size.setRange(0.01, 1000.0)
        self.voxel_size.setDecimals(4)
        self.voxel_size.setValue(1.0)
        self.voxel_size.setSuffix(" Å")
        self.voxel_row = QWidget()
        row = QHBoxLayout(self.voxel_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("True voxel size"))
        row.addWidget(self.voxel_size, stretch=1)
        self.read_as = ReadAs(self.viewer)
        self.read_as.failed.connect(self._say)
        self.save_button = QPushButton("Save…")
        self.save_button.setToolTip("Write the selected map or structure, with its record.")
        self.save_button.clicked.connect(self._save)
        self.message = QLabel()
        self.message.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        for widget in (
            self.text,
            self.read_as,
            self.voxel_row,
            self.save_button,
            self.message,
        ):
            layout.addWidget(widget)
        add_help(self, layout)
        self.findings: tuple[Finding, ...] = ()
        self._watched: Any = None
        self._inspections: WeakKeyDictionary[Any, tuple[Finding, ...]] = WeakKeyDictionary()
        self._run: Run | None = None
        napari_viewer.layers.selection.events.active.connect(self.refresh)
        for event in (napari_viewer.layers.events.inserted, napari_viewer.layers.events.removed):
            event.connect(self._offer)
        self.refresh()

    def _watch(self, layer: Any) -> None:
        """Follow what may change about a layer, and no longer the one before."""
        for watched, change in ((self._watched, "disconnect"), (layer, "connect")):
            for event in CHANGES if watched is not None else ():
                getattr(getattr(watched.events, event), change)(self.refresh)
        self._watched = layer

    def refresh(self, *_: Any) -> None:
        """Write down facts and findings of the active layer."""
        layer = self.viewer.layers.selection.active
        if layer is not self._watched:
            self._watch(layer)
        noun = None if layer is None else _noun_of(layer)
        self.findings = _that_matter(self._findings_of(noun), layer)
        self.voxel_row.setVisible(any(_asks_voxel_size(f) for f in self.findings))
        self.save_button.setEnabled(isinstance(noun, Volume | Labels | Structure))
        self.message.setVisible(False)
        self._offer()
        if layer is None:
            self.text.setPlainText(NOTHING)
            return
        cells = "".join(
            f"<tr><td style='padding-right:12px'>{escape(name)}</td><td>{escape(value)}</td></tr>"
            for name, value in facts_of_layer(layer)
        )
        blocks = "".join(_finding_html(n, found) for n, found in enumerate(self.findings))
        tag = tag_of(layer)
        self.text.setToolTip((tag and source_of(tag.noun).path) or "")
        self.text.setHtml(f"<b>{escape(layer.name)}</b>{blocks}<table>{cells}</table>")

    def _offer(self, *_: Any) -> None:
        """Show how the active layer's file is read, with the models that are open now."""
        self.read_as.look_at(self.viewer.layers.selection.active)

    def _findings_of(self, noun: Any) -> tuple[Finding, ...]:
        """What is known of a noun now; a closer look is begun where there was none yet."""
        if not isinstance(noun, Volume):
            return ()
        if noun not in self._inspections:
            self._inspections[noun] = findings_of_noun(noun)
            self._look_closer(noun)
        return self._inspections[noun]

    def _look_closer(self, noun: Volume) -> None:
        """Inspect with Fourier transforms beside the window, unless the map is huge."""
        if noun.data.nbytes > LARGE_BYTES:
            return
        if self._run is not None:
            self._run.cancel()
        run = Run(lambda progress: (noun, inspect_noun(noun, progress=progress)))
        # A bound method of a widget: Qt forgets the connection when the dock is closed.
        run.succeeded.connect(self._show_closer)
        self._run = run.start(BACKGROUND)

    def _show_closer(self, found: tuple[Volume, Inspection]) -> None:
        """Show what the closer look found."""
        noun, inspection = found
        self._inspections[noun] = inspection.findings
        self.refresh()
        self.looked.emit()

    def _clicked(self, link: QUrl) -> None:
        """Mend the finding whose link was clicked."""
        self.mend(self.findings[int(link.toString().removeprefix(MEND))])

    def mend(self, finding: Finding) -> Entry | None:
        """Run *mend map* on the selected layer with what mends a finding."""
        layer = self.viewer.layers.selection.active
        number = self.voxel_size.value() if _asks_voxel_size(finding) else None
        try:
            values = all_jobs()["mend_map"].check(
                volume=noun_from_layer(layer), **settings_for(finding, number)
            )
        except MapscopeError as error:
            self._say(str(error))
            return None
        entry = self.workspace.start(all_jobs()["mend_map"], values, layer.name, layer)
        entry.run.failed.connect(lambda error: self._say(str(error)))
        return entry

    def _save(self) -> None:
        """Ask for a file name and write what is selected, with its record."""
        layer = self.viewer.layers.selection.active
        noun = noun_from_layer(layer)
        suffix = writable_suffixes(type(noun))[0]
        path, _ = QFileDialog.getSaveFileName(self, "Save", f"{layer.name}{suffix}")
        if not path:
            return
        try:
            written = write_nouns({"saved": noun}, path)
        except (MapscopeError, OSError) as error:
            self._say(str(error))
            return
        self._say(f"Saved {written[0]}")

    def _say(self, text: str) -> None:
        """Show a line under the buttons."""
        self.message.setText(text)
        self.message.setVisible(True)


def _noun_of(layer: Any) -> Any:
    """The noun of a layer, or None where it cannot stand for one."""
    try:
        return noun_from_layer(layer)
    except MapscopeError:
        return None


def _that_matter(findings: tuple[Finding, ...], layer: Any) -> tuple[Finding, ...]:
    """Findings without those that are no fault in a layer of its role."""
    if layer is None or role_of(layer) != TEMPLATE:
        return findings
    return tuple(found for found in findings if found.code not in OF_TEMPLATES)


def _asks_voxel_size(finding: Finding) -> bool:
    """Whether only the user can say what mends a finding."""
    return finding.mend == "voxel_size="


def _finding_html(number: int, finding: Finding) -> str:
    """A finding with its meaning, its advice and a link that mends it."""
    color = SEVERITY_COLORS[finding.severity]
    link = f" <a href='{MEND}{number}' style='color:{LINK_COLOR}'>Mend</a>"
    link = "" if finding.mend is None else link
    return (
        f"<p><span style='color:{color}'>●</span> <b>{escape(finding.title)}.</b>{link}<br>"
        f"{escape(finding.meaning)} {escape(finding.advice)}</p>"
    )
