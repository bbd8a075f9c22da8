"""A template searched for in a tomogram, and a wrong one beside it: coarse, then fine.

References
----------
Frangakis et al. (2002) PNAS 99, 14153 (template matching); Rickgauer et al. (2017) eLife 6,
e25648 (scores in standard deviations of single coefficients); Elias & Gygi (2007) Nat. Methods
4, 207 (how many of what was found is wrong, from a search for what cannot be there).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapscope.errors import Cancelled, Partial
from mapscope.particles import Particles
from mapscope.picking.candidates import (
    Noise,
    best_places,
    highest_around,
    in_deviations,
    is_chance,
    worth_refining,
)
from mapscope.picking.controls import Control, control_of
from mapscope.picking.correlation import Search, Searched
from mapscope.picking.fine_search import Hits, deviation, made_finer
from mapscope.picking.peaks import best_apart
from mapscope.picking.rotations import search_rotations
from mapscope.picking.running_best import RunningBest
from mapscope.picking.template import Template, halved
from mapscope.progress import Progress, part, silent
from mapscope.volume import Grid, Region

Floats = npt.NDArray[np.float64]

_LEAST_HEIGHT = 3.0  # standard deviations above noise that a place needs to be looked at
_AT_PLACES = 2 / 3  # of the angle between orientations everywhere, that at the best places
_FILLED, _MOST = 0.3, 4000  # share of the tomogram that particles may fill; places at most
_SHARE_COARSE = {False: 0.8, True: 0.5}  # of the time, in the tomogram's voxels and in larger


@dataclass(frozen=True)
class Schedule:
    """Which orientations are tried.

    Parameters
    ----------
    coarse : float
        Degrees between those that are tried everywhere.
    fine : float
        Degrees between those that are tried last around the best; `coarse` for none.
    group : float64 array (m, 3, 3), optional
        Rotations of the template's symmetry.
    is_halved : bool
        Whether the coarse ones are tried in voxels twice as large, an eighth of the work.
    """

    coarse: float
    fine: float
    group: Floats | None = None
    is_halved: bool = False


@dataclass(frozen=True, eq=False)
class Found:
    """What one template gave.

    Parameters
    ----------
    template : Template
        The template.
    best : RunningBest
        The best score of each voxel, at coarse angles.
    grid : Grid
        The voxels of that.
    best_unit : float
        Standard deviation of single coefficients there.
    hits : Hits
        The best places.
    unit : float
        Standard deviation of single coefficients of theirs.
    tries : float
        How many places and orientations were compared.
    """

    template: Template
    best: RunningBest
    grid: Grid
    best_unit: float
    hits: Hits
    unit: float
    tries: float

    @property
    def heights(self) -> Hits:
        """The hits with scores in standard deviations."""
        return replace(self.hits, scores=in_deviations(self.hits.scores, self.unit))

    def highest_around(self, positions: Floats, radius: float) -> Floats:
        """Best score in deviations within so many Å of each position."""
        places = self.grid.index_from_world(positions)
        found = highest_around(self.best.scores, places, radius / self.grid.voxel_size[0])
        return in_deviations(found, self.best_unit)


@dataclass(frozen=True, eq=False)
class Match:
    """A template and its control in one tomogram.

    Parameters
    ----------
    right : Found
        The template's.
    wrong : Found, optional
        The control's.
    """

    right: Found
    wrong: Found | None

    def picks(self, grid: Grid, region: Region) -> Particles:
        """The template's hits, best first, scored in standard deviations of single coefficients."""
        found = _particles(self.right, grid, region)
        near = np.full(len(found), np.nan)
        if self.wrong is not None:
            places = grid.world_from_index(self.right.hits.places + region.lower)
            near = self.wrong.highest_around(places, 0.5 * self.right.template.radius)
        return replace(found, columns={**found.columns, "control": near})

    def chance(self, grid: Grid, region: Region) -> Particles:
        """What the control found by chance, scored as picks are."""
        if self.wrong is None:
            return _particles(self.right, grid, region, slice(0))
        reach = self.right.template.radius / grid.voxel_size[0]
        by_chance = is_chance(self.wrong.heights, self.right.heights, reach=reach)
        return _particles(self.wrong, grid, region, by_chance)


