"""The View dock: slices, slabs, noise, particles, scale, two maps compared, pictures, movies."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from napari.viewer import Viewer
from psygnal import EmitLoopError
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from mapscope.viewer.help import add_help
from mapscope.viewer.particles.form import ParticlesForm
from mapscope.viewer.views.compare import Comparison
from mapscope.viewer.views.compare_form import CompareForm
from mapscope.viewer.views.connections import Connections
from mapscope.viewer.views.filter_form import FilterForm
from mapscope.viewer.views.picture_form import PictureForm
from mapscope.viewer.views.scale_form import ScaleForm
from mapscope.viewer.views.slice_form import SliceForm
from mapscope.viewer.workspace import bare_viewer, workspace_of

LAYER_CHANGES = ("inserted", "removed", "reordered", "renamed", "units")


class ViewDock(QWidget):
    """How to look at what is open.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "view"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.workspace = workspace_of(napari_viewer)
        self.compare_form = CompareForm(self.viewer)
        self.slice_form = SliceForm(self.viewer)
        self.scale_form = ScaleForm(self.viewer)
        self.picture_form = PictureForm(self.viewer)
        self.filter_form = FilterForm(self.viewer)
        self.particles_form = ParticlesForm(self.viewer)
        self.forms = (
            self.picture_form,
            self.scale_form,
            self.slice_form,
            self.filter_form,
            self.particles_form,
            self.compare_form,
        )
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setVisible(False)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.refresh)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        """All forms below each other, scrolled where the column is short."""
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(2, 2, 2, 2)
        for form in self.forms:
            column.addWidget(form)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(scroll, stretch=1)
        layout.addWidget(self.message)
        add_help(self, layout)

    def _connect(self) -> None:
        connections = Connections()
        for name in LAYER_CHANGES:
            connections.add(getattr(self.viewer.layers.events, name), self._refresh_soon)
        connections.add(self.viewer.dims.events.ndisplay, self._refresh_soon)
        connections.add(self.viewer.layers.selection.events.active, self._refresh_soon)
        self.destroyed.connect(connections.end)
        self.destroyed.connect(partial(_end, self.forms))
        for form in (self.slice_form, self.particles_form, self.compare_form):
            form.said.connect(self._say)

    def compare(self, first: Any, second: Any) -> Comparison:
        """Compare two maps, as if they had been chosen here.

        Parameters
        ----------
        first, second : Image
            The layers of maps A and B.

        Raises
        ------
        InputError
            If the two are not two maps.
        """
        return self.compare_form.compare(first, second)

    def refresh(self) -> None:
        """List the layers that are there, grey what cannot be used now, and say why."""
        for form in self.forms:
            form.refresh()

    def end(self) -> None:
        """Leave the viewer as it was."""
        _end(self.forms)

    def _refresh_soon(self, *_: Any) -> None:
        """Refresh once for many changes of one moment."""
        self._soon.start(0)

    def _say(self, text: str) -> None:
        """Show a line under the forms."""
        self.message.setText(text)
        self.message.setVisible(bool(text))


def _end(forms: tuple[Any, ...], *_: Any) -> None:
    """Leave the viewer as it was; a window that is being closed has less to leave."""
    for form in forms:
        with suppress(RuntimeError, EmitLoopError):
            form.end()
