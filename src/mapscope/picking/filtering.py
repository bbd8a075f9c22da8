"""Which particles of a list stay, and why the others go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.particles import (
    ACCEPTED,
    REJECTED,
    TOMOGRAM_ORIGIN,
    TOMOGRAM_SHAPE,
    VERDICT,
    VOXEL_SIZE,
    Particles,
)
from mapscope.picking.mask_distance import distance_to_mask, is_in_mask
from mapscope.picking.neighbours import (
    count_neighbours,
    distance_to_nearest,
    without_duplicates,
)
from mapscope.volume import Grid, Region, Volume

Where: TypeAlias = Literal["inside", "outside", "near"]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Criteria:
    """What a particle must be to stay. None, or an empty text, asks nothing.

    Parameters
    ----------
    least_score, most_score : float, optional
        Bounds of the score. Particles set by hand, without one, are exempt, and so are those
        whose column `VERDICT` says "accepted".
    species : tuple of str
        Names of which it must have one.
    where : {"inside", "outside", "near"}
        Where it must lie if there is a mask: inside it, outside it, or near its surface.
    mask_distance : float
        Å that it must lie from the surface at least, inside or outside; or at most, near.
    label_numbers : tuple of int
        The only labels that make the mask; empty takes all.
    region : Region, optional
        Box of voxels of the tomogram in which it must lie.
    edge : float, optional
        Å that it must lie from the faces of the tomogram at least.
    least_to_others, most_to_others : float, optional
        Å that it must lie from the nearest particle of another list, at least or at most.
    neighbours : int
        How many other particles must lie within `neighbours_within`, of those that stay.
    neighbours_within : float, optional
        Å.
    apart : float, optional
        Å within which only the particle with the highest score stays.
    within_species : bool
        Whether `apart` holds only for particles of one species.
    """

    least_score: float | None = None
    most_score: float | None = None
    species: tuple[str, ...] = ()
    where: Where = "inside"
    mask_distance: float = 0.0
    label_numbers: tuple[int, ...] = ()
    region: Region | None = None
    edge: float | None = None
    least_to_others: float | None = None
    most_to_others: float | None = None
    neighbours: int = 0
    neighbours_within: float | None = None
    apart: float | None = None
    within_species: bool = False


@dataclass(frozen=True, eq=False)
class Sifted:
    """Which particles stay.

    Parameters
    ----------
    keep : bool array (n,)
        True for those that do.
    reasons : str array (n,)
        Why each of the others goes: the first criterion that it failed. Empty for those that stay.
    """

    keep: Flags
    reasons: npt.NDArray[np.str_]


def filtered(
    particles: Particles,
    criteria: Criteria,
    *,
    mask: Volume | Labels | None = None,
    others: Particles | None = None,
    grid: Grid | None = None,
) -> Sifted:
    """Which particles meet all criteria.

    What each is by itself counts first; of those left duplicates go, then those with too few
    neighbours. Particles that were rejected by hand never stay, nor do those of the other list
    count.

    Parameters
    ----------
    particles : Particles
        Of one or of several tomograms.
    criteria : Criteria
        What they must be.
    mask : Volume or Labels, optional
        On any grid.
    others : Particles, optional
        Another list, such as gold beads.
    grid : Grid, optional
        That of the tomogram. None takes what the list says of its tomograms.

    Raises
    ------
    InputError
        If a criterion lacks what it needs.
    """
    reasons = np.full(len(particles), "", dtype="U16")
    for reason, stays in _by_itself(particles, criteria, mask, others, grid).items():
        reasons[(reasons == "") & ~stays] = reason
    if criteria.apart is not None:
        rows = np.flatnonzero(reasons == "")
        left = without_duplicates(
            rows_of(particles, rows), criteria.apart, within_species=criteria.within_species
        )
        reasons[rows[~left]] = "duplicate"
    if criteria.neighbours:
        if criteria.neighbours_within is None:
            raise InputError("a number of neighbours needs the distance within which they count")
        rows = np.flatnonzero(reasons == "")
        count = count_neighbours(rows_of(particles, rows), criteria.neighbours_within)
        reasons[rows[count < criteria.neighbours]] = "few neighbours"
    return Sifted(reasons == "", reasons)


def rows_of(particles: Particles, rows: npt.NDArray[np.generic]) -> Particles:
    """Some particles of a list with everything known of them, in the order of `rows`."""
    index = np.arange(len(particles))[rows]
    species = particles.species
    return Particles(
        particles.positions[index],
        None if particles.rotations is None else particles.rotations[index],
        None if species is None else tuple(species[n] for n in index),
        None if particles.score is None else particles.score[index],
        {name: values[index] for name, values in particles.columns.items()},
    )


def are(particles: Particles, verdict: str) -> Flags:
    """Which particles have a verdict."""
    verdicts = particles.columns.get(VERDICT)
    return np.zeros(len(particles), bool) if verdicts is None else np.asarray(verdicts == verdict)


def _by_itself(
    particles: Particles,
    criteria: Criteria,
    mask: Volume | Labels | None,
    others: Particles | None,
    grid: Grid | None,
) -> dict[str, Flags]:
    """Whether each particle meets each criterion that does not depend on the rest of its list."""
    found: dict[str, Flags] = {"rejected": ~are(particles, REJECTED)}
    if particles.score is not None:
        inside = _by_score(particles.score, criteria.least_score, criteria.most_score)
        found["score"] = inside | are(particles, ACCEPTED)
    if criteria.species:
        names = particles.species or ("",) * len(particles)
        found["species"] = np.isin(names, criteria.species)
    if mask is not None:
        found["mask"] = _by_mask(particles.positions, mask, criteria)
    if criteria.region is not None or criteria.edge is not None:
        index, room = _in_tomograms(particles, grid)
        if criteria.region is not None:
            voxel, region = np.rint(index), criteria.region
            is_in_box = ((voxel >= region.lower) & (voxel < region.upper)).all(axis=1)
            found["region"] = np.asarray(is_in_box)
        if criteria.edge is not None:
            found["edge"] = np.asarray(room >= criteria.edge)
    found |= _by_others(particles, others, criteria)
    return found


def _by_score(score: Floats, least: float | None, most: float | None) -> Flags:
    """Whether scores lie within bounds; where there is none, they do."""
    inside = np.ones(len(score), dtype=np.bool_)
    if least is not None:
        inside &= ~(score < least)
    if most is not None:
        inside &= ~(score > most)
    return inside


def _by_mask(positions: Floats, mask: Volume | Labels, criteria: Criteria) -> Flags:
    """Whether particles lie where they must."""
    numbers, far = criteria.label_numbers, criteria.mask_distance
    if far == 0 and criteria.where != "near":
        inside = is_in_mask(positions, mask, numbers=numbers)
        return inside if criteria.where == "inside" else ~inside
    if not far > 0:
        raise InputError("near a mask needs a distance above 0 Å: give mask_distance")
    distance = distance_to_mask(positions, mask, limit=far, numbers=numbers)
    if criteria.where == "near":
        return np.asarray(np.abs(distance) <= far)
    return np.asarray(distance <= -far if criteria.where == "inside" else distance >= far)


def _by_others(
    particles: Particles, others: Particles | None, criteria: Criteria
) -> dict[str, Flags]:
    """Whether particles are as far from those of another list as they must be."""
    least, most = criteria.least_to_others, criteria.most_to_others
    if least is None and most is None:
        return {}
    if others is None:
        raise InputError("a distance to other particles needs their list: give it as others")
    counting = rows_of(others, ~are(others, REJECTED))
    distance = distance_to_nearest(particles, counting, max(least or 0.0, most or 0.0))
    stays = np.ones(len(particles), dtype=np.bool_)
    if least is not None:
        stays &= distance >= least
    if most is not None:
        stays &= distance <= most
    return {"other particles": stays}


def _in_tomograms(particles: Particles, grid: Grid | None) -> tuple[Floats, Floats]:
    """Index (n, 3) of each particle in its tomogram, and Å to the nearest face of that, (n,).

    Raises
    ------
    InputError
        If nothing is known of the tomogram.
    """
    columns = particles.columns
    if grid is not None:
        size, origin = np.asarray(grid.voxel_size), np.asarray(grid.origin)
        shape = np.asarray(grid.shape)
    elif VOXEL_SIZE in columns and TOMOGRAM_SHAPE in columns:
        size = np.asarray(columns[VOXEL_SIZE], np.float64)[:, None]
        shape = np.asarray(columns[TOMOGRAM_SHAPE])
        origin = np.asarray(columns.get(TOMOGRAM_ORIGIN, np.zeros(3)), np.float64)
    else:
        raise InputError(
            "the list does not say how large its tomogram is: give the tomogram as volume"
        )
    index = (particles.positions - origin) / size
    room = np.minimum(index + 0.5, shape - 0.5 - index) * size
    return index, room.min(axis=1, initial=np.inf)
