"""What is seen of a map: planes with depth and a filter, as if the whole had been filtered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mapscope.arrays import LazyArray
from mapscope.viewer.views.seen import Looking, Seen, gaussian

STEP = (2.0, 3.0, 4.0)
DATA = np.random.default_rng(0).standard_normal((14, 17, 19)).astype(np.float32)


def whole(looking: Looking) -> Any:
    """The map filtered as a whole."""
    deviations = [looking.deviation / step for step in STEP]
    return gaussian_filter(DATA, deviations, mode="nearest", truncate=3.0)


@pytest.mark.parametrize("resolution", [None, 8.0, 30.0])
@pytest.mark.parametrize("projection", ["mean", "max", "min"])
@pytest.mark.parametrize(("axis", "index"), [(0, 0), (0, 7), (1, 16), (2, 9)])
def test_plane_is_that_of_the_filtered_whole_projected_through_the_depth(
    resolution: float | None, projection: Any, axis: int, index: int
) -> None:
    looking = Looking(13.0, projection, resolution)
    seen = Seen(DATA, STEP, looking)
    reach = int(6.5 / STEP[axis])
    planes = np.arange(max(index - reach, 0), min(index + reach + 1, DATA.shape[axis]))
    block = np.take(whole(looking), planes, axis)
    wanted = getattr(block, projection)(axis=axis)
    key = tuple(index if n == axis else slice(None) for n in range(3))
    np.testing.assert_allclose(seen[key], wanted, atol=2e-6)


@pytest.mark.parametrize("resolution", [None, 30.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_mean_of_a_lazy_map_is_read_a_few_planes_at_a_time(
    resolution: float | None, axis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def load(box: Any) -> Any:
        read.append(box[axis].stop - box[axis].start)
        return DATA[box]

    monkeypatch.setattr("mapscope.viewer.views.seen._READ_BYTES", 3 * 4 * 17 * 19)
    monkeypatch.setattr("mapscope.viewer.views.seen._CACHED", 50)
    looking = Looking(24.0, "mean", resolution)
    key = tuple(7 if n == axis else slice(None) for n in range(3))
    seen = Seen(LazyArray(DATA.shape, DATA.dtype, load), STEP, looking)[key]
    np.testing.assert_allclose(seen, Seen(DATA, STEP, looking)[key], atol=1e-6)
    assert len(read) > 1
    assert max(read) <= 4


def test_part_of_a_part_is_that_part_of_what_is_seen() -> None:
    """napari cuts out what is in view before it asks for the plane."""
    seen = Seen(DATA, STEP, Looking(8.0, "max", 12.0))
    part = seen[:, 3:12, 4:9]
    assert part.shape == (14, 9, 5)
    np.testing.assert_allclose(part[6], seen[6][3:12, 4:9], atol=1e-6)
    np.testing.assert_allclose(part[-1, 2:4], seen[13, 5:7, 4:9], atol=1e-6)
    np.testing.assert_allclose(seen[5, ::2, ::3], seen[5][::2, ::3], atol=1e-6)


def test_volume_when_asked_for_is_filtered_without_depth() -> None:
    looking = Looking(20.0, "max", 15.0)
    np.testing.assert_allclose(np.asarray(Seen(DATA, STEP, looking)), whole(looking), atol=1e-6)
    box = Seen(DATA, STEP, looking)[2:9, :, 5:6]
    np.testing.assert_allclose(np.asarray(box), whole(looking)[2:9, :, 5:6], atol=1e-6)


def test_looking_when_changed_then_planes_change_with_it() -> None:
    looking = Looking()
    seen = Seen(DATA, STEP, looking)
    assert looking.is_plain
    np.testing.assert_array_equal(seen[4], DATA[4])
    looking.depth = 4.0
    np.testing.assert_allclose(seen[4], DATA[3:6].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("resolution", [20.0, 40.0])
def test_filter_halves_the_amplitude_at_its_resolution(resolution: float) -> None:
    x = np.arange(400) * 1.0
    wave = np.cos(2 * np.pi * x / resolution).astype(np.float32)
    data = np.broadcast_to(wave, (3, 3, 400)).copy()
    seen = Seen(data, (1.0, 1.0, 1.0), Looking(resolution=resolution))[1][1, 100:300]
    assert float(seen.max()) == pytest.approx(0.5, abs=0.01)


def test_gaussian_sums_to_one_and_is_a_point_where_it_is_narrow() -> None:
    assert gaussian(0.1).tolist() == [1.0]
    assert float(gaussian(2.3).sum()) == pytest.approx(1.0, abs=1e-6)
    assert len(gaussian(2.3)) == 15


def test_only_what_is_looked_at_is_read() -> None:
    read: list[int] = []

    class Counted:
        shape, dtype = DATA.shape, DATA.dtype

        def __getitem__(self, key: Any) -> Any:
            part = DATA[key]
            read.append(part.size)
            return part

    Seen(Counted(), STEP, Looking(4.0))[7]
    assert read == [3 * 17 * 19]
