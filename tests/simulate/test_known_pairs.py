"""Half maps with a truth: as good as asked for, in their place, and without what was left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

from mapscope.density.halves import mean_map
from mapscope.density.shells import fourier_shell_correlation, resolution_interpolated
from mapscope.errors import InputError
from mapscope.files import read
from mapscope.simulate.atoms import Atoms, atoms_of
from mapscope.simulate.degradation import Degradation
from mapscope.simulate.known_pairs import box_around, joined, known_pair, unknown_blob
from mapscope.simulate.parts import without_part
from mapscope.structure import Structure
from mapscope.volume import Grid


@pytest.fixture(scope="module")
def model(sample_folder: Path) -> Structure:
    structure: Structure = read(sample_folder / "four_helix_bundle.cif")
    return structure


@pytest.fixture(scope="module")
def atoms(model: Structure) -> Atoms:
    return atoms_of(model, hydrogens=False)


def test_half_maps_agree_to_the_resolution_asked_for_and_lie_where_the_atoms_are(
    atoms: Atoms,
) -> None:
    grid = box_around(atoms, 64)
    even = Degradation(signal_to_noise=200.0, seed=1)
    pair = known_pair(atoms, grid, resolution=5.0, degradation=even)
    curves = fourier_shell_correlation(pair.half_maps, pair.mask)
    assert resolution_interpolated(curves.frequency, curves.best) == pytest.approx(5.0, rel=0.1)
    assert pair.resolution == 5.0
    mean, inside = mean_map(pair.half_maps), pair.inside
    assert np.corrcoef(mean.data[inside], pair.truth.data[inside])[0, 1] > 0.4
    assert mean.data[inside].mean() > mean.data[~inside].mean()
    index = np.rint(grid.index_from_world(atoms.positions)).astype(int)
    assert inside[tuple(index.T)].all()


def test_equal_seeds_give_equal_half_maps_and_others_do_not(atoms: Atoms) -> None:
    grid = box_around(atoms, 48)
    first, again, other = (known_pair(atoms, grid, seed=s, resolution=6.0) for s in (3, 3, 4))
    assert first.half_maps.checksum() == again.half_maps.checksum() != other.half_maps.checksum()
    assert first.truth.checksum() == other.truth.checksum()


def test_box_is_as_large_as_needed_and_never_larger_than_allowed(atoms: Atoms) -> None:
    wide, small = box_around(atoms, 500), box_around(atoms, 40)
    assert wide.contains(atoms.positions).all()
    assert small.shape == (40, 40, 40)
    middle = (atoms.positions.min(axis=0) + atoms.positions.max(axis=0)) / 2
    np.testing.assert_allclose(small.world_from_index([19.5] * 3), middle, atol=1e-9)


def test_box_without_atoms_is_refused(atoms: Atoms) -> None:
    with pytest.raises(InputError, match="no atom"):
        known_pair(atoms, Grid((20, 20, 20), (1.0, 1.0, 1.0), (500.0, 0.0, 0.0)))


def test_blob_touches_the_molecule_in_the_box_and_overlaps_nothing(atoms: Atoms) -> None:
    grid = box_around(atoms, 64)
    for seed in range(4):
        blob = unknown_blob(atoms, grid, seed=seed)
        distance, _ = KDTree(atoms.positions).query(blob.positions)
        assert 2.0 < distance.min() < 6.0
        assert grid.contains(blob.positions).all()
        nearest, _ = KDTree(blob.positions).query(blob.positions, k=2)
        assert nearest[:, 1].min() >= 1.4
        assert len(blob) == 45
        assert len(joined(atoms, blob)) == len(atoms) + 45


def test_blob_is_dense_in_the_truth(atoms: Atoms) -> None:
    grid = box_around(atoms, 64)
    blob = unknown_blob(atoms, grid, seed=1)
    pair = known_pair(joined(atoms, blob), grid, seed=1, resolution=5.0)
    index = tuple(np.rint(grid.index_from_world(blob.positions)).astype(int).T)
    assert pair.truth.data[index].mean() > 2 * pair.truth.data.std()


def test_what_is_left_out_and_what_is_kept_make_the_whole(model: Structure, atoms: Atoms) -> None:
    part = without_part(model, box_around(atoms, 64))
    assert len(part.kept) + len(part.removed) == len(atoms)
    assert 0.03 * len(atoms) < len(part.removed) < 0.5 * len(atoms)
    both = {tuple(p) for p in np.concatenate([part.kept.positions, part.removed.positions])}
    assert both == {tuple(p) for p in atoms.positions}
