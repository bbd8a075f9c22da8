"""Sharpening restores what a B-factor took, on the grid of its source."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest

from mapscope import read, write
from mapscope.density.fourier import filter_radial
from mapscope.errors import DataError, InputError
from mapscope.jobs import all_jobs
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Region, Volume

SHARPEN = all_jobs()["sharpen_by_b_factor"]
VOLUME: Volume = example_noun(Volume)
HALVES: HalfMaps = example_noun(HalfMaps)


def blurred(volume: Volume, b_factor: float) -> Volume:
    return filter_radial(volume, lambda f: np.exp(-b_factor * f**2 / 4))


def test_sharpen_when_given_the_b_factor_that_blurred_a_map_gives_it_back() -> None:
    volume = all_jobs()["filter_map"](VOLUME, low_pass=3.0)
    result = SHARPEN(blurred(volume, 60.0), b_factor=-60.0)
    np.testing.assert_allclose(result.sharpened.data, volume.data, atol=1e-3)
    assert result.b_factor == -60.0
    assert result.resolution is None
    assert result.fit_correlation is None


def test_sharpen_when_it_fits_takes_back_just_what_more_blurring_took() -> None:
    fits = [SHARPEN(blurred(VOLUME, b), resolution=2.6, fit_from=9.0) for b in (0.0, 50.0)]
    assert fits[0].b_factor - fits[1].b_factor == pytest.approx(50.0, abs=2.0)
    assert 0 <= fits[0].fit_correlation <= 1
    assert "fit" in fits[0].guinier.columns


def test_sharpen_from_half_maps_filters_at_their_resolution_and_repeats() -> None:
    first, again = (SHARPEN(half_maps=HALVES) for _ in range(2))
    assert first.sharpened.checksum() == again.sharpened.checksum()
    found = all_jobs()["shell_correlation"](HALVES).resolution
    assert first.resolution == pytest.approx(found)
    assert first.caption == f"B −{abs(first.b_factor):.0f}"


def test_sharpen_on_a_region_gives_nearly_that_part_of_the_whole() -> None:
    region = Region((8, 8, 8), (22, 24, 28))
    whole = SHARPEN(half_maps=HALVES, b_factor=-30.0)
    part = SHARPEN(half_maps=HALVES, b_factor=-30.0, region=region)
    assert part.sharpened.grid.matches(whole.sharpened.grid.cropped(region))
    expected = whole.sharpened.data[region.slices]
    error = np.abs(part.sharpened.data - expected).max()
    assert error < 0.05 * whole.sharpened.data.std()
    assert part.guinier.checksum() == whole.guinier.checksum()


def test_sharpen_when_written_has_the_frame_of_its_source_as_gemmi_reads_it(
    tmp_path: Path, sample_folder: Path
) -> None:
    source = sample_folder / "four_helix_bundle.mrc.gz"
    path = write(tmp_path / "a.mrc", SHARPEN(read(source), b_factor=-20.0).sharpened)
    ours, theirs = gemmi.read_ccp4_map(str(path)), gemmi.read_ccp4_map(str(source))
    assert ours.grid.unit_cell.parameters == theirs.grid.unit_cell.parameters
    for word in (1, 2, 3, 5, 6, 7, 8, 9, 10, 17, 18, 19):
        assert ours.header_i32(word) == theirs.header_i32(word)
    for word in (50, 51, 52):
        assert ours.header_float(word) == theirs.header_float(word)


def test_sharpen_when_something_is_missing_says_what() -> None:
    with pytest.raises(InputError, match="needs a map, or two half maps"):
        SHARPEN()
    with pytest.raises(InputError, match="needs the map's resolution"):
        SHARPEN(VOLUME)
    with pytest.raises(DataError, match="shells"):
        SHARPEN(VOLUME, resolution=9.0, fit_from=9.5)
