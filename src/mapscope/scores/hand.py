"""The hand of a map of a protein: by its helices, or by a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.body import Body, Fits
from mapscope.density.fitting import fit_globally
from mapscope.density.frame import flip_hand
from mapscope.density.pose import Poses, distinct
from mapscope.density.probe import Probe, Target, probe_of, target_of, without_detail
from mapscope.density.refinement import Refined, refine
from mapscope.density.rotation_search import search
from mapscope.errors import DataError
from mapscope.progress import Progress, part, silent
from mapscope.scores.helix import axis_rotations, ideal_helix
from mapscope.simulate.rigid_body import density_of_atoms
from mapscope.volume import Volume

Floats: TypeAlias = npt.NDArray[np.float64]
Hand: TypeAlias = Literal["right", "wrong", "cannot tell"]

COARSEST_VOXEL = 2.1
"""Å; larger voxels cannot show how a helix turns."""

LEAST_SCORE = 6.0
"""Standard errors by which one hand must fit better than the other; places are not independent."""

_RESIDUES = 12
_DETAIL, _VOXELS, _SEARCHED = 4.0, 2.2, 5.0
_SPACING = 18.0
_APART, _FOUND, _TRIED = 2.5, 2000, 300
_SITES_APART = 4.0
_SHARE, _POINTS, _STEPS = 0.1, 1500, 10
_SITES, _LEAST_SITES = 20, 5
_AZIMUTHS = 6
_MARGIN = 0.1  # of correlation, between the hands of a model


@dataclass(frozen=True, eq=False)
class Helices:
    """Places in a map that look like helices of either hand, the best first.

    Parameters
    ----------
    positions : float64 array (n, 3)
        Å, z, y, x.
    right, left : float64 arrays (n,)
        Correlation about the mean with the best right-handed and left-handed helix there.
    """

    positions: Floats
    right: Floats
    left: Floats

    @property
    def score(self) -> float:
        """Mean of right minus left in its standard errors; 0 where there are too few."""
        if len(self.right) < _LEAST_SITES:
            return 0.0
        difference = self.right - self.left
        error = float(difference.std(ddof=1)) / np.sqrt(len(difference))
        return float(difference.mean() / max(error, 1e-6))

    @property
    def hand(self) -> Hand:
        """What the score says."""
        if abs(self.score) < LEAST_SCORE:
            return "cannot tell"
        return "right" if self.score > 0 else "wrong"


def find_helices(volume: Volume, *, device: str = "cpu", progress: Progress = silent) -> Helices:
    """Where a map looks like an alpha helix of twelve residues, right-handed or left-handed.

    A right-handed helix is sought in the map and in its mirror image, so that both hands have
    equal chances. At each of the best places helices of both hands are then refined from six
    turns about the axis and in both directions.

    Parameters
    ----------
    volume : Volume
        A map of a protein better than about 4.5 Å.
    device : str
        What computes.
    progress : callable
        Called once per batch of orientations and of places.

    Raises
    ------
    DataError
        If the voxels are too coarse.
    """
    size = max(volume.voxel_size)
    if size > COARSEST_VOXEL:
        raise DataError(
            f"voxels of {size:.3g} Å cannot show which way helices turn: the hand can be told "
            f"from maps better than about 4.5 Å, with voxels of at most {COARSEST_VOXEL:g} Å"
        )
    detail = max(_DETAIL, _VOXELS * size)
    right = _helix(detail).sampled(_POINTS, 0)
    target = target_of(volume, detail, device, None)
    mirror = flip_hand(volume)
    found = [
        _places(volume, right, target, detail, device, part(progress, 0, 2, 5)),
        _places(
            mirror,
            right,
            target_of(mirror, detail, device, None),
            detail,
            device,
            part(progress, 2, 4, 5),
        ),
    ]
    poses = Poses.joined([found[0].poses, _mirrored(found[1].poses, volume)])
    order = np.argsort(-np.concatenate([f.correlations for f in found]), kind="stable")
    poses = poses[_apart(poses[order], order)]
    progress(4, 5, "comparing hands")
    left = Probe(right.offsets * _FLIP, right.values, right.slopes * _FLIP)
    scores = [_best_of_turns(probe, target, poses, detail) for probe in (right, left)]
    progress(5, 5, "comparing hands")
    best = np.argsort(-np.maximum(*scores), kind="stable")[:_SITES]
    return Helices(poses.positions[best], scores[0][best], scores[1][best])


_FLIP = np.array([1.0, -1.0, 1.0])
"""Mirrors a helix along z and leaves its axis and direction as they are."""


def _helix(resolution: float) -> Probe:
    """The right-handed helix as a probe."""
    density = density_of_atoms(ideal_helix(_RESIDUES), resolution)
    return probe_of(density, np.zeros(3), _SHARE * float(density.data.max()))


def _places(
    volume: Volume,
    probe: Probe,
    target: Target,
    detail: float,
    device: str,
    progress: Progress,
) -> Refined:
    """The best places of a right-handed helix in a map."""
    coarse = max(detail, _SEARCHED)
    found = search(
        without_detail(volume, coarse),
        density_of_atoms(ideal_helix(_RESIDUES), coarse),
        np.zeros(3),
        resolution=coarse,
        rotations=axis_rotations(_SPACING),
        most=_FOUND,
        device=device,
        progress=progress,
    )
    poses = found.poses[distinct(found.poses, probe.radius, _APART, _TRIED)]
    refined = refine(probe, target, poses, steps=_STEPS, reach=detail / 4).ranked()
    kept = _apart(refined.poses, np.arange(len(refined.poses)))
    return refined.chosen(kept[: 2 * _SITES])


def _apart(ranked: Poses, numbers: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Numbers of those, best first, whose centres are apart from all better ones."""
    kept: list[int] = []
    for number, place in enumerate(ranked.positions):
        far = np.linalg.norm(ranked.positions[kept] - place, axis=1) > _SITES_APART
        if far.all():
            kept.append(number)
    return numbers[kept]


