"""Particles found by what they look like, and how much better they fit than a wrong template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from mapscope.cache import shared
from mapscope.density.fourier import low_pass
from mapscope.errors import Cancelled, InputError, Partial
from mapscope.job import Key, Show, job
from mapscope.particles import Particles, cubic_edge, in_tomogram
from mapscope.picking.candidates import (
    automatic_threshold,
    highest_of,
    joined,
    one_by_chance,
    resolved,
)
from mapscope.picking.correlation import Searched
from mapscope.picking.filtering import rows_of
from mapscope.picking.mask_distance import is_in_mask
from mapscope.picking.matching import Match, Schedule, match
from mapscope.picking.rotations import crowther_spacing
from mapscope.picking.score_histogram import score_histogram
from mapscope.picking.template import Template, prepared
from mapscope.picking.transfer import Microscope, Transfer, tilts_of_table
from mapscope.picking.wedge import TiltRange
from mapscope.progress import Progress, part, show_so_far, silent
from mapscope.record import checksum_of
from mapscope.table import Table
from mapscope.volume import Region, Volume

_COARSE, _COARSEST = 3.0, 30.0
_LOOK = 45.0  # degrees, in a region


@dataclass(frozen=True)
class MatchedTemplate:
    """Particles that fit a template, best first.

    Parameters
    ----------
    picks : Particles
        Where they are, how they are turned and, by name, what. The score is the correlation in
        standard deviations of what the template gives at random places and orientations.
        Columns: ``ccc``, the correlation; ``sigma``, that deviation; ``control``, the control's
        best score nearby, in its own deviations; ``radius`` in Å.
    scores : Volume
        The best correlation of each voxel, at the coarse angles, in the same unit; voxels are
        those in which these were tried.
    histogram : Table
        How many picks there are of each score, and of the control by chance.
    number : int
        How many were picked.
    threshold : float
        Score that they had to reach; the lowest where several templates have their own.
    note : str
        What was searched, and what to know of it.
    """

    picks: Particles
    scores: Volume
    histogram: Table
    number: Annotated[int, Key("picks")]
    threshold: Annotated[float, Key("threshold", "σ")]
    note: str


@job(live=True, menu="napari/layers/annotate", memory=4.0, by_parts=True)
def match_template(
    volume: Volume,
    template: Volume | None = None,
    mask: Volume | None = None,
    template_mask: Volume | None = None,
    tilts: Table | None = None,
    *,
    templates: Annotated[Path | None, Show(browse="folder", more=True)] = None,
    species: Annotated[str, Show(more=True)] = "particle",
    lowest_tilt: Annotated[float | None, Field(ge=-90, le=90), Show(unit="°")] = None,
    highest_tilt: Annotated[float | None, Field(ge=-90, le=90), Show(unit="°")] = None,
    threshold: Annotated[float | None, Field(ge=0), Show(unit="σ")] = None,
    most: Annotated[int | None, Field(ge=1), Show(more=True)] = None,
    symmetry: str = "C1",
    angle: Annotated[float | None, Field(ge=1, le=90), Show(unit="°", more=True)] = None,
    coarse_angle: Annotated[float | None, Field(ge=1, le=90), Show(unit="°", more=True)] = None,
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å", more=True)] = None,
    diameter: Annotated[float | None, Field(gt=0), Show(unit="Å", more=True)] = None,
    defocus: Annotated[float | None, Show(unit="Å", more=True)] = None,
    voltage: Annotated[float, Field(gt=0), Show(unit="kV", more=True)] = 300.0,
    phases_flipped: Annotated[bool, Show(more=True)] = False,
    to_first_zero: Annotated[bool, Show(more=True)] = False,
    control: Annotated[
        Literal["scrambled", "mirrored", "sphere", "none"], Show(more=True)
    ] = "scrambled",
    overlaps: Annotated[Literal["resolve", "keep"], Show(more=True)] = "resolve",
    distance: Annotated[float | None, Field(ge=0), Show(unit="Å", more=True)] = None,
    contrast: Annotated[Literal["auto", "dark", "bright"], Show(more=True)] = "auto",
    region: Annotated[Region | None, Show(more=True)] = None,
    state: Annotated[Path | None, Show(browse="folder", more=True)] = None,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> MatchedTemplate:
    """Picks of everything that fits a template better than it fits a wrong one.

    The template is turned into all orientations, filtered as the tomogram was, and correlated
    with every voxel; then the best places are searched at finer angles. A wrong template, as
    large and of the same power but without the shape, is searched for in the same way: what
    scores no higher than that was found by chance, or because it is dense.

    Parameters
    ----------
    volume : Volume
        The tomogram, best neither denoised nor filtered.
    template : Volume, optional
        What to look for, about its voxel n // 2, in voxels of any size. Either this or a folder
        of templates is needed.
    mask : Volume, optional
        Where to pick, above 0.5, on any grid.
    template_mask : Volume, optional
        Where the template is compared, 0 to 1, in its frame. Without one a soft ball, which is
        three times as fast.
    tilts : Table, optional
        Of the tilt series: columns tilt (°), defocus (Å) and dose (e/Å² until then). With it
        every frequency is weighted as it was measured.
    templates : Path, optional
        A folder of templates; the name of each file is the species.
    species : str
        Name of the one template.
    lowest_tilt : float, optional
        Of the tilt series, about the y axis, where there is no table of tilts.
    highest_tilt : float, optional
        Its other end.
    threshold : float, optional
        Score that a pick must reach. Auto: where twenty picks come to one of the control; without
        a control, what is expected once by chance.
    most : int, optional
        Only so many of each species are picked, the best.
    symmetry : str
        Point group of the template about its voxel n // 2: C1, C4, D2, T, O, I.
    angle : float, optional
        Between the orientations that are tried last. Auto: as the size of the particle and the
        finest detail demand; in a region, for a first look, 22.5.
    coarse_angle : float, optional
        Between those that are tried everywhere. Auto: three times what the voxels in which they
        are tried demand, at most 30; in a region 45.
    resolution : float, optional
        Finest detail that is compared. Auto: two voxels.
    diameter : float, optional
        Of the ball in which the template is compared. Auto: as the template.
    defocus : float, optional
        Positive for underfocus, where there is no table of tilts.
    voltage : float
        Of the microscope.
    phases_flipped : bool
        Whether the tomogram was corrected so that no frequency has inverted contrast.
    to_first_zero : bool
        Whether only frequencies below the first zero of the contrast transfer are compared.
    control : str
        The wrong template: of scrambled phases, mirrored, a ball, or none.
    overlaps : str
        Whether only the best of picks that lie in one place stays, or all.
    distance : float, optional
        How near another pick may lie. Auto: the particle's radius.
    contrast : str
        Whether particles are darker or brighter than what is around them. Auto: as the tomogram
        says of itself.
    region : Region, optional
        Search only in this box of voxels (z0:z1,y0:y1,x0:x1).
    state : Path, optional
        A folder in which the search keeps what it has, so that the same search goes on there
        after it was stopped.
    device : str
        What computes. Auto takes a graphics card where there is one.
    seed : int
        Of the scrambled phases.
    progress : Progress
        Called once per tile and block of orientations.

    Returns
    -------
    MatchedTemplate
        The picks, the map of scores and the histogram.

    Raises
    ------
    InputError
        If there is no template, a folder holds none, or an angle, a tilt or the symmetry makes
        no sense.
    GridError
        If the voxels are not cubes, or the region lies outside.
    DataError
        If tomogram or template is constant.
    Partial
        If it was stopped: the best until then.

    References
    ----------
    .. [1] Frangakis et al. (2002) Proc. Natl Acad. Sci. USA 99, 14153-14158.
    .. [2] Roseman (2003) Ultramicroscopy 94, 225-236.
    """
    from mapscope.density.symmetry import rotations_of_group
    from mapscope.simulate.device import chosen_device

    voxel, group, on = cubic_edge(volume.grid), rotations_of_group(symmetry), chosen_device(device)
    sign = {"auto": volume.contrast, "bright": 1, "dark": -1}[contrast]
    transfer = Transfer(
        () if tilts is None else tilts_of_table(tilts),
        _range(lowest_tilt, highest_tilt),
        defocus,
        Microscope(voltage=voltage, is_flipped=phases_flipped, to_first_zero=to_first_zero),
        resolution,
    )
    box = Region((0, 0, 0), volume.shape) if region is None else region.clipped(volume.shape)
    asked = (checksum_of(volume), sign, str(box), control, seed, most, symmetry)
    ready = [
        prepared(given, voxel, name=name, mask=template_mask, diameter=diameter, transfer=transfer)
        for name, given in _named(template, templates, species)
    ]
    matches: list[Match] = []

    def result(*, is_last: bool = False, also: Match | None = None) -> MatchedTemplate:
        every = matches if also is None else [*matches, also]
        chosen = _Choice(threshold, most, distance if overlaps == "resolve" else None, mask)
        return _result(volume, box, every, chosen, overlaps, is_last=is_last)

    for number, one in enumerate(ready):
        schedule = _schedule(one, voxel, group, angle, coarse_angle, is_look=region is not None)
        angles = (schedule.coarse, schedule.fine, schedule.is_halved)
        key = ("match", *asked, one.checksum(), *angles)

        def look(
            one: Template = one,
            schedule: Schedule = schedule,
            key: tuple[object, ...] = key,
            number: int = number,
        ) -> Match:
            return match(
                _searched(replace(volume, contrast=sign), box, resolution),
                one,
                schedule,
                control=None if control == "none" else control,
                most=most,
                seed=seed,
                state=None if state is None else (state, repr(key)),
                device=on,
                show=lambda so_far: show_so_far(progress, lambda: result(also=so_far())),
                progress=part(progress, number, number + 1, len(ready)),
            )

        try:
            matches.append(shared.get(key, look))
        except Cancelled as stop:
            share = number / len(ready)
            if isinstance(stop, Partial):
                matches.append(stop.result)
                share += stop.share / len(ready)
            if not matches:
                raise
            raise Partial(result(), share) from stop
    return result(is_last=True)


def _named(
    template: Volume | None, templates: Path | None, species: str
) -> list[tuple[str, Volume]]:
    """The templates with their names.

    Raises
    ------
    InputError
        If there is none, or a folder holds something else.
    """
    from mapscope import files

    named = [] if template is None else [(species.strip() or "particle", template)]
    if templates is not None:
        paths = sorted(templates.iterdir()) if templates.is_dir() else [templates]
        for path in paths:
            if path.is_file() and not path.name.startswith("."):
                found = files.read(path)
                if isinstance(found, Volume):
                    named.append((path.name.partition(".")[0], found))
    if not named:
        raise InputError(
            "there is no template: choose a map, or a folder of maps (templates); Make template "
            "makes one from a structure"
        )
    twice = {name for name, _ in named if [n for n, _ in named].count(name) > 1}
    if twice:
        raise InputError(f"several templates are called {min(twice)}: rename one")
    return named


def _range(lowest: float | None, highest: float | None) -> TiltRange | None:
    """The range of tilts, None where neither end is given."""
    if lowest is None and highest is None:
        return None
    if lowest is None or highest is None:
        raise InputError("a tilt range has two ends: give the lowest and the highest tilt")
    return TiltRange(lowest, highest)


def _schedule(
    template: Template,
    voxel: float,
    group: npt.NDArray[np.float64],
    angle: float | None,
    coarse: float | None,
    *,
    is_look: bool,
) -> Schedule:
    """Angles between orientations, those that were not given by the size of the particle.

    The coarse ones are tried in larger voxels where these hold all detail that so coarse angles
    can tell apart.
    """
    finest = (template.transfer.resolution if template.transfer else None) or 0.0

    def turn(voxels: float) -> float:
        """Degrees that move the particle's rim by one detail in voxels of this size."""
        return crowther_spacing(2 * template.radius, max(2 * voxels, finest))

    widest = coarse or (_LOOK if is_look else _COARSEST)
    fine = angle or max(turn(voxel), _LOOK / 2 if is_look else 0.0)
    is_halved = turn(2 * voxel) <= widest
    usual = min(_COARSE * turn(2 * voxel if is_halved else voxel), widest)
    everywhere = coarse or (_LOOK if is_look else usual)
    return Schedule(max(fine, everywhere), fine, group, is_halved)


