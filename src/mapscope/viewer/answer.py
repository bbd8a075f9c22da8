"""What a run found, in words: key numbers in a line, then what there is to know about them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from mapscope.job import Job, in_words
from mapscope.record import one_by_one

UNITS = ("Å", "Å²", "Å³", "1/Å", "σ", "°", "kDa")
MOST_NUMBERS = 4
NO_BREAK = "\u00a0"
BREAK = "<br>"


def answer_text(job: Job, scalars: Mapping[str, Any]) -> str:
    """The numbers that are told first, and every sentence; HTML where there is more than one line.

    Parameters
    ----------
    job : Job
        What was run.
    scalars : mapping of str to value
        Numbers, words and groups of them that came out.
    """
    sentences = [v for v in scalars.values() if _is_sentence(v)]
    numbers = {n: v for n, v in scalars.items() if not _is_sentence(v) and v != ""}
    first = _key_line(job, numbers) or _first_line(job, numbers)
    if not sentences and BREAK not in first and "<b>" not in first:
        return first
    return BREAK.join(line for line in (first, *map(_as_html, sentences)) if line)


def all_numbers_text(job: Job, scalars: Mapping[str, Any]) -> str:
    """Every number of a result, those that belong together on one line."""
    units = {o.name: o.help for o in job.outputs}
    lines = []
    for name, value in scalars.items():
        if _is_sentence(value) or value == "":
            continue
        if not isinstance(value, Mapping):
            lines.append(scalar_text(name, value, units.get(name, "")))
            continue
        known = {n: v for n, v in one_by_one(value).items() if v is not None}
        inner = (f"{_inside(in_words(n))} {_numbers_text(v)}" for n, v in known.items())
        lines.append(f"{in_words(name)}: {', '.join(inner)}")
    return "\n".join(line for line in lines if line)


def _inside(words: str) -> str:
    """Words as they stand inside a line: CC_mask stays, Mean becomes mean."""
    return words if words[:2].isalpha() and words[:2].isupper() else words[:1].lower() + words[1:]


def _is_sentence(value: Any) -> bool:
    """Whether a value of a result is words to be read."""
    return isinstance(value, str) and " " in value


def _as_html(sentence: str) -> str:
    """A sentence with a capital letter."""
    return escape(sentence[:1].upper() + sentence[1:], quote=False)


def _key_line(job: Job, scalars: Mapping[str, Any]) -> str:
    """The numbers that the job calls its key numbers, where it does and they are known."""
    known = one_by_one(scalars)
    parts = []
    for name, key in job.keys.items():
        if known.get(name) is not None:
            value = f"{_numbers_text(known[name], digits=3)} {key.unit}".strip()
            text = f"{escape(key.label)} <b>{value}</b>".replace(" ", NO_BREAK)
            parts.append(text)
    return " · ".join(parts)


def _first_line(job: Job, scalars: Mapping[str, Any]) -> str:
    """The first numbers of a result; of those that belong together, the first."""
    units = {o.name: o.help for o in job.outputs}
    numbers = main_numbers(scalars).items()
    lines = [scalar_text(name, value, units.get(name, "")) for name, value in numbers]
    return ", ".join([line for line in lines if line][:MOST_NUMBERS])


def main_numbers(scalars: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of a result, and of those that belong together the first.

    Examples
    --------
    >>> main_numbers({"emringer": {"score": 3.2, "residues": 150}, "atoms_outside": 0})
    {'emringer.score': 3.2, 'atoms_outside': 0}
    """
    firsts = {
        name: dict([next(iter(value.items()))]) if isinstance(value, Mapping) else value
        for name, value in scalars.items()
    }
    return one_by_one(firsts)


def scalar_text(name: str, value: Any, text: str) -> str:
    """One number of a result in words, with the unit that its description begins with."""
    if value is None or isinstance(value, bool):
        return ""
    first = text.split()[0].rstrip(",;.") if text else ""
    unit = first if first in UNITS else ""
    return f"{in_words(name.replace('.', ' '))}: {_numbers_text(value)} {unit}".strip()


def _numbers_text(value: Any, digits: int = 4) -> str:
    """A number or some of them, with true minus signs; anything else as it is."""
    values = value if isinstance(value, list | tuple) else [value]
    return ", ".join(
        f"{v:.{digits}g}".replace("-", "−") if isinstance(v, float) else str(v) for v in values
    )
