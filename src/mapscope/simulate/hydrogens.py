"""Where the nucleus and the electron of a bound hydrogen are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.simulate.atoms import Atoms

Floats = npt.NDArray[np.float64]

BOND_LENGTHS = {"C": (1.09, 0.97), "N": (1.01, 0.86), "O": (0.97, 0.84), "S": (1.34, 1.20)}
"""Å from the bound atom to the nucleus, as neutrons see it, and to the electrons, as X-rays do."""

_LONGEST_BOND = 1.6


def nuclei_and_clouds(atoms: Atoms) -> tuple[Floats, Floats]:
    """Positions of nuclei and of electron clouds of all hydrogens, each (n, 3) in Å.

    A file holds one position, which may be either, so that only its direction from the nearest
    heavier atom counts; the lengths are those of `BOND_LENGTHS`. Where no such atom is within
    1.6 Å, or it is another element, both stay where the file has them.

    Parameters
    ----------
    atoms : Atoms
        All atoms, the heavier ones among them.

    References
    ----------
    Allen & Bruno (2010) Acta Cryst. B66, 380 (nuclei); the shorter lengths are those to which
    X-ray refinement restrains hydrogens.
    """
    from scipy.spatial import KDTree

    places = atoms.positions[atoms.is_hydrogen]
    nuclei, clouds = places.copy(), places.copy()
    heavy = np.flatnonzero(~atoms.is_hydrogen)
    if len(heavy) == 0 or len(places) == 0:
        return nuclei, clouds
    tree = KDTree(atoms.positions[heavy])
    length, nearest = tree.query(places, distance_upper_bound=_LONGEST_BOND)
    is_bound = np.isfinite(length) & (length > 0)
    parents = heavy[np.where(is_bound, nearest, 0)]
    for element, lengths in BOND_LENGTHS.items():
        own = is_bound & (atoms.elements[parents] == element)
        parent = atoms.positions[parents[own]]
        along = (places[own] - parent) / length[own, None]
        nuclei[own], clouds[own] = (parent + along * long for long in lengths)
    return nuclei, clouds
