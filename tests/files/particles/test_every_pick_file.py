"""The table of every list of particles says what comes back and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from tests.benchmark_scripts import benchmark_script

from mapscope.files import write
from mapscope.particles import Particles


@pytest.fixture(scope="module")
def table() -> ModuleType:
    return benchmark_script("every_pick_file")


def test_table_when_a_list_comes_back_or_is_refused_then_the_rules_decide_what_is_right(
    table: ModuleType, picks: Particles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tomography"
    folder.mkdir()
    write(folder / "good.star", picks)
    write(folder / "model.stopgap.star", picks)
    (folder / "bad.tbl").write_text("1 2 3\n")
    (folder / "notes.md").write_text("no list")
    outcomes = {o.name: o for o in table.measure(tmp_path)}
    assert {n: (o.state, o.is_right) for n, o in outcomes.items()} == {
        "good.star": ("returns", True),
        "model.stopgap.star": ("returns", True),
        "bad.tbl": ("refused", False),
    }
    assert "voxel_size=10" in outcomes["model.stopgap.star"].text
    assert "; 18 formats " in outcomes["good.star"].text
    assert outcomes["good.star"].text.endswith("no room: box shrec")
    monkeypatch.setattr(table, "REFUSED", {"bad.tbl": "26 columns or more"})
    assert all(o.is_right for o in table.measure(tmp_path))
    monkeypatch.setattr(table, "REFUSED", {"bad.tbl": "another reason", "good.star": "x"})
    wrong = [o.name for o in table.measure(tmp_path) if not o.is_right]
    assert sorted(wrong) == ["bad.tbl", "good.star"]
    monkeypatch.setattr(table, "REFUSED", {"bad.tbl": "26 columns or more"})
    monkeypatch.setattr(table, "SINGLE_PRECISION", {"imod": 0.0})
    wrong = [o.name for o in table.measure(tmp_path) if not o.is_right]
    assert sorted(wrong) == ["good.star", "model.stopgap.star"]


@pytest.mark.slow
@pytest.mark.real_data
def test_table_when_made_of_the_real_data_then_every_list_is_as_it_should_be(
    table: ModuleType, data_folder: Path
) -> None:
    outcomes = table.measure(data_folder)
    assert sum(o.state == "returns" for o in outcomes) > 60
    assert [o for o in outcomes if not o.is_right] == []
