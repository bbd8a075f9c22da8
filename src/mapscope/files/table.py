"""Tables as CSV, TSV, JSON and, for curves over spatial frequency, as EMDB's FSC XML."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from xml.etree import ElementTree as ET

import numpy as np

from mapscope.errors import InputError
from mapscope.files.findings import Findings
from mapscope.files.format import Cover, Reader, Writer
from mapscope.files.stream import format_suffix, read_text
from mapscope.table import Plot, Table
from mapscope.volume import Array

FORMAT_VERSION = 1
_DELIMITER = {".csv": ",", ".tsv": "\t"}
_TITLE = re.compile(r"^(?P<name>.*\S)\s+\((?P<unit>[^()]+)\)$")
_FSC_COLUMNS = ("corrected", "masked")


class TextTableReader:
    """Reads tables with one line of titles; a unit stands in brackets, ``resolution (Å)``.

    A column of whole numbers becomes integers, one of numbers floats with NaN for what is
    empty, one of ``true`` and ``false`` booleans, any other text.
    """

    suffixes: ClassVar[tuple[str, ...]] = tuple(_DELIMITER)
    noun: ClassVar[type] = Table

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,  # noqa: ARG002  a table needs no cover
    ) -> Table:
        """The table that the file holds.

        Raises
        ------
        MapFormatError
            If it is empty, titles repeat, or a line has more or fewer fields than titles
            (`permissive` leaves such lines out).
        """
        findings = Findings(path, permissive)
        lines = io.StringIO(read_text(path), newline="")
        try:
            rows = list(csv.reader(lines, delimiter=_DELIMITER[format_suffix(path)], strict=True))
        except csv.Error as error:
            raise findings.refuse(f"this is no table ({error})") from error
        rows = [row for row in rows if row]
        if not rows:
            raise findings.refuse("expected a line of column titles, found nothing")
        titles = [_name_and_unit(title) for title in rows[0]]
        names = [name for name, _ in titles]
        if len(set(names)) < len(names):
            raise findings.refuse(f"column titles must differ, got {names}")
        kept = _complete_rows(rows[1:], len(names), findings)
        columns = {name: _column([row[i] for row in kept]) for i, name in enumerate(names)}
        return Table(columns, {name: unit for name, unit in titles if unit})


def _complete_rows(rows: list[list[str]], width: int, findings: Findings) -> list[list[str]]:
    """Rows with as many fields as there are titles."""
    broken = sum(len(row) != width for row in rows)
    if broken:
        findings.report(f"{broken} lines do not have {width} fields", "leave them out")
    return [row for row in rows if len(row) == width]


def _name_and_unit(title: str) -> tuple[str, str]:
    """Column name and unit, possibly empty, of a title."""
    match = _TITLE.match(title.strip())
    return (match["name"], match["unit"]) if match else (title.strip(), "")


def _column(fields: list[str]) -> Array:
    """Fields as integers, floats, booleans or text: the first that takes them all."""
    if fields and all(field in ("true", "false") for field in fields):
        return np.array([field == "true" for field in fields])
    try:
        return np.array([int(field) for field in fields], dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    try:
        return np.array([float(field) if field else np.nan for field in fields])
    except ValueError:
        return np.array(fields, dtype=np.str_)


def _field(value: Any) -> str:
    """One value as text that is read back as the same value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if np.isnan(value) else repr(value)
    return str(value)


class TextTableWriter:
    """Writes tables as CSV or TSV; units in the titles, NaN as an empty field."""

    suffixes: ClassVar[tuple[str, ...]] = tuple(_DELIMITER)
    nouns: ClassVar[tuple[type, ...]] = (Table,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:
        """Write a table."""
        table: Table = noun
        text = io.StringIO(newline="")
        out = csv.writer(text, delimiter=_DELIMITER[suffix], lineterminator="\n")
        units = table.units
        out.writerow([f"{n} ({units[n]})" if units.get(n) else n for n in table.columns])
        columns = (values.tolist() for values in table.columns.values())
        out.writerows([_field(value) for value in row] for row in zip(*columns, strict=True))
        stream.write(text.getvalue().encode())


class JsonTableWriter:
    """Writes tables as JSON: ``format_version``, ``units``, ``plot`` and ``records``.

    What is not a finite number becomes null.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    nouns: ClassVar[tuple[type, ...]] = (Table,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write a table."""
        table: Table = noun
        content = {
            "format_version": FORMAT_VERSION,
            "units": dict(table.units),
            "plot": None if table.plot is None else _plain(table.plot),
            "records": [{k: _finite(v) for k, v in row.items()} for row in table.records()],
        }
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
        stream.write((text + "\n").encode())


def _plain(plot: Plot) -> dict[str, Any]:
    """A plot as JSON has it."""
    plain = asdict(plot)
    for lines in ("levels", "marks"):
        plain[lines] = {name: _finite(float(value)) for name, value in plain[lines].items()}
    return plain


def _finite(value: object) -> object:
    """The value, or None for an infinite number or NaN."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


class FscXmlWriter:
    """Writes a curve over spatial frequency as the XML that EMDB asks for in a deposition.

    References
    ----------
    EMDB, "FSC XML format", https://www.ebi.ac.uk/emdb/validation/fsc
    """

    suffixes: ClassVar[tuple[str, ...]] = (".xml",)
    nouns: ClassVar[tuple[type, ...]] = (Table,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write the curve: the column corrected, else masked, else the plot's first.

        Raises
        ------
        InputError
            If the table has no plot over a spatial frequency, or no number to write.
        """
        table: Table = noun
        if table.plot is None or not table.plot.reciprocal_x:
            raise InputError(
                "an FSC file (.xml) needs a table with a plot over spatial frequency; "
                "write .csv, .tsv or .json"
            )
        name = next((c for c in _FSC_COLUMNS if c in table.columns), table.plot.y[0])
        x, y = (np.asarray(table[c], dtype=np.float64) for c in (table.plot.x, name))
        is_known = np.isfinite(x) & np.isfinite(y)
        if not is_known.any():
            raise InputError(f"the columns {table.plot.x} and {name} hold no pair of numbers")
        root = ET.Element(
            "fsc",
            title=table.plot.title,
            xaxis="Resolution (A-1)",
            yaxis="Correlation Coefficient",
        )
        for frequency, value in zip(x[is_known].tolist(), y[is_known].tolist(), strict=True):
            point = ET.SubElement(root, "coordinate")
            ET.SubElement(point, "x").text = repr(frequency)
            ET.SubElement(point, "y").text = repr(value)
        ET.indent(root)
        stream.write(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


READERS: tuple[Reader, ...] = (TextTableReader(),)
WRITERS: tuple[Writer, ...] = (TextTableWriter(), JsonTableWriter(), FscXmlWriter())
