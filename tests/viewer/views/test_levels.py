"""Contour level and contrast of two maps moved together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mapscope.density.enclosed import EnclosedVolume
from mapscope.errors import InputError
from mapscope.viewer.views.levels import Link, LinkedLevels, matching_level
from mapscope.volume import Volume


@pytest.fixture
def links(model: Any) -> LinkedLevels:
    """The levels of both maps, not linked yet."""
    return LinkedLevels(model.layers["fine"], model.layers["coarse"])


def start(qtbot: QtBot, links: LinkedLevels, by: Link) -> None:
    """Link them and wait until they are."""
    with qtbot.waitSignal(links.ready, timeout=10_000):
        links.start(by)


def test_level_by_sigma_is_as_many_deviations_from_the_mean(fine: Volume, coarse: Volume) -> None:
    level = float(fine.data.mean() + 1.7 * fine.data.std())
    found = matching_level(level, EnclosedVolume(fine), EnclosedVolume(coarse), "sigma")
    assert found == pytest.approx(float(coarse.data.mean() + 1.7 * coarse.data.std()), rel=1e-4)


def test_level_by_volume_encloses_as_much_on_another_grid(fine: Volume, coarse: Volume) -> None:
    # The coarse map is 10 times the fine one less 2, so the level is known.
    for level in (0.2, 0.5, 0.8):
        found = matching_level(level, EnclosedVolume(fine), EnclosedVolume(coarse), "volume")
        assert found == pytest.approx(10 * level - 2, abs=0.15)


def test_links_when_either_level_moves_then_the_other_follows(
    links: LinkedLevels, qtbot: QtBot, fine: Volume, coarse: Volume
) -> None:
    start(qtbot, links, "sigma")
    one, other = links.layers
    for layer, follower, volume, of_follower in (
        (one, other, fine, coarse),
        (other, one, coarse, fine),
    ):
        layer.iso_threshold = float(volume.data.mean() + 2 * volume.data.std())
        wanted = of_follower.data.mean() + 2 * of_follower.data.std()
        assert follower.iso_threshold == pytest.approx(float(wanted), rel=1e-4)
        limits = [float(volume.data.mean() + s * volume.data.std()) for s in (-0.5, 3.0)]
        layer.contrast_limits = limits
        wanted = [of_follower.data.mean() + s * of_follower.data.std() for s in (-0.5, 3.0)]
        assert follower.contrast_limits == pytest.approx(wanted, rel=1e-4)


def test_links_when_the_way_is_changed_then_the_second_map_follows_the_first(
    links: LinkedLevels, qtbot: QtBot
) -> None:
    start(qtbot, links, "value")
    one, other = links.layers
    assert other.iso_threshold == one.iso_threshold
    assert other.contrast_limits == one.contrast_limits
    start(qtbot, links, "volume")
    one.iso_threshold = 0.5
    assert other.iso_threshold == pytest.approx(3.0, abs=0.15)


def test_links_when_stopped_then_levels_stay_and_move_alone(
    links: LinkedLevels, qtbot: QtBot
) -> None:
    start(qtbot, links, "value")
    links.stop()
    one, other = links.layers
    before = other.iso_threshold
    one.iso_threshold = 0.77
    assert other.iso_threshold == before
    links.stop()
    start(qtbot, links, "value")
    assert other.iso_threshold == 0.77


def test_links_when_stopped_while_they_measure_then_nothing_moves(
    links: LinkedLevels, qtbot: QtBot
) -> None:
    before = links.layers[1].iso_threshold
    links.start("value")
    links.stop()
    qtbot.wait(300)
    assert not links.is_ready
    assert links.layers[1].iso_threshold == before


def test_links_of_a_map_that_jobs_cannot_take_then_the_reason_is_raised(model: Any) -> None:
    foreign = model.add_image(np.zeros((4, 4, 4)), name="foreign")
    with pytest.raises(InputError, match="foreign: no voxel size"):
        LinkedLevels(model.layers["fine"], foreign).start("sigma")
