"""Tables with places in them: which columns hold x, y and z, and in what unit."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.listed import numbers
from mapscope.particles import TOMOGRAM, VOXEL_SIZE
from mapscope.volume import Array

MATRIX = [f"transform_{row}{column}" for row in range(4) for column in range(4)]
"""Titles of the sixteen numbers of copick's matrices."""
TOMOGRAM_SIZE = ("tomogram_x", "tomogram_y", "tomogram_z")
FIRST_VOXEL = ("first_voxel_x", "first_voxel_y", "first_voxel_z")
UNIT, IN_ANGSTROM = "unit", "angstrom"
SPECIES, SCORE = "species", "score"
_UNIT = re.compile(r"^\s*(?P<name>.*?)\s*[\[(](?P<unit>[^\])]*)[\])]\s*$")
_ANGSTROM = {"Å", "A", IN_ANGSTROM, "Angstrom", "ang", "Ang"}
_VOXELS = {"px", "pixel", "pixels", "voxel", "voxels", "vx"}
_MOTORS = ("motor axis 2", "motor axis 1", "motor axis 0")
_PLACES = (
    ("x", "y", "z"),
    _MOTORS,
    ("coordinate_x", "coordinate_y", "coordinate_z"),
    ("pos_x", "pos_y", "pos_z"),
)
_NAMES = {
    TOMOGRAM: ("run_name", "tomogram", "tomo_id", "tomo_name"),
    SPECIES: ("species", "class_name", "particle_type"),
    SCORE: ("score", "conf"),
    VOXEL_SIZE: ("voxel_size", "voxel spacing", "voxel_spacing"),
}
_LIST = "motor_zyx"
_TELLING = {UNIT, *MATRIX, *TOMOGRAM_SIZE, "id", "ids"}.union(*_NAMES.values())
_NONE = -1.0
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


@dataclass(frozen=True)
class Sheet:
    """A table of particles.

    Parameters
    ----------
    columns : mapping of str to list of str
        Cells by title in lower case, without its unit.
    titles : mapping of str to str
        The titles as they stand.
    place : tuple of str
        Titles of x, y and z.
    in_angstrom : bool
        Whether places are in Å.
    has_titles : bool
        Whether the file has titles; without them the first columns are x, y, z.
    """

    columns: Mapping[str, list[str]]
    titles: Mapping[str, str]
    place: tuple[str, str, str]
    in_angstrom: bool
    has_titles: bool

    def title_of(self, what: str) -> str | None:
        """The title of the column that holds something, or None."""
        return next((name for name in _NAMES[what] if name in self.columns), None)

    def places(self, findings: Findings) -> Array:
        """x, y, z (n, 3) as they stand there."""
        return np.stack(
            [numbers(self.columns[axis], axis, findings) for axis in self.place], axis=1
        )

    def without_none(self, findings: Findings) -> Sheet:
        """The same without the rows of tomograms that have no motor, which -1 stands for."""
        if self.place != _MOTORS:
            return self
        is_there = (self.places(findings) != _NONE).any(axis=1).tolist()
        columns = {
            name: [cell for cell, keep in zip(cells, is_there, strict=True) if keep]
            for name, cells in self.columns.items()
        }
        return replace(self, columns=columns)


def is_sheet(first_line: str) -> bool:
    """Whether a table that begins so lists particles: by its titles, or numbers without titles.

    Tables of jobs name places in Å, too, but as z, y, x.
    """
    try:
        cells = next(iter(_rows(first_line, _delimiter(first_line))), [])
    except csv.Error:  # whoever reads tables says what is wrong
        return False
    if len(cells) in range(3, 6) and all(map(_NUMBER.fullmatch, cells[:3])):
        return True
    titles = dict(map(_title, cells))
    place = next((place for place in _PLACES if set(place) <= titles.keys()), None)
    if place is None:
        return _LIST in titles
    others = titles.keys() - set(place)
    in_angstrom = {titles[axis] for axis in place} <= _ANGSTROM
    in_order = [title for title in titles if title in place] == list(place)
    return (in_angstrom and in_order) or not others or bool(others & _TELLING)


def sheet_of(text: str, findings: Findings) -> Sheet:
    """The columns of a text.

    Raises
    ------
    MapFormatError
        If it is no table, or has no x, y and z.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        rows = _rows(text, _delimiter(first))
    except csv.Error as error:
        raise findings.refuse(f"this is no table ({error})") from error
    if not rows:
        raise findings.refuse("expected lines with x, y and z, found none", "no_particles")
    has_titles = not all(map(_NUMBER.fullmatch, rows[0][:3]))
    titles, rows = (rows[0], rows[1:]) if has_titles else (_titles_of(rows, findings), rows)
    bad = next((n for n, row in enumerate(rows, start=1) if len(row) != len(titles)), None)
    if bad is not None:
        raise findings.refuse(f"row {bad} has {len(rows[bad - 1])} cells for {len(titles)} columns")
    named = dict(map(_title, titles))
    if len(named) < len(titles):
        raise findings.refuse(f"column titles must differ, got {titles}")
    columns = {name: [row[n].strip() for row in rows] for n, name in enumerate(named)}
    place = _place_of(columns, findings)
    units = {named[axis] for axis in place}
    if len(units) > 1:
        raise findings.refuse(f"x, y and z have different units: {sorted(units)}")
    said = set(columns.get(UNIT, [""])) <= _ANGSTROM or not columns.keys().isdisjoint(MATRIX)
    plain = {name: title.strip() for name, title in zip(named, titles, strict=True)}
    return Sheet(columns, plain, place, said or units <= _ANGSTROM, has_titles)


def _place_of(columns: Mapping[str, list[str]], findings: Findings) -> tuple[str, str, str]:
    """Titles of x, y and z."""
    if _LIST in columns:
        raise findings.refuse(
            f"a row of it is a tomogram, whose particles stand in one cell ({_LIST}): give "
            "each particle a row with x, y and z",
            "no_particles",
        )
    place = next((place for place in _PLACES if set(place) <= columns.keys()), None)
    if place is None:
        got = ", ".join(columns)
        raise findings.refuse(f"expected columns x, y and z, got {got}", "no_particles")
    return place


def _titles_of(rows: list[list[str]], findings: Findings) -> list[str]:
    """Titles of numbers that have none: x, y, z, and perhaps score and species."""
    width = len(rows[0])
    if not 3 <= width <= 5:
        raise findings.refuse(f"expected x, y, z in each line, got {width} cells: give titles")
    return ["x", "y", "z", SCORE, SPECIES][:width]


def _delimiter(line: str) -> str:
    """What stands between the cells of a line: the sign that there is most of."""
    return max(",\t|;", key=line.count) if any(c in line for c in ",\t|;") else " "


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The cells of each line that is not blank."""
    if delimiter == " ":
        return [line.split() for line in text.splitlines() if line.strip()]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return [row for row in rows if any(map(str.strip, row))]


def _title(cell: str) -> tuple[str, str]:
    """Name in lower case and unit, possibly empty, of a column's title."""
    found = _UNIT.match(cell)
    if found is None or found["unit"] not in _ANGSTROM | _VOXELS:
        return cell.strip().lower(), ""
    return found["name"].lower(), found["unit"]
