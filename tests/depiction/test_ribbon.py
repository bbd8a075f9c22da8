"""Helices and strands are found and drawn flat; nucleic acids get rungs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.depiction.conftest import enclosed, is_closed, peptide, structure_of

from mapscope.depiction.residues import residues_of
from mapscope.depiction.ribbon import RibbonShape, ribbons
from mapscope.depiction.secondary import COIL, HELIX, STRAND, Method, secondary_structure
from mapscope.depiction.sticks import sticks
from mapscope.depiction.tube import tubes
from mapscope.errors import InputError
from mapscope.files import read
from mapscope.mesh import Mesh
from mapscope.structure import Structure

METHODS: tuple[Method, ...] = ("hydrogen bonds", "alpha carbons")


@pytest.mark.parametrize("method", METHODS)
def test_helix_when_made_of_ideal_torsions_is_assigned_as_helix(
    helix: Structure, method: Method
) -> None:
    named = secondary_structure(helix, method)
    assert (named[2:-2] == HELIX).all()
    assert named[0] == named[-1] == COIL


def test_strand_when_alone_has_no_partner_and_is_coil() -> None:
    single = structure_of(peptide(10, -139, 135))
    for method in METHODS:
        assert (secondary_structure(single, method) == COIL).all()


def test_strands_when_bonded_antiparallel_are_found_by_their_bonds() -> None:
    """Two ideal strands, the second turned about z by half a turn and set at bonding distance."""
    import gemmi

    first = peptide(9, -139, 135)
    positions = np.array([[a.pos.x, a.pos.y, a.pos.z] for r in first for a in r])
    center = positions.mean(axis=0)
    axis = np.linalg.svd(positions - center)[2][0]
    carbonyl = positions[3 * 4 + 3 + 4] - positions[3 * 4 + 2 + 4]
    side = carbonyl - (carbonyl @ axis) * axis
    side /= np.linalg.norm(side)
    normal = np.cross(axis, side)
    best = 0
    for shift in np.arange(-3.5, 3.5, 0.25):
        second = peptide(9, -139, 135, chain="B")
        for residue in second:
            for one in residue:
                offset = np.array([one.pos.x, one.pos.y, one.pos.z]) - center
                turned = -axis * (offset @ axis) - side * (offset @ side)
                turned = turned + normal * (offset @ normal)
                place = center + turned + 4.9 * side + shift * axis
                one.pos = gemmi.Position(*place)
        named = secondary_structure(structure_of(first, second), "hydrogen bonds")
        best = max(best, int((named == STRAND).sum()))
    assert best >= 8


def test_file_records_when_there_are_none_are_refused(helix: Structure) -> None:
    with pytest.raises(InputError, match="no HELIX or SHEET"):
        secondary_structure(helix, "file")


@pytest.mark.real_data
def test_bonds_when_compared_with_what_depositors_wrote_agree_mostly(data_folder: Path) -> None:
    structure = read(data_folder / "maps" / "xray_3ek3" / "model.cif.gz")
    assert isinstance(structure, Structure)
    protein = residues_of(structure).kinds == "protein"
    mine, theirs = secondary_structure(structure), secondary_structure(structure, "file")
    assert (mine == theirs)[protein].mean() > 0.85
    helix = theirs == HELIX
    assert (mine[helix] == HELIX).mean() > 0.7


def test_ribbons_when_of_a_helix_are_closed_outward_and_as_wide_as_asked(helix: Structure) -> None:
    shape = RibbonShape(helix=(1.6, 0.2))
    picture = ribbons(helix, shape=shape)
    assert is_closed(picture.mesh)
    assert enclosed(picture.mesh) > 0
    middle = helix.positions[helix.is_backbone][9]
    mine = picture.mesh.vertices[picture.residues == 9]
    assert np.linalg.norm(mine - middle, axis=1).min() == pytest.approx(0.2, abs=0.02)
    widest = np.linalg.norm(mine - middle, axis=1).max()
    assert 1.5 < widest < 3.0


def test_ribbons_when_of_a_strand_end_in_an_arrow_wider_than_the_strand() -> None:
    strand = structure_of(peptide(12, -139, 135))
    named = np.array([COIL] * 2 + [STRAND] * 8 + [COIL] * 2)
    plain, arrowed = (ribbons(strand, named, arrows=a).mesh for a in (False, True))
    assert is_closed(arrowed)
    assert enclosed(arrowed) > 0

    def widths(mesh: Mesh) -> Any:
        rings = mesh.vertices[:-2].reshape(-1, 12, 3)
        return np.linalg.norm(rings[:, 0] - rings[:, 6], axis=1)

    assert widths(plain).max() == pytest.approx(2 * 1.15, abs=0.01)
    assert widths(arrowed).max() == pytest.approx(2 * 1.95, abs=0.01)
    base = int(np.argmax(widths(arrowed)))
    head = widths(arrowed)[base : base + 9]
    assert (np.diff(head) < 0).all(), "it narrows to its tip"
    assert widths(arrowed)[base - 1] == pytest.approx(2 * 1.15, abs=0.01), "the base is a step"


@pytest.mark.real_data
def test_ribbons_when_of_dna_have_a_rung_for_each_base(data_folder: Path) -> None:
    structure = read(data_folder / "structures" / "1bna.pdb.gz")
    assert isinstance(structure, Structure)
    picture = ribbons(structure)
    assert is_closed(picture.mesh)
    assert set(picture.residues.tolist()) == set(range(24))
    far = structure.positions[(structure.atom_names == "N1") | (structure.atom_names == "N3")]
    from scipy.spatial import cKDTree

    apart, _ = cKDTree(picture.mesh.vertices).query(far)
    assert (apart < 0.6).sum() >= 24


@pytest.mark.slow
@pytest.mark.real_data
def test_pictures_when_of_eight_thousand_residues_are_drawn_within_two_seconds(
    data_folder: Path,
) -> None:
    structure = read(data_folder / "structures" / "1aon.pdb.gz")
    assert isinstance(structure, Structure)
    for draw in (tubes, ribbons, sticks):
        begun = time.process_time()
        assert not draw(structure).is_empty
        taken = time.process_time() - begun
        print(f"{draw.__name__}: {taken:.2f} s")
        assert taken < 2
