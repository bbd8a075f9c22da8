"""Small made-up chains: a helix, a strand pair, and whatever a text in PDB format holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope.mesh import Mesh
from mapscope.structure import Structure

HELIX_PHI_PSI = (-57.8, -47.0)
STRAND_PHI_PSI = (-139.0, 135.0)


def place(three: Any, length: float, angle: float, torsion: float) -> Any:
    """The atom that continues three of a chain (x, y, z) with these internal coordinates."""
    a, b, c = three
    angle, torsion = np.radians(angle), np.radians(torsion)
    along = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, along)
    normal /= np.linalg.norm(normal)
    side = np.cross(normal, along)
    return c + length * (
        -np.cos(angle) * along + np.sin(angle) * (np.cos(torsion) * side + np.sin(torsion) * normal)
    )


def peptide(count: int, phi: float, psi: float, chain: str = "A", first: int = 1) -> gemmi.Chain:
    """A poly-alanine backbone, with ideal bonds and one pair of torsions."""
    atoms = [np.array((0.0, 0, 0)), np.array((1.458, 0, 0)), np.array((2.0, 1.42, 0))]
    while len(atoms) < 3 * count + 1:
        for length, angle, torsion in ((1.329, 116.2, psi), (1.458, 121.7, 180), (1.525, 111, phi)):
            atoms.append(place(atoms[-3:], length, angle, torsion))
    made = gemmi.Chain(chain)
    for k in range(count):
        n, ca, c = atoms[3 * k : 3 * k + 3]
        oxygen = place((n, ca, c), 1.231, 120.5, psi + 180)
        residue = gemmi.Residue()
        residue.name, residue.seqid = "ALA", gemmi.SeqId(first + k, " ")
        for name, position in (("N", n), ("CA", ca), ("C", c), ("O", oxygen)):
            residue.add_atom(atom(name, name[0], position))
        made.add_residue(residue)
    return made


def atom(name: str, element: str, xyz: Any, altloc: str = "\0") -> gemmi.Atom:
    """An atom at x, y, z."""
    made = gemmi.Atom()
    made.name, made.element, made.altloc = name, gemmi.Element(element), altloc
    made.pos = gemmi.Position(*map(float, xyz))
    made.b_iso, made.occ = 20.0, 1.0
    return made


def structure_of(*chains: gemmi.Chain) -> Structure:
    """A structure of these chains."""
    model, whole = gemmi.Model(1), gemmi.Structure()
    for chain in chains:
        model.add_chain(chain)
    whole.add_model(model)
    return Structure.from_gemmi(whole)


@pytest.fixture
def helix() -> Structure:
    """Eighteen residues of an α-helix."""
    return structure_of(peptide(18, *HELIX_PHI_PSI))


@pytest.fixture
def from_pdb() -> Callable[[str], Structure]:
    """A function that reads text in PDB format."""
    return lambda text: Structure.from_gemmi(gemmi.read_pdb_string(text))


def is_closed(mesh: Mesh) -> bool:
    """Whether every edge belongs to two triangles, which pass it in opposite senses."""
    pairs = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    there, back = pairs.tolist(), pairs[:, ::-1].tolist()
    return len(set(map(tuple, there))) == len(there) and sorted(there) == sorted(back)


def enclosed(mesh: Mesh) -> float:
    """Signed volume in Å³, positive where corners run counter-clockwise in x, y, z."""
    corners = mesh.vertices[:, ::-1].astype(float)[mesh.faces]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)
