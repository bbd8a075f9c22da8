"""How well picks agree with where particles truly are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.errors import DataError
from mapscope.job import Key, Show, job
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.picking.filtering import rows_of
from mapscope.scores.picks.evaluation import Interval, by_distance, by_occupancy, f_beta
from mapscope.scores.picks.localisation import Localisation, localisation
from mapscope.scores.picks.radii import radii_of
from mapscope.scores.picks.size_groups import weights_of
from mapscope.scores.picks.tables import (
    confusion_table,
    curve_table,
    group_table,
    species_table,
    tomogram_table,
)
from mapscope.scores.picks.verdicts import judged
from mapscope.table import Table


@dataclass(frozen=True)
class PickScores:
    """How well picks agree with where particles truly are.

    Parameters
    ----------
    species : Table
        One row for each species, the lightest first: counts, F1 by SHREC's rule, and strict
        scores, in which every pick that is not right counts as false.
    groups : Table
        Mean F1 of small, medium and large species, where their weights are known.
    confusion : Table
        What the particles of each species were taken for.
    precision_recall : Table
        Precision against recall, of finding and of each species; empty without scores.
    tomograms : Table
        One row for each tomogram.
    judged : Particles
        The picks, with what became of each in the column ``verdict``: right, wrong species,
        duplicate or false.
    missed : Particles
        The particles that no pick hit.
    localisation : Localisation
        How many particles were found, whatever they were taken for.
    f1 : float
        F1 of finding them.
    f1_interval : Interval or None
        Of that over tomograms. None for a single one, as with the others.
    species_f1 : float
        Mean F1 of the species by SHREC's rule.
    species_f1_interval : Interval or None
        Of that.
    strict_f1 : float
        Mean strict F1 of the species.
    f_beta : float or None
        As the CZII challenge counts, with its weights for its species. None where the radius of
        the particles is not known.
    f_beta_interval : Interval or None
        Of that.
    """

    species: Table
    groups: Table
    confusion: Table
    precision_recall: Table
    tomograms: Table
    judged: Particles
    missed: Particles
    localisation: Localisation
    f1: Annotated[float, Key("F1 of finding")]
    f1_interval: Interval | None
    species_f1: Annotated[float, Key("mean F1 of species")]
    species_f1_interval: Interval | None
    strict_f1: float
    f_beta: float | None
    f_beta_interval: Interval | None


@job(menu="napari/layers/measure", memory=2.0)
def score_picks(
    picks: Particles,
    truth: Particles,
    occupancy: Labels | None = None,
    *,
    radius: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    share: Annotated[float, Field(gt=0, le=2)] = 0.5,
    order: Annotated[Literal["score", "list"], Show(more=True)] = "score",
    shift: Annotated[int, Field(ge=0), Show(unit="slices", more=True)] = 0,
    beta: Annotated[float, Field(gt=0), Show(more=True)] = 4.0,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
) -> PickScores:
    """Scores of picks against the particles that are truly there, as the benchmarks count them.

    With an occupancy, by SHREC's rule: a pick hits the particle whose shape, one voxel wider, it
    lies in. Without, one to one by the distance to the centre. Only the first of several picks on
    one particle counts. The F-beta score of the CZII challenge stands beside, wherever the
    radius of the particles is known.

    Parameters
    ----------
    picks : Particles
        What was found, of one or of several tomograms.
    truth : Particles
        What is there, with tomograms of the same names.
    occupancy : Labels, optional
        Which particle occupies each voxel: its row in the truth, counted from 1.
    radius : float, optional
        Of the particles. Auto: the truth's column radius, or that of the challenge's species.
    share : float
        Of the radius: how near to the centre a pick must be.
    order : str
        Which of several picks counts: the one with the highest score, or the one listed first.
    shift : int
        Empty slices below and above those of the occupancy: 156 for the files of SHREC'20, whose
        picks may count from either.
    beta : float
        How many times as much recall counts as precision in the F-beta score.
    seed : int
        Seed of the draws of tomograms from which intervals come.

    Returns
    -------
    PickScores
        Numbers, tables and the picks with what became of each.

    Raises
    ------
    InputError
        If the tomograms do not fit, or no radius is known where one is needed.
    DataError
        If there are no true particles.

    References
    ----------
    .. [1] Gubins et al. (2020) Comput. Graph. 91, 279-289.
    .. [2] Efron (1979) Ann. Stat. 7, 1-26.
    """
    if not len(truth):
        raise DataError("there are no true particles to hold picks against")
    radii = radii_of(truth, radius, is_needed=occupancy is None)
    if occupancy is None:
        found = by_distance(picks, truth, share * radii, order=order)
    else:
        found = by_occupancy(picks, truth, occupancy, shift=shift, order=order)
    weighted: tuple[float | None, Interval | None] = (None, None)
    counts = None
    if np.isfinite(radii).all():
        counts, weighted = f_beta(picks, truth, radii, share=share, beta=beta, seed=seed)
    table, curves, weights = found.confusion, found.curves(), weights_of(truth)
    f1, species_f1 = found.f1(seed), found.species_f1(seed)
    return PickScores(
        species=species_table(table, curves, weights, f_beta=counts, beta=beta),
        groups=group_table(table, weights),
        confusion=confusion_table(table),
        precision_recall=curve_table(curves),
        tomograms=tomogram_table(found.tomograms.names, found.counts),
        judged=judged(found.matches, picks, truth),
        missed=rows_of(truth, ~found.matches.is_found),
        localisation=localisation(found.matches),
        f1=f1[0],
        f1_interval=f1[1],
        species_f1=species_f1[0],
        species_f1_interval=species_f1[1],
        strict_f1=float(table.mean(table.strict_f1)),
        f_beta=weighted[0],
        f_beta_interval=weighted[1],
    )
