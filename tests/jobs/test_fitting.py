from functools import cache

import gemmi
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mapscope.density.frame import flip_hand
from mapscope.density.pose import Poses
from mapscope.errors import DataError, GridError, InputError
from mapscope.jobs import all_jobs, check_hand, fit_map, fit_structure, simulate_map
from mapscope.record import record_of
from mapscope.scores.helix import ATOMS, ideal_helix
from mapscope.simulate.rigid_body import moved
from mapscope.structure import Structure
from mapscope.testing import check_job
from mapscope.volume import Volume

HELICES = (
    ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 18),
    ([0.0, 10.0, 2.0], [0.3, 0.2, 2.0], 14),
    ([4.0, 3.0, 10.0], [1.4, 0.2, 0.0], 16),
    ([-6.0, -9.0, 3.0], [-0.4, 0.8, 1.0], 12),
    ([3.0, -4.0, -10.0], [0.2, -1.5, 0.4], 13),
    ([-10.0, 6.0, -8.0], [2.8, 0.3, -0.4], 15),
)


@cache
def bundle() -> Structure:
    """A protein of six helices; every second one is chain B."""
    model = gemmi.Model(1)
    for number, (centre, turn, residues) in enumerate(HELICES):
        chain = gemmi.Chain("AB"[number % 2] + str(number))
        places = ideal_helix(residues).positions @ Rotation.from_rotvec(turn).as_matrix().T
        places = (places + np.array(centre) + 20).reshape(residues, len(ATOMS), 3)
        for index, rows in enumerate(places):
            residue = gemmi.Residue()
            residue.name, residue.seqid = "ALA", gemmi.SeqId(str(index + 1))
            for name, (z, y, x) in zip(ATOMS, rows.tolist(), strict=True):
                atom = gemmi.Atom()
                atom.name, atom.element = name, gemmi.Element(name[0])
                atom.pos, atom.b_iso, atom.occ = gemmi.Position(x, y, z), 30.0, 1.0
                residue.add_atom(atom)
            chain.add_residue(residue)
        model.add_chain(chain)
    whole = gemmi.Structure()
    whole.name = "bundle"
    whole.add_model(model)
    whole.setup_entities()
    return Structure.from_gemmi(whole)


@cache
def volume() -> Volume:
    """Its map at 3.5 Å, with noise."""
    clean: Volume = simulate_map(bundle(), resolution=3.5, voxel_size=1.3, padding=6.0)
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    return clean.with_data(clean.data + (0.3 * clean.data.std() * noise).astype(np.float32))


