"""The true lists of SHREC'19, scored in occupancies that are built again from their shapes."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.files import read
from mapscope.labels import Labels
from mapscope.particles import TOMOGRAM, Particles
from mapscope.picking.filtering import rows_of
from mapscope.scores.picks.evaluation import Evaluation, by_occupancy
from mapscope.scores.picks.localisation import localisation
from mapscope.scores.picks.occupancy_rule import SHREC_2020_SHIFT

pytestmark = pytest.mark.real_data

VOXEL, SHAPE = 10.0, (200, 512, 512)
CLASSES = (
    *("1bxn", "1qvr", "1s3x", "1u6g", "2cg9", "3cf3"),
    *("3d2f", "3gl1", "3h84", "3qm1", "4b4t", "4d8q"),
)
"""Species of the lists' class numbers from 1 on."""
HOLLOW = "4d8q"
ONE, ALL_BUT_ONE = "object_list_valid", "object_list_train"
"""Lists of one tomogram, and of the other nine (tomogram 0 has a list of its own, too)."""

Indices = npt.NDArray[np.int64]


def true_list(folder: Path, scratch: Path, name: str) -> Particles:
    """The particles of a list, with the names of their species."""
    path = scratch / f"{name}.xml"
    path.write_bytes(gzip.decompress((folder / f"tomography/shrec19/{name}.xml.gz").read_bytes()))
    listed = read(path, voxel_size=VOXEL)
    assert isinstance(listed, Particles)
    assert listed.species is not None
    return replace(listed, species=tuple(CLASSES[int(n) - 1] for n in listed.species))


@cache
def shape_of(folder: Path, name: str, *, filled: bool) -> Indices:
    """Voxels of a species about its centre, voxel 20; `filled`: without cavities."""
    from scipy.ndimage import binary_closing, binary_fill_holes, generate_binary_structure

    path = folder / f"tomography/masks_10A_deepfinder/{name}.mrc.gz"
    shape = np.asarray(read(path, permissive=True).data) > 0.5
    if filled:
        ball = generate_binary_structure(3, 1)
        shape = binary_fill_holes(binary_closing(shape, ball, iterations=6))
    return np.argwhere(shape).astype(np.int64) - 20


def occupancy_of(folder: Path, truth: Particles, *, filled: bool) -> Labels:
    """Number of the particle in each voxel; where two shapes meet, of the nearer centre."""
    numbers = np.zeros(SHAPE, np.int16)
    nearest = np.full(SHAPE, np.inf, np.float32)
    assert truth.rotations is not None
    assert truth.species is not None
    centres = np.rint(truth.positions / VOXEL).astype(np.int64)
    rows = zip(truth.species, truth.rotations, centres, strict=True)
    for number, (name, rotation, centre) in enumerate(rows, start=1):
        shape = shape_of(folder, name, filled=filled and name == HOLLOW)
        turned = np.rint(shape @ rotation.T).astype(np.int64)
        at = centre + turned
        inside = ((at >= 0) & (at < SHAPE)).all(axis=1)
        z, y, x = at[inside].T
        away = np.linalg.norm(turned[inside], axis=1).astype(np.float32)
        is_nearer = away < nearest[z, y, x]
        z, y, x = z[is_nearer], y[is_nearer], x[is_nearer]
        numbers[z, y, x], nearest[z, y, x] = number, away[is_nearer]
    return Labels(numbers, (VOXEL,) * 3)


@pytest.fixture(scope="module")
def scene(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Particles, Labels]:
    """The true list of a tomogram and the occupancy built from it."""
    truth = true_list(data_folder, tmp_path_factory.mktemp("lists"), ONE)
    return truth, occupancy_of(data_folder, truth, filled=True)


def scored(picks: Particles, scene: tuple[Particles, Labels], shift: int = 0) -> Evaluation:
    """Picks in the order of their list."""
    return by_occupancy(picks, *scene, shift=shift, order="list")


