"""Real lists go through the dock's own widgets into files that other readers understand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from qtpy.QtWidgets import QFileDialog
from tests.benchmark_scripts import BENCHMARKS, benchmark_script


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The benchmark that opens, corrects and exports them."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    given: Any = QFileDialog.getSaveFileName
    yield benchmark_script("clean_real_lists")
    QFileDialog.getSaveFileName = given


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["object_list_valid", "TS_037_fas", "bin6_TM_stopgap"])
def test_real_lists_when_cleaned_in_the_dock_are_read_back_where_they_were(
    script: ModuleType, data_folder: Path, name: str, make_napari_viewer: Any
) -> None:
    viewer = make_napari_viewer()
    rows = list(script.measure(data_folder, name, viewer))
    assert {row.reader.split()[0] for row in rows} == {".star", ".tbl", ".json"}
    assert any("starfile" in row.reader for row in rows)
    assert [row for row in rows if not row.is_good] == []
    assert all(0 < row.kept <= row.came + 1 for row in rows)
