"""What is simulated is what template matching takes for granted: hand, turns, tilts, contrast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.ctf import ctf
from mapscope.density.symmetry import matrix_of_turn
from mapscope.jobs import match_template
from mapscope.picking.correlation import Searched
from mapscope.picking.fine_search import Hits, made_finer
from mapscope.picking.orientation import angle_between
from mapscope.picking.template import prepared
from mapscope.picking.transfer import Transfer, tilts_of_table
from mapscope.picking.wedge import TiltRange
from mapscope.simulate.tomogram.back_projection import back_projected
from mapscope.simulate.tomogram.exposure import Exposure, Noise
from mapscope.simulate.tomogram.projection import Method, Microscope
from mapscope.simulate.tomogram.simulation import Recipe, Simulated, simulate
from mapscope.simulate.tomogram.species import Species, species_of_structure
from mapscope.simulate.tomogram.tilt_series import TiltSeries, tilt_series
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Volume

Floats = npt.NDArray[np.float64]
VOXEL, EDGE = 10.0, 48
LOWEST, HIGHEST = -25.0, 65.0


def series_of_a_point(method: Method, *, dose: float = 0.0, spread: float = 0.0) -> TiltSeries:
    """A weak Gaussian point in the middle, imaged without noise."""
    z, y, x = np.indices((EDGE,) * 3) - EDGE // 2
    point = np.exp(-(z**2 + y**2 + x**2) / 2).astype(np.float32)
    exposure = Exposure(
        np.linspace(LOWEST, HIGHEST, 91),
        50000.0,
        spread,
        Microscope(decay=None, method=method),
        Noise(structural=0.0, dose=dose),
    )
    return tilt_series(point, np.zeros_like(point), VOXEL, exposure)


def transfer_of(series: TiltSeries) -> npt.NDArray[np.complex128]:
    """What is left of each coefficient of the point after its back-projection."""
    found = back_projected(series.clean, series.tilts.tolist(), (EDGE,) * 3) / VOXEL
    z, y, x = np.indices((EDGE,) * 3) - EDGE // 2
    point = np.exp(-(z**2 + y**2 + x**2) / 2)
    spectra = (np.fft.rfftn(np.fft.ifftshift(volume)) for volume in (found, point))
    return np.asarray(next(spectra) / next(spectra))


def frequencies() -> Floats:
    """1/Å of the coefficients of :func:`transfer_of`."""
    full, half = np.fft.fftfreq(EDGE, VOXEL), np.fft.rfftfreq(EDGE, VOXEL)
    return np.asarray(np.sqrt(full[:, None, None] ** 2 + full[:, None] ** 2 + half**2))


@pytest.mark.parametrize("method", ["projection", "multislice"])
def test_point_when_imaged_and_back_projected_has_the_ctf_within_the_tilts_of_the_wedge(
    method: Method,
) -> None:
    """And nothing beyond: the same hand of the tilts as in matching and averaging."""
    found, k = transfer_of(series_of_a_point(method)), frequencies()
    band = (k > 0.012) & (k < 0.04)
    inside = band & (TiltRange(LOWEST + 8, HIGHEST - 8).weights(EDGE, np.eye(3)) == 1)
    outside = band & (TiltRange(LOWEST - 12, HIGHEST + 12).weights(EDGE, np.eye(3)) == 0)
    expected = ctf(k, 50000.0)
    assert expected[inside].min() < -0.9
    assert expected[inside].max() > 0.9
    assert np.sqrt(((found.real - expected)[inside] ** 2).mean()) < 0.08
    assert np.abs(found[outside]).max() < 0.12
    assert np.sqrt((np.abs(found[outside]) ** 2).mean()) < 0.04


def test_transfer_of_matching_is_that_of_the_simulator_and_of_no_other_tilts_or_defocus() -> None:
    series = series_of_a_point("multislice", dose=60.0, spread=2000.0)
    found, k = transfer_of(series).real, frequencies()
    band = (k > 0.012) & (k < 0.04)
    columns = series.table().columns

    def likeness(**changed: Floats) -> float:
        tilts = tilts_of_table(Table({**columns, **changed}))
        weights = Transfer(tilts).weights(EDGE, VOXEL)
        return float(np.corrcoef(found[band], weights[band])[0, 1])

    assert likeness() > 0.95
    assert likeness(tilt=-series.tilts) < 0.75
    assert likeness(defocus=-series.defoci) < -0.9


@pytest.fixture
def large(structure_of: Callable[..., Structure]) -> Species:
    """Four lobes up to 95 Å apart, of one hand."""
    random = np.random.default_rng(11)
    centres = [(0, 0, 0), (71, 0, 0), (0, 58, 0), (0, 0, 44)]
    lines = [
        ("C", x, y, z, 20.0, 1.0)
        for centre, count in zip(centres, (2700, 1800, 1200, 900), strict=True)
        for x, y, z in random.normal(centre, 12.0, (count, 3))
    ]
    return species_of_structure(structure_of(lines), "lobes", VOXEL)


@pytest.fixture
def made(large: Species) -> Simulated:
    """Four of them in a little noise, with tilts further to one side."""
    noise = Noise(structural=0.05, signal_to_noise=4.0, sampling=VOXEL)
    exposure = Exposure(np.linspace(LOWEST, HIGHEST, 31), 30000.0, noise=noise)
    return simulate(Recipe([large], 4, exposure, shape=(32, 48, 64)), seed=2)


def scores_at_truth(made: Simulated, template: Volume) -> tuple[Floats, Floats, Floats]:
    """Best score near each true pose, and how far away in Å and degrees it is."""
    truth = made.particles
    assert truth.rotations is not None
    ready = prepared(template, VOXEL, transfer=Transfer(tilts_of_table(made.series.table())))
    middles = (truth.positions + truth.rotations @ ready.offset) / VOXEL
    turned = truth.rotations @ matrix_of_turn([8.0, -6.0, 7.0])
    start = Hits(middles + 0.8, turned, np.full(len(middles), -1.0))
    searched = Searched.of(made.tomogram)
    found = made_finer(searched, ready, start, spacing=20.0, finest=2.5)
    away = VOXEL * np.linalg.norm(found.places - middles, axis=1)
    return found.scores, away, angle_between(found.rotations, truth.rotations)


def test_simulated_particles_are_found_as_they_lie_by_the_template_that_was_placed(
    made: Simulated, large: Species
) -> None:
    scores, away, turned = scores_at_truth(made, large.template())
    assert scores.min() > 0.6
    assert away.max() < 3.0
    # A turn by 10° moves the rim by less than the finest detail.
    assert turned.mean() < 5.0
    assert turned.max() < 10.0


@pytest.mark.parametrize(("wrong", "less"), [("mirrored", 0.03), ("tilts", 0.1), ("defocus", 0.2)])
def test_simulated_particles_fit_no_template_of_the_other_hand_or_transfer_as_well(
    made: Simulated, large: Species, wrong: str, less: float
) -> None:
    """Wherever and however it is turned."""
    template, columns = large.template(), made.series.table().columns
    right, _, _ = scores_at_truth(made, template)
    if wrong == "mirrored":
        template = template.with_data(template.data[::-1].copy())
    elif wrong == "tilts":
        columns = {**columns, "tilt": -made.series.tilts}
    else:
        columns = {**columns, "defocus": -made.series.defoci}
    found = match_template(
        made.tomogram,
        template,
        tilts=Table(columns),
        coarse_angle=25.0,
        angle=12.5,
        control="none",
        overlaps="keep",
        threshold=0.0,
    )
    for place, score in zip(made.particles.positions, right, strict=True):
        near = np.linalg.norm(found.picks.positions - place, axis=1) < large.radius
        assert near.any()
        assert found.picks.columns["ccc"][near].max() < score - less
