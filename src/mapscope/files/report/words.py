"""How numbers, names and descriptions of a result are written for a person."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from docstring_parser import DocstringStyle
from docstring_parser import parse as parse_docstring

from mapscope.parameter import in_words
from mapscope.volume import Array

MINUS = "\u2212"
_UNITS = ("Å", "Å²", "Å³", "1/Å", "σ", "°", "kDa")
_MOST_DECIMALS = 3


def number_text(value: float) -> str:
    """A number with as many digits as a reader wants, and a true minus sign.

    Examples
    --------
    >>> number_text(0.8), number_text(-0.04567), number_text(12345.6), number_text(7)
    ('0.800', '−0.0457', '12,346', '7')
    """
    is_whole = isinstance(value, int) or abs(value) >= 1000
    text = f"{value:,.0f}" if is_whole else f"{value:#.3g}".rstrip(".")
    return text.replace("-", MINUS)


def value_text(value: Any) -> str:
    """Any plain value of a result or a record; a dash for none.

    Examples
    --------
    >>> value_text(None), value_text(True), value_text((0.0, 0.5)), value_text("all")
    ('–', 'yes', '0.000, 0.500', 'all')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, tuple | list):
        is_number = all(isinstance(v, float) for v in value)
        return ", ".join(column_texts(np.array(value)) if is_number else map(value_text, value))
    return str(value)


def exact_text(value: Any) -> str:
    """A parameter as it was used, with every digit.

    Examples
    --------
    >>> exact_text(2.0), exact_text(None), exact_text([1.25, 3]), exact_text(False)
    ('2', 'not given', '1.25, 3', 'no')
    """
    if value is None or value == "":
        return "not given"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, tuple | list):
        return ", ".join(map(exact_text, value))
    return value_text(value) if isinstance(value, bool) else str(value)


def column_texts(values: Array) -> list[str]:
    """The values of a table's column, numbers with equally many decimals; empty for NaN."""
    if values.dtype.kind == "b":
        return [value_text(v) for v in values.tolist()]
    if values.dtype.kind in "iu":
        return [str(v).replace("-", MINUS) for v in values.tolist()]
    if values.dtype.kind != "f":
        return [str(v) for v in values.tolist()]
    decimals = _decimals(values[np.isfinite(values)].astype(np.float64))
    if decimals is None:
        return ["" if v != v else number_text(v) for v in values.tolist()]
    return ["" if v != v else f"{v:.{decimals}f}".replace("-", MINUS) for v in values.tolist()]


def _decimals(known: Array) -> int | None:
    """Decimals that show a column's numbers; None where one number of them shows too little."""
    if not known.size:
        return 0
    if (known == np.rint(known)).all():
        return 0
    largest = float(np.abs(known).max())
    return (
        None if largest < 0.1 else max(0, _MOST_DECIMALS - max(0, math.floor(math.log10(largest))))
    )


def label_of(name: str, unit: str = "") -> str:
    """A column's or field's name in words, its unit in brackets.

    Examples
    --------
    >>> label_of("mean_fsc"), label_of("resolution", "Å")
    ('Mean FSC', 'Resolution (Å)')
    """
    return in_words(name) + (f" ({unit})" if unit else "")


def unit_of(description: str) -> str:
    """The unit that a description begins with, or nothing.

    Examples
    --------
    >>> unit_of("Å, last shell below 0.143."), unit_of("Over the box.")
    ('Å', '')
    """
    first = description.split()[0].rstrip(",;.:") if description else ""
    return first if first in _UNITS else ""


def field_texts(kind: type) -> dict[str, str]:
    """What a dataclass's docstring says of each of its fields, on one line each."""
    parsed = parse_docstring(kind.__doc__ or "", style=DocstringStyle.NUMPYDOC)
    return {p.arg_name: " ".join((p.description or "").split()) for p in parsed.params}


def summary_of(kind: type) -> str:
    """First line of a class's docstring."""
    parsed = parse_docstring(kind.__doc__ or "", style=DocstringStyle.NUMPYDOC)
    return parsed.short_description or ""


def papers_of(kind: type) -> tuple[str, ...]:
    """The numbered entries under References in a class's docstring."""
    _, _, section = (inspect.getdoc(kind) or "").partition("References\n----------\n")
    entries = re.split(r"^\.\. \[\d+\]", section, flags=re.MULTILINE)[1:]
    return tuple(" ".join(entry.split()) for entry in entries)


def said_of(text: str, value: Any) -> str:
    """What a description says of a value: where there is one, not when there is none.

    Examples
    --------
    >>> said_of("Mean over all; None in a small box.", 0.5)
    'Mean over all'
    """
    if value is None or (hasattr(value, "__len__") and not len(value)):
        return text
    told = re.split(r"(?<=[.;]) (?=[A-Z])", text)
    kept = (part for part in told if not part.startswith(("None ", "Empty ")))
    return " ".join(kept).rstrip(";")


def sentence(text: str) -> str:
    """Text that begins with a capital and ends with a full stop."""
    clean = text.strip()
    ending = "" if clean.endswith((".", "!", "?")) or not clean else "."
    return f"{sentence_case(clean)}{ending}"


def sentence_case(text: str) -> str:
    """Text that begins with a capital."""
    return text[:1].upper() + text[1:]


def listed(words: Iterable[str]) -> str:
    """Words joined by commas and, before the last, and.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last
