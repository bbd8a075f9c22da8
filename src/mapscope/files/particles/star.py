"""STAR files: blocks of loops and of single values, as RELION and its kin write them.

References
----------
S. R. Hall (1991), The STAR file: a new format for electronic data transfer and archiving,
J. Chem. Inf. Comput. Sci. 31, 326-333. One row of a loop stands on one line, as in RELION.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.stream import read_text
from mapscope.volume import Array

_WORD = re.compile(r""""[^"]*"|'[^']*'|\S+""")
_PLAIN = re.compile(r"[^\s\"'#_][^\s\"']*")
_EMPTY = "None"


@dataclass(frozen=True)
class Block:
    """One block: a loop with rows, or single values as a loop of one row.

    Parameters
    ----------
    name : str
        What stands behind ``data_``.
    columns : mapping of str to list of str
        Text of each row by label, without the label's underscore.
    """

    name: str
    columns: Mapping[str, list[str]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def __contains__(self, label: str) -> bool:
        return label in self.columns


def read_star(path: Path, findings: Findings) -> list[Block]:
    """The blocks of a STAR file.

    Raises
    ------
    MapFormatError
        If there is none, a row of a loop does not fit its labels, or a label stands twice.
    """
    blocks: list[Block] = []
    lines = enumerate(read_text(path).splitlines(), start=1)
    parser: _Parser | None = None
    for number, line in lines:
        text = line.strip()
        if text.startswith("data_") and " " not in text:
            blocks += [parser.block()] if parser is not None else []
            parser = _Parser(text.removeprefix("data_"), findings)
        elif parser is not None:
            parser.take(text, number)
        elif text and not text.startswith("#"):
            raise findings.refuse(f"this is no STAR file: line {number} comes before any data_")
    if parser is None:
        raise findings.refuse("expected blocks that begin with data_, found none", "no_particles")
    return [*blocks, parser.block()]


class _Parser:
    """One block, line by line."""

    def __init__(self, name: str, findings: Findings) -> None:
        self.name, self.findings = name, findings
        self.columns: dict[str, list[str]] = {}
        self.rows: list[list[str]] = []
        self.is_loop = False

    def take(self, text: str, number: int) -> None:
        """Add a line."""
        if not text or text.startswith("#"):
            return
        if text == "loop_":
            self.is_loop = True
        elif text.startswith("_") and not self.rows:
            self._label(text, number)
        elif self.is_loop:
            self._row(text, number)
        else:
            raise self.findings.refuse(f"line {number} belongs to no loop: {text[:60]!r}")

    def _label(self, text: str, number: int) -> None:
        """A label of a loop, or a label with its value."""
        words = _WORD.findall(text)
        label = words[0].removeprefix("_")
        if label in self.columns:
            raise self.findings.refuse(f"line {number}: the label {words[0]} stands there twice")
        if not self.is_loop and len(words) < 2:
            raise self.findings.refuse(f"line {number}: {words[0]} has no value")
        self.columns[label] = [] if self.is_loop else [_unquoted(words[1])]

    def _row(self, text: str, number: int) -> None:
        """A row of a loop."""
        words = text.split()
        if '"' in text or "'" in text:
            words = [_unquoted(word) for word in _WORD.findall(text)]
        if len(words) != len(self.columns):
            raise self.findings.refuse(
                f"line {number} has {len(words)} values for {len(self.columns)} labels of the "
                f"block data_{self.name}: the file is cut off or damaged"
            )
        self.rows.append(words)

    def block(self) -> Block:
        """The finished block."""
        if self.rows:
            for label, values in zip(self.columns, zip(*self.rows, strict=True), strict=True):
                self.columns[label] = list(values)
        return Block(self.name, self.columns)


def _unquoted(word: str) -> str:
    """A word without the quotes around it."""
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


def star_text(
    name: str, columns: Mapping[str, Array | Sequence[str]], *, numbered: bool = True
) -> str:
    """A loop as text, its columns lined up.

    Parameters
    ----------
    name : str
        What stands behind ``data_``.
    columns : mapping of str to array or sequence of str
        Values by label, without the label's underscore.
    numbered : bool
        Whether ``#1``, ``#2``, … stand behind the labels, as RELION has them.
    """
    labels = [f"_{label}" + (f" #{n}" if numbered else "") for n, label in enumerate(columns, 1)]
    cells = [words(values) for values in columns.values()]
    widths = [max(map(len, column), default=0) for column in cells]
    rows = [
        " ".join(word.rjust(width) for word, width in zip(row, widths, strict=True))
        for row in zip(*cells, strict=True)
    ]
    return "\n".join([f"data_{name}", "", "loop_", *labels, *rows, "", ""])


def values_text(name: str, values: Mapping[str, object]) -> str:
    """Single values as text."""
    lines = [f"_{label} {word(value)}" for label, value in values.items()]
    return "\n".join([f"data_{name}", "", *lines, "", ""])


def words(values: Array | Sequence[str]) -> list[str]:
    """A column as words."""
    kind, plain = "U", values
    if isinstance(values, np.ndarray):
        kind, plain = values.dtype.kind, values.tolist()
    if kind in "fiu":
        return list(map(repr, plain))
    known = {value: word(value) for value in set(plain)}
    return [known[value] for value in plain]


def word(value: object) -> str:
    """One value as one word; text with spaces is quoted, no text is ``None``."""
    if isinstance(value, float):
        return repr(value)
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if not text:
        return _EMPTY
    text = " ".join(text.split())
    if _PLAIN.fullmatch(text) and not text.startswith(("data_", "loop_")):
        return text
    return f'"{text}"' if '"' not in text else f"'{text}'"
