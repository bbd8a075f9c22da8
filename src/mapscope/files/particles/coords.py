"""Places as text: ``.coords`` of DeepETPicker and EMAN, and lists of PyTom and SHREC."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mapscope.errors import InputError
from mapscope.files.findings import Findings
from mapscope.files.particles.digits import digits, tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, counted_in, numbers
from mapscope.files.stream import read_text
from mapscope.volume import Array

_PLAIN, _WITH_CLASS = 3, 4
_TOMOGRAM = re.compile(r"#TOMONAME\s+(\S.*\S)")
_CODE = re.compile(r"[0-9A-Za-z]*[A-Za-z][0-9A-Za-z]*")
_SHREC = re.compile(r"\s*[0-9A-Za-z]*[A-Za-z][0-9A-Za-z]*(\s+-?\d+(\.\d+)?){3,6}\s*")
_ANGLES = ("angle_1", "angle_2", "angle_3")
_THIN = 0.75


class CoordsFormat(ParticlesFormat):
    """Text of x, y, z in voxels, with the number of a class before them or without."""

    name = "coords"
    title = ".coords"
    suffixes = (".coords", ".txt")

    def claims(self, head: bytes) -> bool:
        """Whether the text has three or four numbers, or says that it is of PyTom."""
        return bool(head)

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        text = read_text(path)
        found = _TOMOGRAM.search(text)
        if path.name.lower().rpartition(".txt")[1] and found is None:
            raise findings.refuse(
                "it lists no particles that are known by .txt, which are those of PyTom "
                "(#TOMONAME) and of SHREC: a list of x, y, z is read when it is called .coords",
                "no_particles",
            )
        rows = [line.split() for line in text.splitlines() if line.strip()[:1] not in ("", "#")]
        widths = {len(row) for row in rows}
        if len(widths) > 1 or widths - {_PLAIN, _WITH_CLASS}:
            raise findings.refuse(
                "expected x, y, z in each line, or a class and x, y, z, got "
                f"{sorted(widths)} words",
                "no_particles",
            )
        edge = counted_in(frame, findings, len(rows))
        has_class = widths == {_WITH_CLASS}
        columns = [[row[n + has_class] for row in rows] for n in range(3)]
        place = [numbers(c, axis, findings) for c, axis in zip(columns, "xyz", strict=True)]
        return Listed(
            np.stack(place, axis=1) * edge,
            edge,
            species=[row[0] for row in rows] if has_class else None,
            tomogram=None if found is None else [found[1]] * len(rows),
        )

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file.

        Raises
        ------
        InputError
            If there are no particles: such a file is an empty file.
        """
        if not len(layout):
            raise InputError(f"{self.title} without particles is an empty file: write .csv")
        layout.one_tomogram(self.title)
        place = tidied(layout.voxels(self.title, single=True))
        rows = [[repr(number) for number in row] for row in place.tolist()]
        if layout.particles.species is not None:
            classes = layout.class_numbers().tolist()
            rows = [[str(c), *row] for c, row in zip(classes, rows, strict=True)]
        return "".join("\t".join(row) + "\n" for row in rows).encode()

    def content_as(self, layout: Layout, suffix: str) -> bytes:
        """The bytes of a file; in ``.txt`` PyTom's line with the tomogram comes first."""
        name = layout.one_tomogram(self.title) or "unknown"
        head = f"#TOMONAME\t{name}\n" if suffix == ".txt" else ""
        return head.encode() + self.content(layout)


class ShrecFormat(ParticlesFormat):
    """Particle locations of the SHREC contests: a PDB code, three places and three angles.

    Their first column is z in 2019 and x later, which is told by the tomogram being thinner along
    z. The contests do not say what their angles turn: they are kept as columns.
    """

    name = "shrec"
    title = "SHREC .txt"
    suffixes = (".txt",)
    prefix = "shrec."

    def claims(self, head: bytes) -> bool:
        """Whether the first lines are of that kind."""
        lines = head.decode("utf-8", "replace").splitlines()[:3]
        return bool(lines) and all(_SHREC.fullmatch(line) for line in lines if line.strip())

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        lines = [line for line in read_text(path).splitlines() if line.strip()]
        bad = next((n for n, line in enumerate(lines, 1) if not _SHREC.fullmatch(line)), None)
        rows = [line.split() for line in lines]
        if bad is not None or len({len(row) for row in rows}) > 1:
            raise findings.refuse(f"line {bad}: expected a code, x, y, z and three angles")
        fields = list(zip(*rows, strict=True))[1:]
        columns = [numbers(column, "a number", findings) for column in fields]
        edge = counted_in(frame, findings, len(rows))
        angles = dict(zip(_ANGLES, columns[3:], strict=False))
        return Listed(
            _in_order(np.stack(columns[:3], axis=1), frame, findings) * edge,
            edge,
            species=[row[0] for row in rows],
            extras={self.prefix + name: values for name, values in angles.items()},
        )

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file.

        Raises
        ------
        InputError
            If there are no particles, or the species are no codes.
        """
        layout.one_tomogram(self.title)
        species = layout.species
        if not species or not all(map(_CODE.fullmatch, species)):
            raise InputError(f"{self.title} names particles by PDB codes: write .csv or .coords")
        place = layout.voxels(self.title, single=True)
        kept = [layout.extra(self.prefix + name, 0.0) for name in _ANGLES]
        rows = zip(species, *map(digits, (*place.T, *kept)), strict=True)
        return "".join(" ".join(row) + "\n" for row in rows).encode()


def _in_order(columns: Array, frame: Frame, findings: Findings) -> Array:
    """Places as x, y, z: as they fit into the tomogram, or else the least far column is z."""
    first, second, third = columns.max(axis=0)
    if frame.shape is not None:
        fits = (columns.max(axis=0)[::-1] <= frame.shape).all()
        return columns if fits else columns[:, ::-1]
    if third < _THIN * min(first, second):
        return columns
    if first < _THIN * min(second, third):
        return columns[:, ::-1]
    raise findings.refuse(
        "SHREC's lists begin with x or with z, and these places reach equally far along both: "
        "write them as x, y, z with titles into a .csv"
    )


FORMATS = (ShrecFormat(), CoordsFormat())
