"""The numbers, texts and flags of a result, with what its docstrings say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_args, get_type_hints

from mapscope.files.report.markup import Markup, element, joined
from mapscope.files.report.words import (
    field_texts,
    label_of,
    papers_of,
    said_of,
    sentence,
    sentence_case,
    summary_of,
    unit_of,
    value_text,
)
from mapscope.parameter import Key, read_keys

_LONGEST_CARD, _LONGEST_LARGE = 24, 12
_HALVES = ("first_half", "second_half")


@dataclass(frozen=True)
class Answer:
    """One number, text or flag.

    Parameters
    ----------
    name : str
        Of the field.
    value : object
        What it is; None for none.
    meaning : str
        What the docstring says.
    key : Key, optional
        That it is one of the first numbers that somebody wants to know.
    """

    name: str
    value: Any
    meaning: str
    key: Key | None = None

    @property
    def label(self) -> str:
        """What it is called."""
        return label_of(self.name) if self.key is None else self.key.label

    @property
    def unit(self) -> str:
        """Unit of the value, or nothing."""
        if self.value is None:
            return ""
        return unit_of(self.meaning) if self.key is None else self.key.unit

    @property
    def says(self) -> str:
        """What it means, without the unit that stands behind the value."""
        text = said_of(self.meaning, self.value).removeprefix(unit_of(self.meaning))
        return sentence(text.lstrip(",;.: "))

    @property
    def is_remark(self) -> bool:
        """Whether it is a text to be read rather than a value to be looked up."""
        return isinstance(self.value, str) and (
            len(self.value) > _LONGEST_CARD or self.name in ("note", "warning")
        )


@dataclass(frozen=True)
class Group:
    """Numbers that belong together: a dataclass within a result.

    Parameters
    ----------
    name : str
        Of the result's field.
    meaning : str
        What the numbers say.
    papers : tuple of str
        Where they come from.
    answers : tuple of Answer
        The first is the one that counts; none where there is no result.
    why_none : str
        What the docstring says of there being none.
    """

    name: str
    meaning: str
    papers: tuple[str, ...]
    answers: tuple[Answer, ...]
    why_none: str


def answers_of(result: Any) -> list[Answer | Group]:
    """Everything in a result that is no noun, in the order of its fields."""
    return [*_answers(result)] if is_dataclass(result) and not _is_noun(result) else []


def _answers(result: Any) -> Iterator[Answer | Group]:
    texts, hints = field_texts(type(result)), get_type_hints(type(result))
    keys = read_keys(type(result))
    for field in fields(result):
        value, text = getattr(result, field.name), texts.get(field.name, "")
        kind = next(
            (k for k in (hints[field.name], *get_args(hints[field.name])) if _is_group(k)), None
        )
        if kind is not None:
            yield _group(field.name, kind, value, text, keys)
        elif not _is_noun(value) and not _holds_noun(hints[field.name]):
            yield Answer(field.name, value, text, keys.get(field.name))


def _group(name: str, kind: type, value: Any, text: str, keys: Mapping[str, Key]) -> Group:
    """A dataclass within a result; `value` may be None."""
    texts = field_texts(kind)
    inner = [] if value is None else [f.name for f in fields(value)]
    answers = tuple(
        Answer(n, getattr(value, n), texts.get(n, ""), keys.get(f"{name}.{n}")) for n in inner
    )
    return Group(name, summary_of(kind), papers_of(kind), answers, text)


def _is_noun(value: Any) -> bool:
    """Whether something is a noun, or a class of nouns."""
    return hasattr(value, "checksum")


def _is_group(kind: Any) -> bool:
    """Whether a type is a dataclass of numbers."""
    return isinstance(kind, type) and is_dataclass(kind) and not _is_noun(kind)


def _holds_noun(hint: Any) -> bool:
    """Whether a type is a noun, or a noun or None."""
    return any(_is_noun(kind) for kind in (hint, *get_args(hint)))


def remarks_markup(answers: list[Answer | Group]) -> Markup:
    """The texts of a result that are to be read, each with its name."""
    told = [a for a in answers if isinstance(a, Answer) and a.is_remark and a.value]
    lines = (
        element("p", element("b", f"{label_of(a.name)}: "), sentence(a.value), class_="remark")
        for a in told
    )
    return joined(*lines)


def keys_markup(answers: list[Answer | Group]) -> Markup:
    """The numbers that somebody wants to know first, side by side."""
    every = [b for a in answers for b in (a.answers if isinstance(a, Group) else (a,))]
    shown = [a for a in every if a.key is not None and a.value is not None]
    items = (element("div", element("dt", a.label), element("dd", _with_unit(a))) for a in shown)
    return element("dl", *items, class_="keys") if shown else joined()


def cards_markup(answers: list[Answer | Group]) -> Markup:
    """Every number, short text and flag, what it means, and where it comes from."""
    groups = [a for a in answers if isinstance(a, Group)]
    shown = [a for a in answers if isinstance(a, Answer) and not a.is_remark and a.value != ""]
    single = [_card(answer) for answer in shown]
    if not groups:
        return joined(*single)
    # What stands alone goes below the shortest of the others, where there is room.
    short = min(groups, key=lambda group: len(group.answers))
    cards = {group.name: [_group_card(group)] for group in groups}
    cards[short.name] += single
    return joined(*(element("div", *column, class_="column") for column in cards.values()))


def _card(answer: Answer) -> Markup:
    """One value by itself."""
    size = "large" if len(value_text(answer.value)) <= _LONGEST_LARGE else "large long"
    large = element("p", _with_unit(answer), class_=size)
    heading = element("h3", sentence_case(answer.label))
    return element("div", heading, large, _quiet(answer.says), class_="card")


def _group_card(group: Group) -> Markup:
    """The value that counts in large type, and the others below it."""
    heading = element("h3", label_of(group.name))
    if not group.answers:
        none = element("p", "none", class_="large")
        return element("div", heading, none, _quiet(group.why_none), class_="card")
    first, *others = group.answers
    halves = [a for a in others if a.name in _HALVES and a.value is not None]
    rest = [a for a in others if a.name not in _HALVES]
    return element(
        "div",
        heading,
        _quiet(group.meaning),
        element("p", _with_unit(first), class_="large"),
        _halves(halves),
        _quiet(first.says if first.label == label_of(group.name) else _with_label(first)),
        element("dl", *(_row(answer) for answer in rest)),
        *(element("p", paper, class_="paper") for paper in group.papers),
        class_="card",
    )


def _quiet(text: str) -> Markup:
    """A sentence in small type."""
    return element("p", sentence(text), class_="meaning") if text else joined()


def _with_label(answer: Answer) -> str:
    """What a value is called, and what it means."""
    return f"{sentence(answer.label)} {answer.says}"


def _with_unit(answer: Answer) -> Markup:
    """A value with its unit; with all its digits for programs."""
    small = element("small", f" {answer.unit}") if answer.unit else ""
    return joined(_data(answer.value), small)


def _data(value: Any) -> Markup:
    """A value as it is read, with all its digits for programs."""
    exact = repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return element("span" if exact is None else "data", value_text(value), value=exact)


def _row(answer: Answer) -> Markup:
    """A value that stands below the one that counts."""
    return element(
        "div",
        element("dt", answer.label),
        element("dd", _with_unit(answer)),
        element("dd", answer.says, class_="meaning"),
    )


def _halves(halves: list[Answer]) -> Markup:
    """The same value in each half map."""
    if not halves:
        return joined()
    values = joined(*(joined(" · " if n else "", _data(a.value)) for n, a in enumerate(halves)))
    return element("p", "In the half maps: ", values, class_="halves")
