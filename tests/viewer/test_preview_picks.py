"""Live jobs that give particles: their preview is points, in a slab or of a whole list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Points

from mapscope.jobs import filter_particles, pick_blobs
from mapscope.particles import Particles, in_tomogram
from mapscope.viewer.layers import layers_from_noun, noun_from_layer, role_of
from mapscope.viewer.preview import SLAB, region_around
from mapscope.viewer.previewed import NAME, ShownPicks, put_into
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

SOON = 20_000
VOXEL = 10.0
CENTRES = np.array(
    [[12, 20, 30], [20, 60, 40], [40, 30, 300], [70, 150, 180], [76, 40, 60], [33, 120, 90.5]]
)
HEIGHTS = np.array([1.0, 0.5, 1.0, 0.8, 1.0, 0.6])


@pytest.fixture(scope="module")
def tomogram() -> Volume:
    """Balls of several heights in noise, wider than the slab."""
    random = np.random.default_rng(1)
    data = random.normal(0, 0.05, (80, 170, 340)).astype(np.float32)
    z, y, x = np.ogrid[:80, :170, :340]
    for (cz, cy, cx), height in zip(CENTRES, HEIGHTS, strict=True):
        square = (z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2
        data += np.float32(height) * np.exp(-square / 18.0).astype(np.float32)
    return Volume(data, (VOXEL,) * 3, (-100.0, 50.0, 0.0))


def add(desk: Desk, noun: Any, name: str) -> Any:
    """A noun as a layer."""
    (made,) = layers_from_noun(noun, name)
    data, attributes, kind = made
    return getattr(desk.viewer, f"add_{kind}")(data, **attributes)


def test_blobs_follow_the_threshold_in_a_slab_where_one_looks(desk: Desk, tomogram: Volume) -> None:
    add(desk, tomogram, "tomogram")
    desk.viewer.dims.set_point(range(3), (200.0, 500.0, 700.0))
    form: Any = desk.form("pick_blobs")
    form.settings["diameter"].editor.value = 100.0
    for threshold in (20.0, 8.0):
        with desk.qtbot.waitSignal(form.preview.updated, timeout=SOON):
            form.settings["threshold"].editor.value = threshold
        layer = form.preview.layer
        assert isinstance(layer, Points)
        assert layer.name == NAME
        values = form.job.check(**form.values())
        region = region_around(tomogram.grid, (200.0, 500.0, 700.0), SLAB)
        wanted = pick_blobs(**{**values, "volume": tomogram, "region": region})
        np.testing.assert_allclose(layer.data, wanted.picks.positions)
        np.testing.assert_allclose(layer.size, 100.0)
        assert desk.viewer.dims.margin_left == (50.0,) * 3  # slices show all that they cut
        assert role_of(layer) == NAME
        assert len(noun_from_layer(layer)) == len(layer.data)
    # One is too far to the right and two are too deep for the slab.
    assert len(layer.data) == 3
    assert desk.viewer.layers[-1] is layer
    put_into(layer, ShownPicks(Particles(np.empty((0, 3))), {}), keeps_look=False)
    assert len(layer.data) == 0
    put_into(layer, ShownPicks(wanted.picks, {}), keeps_look=False)
    np.testing.assert_allclose(layer.data, wanted.picks.positions)
    form.live_box.setChecked(False)
    assert NAME not in desk.viewer.layers


def test_a_filtered_list_is_previewed_as_a_whole(desk: Desk, tomogram: Volume) -> None:
    places = tomogram.grid.world_from_index(CENTRES)
    picks = in_tomogram(Particles(places, score=HEIGHTS), tomogram.grid)
    add(desk, tomogram, "tomogram")
    add(desk, picks, "picks")
    form: Any = desk.form("filter_particles")
    form.live_box.setChecked(True)
    with desk.qtbot.waitSignal(form.preview.updated, timeout=SOON):
        form.settings["least_score"].value = 0.7
    wanted = filter_particles(picks, least_score=0.7).kept
    assert len(wanted) == 4
    np.testing.assert_allclose(form.preview.layer.data, wanted.positions)
