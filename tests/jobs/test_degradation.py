"""Jobs that make maps worse in known ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import files
from mapscope.cli import main
from mapscope.errors import GridError, InputError
from mapscope.jobs import all_jobs
from mapscope.record import record_of
from mapscope.simulate.dilation import MULLICK, dilate_and_blur
from mapscope.testing import check_job, example_call
from mapscope.volume import HalfMaps, Volume

JOBS = all_jobs()
NAME = "four_helix_bundle"


@pytest.fixture(scope="module")
def density(sample_folder: Path) -> Volume:
    found: Volume = files.read(sample_folder / f"{NAME}.mrc.gz")
    return found


@pytest.fixture(scope="module")
def mask(sample_folder: Path) -> Volume:
    found: Volume = files.read(sample_folder / f"{NAME}_mask.mrc.gz")
    return found


@pytest.mark.parametrize("name", ["degrade_map", "degrade_by_dilation"])
def test_job_keeps_its_contract_and_runs_with_its_defaults(name: str) -> None:
    check_job(JOBS[name])
    JOBS[name](**example_call(JOBS[name]))


def test_degrade_map_gives_half_maps_that_shell_correlation_finds_as_good_as_asked(
    density: Volume,
) -> None:
    made = JOBS["degrade_map"](density, resolution=3.6)
    found = JOBS["shell_correlation"](made.half_maps)
    assert found.resolution_interpolated == pytest.approx(3.6, abs=0.03)
    assert made.resolution == pytest.approx(3.6, abs=0.03)
    assert made.largest_deviation < 0.01
    np.testing.assert_allclose(made.fsc["obtained"], found.curves["unmasked"], atol=1e-4)
    assert made.fsc.plot.y == ("wanted", "obtained")
    assert made.fsc.plot.headline == "3.60 Å at FSC 0.143"
    assert record_of(made.half_map_1) == record_of(made.local_resolution) != None  # noqa: E711


def test_degrade_map_gives_half_maps_whose_blur_sharpening_finds(density: Volume) -> None:
    fitted = []
    for b_factor in (50.0, 150.0):
        made = JOBS["degrade_map"](density, resolution=3.6, b_factor=b_factor)
        assert made.b_factor == b_factor
        sharp = JOBS["sharpen_by_b_factor"](half_maps=made.half_maps, fit_from=8.0)
        fitted.append(sharp.b_factor)
    assert fitted[0] - fitted[1] == pytest.approx(100.0, rel=0.02)


def test_degrade_map_with_a_mask_plants_a_resolution_of_the_asked_range(
    density: Volume, mask: Volume
) -> None:
    made = JOBS["degrade_map"](density, mask, resolution=3.0, coarsest=6.0, seed=4)
    values = made.local_resolution.data[mask.data >= 0.5]
    assert values.min() == pytest.approx(3.0, abs=0.05)
    assert values.max() == pytest.approx(6.0, abs=0.05)
    assert made.local_resolution.grid.matches(density.grid)


def test_degrade_map_with_every_option_leaves_the_molecule_in_place(
    density: Volume, mask: Volume
) -> None:
    made = JOBS["degrade_map"](
        density,
        mask,
        resolution=3.2,
        sharpen=True,
        anisotropy=40.0,
        noise_b_factor=30.0,
        solvent_noise=0.6,
        apply_mask=True,
        off_centre=9.0,
        exact=False,
    )
    moved = np.subtract(made.degraded.origin, density.origin) / density.voxel_size
    np.testing.assert_allclose(moved, np.round(moved), atol=1e-6)
    assert np.linalg.norm(moved * density.voxel_size) == pytest.approx(9.0, abs=1.2)
    steps = [round(float(n)) for n in moved]
    here = tuple(slice(max(0, s), 60 + min(0, s)) for s in steps)
    there = tuple(slice(max(0, -s), 60 - max(0, s)) for s in steps)
    before, after = density.data[here].ravel(), made.degraded.data[there].ravel()
    assert np.corrcoef(before, after)[0, 1] > 0.7


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"resolution": 2.0}, InputError, "Nyquist"),
        ({"resolution": 4.0, "coarsest": 3.0}, InputError, "larger number"),
        ({"apply_mask": True}, InputError, "make mask"),
        ({"resolution": -1.0}, InputError, "greater than 0"),
        ({"mask": Volume(np.ones((4, 4, 4), np.float32))}, GridError, "mask"),
    ],
)
def test_degrade_map_when_it_cannot_says_why(
    density: Volume, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        JOBS["degrade_map"](density, **options)


def test_degrade_map_as_a_command_writes_what_the_job_gives(
    density: Volume, sample_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "worse.mrc"
    source = str(sample_folder / f"{NAME}.mrc.gz")
    words = ["degrade-map", source, "--resolution", "4", "--coarsest", "7", "--out", str(out)]
    assert main(words) == 0
    made = JOBS["degrade_map"](density, resolution=4.0, coarsest=7.0)
    halves = [files.read(tmp_path / f"worse_half_map_{n}.mrc") for n in (1, 2)]
    assert HalfMaps(*halves).checksum() == made.half_maps.checksum()
    assert files.read(out).checksum() == made.degraded.checksum()
    assert files.half_map_name("worse_half_map_1.mrc") is not None
    truth = files.read(tmp_path / "worse_local_resolution.mrc")
    assert truth.checksum() == made.local_resolution.checksum()


def test_degrade_by_dilation_does_by_default_what_was_fixed_for_the_paper(density: Volume) -> None:
    made = JOBS["degrade_by_dilation"](density)
    np.testing.assert_array_equal(made.data, dilate_and_blur(density, MULLICK).data)
    assert made.data.mean() > density.data.mean()
