"""Picks of the sample tomogram in the Picks dock, for the pictures of ``scripts/pictures.py``.

The sample's list is of what is there. A picker would also find what is not: so as many random
places are added, and the score is the mean density around each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from picture_walk import wait
from qtpy.QtTest import QTest
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

from mapscope import Volume, read, write
from mapscope.particles import ACCEPTED, REJECTED, Particles, in_tomogram
from mapscope.viewer.start import open_dock
from mapscope.viewer.window import PLUGIN

SAMPLES = Path(__file__).parents[1] / "sample_data"
BLUR = 4
"""Voxels of the Gaussian that a score is the mean density in."""
SHARE = 0.3
"""Of the range of scores, up to which the threshold goes."""


def picked(tomogram: Volume, truth: Particles) -> Particles:
    """What is there, and random places as well, with a score."""
    random = np.random.default_rng(0)
    upper = tomogram.grid.world_from_index(np.array(tomogram.shape) - 1)
    wrong = random.uniform(np.zeros(3), upper, (len(truth), 3))
    turns = Rotation.random(len(truth), random_state=0).as_matrix()
    positions = np.concatenate([truth.positions, wrong])
    density = tomogram.contrast * gaussian_filter(tomogram.float32(), BLUR)
    index = tomogram.grid.index_from_world(positions).T
    score = map_coordinates(density, index, order=1, mode="nearest")
    score = (score - score.mean()) / score.std()
    assert truth.rotations is not None
    names = tuple(random.choice(sorted(set(truth.species or ("particle",))), len(wrong)).tolist())
    found = Particles(
        positions,
        np.concatenate([truth.rotations, turns]),
        (*(truth.species or ("particle",) * len(truth)), *names),
        score.round(3),
    )
    return in_tomogram(found, tomogram.grid, "tomogram")


def thresholded_picks(viewer: Any, docks: dict[str, Any], folder: Path) -> Any:
    """The sample with a threshold, a few verdicts and a gallery; gives the dock."""
    tomogram = read(SAMPLES / "tomogram.mrc.gz")
    truth = read(SAMPLES / "tomogram_particles.star", tomogram=tomogram)
    path = write(folder / "tomogram_picks.star", picked(tomogram, truth))
    viewer.open([str(SAMPLES / "tomogram.mrc.gz"), str(path)], plugin=PLUGIN)
    viewer.dims.ndisplay = 2
    open_dock(viewer, "Picks")
    dock = docks["Picks"]
    wait(lambda: len(dock.gallery.order) > 0)
    edges = dock.histogram.edges
    threshold = float(edges[0] + SHARE * (edges[-1] - edges[0]))
    dock.histogram.show_threshold(threshold)
    dock.list.choose(threshold=threshold)
    QTest.qWait(1000)
    dock.visit(int(dock.gallery.order[0]))
    for verdict in (REJECTED, ACCEPTED, ACCEPTED):
        dock.judge(verdict)
    viewer.reset_view()
    QTest.qWait(2000)
    return dock


def averaged_picks(viewer: Any, dock: Any) -> None:
    """The average of the rings that are kept beside their template, its FSC in the Plot dock."""
    (template,) = viewer.open(str(SAMPLES / "tomogram_template.mrc.gz"), plugin=PLUGIN)
    template.visible = False
    dock.classes.set_shown("rod", is_shown=False)
    dock.average.template.choose(template)
    dock.average_button.click()
    wait(lambda: dock.average_button.entry.state != "running", seconds=600)
    QTest.qWait(1000)
