"""The mean of particles in the frame of their template, in two independent halves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import inverse, transform
from mapscope.density.symmetry import rotations_of_group, symmetrised
from mapscope.errors import DataError, InputError
from mapscope.particles import cubic_edge
from mapscope.picking.boxes import cut_box
from mapscope.picking.wedge import TiltRange
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_SPLINE_MARGIN = 6  # voxels after which the end of a box counts for 4e-4 of a spline
_MOST_THREADS = 4
_BATCH = 16


@dataclass(frozen=True, eq=False)
class Average:
    """The mean of particles, and of each half of them.

    Parameters
    ----------
    whole, first, second : Volume
        Dense positive; voxel ``n // 2`` lies at position 0.
    number : int
        Particles of which it is the mean.
    padded : int
        Of these, how many have a box that reaches beyond the tomogram.
    left_out : int
        Particles that were left out, since they, or their boxes, lie outside the tomogram.
    """

    whole: Volume
    first: Volume
    second: Volume
    number: int
    padded: int
    left_out: int


def average(
    volume: Volume,
    positions: npt.ArrayLike,
    rotations: npt.ArrayLike | None,
    edge: int,
    *,
    tilts: TiltRange | None = None,
    symmetry: str = "C1",
    pads: bool = True,
    seed: int = 0,
    progress: Progress = silent,
) -> Average:
    """The mean of what lies around positions, turned back into the frame of the template.

    Each box is read from a cubic spline at ``R @ q + position``, less the mean of what lies
    around the particle, and cut to a ball. With a tilt range each counts only where its
    frequencies were measured.

    Parameters
    ----------
    volume : Volume
        The tomogram, of which only the boxes are read. Dark is dense where its contrast is -1.
    positions : array (n, 3)
        Å, z, y, x.
    rotations : array (n, 3, 3), optional
        Active: ``p_tomogram = R @ p_template + position``. None turns nothing.
    edge : int
        Voxels along each side of the average.
    tilts : TiltRange, optional
        None takes all frequencies as measured.
    symmetry : str
        Point group of the template, about its voxel ``n // 2``.
    pads : bool
        Whether boxes that reach beyond the tomogram are filled up with their mean; else they
        are left out.
    seed : int
        Of the random halves.
    progress : callable
        Called once per particle.

    Raises
    ------
    GridError
        If the voxels are not cubes.
    InputError
        If the box is no box or there is no such point group.
    DataError
        If fewer than two particles are left.
    """
    if edge < 4:
        raise InputError(f"a box needs at least 4 voxels a side, got {edge}: take a larger one")
    cubic_edge(volume.grid)
    group = rotations_of_group(symmetry)
    places = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    turns = np.tile(np.eye(3), (len(places), 1, 1)) if rotations is None else np.asarray(rotations)
    used, is_cut = _used(volume, places, edge, pads=pads)
    if len(used) < 2:
        raise DataError(
            f"an average in two halves needs particles with their box in the tomogram, and only "
            f"{len(used)} of {len(places)} have: take a smaller box, or the tomogram in which "
            "they were picked"
        )
    sums = (_Sums(edge, tilts, group), _Sums(edge, tilts, group))
    halves = np.random.default_rng(seed).permutation(np.arange(len(used)) % 2)
    boxes = _boxes(volume, places[used], turns[used], edge)
    steps = part(progress, 0, 9, 10)
    for done, (half, row, box) in enumerate(zip(halves, used, boxes, strict=True)):
        steps(done, len(used), "averaging")
        sums[half].add(box, turns[row])
    rest = part(progress, 9, 10, 10)
    three = (sums[0].joined(sums[1]), *sums)
    whole, first, second = (
        s.mean(volume.voxel_size[0], part(rest, n, n + 1, 3)) for n, s in enumerate(three)
    )
    count = len(used)
    return Average(whole, first, second, count, int(is_cut.sum()), len(places) - count)


def _used(
    volume: Volume, places: Floats, edge: int, *, pads: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Rows of the particles that are averaged, and whether the ball of each is cut off."""
    index, shape = volume.grid.index_from_world(places), np.asarray(volume.shape)
    room = np.minimum(index + 0.5, shape - 0.5 - index).min(axis=1, initial=np.inf)
    is_cut = room < edge / 2
    rows = np.flatnonzero(room >= 0 if pads else ~is_cut)
    # As they lie in the file, so that neighbours share what was read of it.
    rows = rows[np.lexsort(places[rows].T[::-1])]
    return rows, is_cut[rows]


