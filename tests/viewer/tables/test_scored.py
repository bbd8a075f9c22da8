"""A result's table in the Plot dock, and the structure and the residues that it is about."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog
from tests.viewer.structures.conftest import density, mixed
from tests.viewer.tables.conftest import Bench, score

from mapscope.depiction.palette import NO_VALUE, rgba
from mapscope.files import read
from mapscope.jobs import all_jobs
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.structures.look import COLORMAPS
from mapscope.volume import Volume


def first_cell(bench: Bench, row: int = 0) -> QPoint:
    rows = bench.dock.rows
    place: QPoint = rows.visualRect(rows.rows.index(row, 0)).center()
    return place


def click_row(bench: Bench, row: int) -> None:
    QTest.mouseClick(
        bench.dock.rows.viewport(), Qt.MouseButton.LeftButton, pos=first_cell(bench, row)
    )
    bench.rest()


def test_structure_when_it_was_scored_is_coloured_from_worst_to_best(bench: Bench) -> None:
    figure = bench.scene.figures[0]
    assert figure.look.by == "chain"
    entry = bench.run()
    look = figure.look
    assert (look.by, look.caption, figure.style) == ("score", "Q-score", "ribbons")
    values = entry.nouns["residues"]["q_score"]
    assert look.score is not None
    np.testing.assert_array_equal(look.score.values, values)
    assert figure.made is not None
    colors = figure.made.coloring.residues
    red, blue = colors[np.nanargmin(values)], colors[np.nanargmax(values)]
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    np.testing.assert_allclose(colors[np.isnan(values)], [rgba(NO_VALUE)])
    assert bench.viewer.canvas.overlays["mapscope_structure_caption"].text == "Q-score"


def test_structure_when_another_was_scored_keeps_its_colours(bench: Bench) -> None:
    other = mixed()
    bench.add(other, "other")
    bench.run()
    looks = {f.name: f.look.by for f in bench.scene.figures}
    assert looks == {"model": "score", "other": "chain"}


def test_structure_when_another_of_its_models_was_scored_keeps_its_colours(bench: Bench) -> None:
    bench.run(model=2)
    assert bench.scene.figures[0].look.by == "chain"
    click_row(bench, 0)
    assert not len(bench.scene.figures[0].chosen)


def test_colours_when_chosen_anew_take_the_place_of_the_scores(bench: Bench) -> None:
    bench.run()
    figure = bench.scene.figures[0]
    bench.scene.color_by(figure, "secondary structure", colormap=COLORMAPS[0])
    bench.rest()
    assert figure.look.by == "secondary structure"
    assert not bench.viewer.canvas.overlays["mapscope_structure_caption"].visible


def test_rows_when_a_result_comes_begin_with_the_worst_residue(bench: Bench) -> None:
    entry = bench.run()
    dock, table = bench.dock, entry.nouns["residues"]
    assert [dock.tables.itemText(k) for k in range(dock.tables.count())] == ["Residues", "Chains"]
    order = [dock.rows.rows.row_at(dock.rows.rows.index(k, 0)) for k in range(len(table))]
    q = table["q_score"][order]
    assert (np.diff(q[:-1]) > 0).all()
    assert np.isnan(q[-1])
    assert not dock.rows.isHidden()
    assert not dock.curves.isHidden()
    assert dock.headline.text() == "scored"


def test_header_when_clicked_turns_the_order_round(bench: Bench) -> None:
    entry = bench.run()
    rows = bench.dock.rows
    header = rows.horizontalHeader()
    column = rows.rows.names.index("number")
    place = QPoint(header.sectionViewportPosition(column) + 5, header.height() // 2)
    numbers = entry.nouns["residues"]["number"]
    for expected in (numbers.min(), numbers.max()):
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert rows.rows.data(rows.rows.index(0, column)) == str(expected)


def test_row_when_clicked_then_the_view_goes_to_its_residue(bench: Bench) -> None:
    bench.add(mixed(), "other")
    bench.viewer.dims.ndisplay = 3
    entry = bench.run()
    click_row(bench, 0)
    table = entry.nouns["residues"]
    worst = int(np.nanargmin(table["q_score"]))
    figure = bench.scene.figures[0]
    assert figure.chosen.tolist() == [worst]
    centre = figure.residues.center(bench.structure, worst)
    np.testing.assert_allclose(bench.viewer.scene.camera.center, centre, atol=1e-6)
    assert not len(bench.scene.figures[1].chosen)


def test_arrow_keys_when_pressed_go_from_row_to_row(bench: Bench) -> None:
    entry = bench.run()
    click_row(bench, 0)
    order = np.argsort(entry.nouns["residues"]["q_score"])
    QTest.keyClick(bench.dock.rows, Qt.Key.Key_Down)
    QTest.keyClick(bench.dock.rows, Qt.Key.Key_Down)
    bench.rest()
    assert bench.scene.figures[0].chosen.tolist() == [order[2]]


def test_residue_when_selected_elsewhere_is_marked_in_the_rows(bench: Bench) -> None:
    entry = bench.run()
    figure, rows = bench.scene.figures[0], bench.dock.rows
    table = entry.nouns["residues"]
    for residue in (5, 3, 17):
        bench.scene.select_residue(figure, residue)
        place = rows.currentIndex()
        assert rows.rows.row_at(place) == residue
        assert rows.viewport().rect().intersects(rows.visualRect(place))
    assert table["insertion_code"][5] == "A"
    bench.scene.clear_selection(figure)
    assert not rows.selectionModel().hasSelection()
    bench.rest()


def test_rows_when_sorted_anew_keep_the_residue_that_is_selected(bench: Bench) -> None:
    bench.run()
    figure, rows = bench.scene.figures[0], bench.dock.rows
    bench.scene.select_residue(figure, 3)
    rows.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert rows.rows.row_at(rows.currentIndex()) == 3
    bench.dock.filter.setText("N")
    assert not rows.selectionModel().hasSelection()
    bench.dock.filter.clear()
    assert rows.rows.row_at(rows.currentIndex()) == 3
    assert figure.chosen.tolist() == [3]
    bench.rest()


def test_answer_when_a_row_is_clicked_is_drawn_and_the_rows_stay(bench: Bench) -> None:
    entry = bench.run()
    dock, table = bench.dock, entry.nouns["residues"]
    click_row(bench, 0)
    bench.wait(lambda: dock.table is not table)
    assert dock.table is not None
    assert set(dock.table.columns) == {"chi1", "density", "rotameric"}
    worst = int(np.nanargmin(table["q_score"]))
    assert bench.scene.figures[0].residues.label(worst) in dock.headline.text()
    assert dock.rows.rows.table is table
    assert bench.workspace.table is table, "colours by its columns are still offered"
    assert [e.job.name for e in bench.workspace.entries] == ["score"]
    dock.back_button.click()
    assert dock.table is table
    assert dock.back_button.isHidden()


def test_answer_when_a_probe_is_run_from_its_form_is_drawn_and_the_rows_stay(bench: Bench) -> None:
    entry = bench.run()
    place = tuple(bench.structure.positions[0].tolist())
    probe = bench.run(all_jobs()["chi1_curve"], position=place)
    assert bench.dock.table is next(iter(probe.nouns.values()))
    assert bench.dock.rows.rows.table is entry.nouns["residues"]
    assert bench.dock.tables.count() == 2


def test_answer_when_the_map_is_the_scored_one_is_the_density_around_chi1(bench: Bench) -> None:
    """A lysine's chain, whose density is that of its own atoms, peaks at its own angle."""
    from mapscope.viewer.samples import sample_folder

    bench.structure = read(sample_folder() / "four_helix_bundle.cif")
    bench.volume = read(sample_folder() / "four_helix_bundle.mrc.gz")
    bench.add(bench.structure, "bundle")
    entry = bench.run()
    names = entry.nouns["residues"]["name"].tolist()
    figure = bench.scene.figure(bench.structure)
    bench.scene.go_to_residue(figure, names.index("LEU"))
    bench.wait(lambda: "peak at" in bench.dock.headline.text())
    curve = bench.dock.table
    assert curve is not None
    assert curve.plot is not None
    peak = float(curve["chi1"][int(np.argmax(curve["density"]))])
    off = (peak - curve.plot.marks["model"] + 180) % 360 - 180
    assert abs(off) < 30
    bench.rest()


