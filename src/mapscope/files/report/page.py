"""A result as one HTML page that needs nothing else: numbers, plots, tables and the record."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields
from importlib import resources
from typing import Any

from mapscope.errors import InputError
from mapscope.files.report.answers import answers_of, cards_markup, keys_markup, remarks_markup
from mapscope.files.report.contents import contents_of
from mapscope.files.report.markup import Markup, element, joined
from mapscope.files.report.panels import pictures_of
from mapscope.files.report.picture import NARROW
from mapscope.files.report.provenance import inputs_markup, record_markup
from mapscope.files.report.rows import cut_tables, table_markup, worst_markup
from mapscope.files.report.svg import svg_of
from mapscope.files.report.words import (
    field_texts,
    label_of,
    said_of,
    sentence,
    sentence_case,
    summary_of,
)
from mapscope.parameter import in_words
from mapscope.record import Record, record_of
from mapscope.table import Table


def report_of(result: Any) -> str:
    """The page itself; see `mapscope.files.write_report`."""
    nouns = _nouns(result)
    texts = field_texts(type(result))
    record = next((r for n in nouns.values() if (r := record_of(n)) is not None), None)
    title = in_words(record.job) if record is not None else "Result"
    tables = {name: noun for name, noun in nouns.items() if isinstance(noun, Table)}
    sections = [
        _answers(result),
        _plots(tables, texts),
        *(worst_markup(table) for table in tables.values()),
        contents_of({n: noun for n, noun in nouns.items() if n not in tables}, texts),
        _tables(tables, texts),
        record_markup(record) if record is not None else joined(),
    ]
    body = [_header(title, result, record), element("main", *sections), _footer(record)]
    return f"<!DOCTYPE html>\n{_document(title, record, body)}\n"


def _nouns(result: Any) -> dict[str, Any]:
    """The nouns of a result by name.

    Raises
    ------
    InputError
        If there are none.
    """
    if hasattr(result, "checksum"):
        return {"result": result}
    try:
        values = {f.name: getattr(result, f.name) for f in fields(result)}
    except TypeError as error:
        what = type(result).__name__
        raise InputError(f"a report is of what a job returned, got {what}") from error
    return {name: value for name, value in values.items() if hasattr(value, "checksum")}


def _document(title: str, record: Record | None, body: list[Markup]) -> Markup:
    """The page around its content."""
    style, script = Markup(_resource("page.css")), Markup(_resource("page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Nothing but this page's own script may run, whatever stood in the files.
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    version = "" if record is None else f" {record.version}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="generator", content=f"Mapscope{version}"),
        element("title", f"{title} – Mapscope"),
        element("style", style),
    )
    return element("html", head, element("body", *body, element("script", script)), lang="en")


def _resource(name: str) -> str:
    """A file that lies beside this one."""
    return resources.files("mapscope.files.report").joinpath(name).read_text(encoding="utf-8")


def _header(title: str, result: Any, record: Record | None) -> Markup:
    """What was done, with what."""
    lede = "" if hasattr(result, "checksum") else summary_of(type(result))
    return element(
        "header",
        element("p", "Mapscope report", class_="brand"),
        element("h1", title),
        element("p", sentence(lede), class_="lede") if lede else "",
        inputs_markup(record) if record is not None else "",
    )


def _footer(record: Record | None) -> Markup:
    """What made the page."""
    version = "" if record is None else f" {record.version}"
    return element("footer", element("p", f"Written by Mapscope{version}."))


def _answers(result: Any) -> Markup:
    """Remarks and numbers."""
    answers = answers_of(result)
    first, cards = joined(keys_markup(answers), remarks_markup(answers)), cards_markup(answers)
    if not cards:
        return first
    grid = element("div", cards, class_="cards")
    return element("section", first, element("h2", "Scores and numbers"), grid, id="numbers")


def _plots(tables: dict[str, Table], texts: dict[str, str]) -> Markup:
    """Every plot."""
    groups = [_figures(name, table, texts.get(name, "")) for name, table in tables.items()]
    shown = [group for group in groups if group]
    return element("section", element("h2", "Plots"), *shown, id="plots") if shown else joined()


def _figures(name: str, table: Table, meaning: str) -> Markup:
    """The pictures of one table, each with its title, and what they show."""
    if table.plot is None:
        return joined()
    title = sentence_case(table.plot.title or table.plot.y_label or label_of(name))
    pictures = pictures_of(table, title)
    headline = table.plot.headline
    if not pictures:
        why = element("p", sentence(headline or "nothing to draw"), class_="meaning")
        return element("div", element("h3", title), why, class_="plot")
    figures = [
        element(
            "figure",
            element("figcaption", picture.title) if len(pictures) > 1 else "",
            element("div", svg_of(picture, f"plot-{name}-{number}"), class_="scroll"),
            class_="wide" if picture.width > NARROW else None,
        )
        for number, picture in enumerate(pictures)
    ]
    text = " ".join(map(sentence, [t for t in (headline, said_of(meaning, table)) if t]))
    return element(
        "div",
        element("h3", title),
        element("p", text, class_="meaning"),
        element("div", *figures, class_="figures"),
        class_="plot wide" if len(pictures) > 1 or pictures[0].width > NARROW else "plot",
    )


def _tables(tables: dict[str, Table], texts: dict[str, str]) -> Markup:
    """Every table that has a row."""
    full = {name: table for name, table in tables.items() if len(table)}
    if not full:
        return joined()
    rows = cut_tables(full)
    how = "A click on a column's title sorts by it. What is open is printed."
    told = {name: said_of(text, name) for name, text in texts.items()}
    parts = [table_markup(n, table, told.get(n, ""), rows[n]) for n, table in full.items()]
    text = element("p", how, class_="meaning")
    return element("section", element("h2", "Tables"), text, *parts, id="tables")
