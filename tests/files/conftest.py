"""Map files made byte by byte, without any code of Mapscope's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mrcfile.dtypes
import numpy as np
import pytest

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
