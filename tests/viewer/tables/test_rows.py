"""Rows of a table: their order, what a filter leaves, and how values are written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import Qt
from qtpy.QtTest import QAbstractItemModelTester

from mapscope.table import Plot, Table
from mapscope.viewer.tables.cells import columns_in_order, title_of, writer_of
from mapscope.viewer.tables.rows import RowModel, sorted_rows

RISING, FALLING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


def scores(count: int = 6) -> Table:
    """Residues of two chains and a water, the score of one unknown."""
    q = np.linspace(0.9, 0.1, count)
    q[1] = np.nan
    columns = {
        "position": np.arange(1, count + 1),
        "chain": np.array(["A"] * (count - 2) + ["B", "B"]),
        "number": np.arange(118, 118 + count),
        "name": np.array(["LYS", "ALA", "ALA", "GLY"] * count)[:count],
        "kind": np.array(["protein"] * (count - 1) + ["water"]),
        "q_score": q,
        "chi1": np.where(np.arange(count) % 2, np.nan, 183.4),
        "is_rotameric": np.where(np.arange(count) % 2, np.nan, 1.0),
    }
    plot = Plot("position", ("q_score",), y_label="Q-score", headline="so")
    return Table(columns, {"chi1": "°"}, plot)


def shown(model: RowModel) -> list[int | None]:
    return [model.row_at(model.index(k, 0)) for k in range(model.rowCount())]


def texts(model: RowModel, row: int) -> list[str]:
    return [model.data(model.index(row, k)) for k in range(model.columnCount())]


@given(st.lists(st.floats(allow_infinity=False, width=32), max_size=30), st.booleans())
def test_rows_when_sorted_are_in_order_with_missing_ones_last(
    values: list[float], is_falling: bool
) -> None:
    column = np.array(values, dtype=np.float64)
    rows = sorted_rows(column, is_falling=is_falling)
    assert sorted(rows.tolist()) == list(range(len(values)))
    ordered = column[rows]
    known = ordered[~np.isnan(ordered)]
    assert not np.isnan(ordered[: len(known)]).any()
    step = np.diff(known)
    assert (step <= 0).all() if is_falling else (step >= 0).all()


@pytest.mark.parametrize("is_falling", [False, True])
def test_rows_when_values_are_equal_stay_as_they_were(is_falling: bool) -> None:
    rows = sorted_rows(np.array(["b", "a", "b", "a"]), is_falling=is_falling)
    assert rows.tolist() == ([0, 2, 1, 3] if is_falling else [1, 3, 0, 2])


def test_columns_when_rows_are_residues_begin_with_which_one_and_its_score() -> None:
    names = columns_in_order(scores())
    assert names[:4] == ["chain", "number", "name", "q_score"]
    assert names[-1] == "position"
    assert sorted(names) == sorted(scores().columns)
    other = Table({"frequency": np.arange(3), "fsc": np.ones(3)})
    assert columns_in_order(other) == ["frequency", "fsc"]


def test_titles_are_words_with_units() -> None:
    table = scores()
    assert title_of(table, "q_score") == "Q-score"
    assert title_of(table, "chi1") == "χ1 (°)"
    assert title_of(table, "is_rotameric") == "Rotameric"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (np.array([0.5312, -0.02]), ["0.531", "−0.020"]),
        (np.array([183.42, np.nan]), ["183", "–"]),
        (np.array([1.0, 20.0, np.nan]), ["1", "20", "–"]),
        (np.array([0.01234, 0.0]), ["0.0123", "0.0000"]),
        (np.array([2.5e-9, 1e-9]), ["2.50e−09", "1.00e−09"]),
        (np.array([1234, -5]), ["1234", "−5"]),
        (np.array([True, False]), ["yes", "no"]),
        (np.array(["LYS", ""]), ["LYS", ""]),
        (np.array([np.nan, np.nan]), ["–", "–"]),
        (np.array([-1e-5, 0.5]), ["0.000", "0.500"]),
    ],
)
def test_values_are_written_with_the_same_decimals(values: Any, written: list[str]) -> None:
    write = writer_of("anything", values)
    assert [write(value) for value in values] == written


def test_flags_that_are_numbers_are_written_as_words() -> None:
    write = writer_of("is_rotameric", np.array([1.0, 0.0, np.nan]))
    assert [write(v) for v in (1.0, 0.0, np.nan)] == ["yes", "no", "–"]


def test_model_when_sorted_by_a_column_then_cells_follow() -> None:
    model = RowModel()
    QAbstractItemModelTester(model)
    model.show(scores())
    assert shown(model) == [0, 1, 2, 3, 4, 5]
    column = model.names.index("q_score")
    model.sort(column, RISING)
    assert shown(model) == [5, 4, 3, 2, 0, 1]
    model.sort(column, FALLING)
    assert shown(model) == [0, 2, 3, 4, 5, 1]
    assert texts(model, 0)[:4] == ["A", "118", "LYS", "0.900"]
    assert texts(model, 5)[3] == "–"
    model.sort(-1)
    assert shown(model) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        ("A", [0, 1, 2, 3]),
        ("B", [4, 5]),
        ("ala", [1, 2, 5]),
        ("ala B", [5]),
        ("A/120", [2]),
        ("a/12", [2, 3]),
        ("-water", [0, 1, 2, 3, 4]),
        ("-A", [4, 5]),
        ("nothing", []),
        ("  ", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_filter_when_typed_leaves_the_rows_with_these_words(typed: str, rows: list[int]) -> None:
    model = RowModel()
    model.show(scores())
    model.filter(typed)
    assert shown(model) == rows
    assert [model.place_of(k).isValid() for k in range(6)] == [k in rows for k in range(6)]


def test_model_when_nothing_is_shown_is_empty() -> None:
    model = RowModel()
    model.show(scores())
    model.show(None)
    assert model.rowCount() == model.columnCount() == 0
    assert model.headerData(0, Qt.Orientation.Horizontal) is None
    model.filter("A")
    assert model.rowCount() == 0


def test_ten_thousand_rows_when_sorted_and_filtered_are_the_right_ones() -> None:
    model = RowModel()
    model.show(scores(10_000))
    model.sort(3, FALLING)
    model.filter("lys")
    assert model.rowCount() == 2500
    assert shown(model)[:3] == [0, 4, 8]
