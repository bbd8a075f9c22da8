"""Partly known cells: exact on their grid points, good between them, silent beyond."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from mapscope.files.cell_part import values_where_known

CELLS = [
    gemmi.UnitCell(40, 36, 44, 90, 90, 90),
    gemmi.UnitCell(40, 36, 44, 90, 104, 90),
    gemmi.UnitCell(40, 36, 44, 82, 97, 106),
]


@pytest.mark.parametrize("cell", CELLS)
def test_values_when_a_constant_is_known_in_part_then_it_is_that_or_unknown(
    cell: gemmi.UnitCell,
) -> None:
    density = np.full((40, 36, 44), 3.0, np.float32)
    density[5:9, 10:20] = np.nan
    values = values_where_known(density, cell, (-7.3, 2.1, -38.0), 0.9, (30, 32, 34))
    is_known = np.isfinite(values)
    assert 0.5 < is_known.mean() < 1
    np.testing.assert_allclose(values[is_known], 3.0, atol=1e-5)


def test_values_when_voxels_are_grid_points_then_they_are_theirs_and_the_unknown_stays_so() -> None:
    density = np.random.default_rng(0).standard_normal((40, 36, 44)).astype(np.float32)
    density[20:, :18] = np.nan
    values = values_where_known(density, CELLS[0], (-44.0, 0.0, 0.0), 1.0, (44, 36, 40))
    found = values.transpose(2, 1, 0)
    np.testing.assert_allclose(found[1:19, 1:35], density[1:19, 1:35], atol=1e-5)
    np.testing.assert_allclose(found[20:38, 20:34], density[20:38, 20:34], atol=1e-5)
    assert np.isnan(found[20:, :18]).all()


@pytest.mark.parametrize("count", [4, 5, 12])
def test_values_when_the_cell_is_shorter_than_the_kernel_then_it_is_periodic(count: int) -> None:
    wave = np.cos(2 * np.pi * np.arange(count) / count)
    density = np.broadcast_to(wave, (30, 30, count)).astype(np.float32)
    cell = gemmi.UnitCell(30, 30, count, 90, 90, 90)
    values = values_where_known(density, cell, (-0.5, 3.0, 3.0), 0.25, (50, 3, 3))
    expected = np.cos(2 * np.pi * (0.25 * np.arange(50) - 0.5) / count)
    np.testing.assert_allclose(
        values, np.broadcast_to(expected[:, None, None], (50, 3, 3)), atol=1e-3
    )
