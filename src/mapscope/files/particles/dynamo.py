"""Tables of Dynamo: text with 26 columns or more.

References
----------
https://wiki.dynamo.biozentrum.unibas.ch/w/index.php/Table_convention. Coordinates are counted as
everybody does who exchanges tables with Dynamo (dynamo2m, ArtiaX, copick): as they stand there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.errors import InputError
from mapscope.files.findings import Findings
from mapscope.files.particles.angles import from_dynamo, to_dynamo
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import (
    Listed,
    class_names,
    counted_in,
    numbers,
    scored,
    typed,
)
from mapscope.files.stream import read_text
from mapscope.volume import Array

_COLUMNS = (
    *("tag", "aligned", "averaged", "dx", "dy", "dz", "tdrot", "tilt", "narot", "cc", "cc2"),
    *("cpu", "ftype", "ymintilt", "ymaxtilt", "xmintilt", "xmaxtilt", "fs1", "fs2", "tomo", "reg"),
    *("class", "annotation", "x", "y", "z", "dshift", "daxis", "dnarot", "dcc", "otag", "npar"),
    *("column_33", "ref", "sref", "apix", "def"),
)
_SHIFT, _PLACE, _ANGLES = ("dx", "dy", "dz"), ("x", "y", "z"), ("tdrot", "tilt", "narot")
_KNOWN = (*_PLACE, *_SHIFT, *_ANGLES, "cc", "class", "tomo", "apix")
_LEAST, _WRITTEN = 26, 40
_DEFAULTS = {"aligned": 1.0, "averaged": 1.0, "ftype": 1.0, "ref": 1.0}
_FULL_RANGE = 0.0


class DynamoFormat(ParticlesFormat):
    """Tables of Dynamo; column 36 holds the voxel size where somebody put it there."""

    name = "dynamo"
    title = "Dynamo .tbl"
    suffixes = (".tbl",)
    prefix = "dynamo."
    holds_voxel_size = True

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
        width = len(rows[0]) if rows else 0
        if width < _LEAST:
            raise findings.refuse(
                f"a table of Dynamo has {_LEAST} columns or more, with x, y, z in columns 24 to "
                f"26, got {width}"
            )
        bad = next((n for n, row in enumerate(rows, start=1) if len(row) != width), None)
        if bad is not None:
            raise findings.refuse(f"line {bad} has {len(rows[bad - 1])} columns, the first {width}")
        names = [column_name(n) for n in range(width)]
        text = {name: [row[n] for row in rows] for n, name in enumerate(names)}
        number = {k: numbers(text[k], k, findings) for k in _KNOWN if k in text}
        said = number.get("apix")
        if said is not None and (said <= 0).any():
            said = None
        edge = counted_in(frame, findings, len(rows), said)
        place = np.stack([number[a] + number[s] for a, s in zip(_PLACE, _SHIFT, strict=True)], 1)
        extras = {k: typed(v) for k, v in text.items() if k not in _KNOWN}
        extras |= {k: number[k] for k in _SHIFT}
        return Listed(
            place * np.broadcast_to(edge, (len(rows),))[:, None],
            edge,
            from_dynamo(np.stack([number[k] for k in _ANGLES], axis=1)),
            class_names(number["class"]),
            scored(number["cc"]),
            class_names(number["tomo"]),
            extras={self.prefix + name: values for name, values in extras.items()},
        )

    def caution(self, layout: Layout) -> str:
        """Which numbers stand for which names."""
        return layout.numbering()

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file.

        Raises
        ------
        InputError
            If there are no particles: an empty table is an empty file.
        """
        count = len(layout)
        if not count:
            raise InputError(f"{self.title} without particles is an empty file: write .csv")
        columns = {name: layout.extra(self.prefix + name, default(name)) for name in _table_names()}
        kept = layout.extras(self.prefix)
        columns |= {k: v for k, v in kept.items() if v.dtype.kind == "U" or k not in columns}
        columns["tag"] = layout.serial(f"{self.prefix}tag")
        shifts = np.stack([columns[name] for name in _SHIFT], axis=1)
        place = layout.voxels(self.title) - shifts
        angles = np.zeros((count, 3)) if layout.rotations is None else to_dynamo(layout.rotations)
        columns |= dict(
            zip((*_PLACE, *_ANGLES), [*tidied(place).T, *tidied(angles).T], strict=True)
        )
        columns |= {
            "cc": layout.scores(),
            "class": layout.class_numbers(),
            "tomo": layout.tomogram_numbers(),
            "apix": layout.edges(self.title),
        }
        cells = [_words(columns[name]) for name in sorted(columns, key=_number)]
        return "".join(" ".join(row) + "\n" for row in zip(*cells, strict=True)).encode()


def column_name(index: int) -> str:
    """What Dynamo calls a column, counted from 0.

    Examples
    --------
    >>> column_name(23), column_name(40)
    ('x', 'column_41')
    """
    return _COLUMNS[index] if index < len(_COLUMNS) else f"column_{index + 1}"


def default(name: str) -> float:
    """What a column holds that nobody filled."""
    return _DEFAULTS.get(name, _FULL_RANGE)


def _table_names() -> list[str]:
    """Names of the columns that are always written."""
    return [column_name(n) for n in range(_WRITTEN)]


def _number(name: str) -> int:
    """Place of a column, counted from 0."""
    return _COLUMNS.index(name) if name in _COLUMNS else int(name.removeprefix("column_")) - 1


def _words(values: Array) -> list[str]:
    """A column as words; whole numbers without a point, as Dynamo writes them."""
    if values.dtype.kind == "U":
        return [value or "0" for value in values.tolist()]
    numbers = values.astype(np.float64).tolist()
    return [str(int(v)) if v.is_integer() and abs(v) < 1e15 else repr(v) for v in numbers]


FORMATS = (DynamoFormat(),)
