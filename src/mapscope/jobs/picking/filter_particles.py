"""Particles that meet criteria, and those that do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from mapscope.errors import InputError
from mapscope.job import Key, Show, job
from mapscope.labels import Labels
from mapscope.particles import (
    TOMOGRAM_ORIGIN,
    TOMOGRAM_SHAPE,
    VOXEL_SIZE,
    Particles,
)
from mapscope.picking.filtering import Criteria, Sifted, Where, filtered, rows_of
from mapscope.picking.score_histogram import score_histogram
from mapscope.progress import Progress, silent
from mapscope.table import Table
from mapscope.volume import Grid, Region, Volume

REMOVED_BY = "removed_by"
"""Column of the particles that went: the first criterion that each did not meet."""


@dataclass(frozen=True)
class FilteredParticles:
    """Particles that stay and particles that go; together they are all that there were.

    Parameters
    ----------
    kept : Particles
        Those that meet all criteria, in their order, with everything known of them.
    removed : Particles
        The others; the column ``removed_by`` says why.
    histogram : Table
        Scores of both.
    reasons : Table
        How many went for which reason.
    number_kept : int
        How many stay.
    number_removed : int
        How many go.
    """

    kept: Particles
    removed: Particles
    histogram: Table
    reasons: Table
    number_kept: Annotated[int, Key("kept")]
    number_removed: Annotated[int, Key("removed")]


def grid_of_list(values: Mapping[str, Any]) -> Grid:
    """The grid in which `region` counts: that of the tomogram, or what the list says of it.

    Parameters
    ----------
    values : mapping
        The job's checked inputs by name.

    Raises
    ------
    InputError
        If neither is there.
    """
    volume, particles = values.get("volume"), values["particles"]
    if volume is not None:
        return volume.grid  # type: ignore[no-any-return]
    columns = particles.columns
    if not len(particles) or VOXEL_SIZE not in columns or TOMOGRAM_SHAPE not in columns:
        raise InputError(
            "the list does not say how large its tomogram is: give the tomogram as volume"
        )
    size = float(columns[VOXEL_SIZE][0])
    origin = columns[TOMOGRAM_ORIGIN][0] if TOMOGRAM_ORIGIN in columns else np.zeros(3)
    return Grid(tuple(columns[TOMOGRAM_SHAPE][0]), (size, size, size), tuple(origin))


@job(live=True, menu="napari/layers/data", memory=1.0, by_parts=True, grid=grid_of_list)
def filter_particles(
    particles: Particles,
    mask: Volume | None = None,
    labels: Labels | None = None,
    others: Particles | None = None,
    volume: Volume | None = None,
    *,
    least_score: float | None = None,
    most_score: float | None = None,
    species: str = "",
    where: Where = "inside",
    mask_distance: Annotated[float, Field(ge=0), Show(unit="Å", slider=(0.0, 500.0))] = 0.0,
    label: Annotated[int | None, Field(ge=1), Show(more=True)] = None,
    apart: Annotated[float | None, Field(ge=0), Show(unit="Å")] = None,
    within_species: bool = False,
    neighbours: Annotated[int, Field(ge=0)] = 0,
    neighbours_within: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    least_to_others: Annotated[float | None, Field(ge=0), Show(unit="Å")] = None,
    most_to_others: Annotated[float | None, Field(ge=0), Show(unit="Å")] = None,
    edge: Annotated[float | None, Field(ge=0), Show(unit="Å")] = None,
    region: Annotated[Region | None, Show(more=True)] = None,
    progress: Progress = silent,
) -> FilteredParticles:
    """Particles by score, class, place and neighbours; those that go are kept in a second list.

    Particles set by hand have no score: no bound of the score removes them, and of duplicates
    they are the ones that stay. Those rejected by hand go, those accepted stay whatever their
    score. Distances between particles count within a tomogram.

    Parameters
    ----------
    particles : Particles
        The list.
    mask : Volume, optional
        A mask, above 0.5, on any grid: a lamella, a membrane, an organelle.
    labels : Labels, optional
        Labels instead of a mask.
    others : Particles, optional
        Another list to keep away from or near to, such as gold beads.
    volume : Volume, optional
        The tomogram, of which only the size counts. A list that was read or picked with its
        tomogram does not need it.
    least_score : float, optional
        Lower scores go.
    most_score : float, optional
        Higher scores go, such as those of gold.
    species : str
        Only these stay: names with commas between. Empty keeps all.
    where : str
        Where particles stay if there is a mask: inside, outside, or near its surface.
    mask_distance : float
        Distance from the mask's surface: at least this, inside or outside; at most this, near.
    label : int, optional
        The only label that counts. Auto takes all.
    apart : float, optional
        Of particles nearer than this only the one with the highest score stays.
    within_species : bool
        Whether only particles of one species are duplicates of one another.
    neighbours : int
        Particles with fewer neighbours than this go.
    neighbours_within : float, optional
        Distance within which others are neighbours.
    least_to_others : float, optional
        Particles nearer than this to one of the other list go.
    most_to_others : float, optional
        Particles farther than this from all of the other list go.
    edge : float, optional
        Particles nearer than this to a face of the tomogram go.
    region : Region, optional
        Particles outside this box of voxels of the tomogram (z0:z1,y0:y1,x0:x1) go.
    progress : Progress
        Called before and after.

    Returns
    -------
    FilteredParticles
        Both lists, their scores, and how many went why.

    Raises
    ------
    InputError
        If a criterion lacks what it needs, both a mask and labels are given, or a species is
        unknown.
    """
    progress(0, 1, "filtering")
    if mask is not None and labels is not None:
        raise InputError("give a mask or labels, not both: filter twice")
    criteria = Criteria(
        least_score=least_score,
        most_score=most_score,
        species=_species(particles, species),
        where=where,
        mask_distance=mask_distance,
        label_numbers=() if label is None else (label,),
        region=region,
        edge=edge,
        least_to_others=least_to_others,
        most_to_others=most_to_others,
        neighbours=neighbours,
        neighbours_within=neighbours_within,
        apart=apart,
        within_species=within_species,
    )
    grid = None if volume is None else volume.grid
    found = filtered(
        particles, criteria, mask=mask if labels is None else labels, others=others, grid=grid
    )
    progress(1, 1, "filtering")
    return _result(particles, found, {"≥": least_score, "≤": most_score})


def _species(particles: Particles, text: str) -> tuple[str, ...]:
    """Names with commas between, each of which the list has.

    Raises
    ------
    InputError
        If it has not.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    known = sorted(set(particles.species or ()))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"no particle is a {unknown[0]!r}: species here are {known}")
    return names


def _result(
    particles: Particles, found: Sifted, bounds: Mapping[str, float | None]
) -> FilteredParticles:
    """Both lists and what is told of them."""
    plain = {k: v for k, v in particles.columns.items() if k != REMOVED_BY}
    whole = replace(particles, columns=plain)
    kept, removed = rows_of(whole, found.keep), rows_of(whole, ~found.keep)
    why = found.reasons[~found.keep]
    removed = replace(removed, columns={**removed.columns, REMOVED_BY: why})
    names, counts = np.unique(why, return_counts=True)
    scores = {
        name: np.full(len(group), np.nan) if group.score is None else group.score
        for name, group in (("kept", kept), ("removed", removed))
    }
    marks = {f"{sign} {value:g}": value for sign, value in bounds.items() if value is not None}
    return FilteredParticles(
        kept=kept,
        removed=removed,
        histogram=score_histogram(
            scores, "score", marks, f"{len(kept):,} kept, {len(removed):,} removed"
        ),
        reasons=Table({"reason": names, "removed": counts}),
        number_kept=len(kept),
        number_removed=len(removed),
    )