def _particles(
    found: Found,
    grid: Grid,
    region: Region,
    rows: npt.NDArray[np.bool_] | slice = slice(None),
) -> Particles:
    """Hits as particles of a tomogram of which a region was searched."""
    template, hits, heights = found.template, found.hits[rows], found.heights[rows].scores
    places = grid.world_from_index(hits.places + region.lower)
    count = len(hits)
    return Particles(
        # The template's own middle need not be that of its boxes.
        places - hits.rotations @ template.offset,
        hits.rotations,
        (template.name,) * count,
        heights,
        {
            "ccc": hits.scores,
            "sigma": np.full(count, found.unit),
            "radius": np.full(count, template.radius),
        },
    )


def match(
    searched: Searched,
    template: Template,
    schedule: Schedule,
    *,
    control: Control | None = "scrambled",
    most: int | None = None,
    seed: int = 0,
    state: tuple[Path, str] | None = None,
    device: str = "cpu",
    show: Callable[[Callable[[], Match]], None] | None = None,
    progress: Progress = silent,
) -> Match:
    """A template and a wrong one searched for in a tomogram.

    Both are treated alike: the same orientations everywhere, then as many of the best places of
    each made finer.

    Parameters
    ----------
    searched : Searched
        The tomogram.
    template : Template
        The template.
    schedule : Schedule
        Which orientations are tried.
    control : {"scrambled", "mirrored", "sphere"}, optional
        The wrong template; None searches for none.
    most : int, optional
        Places that are made finer. None takes as many particles as could lie there.
    seed : int
        Of scrambled phases.
    state : path and str, optional
        Folder in which the search keeps what it has, and what it is a search of, so that it can
        be gone on with.
    device : str
        What computes.
    show : callable, optional
        Given, after each block of orientations, what makes a match of what is found so far at
        coarse angles, which takes a while.
    progress : callable
        Called once per block and tile, then once per batch of places.

    Returns
    -------
    Match
        What both gave.

    Raises
    ------
    Partial
        If it was told to stop: the match so far, at coarse angles.
    Cancelled
        If it was told to stop before all voxels were compared with anything.
    """
    count = _most(searched, template) if most is None else most
    wrong = None if control is None else control_of(template, control, searched.voxel_size, seed)
    runs = [_Run(searched, template, schedule, count, device, state)]
    if wrong is not None:
        runs.append(_Run(searched, wrong, schedule, count, device, state, control=control))
    total, share = sum(len(run.search.rotations) for run in runs), _SHARE_COARSE[schedule.is_halved]

    def done() -> float:
        return share * sum(run.search.best.finished for run in runs) / total

    def so_far() -> Match:
        return _match([run.found() for run in runs])

    try:
        while any(run.search.left for run in runs):
            for run in runs:
                if run.search.left:
                    ahead = share * min(run.search.block, run.search.left) / total
                    run.search.run_block(_between(progress, done(), done() + ahead))
            if show is not None:
                show(so_far)
        places = [run.places() for run in runs]
        heights = [run.heights(hits) for run, hits in zip(runs, places, strict=True)]
        count = worth_refining(heights[0], heights[1] if len(runs) > 1 else None)
        finer = _between(progress, share, 1.0)
        return _match(
            [
                run.finer(places[n][:count], part(finer, n, n + 1, len(runs)))
                for n, run in enumerate(runs)
            ]
        )
    except Cancelled as stop:
        if not done():
            raise
        raise Partial(so_far(), done()) from stop


def _match(found: list[Found]) -> Match:
    """What a template found, and its control if there is one."""
    return Match(found[0], found[1] if len(found) > 1 else None)


def _between(progress: Progress, first: float, last: float) -> Progress:
    """A progress for the part of a job from one share of it to another."""
    return part(progress, round(10_000 * first), round(10_000 * last), 10_000)


