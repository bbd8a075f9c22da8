"""TIFF stacks with the voxel sizes of OME and ImageJ, written by tifffile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from mapscope import files
from mapscope.errors import MapFormatError

STACK = np.random.default_rng(0).integers(0, 255, (4, 6, 5)).astype(np.uint8)


OME_NM = {
    "ome": True,
    "metadata": {"axes": "ZYX"}
    | {f"PhysicalSize{axis}": 1.0 for axis in "XYZ"}
    | {f"PhysicalSize{axis}Unit": "nm" for axis in "XYZ"},
}


def save(path: Path, data: Any = STACK, **options: Any) -> Path:
    tifffile.imwrite(path, data, **{"photometric": "minisblack", **options})
    return path


@pytest.mark.parametrize(
    ("unit", "angstrom"), [("nm", 10.0), ("micron", 1e4), ("um", 1e4), ("angstrom", 1.0)]
)
def test_read_when_imagej_says_the_size_then_it_is_in_angstrom(
    tmp_path: Path, unit: str, angstrom: float
) -> None:
    path = save(
        tmp_path / "a.tif",
        imagej=True,
        resolution=(1 / 2.0, 1 / 4.0),
        metadata={"spacing": 3.0, "unit": unit, "axes": "ZYX"},
    )
    volume = files.read(path)
    np.testing.assert_array_equal(volume.data, STACK)
    expected = (3.0 * angstrom, 4.0 * angstrom, 2.0 * angstrom)
    assert volume.voxel_size == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("unit", "angstrom"), [("nm", 10.0), ("µm", 1e4), ("Å", 1.0)])
def test_read_when_ome_says_the_size_then_it_is_in_angstrom(
    tmp_path: Path, unit: str, angstrom: float
) -> None:
    sizes = {f"PhysicalSize{axis}": n for n, axis in enumerate("XYZ", start=1)}
    units = {f"{name}Unit": unit for name in sizes}
    path = save(tmp_path / "a.ome.tif", metadata={"axes": "ZYX", **sizes, **units})
    volume = files.read(path)
    np.testing.assert_array_equal(volume.data, STACK)
    assert volume.voxel_size == pytest.approx((3 * angstrom, 2 * angstrom, angstrom))


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_read_when_no_size_is_given_then_permissive_takes_one_angstrom(
    tmp_path: Path, compression: str | None
) -> None:
    data = STACK.astype(np.float32)
    path = save(tmp_path / "a.tif", data, compression=compression)
    with pytest.raises(MapFormatError, match="voxel size is unknown: neither OME nor ImageJ"):
        files.read(path)
    with pytest.warns(files.FileWarning, match="1.0 Å"):
        volume = files.read(path, permissive=True)
    np.testing.assert_array_equal(volume.data, data)
    assert volume.voxel_size == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.zeros((6, 5, 3), np.uint8), {"photometric": "rgb"}, "colours are no density"),
        (np.zeros((2, 3, 6, 5), np.uint8), {"imagej": True}, "channels"),
        (np.zeros((4, 6, 5), np.complex64), {}, "complex64 are not density"),
        (np.full((4, 6, 5), np.nan, np.float32), OME_NM, "120 of 120 numbers are not finite"),
    ],
)
def test_read_when_it_is_no_grey_stack_then_it_is_refused(
    tmp_path: Path, data: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(MapFormatError, match=message):
        files.read(save(tmp_path / "a.tif", data, **options))


@pytest.mark.parametrize("keep", [0, 2, 8, 40, 150, 300])
def test_read_when_the_file_is_cut_off_then_it_is_refused(tmp_path: Path, keep: int) -> None:
    path = save(tmp_path / "a.tif")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(MapFormatError, match=r"a\.tif"):
        files.read(path)


def test_read_when_sizes_are_beyond_the_file_then_nothing_is_allocated(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", np.zeros((1, 64, 64), np.uint8), compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        page: Any = tiff.pages[0]
        for name in ("ImageWidth", "ImageLength"):
            page.tags[name].overwrite(60000)
    with pytest.raises(MapFormatError, match=r"a\.tif"):
        files.read(path, permissive=True)
