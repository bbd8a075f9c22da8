"""Distances to a set of voxels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_edt

from mapscope.density.distance import distance_within
from mapscope.errors import Cancelled, InputError
from mapscope.progress import Progress

SPACING = st.floats(0.3, 3.0)


@settings(max_examples=60, deadline=None)
@given(
    binary=arrays(np.bool_, array_shapes(min_dims=3, max_dims=3, max_side=12)),
    voxel_size=st.tuples(SPACING, SPACING, SPACING),
    radius=st.floats(0.0, 8.0),
)
def test_distance_within_on_any_grid_is_the_euclidean_transform_capped(
    binary: np.ndarray, voxel_size: tuple[float, float, float], radius: float
) -> None:
    distance = distance_within(binary, voxel_size, radius)
    if not binary.any():
        assert distance.tolist() == np.full(binary.shape, np.float32(radius)).tolist()
        return
    exact = distance_transform_edt(~binary, sampling=voxel_size)
    assert distance == pytest.approx(np.minimum(exact, radius), abs=1e-4)


def test_distance_within_a_large_sparse_array_touches_the_far_side_of_no_seed() -> None:
    binary = np.zeros((40, 50, 60), np.bool_)
    binary[5, 6, 7] = True
    distance = distance_within(binary, (1.0, 1.0, 2.0), 4.0)
    assert distance.dtype == np.float32
    assert distance[5, 6, 7] == 0
    assert distance[8, 6, 8] == pytest.approx(np.sqrt(9 + 4))
    assert (distance[12:] == 4.0).all()


def test_distance_within_when_radius_is_negative_says_so() -> None:
    with pytest.raises(InputError, match="at least 0"):
        distance_within(np.ones((2, 2, 2), np.bool_), (1.0, 1.0, 1.0), -1.0)


def test_distance_within_when_cancelled_stops(cancel: Callable[[int], Progress]) -> None:
    with pytest.raises(Cancelled):
        distance_within(np.ones((9, 9, 9), np.bool_), (1.0,) * 3, 3.0, progress=cancel(4))
