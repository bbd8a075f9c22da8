"""Situs text maps: place, order and exact numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapscope import files
from mapscope.errors import MapFormatError
from mapscope.volume import Volume

TEXT = """2.500000 10.000000 -20.000000 30.500000 3 2 2

 0.0 1.0 2.0 10.0 11.0
 12.0 100.0 101.0 102.0 110.0 111.0 112.0
"""


def test_read_when_the_text_is_a_map_then_x_runs_fastest_and_the_origin_is_the_first_voxel(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.situs"
    path.write_text(TEXT)
    volume = files.read(path)
    z, y, x = np.indices((2, 2, 3))
    np.testing.assert_array_equal(volume.data, 100 * z + 10 * y + x)
    assert volume.voxel_size == (2.5, 2.5, 2.5)
    assert volume.origin == (30.5, -20.0, 10.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2.500000", "-1", "expected a Situs map"),
        ("2.500000", "nan", "expected a Situs map"),
        ("3 2 2", "3 2 x", "expected a Situs map"),
        ("3 2 2", "3 2 0", "expected a Situs map"),
        (TEXT, "", "expected a Situs map"),
        ("3 2 2", "1000000 1000000 1000000", "found 12: the file is cut off"),
        (" 112.0", "", "expected 12 numbers, found 11"),
        (" 112.0", " 112.0 113.0", "expected 12 numbers, found 13"),
        ("101.0", "abc", "text among the numbers"),
        ("101.0", "nan", "1 of 12 numbers are not finite"),
        ("112.0", "112.0" + " 1" * 5000, "far more text"),
    ],
)
def test_read_when_the_text_is_wrong_then_the_reason_is_given(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "a.sit"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(MapFormatError, match=message):
        files.read(path)


def test_write_when_read_back_then_float32_is_exact(tmp_path: Path) -> None:
    data = np.random.default_rng(0).standard_normal((3, 4, 7)).astype(np.float32) * 1e-6
    volume = Volume(data, (1.0 / 3,) * 3, (0.1, -2.7, 1e4))
    path = files.write(tmp_path / "a.situs", volume)
    again = files.read(path)
    np.testing.assert_array_equal(again.data, data)
    assert (again.voxel_size, again.origin) == (volume.voxel_size, volume.origin)
    assert max(len(line.split()) for line in path.read_text().splitlines()) == 10


def test_write_when_voxels_are_not_cubic_then_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MapFormatError, match="Situs files hold cubic voxels"):
        files.write(tmp_path / "a.situs", Volume(np.ones((2, 2, 2), np.float32), (1, 2, 1)))
    big = Volume(np.full((2, 2, 2), 2**24 + 1, np.int32))
    with pytest.raises(MapFormatError, match="16,777,216"):
        files.write(tmp_path / "a.situs", big)