def displaced(degrees: float, shift: float, seed: int = 0) -> Structure:
    """The bundle turned about a random axis and shifted along another."""
    random = np.random.default_rng(seed)
    axis, along = random.standard_normal((2, 3))
    turn = Rotation.from_rotvec(np.deg2rad(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    centre = bundle().positions.mean(axis=0)
    place = centre + shift * along / np.linalg.norm(along)
    return moved(bundle(), Poses(turn[None], place[None]), centre)


def distance(structure: Structure) -> float:
    """Å (root mean square) of atoms from where they belong."""
    return float(np.sqrt(((structure.positions - bundle().positions) ** 2).sum(axis=1).mean()))


@pytest.mark.parametrize("name", ["fit_structure", "fit_map", "check_hand"])
def test_jobs_of_fitting_keep_the_contract(name: str) -> None:
    check_job(all_jobs()[name])


def test_fit_structure_when_the_structure_is_near_puts_it_back() -> None:
    start = displaced(8, 2)
    found = fit_structure(start, volume())
    assert distance(start) > 2
    assert distance(found.moved) < 0.1
    assert found.is_true_fit
    assert found.correlation > 0.6
    assert record_of(found.moved) is not None


def test_fit_structure_when_it_is_far_away_is_put_back_by_the_global_search() -> None:
    start = displaced(150, 80, seed=1)
    found = fit_structure(start, volume(), search="global")
    assert distance(found.moved) < 0.1
    assert found.verdict.startswith("true fit")
    assert found.alternatives["kind"][0] == "best"
    assert (np.diff(found.alternatives["correlation"]) <= 0).all()


def test_fit_structure_when_a_part_is_selected_moves_the_whole() -> None:
    found = fit_structure(displaced(6, 1.5), volume(), selection="A0")
    assert len(found.moved) == len(bundle())
    assert distance(found.moved) < 1.0


def test_fit_structure_when_the_map_shows_something_else_says_no_true_fit() -> None:
    noise = np.random.default_rng(3).standard_normal(volume().shape).astype(np.float32)
    found = fit_structure(bundle(), volume().with_data(noise))
    assert not found.is_true_fit
    assert found.verdict.startswith("no true fit")


def test_fit_structure_when_it_lies_outside_the_map_is_refused_locally() -> None:
    with pytest.raises(GridError, match="outside"):
        fit_structure(displaced(0, 900), volume())


def test_fit_map_when_a_map_was_turned_brings_it_onto_the_other() -> None:
    other = simulate_map(displaced(10, 3), resolution=3.5, voxel_size=1.2, padding=8.0)
    found = fit_map(other, volume())
    assert found.moved.grid.matches(volume().grid)
    assert found.is_true_fit
    truth = simulate_map(bundle(), volume(), resolution=3.5)
    inside = truth.data > truth.data.std()
    assert np.corrcoef(found.moved.data[inside], truth.data[inside])[0, 1] > 0.98


def test_check_hand_by_helices_is_right_for_a_map_and_wrong_for_its_mirror_image() -> None:
    here, there = check_hand(volume()), check_hand(flip_hand(volume(), "y"))
    assert (here.hand, there.hand) == ("right", "wrong")
    assert here.score == pytest.approx(-there.score, rel=0.5)
    assert (here.compared["right"] > here.compared["left"]).mean() > 0.8
    assert "mirror the map" in there.verdict


@pytest.mark.slow
def test_check_hand_by_a_model_is_wrong_for_the_mirror_image_wherever_the_model_is() -> None:
    found = check_hand(flip_hand(volume()), displaced(100, 60))
    assert found.hand == "wrong"
    assert found.score < 0


def test_check_hand_of_noise_cannot_tell() -> None:
    noise = np.random.default_rng(3).standard_normal((40, 40, 40)).astype(np.float32)
    found = check_hand(Volume(noise, (1.2, 1.2, 1.2)))
    assert found.hand == "cannot tell"
    assert found.verdict.startswith("cannot tell")


def test_check_hand_when_voxels_are_too_coarse_is_refused() -> None:
    with pytest.raises(DataError, match="cannot show"):
        check_hand(Volume(np.random.default_rng(0).random((20, 20, 20)), (3.0, 3.0, 3.0)))


@pytest.mark.parametrize("search", ["local", "global"])
def test_fit_structure_when_the_map_is_constant_is_refused(search: str) -> None:
    flat = volume().with_data(np.full(volume().shape, 3.0, dtype=np.float32))
    with pytest.raises(DataError, match="constant"):
        fit_structure(bundle(), flat, search=search)


def test_fit_structure_when_density_is_negative_finds_the_same_place() -> None:
    start = displaced(6, 1.5)
    dark = Volume(-volume().data, volume().voxel_size, volume().origin, contrast=-1)
    here, there = fit_structure(start, volume()), fit_structure(start, dark)
    assert np.allclose(here.moved.positions, there.moved.positions, atol=1e-3)


def test_fit_structure_when_voxels_are_not_cubic_puts_it_back() -> None:
    z, y, x = volume().voxel_size
    flat = Volume(volume().data[:, ::2], (z, 2 * y, x), volume().origin)
    assert distance(fit_structure(displaced(6, 1.5), flat).moved) < 0.2


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 2)])
def test_fit_structure_when_the_map_is_too_small_says_so(shape: tuple[int, ...]) -> None:
    few = np.random.default_rng(0).random(shape, dtype=np.float32)
    part = Volume(few, volume().voxel_size, tuple(bundle().positions.mean(axis=0)))
    assert not fit_structure(bundle(), part).is_true_fit
    with pytest.raises(DataError, match="too small"):
        fit_structure(bundle(), part, search="global")


def test_fit_structure_when_nothing_but_hydrogens_is_there_is_refused() -> None:
    whole = bundle().model.clone()
    for site in whole[0].all():
        site.atom.element = gemmi.Element("H")
    with pytest.raises(InputError, match="hydrogens"):
        fit_structure(Structure.from_gemmi(whole), volume())


def test_fit_structure_when_there_is_one_atom_alone_is_refused() -> None:
    chain, whole = gemmi.Chain("A"), gemmi.Structure()
    residue = bundle().model[0][0][0].clone()
    for number in reversed(range(1, len(residue))):
        del residue[number]
    chain.add_residue(residue)
    whole.add_model(gemmi.Model(1))
    whole[0].add_chain(chain)
    with pytest.raises(DataError, match="too few"):
        fit_structure(Structure.from_gemmi(whole), volume())


def test_fit_structure_when_the_map_holds_half_of_it_says_what_it_can() -> None:
    half = volume().data[: volume().shape[0] // 2]
    found = fit_structure(bundle(), Volume(half, volume().voxel_size, volume().origin))
    assert distance(found.moved) < 5
    assert found.correlation > 0.2
