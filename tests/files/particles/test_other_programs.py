"""Other programs read what Mapscope writes, and Mapscope reads what they write."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A benchmark as a module."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module(request.param)


@pytest.mark.parametrize(
    "module", ["cross_read_picks", "cross_written_picks"], indirect=True, ids=["read", "write"]
)
def test_every_reader_and_writer_that_is_installed_agrees_with_mapscope(module: ModuleType) -> None:
    rows = list(module.of_written())
    table = module.WRITTEN if hasattr(module, "WRITTEN") else module.MADE
    assert len(rows) == sum(find_spec(program) is not None for program, *_ in table) > 0
    assert [row for row in rows if not row.is_good] == []
    assert {row.found for row in rows} == {500}


@pytest.mark.parametrize("module", ["cross_read_picks"], indirect=True)
def test_a_reader_that_differs_is_found(module: ModuleType) -> None:
    places, turns = module.pose_of(module.example())
    good = module.compared("starfile", "a.star", (places, turns), (places, turns))
    moved = module.compared("starfile", "a.star", (places, turns), (places + 1e-3, turns))
    inverse = turns.transpose(0, 2, 1)
    turned = module.compared("starfile", "a.star", (places, turns), (places, inverse))
    fewer = module.compared("starfile", "a.star", (places, turns), (places[1:], turns[1:]))
    assert [row.is_good for row in (good, moved, turned, fewer)] == [True, False, False, False]


@pytest.mark.real_data
@pytest.mark.parametrize("module", ["cross_read_picks"], indirect=True)
def test_real_lists_are_read_alike(module: ModuleType, data_folder: Path) -> None:
    rows = list(module.of_real(data_folder))
    assert len(rows) > 15
    assert [row for row in rows if not row.is_good] == []
