"""Part of an array along one axis, the rest drawn as nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope.viewer.views.masked import Masked

DATA = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def pieces(count: int) -> Any:
    """An index or a slice of so many elements."""
    places = st.integers(0, count - 1)
    ends = st.tuples(places, places).map(sorted)
    return places | st.builds(lambda e, step: slice(e[0], e[1] + 1, step), ends, st.integers(1, 3))


keys = st.tuples(*(pieces(n) for n in DATA.shape))


@given(key=keys, axis=st.integers(0, 2), ends=st.tuples(st.integers(0, 6), st.integers(0, 6)))
def test_masked_when_indexed_then_it_equals_the_masked_whole(
    key: Any, axis: int, ends: tuple[int, int]
) -> None:
    masked = Masked(DATA, axis)
    masked.range = (min(ends), max(ends))
    index = np.arange(DATA.shape[axis]).reshape([-1 if n == axis else 1 for n in range(3)])
    is_there = (index >= masked.range[0]) & (index < masked.range[1])
    whole = np.where(is_there, DATA, np.nan).astype(np.float32)
    np.testing.assert_array_equal(masked[key], whole[key])
    assert masked[key].dtype == np.float32


def test_masked_when_a_plane_is_taken_then_only_that_plane_is_read() -> None:
    asked: list[Any] = []

    class Store:
        shape, dtype = DATA.shape, DATA.dtype

        def __getitem__(self, key: Any) -> Any:
            asked.append(key)
            return DATA[key]

    masked = Masked(Store(), 2)
    masked.range = (0, 2)
    plane = masked[3, :, :]
    assert asked == [(3, slice(None), slice(None))]
    assert np.isnan(plane[:, 2:]).all()
    np.testing.assert_array_equal(plane[:, :2], DATA[3, :, :2])
    assert DATA[3, 0, 5] == pytest.approx(3 * 30 + 5)
