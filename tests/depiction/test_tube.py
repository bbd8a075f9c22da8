"""Tubes pass through their points, are round, closed, and never twist or bridge a gap."""

from __future__ import annotations

import numpy as np
import pytest
from tests.depiction.conftest import atom, enclosed, is_closed, peptide, structure_of

from mapscope.depiction.backbone import stretches
from mapscope.depiction.curve import curve, transported_normals
from mapscope.depiction.tube import tube, tubes
from mapscope.structure import Structure

STRAIGHT = np.arange(6)[:, None] * np.array([0.0, 0.0, 3.8])


def test_curve_when_drawn_through_points_passes_through_each_of_them() -> None:
    points = np.random.default_rng(1).normal(size=(9, 3)) * 5
    positions, tangents = curve(points, 7)
    assert np.array_equal(positions[::7], points)
    assert np.allclose(np.linalg.norm(tangents, axis=1), 1)
    steps = np.diff(positions, axis=0)
    assert np.linalg.norm(steps, axis=1).max() < 12


def test_normals_when_carried_along_a_curve_stay_perpendicular_and_never_flip() -> None:
    points = np.random.default_rng(2).normal(size=(60, 3)).cumsum(axis=0) * 3
    _, tangents = curve(points, 8)
    normals = transported_normals(tangents)
    assert np.abs((normals * tangents).sum(axis=1)).max() < 1e-9
    turn = np.arccos(np.clip((normals[1:] * normals[:-1]).sum(axis=1), -1, 1))
    bend = np.arccos(np.clip((tangents[1:] * tangents[:-1]).sum(axis=1), -1, 1))
    assert (turn <= bend + 1e-6).all()


def test_normals_when_the_curve_is_flat_stay_in_or_across_its_plane() -> None:
    angle = np.linspace(0, np.pi, 15)
    points = 10 * np.stack([np.zeros(15), np.sin(angle), np.cos(angle)], axis=1)
    _, tangents = curve(points, 4)
    normals = transported_normals(tangents)
    assert np.allclose(np.abs(normals[:, 0]), np.abs(normals[0, 0]), atol=1e-6)


def test_tube_when_straight_has_its_radius_and_the_volume_of_a_rounded_rod() -> None:
    picture = tube(STRAIGHT, np.arange(6), 1.5, steps=4, corners=64)
    inner = np.abs(picture.mesh.vertices[:, 2] - 9.5) < 9.4
    radii = np.linalg.norm(picture.mesh.vertices[inner, :2], axis=1)
    assert np.allclose(radii, 1.5, atol=1e-5)
    wanted = np.pi * 1.5**2 * 19 + 4 / 3 * np.pi * 1.5**3
    assert enclosed(picture.mesh) == pytest.approx(wanted, rel=0.03)


def test_tube_when_made_of_a_helix_is_closed_faces_outward_and_holds_every_alpha_carbon(
    helix: Structure,
) -> None:
    picture = tubes(helix, 0.7)
    assert is_closed(picture.mesh)
    assert enclosed(picture.mesh) > 0
    for residue, position in enumerate(helix.positions[helix.is_backbone]):
        mine = picture.mesh.vertices[picture.residues == residue]
        away = np.linalg.norm(mine - position, axis=1)
        assert (np.abs(away - 0.7) < 1e-5).sum() >= 10, "a whole ring lies around it"
        assert away.min() > 0.6


def test_tube_when_a_loop_is_missing_does_not_bridge_it(helix: Structure) -> None:
    chain = peptide(12, -57.8, -47)
    for _ in range(3):
        del chain[5]
    found = stretches(structure_of(chain))
    assert [len(s) for s in found] == [5, 4]
    xs = tubes(structure_of(chain)).mesh
    assert len(xs.vertices) < len(tubes(helix).mesh.vertices)


def test_stretches_when_two_chains_touch_keep_them_apart() -> None:
    first, second = peptide(4, -57.8, -47), peptide(4, -57.8, -47, chain="B")
    assert [s.residues.tolist() for s in stretches(structure_of(first, second))] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
    ]


def test_stretches_when_there_are_alternative_places_and_kinds_trace_the_first_once() -> None:
    chain = peptide(5, -57.8, -47)
    extra = atom("CA", "C", (90, 90, 90), "B")
    chain[1][1].altloc = "A"
    chain[1].add_atom(extra)
    whole = structure_of(chain)
    (found,) = stretches(whole)
    assert len(found) == 5
    assert np.linalg.norm(found.points[1] - found.points[0]) == pytest.approx(3.8, abs=0.1)


def test_stretches_when_only_alpha_carbons_are_there_join_neighbours_and_break_at_gaps() -> None:
    chain = peptide(10, -139, 135)
    for residue in chain:
        for name in ("N", "C", "O"):
            del residue[[a.name for a in residue].index(name)]
    del chain[4]
    assert [len(s) for s in stretches(structure_of(chain))] == [4, 5]


def test_tubes_when_there_is_no_polymer_are_an_empty_mesh() -> None:
    import gemmi

    chain, water = gemmi.Chain("W"), gemmi.Residue()
    water.name, water.seqid = "HOH", gemmi.SeqId(1, " ")
    water.add_atom(atom("O", "O", (0, 0, 0)))
    chain.add_residue(water)
    assert tubes(structure_of(chain)).is_empty
