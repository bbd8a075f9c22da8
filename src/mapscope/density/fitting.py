"""A body put into a map as one rigid piece, and whether it belongs there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mapscope.density.body import Body, Fits, Floats, Kind
from mapscope.density.frame import region_around_positions
from mapscope.density.pose import Poses, distinct, even_rotations
from mapscope.density.probe import Probe, Target, target_of, without_detail
from mapscope.density.refinement import Refined, correlations, readings, refine
from mapscope.density.rotation_search import search
from mapscope.progress import Progress, part, silent
from mapscope.volume import Region, Volume

ROTATION_SPACING = 22.0
"""Degrees between the orientations that are tried."""

_COARSE, _COARSEST, _LEAST_COARSE = 0.45, 20.0, 8.0  # of the radius; Å
_NEAR, _FAR_ENOUGH = 0.3, 10.0  # of the radius, and Å: how coarse a local fit begins
_FOUND, _TRIED, _KEPT = 3000, 200, 50
_FEW_POINTS, _MORE_POINTS, _ALL_POINTS = 1500, 3000, 20_000
_STEPS = 12
_APART = 1.0  # Å between two final fits
_ALIKE, _AS_GOOD = 0.7, 0.8  # correlations that make two fits copies of each other
_WRONG = 24


@dataclass(frozen=True)
class _Search:
    """What all steps of a fit share."""

    body: Body
    volume: Volume
    resolution: float
    seed: int
    device: str

    def target(self, resolution: float, region: Region | None = None) -> Target:
        """The map, or a part of it, at a resolution."""
        return target_of(self.volume, resolution, self.device, region)

    def refined(self, full: Probe, poses: Poses, resolution: float, progress: Progress) -> Refined:
        """Poses refined at a resolution, with a part of a probe's points."""
        probe, target = full.sampled(_MORE_POINTS, self.seed), self.target(resolution)
        reach = resolution / 3
        return refine(probe, target, poses, steps=_STEPS, reach=reach, progress=progress)

    def around_body(self) -> Region:
        """Voxels that the body may reach where it is, however it turns."""
        margin = self.body.reach + 2 * self.resolution
        region = region_around_positions(self.body.pivot[None], self.volume.grid, margin)
        return region.clipped(self.volume.shape)


