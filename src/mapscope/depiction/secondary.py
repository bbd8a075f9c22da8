"""Helices and strands: by hydrogen bonds, by the file's own records, or by Cα alone."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.depiction.backbone import Stretch, named_atoms, stretches
from mapscope.depiction.curve import unit
from mapscope.depiction.residues import ResidueList, residues_of
from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.volume import Array

COIL, HELIX, STRAND = "coil", "helix", "strand"
Method: TypeAlias = Literal["auto", "hydrogen bonds", "file", "alpha carbons"]

COULOMB = 27.9
"""332 × 0.42 × 0.20 kcal/mol Å, the charges of Kabsch and Sander."""

WEAKEST_BOND = -0.5
"""kcal/mol."""

REACH = 9.0
"""Å between Cα atoms beyond which no hydrogen bond is possible."""

PARTNER = 5.5
"""Å between Cα atoms of neighbouring strands."""

SHORTEST_HELIX, SHORTEST_STRAND = 4, 3
"""Residues; anything shorter is drawn as coil."""

Flags: TypeAlias = npt.NDArray[np.bool_]


def secondary_structure(structure: Structure, method: Method = "auto") -> npt.NDArray[np.str_]:
    """``"helix"``, ``"strand"`` or ``"coil"`` for each residue of a structure.

    Parameters
    ----------
    structure : Structure
        The model.
    method : str
        ``"hydrogen bonds"`` needs N, C and O; ``"file"`` takes HELIX and SHEET records;
        ``"alpha carbons"`` looks at distances and torsions of Cα. ``"auto"`` takes the first
        of them that the model has what is needed for.

    Raises
    ------
    InputError
        If the file's records are asked for and it has none.

    References
    ----------
    .. [1] W. Kabsch and C. Sander, Biopolymers 22 (1983) 2577-2637.
    .. [2] G. Labesse et al., CABIOS 13 (1997) 291-295.
    """
    has_records = len(structure.model.helices) + len(structure.model.sheets) > 0
    if method == "file" and not has_records:
        raise InputError("the file has no HELIX or SHEET records: assign by hydrogen bonds")
    if method == "auto":
        method = "hydrogen bonds" if _has_peptides(structure) else "alpha carbons"
        method = "file" if method == "alpha carbons" and has_records else method
    if method == "file":
        return _from_records(structure)
    helix, strand = (_by_bonds if method == "hydrogen bonds" else _by_alpha_carbons)(structure)
    return _named(structure, helix, strand)


def _named(structure: Structure, helix: Flags, strand: Flags) -> npt.NDArray[np.str_]:
    """Names for flags, without pieces that are too short to draw."""
    named = np.full(len(helix), COIL, dtype="<U6")
    for stretch in stretches(structure):
        chosen = stretch.residues
        is_helix = _long_runs(helix[chosen], SHORTEST_HELIX)
        named[chosen[_long_runs(strand[chosen] & ~is_helix, SHORTEST_STRAND)]] = STRAND
        named[chosen[is_helix]] = HELIX
    return named


def _long_runs(flags: Flags, shortest: int) -> Flags:
    """Flags without runs of fewer than `shortest`."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    kept = np.zeros_like(flags)
    for start, end in edges.reshape(-1, 2):
        kept[start:end] = end - start >= shortest
    return kept


def _has_peptides(structure: Structure) -> bool:
    """Whether most traced amino acids have the atoms that hydrogen bonds are made of."""
    residues = residues_of(structure)
    atoms = [named_atoms(structure, residues, name) for name in ("CA", "N", "C", "O")]
    protein = residues.kinds == "protein"
    whole = np.all([found >= 0 for found in atoms], axis=0) & protein
    return bool(whole.sum() > 0.5 * protein.sum() > 0)


def _by_bonds(structure: Structure) -> tuple[Flags, Flags]:
    """Helices of two turns in a row, and residues in bridges of either sense."""
    residues = residues_of(structure)
    order, place = _numbered(structure)
    bonds = _hydrogen_bonds(structure, residues, order, place)
    count = len(residues)
    helix, strand = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    for turn in (3, 4, 5):
        acceptors = {i for i, j in bonds if j - i == turn}
        for i in acceptors:
            if i - 1 in acceptors:
                helix[order[i : i + turn]] = True
    for i, j in _bridges(bonds, place):
        strand[order[[i, j]]] = True
    return helix, strand


