"""Resolution jobs read the curves that the shells give, and say what they found."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.errors import GridError, InputError
from mapscope.jobs import all_jobs
from mapscope.testing import EXAMPLE_GRID, example_noun
from mapscope.volume import HalfMaps, Volume

JOBS = all_jobs()
HALVES: HalfMaps = example_noun(HalfMaps)
MIDDLE = tuple(EXAMPLE_GRID.world_from_index(np.asarray(EXAMPLE_GRID.shape) // 2).tolist())


def test_shell_correlation_without_a_mask_has_one_curve_that_falls_below_the_resolution() -> None:
    result = JOBS["shell_correlation"](HALVES)
    table = result.curves
    assert list(table.columns) == ["frequency", "resolution", "unmasked", "coefficients"]
    assert dict(table.units) == {"frequency": "1/Å", "resolution": "Å"}
    np.testing.assert_allclose(table["resolution"][1:], 1 / np.asarray(table["frequency"])[1:])
    assert result.resolution == result.unmasked_resolution
    assert result.randomised_beyond is None
    coarse = np.asarray(table["frequency"]) < 1 / result.resolution
    assert (np.asarray(table["unmasked"])[coarse] >= 0.143).all()
    assert result.resolution_at_half >= result.resolution
    step = table["frequency"][1]
    crossing = 1 / result.resolution_interpolated
    assert 1 / result.resolution <= crossing <= 1 / result.resolution + step
    assert table.plot is not None
    assert table.plot.headline == f"{result.resolution:.2f} Å at FSC 0.143"


def test_shell_correlation_with_a_mask_has_four_curves_and_repeats_for_a_seed() -> None:
    mask = JOBS["make_mask"](half_maps=HALVES, low_pass=5.0)
    first, again, other = (JOBS["shell_correlation"](HALVES, mask, seed=s) for s in (0, 0, 1))
    assert {"masked", "phase_randomised", "corrected"} < set(first.curves.columns)
    assert first.curves.checksum() == again.curves.checksum() != other.curves.checksum()
    assert first.randomised_beyond is not None


def test_shell_correlation_of_a_map_with_itself_never_falls_and_says_so() -> None:
    volume = example_noun(Volume)
    result = JOBS["shell_correlation"](HalfMaps(volume, volume))
    np.testing.assert_allclose(result.curves["unmasked"], 1.0, atol=1e-5)
    assert result.resolution is None
    assert "never crosses 0.143" in result.curves.plot.headline


def test_shell_correlation_when_the_mask_lies_elsewhere_says_so() -> None:
    mask = Volume(np.ones(EXAMPLE_GRID.shape, np.float32), (2.0, 2.0, 2.0))
    with pytest.raises(GridError, match="mask"):
        JOBS["shell_correlation"](HALVES, mask)


def test_local_shell_correlation_where_there_is_density_is_better_than_in_the_corner() -> None:
    corner = tuple(x + 8 for x in EXAMPLE_GRID.origin)
    curves = [
        JOBS["local_shell_correlation"](HALVES, position=place, window=16.0)
        for place in (MIDDLE, corner)
    ]
    inside, outside = (np.asarray(c["correlation"])[1:4].mean() for c in curves)
    assert inside > 0.8 > outside
    assert curves[0].plot.reciprocal_x


def test_local_shell_correlation_when_the_point_or_window_makes_no_sense_says_so() -> None:
    with pytest.raises(InputError, match="outside"):
        JOBS["local_shell_correlation"](HALVES, position=(0.0, 0.0, 1e4))
    with pytest.raises(InputError, match="voxels"):
        JOBS["local_shell_correlation"](HALVES, position=MIDDLE, window=2.0)
