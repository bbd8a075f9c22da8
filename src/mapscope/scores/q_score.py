"""Q-scores: how much density around each atom looks like an atom."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.progress import Progress, silent
from mapscope.scores.sampling import linear, part_around
from mapscope.structure import Structure
from mapscope.volume import Volume

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
_Score = Callable[[Indices], Floats]

SIGMA = 0.6
"""Å, standard deviation of the Gaussian that an atom should look like."""

SHELLS: Floats = np.round(np.arange(1, 21) * 0.1, 10)
"""Å, distances from the atom at which density is compared."""

PROBES = 32
"""Directions in which it is."""

EXPECTED = {"protein": (-0.1775, 1.1192), "nucleic": (-0.1377, 0.9973)}
"""Slope per Å and Q-score at 0 Å of the mean Q-score of deposited models against resolution."""

_ATOMS_AT_ONCE = 512
_THREADS = 2
_SAME_PLACE = 1e-3
_HYDROGEN = ("H", "D")


@dataclass(frozen=True, eq=False)
class _Sphere:
    """What is the same for every atom.

    Parameters
    ----------
    directions : float64 array (probes, 3)
        Unit vectors, z, y, x.
    radii : float64 array (shells,)
        Å.
    gaussian : float64 array (shells,)
        What density should be at each.
    """

    directions: Floats
    radii: Floats
    gaussian: Floats


def expected_q_score(resolution: float, kind: str = "protein") -> float:
    """Mean Q-score of deposited models in maps of a resolution in Å, by the line through them.

    Parameters
    ----------
    resolution : float
        Å.
    kind : {"protein", "nucleic"}
        What the model is of.

    References
    ----------
    Pintilie et al. (2020) Nat. Methods 17, 328-334, for a Gaussian of 0.6 Å.

    Examples
    --------
    >>> round(expected_q_score(3.0), 3)
    0.587
    """
    slope, at_zero = EXPECTED[kind]
    return slope * resolution + at_zero


def sphere_directions(number: int) -> Floats:
    """Unit vectors (number, 3), z, y, x, spread over the sphere along a spiral.

    References
    ----------
    Saff & Kuijlaars (1997) Math. Intell. 19, 5-11.
    """
    height = np.linspace(-1.0, 1.0, number)
    across = np.sqrt(1.0 - height**2)
    turn = np.zeros(number)
    turn[1:-1] = 3.6 / (np.sqrt(number) * across[1:-1])
    turn = np.cumsum(turn)
    return np.stack([height, across * np.sin(turn), across * np.cos(turn)], axis=-1)


def is_heavy(structure: Structure) -> Mask:
    """Whether each atom is no hydrogen (atoms,): only these are scored, and crowd each other."""
    return np.asarray(~np.isin(structure.elements, _HYDROGEN))


def q_scores(
    structure: Structure,
    volume: Volume,
    chosen: Mask | None = None,
    *,
    probes: int = PROBES,
    progress: Progress = silent,
) -> Floats:
    """Q-score of each atom: correlation of the density around it with a Gaussian of 0.6 Å.

    Density is taken at 32 points on each of 20 spheres, 0.1 to 2 Å from the atom, leaving out
    points that are nearer to another atom, and is linear between voxels. A point on a sphere of
    radius r in the direction u is nearer to the atom at d from this one where u·d > d²/2r, so
    that each direction ends at one radius; no tree is searched for the points themselves.

    Parameters
    ----------
    structure : Structure
        The model; its hydrogens are taken no notice of.
    volume : Volume
        The map.
    chosen : bool array (atoms,), optional
        Atoms to score. None scores all. The others still bound their neighbours.
    probes : int
        Points on each sphere, at least 4.
    progress : callable
        Called once per 512 atoms.

    Returns
    -------
    float64 array (atoms,)
        From -1 to 1; 0 where density is flat or every point belongs to a neighbour, NaN for
        hydrogens, for atoms not chosen and for those outside the map.

    References
    ----------
    Pintilie et al. (2020) Nat. Methods 17, 328-334.
    """
    scores = np.full(len(structure), np.nan)
    heavy = is_heavy(structure)
    wanted = heavy & volume.grid.contains(structure.positions)
    wanted = wanted if chosen is None else wanted & chosen
    if not wanted.any() or min(volume.shape) < 2:
        return scores
    sphere = _Sphere(sphere_directions(probes), SHELLS, np.exp(-0.5 * (SHELLS / SIGMA) ** 2))
    index = volume.grid.index_from_world(structure.positions)
    step = np.asarray(volume.voxel_size)
    density, lower = part_around(volume, index[wanted], np.ceil(SHELLS[-1] / step) + 1)
    order = _along_the_map(index, np.flatnonzero(wanted))
    blocks = [order[n : n + _ATOMS_AT_ONCE] for n in range(0, len(order), _ATOMS_AT_ONCE)]
    neighbours = _Neighbours(structure.positions, np.flatnonzero(heavy))

    def score(block: Indices) -> Floats:
        ends = neighbours.ends(block, sphere)
        return _correlations(density, index[block] - lower, step, ends, sphere)

    for n, (block, found) in enumerate(_in_order(score, blocks)):
        progress(n, len(blocks), "Q-scores")
        scores[block] = found
    progress(1, 1, "Q-scores")
    return scores


def _in_order(score: _Score, blocks: list[Indices]) -> Iterator[tuple[Indices, Floats]]:
    """Each block with its scores; two at work, and no more begun than somebody waits for."""
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = deque(pool.submit(score, block) for block in blocks[:_THREADS])
        for n, block in enumerate(blocks):
            found = waiting.popleft().result()
            if n + _THREADS < len(blocks):
                waiting.append(pool.submit(score, blocks[n + _THREADS]))
            yield block, found


class _Neighbours:
    """The atoms around atoms, and where each direction from an atom ends because of them.

    Parameters
    ----------
    positions : float64 array (atoms, 3)
        Å, z, y, x.
    members : int64 array (m,)
        The atoms that count.
    """

    def __init__(self, positions: Floats, members: Indices) -> None:
        from scipy.spatial import cKDTree

        self.positions = positions
        self.members = members
        self.tree = cKDTree(positions[members])

    def ends(self, atoms: Indices, sphere: _Sphere) -> Singles:
        """Distance (n, directions) in Å from each atom at which another one becomes nearer."""
        reach = 2 * float(sphere.radii[-1])
        found = self.tree.query_ball_point(self.positions[atoms], reach, return_sorted=False)
        counts = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        others = self.members[np.fromiter(itertools.chain.from_iterable(found), np.int64)]
        owner = np.repeat(np.arange(len(atoms)), counts)
        away = self.positions[others] - self.positions[atoms[owner]]
        square = (away**2).sum(axis=1)
        is_other = square > _SAME_PLACE**2  # itself, and what stands in the same place
        away, square, owner = away[is_other], square[is_other], owner[is_other]
        toward = (away @ sphere.directions.T).astype(np.float32)
        with np.errstate(divide="ignore"):
            radius = (0.5 * square).astype(np.float32)[:, None] / np.maximum(toward, 0)
        ends = np.full((len(atoms), len(sphere.directions)), np.inf, dtype=np.float32)
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        if len(starts):
            ends[owner[starts]] = np.minimum.reduceat(radius, starts, axis=0)
        return ends


def _along_the_map(index: Floats, atoms: Indices) -> Indices:
    """Atoms in an order in which those that follow each other lie in the same part of the map."""
    blocks = (index[atoms] // 16).astype(np.int64)
    return np.asarray(atoms[np.lexsort(blocks.T)])


def _correlations(
    density: Singles, index: Floats, step: Floats, ends: Singles, sphere: _Sphere
) -> Floats:
    """Correlation with the Gaussian around atoms at voxel indices (n, 3), shape (n,)."""
    is_taken = sphere.radii.astype(np.float32) < ends[..., None]  # atoms, directions, shells
    values = _densities(density, index, step, is_taken, sphere)
    taken = is_taken.sum(axis=1, dtype=np.float64)  # atoms, shells
    total = taken.sum(axis=1)
    values -= (values.sum(axis=(1, 2)) / np.maximum(total, 1))[:, None, None].astype(np.float32)
    values *= is_taken
    gaussian = sphere.gaussian - (taken @ sphere.gaussian / np.maximum(total, 1))[:, None]
    cross = (values.sum(axis=1) * gaussian).sum(axis=1)
    power = (taken * gaussian**2).sum(axis=1) * np.einsum("adr,adr->a", values, values)
    found = np.divide(cross, np.sqrt(power), out=np.zeros(len(index)), where=power > 0)
    return np.asarray(found)


def _densities(
    density: Singles, index: Floats, step: Floats, is_taken: Mask, sphere: _Sphere
) -> Singles:
    """Density at the points that are taken, 0 at the others (atoms, directions, shells).

    A point beyond the map is taken no longer, and struck from `is_taken`.
    """
    arms = sphere.directions[:, None] * sphere.radii[:, None] / step
    arms = arms.reshape(-1, 3).T.astype(np.float32)
    home = np.floor(index)
    within = (index - home).T.astype(np.float32)
    flags = is_taken.reshape(len(index), -1)
    atom, arm = np.nonzero(flags)
    places = within[:, atom] + arms[:, arm]
    steps = np.floor(places)
    places = (places - steps).astype(np.float32)
    voxels = home.T.astype(np.int32)[:, atom] + steps.astype(np.int32)
    inside = _pulled_in(voxels, places, density.shape)
    if not inside.all():
        flags[atom[~inside], arm[~inside]] = False
        voxels, places = voxels[:, inside], places[:, inside]
    values = np.zeros(is_taken.shape, dtype=np.float32)
    values[is_taken] = linear(density, voxels, places)
    return values


def _pulled_in(
    voxels: npt.NDArray[np.int32], fractions: npt.NDArray[Any], shape: tuple[int, ...]
) -> Mask:
    """Whether points (3, n) lie in the array; on its last voxel, they count from the one before."""
    last = np.array(shape, dtype=np.int32)[:, None] - 1
    on_last = (voxels == last) & (fractions == 0)
    voxels -= on_last
    fractions += on_last
    return np.asarray(((voxels >= 0) & (voxels < last)).all(axis=0))
