"""Tables are equally long columns with units and a plot."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope import read, write
from mapscope.errors import InputError
from mapscope.table import Plot, Table
from mapscope.testing import example_noun


def test_table_cannot_be_changed_in_place() -> None:
    table = example_noun(Table)
    with pytest.raises(ValueError, match="read-only"):
        table["frequency"][0] = 1
    with pytest.raises(TypeError):
        table.columns["other"] = table["frequency"]


def test_table_when_columns_differ_in_length_names_them() -> None:
    with pytest.raises(InputError, match=r"equally long.*'a': 2.*'b': 3"):
        Table({"a": np.zeros(2), "b": np.zeros(3)})


def test_table_when_the_plot_names_a_missing_column_says_which() -> None:
    with pytest.raises(InputError, match=r"\['fsc'\]"):
        Table({"a": np.zeros(2)}, plot=Plot("a", ("fsc",)))


def test_records_are_plain_python_with_none_for_nan() -> None:
    table = Table(
        {
            "a": np.array([1.5, math.nan], np.float32),
            "n": np.array([1, 2]),
            "t": np.array(["x", "y"]),
        }
    )
    assert table.records() == [{"a": 1.5, "n": 1, "t": "x"}, {"a": None, "n": 2, "t": "y"}]
    assert [type(v) for v in table.records()[0].values()] == [float, int, str]


def test_length_is_that_of_the_columns_and_0_without_any() -> None:
    assert len(example_noun(Table)) == 9
    assert len(Table({})) == 0


def test_checksum_changes_with_values_and_names_of_columns_and_only_then() -> None:
    table = Table({"a": np.array([1.0, 2.0]), "b": np.array([3.0, math.nan])})
    others = [
        Table({"a": np.array([1.0, 2.5]), "b": table["b"]}),
        Table({"a": table["a"], "c": table["b"]}),
        Table({"a": table["a"]}),
        Table({"a": table["a"][:1], "b": table["b"][:1]}),
    ]
    assert len({table.checksum(), *(other.checksum() for other in others)}) == 5
    same = replace(table, plot=Plot("a", ("b",)))
    assert same.checksum() == table.checksum()


@given(
    st.lists(
        st.tuples(st.floats(allow_infinity=False), st.integers(-(2**53), 2**53), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_checksum_survives_a_file_for_any_numbers(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, int, bool]]
) -> None:
    floats, integers, flags = zip(*rows, strict=True)
    fractions = np.array([*floats, 0.5])
    table = Table(
        {
            "x": fractions,
            "n": np.array([*integers, 0]),
            "ok": np.array([*flags, True]),
        }
    )
    path = write(tmp_path_factory.getbasetemp() / "any.csv", table)
    assert read(path).checksum() == table.checksum()


def test_checksum_survives_a_file_with_units(tmp_path: Path) -> None:
    table = example_noun(Table)
    again = read(write(tmp_path / "a.tsv", table))
    assert again.checksum() == table.checksum()
    assert again.units == table.units