def test_table_of_chains_when_a_row_is_clicked_selects_the_chain(bench: Bench) -> None:
    entry = bench.run()
    dock = bench.dock
    dock.tables.setCurrentIndex(1)
    dock.tables.activated.emit(1)
    assert dock.rows.rows.table is entry.nouns["chains"]
    assert dock.curves.isHidden()
    assert dock.headline.text() == "2 rows"
    click_row(bench, 1)
    figure = bench.scene.figures[0]
    assert figure.mask is not None
    np.testing.assert_array_equal(figure.mask, bench.structure.chains == "N")


def test_rows_when_the_structure_is_closed_do_nothing(bench: Bench) -> None:
    bench.run()
    bench.viewer.layers.clear()
    click_row(bench, 0)
    assert bench.scene.figures == []
    assert bench.dock.message.isHidden()


def test_water_when_there_is_some_is_left_out_at_first(bench: Bench) -> None:
    columns = {
        "chain": np.array(["A", "A", "W"]),
        "number": np.array([1, 2, 3]),
        "kind": np.array(["protein", "protein", "water"]),
    }
    bench.dock.show_table(Table(columns))
    assert bench.dock.filter.text() == "-water"
    assert bench.dock.rows.rows.rowCount() == 2
    bench.dock.filter.clear()
    assert bench.dock.rows.rows.rowCount() == 3


