"""DSN6 and BRIX maps, put together byte by byte from the description in O's manual."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import files
from mapscope.errors import MapFormatError

Array = np.ndarray[Any, Any]
START, GRID, CELL = (-3, 5, 7), (40, 50, 60), (20.0, 30.0, 24.0, 90.0, 90.0, 90.0)
BYTES = np.random.default_rng(0).integers(0, 256, (9, 17, 10)).astype(np.uint8)
PRODUCT, PLUS = 2.5, 30


def bricks_of(data: Array) -> bytes:
    """Every brick of 8 x 8 x 8 in turn, x fastest, voxel by voxel, with zeros beyond the map."""
    out = bytearray()
    nz, ny, nx = data.shape
    for bz in range(0, nz, 8):
        for by in range(0, ny, 8):
            for bx in range(0, nx, 8):
                for z in range(bz, bz + 8):
                    for y in range(by, by + 8):
                        for x in range(bx, bx + 8):
                            inside = z < nz and y < ny and x < nx
                            out.append(int(data[z, y, x]) if inside else 0)
    return bytes(out)


def brix(data: Array = BYTES, cell: tuple[float, ...] = CELL) -> bytes:
    head = ":-) Origin%5d%5d%5d Extent%5d%5d%5d Grid%5d%5d%5d Cell %10.3f%10.3f%10.3f%10.3f%10.3f"
    head += "%10.3f Prod%12.5f Plus%8d Sigma %12.5f"
    values = (*START, *data.shape[::-1], *GRID, *cell, PRODUCT, PLUS, 1.0)
    return (head % values).encode().ljust(512) + bricks_of(data)


def dsn6(order: str, data: Array = BYTES, cell: tuple[float, ...] = CELL) -> bytes:
    """Big-endian words; on the other machines every pair of bytes is swapped, data too."""
    words = [*START, *data.shape[::-1], *GRID, *(round(80 * n) for n in cell)]
    words += [round(PRODUCT * 100), PLUS, 80, 100]
    content = np.array(words, ">i2").tobytes().ljust(512, b"\0") + bricks_of(data)
    if order == "<":
        content = np.frombuffer(content, np.uint8).reshape(-1, 2)[:, ::-1].tobytes()
    return content


@pytest.mark.parametrize(
    ("name", "content"), [("a.brix", brix()), ("a.dsn6", dsn6(">")), ("a.omap", dsn6("<"))]
)
def test_read_when_the_map_is_in_bricks_then_density_lies_in_its_place(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    volume = files.read(path)
    expected = (BYTES.astype(float) - PLUS) / PRODUCT
    np.testing.assert_allclose(volume.data, expected, atol=1e-5)
    assert volume.voxel_size == pytest.approx((0.4, 0.6, 0.5))
    assert volume.origin == pytest.approx((7 * 0.4, 5 * 0.6, -3 * 0.5))


def test_read_when_the_cell_is_skewed_then_the_map_is_resampled(tmp_path: Path) -> None:
    path = tmp_path / "a.brix"
    path.write_bytes(
        brix(np.full((9, 17, 10), 55, np.uint8), (20.0, 30.0, 24.0, 90.0, 100.0, 90.0))
    )
    volume = files.read(path)
    assert volume.voxel_size == pytest.approx((0.4, 0.4, 0.4))
    assert volume.data.max() == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither BRIX"),
        (b":-) Origin nonsense".ljust(512), "BRIX header is damaged"),
        (bytes(512), "neither BRIX"),
        (brix()[:-1], "cut off"),
        (dsn6(">")[:700], "cut off"),
        (brix(cell=(0.0, 1.0, 1.0, 90.0, 90.0, 90.0)), "makes no sense"),
        (brix(cell=(9.0, 9.0, 9.0, 10.0, 90.0, 170.0)), "makes no sense"),
    ],
)
def test_read_when_the_file_is_damaged_then_the_reason_is_given(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "a.brix"
    path.write_bytes(content)
    with pytest.raises(MapFormatError, match=message):
        files.read(path)
