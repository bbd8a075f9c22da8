"""Motive lists of TOM, av3 and Artiatomi: EM files of 20 rows, which count from 1.

References
----------
F. Förster et al. (2005), Retrovirus envelope protein complex structure in situ studied by
cryo-electron tomography, PNAS 102, 4729-4734 (av3); rows as in tom_emread's motive lists.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.errors import InputError
from mapscope.files.em import HEADER_BYTES
from mapscope.files.findings import Findings
from mapscope.files.particles.angles import from_tom, to_tom
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, checked, class_names, counted_in, scored
from mapscope.files.stream import open_input, read_up_to
from mapscope.volume import Array

_ROWS = (
    *("score", "geom1", "geom2", "subtomo_id", "tomo_id", "object_id", "subtomo_mean"),
    *("x", "y", "z", "shift_x", "shift_y", "shift_z", "geom3", "geom4", "geom5"),
    *("phi", "psi", "theta", "class"),
)
_PLACE, _SHIFT = ("x", "y", "z"), ("shift_x", "shift_y", "shift_z")
_ANGLES = ("phi", "theta", "psi")
_KNOWN = {*_PLACE, *_ANGLES, "score", "class", "tomo_id"}
_DTYPE_OF_CODE = {5: "f4", 9: "f8"}
_FEWEST, _MOST_ROWS = 18, 22
_DOUBLE, _PC = 9, 6
_FIRST = 1.0
_MOST = 2**24


class MotlFormat(ParticlesFormat):
    """Motive lists as EM files, of single or double precision; double is written."""

    name = "motl"
    title = "motive list .em"
    suffixes = (".em",)
    prefix = "motl."

    def claims(self, head: bytes) -> bool:
        """Whether an EM file of one section begins so, with about as many rows as a list has."""
        if len(head) < HEADER_BYTES or head[3] not in _DTYPE_OF_CODE:
            return False
        rows, _, sections = np.frombuffer(head, _order(head) + "i4", 3, 4).tolist()
        return bool(sections == 1 and _FEWEST <= rows <= _MOST_ROWS)

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        table = _table(path, findings)
        row = {name: table[:, n] for n, name in enumerate(_ROWS)}
        place = np.stack([row[a] + row[s] for a, s in zip(_PLACE, _SHIFT, strict=True)], axis=1)
        edge = counted_in(frame, findings, len(table))
        extras = {self.prefix + k: v for k, v in row.items() if k not in _KNOWN}
        return Listed(
            (place - _FIRST) * edge,
            edge,
            from_tom(np.stack([row[k] for k in _ANGLES], axis=1)),
            class_names(row["class"]),
            scored(row["score"]),
            class_names(row["tomo_id"]),
            extras=extras,
        )

    def caution(self, layout: Layout) -> str:
        """Which numbers stand for which names."""
        return layout.numbering()

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file.

        Raises
        ------
        InputError
            If there are no particles: EM files have one row of numbers at least.
        """
        count = len(layout)
        if not count:
            raise InputError(f"{self.title} has no room for a list without particles: write .csv")
        row = {name: layout.extra(self.prefix + name, 0.0) for name in _ROWS}
        row["subtomo_id"] = layout.serial(f"{self.prefix}subtomo_id")
        shifts = np.stack([row[name] for name in _SHIFT], axis=1)
        place = layout.voxels(self.title, single=True) + _FIRST - shifts
        angles = np.zeros((count, 3)) if layout.rotations is None else to_tom(layout.rotations)
        exact = tidied(np.concatenate([place, angles], axis=1))
        row |= dict(zip((*_PLACE, *_ANGLES), exact.T, strict=True))
        row |= {
            "score": layout.scores(),
            "class": layout.class_numbers(),
            "tomo_id": layout.tomogram_numbers(),
        }
        header = bytearray(HEADER_BYTES)
        header[0], header[3] = _PC, _DOUBLE
        header[4:16] = np.array([len(_ROWS), count, 1], "<i4").tobytes()
        table = np.stack([row[name] for name in _ROWS], axis=1)
        return bytes(header) + table.astype("<f8").tobytes()


def _order(head: bytes) -> str:
    """Byte order of an EM file, by what makes its sizes small."""
    little = np.frombuffer(head, "<i4", 3, 4)
    return "<" if ((little > 0) & (little < _MOST)).all() else ">"


def _table(path: Path, findings: Findings) -> Array:
    """The numbers (n, 20) of a motive list."""
    with open_input(path) as stream:
        head = bytes(read_up_to(stream, HEADER_BYTES))
        if len(head) < HEADER_BYTES or head[3] not in _DTYPE_OF_CODE:
            raise findings.refuse(
                f"expected the {HEADER_BYTES} bytes of an EM header and numbers of single or "
                "double precision",
                "no_particles",
            )
        order = _order(head)
        rows, count, _ = np.frombuffer(head, order + "i4", 3, 4).tolist()
        if rows != len(_ROWS):
            raise findings.refuse(
                f"a motive list of TOM and av3 has {len(_ROWS)} rows of numbers, got {rows}: this "
                "is another program's list, or one of them was added or lost",
                "no_particles",
            )
        if not 1 <= count <= _MOST:
            raise findings.refuse(f"expected 1 to {_MOST} particles, got {count}")
        dtype = np.dtype(order + _DTYPE_OF_CODE[head[3]])
        content = read_up_to(stream, rows * count * dtype.itemsize)
    if len(content) < rows * count * dtype.itemsize:
        raise findings.refuse(
            f"expected {rows * count * dtype.itemsize} bytes for {count} particles, found "
            f"{len(content)}: the file is cut off, copy it again",
            "truncated",
        )
    table = np.frombuffer(content, dtype).reshape(count, rows).astype(np.float64)
    return checked(table, "a number of the list", findings)


FORMATS = (MotlFormat(),)
