"""Lists of particles as CSV and TSV: Mapscope's own, copick's, and tables of others.

Mapscope writes copick's columns in Å with a few more, all that is known of particles, and reads
them back exactly. Of others it reads tables with x, y and z, in Å where the titles say so and else
in voxels; numbers without titles are x, y, z.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.delimited_sheet import (
    FIRST_VOXEL,
    IN_ANGSTROM,
    MATRIX,
    SCORE,
    SPECIES,
    TOMOGRAM_SIZE,
    UNIT,
    Sheet,
    is_sheet,
    sheet_of,
)
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import (
    Listed,
    counted_in,
    numbers,
    numbers_with_gaps,
    proper,
    typed,
)
from mapscope.files.stream import read_text
from mapscope.particles import FILE_FORMAT, RESERVED_COLUMNS, TOMOGRAM, VOXEL_SIZE
from mapscope.volume import Array

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


class DelimitedFormat(ParticlesFormat):
    """Text with one particle on each line."""

    name = "csv"
    title = "CSV of particles"
    suffixes = tuple(_DELIMITERS)
    holds_voxel_size = True

    def claims(self, head: bytes) -> bool:
        """Whether a list begins so: with titles for x, y and z, or with numbers and no titles."""
        lines = head.decode("utf-8-sig", "replace").splitlines()
        return bool(lines) and bool(lines[0].strip()) and is_sheet(lines[0])

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        sheet = sheet_of(read_text(path), findings).without_none(findings)
        place = sheet.places(findings)
        if not sheet.has_titles:
            _refuse_other_order(place, frame, findings)
        edge: Array | float | None = _voxel_size(sheet, findings)
        if not sheet.in_angstrom:
            edge = counted_in(frame, findings, len(place), edge)
            place = place * np.broadcast_to(edge, (len(place),))[:, None]
        rotations, shifts = _pose(sheet, findings)
        named = {what: sheet.title_of(what) for what in (TOMOGRAM, SPECIES, SCORE, VOXEL_SIZE)}
        text = {what: sheet.columns[name] for what, name in named.items() if name is not None}
        score = text.get(SCORE)
        ours = {*MATRIX, *TOMOGRAM_SIZE, *FIRST_VOXEL, FILE_FORMAT, UNIT}
        used = {*sheet.place, *named.values(), *ours}
        extras = {sheet.titles[k]: _typed(v) for k, v in sheet.columns.items() if k not in used}
        return Listed(
            place + shifts,
            edge,
            rotations,
            text.get(SPECIES),
            None if score is None else numbers_with_gaps(score, "", SCORE, findings),
            text.get(TOMOGRAM),
            _triples(sheet, TOMOGRAM_SIZE, findings),
            _triples(sheet, FIRST_VOXEL, findings),
            {name: values for name, values in extras.items() if len(values)},
        )

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file, with commas."""
        return _text(layout, ",").encode()

    def content_as(self, layout: Layout, suffix: str) -> bytes:
        """The bytes of a file, with commas, or tabs where its suffix asks for them."""
        return _text(layout, _DELIMITERS.get(suffix, ",")).encode()


def _refuse_other_order(place: Array, frame: Frame, findings: Findings) -> None:
    """Raise where places without titles fit into the tomogram only as z, y, x."""
    if frame.shape is None or not len(place):
        return
    most = place.max(axis=0)
    if (most > frame.shape[::-1]).any() and (most <= frame.shape).all():
        raise findings.refuse(
            f"as x, y, z its places reach {most.tolist()}, out of the tomogram of "
            f"{frame.shape[::-1]} voxels (x, y, z), and as z, y, x they fit: give titles"
        )


def _voxel_size(sheet: Sheet, findings: Findings) -> Array | None:
    """Edge in Å of each particle's voxels, where all say it."""
    title = sheet.title_of(VOXEL_SIZE)
    if title is None or not all(sheet.columns[title]):
        return None
    return numbers(sheet.columns[title], title, findings)


def _pose(sheet: Sheet, findings: Findings) -> tuple[Array | None, Array]:
    """Rotations, where there are matrices, and their translations in Å."""
    count = len(sheet.columns[sheet.place[0]])
    present = [name for name in MATRIX if name in sheet.columns]
    if not present or not count:
        return None, np.zeros((count, 3))
    matrices = np.tile(np.eye(4).ravel(), (count, 1))
    for name in present:
        matrices[:, MATRIX.index(name)] = numbers(sheet.columns[name], name, findings)
    matrices = matrices.reshape(-1, 4, 4)
    return proper(matrices[:, :3, :3], findings), matrices[:, :3, 3]


def _typed(cells: list[str]) -> Array:
    """A column as `typed`, where a cell without anything is a number that is not known."""
    said = typed([cell for cell in cells if cell])
    if said.dtype.kind not in "if" or len(said) == len(cells):
        return typed(cells)
    values = np.full(len(cells), np.nan)
    values[[bool(cell) for cell in cells]] = said
    return values


def _triples(sheet: Sheet, names: Sequence[str], findings: Findings) -> Array | None:
    """Columns of numbers (n, 3), where all are there."""
    if not all(name in sheet.columns for name in names):
        return None
    return np.stack([numbers(sheet.columns[n], n, findings) for n in names], axis=1)


def _text(layout: Layout, delimiter: str) -> str:
    """All that is known of particles, as copick's columns and further ones."""
    columns = _columns(layout)
    taken = {name.lower() for name in columns} | RESERVED_COLUMNS
    for name, values in layout.particles.columns.items():
        if name.lower() not in taken and values.ndim == 1:
            columns[name] = values
            taken.add(name.lower())
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*map(_cells, columns.values()), strict=True))
    return out.getvalue()


def _columns(layout: Layout) -> dict[str, Array]:
    """What Mapscope knows the meaning of."""
    particles, count = layout.particles, len(layout)
    columns: dict[str, Array] = {}
    if layout.names:
        columns["run_name"] = np.array(layout.names, np.str_)
    places = tidied(layout.positions)
    columns |= {axis: places[:, n] for n, axis in enumerate("xyz")}
    columns[UNIT] = np.full(count, IN_ANGSTROM)
    if layout.rotations is not None:
        matrices = np.tile(np.eye(4), (count, 1, 1))
        matrices[:, :3, :3] = layout.rotations
        columns |= {name: matrices[:, n // 4, n % 4] for n, name in enumerate(MATRIX)}
    if particles.score is not None:
        columns[SCORE] = particles.score
    if particles.species is not None:
        columns[SPECIES] = np.array(particles.species, np.str_)
    if layout.voxel_size is not None:
        columns[VOXEL_SIZE] = layout.voxel_size
    if layout.shape is not None:
        columns |= {name: layout.shape[:, n] for n, name in enumerate(TOMOGRAM_SIZE)}
    if layout.origin.any():
        columns |= {name: layout.origin[:, n] for n, name in enumerate(FIRST_VOXEL)}
    return columns


def _cells(values: Array) -> list[str]:
    """A column as text; nothing for NaN."""
    if values.dtype.kind == "f":
        return ["" if text == "nan" else text for text in map(repr, values.tolist())]
    return [str(value) for value in values.tolist()]


FORMATS = (DelimitedFormat(),)