def fit_locally(
    body: Body,
    volume: Volume,
    resolution: float,
    *,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> Fits:
    """The best fit near where a body is.

    Parameters
    ----------
    body : Body
        What is moved.
    volume : Volume
        The map.
    resolution : float
        Å of detail that is compared.
    seed : int
        Of the points and the wrong fits.
    device : str
        What computes.
    progress : callable
        Called between the steps.

    Raises
    ------
    GridError
        If the body lies outside the map.
    DataError
        If it is too small for the resolution.
    """
    given = _Search(body, volume, resolution, seed, device)
    region = given.around_body()
    rough = max(resolution, min(_NEAR * body.radius, _FAR_ENOUGH))
    poses = body.start
    if rough > 1.2 * resolution:
        progress(0, 4, "refining the fit")
        probe = body.probe(rough).sampled(_MORE_POINTS, seed)
        target = given.target(rough, region)
        poses = refine(probe, target, poses, steps=_STEPS, reach=rough / 3).poses
    progress(1, 4, "refining the fit")
    full, target = body.probe(resolution), given.target(resolution, region)
    for most in (_MORE_POINTS, _ALL_POINTS):
        probe = full.sampled(most, seed)
        found = refine(probe, target, poses, steps=_STEPS, reach=resolution / 3)
        poses = found.poses
    progress(3, 4, "trying wrong fits")
    wrong = _wrong_near(full.sampled(_FEW_POINTS, seed), target, poses, resolution, seed)
    progress(4, 4, "trying wrong fits")
    return Fits(poses, found.correlations, ("best",), wrong)


def _wrong_near(probe: Probe, target: Target, best: Poses, resolution: float, seed: int) -> Floats:
    """Correlations of a probe and of its mirror image, turned at random where it is."""
    from scipy.spatial.transform import Rotation

    random = np.random.default_rng(seed)
    turns = Rotation.random(_WRONG, random_state=random).as_matrix()
    shifts = random.normal(0, probe.radius / 4, (_WRONG, 3))
    starts = Poses(turns, best.positions + shifts)
    mirrored = refine(probe.mirrored(), target, starts, steps=_STEPS, reach=resolution / 3)
    turned = refine(probe, target, starts, steps=_STEPS, reach=resolution / 3)
    is_far = turned.poses.distances(best, probe.radius) > resolution
    # What the body's own symmetry brings back is not wrong.
    is_worse = turned.correlations < _AS_GOOD * correlations(probe, target, best)[0]
    return np.concatenate([mirrored.correlations, turned.correlations[is_far & is_worse]])


def fit_globally(
    body: Body,
    volume: Volume,
    resolution: float,
    *,
    alternatives: int = 10,
    spacing: float = ROTATION_SPACING,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> Fits:
    """The best fits anywhere in a map, wherever the body is.

    All positions are tried by FFT for evenly spread orientations at low resolution, and the
    best are refined in three steps towards the full one.

    Parameters
    ----------
    body, volume, resolution, seed, device
        As in :func:`fit_locally`.
    alternatives : int
        How many to give at most.
    spacing : float
        Degrees between orientations that are tried.
    progress : callable
        Called once per batch of orientations and of fits.

    Raises
    ------
    DataError
        If it is too small for the resolution.
    """
    given = _Search(body, volume, resolution, seed, device)
    low = float(np.clip(_COARSE * body.radius, max(resolution, _LEAST_COARSE), _COARSEST))
    low = max(low, resolution)
    found = _coarse(given, low, spacing, part(progress, 0, 6, 10))
    middle = max(resolution, (low + resolution) / 2)
    found = given.refined(body.probe(middle), found.poses, middle, part(progress, 6, 7, 10))
    found = _distinct(found, body.radius, middle / 6, _KEPT)
    full, target = body.probe(resolution), given.target(resolution)
    found = given.refined(full, found.poses, resolution, part(progress, 7, 9, 10))
    found = _distinct(found, body.radius, _APART, _KEPT)
    probe, reach = full.sampled(_MORE_POINTS, seed), resolution / 3
    kinds = _kinds(body, probe, target, found, resolution)
    others = [k for k, kind in enumerate(kinds) if kind == "other"]
    mirrored = refine(probe.mirrored(), target, found.poses[:_WRONG], steps=_STEPS, reach=reach)
    wrong = np.concatenate([found.correlations[others], mirrored.correlations])
    final = full.sampled(_ALL_POINTS, seed)
    best = refine(final, target, found.poses[:alternatives], steps=_STEPS, reach=reach).ranked()
    progress(1, 1, "refining")
    kinds = _kinds(body, probe, target, best, resolution)
    return Fits(best.poses, best.correlations, kinds, wrong)


def _coarse(given: _Search, low: float, spacing: float, progress: Progress) -> Refined:
    """Distinct fits at low resolution, best first."""
    body = given.body
    found = search(
        without_detail(given.volume, low),
        body.density(low),
        body.pivot,
        resolution=low,
        rotations=even_rotations(spacing),
        most=_FOUND,
        device=given.device,
        progress=part(progress, 0, 4, 5),
    )
    poses = found.poses[distinct(found.poses, body.radius, low / 3, _TRIED)]
    probe = body.probe(low).sampled(_FEW_POINTS, given.seed)
    tell = part(progress, 4, 5, 5)
    refined = refine(probe, given.target(low), poses, steps=_STEPS, reach=low / 3, progress=tell)
    return _distinct(refined, body.radius, low / 3, _KEPT)


def _distinct(found: Refined, radius: float, apart: float, most: int) -> Refined:
    """The best first, without those that have met."""
    ranked = found.ranked()
    return ranked.chosen(distinct(ranked.poses, radius, apart, most))


def _kinds(
    body: Body, probe: Probe, target: Target, found: Refined, resolution: float
) -> tuple[Kind, ...]:
    """What each of the fits, best first, is to the best."""
    best = found.poses[0]
    is_as_good = found.correlations >= _AS_GOOD * found.correlations[0]
    own = target_of(body.density(resolution), resolution, str(target.data.device), None)
    moves = found.poses.relative_to(best)
    there = Poses(moves.rotations, moves.positions + body.pivot)
    onto_itself = correlations(probe, own, there) >= _ALIKE
    read = readings(probe, target, found.poses)
    read = read - read.mean(axis=1, keepdims=True)
    norms = np.maximum(np.linalg.norm(read, axis=1), 1e-20)
    alike = read @ read[0] / (norms * norms[0]) >= _ALIKE
    kinds: list[Kind] = ["other"] * len(found.poses)
    for k in np.flatnonzero(is_as_good):
        if onto_itself[k]:
            kinds[k] = "symmetry of the body"
        elif alike[k]:
            kinds[k] = "symmetry of the map"
    kinds[0] = "best"
    return tuple(kinds)
