"""The table of every file says what opens, what is repaired and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tests.benchmark_scripts import benchmark_script

from mapscope import files
from mapscope.volume import Volume


@pytest.fixture(scope="module")
def table() -> ModuleType:
    return benchmark_script("every_file")


def test_table_when_a_file_opens_or_is_refused_then_the_rules_decide_what_is_right(
    table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = Volume(np.ones((2, 3, 4), np.float32))
    files.write(tmp_path / "good.mrc", volume)
    files.write(tmp_path / "image.zarr", volume)
    (tmp_path / "bad.mrc").write_bytes(b"no map")
    (tmp_path / "notes.txt").write_text("no image")
    outcomes = {o.name: o for o in table.measure(tmp_path)}
    assert {n: (o.state, o.is_right) for n, o in outcomes.items()} == {
        "good.mrc": ("opens", True),
        "image.zarr": ("opens", True),
        "bad.mrc": ("refused", False),
    }
    monkeypatch.setattr(table, "REFUSED", {"bad.mrc": "only 6 came"})
    assert all(o.is_right for o in table.measure(tmp_path))
    monkeypatch.setattr(table, "REFUSED", {"bad.mrc": "another reason", "good.mrc": ""})
    wrong = [o.name for o in table.measure(tmp_path) if not o.is_right]
    assert sorted(wrong) == ["bad.mrc", "good.mrc"]


@pytest.mark.slow
@pytest.mark.real_data
def test_table_when_made_of_the_real_data_then_every_file_is_as_it_should_be(
    table: ModuleType, data_folder: Path
) -> None:
    outcomes = table.measure(data_folder)
    assert len(outcomes) > 1000
    assert [o for o in outcomes if not o.is_right] == []
