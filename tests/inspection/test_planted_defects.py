"""Each defect planted into a real map is found and, where it can be, mended."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "planted_defects.py"
    spec = importlib.util.spec_from_file_location("planted_defects", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PLANTED = _benchmark()


@pytest.fixture
def bench(data_folder: Path, tmp_path: Path) -> Any:
    return PLANTED.Bench(data_folder, tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize("defect", PLANTED.DEFECTS, ids=lambda d: d.name)
def test_defect_when_planted_into_a_real_map_is_found_and_mended(defect: Any, bench: Any) -> None:
    assert PLANTED.try_defect(defect, bench).faults == ()


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n == "xray_4un4" else n for n in PLANTED.GOOD],
)
def test_inspect_when_a_real_map_is_good_gives_no_error_and_no_warning(
    name: str, bench: Any
) -> None:
    assert PLANTED.try_good(name, bench).faults == ()


@pytest.mark.real_data
def test_inspect_when_half_maps_are_good_gives_no_error_and_no_warning(bench: Any) -> None:
    assert PLANTED.try_good_halves(bench).faults == ()


def test_defects_are_at_least_25_and_good_files_ten() -> None:
    assert len({defect.name for defect in PLANTED.DEFECTS}) >= 25
    assert len(set(PLANTED.GOOD)) + 1 == 10