def _most(searched: Searched, template: Template) -> int:
    """As many places as particles could fill a good part of the tomogram."""
    volume = searched.voxel_size**3 * math.prod(searched.shape)
    one = 4 / 3 * np.pi * template.radius**3
    return int(np.clip(_FILLED * volume / one, 20, _MOST))


class _Run:
    """One template's search, and what it has found."""

    def __init__(
        self,
        searched: Searched,
        template: Template,
        schedule: Schedule,
        most: int,
        device: str,
        state: tuple[Path, str] | None,
        *,
        control: Control | None = None,
    ) -> None:
        self.searched, self.template = searched, template
        self.schedule, self.most, self.device = schedule, most, device
        coarse, kernel = searched, template
        if schedule.is_halved:
            coarse, kernel = searched.halved(), halved(template, searched.voxel_size)
        self.grid = coarse.volume.grid.cropped(coarse.region)
        if state is None:
            best = RunningBest.empty(coarse.shape)
        else:
            folder = state[0] / template.name.replace(" ", "_")
            best = RunningBest.in_folder(folder, coarse.shape, state[1])
        # A ball looks alike in all orientations. What is scrambled does not, nor has it the
        # template's symmetry, but gets as many chances.
        rotations = search_rotations(schedule.coarse, schedule.group)
        rotations = np.eye(3)[None] if control == "sphere" else rotations
        self.search = Search(coarse, kernel, rotations, best, device)

    @cached_property
    def unit(self) -> float:
        """Standard deviation of single coefficients in the search."""
        search = self.search
        return deviation(search.searched, search.template, search.rotations, device=self.device)

    @property
    def tries(self) -> float:
        """Places times orientations, those counted that finer angles stand for."""
        finer = (self.schedule.coarse / self.schedule.fine) ** 3
        return float(math.prod(self.searched.shape)) * len(self.search.rotations) * finer

    def heights(self, hits: Hits) -> Floats:
        """Scores of places that were not made finer, in standard deviations."""
        return in_deviations(hits.scores, self.unit)

    def places(self) -> Hits:
        """Its best places at coarse angles, in voxels of the tomogram's region."""
        noise = Noise.of(self.search.best.scores)
        hits = best_places(
            self.search.best,
            self.search.rotations,
            least=noise.level + _LEAST_HEIGHT * noise.spread,
            # A wrong pose beside a particle may be above the right one until both are finer.
            room=0.5 * self.template.radius / self.grid.voxel_size[0],
            most=self.most,
        )
        grid, lower = self.searched.volume.grid, self.searched.region.lower
        places = grid.index_from_world(self.grid.world_from_index(hits.places)) - lower
        # Where larger voxels reach beyond the region.
        return replace(hits, places=np.clip(places, 0, np.subtract(self.searched.shape, 1)))

    def found(self) -> Found:
        """What there is at coarse angles."""
        return self._found(self.places(), self.unit)

    def finer(self, hits: Hits, progress: Progress) -> Found:
        """The same with places made finer."""
        schedule, every, spacing = self.schedule, None, self.schedule.coarse
        if schedule.is_halved:
            # Larger voxels say little of the orientation: all are tried once more, more of them.
            spacing = max(schedule.fine, _AT_PLACES * schedule.coarse)
            every = search_rotations(spacing, schedule.group)
        hits = made_finer(
            self.searched,
            self.template,
            hits,
            spacing=spacing,
            finest=schedule.fine,
            every=every,
            device=self.device,
            progress=progress,
        )
        # Some have moved onto a better one.
        room = self.template.radius / self.searched.voxel_size
        kept = np.flatnonzero(best_apart(hits.places, hits.scores, room))
        hits = hits[kept[np.argsort(-hits.scores[kept], kind="stable")]]
        unit = self.unit
        if self.schedule.is_halved:
            rotations = self.search.rotations
            unit = deviation(self.searched, self.template, rotations, device=self.device)
        return self._found(hits, unit)

    def _found(self, hits: Hits, unit: float) -> Found:
        best = self.search.best
        return Found(self.template, best, self.grid, self.unit, hits, unit, self.tries)