def _numbered(
    structure: Structure,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Residues of all stretches in order, and for each place the number of its stretch."""
    pieces = [s.residues for s in stretches(structure) if s.kind == "protein"]
    if not pieces:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(pieces), np.repeat(np.arange(len(pieces)), [len(p) for p in pieces])


def _hydrogen_bonds(
    structure: Structure,
    residues: ResidueList,
    order: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
) -> set[tuple[int, int]]:
    """Pairs (acceptor, donor) of places whose C=O and N–H attract each other enough."""
    from scipy.spatial import cKDTree

    found = [named_atoms(structure, residues, name)[order] for name in ("CA", "N", "C", "O")]
    if len(order) < 2:
        return set()
    is_whole = np.all([atoms >= 0 for atoms in found], axis=0)
    alpha, nitrogen, carbon, oxygen = (structure.positions[atoms] for atoms in found)
    # The hydrogen lies 1 Å from N, against the C=O of the residue before.
    hydrogen = nitrogen.copy()
    hydrogen[1:] += unit(carbon[:-1] - oxygen[:-1])
    follows = np.concatenate([[False], (place[1:] == place[:-1]) & is_whole[:-1]])
    names = residues.names[order]
    gives = is_whole & follows & (names != "PRO")
    pairs = cKDTree(alpha).query_pairs(REACH, output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    acceptor, donor = pairs[is_whole[pairs[:, 0]] & gives[pairs[:, 1]]].T
    near = ~((place[acceptor] == place[donor]) & (np.abs(acceptor - donor) < 2))
    acceptor, donor = acceptor[near], donor[near]
    distances = [
        np.linalg.norm(a[acceptor] - b[donor], axis=1)
        for a, b in ((oxygen, nitrogen), (carbon, hydrogen), (oxygen, hydrogen), (carbon, nitrogen))
    ]
    on, ch, oh, cn = (1 / np.maximum(d, 0.5) for d in distances)
    strong = COULOMB * (on + ch - oh - cn) < WEAKEST_BOND
    return set(zip(acceptor[strong].tolist(), donor[strong].tolist(), strict=True))


def _bridges(bonds: set[tuple[int, int]], place: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pairs of places in parallel or antiparallel bridges, at least three residues apart."""
    last = len(place) - 1
    found = []
    candidates = {
        (min(a, b), max(a, b))
        for i, j in bonds
        for a, b in ((i + 1, j), (i, j - 1), (i, j), (i + 1, j - 1))
    }
    for i, j in candidates:
        if not (0 < i < last and 0 < j < last and j - i > 2):
            continue
        if not (place[i - 1] == place[i + 1] and place[j - 1] == place[j + 1]):
            continue
        parallel = {(i - 1, j), (j, i + 1)} <= bonds or {(j - 1, i), (i, j + 1)} <= bonds
        crossed = {(i, j), (j, i)} <= bonds or {(i - 1, j + 1), (j - 1, i + 1)} <= bonds
        if parallel or crossed:
            found.append((i, j))
    return found


def _from_records(structure: Structure) -> npt.NDArray[np.str_]:
    """What HELIX and SHEET records say."""
    residues = residues_of(structure)
    named = np.full(len(residues), COIL, dtype="<U6")
    ranges = [(HELIX, one.start, one.end) for one in structure.model.helices]
    ranges += [
        (STRAND, one.start, one.end) for sheet in structure.model.sheets for one in sheet.strands
    ]
    places = {
        (c, n, i): k
        for k, (c, n, i) in enumerate(
            zip(
                residues.chains.tolist(),
                residues.numbers.tolist(),
                residues.insertion_codes.tolist(),
                strict=True,
            )
        )
    }
    for name, start, end in ranges:
        first, last = (
            places.get((a.chain_name, a.res_id.seqid.num, a.res_id.seqid.icode.strip()))
            for a in (start, end)
        )
        if first is not None and last is not None:
            named[first : last + 1] = name
    return named


def _by_alpha_carbons(structure: Structure) -> tuple[Flags, Flags]:
    """Helices and strands by distances and torsions of Cα, with the limits of P-SEA [2]."""
    count = len(residues_of(structure))
    helix, strand = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    found = [s for s in stretches(structure) if s.kind == "protein"]
    partnered = _has_partner(found, count)
    for stretch in found:
        if len(stretch) >= 5:
            _mark_windows(stretch, helix, strand)
    return helix, strand & partnered


def _has_partner(found: list[Stretch], count: int) -> Flags:
    """Whether each residue, or one beside it, has a Cα of another strand at its side."""
    from scipy.spatial import cKDTree

    has = np.zeros(count, dtype=np.bool_)
    if not found:
        return has
    order = np.concatenate([s.residues for s in found])
    pairs = cKDTree(np.concatenate([s.points for s in found])).query_pairs(
        PARTNER, output_type="ndarray"
    )
    has[order[pairs[np.diff(pairs, axis=1)[:, 0] > 3]]] = True
    return np.asarray(has | np.append(has[1:], False) | np.append(False, has[:-1]))


def _mark_windows(stretch: Stretch, helix: Flags, strand: Flags) -> None:
    """Mark the inner residues of each five whose shape is that of a helix or a strand."""
    points = stretch.points
    n = len(points) - 4
    d2, d3, d4 = (np.linalg.norm(points[k : k + n] - points[:n], axis=1) for k in (2, 3, 4))
    torsion = _torsions(points)[:n]
    is_helix = _near(d3, 5.3, 0.6) & _near(d4, 6.4, 0.9) & _near(torsion, 50, 20)
    is_strand = _near(d2, 6.7, 0.6) & _near(d3, 9.9, 0.9) & _near(d4, 12.4, 1.1)
    is_strand &= np.abs((torsion + 170 + 180) % 360 - 180) < 45
    for k in range(1, 4):
        helix[stretch.residues[k : k + n][is_helix]] = True
        strand[stretch.residues[k : k + n][is_strand]] = True


def _near(values: Array, wanted: float, tolerance: float) -> Flags:
    """Whether values are within a tolerance of what is wanted."""
    return np.asarray(np.abs(values - wanted) <= tolerance)


def _torsions(points: Array) -> npt.NDArray[np.float64]:
    """Degrees of the torsion of each four points in a row (n - 3,), in x, y, z."""
    steps = np.diff(points[:, ::-1], axis=0)
    first, second = np.cross(steps[:-2], steps[1:-1]), np.cross(steps[1:-1], steps[2:])
    sine = (unit(steps[1:-1]) * np.cross(first, second)).sum(axis=1)
    return np.asarray(np.degrees(np.arctan2(sine, (first * second).sum(axis=1))))