def _searched(volume: Volume, region: Region, resolution: float | None) -> Searched:
    """The tomogram, without the detail that does not count."""
    if resolution is not None:
        volume = low_pass(volume, max(resolution, 2 * max(volume.voxel_size)))
    return Searched.of(volume, region)


@dataclass(frozen=True)
class _Choice:
    """Which hits are picks.

    Parameters
    ----------
    threshold : float, optional
        Score that they must reach.
    most : int, optional
        How many of each species at most.
    room : float, optional
        Å around each in which no worse one stays; None takes its radius.
    mask : Volume, optional
        Where they must lie.
    """

    threshold: float | None
    most: int | None
    room: float | None
    mask: Volume | None

    def inside(self, particles: Particles) -> Particles:
        """Those in the mask."""
        if self.mask is None:
            return particles
        return rows_of(particles, is_in_mask(particles.positions, self.mask))

    def level(self, picks: Particles, chance: Particles, one: Match, *, is_last: bool) -> float:
        """The threshold for the picks of one template.

        At coarse angles a particle may fit no better than what is as dense: the control says
        nothing before the finer ones.
        """
        if self.threshold is not None:
            return self.threshold
        if one.wrong is None or not is_last:
            return one_by_chance(one.right.tries)
        return max(0.0, automatic_threshold(_scores(picks), _scores(chance)))


