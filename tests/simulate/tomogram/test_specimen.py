from __future__ import annotations

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.simulate.tomogram.specimen import (
    ICE,
    Vesicles,
    bilayer,
    ice_grain,
    surroundings,
)


def test_bilayer_when_crossed_has_two_dense_layers_38_angstrom_apart() -> None:
    distance = np.arange(-60.0, 60.5, 0.5)
    profile = bilayer(distance)
    peaks = distance[1:-1][(profile[1:-1] > profile[:-2]) & (profile[1:-1] > profile[2:])]
    np.testing.assert_allclose(sorted(peaks), [-19, 19], atol=0.5)
    assert profile[distance == 0] < 0
    assert abs(profile[0]) < 1e-6


def test_ice_grain_has_the_deviation_that_was_asked_for() -> None:
    grain = ice_grain((30, 40, 50), 0.067, np.random.default_rng(0))
    assert grain.std() == pytest.approx(0.067 * ICE, rel=0.02)
    assert abs(grain.mean()) < 0.005


def test_surroundings_when_there_are_vesicles_and_beads_keeps_them_apart() -> None:
    wanted = Vesicles(2, 5, radii=(150.0, 200.0))
    found = surroundings((60, 90, 90), 10.0, wanted, np.random.default_rng(2))
    assert set(np.unique(found.number)) == set(range(8))
    assert (found.kind[found.number > 2] == 2).all()
    assert (found.kind[(found.number > 0) & (found.number < 3)] == 1).all()
    for bead in range(3, 8):
        body = found.number == bead
        assert body.sum() == pytest.approx(4 / 3 * np.pi * 5**3, rel=0.1)
        assert found.potential[body].max() == pytest.approx(25.0 - ICE, rel=0.01)


def test_vesicle_when_cut_through_its_middle_is_hollow() -> None:
    wanted = Vesicles(1, 0, radii=(200.0, 200.0))
    for seed in range(20):
        found = surroundings((80, 80, 80), 10.0, wanted, np.random.default_rng(seed))
        where = np.argwhere(found.kind == 1)
        if where.min() > 0 and where.max() < 79:
            break
    centre = (where.min(axis=0) + where.max(axis=0)) / 2
    radius = np.sqrt(((np.indices((80,) * 3).T - centre) ** 2).sum(axis=-1)).T
    assert (found.kind[radius < 16] == 0).all()
    assert np.abs(found.potential[radius < 14]).max() < 1e-3
    assert (found.kind[np.abs(radius - 20) < 1] == 1).all()


def test_surroundings_when_there_is_no_room_are_refused() -> None:
    with pytest.raises(InputError, match="gold bead found no room"):
        surroundings((12, 12, 12), 10.0, Vesicles(0, 9), np.random.default_rng(0))
