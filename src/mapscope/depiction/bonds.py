"""Which atoms are bonded, by their distance and the sizes of their elements."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import residues_of
from mapscope.structure import Structure

TOLERANCE = 0.45
"""Å that a bond may be longer than the sum of its covalent radii."""

SHORTEST = 0.4
"""Å, below which two atoms are one atom's places."""

LINKS = (("C", "N"), ("O3'", "P"), ("SG", "SG"))
"""Atoms that join residues: peptides, phosphodiesters, disulfides."""


def bonds(
    structure: Structure, selected: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """Pairs of bonded atoms, within residues and through the links between them.

    Two atoms are bonded if their distance is at most the sum of their covalent radii and
    0.45 Å, unless they are in different alternative locations.

    Parameters
    ----------
    structure : Structure
        The model.
    selected : bool array (atoms,), optional
        Both atoms of a bond must be selected; None takes all atoms.

    Returns
    -------
    int array (bonds, 2)
        Indices of atoms, the lower first, in order.

    References
    ----------
    .. [1] B. Cordero et al., Dalton Trans. (2008) 2832-2838.
    """
    from scipy.spatial import cKDTree

    chosen = np.arange(len(structure)) if selected is None else np.flatnonzero(selected)
    if len(chosen) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    radii = _covalent_radii(structure, chosen)
    positions = structure.positions[chosen]
    pairs = cKDTree(positions).query_pairs(2 * radii.max() + TOLERANCE, output_type="ndarray")
    first, second = pairs.T
    distance = np.linalg.norm(positions[first] - positions[second], axis=1)
    near = (distance <= radii[first] + radii[second] + TOLERANCE) & (distance >= SHORTEST)
    found = np.sort(chosen[pairs[near]], axis=1)
    found = found[_may_bond(structure, found)]
    return np.asarray(found[np.lexsort((found[:, 1], found[:, 0]))])


def _covalent_radii(structure: Structure, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Covalent radius of each chosen atom in Å."""
    import gemmi

    names, place = np.unique(structure.elements[chosen], return_inverse=True)
    radii = np.array([gemmi.Element(str(name)).covalent_r for name in names])
    return np.asarray(radii[place])


def _may_bond(structure: Structure, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each pair is in one residue or a link, and present at the same time."""
    a, b = pairs.T
    residues = residues_of(structure)
    alternatives, owners = residues.alternatives, residues.of_atoms
    together = (
        (alternatives[a] == alternatives[b]) | (alternatives[a] == "") | (alternatives[b] == "")
    )
    inside = owners[a] == owners[b]
    names = structure.atom_names
    links = np.zeros(len(pairs), dtype=np.bool_)
    for one, other in LINKS:
        links |= (names[a] == one) & (names[b] == other)
        links |= (names[a] == other) & (names[b] == one)
    # Two hydrogens are never bonded, however near a poor model has them.
    both_light = np.isin(structure.elements[a], ("H", "D"))
    both_light &= np.isin(structure.elements[b], ("H", "D"))
    return np.asarray(together & (inside | links) & ~both_light)