def _result(
    volume: Volume,
    region: Region,
    matches: Sequence[Match],
    choice: _Choice,
    overlaps: str,
    *,
    is_last: bool,
) -> MatchedTemplate:
    """Picks, map and histogram of what was found."""
    every, chances, kept, levels = [], [], [], []
    for one in matches:
        picks = choice.inside(one.picks(volume.grid, region))
        chance = choice.inside(one.chance(volume.grid, region))
        level = choice.level(picks, chance, one, is_last=is_last)
        good = rows_of(picks, _scores(picks) >= level)
        kept.append(rows_of(good, np.arange(min(len(good), choice.most or len(good)))))
        every.append(picks)
        chances.append(chance)
        levels.append(level)
    picks = joined(kept)
    if overlaps == "resolve" and len(picks):
        picks = resolved(picks, picks.columns["radius"] if choice.room is None else choice.room)
    threshold, groups = min(levels), {"template": every, "control": chances}
    found = [match.right for match in matches]
    # Each has the tomogram's voxels or such that are twice as large.
    finest = min(found, key=lambda one: one.grid.voxel_size).grid
    return MatchedTemplate(
        picks=in_tomogram(picks, volume.grid),
        scores=Volume(
            highest_of([(one.best.scores, one.grid, one.best_unit) for one in found], finest),
            finest.voxel_size,
            finest.origin,
        ),
        histogram=score_histogram(
            {name: np.concatenate([_scores(p) for p in group]) for name, group in groups.items()},
            "score (σ)",
            {f"{threshold:.1f} σ": threshold},
            f"{len(picks):,} picks; {sum(map(_above(threshold), chances)):,} of the control",
        ),
        number=len(picks),
        threshold=threshold,
        note=_note(matches, is_last=is_last),
    )


def _above(threshold: float) -> Callable[[Particles], int]:
    """Counts those that reach a threshold."""
    return lambda particles: int((_scores(particles) >= threshold).sum())


def _scores(particles: Particles) -> npt.NDArray[np.float64]:
    """Scores, which all picks of this job have."""
    return np.empty(0) if particles.score is None else particles.score


def _note(matches: Sequence[Match], *, is_last: bool) -> str:
    """How it was searched, in words."""
    said = []
    for one in matches:
        best, template = one.right.best, one.right.template
        said.append(
            f"{template.name}: {best.finished:,} orientations everywhere, "
            f"{len(one.right.hits):,} places looked at"
        )
    if not is_last:
        said.append("stopped before the finer angles")
    return "; ".join(said)
