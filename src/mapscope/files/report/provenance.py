"""Where a result came from: job, parameters, inputs, how to do it again, what to cite."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePath

from mapscope.files.report.markup import Markup, element, joined
from mapscope.files.report.words import exact_text, label_of
from mapscope.parameter import in_words
from mapscope.record import Record, RecordedInput, Source, share_text
from mapscope.replay import as_command

_NO_COMMAND = (
    "No one command repeats this: an input came from another job, was made by hand or in memory, "
    "or its file had to be repaired. In the viewer, the History dock copies the whole way as a "
    "script."
)


def source_words(source: Source, *, short: bool = False) -> str:
    """Where a noun came from, in words.

    Parameters
    ----------
    source : Source
        What is known.
    short : bool
        Only the file's name and its folder's.
    """
    if source.record is not None:
        made = in_words(source.record.job)
        return f"{source.field.replace('_', ' ')} of {made}" if source.field else made
    if source.edits is not None:
        return f"edited by hand, {source.edits}, up to edit {source.sequence}"
    if source.address is None:
        return "made in memory"
    return "/".join(PurePath(source.path or "").parts[-2:]) if short else source.address


def inputs_markup(record: Record) -> Markup:
    """The inputs by name, as a heading has them."""
    items = []
    for recorded in record.inputs:
        words = " and ".join(source_words(source, short=True) for source in recorded.sources)
        items.append(element("li", element("b", f"{label_of(recorded.parameter)}: "), words))
    return element("ul", *items, class_="inputs") if items else joined()


def record_markup(record: Record) -> Markup:
    """All of a record."""
    command = as_command(record, "report.html")
    again = element("p", _NO_COMMAND) if command is None else element("pre", command, tabindex="0")
    parts = [
        element("h2", "Record"),
        element("h3", "Run"),
        _facts(
            [
                ("Job", record.job.replace("_", "-")),
                ("Mapscope", record.version),
                ("Started", record.started),
                ("Took", f"{record.seconds:.1f} s on {record.threads} threads"),
                *([("Done", f"{share_text(record.share)}, then stopped")] * (record.share < 1)),
            ]
        ),
        element("h3", "Inputs"),
        _inputs(record),
        element("h3", "Parameters"),
        _facts([(label_of(name), exact_text(v)) for name, v in record.parameters.items()]),
        element("h3", "Outputs"),
        _facts([(label_of(name), element("code", sum_)) for name, sum_ in record.outputs.items()]),
        *_earlier(record),
        element("h3", "Again"),
        again,
        element("h3", "Cite"),
        _cite(record),
    ]
    return element("section", *parts, _as_data(record), id="record")


def _facts(facts: Iterable[tuple[str, str]]) -> Markup:
    """Names and what they are."""
    rows = [
        element("tr", element("th", name, scope="row"), element("td", text)) for name, text in facts
    ]
    return element("div", element("table", *rows, class_="facts"), class_="scroll")


def _inputs(record: Record) -> Markup:
    """Each input, where it came from, what was repaired in it, and its checksum."""
    return _facts([(label_of(i.parameter), _input(i)) for i in record.inputs])


def _input(recorded: RecordedInput) -> Markup:
    lines = []
    for source in recorded.sources:
        lines.append(element("div", source_words(source)))
        lines += [element("div", f"repaired: {repair}") for repair in source.repairs]
    return joined(*lines, element("div", f"{recorded.kind}, ", element("code", recorded.checksum)))


def _earlier(record: Record) -> list[Markup]:
    """The runs that the inputs came from."""
    earlier = record.chain()[:-1]
    if not earlier:
        return []
    steps = []
    for step in earlier:
        sources = [source_words(source) for i in step.inputs for source in i.sources]
        settings = [f"{label_of(n).lower()} {exact_text(v)}" for n, v in step.parameters.items()]
        text = f" of {' and '.join(sources)}" if sources else ""
        told = f": {'; '.join(settings)}" if settings else ""
        steps.append(element("li", element("b", in_words(step.job)), text, told))
    return [element("h3", "Earlier steps"), element("ol", *steps)]


def _cite(record: Record) -> Markup:
    """The papers behind the job, and Mapscope itself."""
    papers = [*record.cite, f"Mapscope {record.version}"]
    return element("ul", *(element("li", paper) for paper in papers))


def _as_data(record: Record) -> Markup:
    """The record for programs, in no way that could end the element it stands in."""
    text = json.dumps(record.to_json(), ensure_ascii=True, allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return element("script", Markup(text), type="application/json", id="mapscope-record")
