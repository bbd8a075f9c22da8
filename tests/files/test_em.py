"""EM volumes of every type and byte order, and what only looks like one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import files
from mapscope.errors import DataError, MapFormatError
from mapscope.volume import Volume

Array = np.ndarray[Any, Any]
RAMP = np.arange(24).reshape(2, 3, 4)


def em_bytes(
    stored: Array, code: int, machine: int = 6, order: str = "<", pixel: int = 123
) -> bytes:
    """An EM file after the format's description: bytes 0 and 3, sizes, and parameter 7."""
    head = bytearray(512)
    head[0], head[3] = machine, code
    head[4:16] = np.array(stored.shape[::-1], order + "i4").tobytes()
    head[96 + 6 * 4 : 96 + 7 * 4] = np.array(pixel, order + "i4").tobytes()
    return bytes(head) + stored.astype(stored.dtype.newbyteorder(order)).tobytes()


@pytest.mark.parametrize(("code", "dtype"), [(1, "i1"), (2, "i2"), (4, "i4"), (5, "f4"), (9, "f8")])
@pytest.mark.parametrize(("machine", "order"), [(6, "<"), (1, "<"), (0, ">"), (3, ">"), (5, ">")])
def test_read_when_type_and_byte_order_differ_then_numbers_and_pixel_size_come_out(
    tmp_path: Path, code: int, dtype: str, machine: int, order: str
) -> None:
    path = tmp_path / "a.em"
    path.write_bytes(em_bytes(RAMP.astype(dtype), code, machine, order))
    volume = files.read(path)
    np.testing.assert_array_equal(volume.data, RAMP)
    assert volume.data.dtype == np.dtype(dtype)
    assert volume.voxel_size == pytest.approx((1.23, 1.23, 1.23))
    assert volume.origin == (0.0, 0.0, 0.0)


def test_read_when_the_machine_byte_is_wrong_then_the_sizes_tell_the_order(tmp_path: Path) -> None:
    path = tmp_path / "a.em"
    path.write_bytes(em_bytes(RAMP.astype("f4"), 5, machine=0, order="<"))
    np.testing.assert_array_equal(files.read(path).data, RAMP)


def test_read_when_the_pixel_size_is_zero_then_permissive_takes_one_angstrom(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.em"
    path.write_bytes(em_bytes(RAMP.astype("f4"), 5, pixel=0))
    with pytest.raises(MapFormatError, match="voxel size is unknown"):
        files.read(path)
    with pytest.warns(files.FileWarning, match="take voxels"):
        assert files.read(path, permissive=True).voxel_size == (1.0, 1.0, 1.0)


def test_read_when_it_is_a_list_of_angles_then_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "angles.em"
    path.write_bytes(em_bytes(np.zeros((1, 7, 3), "f4"), 5))
    with pytest.raises(MapFormatError, match=r"3 x 7 numbers are no volume.*particles or angles"):
        files.read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:-1], "cut off"),
        (lambda b: b + b"x", "bytes beyond"),
        (lambda b: b[:100], "only 100 came"),
        (lambda b: b[:3] + b"\x07" + b[4:], "type 7"),
        (lambda b: b[:3] + b"\x08" + b[4:], "complex"),
        (lambda b: b[:4] + b"\xff" * 12 + b[16:], "sizes -1, -1, -1"),
        (lambda b: b[:4] + np.array([2**20] * 3, "<i4").tobytes() + b[16:], "cut off"),
        (lambda b: b[:512] + np.full(24, np.nan, "<f4").tobytes(), "24 of 24 .* not finite"),
    ],
)
def test_read_when_the_file_is_damaged_then_the_reason_is_given(
    tmp_path: Path, change: Any, message: str
) -> None:
    path = tmp_path / "a.em"
    path.write_bytes(change(em_bytes(RAMP.astype("f4"), 5)))
    with pytest.raises(MapFormatError, match=message):
        files.read(path)


def test_write_when_other_programs_read_it_then_sizes_type_and_pixel_size_stand_in_place(
    tmp_path: Path,
) -> None:
    volume = Volume(RAMP.astype("f4"), (1.237,) * 3, (10.5, -20.0, 30.0))
    path = files.write(tmp_path / "a.em", volume)
    content = path.read_bytes()
    assert (content[0], content[3]) == (6, 5)
    assert np.frombuffer(content, "<i4", 3, 4).tolist() == [4, 3, 2]
    assert np.frombuffer(content, "<i4", 1, 120)[0] == 124
    np.testing.assert_array_equal(np.frombuffer(content, "<f4", 24, 512), RAMP.ravel())
    again = files.read(path)
    assert (again.voxel_size, again.origin) == (volume.voxel_size, volume.origin)
    altered = content[:120] + np.array(500, "<i4").tobytes() + content[124:]
    path.write_bytes(altered)
    assert files.read(path).voxel_size == (5.0, 5.0, 5.0)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "i4", "f8", "?"])
def test_write_when_the_type_has_no_code_then_one_that_holds_it_is_taken(
    tmp_path: Path, dtype: str
) -> None:
    values = (RAMP % 2).astype(dtype) if dtype == "?" else RAMP.astype(dtype)
    again = files.read(files.write(tmp_path / "a.em", Volume(values)))
    np.testing.assert_array_equal(again.data, values)


def test_write_when_the_format_has_no_room_then_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MapFormatError, match=r"cubic voxels.*write \.mrc"):
        files.write(tmp_path / "a.em", Volume(RAMP.astype("f4"), (1, 1, 2)))
    with pytest.raises(MapFormatError, match="one section"):
        files.write(tmp_path / "a.em", Volume(RAMP[:1].astype("f4")))
    with pytest.raises(DataError, match="finite"):
        files.write(tmp_path / "a.em", Volume(np.full((2, 2, 2), np.nan, np.float32)))
    assert list(tmp_path.iterdir()) == []