class Words(HTMLParser):
    """The words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


def test_report_when_saved_then_the_page_holds_the_result(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.dock.report_button.isHidden()
    bench.dock.show_table(Table({"a": np.arange(3)}))
    assert bench.dock.report_button.isHidden(), "no run gave this table"
    bench.run()
    assert not bench.dock.report_button.isHidden()
    path = str(tmp_path / "page.html")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *_, **__: (path, "")))
    bench.dock.report_button.click()
    assert bench.dock.message.text() == "Saved page.html"
    page = Words()
    page.feed((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "Score" in page.text
    assert "HEM" in page.text


def test_result_when_asked_for_is_what_the_job_returned(bench: Bench) -> None:
    entry = bench.run()
    assert type(entry.result).__name__ == "Scores"
    assert entry.result.residues is entry.nouns["residues"]
    assert entry.result.mean == entry.scalars["mean"]
    assert entry.input_of(Structure) is bench.structure
    assert entry.input_of(Volume) is bench.volume
    assert entry.parameters == {"model": 1}


def test_dock_when_wide_puts_rows_beside_the_curve(bench: Bench) -> None:
    bench.run()
    for size, side in (
        ((1200, 300), Qt.Orientation.Horizontal),
        ((400, 500), Qt.Orientation.Vertical),
    ):
        bench.dock.resize(*size)
        bench.wait(partial(_lies, bench, side))


def _lies(bench: Bench, side: Qt.Orientation) -> bool:
    return bool(bench.dock.splitter.orientation() == side)


def test_scores_when_all_are_missing_say_so(bench: Bench) -> None:
    empty: Callable[..., Any] = score.function
    said: list[str] = []
    bench.scene.said.connect(said.append)
    made = empty(bench.structure, density(bench.structure))
    columns = {**made.residues.columns, "q_score": np.full(len(made.residues), np.nan)}
    entry = bench.run()
    entry._kept["residues"] = lambda: Table(columns, {}, made.residues.plot)
    bench.workspace.result_shown.emit(entry)
    assert said == ["no row of the table names a residue of this structure"]
