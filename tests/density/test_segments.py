"""A map cut into regions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mapscope.density.segments import segment
from mapscope.errors import Cancelled, DataError
from mapscope.progress import Progress
from mapscope.volume import Volume

# Two pairs: within a pair 16 Å apart, the pairs 40 Å; the last blob is the widest.
CENTRES = np.array([[30.0, 30, 20], [30, 30, 36], [30, 70, 20], [30, 70, 36]])
WIDTHS = (5.0, 5.2, 5.4, 5.6)
GRID = (31, 51, 29)
SPACING = 2.0


def blobs() -> Volume:
    """Four Gaussian blobs."""
    places = np.moveaxis(np.indices(GRID), 0, -1) * SPACING
    data = sum(
        np.exp(-(((places - centre) ** 2).sum(axis=-1)) / (2 * width**2))
        for centre, width in zip(CENTRES, WIDTHS, strict=True)
    )
    return Volume(np.asarray(data, np.float32), (SPACING,) * 3, (7.0, 0.0, -3.0))


def regions_of_blobs(labels: np.ndarray) -> list[int]:
    """The region that each blob's centre lies in."""
    index = np.rint(CENTRES / SPACING).astype(int)
    return [int(n) for n in labels[tuple(index.T)]]


def test_segment_gives_each_blob_a_region_in_the_order_of_size() -> None:
    volume = blobs()
    found = segment(volume, level=0.3, smoothing=4.0)
    assert found.grid == volume.grid
    sizes = np.bincount(found.data.ravel())[1:]
    assert len(sizes) == 4
    assert (np.diff(sizes) <= 0).all()
    assert regions_of_blobs(found.data) == [4, 3, 2, 1]
    assert (found.data > 0).sum() == (volume.data >= 0.3).sum()
    assert found.names == {n: f"region {n}" for n in range(1, 5)}


def test_segment_puts_every_voxel_to_the_blob_that_it_is_nearest_to() -> None:
    found = segment(blobs(), level=0.3, smoothing=3.0)
    own = regions_of_blobs(found.data)
    inside = np.argwhere(found.data > 0)
    distance = np.linalg.norm(inside[:, None] * SPACING - CENTRES, axis=-1)
    nearest = np.asarray(own)[distance.argmin(axis=1)]
    is_clear = np.ptp(np.sort(distance, axis=1)[:, :2], axis=1) > 4.0
    assert is_clear.mean() > 0.7
    np.testing.assert_array_equal(found.data[tuple(inside.T)][is_clear], nearest[is_clear])


def test_segment_when_two_regions_are_wanted_joins_the_pairs() -> None:
    found = segment(blobs(), level=0.3, smoothing=4.0, most_regions=2)
    assert regions_of_blobs(found.data) == [2, 2, 1, 1]
    fine = segment(blobs(), level=0.3, smoothing=4.0)
    np.testing.assert_array_equal(found.data > 0, fine.data > 0)
    for region in range(1, 5):  # boundaries are those of the finest step
        assert len(np.unique(found.data[fine.data == region])) == 1


def test_segment_of_a_dark_map_is_that_of_the_bright_one() -> None:
    volume = blobs()
    dark = Volume(-volume.data, (SPACING,) * 3, volume.origin, contrast=-1)
    bright = segment(volume, level=0.3, smoothing=4.0)
    np.testing.assert_array_equal(segment(dark, level=-0.3, smoothing=4.0).data, bright.data)


def test_segment_leaves_out_small_parts_and_says_when_nothing_is_left() -> None:
    data = blobs().data.copy()
    data[2, 2, 2] = 5.0
    volume = Volume(data, (SPACING,) * 3)
    assert segment(volume, level=0.3, smoothing=4.0).data[2, 2, 2] == 0
    assert segment(volume, level=0.3, smoothing=4.0, smallest=0).data[2, 2, 2] == 5
    with pytest.raises(DataError, match="lower the level"):
        segment(volume, level=9.0)


def test_segment_when_cancelled_stops(cancel: Callable[[int], Progress]) -> None:
    with pytest.raises(Cancelled):
        segment(blobs(), level=0.3, most_regions=1, progress=cancel(3))
