"""Maps are read into the frame of their models."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tests.benchmark_scripts import benchmark_script

from mapscope.volume import Volume


@pytest.fixture(scope="module")
def benchmark_module() -> ModuleType:
    return benchmark_script("models_in_density")


def test_density_when_it_is_linear_then_it_is_met_exactly(benchmark_module: ModuleType) -> None:
    z, y, x = np.indices((4, 5, 6))
    volume = Volume(100.0 * z + 10 * y + x, (2.0, 2.0, 2.0), (1.0, 2.0, 3.0))
    points = np.array([[1, 2, 3], [4.0, 7.0, 4.5], [7, 10, 13], [7.1, 10, 13]])
    found = benchmark_module.density_at(volume, points)
    np.testing.assert_allclose(found, [0, 150 + 25 + 0.75, 345, 0])


@pytest.mark.slow
@pytest.mark.real_data
def test_models_when_read_with_their_maps_then_they_lie_in_the_density(
    benchmark_module: ModuleType, data_folder: Path
) -> None:
    entries = benchmark_module.measure(data_folder, ["maps"])
    assert len(entries) >= 30
    assert [entry.name for entry in entries if not entry.is_good] == []
    assert sum(score.is_placed for entry in entries for score in entry.scores) >= 20


@pytest.mark.slow
@pytest.mark.real_data
def test_models_when_read_with_their_reflections_then_they_lie_in_the_density(
    benchmark_module: ModuleType, data_folder: Path
) -> None:
    entries = benchmark_module.measure(data_folder, ["reflections"])
    assert len(entries) == 49
    assert [entry.name for entry in entries if not entry.is_good] == []
    scores = [score for entry in entries for score in entry.scores]
    assert (len(scores), sum(score.is_placed for score in scores)) == (48, 48)
