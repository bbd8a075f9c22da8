"""A structure looked for in a tomogram, click by click, for ``scripts/pictures.py``.

Run by itself it takes a picture of the window after each step of the walk, from the files that
are dropped to the list that is exported:
``xvfb-run -a -s "-screen 0 1600x1200x24 +extension GLX" python scripts/picture_matching.py
MODEL.pdb.gz FOLDER [light]``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from imageio.v3 import imwrite
from picture_walk import wait
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from mapscope import read, write
from mapscope.jobs.simulation.simulate_tomogram import simulate_tomogram
from mapscope.viewer.start import open_dock
from mapscope.viewer.window import PLUGIN

SHAPE: dict[str, Any] = {"planes": 64, "rows": 160, "columns": 160}
NUMBER, SIGNAL_TO_NOISE = 40, 0.02
"""Of particles, and of the images: that of SHREC'19."""
TILT = 60.0
SHARE = 0.1
"""Of the range of scores, up to which the threshold goes."""
WINDOW = (1600, 1000)
LONG = 1800
THICK = 100.0
"""Å about the plane of the picture, in which the most picks lie."""


def main(model: str, folder: str, theme: str = "dark") -> int:
    """Take a picture of each step."""
    import napari

    from mapscope.viewer.window import open_docks

    Path(folder).mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer(title="Mapscope")
    viewer.theme = theme
    viewer.window.resize(*WINDOW)
    docks = open_docks(viewer)
    with tempfile.TemporaryDirectory() as own:
        os.environ["MAPSCOPE_EDITS"] = own
        for number, name in enumerate(matching_walk(viewer, docks, Path(model), Path(own))):
            QTest.qWait(500)
            picture = viewer.screenshot(canvas_only=False, flash=False)[..., :3]
            imwrite(Path(folder) / f"{number}-{name}-{theme}.png", picture)
            print(number, name, flush=True)
        viewer.close()
    return 0


def matched_structure(viewer: Any, docks: dict[str, Any], path: Path, folder: Path) -> None:
    """Half a rubisco found in a simulated tomogram, above a threshold, beside its histogram."""
    steps = matching_walk(viewer, docks, path, folder)
    while next(steps) != "threshold":
        pass
    depths = docks["Picks"].list.picks.positions[:, 0]
    counts = [(np.abs(depths - depth) < THICK / 2).sum() for depth in depths]
    viewer.dims.set_point(0, depths[np.argmax(counts)])
    viewer.reset_view()
    QTest.qWait(2000)


def matching_walk(viewer: Any, docks: dict[str, Any], path: Path, folder: Path) -> Iterator[str]:
    """The walk from a tomogram and a structure to an exported list; gives the name of each step.

    The widgets are those that are clicked on; a file dialog is answered with a name in `folder`.
    """
    tomogram = _tomogram(path, folder)
    viewer.open([str(tomogram), str(path)], plugin=PLUGIN)
    viewer.dims.ndisplay = 2
    viewer.reset_view()
    yield "opened"
    docks["Jobs"].suggestion_buttons()[0].click()
    form = docks["Jobs"].form
    form.settings["lowest_tilt"].value, form.settings["highest_tilt"].value = -TILT, TILT
    yield "form"
    (maker,) = form.makers
    maker.click()
    wait(lambda: maker.entry.state != "running")
    yield "template"
    wait(lambda: form.preview.layer is not None, seconds=LONG)
    yield "region"
    form.run_button.click()
    _wait_for(form)
    yield "everywhere"
    dock = docks["Picks"]
    open_dock(viewer, "Picks")
    wait(lambda: len(dock.gallery.order) > 0)
    edges = dock.histogram.edges
    threshold = float(edges[0] + SHARE * (edges[-1] - edges[0]))
    dock.histogram.show_threshold(threshold)
    dock.list.choose(threshold=threshold)
    wait(lambda: len(dock.gallery.order) == dock.list.fate.kept)
    yield "threshold"
    dock.visit(int(dock.gallery.order[0]))
    yield "gallery"
    dock.average_button.click()
    _wait_for(dock.average_button)
    yield "average"
    file = str(folder / "found.star"), ""
    asked, QFileDialog.getSaveFileName = QFileDialog.getSaveFileName, lambda *_, **__: file
    dock.export_button.button.click()
    QFileDialog.getSaveFileName = asked
    yield "exported"


def _tomogram(path: Path, folder: Path) -> Path:
    """A file of a tomogram with copies of a structure in it."""
    made = simulate_tomogram(
        read(path),
        assembly="asymmetric_unit",
        number=NUMBER,
        signal_to_noise=SIGNAL_TO_NOISE,
        **SHAPE,
    )
    return Path(write(folder / "tomogram.mrc", made.tomogram))


def _wait_for(maker: Any) -> None:
    """Wait for a run, which must come to its end well."""
    wait(lambda: maker.entry.state != "running", seconds=LONG)
    if maker.entry.state != "done":
        raise RuntimeError(maker.entry.message)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
