"""The benchmark of averages: as good as noise allows, and only with the right orientations."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from tests.benchmark_scripts import benchmark_script

from mapscope.density.fourier import Shells


@pytest.fixture(scope="module")
def benchmark_module() -> ModuleType:
    return benchmark_script("average_particles")


def test_average_of_known_orientations_is_as_fine_as_its_noise_allows(
    benchmark_module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmark_module.measure(benchmark_module.body(None), 24)
    said = capsys.readouterr().out
    assert "scrambled orientations" in said
    assert "missing wedge" in said


def test_expected_resolution_of_more_particles_is_finer_until_all_is_seen(
    benchmark_module: ModuleType,
) -> None:
    template = benchmark_module.template_of(benchmark_module.body(None))
    noise = 10 * float(template.data.std())
    found = [benchmark_module.expected(template, noise, count) for count in (1.0, 10.0, 100.0)]
    assert found[0] > found[1] > found[2] > 2 * benchmark_module.VOXEL
    assert benchmark_module.expected(template, noise, 1e9) is None
    # A particle in two counts half.
    half = np.full((*template.shape[:2], template.shape[2] // 2 + 1), 5.0)
    assert benchmark_module.expected(template, noise, half) == pytest.approx(
        benchmark_module.expected(template, noise, 5.0)
    )


def test_falls_to_half_is_not_led_astray_by_one_shell(benchmark_module: ModuleType) -> None:
    frequency = Shells(benchmark_module.template_of(benchmark_module.body(None)).grid).frequency
    fsc = 1 / (1 + np.exp((frequency - 0.06) / 0.005))
    plain = benchmark_module.falls_to_half(frequency, fsc)
    assert plain == pytest.approx(1 / 0.06, rel=0.01)
    dip = fsc.copy()
    dip[4] = 0.4
    assert benchmark_module.falls_to_half(frequency, dip) == pytest.approx(plain, rel=0.02)
