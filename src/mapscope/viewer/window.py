"""A napari window with Mapscope's docks in one column on the right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import napari
from napari.layers import Layer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow

from mapscope.files import parse_address
from mapscope.viewer.contour import connect_wheel
from mapscope.viewer.docks.history import HistoryDock
from mapscope.viewer.docks.info import InfoDock
from mapscope.viewer.docks.jobs import JobsDock
from mapscope.viewer.docks.plot import PlotDock
from mapscope.viewer.forms import JobForm
from mapscope.viewer.reader import read_layers
from mapscope.viewer.workspace import workspace_of

PLUGIN = "napari-mapscope"
LOWER_DOCKS = ("Info", "Plot", "History")
COLUMN_WIDTH = 400
JOBS_SHARE = 0.5
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
    """Show Jobs over Info, Plot and History as tabs; each is made once.

    Returns
    -------
    dict of str to QWidget
        The docks' widgets by name.
    """
    window = viewer.window
    already = len(window.dock_widgets)
    frames: dict[str, QDockWidget] = {}
    widgets: dict[str, Any] = {}
    for name in ("Jobs", *LOWER_DOCKS):
        frames[name], widgets[name] = window.add_plugin_dock_widget(
            PLUGIN, name, tabify=name in LOWER_DOCKS[1:]
        )
        frames[name].setWindowTitle(name)
    if len(window.dock_widgets) > already:
        _arrange_soon(frames)
        connect_wheel(viewer)
        workspace_of(viewer).table_shown.connect(lambda _table: frames["Plot"].raise_())
    return widgets


def _arrange_soon(frames: dict[str, QDockWidget]) -> None:
    """Arrange the column when Qt's loop comes round: only then are docks laid out."""
    timer = QTimer(frames["Jobs"])
    timer.setSingleShot(True)
    timer.timeout.connect(partial(_share_column, frames))
    timer.start(0)


def _share_column(frames: dict[str, QDockWidget]) -> None:
    """Give the column a width that forms need, and its upper part a little more height."""
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
    dock = open_docks(viewer)["Jobs"]
    form: JobForm = dock.open(name)
    return form


__all__ = ["HistoryDock", "InfoDock", "JobsDock", "PlotDock", "open_docks", "open_job"]
