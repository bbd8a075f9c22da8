"""Tables of a result as HTML: rows that can be sorted, and the worst residues."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.files.report.markup import Markup, element, escaped, joined
from mapscope.files.report.words import column_texts, label_of, sentence
from mapscope.table import Table

MOST_CELLS = 260_000
CUT_TO = 100
WORST = 20
_OPEN_UP_TO = 12


def cut_tables(tables: dict[str, Table]) -> dict[str, int]:
    """How many rows of each table a page shows: all, of as many tables as it can hold.

    The smaller ones come first; one that is too large is cut to its first hundred rows.
    """
    left = MOST_CELLS
    rows: dict[str, int] = {}
    for name, table in sorted(tables.items(), key=lambda item: _cells(item[1])):
        fits = _cells(table) <= left
        left -= _cells(table) if fits else 0
        rows[name] = len(table) if fits else CUT_TO
    return rows


def _cells(table: Table) -> int:
    return len(table) * len(table.columns)


def table_markup(name: str, table: Table, meaning: str, rows: int) -> Markup:
    """A table that folds away, with its name, what it holds, and as many rows as asked for."""
    whole = "1 row" if len(table) == 1 else f"{len(table):,} rows"
    summary = element("summary", element("b", label_of(name)), f" · {whole}")
    text = [sentence(meaning)] if meaning else []
    if rows < len(table):
        text.append(
            f"The first {rows:,} of {len(table):,} rows stand here, since a page would grow too "
            f"large with all. All of them: --out {name}.csv --save {name}."
        )
    body = grid_markup(table, np.arange(rows), label_of(name))
    note = element("p", " ".join(text), class_="meaning")
    is_open = "" if len(table) <= _OPEN_UP_TO else None
    return element("details", summary, note, body, id=f"table-{name}", open=is_open)


def grid_markup(table: Table, rows: npt.NDArray[np.intp], caption: str) -> Markup:
    """Some rows of a table, in the given order."""
    columns = {name: values[rows] for name, values in table.columns.items()}
    is_number = {name: values.dtype.kind in "iuf" for name, values in columns.items()}
    heads = [
        element(
            "th",
            label_of(name, table.units.get(name, "")),
            scope="col",
            class_="number" if is_number[name] else None,
        )
        for name in columns
    ]
    cells = [_cells_of(values, is_number[name]) for name, values in columns.items()]
    lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *heads)),
            element("tbody", Markup(lines)),
            class_="sortable",
        ),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def _cells_of(values: npt.NDArray[np.generic], is_number: bool) -> list[str]:
    """A column's cells; numbers, of which most cells are, are plain ones."""
    texts = column_texts(values)
    if is_number:
        return [f"<td>{text}</td>" for text in texts]
    cell_of = {text: f'<td class="text">{escaped(text)}</td>' for text in set(texts)}
    return [cell_of[text] for text in texts]


def worst_markup(table: Table) -> Markup:
    """The residues of the lowest values, the lowest first; empty for any other table.

    Parameters
    ----------
    table : Table
        With a chain, number and name for each row and one value plotted. Water is left out.
    """
    if table.plot is None or not {"chain", "number", "name"} <= set(table.columns):
        return joined()
    score = table.plot.y[0]
    values = np.asarray(table[score], dtype=np.float64)
    known = np.isfinite(values)
    if "kind" in table.columns:
        known &= table["kind"] != "water"
    rows = np.flatnonzero(known)
    if len(rows) <= WORST:
        return joined()
    worst = rows[np.argsort(values[rows], kind="stable")][:WORST]
    columns = {
        name: column
        for name, column in table.columns.items()
        if name != table.plot.x and any(column_texts(column[worst]))
    }
    caption = f"The {WORST} residues of lowest {label_of(score)}"
    return element(
        "section",
        element("h2", "Worst residues"),
        element(
            "p", f"{caption}, of {len(rows):,} that have one; water is left out.", class_="meaning"
        ),
        grid_markup(Table(columns, table.units), worst, caption),
        id="worst",
    )
