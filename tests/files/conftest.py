"""Map files made byte by byte, and density of gemmi's to compare with: no code of Mapscope's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import mrcfile.dtypes
import numpy as np
import pytest

from mapscope.volume import Volume

Array = np.ndarray[Any, Any]
MODE_OF_TYPE = {"i1": 0, "i2": 1, "f4": 2, "u2": 6, "f2": 12, "u1": 0, "c8": 4}
MapMaker = Callable[..., Path]


def _map_bytes(
    stored: np.ndarray[Any, Any], order: str = "<", extended: bytes = b"", **fields: Any
) -> bytes:
    """An MRC file of data given as sections, rows, columns; `fields` replace header words."""
    words = np.zeros((), mrcfile.dtypes.HEADER_DTYPE.newbyteorder(order))
    sections, rows, columns = stored.shape
    axes = (fields.get("mapc", 1), fields.get("mapr", 2), fields.get("maps", 3))
    good_axes = axes if sorted(axes) == [1, 2, 3] else (1, 2, 3)
    along = dict(zip(good_axes, (columns, rows, sections), strict=True))
    defaults: dict[str, Any] = {
        **dict(zip(("nx", "ny", "nz"), (columns, rows, sections), strict=True)),
        **dict(zip(("mx", "my", "mz"), (along[1], along[2], along[3]), strict=True)),
        **dict(zip(("mapc", "mapr", "maps"), (1, 2, 3), strict=True)),
        "ispg": 1,
        "nsymbt": len(extended),
        "mode": MODE_OF_TYPE[stored.dtype.kind + str(stored.dtype.itemsize)],
        "cella": (float(along[1]), float(along[2]), float(along[3])),
        "cellb": (90.0, 90.0, 90.0),
        "map": b"MAP ",
        "machst": (0x44, 0x44, 0, 0) if order == "<" else (0x11, 0x11, 0, 0),
    }
    for name, value in {**defaults, **fields}.items():
        words[name] = value
    return words.tobytes() + extended + stored.astype(stored.dtype.newbyteorder(order)).tobytes()


@pytest.fixture(scope="session")
def map_bytes() -> Callable[..., bytes]:
    """Makes the bytes of such a file."""
    return _map_bytes


@pytest.fixture
def make_map(tmp_path: Path) -> MapMaker:
    """Writes such a file and returns its path."""

    def make(
        stored: np.ndarray[Any, Any], name: str = "source.mrc", cut: int = 0, **fields: Any
    ) -> Path:
        path = tmp_path / name
        content = _map_bytes(stored, **fields)
        path.write_bytes(content[: len(content) - cut] if cut >= 0 else content + b"\0" * -cut)
        return path

    return make


def sinc_interpolated(volume: Volume, positions: Array, taps: int = 24) -> Array:
    """Values between the voxels by a Kaiser-windowed sinc, good to 1e-4 at 3 voxels per wave."""
    index = volume.grid.index_from_world(positions)
    base = np.floor(index).astype(int) - taps // 2 + 1
    assert (base >= 0).all()
    assert (base + taps <= volume.shape).all()
    steps = base[:, :, None] + np.arange(taps)
    distance = index[:, :, None] - steps
    window = np.i0(9.0 * np.sqrt(np.clip(1 - (distance / (taps / 2)) ** 2, 0, None))) / np.i0(9.0)
    weights = np.sinc(distance) * window
    values = np.empty(len(positions))
    for n, (z, y, x) in enumerate(steps):
        block = volume.data[np.ix_(z, y, x)].astype(np.float64)
        values[n] = np.einsum("zyx,z,y,x", block, *weights[n])
    return values


@pytest.fixture
def density_pairs() -> Callable[[Volume, gemmi.FloatGrid], tuple[Array, Array]]:
    """Density of a volume and of gemmi's grid of the whole cell at 1,000 random points of that.

    Points of gemmi's grid need no interpolation of its own, which errs by up to 0.3 σ where a
    grid has three points per resolution. Between our voxels they lie anywhere.
    """

    def pairs(volume: Volume, grid: gemmi.FloatGrid) -> tuple[Array, Array]:
        density = np.asarray(grid.array)
        edges = np.array(grid.unit_cell.orth.mat.tolist())
        ends = np.array([[13] * 3, np.array(volume.shape) - 14])
        lower, upper = volume.grid.world_from_index(ends)
        random = np.random.default_rng(1).uniform(lower, upper, (1000, 3))
        node = np.rint(random[:, ::-1] @ np.linalg.inv(edges).T * density.shape).astype(int)
        positions = (node / density.shape @ edges.T)[:, ::-1]
        return sinc_interpolated(volume, positions), density[tuple((node % density.shape).T)]

    return pairs
