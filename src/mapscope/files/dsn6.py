"""DSN6 and BRIX maps of O: bytes in bricks of 8 x 8 x 8, two dialects of one format.

References
----------
T. A. Jones (1978), A graphics model building and refinement system for macromolecules,
J. Appl. Cryst. 11, 268-272; the header as in the manual of the program O.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np

from mapscope.files import crystal
from mapscope.files.findings import Findings
from mapscope.files.format import Cover, Reader
from mapscope.files.map_frame import origin_of, voxel_size_of
from mapscope.files.stream import open_input, read_up_to
from mapscope.volume import Array, MapHeader, Shape, Volume

_HEADER_BYTES = 512
_BRICK = 8
_MAX_EDGE = 2**14
_NUMBER = r"\s+(-?[\d.]+(?:[eE][-+]?\d+)?)"
_BRIX = re.compile(
    r":-\)\s*Origin" + _NUMBER * 3 + r"\s+Extent" + _NUMBER * 3 + r"\s+Grid" + _NUMBER * 3
    + r"\s+Cell" + _NUMBER * 6 + r"\s+Prod" + _NUMBER + r"\s+Plus" + _NUMBER,
    re.IGNORECASE,
)  # fmt: skip


class Dsn6Reader:
    """Reads DSN6 and BRIX maps; they hold a part of a P 1 cell, in steps of 1/256 of the range."""

    suffixes: ClassVar[tuple[str, ...]] = (".dsn6", ".omap", ".brix")
    noun: ClassVar[type] = Volume

    def crystal_cell(self, path: Path) -> tuple[float, ...]:
        """The unit cell."""
        findings = Findings(path)
        with open_input(path) as stream:
            numbers = _header(bytes(read_up_to(stream, _HEADER_BYTES)), findings)[1]
        return _frame(numbers, findings)[1].cell

    def read(self, path: Path, *, permissive: bool = False, cover: Cover | None = None) -> Volume:
        """The map as float32, resampled where its cell is skewed.

        Raises
        ------
        MapFormatError
            If the file is no such map, or is cut off.
        """
        findings = Findings(path, permissive)
        with open_input(path) as stream:
            raw = bytes(read_up_to(stream, _HEADER_BYTES))
            is_swapped, numbers = _header(raw, findings)
            size, frame = _frame(numbers, findings)
            bricks = tuple(-(-n // _BRICK) for n in size[::-1])
            count = bricks[0] * bricks[1] * bricks[2] * _BRICK**3
            content = read_up_to(stream, count)
        if len(content) < count:
            raise findings.refuse(
                f"expected {count} bytes for {size} voxels (x, y, z), found {len(content)}: the "
                "file is cut off, copy it again",
                "truncated",
            )
        stored = np.frombuffer(content, np.uint8)
        if is_swapped:
            stored = stored.reshape(-1, 2)[:, ::-1]
        data = _unbricked(stored, bricks, size)
        product, plus = numbers[15:17]
        density = (data.astype(np.float32) - np.float32(plus)) / np.float32(product)
        resampled = crystal.orthogonal_volume(density, frame, cover, findings)
        if resampled is not None:
            return resampled
        return Volume(density, voxel_size_of(frame), origin_of(frame), frame)


def _header(raw: bytes, findings: Findings) -> tuple[bool, list[float]]:
    """Whether bytes are swapped in pairs; origin, extent, grid, cell, factor, offset."""
    if raw[:3] == b":-)":
        found = _BRIX.match(raw.decode("latin-1"))
        if found is None:
            raise findings.refuse(f"its BRIX header is damaged: {raw[:60]!r}")
        return False, [float(number) for number in found.groups()]
    for order in (">", "<"):
        words = np.frombuffer(raw[:38], order + "i2").astype(float).tolist()
        # Word 19 is 100, in which byte order and format show themselves.
        if len(words) == 19 and words[18] == 100 and words[17] > 0:
            cell = [value / words[17] for value in words[9:15]]
            return order == "<", [*words[:9], *cell, words[15] / 100, words[16]]
    raise findings.refuse(
        "this is neither BRIX, which starts with ':-)', nor DSN6, whose word 19 is 100", "no_map"
    )


def _frame(numbers: list[float], findings: Findings) -> tuple[Shape, MapHeader]:
    """Size along x, y, z and the place in the cell, checked."""
    start, size, grid = (tuple(int(n) for n in numbers[i : i + 3]) for i in (0, 3, 6))
    good = all(1 <= n <= _MAX_EDGE for n in (*size, *grid)) and max(map(abs, start)) <= _MAX_EDGE
    a, b, c, alpha, beta, gamma = numbers[9:15]
    cosines = np.cos(np.radians(numbers[12:15]))
    good = good and 1 - (cosines**2).sum() + 2 * cosines.prod() > 1e-6
    if not good or not all(0 < n < 1e5 for n in numbers[9:16]):
        raise findings.refuse(f"its header makes no sense (origin to offset: {numbers})", "no_map")
    frame = MapHeader(
        nstart=(start[0], start[1], start[2]),
        sampling=(grid[0], grid[1], grid[2]),
        cell=(a, b, c, alpha, beta, gamma),
    )
    return (size[0], size[1], size[2]), frame


def _unbricked(stored: Array, bricks: tuple[int, ...], size: Shape) -> Array:
    """Bricks (z, y, x order, each in that order inside) put together and cut to size."""
    whole = stored.reshape(*bricks, _BRICK, _BRICK, _BRICK).transpose(0, 3, 1, 4, 2, 5)
    x, y, z = size
    whole = whole.reshape([n * _BRICK for n in bricks])
    return whole[:z, :y, :x]


READERS: tuple[Reader, ...] = (Dsn6Reader(),)