def _boxes(volume: Volume, places: Floats, turns: Floats, edge: int) -> Iterator[Singles]:
    """Each particle as its template lies, a few at once."""
    workers = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        for first in range(0, len(places), _BATCH):
            rows = range(first, min(first + _BATCH, len(places)))
            yield from pool.map(
                lambda row: turned_back(volume, places[row], turns[row], edge), rows
            )


def turned_back(volume: Volume, position: Floats, rotation: Floats, edge: int) -> Singles:
    """One particle in the frame of its template, dense positive, cut to a ball, 0 at its rim.

    Parameters
    ----------
    volume : Volume
        The tomogram; cubic voxels.
    position : float64 array (3,)
        Å, z, y, x; comes to lie at voxel ``edge // 2``.
    rotation : float64 array (3, 3)
        ``p_tomogram = R @ p_template + position``.
    edge : int
        Voxels along each side.

    Returns
    -------
    float32 array (edge, edge, edge)
    """
    from scipy.ndimage import affine_transform

    index = volume.grid.index_from_world(position)
    middle = np.floor(index).astype(np.int64)
    reach = edge // 2 + 1 + _SPLINE_MARGIN
    box = cut_box(volume.data, middle - reach, (2 * reach + 1,) * 3)
    data = (box.data - np.float32(box.data.mean(dtype=np.float64))) * np.float32(volume.contrast)
    # Voxel o of the template lies at R (o - edge // 2) + index in the tomogram.
    offset = index - middle + reach - rotation @ np.full(3, edge // 2)
    found = affine_transform(data, rotation, offset, (edge,) * 3, np.float32, order=3)
    ball = soft_ball(edge, edge / 2 - 1.0, 2.0)
    # What lies around the particle becomes 0, or else the ball's own edge, the same in all
    # particles, would correlate.
    rim = ball - soft_ball(edge, 0.4 * edge, 2.0)
    found -= np.float32((found * rim).sum(dtype=np.float64) / rim.sum(dtype=np.float64))
    return np.asarray(found * ball)


@cache
def soft_ball(edge: int, radius: float, width: float) -> Singles:
    """1 within a radius of voxel ``edge // 2``, 0 beyond it and a cosine edge, both in voxels."""
    axis = np.arange(edge) - edge // 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    along = np.clip((distance - (radius - width / 2)) / width, 0.0, 1.0)
    ball: Singles = (0.5 + 0.5 * np.cos(np.pi * along)).astype(np.float32)
    ball.flags.writeable = False
    return ball


class _Sums:
    """Sums of particles' coefficients, and of how often each was measured.

    Parameters
    ----------
    edge : int
        Voxels along each side.
    tilts : TiltRange, optional
        None where all frequencies were measured.
    group : float64 array (m, 3, 3)
        Rotations of the template's symmetry.
    """

    def __init__(self, edge: int, tilts: TiltRange | None, group: Floats) -> None:
        self.edge, self.tilts, self.group = edge, tilts, group
        self.count = 0
        self.data = np.zeros((edge, edge, edge // 2 + 1), np.complex128)
        self.weight = np.zeros(self.data.shape)

    def add(self, box: Singles, rotation: Floats) -> None:
        """Count one particle in."""
        self.count += 1
        if self.tilts is None:
            self.data += transform(box)
            return
        self.data += self.tilts.weights(self.edge, rotation) * transform(box)
        # The mean over the group is taken of the sum of data at the end, and of weights here.
        for turn in self.group:
            self.weight += self.tilts.weights(self.edge, rotation @ turn) / len(self.group)

    def joined(self, other: _Sums) -> _Sums:
        """The sums of both."""
        both = _Sums(self.edge, self.tilts, self.group)
        both.count = self.count + other.count
        both.data, both.weight = self.data + other.data, self.weight + other.weight
        return both

    def mean(self, voxel_size: float, progress: Progress = silent) -> Volume:
        """The mean, with the template's symmetry, around position 0."""
        corner = -(self.edge // 2) * voxel_size
        data = inverse(self.data / self.count, (self.edge,) * 3)
        found = Volume(data, (voxel_size,) * 3, (corner,) * 3)
        if len(self.group) > 1:
            found = symmetrised(found, self.group, (0.0, 0.0, 0.0), progress=progress)
        if self.tilts is None:
            return found
        # What hardly any particle measured is not blown up.
        weight = np.maximum(self.weight, 1.0) / self.count
        return found.with_data(inverse(transform(found.data) / weight, found.shape))
