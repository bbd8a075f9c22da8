"""Distances from a truth that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapscope.density.fourier import filter_radial, low_pass
from mapscope.density.halves import mean_map
from mapscope.density.wiener import standardised, wiener_filter
from mapscope.files import read
from mapscope.scores.reliability import is_right
from mapscope.scores.truth import resolution_with_truth, standard_truth
from mapscope.simulate.atoms import atoms_of
from mapscope.simulate.degradation import Degradation
from mapscope.simulate.known_pairs import KnownPair, box_around, known_pair


@pytest.fixture(scope="module")
def pair(sample_folder: Path) -> KnownPair:
    atoms = atoms_of(read(sample_folder / "four_helix_bundle.cif"), hydrogens=False)
    even = Degradation(signal_to_noise=500.0, seed=2)
    return known_pair(atoms, box_around(atoms, 60), resolution=3.5, degradation=even)


def test_map_agrees_with_the_truth_as_far_as_it_was_filtered(pair: KnownPair) -> None:
    for wanted in (5.0, 8.0):
        random = np.random.default_rng(0).normal(0, 1e-3, pair.truth.shape)
        made = low_pass(pair.truth, wanted)
        noisy = made.with_data(made.data + pair.truth.data.std() * random.astype(np.float32))
        found = resolution_with_truth(noisy, pair.truth)
        assert 0.8 * wanted < found <= wanted * 1.05


def test_truth_agrees_with_itself_to_nyquist(pair: KnownPair) -> None:
    assert resolution_with_truth(pair.truth, pair.truth, pair.mask) == pytest.approx(2.0, abs=0.05)


def test_sharpening_does_not_change_where_a_map_ceases_to_agree(pair: KnownPair) -> None:
    raw = mean_map(pair.half_maps)
    sharp = filter_radial(raw, lambda f: np.exp(20.0 * f**2))
    first, second = (resolution_with_truth(v, pair.truth) for v in (raw, sharp))
    assert first == pytest.approx(second, abs=0.01)
    assert 3.0 < first < 4.5


def test_truth_at_the_standard_spectrum_has_the_scale_of_the_data(pair: KnownPair) -> None:
    found = wiener_filter(pair.half_maps, pair.mask)
    data = mean_map(standardised(pair.half_maps, found))
    truth = standard_truth(pair.truth, found, pair.mask)
    low = [low_pass(volume, 10.0).data for volume in (data, truth)]
    scale = float((low[0] * low[1]).sum() / (low[1] ** 2).sum())
    assert scale == pytest.approx(1, abs=0.08)
    inside = pair.inside
    assert np.corrcoef(data.data[inside], truth.data[inside])[0, 1] > 0.85
    of_data = is_right(data.data, truth.data, inside)[inside].mean()
    assert 0.5 < of_data < 1
    assert is_right(truth.data, truth.data, inside).all()
