"""The contour of a map is given at any kind of level, measured, and coloured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import cli, write
from mapscope.density.level import first_contour_level
from mapscope.errors import DataError
from mapscope.jobs import all_jobs
from mapscope.testing import EXAMPLE_GRID, example_noun
from mapscope.volume import Region, Volume

CONTOUR = all_jobs()["contour_map"]
VOLUME: Volume = example_noun(Volume)


def ball(radius: float = 20.0) -> Volume:
    """Density that falls from 30 in the middle by 1 per Å, 0.9 Å voxels."""
    index = np.indices((60, 60, 60)) - 29.5
    distance = 0.9 * np.sqrt((index**2).sum(axis=0))
    return Volume((30 - distance).astype(np.float32), (0.9,) * 3, (5.0, 6.0, 7.0))


@pytest.mark.parametrize(
    ("level", "level_as"),
    [
        (10.0, "density"),
        (4 / 3 * np.pi * 8000, "volume"),
        (4 / 3 * np.pi * 8000 * 0.81e-3, "mass"),
        (None, "sigma"),
    ],
)
def test_contour_map_when_the_level_is_of_any_kind_is_that_ball(level: Any, level_as: str) -> None:
    data = ball().data.astype(np.float64)
    if level is None:
        level = (10 - data.mean()) / data.std()
    found = CONTOUR(ball(), level=level, level_as=level_as)
    assert found.level == pytest.approx(10.0, abs=0.05)
    assert found.sigma == pytest.approx((found.level - data.mean()) / data.std())
    assert found.area == pytest.approx(4 * np.pi * 400, rel=0.01)
    assert found.enclosed_volume == pytest.approx(4 / 3 * np.pi * 8000, rel=0.01)
    assert found.mass_kda == pytest.approx(found.enclosed_volume * 0.81e-3)
    assert (found.pieces, found.uncolored) == (1, 0.0)
    assert found.surface.values is None


def test_contour_map_when_no_level_is_given_takes_the_first_one_and_drops_dust() -> None:
    found = CONTOUR(VOLUME)
    assert found.level == first_contour_level(VOLUME)
    assert found.surface.vertices.min() >= min(VOLUME.origin)
    noisy = CONTOUR(VOLUME, level=0.2)
    clean = CONTOUR(VOLUME, level=0.2, dust=8.0)
    assert clean.pieces < noisy.pieces
    assert clean.area < noisy.area
    with pytest.raises(DataError, match="as long as 500 Å"):
        CONTOUR(VOLUME, dust=500.0)


def test_contour_map_when_a_second_map_is_given_has_its_values_wherever_it_lies() -> None:
    index = np.stack(np.meshgrid(*map(np.arange, (20, 30, 40)), indexing="ij"), -1)
    other = Volume(index[..., 0] * 2.0, (2.0, 2.0, 2.0), (12.0, -40.0, 20.0))
    found = CONTOUR(VOLUME, other)
    np.testing.assert_allclose(found.surface.values, found.surface.vertices[:, 0] - 12.0, atol=1e-4)
    assert found.uncolored == 0.0
    half = Volume(other.data[:10], other.voxel_size, other.origin)
    found = CONTOUR(VOLUME, half)
    assert found.uncolored == pytest.approx((found.surface.vertices[:, 0] > 30).mean(), abs=0.01)
    assert np.isfinite(found.surface.values).all()


def test_contour_map_when_less_dense_is_inside_surrounds_the_holes() -> None:
    found = CONTOUR(Volume(-ball().data, (0.9,) * 3), level=-10.0, inside="below")
    assert found.enclosed_volume == pytest.approx(4 / 3 * np.pi * 8000, rel=0.01)
    automatic = CONTOUR(VOLUME, inside="below", level=1.0, level_as="sigma")
    assert automatic.sigma == pytest.approx(-1.0)


def test_contour_map_when_a_region_is_given_stays_within() -> None:
    region = Region((5, 6, 7), (25, 26, 27))
    found = CONTOUR(VOLUME, region=region)
    grid = EXAMPLE_GRID.cropped(region)
    assert grid.contains(found.surface.vertices + 0.0).mean() > 0.99
    assert len(CONTOUR(VOLUME, step=2).surface.faces) < len(CONTOUR(VOLUME).surface.faces) / 2


def test_contour_map_when_nothing_is_above_the_level_says_where_the_map_lies() -> None:
    with pytest.raises(DataError, match=r"nothing in the map is above 99: its mean is .* nearer"):
        CONTOUR(VOLUME, level=99.0)


def test_command_of_contour_map_gives_the_numbers_as_json_and_a_coloured_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(write(tmp_path / "a.mrc", VOLUME))
    for suffix in (".ply", ".obj"):
        words = ["contour-map", source, "--color-by", source, "--level", "0.5"]
        assert cli.main([*words, "--out", str(tmp_path / f"s{suffix}"), "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        expected = CONTOUR(VOLUME, level=0.5)
        for name in ("level", "area", "enclosed_volume", "mass_kda", "pieces"):
            assert answer[name] == pytest.approx(getattr(expected, name))
    assert b"property float quality" in (tmp_path / "s.ply").read_bytes()[:400]
