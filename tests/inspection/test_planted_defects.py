"""Each defect planted into a real map is found and, where it can be, mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.benchmark_scripts import benchmark_script

PLANTED = benchmark_script("planted_defects")


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
