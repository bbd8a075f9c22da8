from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import center_of_mass
from scipy.spatial.transform import Rotation

from mapscope.errors import InputError
from mapscope.simulate.tomogram.species import (
    BODY,
    PER_KDA,
    Species,
    species_of_map,
    species_of_structure,
)
from mapscope.structure import Structure
from mapscope.volume import Volume

VOXEL = 10.0


def test_species_when_its_density_is_added_up_has_the_potential_of_its_mass(
    species: Species, lobes: Structure
) -> None:
    # 2200 carbons; hydrogens that the file leaves out are 7.5 % of a protein's heavy atoms.
    mass = 2200 * 12.011 / 1e3 * 1.075
    assert species.kda == pytest.approx(mass, rel=1e-4)
    total = species.density.data.sum(dtype=float) * (VOXEL / 2) ** 3
    assert total == pytest.approx(mass * PER_KDA, rel=1e-4)
    coarse = species.template()
    assert coarse.data.sum(dtype=float) * VOXEL**3 == pytest.approx(mass * PER_KDA, rel=2e-3)


def test_species_when_placed_without_turning_has_its_mass_in_the_middle_voxel(
    species: Species,
) -> None:
    for volume in (species.density, species.template()):
        middle = np.array(center_of_mass(volume.data)) - np.array(volume.shape) // 2
        assert np.abs(middle).max() < 0.05


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_species_when_turned_is_the_density_of_its_turned_atoms(
    species: Species, lobes: Structure, seed: int
) -> None:
    rotation = Rotation.random(random_state=seed).as_matrix()
    moved = replace(lobes, positions=lobes.positions @ rotation.T)
    expected = species_of_structure(moved, "moved", VOXEL).turned(np.eye(3))
    turned = species.turned(rotation)
    edge = min(len(turned), len(expected))
    ours, theirs = (a[_middle(len(a), edge)] for a in (turned, expected))
    assert np.sqrt(((ours - theirs) ** 2).mean()) < 0.01 * theirs.std()
    mirrored = species.turned(rotation.T)
    if len(mirrored) == len(turned):
        assert np.corrcoef(mirrored.ravel(), turned.ravel())[0, 1] < 0.9


def _middle(size: int, edge: int) -> tuple[slice, ...]:
    """The middle voxels of a cube."""
    start = size // 2 - edge // 2
    return (slice(start, start + edge),) * 3


def test_species_when_set_between_voxels_moves_by_that_much(species: Species) -> None:
    offset = np.array([0.4, -0.3, 0.25])
    turned = species.turned(np.eye(3), offset)
    middle = np.array(center_of_mass(turned)) - len(turned) // 2
    np.testing.assert_allclose(middle, offset, atol=0.03)


def test_species_when_water_is_in_the_file_leaves_it_out(
    structure_of: Callable[..., Structure],
) -> None:
    dry = structure_of([("C", 0, 0, 0, 20.0, 1.0), ("C", 3, 0, 0, 20.0, 1.0)])
    wet = structure_of([("C", 0, 0, 0, 20.0, 1.0), ("C", 3, 0, 0, 20.0, 1.0)])
    extra = wet.model.clone()
    residue = extra[0][0][1].clone()
    residue.name, residue.seqid.num = "HOH", 9
    residue[0].pos.x = 200.0
    extra[0][0].add_residue(residue)
    wet = Structure.from_gemmi(extra)
    assert len(wet) == 3
    ours, theirs = (species_of_structure(s, "x", VOXEL) for s in (wet, dry))
    assert ours.kda == theirs.kda
    np.testing.assert_array_equal(ours.density.data, theirs.density.data)


def test_species_of_a_map_when_the_map_is_that_of_a_species_is_the_same(
    species: Species,
) -> None:
    volume = species.density
    scaled = Volume(np.asarray(volume.data) * 80, volume.voxel_size)
    again = species_of_map(scaled, "again", VOXEL, kda=species.kda)
    a, b = again.template().data, species.template().data
    edge = min(len(a), len(b))
    a, b = a[_middle(len(a), edge)], b[_middle(len(b), edge)]
    # It is cut at half its limit once more.
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.995
    assert a.sum() == pytest.approx(b.sum(), rel=0.02)


def test_species_of_a_map_when_two_bodies_lie_apart_takes_the_larger() -> None:
    z, y, x = np.indices((40, 40, 60))
    data = np.zeros((40, 40, 60), dtype=np.float32)
    data[(z - 20) ** 2 + (y - 20) ** 2 + (x - 15) ** 2 < 49] = 3.0
    data[(z - 20) ** 2 + (y - 20) ** 2 + (x - 45) ** 2 < 36] = 3.0
    found = species_of_map(Volume(data, (10.0,) * 3), "one", VOXEL, kda=300.0)
    volume = (found.template().data > 0.5 * found.template().data.max()).sum()
    assert volume == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.15)
    assert found.radius < 120


def test_species_of_a_map_when_it_has_no_mass_is_refused() -> None:
    volume = Volume(np.ones((8, 8, 8), dtype=np.float32), (10.0,) * 3)
    with pytest.raises(InputError, match="mass above 0"):
        species_of_map(volume, "x", VOXEL, kda=0.0)


def test_body_when_the_particle_is_hollow_has_its_cavity_in_it(hollow: Species) -> None:
    offset = (0.3, -0.2, 0.4)
    density = hollow.turned(np.eye(3), offset)
    middle = (len(density) // 2,) * 3
    assert density[middle] < BODY
    body = hollow.body(density, offset)
    assert body[middle]
    away = np.sqrt(((np.indices(density.shape).T - np.array(middle) - offset) ** 2).sum(-1)).T
    assert body[away < 3].all()
    assert body[away < 5.5].mean() > 0.95
    assert not body[away > 9].any()


def test_body_when_the_particle_is_solid_is_where_it_is_dense(species: Species) -> None:
    density = species.turned(np.eye(3))
    np.testing.assert_array_equal(species.body(density), density > BODY)


def test_body_when_the_particle_is_too_faint_for_one_is_its_middle_voxel(
    structure_of: Callable[..., Structure],
) -> None:
    faint = species_of_structure(structure_of([("C", 0, 0, 0, 20.0, 1.0)]), "atom", VOXEL)
    for offset in ((0.0, 0.0, 0.0), (0.5, -0.5, 0.5)):
        density = faint.turned(np.eye(3), offset)
        assert density.max() < BODY
        assert faint.body(density, offset)[(len(density) // 2,) * 3]
