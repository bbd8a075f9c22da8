"""A napari window with Mapscope's docks in one column on the right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import napari
from napari.layers import Layer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QDockWidget, QMainWindow

from mapscope.files import parse_address
from mapscope.viewer.contour import connect_wheel
from mapscope.viewer.forms import JobForm
from mapscope.viewer.layers import role_of
from mapscope.viewer.picks.reading import PARTICLES
from mapscope.viewer.reader import read_layers
from mapscope.viewer.start import open_dock
from mapscope.viewer.workspace import workspace_of

PLUGIN = "napari-mapscope"
UPPER_DOCKS = ("Jobs", "Contour", "Structure", "View", "Edit", "Picks", "Train")
LOWER_DOCKS = ("Info", "Plot", "History")
BACKBONE = "backbone"
GO_TO = "Ctrl+L"
COLUMN_WIDTH = 400
JOBS_SHARE = 0.58
"""Part of the column's height that the Jobs dock gets at first."""


def open_window(paths: Sequence[str] = (), *, sample: bool = False) -> None:
    """Open napari with all docks and some files, and stay until it is closed.

    Parameters
    ----------
    paths : sequence of str
        Files to open, each with reading options where some follow.
    sample : bool
        Also open the sample half maps and their structure.
    """
    viewer = napari.Viewer(title="Mapscope")
    open_docks(viewer)
    if sample:
        viewer.open_sample(PLUGIN, "four_helix_bundle")
    for path in paths:
        open_path(viewer, path)
    napari.run()


def open_path(viewer: napari.Viewer, path: str) -> None:
    """Open a file through napari; one with reading options, which napari takes for a name, here."""
    if str(parse_address(path).path) == str(Path(path)):
        viewer.open(path, plugin=PLUGIN)
        return
    for data, attributes, kind in read_layers(path):
        viewer.add_layer(Layer.create(data, attributes, kind))


def open_docks(viewer: napari.Viewer) -> dict[str, Any]:
    """Show what acts (Jobs, Contour, …) over what tells (Info, …), as tabs; each is made once.

    Returns
    -------
    dict of str to QWidget
        The docks' widgets by name.
    """
    window = viewer.window
    already = len(window.dock_widgets)
    frames: dict[str, QDockWidget] = {}
    widgets: dict[str, Any] = {}
    for name in (*UPPER_DOCKS, *LOWER_DOCKS):
        frames[name], widgets[name] = window.add_plugin_dock_widget(PLUGIN, name)
        frames[name].setWindowTitle(name)
    if len(window.dock_widgets) > already:
        _put_into_tabs(frames)
        _arrange_soon(frames)
        connect_wheel(viewer)
        viewer.layers.events.inserted.connect(_show_in_3d)
        viewer.layers.events.inserted.connect(_show_picks)
        shortcut = QShortcut(QKeySequence(GO_TO), frames["Structure"].window())
        shortcut.activated.connect(partial(_ask_where_to, viewer))
        workspace = workspace_of(viewer)
        for signal in (workspace.table_shown, workspace.answered):
            # Its method itself: a function that names the docks would keep them, and so the viewer.
            signal.connect(frames["Plot"].raise_)
    return widgets


def _show_in_3d(event: Any) -> None:
    """Turn to 3D when a first model comes: in a slice little of it can be seen."""
    layers, new = event.source, event.value
    models = [layer for layer in layers if role_of(layer) == BACKBONE]
    is_huge = any(getattr(layer, "multiscale", False) for layer in layers)
    viewer = napari.current_viewer()
    if models == [new] and not is_huge and viewer is not None and viewer.layers is layers:
        viewer.dims.ndisplay = 3
        viewer.reset_view()


def _show_picks(event: Any) -> None:
    """Show the Picks dock when the first list of picks is opened."""
    layers, new = event.source, event.value
    lists = [layer for layer in layers if role_of(layer) == PARTICLES]
    viewer = napari.current_viewer()
    is_first = lists == [new] and "file" in new.metadata
    if is_first and viewer is not None and viewer.layers is layers:
        open_dock(viewer, "Picks")


def _ask_where_to(viewer: napari.Viewer) -> None:
    """Show the Structure dock, with the cursor where a residue is typed."""
    open_dock(viewer, "Structure").ask_where_to()


def _put_into_tabs(frames: dict[str, QDockWidget]) -> None:
    """Lay the docks of each half of the column over each other, in their order."""
    main = frames["Jobs"].parent()
    if isinstance(main, QMainWindow):
        for first, *others in (UPPER_DOCKS, LOWER_DOCKS):
            for name in others:
                main.tabifyDockWidget(frames[first], frames[name])


def _arrange_soon(frames: dict[str, QDockWidget]) -> None:
    """Arrange the column when Qt's loop comes round: only then are docks laid out."""
    timer = QTimer(frames["Jobs"])
    timer.setSingleShot(True)
    timer.timeout.connect(partial(_share_column, frames))
    timer.start(0)


def _share_column(frames: dict[str, QDockWidget]) -> None:
    """Give the column a width that forms need, and its upper part a little more height."""
    frames["Jobs"].raise_()
    frames["Info"].raise_()
    window = frames["Jobs"].window()
    if isinstance(window, QMainWindow):
        pair = [frames["Jobs"], frames["Info"]]
        window.resizeDocks(pair, [COLUMN_WIDTH] * 2, Qt.Orientation.Horizontal)
        heights = [round(share * window.height()) for share in (JOBS_SHARE, 1 - JOBS_SHARE)]
        window.resizeDocks(pair, heights, Qt.Orientation.Vertical)


def open_job(name: str) -> JobForm:
    """Show the form of a job in the Jobs dock of the current viewer.

    Raises
    ------
    RuntimeError
        If there is no viewer.
    """
    viewer = napari.current_viewer()
    if viewer is None:
        raise RuntimeError("open a napari viewer first")
    dock = open_dock(viewer, "Jobs")
    form: JobForm = dock.open(name)
    return form


__all__ = ["open_docks", "open_job", "open_path", "open_window"]
