"""Comparing maps: numbers known beforehand, other grids, masks, missing cones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr

from mapscope import write
from mapscope.cli import main
from mapscope.density.fourier import frequencies, inverse, transform
from mapscope.density.frame import crop
from mapscope.errors import DataError, GridError
from mapscope.jobs import all_jobs
from mapscope.jobs.scores.compare_maps import MapComparison
from mapscope.testing import example_noun
from mapscope.volume import Grid, HalfMaps, Region, Volume

COMPARE = all_jobs()["compare_maps"]
FIRST: Volume = example_noun(Volume, 1)
SECOND: Volume = example_noun(Volume, 2)


def compare(*nouns: Volume | None, **parameters: Any) -> MapComparison:
    result: MapComparison = COMPARE(*nouns, **parameters)
    return result


def test_map_with_itself_is_the_same_in_every_way() -> None:
    found = compare(FIRST, FIRST)
    for value in (found.correlation, found.correlation_about_mean, found.pcc, found.ssim):
        assert value == pytest.approx(1, abs=1e-6)
    assert found.resolution is None
    assert found.resolution_at_half is None
    assert found.anisotropy == pytest.approx(1, abs=1e-4)
    assert not found.is_preferred
    assert found.warning == found.note == ""
    assert "Nyquist" in found.curves.plot.headline  # type: ignore[union-attr]


def test_numbers_are_those_of_scipy_and_of_the_shell_correlation_job() -> None:
    found = compare(FIRST, SECOND)
    a, b = FIRST.data.astype(float).ravel(), SECOND.data.astype(float).ravel()
    assert found.pcc == pytest.approx(pearsonr(a, b).statistic, abs=1e-6)
    assert found.correlation == pytest.approx(a @ b / np.sqrt(a @ a * (b @ b)), abs=1e-6)
    halves = all_jobs()["shell_correlation"](HalfMaps(FIRST, SECOND))
    unmasked = [np.asarray(r.curves["unmasked"], dtype=float) for r in (found, halves)]
    np.testing.assert_allclose(unmasked[0], unmasked[1])
    assert found.resolution == halves.resolution_interpolated


def test_mask_and_level_say_where_correlations_are_taken() -> None:
    inside = FIRST.data > np.quantile(FIRST.data, 0.7)
    mask = FIRST.with_data(inside.astype(np.float32))
    found = compare(FIRST, SECOND, mask)
    a, b = FIRST.data[inside].astype(float), SECOND.data[inside].astype(float)
    assert found.pcc == pytest.approx(pearsonr(a, b).statistic, abs=1e-6)
    assert {"masked", "phase_randomised", "corrected"} < set(found.curves.columns)
    level = float(np.quantile(FIRST.data, 0.9))
    at_level = compare(FIRST, SECOND, level=level)
    chosen = FIRST.data >= level
    p, q = FIRST.data[chosen].astype(float), SECOND.data[chosen].astype(float)
    assert at_level.correlation_about_mean == pytest.approx(pearsonr(p, q).statistic, abs=1e-6)


def test_percentile_rule_changes_pcc_and_ssim_alone() -> None:
    plain, paper = compare(FIRST, SECOND), compare(FIRST, SECOND, voxels="percentile_90")
    assert plain.correlation == paper.correlation
    assert plain.pcc != paper.pcc
    assert plain.ssim != paper.ssim


def test_contrast_does_not_matter() -> None:
    dark = Volume(-SECOND.data, SECOND.voxel_size, SECOND.origin, contrast=-1)
    assert compare(FIRST, dark).pcc == pytest.approx(compare(FIRST, SECOND).pcc)


def test_second_map_on_another_grid_is_resampled_and_the_note_says_so() -> None:
    part = crop(SECOND, Region((2, 2, 2), (28, 30, 32)))
    found = compare(FIRST, part)
    assert "26 × 28 × 30 voxels" in found.note
    cut = compare(crop(FIRST, Region((2, 2, 2), (28, 30, 32))), part)
    assert found.pcc == pytest.approx(cut.pcc)


def test_missing_cone_gives_its_axis_and_a_warning_in_words() -> None:
    grid = Grid((56, 60, 64), 1.5)  # type: ignore[arg-type]
    random = np.random.default_rng(0)
    data = np.zeros(grid.shape, dtype=np.float32)
    data[tuple(random.integers(14, 42, (3, 500)))] = 1
    z, y, x = frequencies(grid)
    s = np.sqrt(z**2 + y**2 + x**2)
    ft = np.where(np.abs(y) > 0.85 * s, 0, transform(data) * np.exp(-15 * s**2))
    signal = inverse(ft.astype(np.complex64), grid.shape)
    noise = 0.5 * float(signal.std())
    pair = [
        Volume(signal + noise * random.standard_normal(grid.shape, dtype=np.float32), 1.5)  # type: ignore[arg-type]
        for _ in range(2)
    ]
    found = compare(*pair)
    assert np.degrees(np.arccos(abs(found.worst_axis[1]))) < 5
    assert found.is_preferred
    assert "orientations are preferred" in found.warning
    assert len(found.directions) == 400
    assert (np.asarray(found.directional["worst"])[8:15] < 0.3).all()


def test_maps_that_have_nothing_in_common_have_no_directions_and_say_why() -> None:
    noise = np.random.default_rng(0).standard_normal(FIRST.shape)
    found = compare(FIRST, FIRST.with_data(noise))
    assert found.anisotropy is None
    assert found.worst_axis == (0, 0, 0)
    assert found.warning.startswith("No directions: ")
    assert len(found.directional) == len(found.directions) == 0


def test_box_too_small_for_ssim_has_none() -> None:
    thin = Region((0, 0, 0), (6, 32, 36))
    assert compare(crop(FIRST, thin), crop(SECOND, thin)).ssim is None


def test_maps_apart_empty_masks_and_levels_too_high_are_refused() -> None:
    with pytest.raises(GridError, match="do not overlap"):
        compare(FIRST, Volume(SECOND.data, SECOND.voxel_size, (900.0, 0.0, 0.0)))
    with pytest.raises(DataError, match=r"above 0\.5"):
        compare(FIRST, SECOND, FIRST.with_data(np.zeros(FIRST.shape)))
    with pytest.raises(DataError, match="lower the level"):
        compare(FIRST, SECOND, level=1e6)


def test_command_prints_numbers_and_curves_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [write(tmp_path / f"{n}.mrc", v) for n, v in enumerate((FIRST, SECOND))]
    assert main(["compare-maps", *map(str, paths), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["pcc"] == pytest.approx(compare(FIRST, SECOND).pcc, abs=1e-6)
    assert answer["curves"][0]["frequency"] == 0
    assert len(answer["worst_axis"]) == 3
    assert any("Tan" in paper for paper in answer["record"]["cite"])
