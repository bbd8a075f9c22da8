"""How fine cubic voxels must be to hold what a cell holds."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from mapscope.files.cell_series import voxel_for_waves

CELL = gemmi.UnitCell(32, 32, 32, 90, 90, 120)


@pytest.mark.parametrize("wave", [(5, 0, 0), (0, 7, 0), (0, 0, 9), (4, 6, -3), (-3, -8, 5)])
def test_voxel_when_there_is_one_wave_then_it_is_nine_tenths_of_what_nyquist_allows(
    wave: tuple[int, int, int],
) -> None:
    phase = np.tensordot(wave, np.indices((32, 32, 32)), axes=1) * 2 * np.pi / 32
    density = (1 + np.cos(phase + 0.3)).astype(np.float32)
    component = np.abs(np.array(wave) @ np.array(CELL.frac.mat.tolist())).max()
    assert voxel_for_waves(density, CELL) == pytest.approx(0.45 / component, rel=0.01)


def test_voxel_when_a_finer_wave_is_negligible_then_it_does_not_count() -> None:
    phase = np.indices((32, 32, 32))[0] * 2 * np.pi / 32
    density = np.cos(3 * phase) + 5e-5 * np.cos(12 * phase)
    only = voxel_for_waves(np.cos(3 * phase).astype(np.float32), CELL)
    assert voxel_for_waves(density.astype(np.float32), CELL) == only
    density += 1e-3 * np.cos(12 * phase)
    assert voxel_for_waves(density.astype(np.float32), CELL) == pytest.approx(only / 4, rel=0.02)


def test_voxel_when_nothing_varies_then_any_will_do() -> None:
    assert voxel_for_waves(np.full((4, 5, 6), 2.0, np.float32), CELL) == np.inf
    assert voxel_for_waves(np.zeros((4, 5, 6), np.float32), CELL) == np.inf
