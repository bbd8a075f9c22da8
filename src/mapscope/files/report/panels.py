"""The pictures that a table's plot makes: one, or one for each chain of a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapscope.files.report.axis import counted_ticks
from mapscope.files.report.picture import NARROW, WIDE, Floats, Picture
from mapscope.files.report.words import label_of, listed, sentence
from mapscope.table import Plot, Table

MOST_PANELS = 12
_LEAST_ROWS = 2


def pictures_of(table: Table, title: str) -> list[Picture]:
    """The pictures of a table; none where it has no plot or its plot has no point.

    A plot of rows that have a `chain` and a `number` is drawn along each chain, and in one
    picture where there are more than twelve chains. Water is left out of it.

    Parameters
    ----------
    table : Table
        With a plot.
    title : str
        What the plot shows.
    """
    plot = table.plot
    if plot is None or any(table[name].dtype.kind not in "iufb" for name in (plot.x, *plot.y)):
        return []
    found = [*_along_chains(table, plot, title)] if _has_chains(table, plot) else []
    found = found or [_whole(table, plot, title)]
    return [picture for picture in found if not picture.is_empty]


def _has_chains(table: Table, plot: Plot) -> bool:
    """Whether a plot goes along the residues of chains."""
    names = {"chain", "number"} & set(table.columns)
    return len(names) == 2 and not names & {plot.x, *plot.y} and not plot.reciprocal_x


def _whole(table: Table, plot: Plot, title: str) -> Picture:
    """All of a plot in one picture."""
    return Picture(
        title=title,
        description=_description(plot),
        x=_numbers(table, plot.x),
        curves=_curves(table, plot),
        x_label=plot.x_label,
        y_label=plot.y_label,
        levels=plot.levels,
        marks=plot.marks,
        reciprocal_x=plot.reciprocal_x,
    )


def _along_chains(table: Table, plot: Plot, title: str) -> Iterator[Picture]:
    """A picture for each chain, or one where they are many."""
    chains = table["chain"]
    kept = (
        np.flatnonzero(table["kind"] != "water")
        if "kind" in table.columns
        else np.arange(len(table))
    )
    names = list(dict.fromkeys(chains[kept].tolist()))
    rows_of = {name: kept[chains[kept] == name] for name in names}
    if len(names) > MOST_PANELS:
        yield _many_chains(table, plot, title, rows_of)
        return
    y_range = _range_of(table, plot, kept)
    width = WIDE if len(names) == 1 else NARROW
    for name, rows in rows_of.items():
        if len(rows) >= _LEAST_ROWS:
            whole = _whole(table, plot, f"{title}, chain {name}")
            yield replace(_one_chain(whole, table, rows, width), y_range=y_range)


def _one_chain(whole: Picture, table: Table, rows: npt.NDArray[np.intp], width: float) -> Picture:
    """A plot along one chain; residues stand side by side, numbers at the ticks."""
    return replace(
        whole,
        x=np.arange(len(rows), dtype=np.float64),
        curves={name: values[rows] for name, values in whole.curves.items()},
        x_label="residue number",
        marks={},
        x_ticks=counted_ticks(table["number"][rows].tolist(), int(width // 60)),
        width=width,
    )


def _many_chains(
    table: Table, plot: Plot, title: str, rows_of: dict[str, npt.NDArray[np.intp]]
) -> Picture:
    """A plot along all chains, one behind the other, with their names above."""
    order = np.concatenate([*rows_of.values()])
    ends = np.cumsum([len(rows) for rows in rows_of.values()])
    starts = [0, *ends[:-1].tolist()]
    bands = {
        name: (start - 0.5, end - 0.5)
        for name, start, end in zip(rows_of, starts, ends.tolist(), strict=True)
    }
    whole = _whole(table, plot, f"{title}, chain by chain")
    return replace(
        whole,
        x=np.arange(len(order), dtype=np.float64),
        curves={name: values[order] for name, values in whole.curves.items()},
        starts=starts,
        x_label="residues, chain by chain",
        marks={},
        bands=bands,
        width=WIDE,
    )


def _range_of(table: Table, plot: Plot, rows: npt.NDArray[np.intp]) -> tuple[float, float] | None:
    """Lowest and highest value of all chains, so that their pictures compare."""
    shown = [values[rows] for values in _curves(table, plot).values()]
    known = np.concatenate([values[np.isfinite(values)] for values in shown])
    return (float(known.min()), float(known.max())) if known.size else None


def _curves(table: Table, plot: Plot) -> dict[str, Floats]:
    """The curves by their names in words."""
    return {label_of(name): _numbers(table, name) for name in plot.y}


def _numbers(table: Table, name: str) -> Floats:
    """A column as floats, infinite ones as NaN."""
    values = np.asarray(table[name], dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _description(plot: Plot) -> str:
    """What a plot shows, for those who cannot see it."""
    curves = listed(label_of(name) for name in plot.y)
    lines = [f"{name} at {value:.4g}" for name, value in {**plot.levels, **plot.marks}.items()]
    words = [f"{curves} over {plot.x_label or label_of(plot.x)}"]
    words += [f"Lines: {listed(lines)}"] if lines else []
    words += [plot.headline] if plot.headline else []
    return " ".join(map(sentence, words))
