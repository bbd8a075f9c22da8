"""A window is the simulated map there, and its targets are what the structure has there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from mapscope import read
from mapscope.errors import GridError, InputError
from mapscope.jobs import simulate_map
from mapscope.simulate.form_factors import Radiation
from mapscope.structure import Structure
from mapscope.training.classes import CLASSES, IGNORE
from mapscope.training.entry import CorpusEntry, entry_from_structure
from mapscope.training.windows import (
    Window,
    WindowParameters,
    WindowRanges,
    make_window,
    positions_in_window,
    sample_window,
)
from mapscope.volume import Volume

SMALL = WindowParameters("bundle", residue=20, size=32, voxel_size=1.2, resolution=4.0)
QUARTER = ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
"""A quarter of a turn in the plane of z and y."""


def turned(data: torch.Tensor) -> Any:
    """A cube turned as `QUARTER` turns positions about its middle."""
    return np.asarray(np.rot90(data.numpy(), axes=(0, 1)))


def simulated(entry: CorpusEntry, window: Window) -> Volume:
    """What the job makes of the same atoms on the same voxels."""
    p = window.parameters
    structure = replace(entry.structure(), positions=positions_in_window(entry, p))
    grid = Volume(np.zeros((p.size,) * 3, np.float32), (p.voxel_size,) * 3)
    made = simulate_map(structure, grid, kernel=p.radiation, resolution=p.resolution)
    assert isinstance(made, Volume)
    return made


@pytest.mark.parametrize("radiation", ["electrons", "x_rays"])
@pytest.mark.parametrize(("voxel_size", "resolution"), [(1.0, 2.5), (1.0, 3.0), (1.5, 6.0)])
def test_density_is_that_of_simulate_map_on_the_same_box(
    bundle_entry: CorpusEntry, radiation: Radiation, voxel_size: float, resolution: float
) -> None:
    drawn = sample_window(0, 5, [["bundle"]], WindowRanges(size=32, shift=4.0))
    parameters = replace(
        drawn,
        radiation=radiation,
        voxel_size=voxel_size,
        resolution=resolution,
    )
    window = make_window(bundle_entry, parameters)
    expected = simulated(bundle_entry, window).float32()
    error = window.density.numpy() - expected
    assert expected.std() > 0
    assert np.sqrt((error**2).mean()) < 0.015 * expected.std()


def test_labels_at_the_atoms_are_their_residues(bundle_entry: CorpusEntry) -> None:
    window = make_window(bundle_entry, SMALL)
    index = np.rint(positions_in_window(bundle_entry, SMALL) / SMALL.voxel_size).astype(int)
    inside = ((index >= 0) & (index < SMALL.size)).all(axis=1)
    z, y, x = index[inside].T
    residues = bundle_entry.residue_of_atom[inside]
    found = window.targets.instance[z, y, x].numpy() - 1
    # The nearest voxel of an atom may be nearer to another one.
    assert (found == residues).mean() > 0.9
    classes = window.targets.residue_class[z, y, x].numpy()
    assert (classes == bundle_entry.residue_classes[found]).all()
    assert window.targets.mask[z, y, x].all()
    named = [CLASSES[c] for c in window.targets.backbone_class.tolist()]
    numbers = window.targets.backbone_instance.numpy() - 1
    assert named == bundle_entry.residue_names[numbers].tolist()
    is_alpha = (bundle_entry.atom_names == "CA") & inside
    np.testing.assert_array_equal(numbers, bundle_entry.residue_of_atom[is_alpha])


@pytest.mark.parametrize(("voxel_size", "radius"), [(1.0, 2.0), (1.5, 1.2), (0.7, 3.3)])
def test_targets_are_those_of_a_search_for_the_nearest_atom(
    bundle_entry: CorpusEntry, voxel_size: float, radius: float
) -> None:
    parameters = replace(SMALL, size=24, voxel_size=voxel_size)
    targets = make_window(bundle_entry, parameters, radius=radius).targets
    positions = positions_in_window(bundle_entry, parameters)
    grid = np.stack(np.meshgrid(*[np.arange(24) * voxel_size] * 3, indexing="ij"), axis=-1)
    distance, atom = cKDTree(positions).query(grid, distance_upper_bound=radius)
    residue = np.append(bundle_entry.residue_of_atom + 1, 0)[atom]
    np.testing.assert_allclose(targets.distance, np.minimum(distance, radius), atol=2e-3)
    clear = np.abs(distance - radius) > 1e-3
    assert (targets.instance.numpy() == residue)[clear].mean() > 0.9999
    assert ((targets.residue_class != 0).numpy() == (residue > 0))[clear].all()


def test_sample_is_a_pure_function_of_seed_and_step(bundle_entry: CorpusEntry) -> None:
    groups = [["bundle"], ["bundle", "bundle"]]
    ranges = WindowRanges(size=24, voxel_size=(0.9, 1.1), resolution=(3.0, 5.0))
    one, again = (sample_window(7, 3, groups, ranges) for _ in range(2))
    assert one == again
    assert one != sample_window(7, 4, groups, ranges) != sample_window(8, 3, groups, ranges)
    first, second = (make_window(bundle_entry, one) for _ in range(2))
    assert torch.equal(first.density, second.density)
    assert torch.equal(first.targets.instance, second.targets.instance)


def test_rotations_are_proper_and_uniform() -> None:
    drawn = [np.array(sample_window(0, step, [["a"]]).rotation) for step in range(400)]
    for rotation in drawn:
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
    assert np.abs(np.mean(drawn, axis=0)).max() < 0.1
    squares = np.mean(np.square(drawn), axis=0)
    np.testing.assert_allclose(squares, 1 / 3, atol=0.06)


def test_turned_sample_is_the_turned_truth(bundle_entry: CorpusEntry) -> None:
    upright = make_window(bundle_entry, SMALL)
    quarter = make_window(bundle_entry, replace(SMALL, rotation=QUARTER))
    scale = float(upright.density.std())
    np.testing.assert_allclose(quarter.density, turned(upright.density), atol=0.02 * scale)
    same = quarter.targets.residue_class.numpy() == turned(upright.targets.residue_class)
    assert same.mean() > 0.999
    np.testing.assert_allclose(
        quarter.targets.distance, turned(upright.targets.distance), atol=2e-3
    )


def test_shift_moves_the_residue_off_the_middle(bundle_entry: CorpusEntry) -> None:
    shift = (3.0, -4.0, 5.0)
    moved = positions_in_window(bundle_entry, replace(SMALL, shift=shift))
    np.testing.assert_allclose(
        moved - positions_in_window(bundle_entry, SMALL), [shift] * len(moved)
    )
    own = moved[bundle_entry.residue_of_atom == 20].mean(axis=0)
    np.testing.assert_allclose(own, 15.5 * 1.2 + np.array(shift))


def test_groups_come_equally_often_whatever_their_size() -> None:
    groups: Sequence[Sequence[str]] = [["a"], [f"b{n}" for n in range(50)]]
    drawn = [sample_window(0, step, groups).entry for step in range(400)]
    assert 150 < drawn.count("a") < 250
    assert len(set(drawn)) > 45
    with pytest.raises(InputError, match="no entries"):
        sample_window(0, 0, [])


def test_ligands_and_unknown_residues_are_ignored_and_absent_atoms_are_not_there(
    bundle_entry: CorpusEntry,
) -> None:
    names = bundle_entry.residue_names.astype("U3")
    names[20], names[21] = "UNK", "HEM"
    odd = replace(bundle_entry, residue_names=names)
    targets = make_window(odd, replace(SMALL, residue=19)).targets
    ignored = targets.residue_class == IGNORE
    assert set(targets.instance[ignored].tolist()) == {0, 21}
    assert (targets.instance[targets.residue_class == 0] == 0).all()
    occupancies = bundle_entry.occupancies.copy()
    occupancies[bundle_entry.residue_of_atom == 20] = 0
    absent = make_window(replace(bundle_entry, occupancies=occupancies), SMALL).targets
    assert 21 not in absent.instance
    assert 21 not in absent.backbone_instance


def test_window_far_from_every_atom_is_empty(bundle_entry: CorpusEntry) -> None:
    window = make_window(bundle_entry, replace(SMALL, shift=(500.0, 0.0, 0.0)))
    assert not window.density.any()
    assert not window.targets.residue_class.any()
    assert len(window.targets.backbone) == 0
    assert (window.targets.distance == 2.0).all()


def test_window_when_voxels_are_too_coarse_or_the_entry_is_another_is_refused(
    bundle_entry: CorpusEntry,
) -> None:
    with pytest.raises(GridError, match="too coarse"):
        make_window(bundle_entry, replace(SMALL, voxel_size=2.0, resolution=3.0))
    with pytest.raises(InputError, match="is of other, not of bundle"):
        make_window(bundle_entry, replace(SMALL, entry="other"))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["maps/emd20026_3ajo/model.pdb.gz", "reflections/1hr2_rna"])
def test_density_of_real_structures_is_that_of_simulate_map(data_folder: Path, name: str) -> None:
    path = data_folder / name
    path = next(path.glob("model*")) if path.is_dir() else path
    structure = read(path)
    assert isinstance(structure, Structure)
    entry = entry_from_structure(structure, "real")
    parameters = WindowParameters("real", residue=60, size=48, resolution=3.0)
    window = make_window(entry, parameters)
    expected = simulated(entry, window).float32()
    error = window.density.numpy() - expected
    assert np.sqrt((error**2).mean()) < 0.015 * expected.std()
    assert {1, 21} & set(window.targets.residue_class.flatten().tolist())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_window_on_an_accelerator_is_that_on_the_processor(bundle_entry: CorpusEntry) -> None:
    here, there = make_window(bundle_entry, SMALL), make_window(bundle_entry, SMALL, device="cuda")
    scale = float(here.density.std())
    torch.testing.assert_close(there.density.cpu(), here.density, atol=1e-3 * scale, rtol=0)
    assert (there.targets.residue_class.cpu() == here.targets.residue_class).float().mean() > 0.999
