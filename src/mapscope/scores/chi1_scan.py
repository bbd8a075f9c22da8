"""Density around the side chains of a model, at every χ1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import ResidueList, residues_of
from mapscope.scores.sampling import density_at
from mapscope.structure import Structure
from mapscope.volume import Volume

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

GAMMA_ATOMS = {
    **dict.fromkeys(
        ("ARG", "ASN", "ASP", "GLN", "GLU", "HIS", "LEU", "LYS", "MET", "PHE", "TRP", "TYR"), "CG"
    ),
    "CYS": "SG",
    "SER": "OG",
}
"""Residues that are scanned, with the atom that χ1 turns: those with one atom at γ."""

STEP = 5
ANGLES: Floats = np.arange(STEP, 360 + STEP, STEP, dtype=np.float64)
"""χ1 of each sample in degrees: 5 to 360."""


@dataclass(frozen=True, eq=False)
class Chi1Scan:
    """Density along the circle on which χ1 moves the γ atom of each scanned residue.

    Parameters
    ----------
    residues : int64 array (n,)
        Index of each scanned residue in the structure's residues.
    density : float64 array (n, 72)
        Density at `ANGLES`.
    angles : float64 array (n,)
        χ1 of the model, 0 to 360 degrees.
    without_side_chain : int
        Residues of a kind that is scanned which lack N, CA, CB or the γ atom.
    outside : int
        Residues left out because their circle leaves the map.
    """

    residues: npt.NDArray[np.int64]
    density: Floats
    angles: Floats
    without_side_chain: int
    outside: int

    def __len__(self) -> int:
        return len(self.residues)

    @property
    def peaks(self) -> Floats:
        """Highest density of each residue (n,)."""
        return np.asarray(self.density.max(axis=1))

    @property
    def peak_angles(self) -> Floats:
        """χ1 in degrees at which it is highest (n,), the first of several; NaN where it is flat."""
        is_flat = np.ptp(self.density, axis=1) == 0
        return np.where(is_flat, np.nan, ANGLES[self.density.argmax(axis=1)])


def scan_chi1(structure: Structure, volume: Volume, chosen: Mask | None = None) -> Chi1Scan:
    """Density where the γ atom of each side chain would be at every χ1.

    The atom is turned about the bond from CA to CB with its own bond length and angle, in
    steps of 5°, and density is linear between voxels. Of alternate conformers the first counts.

    Parameters
    ----------
    structure : Structure
        The model.
    volume : Volume
        The map.
    chosen : bool array (atoms,), optional
        Only residues with a chosen atom. None scans all.

    Returns
    -------
    Chi1Scan
        Without residues that lack an atom or whose circle leaves the map; both are counted.

    References
    ----------
    Lang et al. (2010) Protein Sci. 19, 1420-1431.
    """
    atoms, wanted = _chi1_atoms(structure, chosen)
    is_whole = (atoms >= 0).all(axis=1)
    places, angles = _circles(structure.positions[atoms[is_whole]])
    density = density_at(volume, places).reshape(-1, len(ANGLES))
    inside = ~np.isnan(density).any(axis=1)
    return Chi1Scan(
        wanted[is_whole][inside],
        density[inside],
        angles[inside],
        int((~is_whole).sum()),
        int((~inside).sum()),
    )


def _chi1_atoms(
    structure: Structure, chosen: Mask | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Atoms N, CA, CB and γ (n, 4), -1 where there is none, and the residues (n,) to scan."""
    residues = residues_of(structure)
    gamma = np.array([GAMMA_ATOMS.get(str(name), "") for name in residues.names])
    wanted = (gamma != "") & ~residues.is_repeated
    if chosen is not None:
        wanted &= np.bincount(residues.of_atoms[chosen], minlength=len(residues)) > 0
    usable = _is_first_conformer(residues)
    owner, names = residues.of_atoms, structure.atom_names
    atoms = np.full((len(residues), 4), -1, dtype=np.int64)
    is_gamma = names == gamma[owner]
    for column, is_named in enumerate((names == "N", names == "CA", names == "CB", is_gamma)):
        found = np.flatnonzero(is_named & usable)[::-1]  # reversed, so that the first one stays
        atoms[owner[found], column] = found
    return atoms[wanted], np.flatnonzero(wanted)


def _is_first_conformer(residues: ResidueList) -> Mask:
    """Whether each atom has no alternative, or is of its residue's first one (atoms,)."""
    alternatives, owner = residues.alternatives, residues.of_atoms
    named = np.flatnonzero(alternatives != "")
    first = np.full(len(residues), "", dtype=alternatives.dtype)
    first[owner[named][::-1]] = alternatives[named][::-1]
    return np.asarray((alternatives == "") | (alternatives == first[owner]))


def _circles(corners: Floats) -> tuple[Floats, Floats]:
    """Positions (n * 72, 3), z, y, x, of γ at `ANGLES` about CA-CB, and χ1 (n,) as it is.

    `corners` are N, CA, CB and γ (n, 4, 3), z, y, x.
    """
    n, alpha, beta, gamma = np.moveaxis(corners[..., ::-1], 1, 0)  # x, y, z: right-handed
    axis = _unit(beta - alpha)
    toward_n = _unit(_across(n - alpha, axis))
    sideways = np.cross(axis, toward_n)
    arm = gamma - beta
    along = (arm * axis).sum(axis=1, keepdims=True) * axis
    radius = np.linalg.norm(arm - along, axis=1)
    radians = np.deg2rad(ANGLES)[:, None]
    turned = np.cos(radians) * toward_n[:, None] + np.sin(radians) * sideways[:, None]
    places = (beta + along)[:, None] + radius[:, None, None] * turned
    angles = np.arctan2((arm * sideways).sum(axis=1), (arm * toward_n).sum(axis=1))
    return places[..., ::-1].reshape(-1, 3), np.rad2deg(angles) % 360


def _across(vectors: Floats, axis: Floats) -> Floats:
    """The part of vectors (n, 3) that is at right angles to unit vectors (n, 3)."""
    return np.asarray(vectors - (vectors * axis).sum(axis=1, keepdims=True) * axis)


def _unit(vectors: Floats) -> Floats:
    """Vectors (n, 3) of length 1; 0 where they have none."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))
