"""Tables come back with their units, and FSC curves are what EMDB takes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mapscope import files
from mapscope.errors import InputError, MapFormatError
from mapscope.table import Plot, Table

PLOT = Plot("frequency", ("unmasked",), title="FSC", levels={"0.143": 0.143}, reciprocal_x=True)


def curve(**extra: list[float]) -> Table:
    columns = {"frequency": [0.0, 0.1, 0.2], "unmasked": [1.0, 0.5, np.nan], **extra}
    return Table(
        {name: np.array(values) for name, values in columns.items()}, {"frequency": "1/Å"}, PLOT
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_write_when_read_back_then_columns_units_and_types_are_the_same(
    tmp_path: Path, suffix: str
) -> None:
    table = Table(
        {
            "frequency": np.array([0.1, np.nan, 1 / 3]),
            "count": np.array([1, -2, 3]),
            "name": np.array(["a", 'with "quotes", comma', ""]),
            "kept": np.array([True, False, True]),
        },
        {"frequency": "1/Å"},
    )
    path = files.write(tmp_path / f"a{suffix}", table)
    again = files.read(path)
    assert list(again.columns) == list(table.columns)
    for name, values in table.columns.items():
        np.testing.assert_array_equal(again[name], values)
        assert again[name].dtype.kind == values.dtype.kind
    assert dict(again.units) == {"frequency": "1/Å"}


def test_write_when_csv_then_the_titles_carry_units(tmp_path: Path) -> None:
    lines = files.write(tmp_path / "a.csv", curve()).read_text("utf-8").splitlines()
    assert lines == ["frequency (1/Å),unmasked", "0.0,1.0", "0.1,0.5", "0.2,"]


@pytest.mark.parametrize(
    ("text", "reason"), [("", "column titles"), ("a,a\n1,2\n", "differ"), ("a,b\n1\n", "1 lines")]
)
def test_read_when_the_table_is_broken_then_it_is_refused(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(MapFormatError, match=reason):
        files.read(tmp_path / "a.csv")


def test_read_when_a_line_is_short_then_permissive_leaves_it_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n5,6\n")
    with pytest.warns(files.FileWarning, match="1 lines"):
        table = files.read(tmp_path / "a.csv", permissive=True)
    np.testing.assert_array_equal(table["b"], [2, 6])


def test_write_when_json_then_records_units_and_plot_are_plain(tmp_path: Path) -> None:
    content = json.loads(files.write(tmp_path / "a.json", curve()).read_text("utf-8"))
    assert content["format_version"] == 1
    assert content["records"][2] == {"frequency": 0.2, "unmasked": None}
    assert content["units"] == {"frequency": "1/Å"}
    assert content["plot"]["levels"] == {"0.143": 0.143}


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({}, ["1.0", "0.5"]),
        ({"masked": [1.0, 0.6, 0.1]}, ["1.0", "0.6", "0.1"]),
        ({"masked": [1.0, 0.6, 0.1], "corrected": [1.0, 0.55, 0.05]}, ["1.0", "0.55", "0.05"]),
    ],
)
def test_write_when_xml_then_the_best_curve_is_written_without_gaps(
    tmp_path: Path, extra: dict[str, list[float]], expected: list[str]
) -> None:
    root = ET.fromstring(files.write(tmp_path / "fsc.xml", curve(**extra)).read_bytes())
    assert root.tag == "fsc"
    assert root.attrib == {
        "title": "FSC",
        "xaxis": "Resolution (A-1)",
        "yaxis": "Correlation Coefficient",
    }
    points = root.findall("coordinate")
    assert [point.findtext("y") for point in points] == expected
    assert [point.findtext("x") for point in points] == ["0.0", "0.1", "0.2"][: len(expected)]


def test_write_when_the_plot_is_no_curve_over_frequency_then_xml_is_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match="spatial frequency"):
        files.write(tmp_path / "a.xml", Table({"a": np.array([1.0])}))