def test_the_true_list_scores_one_in_every_respect(scene: tuple[Particles, Labels]) -> None:
    truth, _ = scene
    evaluation = scored(truth, scene)
    found = localisation(evaluation.matches)
    assert found.found == found.reported == len(truth) > 2000
    assert (found.precision, found.recall, found.f1, found.miss_rate) == (1.0, 1.0, 1.0, 0.0)
    assert (found.false_picks, found.multiple, found.outside) == (0, 0, 0)
    assert found.distance == pytest.approx(0, abs=1e-9)
    table = evaluation.confusion
    assert table.species == CLASSES
    assert table.f1.tolist() == table.strict_f1.tolist() == [1.0] * 12


def test_lists_of_shrec20_score_one_from_either_first_slice(
    scene: tuple[Particles, Labels],
) -> None:
    truth, _ = scene
    below = np.array([SHREC_2020_SHIFT * VOXEL, 0, 0])
    raised = replace(truth, positions=truth.positions + below)
    for picks in (truth, raised):
        evaluation = scored(picks, scene, SHREC_2020_SHIFT)
        assert localisation(evaluation.matches).f1 == 1.0


def test_what_is_done_to_the_list_shows_in_its_scores(scene: tuple[Particles, Labels]) -> None:
    from scipy.ndimage import maximum_filter

    truth, _ = scene
    count = len(truth)
    kept, doubled, false = 1500, 300, 200
    rows = np.concatenate([np.arange(kept), np.arange(doubled)])
    # Places in the first slice with nothing within two voxels.
    crowded = maximum_filter(np.asarray(scene[1].data)[:3].max(axis=0), 5)
    empty = np.argwhere(crowded == 0)[::100][:false]
    places = np.concatenate([truth.positions[rows], np.insert(empty, 0, 0, axis=1) * VOXEL])
    assert truth.species is not None
    species = [truth.species[n] for n in rows.tolist()] + ["1bxn"] * false
    species[: kept // 2] = [CLASSES[(CLASSES.index(s) + 1) % 12] for s in species[: kept // 2]]
    evaluation = scored(Particles(places, None, tuple(species)), scene)
    found = localisation(evaluation.matches)
    assert (found.found, found.multiple) == (kept, doubled)
    assert found.false_picks == false
    assert found.precision == pytest.approx(kept / (kept + doubled + false))
    assert found.recall == pytest.approx(kept / count)
    assert evaluation.confusion.right.sum() == kept - kept // 2
    assert evaluation.confusion.counts[:, -1].sum() == count - kept


def test_the_centre_of_a_hollow_particle_is_missed_where_its_cavity_is_empty(
    data_folder: Path, tmp_path: Path
) -> None:
    truth = true_list(data_folder, tmp_path, ONE)
    occupancy = occupancy_of(data_folder, truth, filled=False)
    evaluation = scored(truth, (truth, occupancy))
    table = evaluation.confusion
    hollow = CLASSES.index(HOLLOW)
    others = np.arange(12) != hollow
    assert table.f1[others].tolist() == [1.0] * 11
    missed = int(table.counts[hollow, -1])
    assert missed > 0
    found = localisation(evaluation.matches)
    assert found.recall == found.precision == pytest.approx(1 - missed / len(truth))


@pytest.mark.slow
def test_the_true_lists_of_all_other_tomograms_score_one(data_folder: Path, tmp_path: Path) -> None:
    everything = true_list(data_folder, tmp_path, ALL_BUT_ONE)
    tomograms = np.asarray(everything.columns[TOMOGRAM], dtype=str)
    assert len(set(tomograms.tolist())) == 9
    for name in sorted(set(tomograms.tolist())):
        truth = rows_of(everything, tomograms == name)
        occupancy = occupancy_of(data_folder, truth, filled=True)
        evaluation = scored(truth, (truth, occupancy))
        assert localisation(evaluation.matches).f1 == 1.0
        assert evaluation.confusion.strict_f1.tolist() == [1.0] * 12
