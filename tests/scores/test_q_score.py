"""Q-scores are the correlation that the paper defines, at the points that are an atom's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import files
from mapscope.errors import Cancelled
from mapscope.scores import q_score
from mapscope.scores.q_score import (
    SHELLS,
    SIGMA,
    expected_q_score,
    q_scores,
    sphere_directions,
)
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

GRID = Grid((40, 44, 48), (0.5, 0.55, 0.6), (-7.0, 3.0, 20.0))
MIDDLE = GRID.world_from_index([20, 22, 24])


def atoms_at(positions: Any, elements: Any = None) -> Structure:
    whole, model, chain, residue = gemmi.Structure(), gemmi.Model(1), gemmi.Chain("A"), None
    for number, (z, y, x) in enumerate(np.atleast_2d(positions).tolist()):
        residue, atom = gemmi.Residue(), gemmi.Atom()
        residue.name, residue.seqid = "UNK", gemmi.SeqId(str(number + 1))
        atom.element = gemmi.Element("C" if elements is None else elements[number])
        atom.name, atom.pos = atom.element.name, gemmi.Position(x, y, z)
        residue.add_atom(atom)
        chain.add_residue(residue)
    model.add_chain(chain)
    whole.add_model(model)
    return Structure.from_gemmi(whole)


def gaussian(sigma: float, height: float = 1.0) -> Volume:
    """One in the middle of the grid."""
    index = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), axis=-1)
    square = ((GRID.world_from_index(index) - MIDDLE) ** 2).sum(axis=-1)
    data = height * np.exp(-0.5 * square / sigma**2) + 3.0
    return Volume(data.astype(np.float32), GRID.voxel_size, GRID.origin)


@pytest.fixture(scope="module")
def crowd() -> tuple[Structure, Volume]:
    """Sixty atoms as close as in a molecule, some at the side of the map, in smooth noise."""
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(3)
    low, high = GRID.world_from_index([1, 1, 1]), GRID.world_from_index([20, 20, 20])
    data = gaussian_filter(random.normal(size=GRID.shape), 1.5).astype(np.float32)
    structure = atoms_at(random.uniform(low, high, (60, 3)))
    return structure, Volume(data, GRID.voxel_size, GRID.origin)


def literal_q(structure: Structure, volume: Volume, atom: int) -> float:
    """Point by point: nearest to its atom, inside the map, linear between voxels."""
    from scipy.ndimage import map_coordinates

    expected, found = [], []
    for radius in SHELLS:
        for direction in sphere_directions(32):
            point = structure.positions[atom] + radius * direction
            away = np.linalg.norm(structure.positions - point, axis=1)
            if away.argmin() == atom and volume.grid.contains(point):
                index = volume.grid.index_from_world(point)[:, None]
                data = volume.data.astype(np.float64)
                found.append(map_coordinates(data, index, order=1)[0])
                expected.append(np.exp(-0.5 * (radius / SIGMA) ** 2))
    return float(np.corrcoef(expected, found)[0, 1])


def test_score_of_an_atom_in_its_own_gaussian_is_one_and_in_a_hole_minus_one() -> None:
    atom = atoms_at(MIDDLE)
    assert q_scores(atom, gaussian(SIGMA))[0] == pytest.approx(1.0, abs=0.005)
    assert q_scores(atom, gaussian(SIGMA, -1.0))[0] == pytest.approx(-1.0, abs=0.005)
    wide, wider = (q_scores(atom, gaussian(s))[0] for s in (1.0, 2.0))
    assert 0.98 > wide > wider > 0.5


def test_score_is_that_of_a_search_point_by_point(crowd: tuple[Structure, Volume]) -> None:
    structure, volume = crowd
    scores = q_scores(structure, volume)
    for atom in (0, 7, 20, 33, 59):
        assert scores[atom] == pytest.approx(literal_q(structure, volume, atom), abs=1e-5)


def test_score_when_asked_for_some_atoms_or_in_small_blocks_is_the_same(
    crowd: tuple[Structure, Volume], monkeypatch: pytest.MonkeyPatch
) -> None:
    structure, volume = crowd
    whole = q_scores(structure, volume)
    chosen = np.arange(60) % 3 == 0
    some = q_scores(structure, volume, chosen)
    np.testing.assert_allclose(some[chosen], whole[chosen], atol=1e-6)
    assert np.isnan(some[~chosen]).all()
    monkeypatch.setattr(q_score, "_ATOMS_AT_ONCE", 7)
    np.testing.assert_allclose(q_scores(structure, volume), whole, atol=1e-6)


def test_score_when_scaled_shifted_or_dark_does_not_change(
    crowd: tuple[Structure, Volume],
) -> None:
    structure, volume = crowd
    whole = q_scores(structure, volume)
    scaled = volume.with_data(volume.data * 20 + 5)
    dark = Volume(-volume.data, volume.voxel_size, volume.origin, contrast=-1)
    np.testing.assert_allclose(q_scores(structure, scaled), whole, atol=1e-4)
    np.testing.assert_allclose(q_scores(structure, dark), whole, atol=1e-6)


def test_score_of_flat_density_is_zero_and_outside_the_map_unknown() -> None:
    flat = Volume(np.ones(GRID.shape, np.float32), GRID.voxel_size, GRID.origin)
    atoms = atoms_at([MIDDLE, MIDDLE + 500.0])
    np.testing.assert_array_equal(q_scores(atoms, flat), [0.0, np.nan])
    assert np.isnan(q_scores(atoms_at(MIDDLE + 500.0), flat)).all()


def test_hydrogens_have_no_score_and_crowd_nobody() -> None:
    volume = gaussian(SIGMA)
    both = q_scores(atoms_at([MIDDLE, MIDDLE + 0.5], ["C", "H"]), volume)
    assert both[0] == q_scores(atoms_at(MIDDLE), volume)[0]
    assert np.isnan(both[1])


def test_conformers_in_the_same_place_do_not_crowd_each_other() -> None:
    volume = gaussian(SIGMA)
    both = q_scores(atoms_at([MIDDLE, MIDDLE]), volume)
    np.testing.assert_array_equal(both, q_scores(atoms_at(MIDDLE), volume)[0])


def test_directions_are_unit_vectors_spread_evenly() -> None:
    directions = sphere_directions(32)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0)
    assert np.abs(directions.mean(axis=0)).max() < 0.05
    between = directions @ directions.T - 2 * np.eye(32)
    assert np.degrees(np.arccos(between.max())) > 20


def test_usual_score_falls_with_resolution_and_differs_for_nucleic_acid() -> None:
    assert expected_q_score(2.0) == pytest.approx(0.7642)
    assert expected_q_score(4.0, "nucleic") == pytest.approx(0.4465)


def test_scoring_when_cancelled_stops(crowd: tuple[Structure, Volume]) -> None:
    def stop(done: int, total: int, message: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        q_scores(*crowd, progress=stop)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "mean"),
    [("emd4413_6i5a", 0.7784), ("emd20026_3ajo", 0.8662), ("emd6272_3j9s", 0.6273)],
)
def test_mean_of_a_real_pair_is_that_of_cctbx(data_folder: Path, name: str, mean: float) -> None:
    folder = data_folder / "maps" / name
    model = next(folder.glob("model*"))
    scores = q_scores(files.read(model), files.read(folder / "map.mrc.gz"))
    assert np.nanmean(scores) == pytest.approx(mean, abs=0.002)