def _mirrored(poses: Poses, volume: Volume) -> Poses:
    """Poses found in the mirror image of a map, as axes and places in the map."""
    across = np.array([-1.0, 1.0, 1.0])
    last = volume.grid.world_from_index(np.asarray(volume.shape) - 1)[0]
    positions = poses.positions * across + [volume.origin[0] + last, 0, 0]
    # Mirroring the body as well leaves a proper rotation.
    return Poses(across[:, None] * poses.rotations * _FLIP, positions)


def _best_of_turns(probe: Probe, target: Target, poses: Poses, detail: float) -> Floats:
    """Best correlation (n,) of a probe at each pose, whichever way it turns about its axis."""
    starts = [
        Poses(poses.rotations @ _about_axis(number) @ direction, poses.positions)
        for number in range(_AZIMUTHS)
        for direction in (np.eye(3), np.diag([-1.0, -1.0, 1.0]))
    ]
    found = refine(probe, target, Poses.joined(starts), steps=_STEPS, reach=detail / 4)
    return np.asarray(found.correlations.reshape(len(starts), -1).max(axis=0))


def _about_axis(number: int) -> Floats:
    """One of the turns about z at which a helix begins."""
    angle = 2 * np.pi * number / _AZIMUTHS
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])


def hand_by_model(
    body: Body,
    volume: Volume,
    resolution: float,
    *,
    device: str = "cpu",
    progress: Progress = silent,
) -> tuple[Hand, Fits, Fits]:
    """The hand in which a model fits, wherever it is, and its fits in the map and its mirror.

    Parameters
    ----------
    body : Body
        The model.
    volume : Volume
        The map.
    resolution : float
        Å of detail that is compared.
    device : str
        What computes.
    progress : callable
        As in `fit_globally`, twice.
    """
    here = fit_globally(
        body, volume, resolution, alternatives=1, device=device, progress=part(progress, 0, 1, 2)
    )
    mirror = flip_hand(volume)
    there = fit_globally(
        body, mirror, resolution, alternatives=1, device=device, progress=part(progress, 1, 2, 2)
    )
    return _judged(here, there), here, there


def _judged(here: Fits, there: Fits) -> Hand:
    """The hand in which a model truly fits, if that is much better than the other."""
    better, worse = sorted((here, there), key=lambda fits: -fits.correlations[0])
    is_clear = better.correlations[0] * (1 - _MARGIN) >= worse.correlations[0]
    if not (better.is_true and is_clear):
        return "cannot tell"
    return "right" if better is here else "wrong"
