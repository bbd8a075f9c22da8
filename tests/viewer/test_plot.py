"""The Plot dock draws what stands in the table, legibly, and saves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from pyqtgraph import BarGraphItem
from qtpy.QtGui import QColor, QImage

from mapscope.files import read
from mapscope.table import Plot, Table
from mapscope.viewer.tables.curves import CURVE_COLORS
from mapscope.volume import HalfMaps, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk


@pytest.fixture
def table() -> Table:
    """Two curves over a spatial frequency; one begins late."""
    frequency = np.linspace(0, 0.25, 26)
    columns = {
        "frequency": frequency,
        "unmasked": np.cos(frequency * 10),
        "phase_randomised": np.where(frequency < 0.1, np.nan, 0.1),
    }
    plot = Plot(
        x="frequency",
        y=("unmasked", "phase_randomised"),
        x_label="spatial frequency (1/Å)",
        y_label="Fourier shell correlation",
        levels={"0.143": 0.143},
        marks={"5.00 Å": 0.2},
        reciprocal_x=True,
        headline="5.00 Å at FSC 0.143",
    )
    return Table(columns, {"frequency": "1/Å"}, plot)


def curves(dock: Any) -> dict[str, tuple[Any, Any]]:
    """Name and data of every curve drawn."""
    return {item.name(): item.getData() for item in dock.plot.plotItem.listDataItems()}


def is_bright(color: QColor) -> bool:
    return bool(color.lightnessF() > 0.5)


def test_curves_when_drawn_are_the_columns_of_the_table(desk: Desk, table: Table) -> None:
    dock = desk.docks["Plot"]
    dock.show_table(table)
    drawn = curves(dock)
    assert list(drawn) == ["unmasked", "phase randomised"]
    np.testing.assert_array_equal(drawn["unmasked"], (table["frequency"], table["unmasked"]))
    known = np.isfinite(np.asarray(table["phase_randomised"], dtype=float))
    x, y = drawn["phase randomised"]
    np.testing.assert_array_equal(x, table["frequency"][known])
    assert (y == 0.1).all()
    lines = {line.label.format: line.value() for line in dock.plot.plotItem.items if _is_line(line)}
    assert lines == {"0.143": 0.143, "5.00 Å": 0.2}


def _is_line(item: Any) -> bool:
    return type(item).__name__ == "InfiniteLine"


def test_bars_when_drawn_are_as_high_as_the_column_and_named_and_gone_with_the_next_table(
    desk: Desk, table: Table
) -> None:
    dock = desk.docks["Plot"]
    shares = {"number": [1, 2, 3], "class": ["high", "low", "odd"], "share": [0.3, 0.7, np.nan]}
    plot = Plot("number", ("share",), y_label="probability", headline="low, 70 %", bars="class")
    dock.show_table(Table({name: np.array(column) for name, column in shares.items()}, plot=plot))
    (bars,) = (item for item in dock.plot.plotItem.items if isinstance(item, BarGraphItem))
    np.testing.assert_array_equal(bars.opts["height"], [0.3, 0.7, 0])
    axis = dock.plot.getAxis("bottom")
    assert axis._tickLevels == [[(1.0, "high"), (2.0, "low"), (3.0, "odd")]]
    (left, right), (low, high) = dock.plot.viewRange()
    assert left < 0.7
    assert right > 3.3
    assert low <= 0
    assert high >= 1
    dock.show_table(table)
    assert not [i for i in dock.plot.plotItem.items if isinstance(i, BarGraphItem)]
    assert axis._tickLevels is None


def test_axes_when_drawn_are_labelled_with_units_and_in_angstrom_above(
    desk: Desk, table: Table
) -> None:
    dock = desk.docks["Plot"]
    dock.show_table(table)
    assert dock.plot.getAxis("bottom").labelText == "spatial frequency (1/Å)"
    assert dock.plot.getAxis("left").labelText == "Fourier shell correlation"
    assert dock.plot.getAxis("top").labelText == "resolution (Å)"
    assert dock.curves.top_axis.tickStrings([0, 0.1, 0.25], 1.0, 0.1) == ["∞", "10", "4"]
    assert dock.headline.text() == "5.00 Å at FSC 0.143"
    (left, right), (low, high) = dock.plot.plotItem.viewRange()
    assert left <= 0 <= 0.25 <= right < 0.3
    assert low <= -0.8 < 1 <= high < 1.2


def test_job_when_it_gives_a_curve_then_it_is_drawn_and_its_tab_is_shown(
    shown_desk: Desk, halves: HalfMaps
) -> None:
    desk = shown_desk
    desk.add_halves(halves)
    entry = desk.run_well(desk.form("shell_correlation"))
    dock = desk.docks["Plot"]
    desk.qtbot.waitUntil(lambda: not dock.visibleRegion().isEmpty(), timeout=3000)
    table = entry.nouns["curves"]
    np.testing.assert_array_equal(curves(dock)["unmasked"], (table["frequency"], table["unmasked"]))
    assert dock.headline.text() == table.plot.headline


def test_table_without_a_plot_is_named_and_old_curves_go(desk: Desk, table: Table) -> None:
    dock = desk.docks["Plot"]
    dock.show_table(table)
    dock.show_table(Table({"a": np.arange(3)}))
    assert dock.headline.text() == "3 rows"
    assert curves(dock) == {}
    dock.show_table(table)
    assert len(curves(dock)) == 2


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_table_with_nothing_to_draw_is_no_error(desk: Desk, rows: int) -> None:
    columns = {"x": np.arange(rows) * 1.0, "y": np.full(rows, np.nan), "z": np.ones(rows)}
    dock = desk.docks["Plot"]
    for names in (("y",), ("y", "z"), ("z",)):
        dock.show_table(Table(columns, {}, Plot("x", names, headline="nothing")))
        assert dock.headline.text() == "nothing"
        assert np.isfinite(dock.plot.plotItem.viewRange()).all()


def test_theme_when_changed_then_ground_ink_and_curves_follow(desk: Desk, table: Table) -> None:
    dock = desk.docks["Plot"]
    dock.show_table(table)
    for theme, dark in (("light", False), ("dark", True)):
        desk.viewer.theme = theme
        assert dock.is_dark is dark
        assert is_bright(dock.plot.backgroundBrush().color()) is not dark
        assert is_bright(dock.plot.getAxis("left").textPen().color()) is dark
        pens = [item.opts["pen"].color().name() for item in dock.plot.plotItem.listDataItems()]
        assert pens == list(CURVE_COLORS["dark" if dark else "light"][:2])


def test_table_when_saved_then_the_file_holds_it(
    desk: Desk, table: Table, tmp_path: Path, answer_dialog: Callable[[Path], None]
) -> None:
    dock = desk.docks["Plot"]
    assert not dock.save_button.isEnabled()
    dock.show_table(table)
    answer_dialog(tmp_path / "curves.csv")
    dock.save_button.click()
    assert dock.message.text() == "Saved curves.csv"
    again = read(tmp_path / "curves.csv")
    for name in table.columns:
        np.testing.assert_array_equal(again[name], table[name])
    answer_dialog(tmp_path / "curves.xml")
    dock.save_button.click()
    points = ET.parse(tmp_path / "curves.xml").getroot().findall("coordinate")
    assert [float(p.findtext("x") or "") for p in points] == table["frequency"].tolist()
    answer_dialog(tmp_path / "curves.txt")
    dock.save_button.click()
    assert "cannot be written as .txt" in dock.message.text()


def test_picture_when_saved_then_it_is_as_wide_as_promised_and_not_empty(
    desk: Desk, table: Table, tmp_path: Path, answer_dialog: Callable[[Path], None]
) -> None:
    dock = desk.docks["Plot"]
    dock.show_table(table)
    answer_dialog(tmp_path / "plot.png")
    dock.picture_button.click()
    picture = QImage(str(tmp_path / "plot.png"))
    assert picture.width() == 1200
    colors = {picture.pixel(x, picture.height() // 3) for x in range(picture.width())}
    assert len(colors) > 2


def test_dock_when_opened_late_then_it_shows_the_last_table(
    make_napari_viewer: Callable[..., Any], volume: Volume, table: Table
) -> None:
    from mapscope.viewer.docks.plot import PlotDock
    from mapscope.viewer.workspace import workspace_of

    viewer = make_napari_viewer()
    workspace_of(viewer).show_table(table)
    dock = PlotDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert dock.table is table
