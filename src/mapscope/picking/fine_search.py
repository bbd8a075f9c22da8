"""Places and orientations that a coarse search found, made finer where they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.picking.correlation import Searched
from mapscope.picking.peaks import refined
from mapscope.picking.rotations import turns_around
from mapscope.picking.template import Template
from mapscope.progress import Progress, part, silent

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]

_REACH = 1  # voxels that a particle may move in each step
_AROUND = (2 * _REACH + 1) ** 3
_AT_ONCE = 2_000_000  # voxels of kernels
_KERNELS = 2**26  # voxels of kernels that many places share
_SAMPLES, _TURNS = 256, 8  # places and orientations for a deviation
_NORMAL = 1.4826  # deviation of a normal distribution over the median of its sizes


@dataclass(frozen=True, eq=False)
class Hits:
    """Places where a template fits.

    Parameters
    ----------
    places : float64 array (n, 3)
        Voxels of the region, z, y, x.
    rotations : float64 array (n, 3, 3)
        The template's there.
    scores : float64 array (n,)
        Correlation coefficients.
    """

    places: Floats
    rotations: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: npt.NDArray[np.generic] | slice) -> Hits:
        return Hits(self.places[rows], self.rotations[rows], self.scores[rows])


def made_finer(
    searched: Searched,
    template: Template,
    hits: Hits,
    *,
    spacing: float,
    finest: float,
    every: Floats | None = None,
    device: str = "cpu",
    progress: Progress = silent,
) -> Hits:
    """Hits at the best orientation and the best place, finer than voxels, near where they were.

    Angles are halved until they are no wider than `finest`; each time 27 orientations around the
    last one and 27 voxels around the last place are tried.

    Parameters
    ----------
    searched : Searched
        The tomogram.
    template : Template
        The template.
    hits : Hits
        What the coarse search found, at whole voxels.
    spacing : float
        Degrees between the orientations that it tried.
    finest : float
        Degrees between those that are tried last.
    every : float64 array (r, 3, 3), optional
        Orientations that are all tried at each place first, if places and orientations are those
        of larger voxels.
    device : str
        What computes.
    progress : callable
        Called once per batch.
    """
    if every is not None and len(hits):
        half = part(progress, 0, 1, 2)
        hits = _best_of(every, searched, template, hits, device, half)
        progress = part(progress, 1, 2, 2)
    steps = _steps(spacing, finest)
    turns = [turns_around(step) for step in steps] + [np.eye(3)[None]]
    batch = max(1, _AT_ONCE // (_AROUND * template.edge**3))
    places, rotations = np.rint(hits.places), np.array(hits.rotations)
    scores = np.array(hits.scores)
    for first in range(0, len(hits), batch):
        rows = slice(first, first + batch)
        for level, around in enumerate(turns):
            done = first * len(turns) + level * len(places[rows])
            progress(done, len(hits) * len(turns), f"refining {template.name}")
            tried = rotations[rows, None] @ around
            is_last = level == len(turns) - 1
            found = _scores(searched, template, places[rows], tried, device, is_rough=not is_last)
            count = len(found)
            best = found.reshape(count, -1).argmax(axis=1)
            which, moves = _choices(best)
            if is_last:
                places[rows], scores[rows] = _finer_than_voxels(places[rows], found[:, 0])
                break
            rotations[rows] = tried[np.arange(count), which]
            places[rows] += moves
    progress(1, 1, f"refining {template.name}")
    return Hits(places, rotations, scores)


def _best_of(
    rotations: Floats,
    searched: Searched,
    template: Template,
    hits: Hits,
    device: str,
    progress: Progress,
) -> Hits:
    """The best of some orientations, the same for all hits, and of 27 voxels around each."""
    size = len(_support(template))
    at_once, batch = max(1, _KERNELS // size), max(1, _AT_ONCE // (_AROUND * template.edge**3))
    places, found = np.rint(hits.places), np.array(hits.rotations)
    best, moved = np.full(len(hits), -np.inf), np.zeros((len(hits), 3))
    total = math.ceil(len(rotations) / at_once) * len(hits)
    for number, start in enumerate(range(0, len(rotations), at_once)):
        some = rotations[start : start + at_once]
        kernels, masks = _ready(template, some, device, is_rough=True)
        for first in range(0, len(hits), batch):
            progress(number * len(hits) + first, total, f"refining {template.name}")
            rows = np.arange(first, min(first + batch, len(hits)))
            shifted = _shifted(searched, template, places[rows], device)
            scores = _coefficients(kernels[None], masks[None], shifted).reshape(len(rows), -1)
            which, moves = _choices(scores.argmax(axis=1))
            highest = scores.max(axis=1)
            better = highest > best[rows]
            best[rows[better]] = highest[better]
            found[rows[better]], moved[rows[better]] = some[which[better]], moves[better]
    return Hits(places + moved, found, best)


def _choices(best: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], Floats]:
    """Which orientation, and by how many voxels to move, from places in (r, 27) scores."""
    which, voxel = np.divmod(best, _AROUND)
    moves = np.stack(np.unravel_index(voxel, (2 * _REACH + 1,) * 3), axis=1) - _REACH
    return which, moves.astype(np.float64)


def deviation(
    searched: Searched, template: Template, rotations: Floats, *, device: str = "cpu"
) -> float:
    """Standard deviation of single coefficients where a template has nothing to find.

    Of random orientations at random places, from the median of their sizes, so that a particle
    here and there does not count; coefficients of what is empty do not either.

    Parameters
    ----------
    searched : Searched
        The tomogram.
    template : Template
        The template.
    rotations : float64 array (n, 3, 3)
        Orientations to choose from.
    device : str
        What computes.
    """
    random = np.random.default_rng(0)
    batch, found = max(1, _AT_ONCE // (_TURNS * template.edge**3)), []
    for first in range(0, _SAMPLES, batch):
        count = min(batch, _SAMPLES - first)
        places = random.integers(0, searched.shape, (count, 3)).astype(np.float64)
        some = rotations[random.integers(0, len(rotations), (count, _TURNS))]
        scores = _scores(searched, template, places, some, device, is_rough=True)
        found.append(scores.ravel())
    sizes = np.abs(np.concatenate(found))
    sizes = sizes[sizes > 0]
    return _NORMAL * float(np.median(sizes)) if len(sizes) else 1.0


def _steps(spacing: float, finest: float) -> list[float]:
    """Angles of the levels, each half of the one before."""
    levels = max(0, math.ceil(math.log2(spacing / finest) - 1e-6))
    return [spacing / 2 ** (level + 1) for level in range(levels)]


def _finer_than_voxels(places: Floats, found: Floats) -> tuple[Floats, Floats]:
    """Places and scores at the top of a parabola through scores (n, 27) around them."""
    # Each cube of 27 is its own part of one long map.
    cubes = found.reshape(-1, 3, 3)
    middles = 3 * np.arange(len(places))[:, None] * [1, 0, 0] + 1
    tops, heights = refined(cubes, middles)
    return places + tops - middles, heights


def _scores(
    searched: Searched,
    template: Template,
    places: Floats,
    rotations: Floats,
    device: str,
    *,
    is_rough: bool,
) -> Floats:
    """Coefficients (n, r, 27) of orientations (n, r, 3, 3) at 27 voxels around places."""
    count, number = rotations.shape[:2]
    kernels, masks = _ready(template, rotations.reshape(-1, 3, 3), device, is_rough=is_rough)
    masks = masks.reshape(min(count, len(masks)), -1, masks.shape[1])
    shifted = _shifted(searched, template, places, device)
    return _coefficients(kernels.reshape(count, number, -1), masks, shifted)


def _ready(
    template: Template, rotations: Floats, device: str, *, is_rough: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Kernels (r, m) and masks of sum 1, (r, m) or one for all, where they may have anything."""
    import torch

    inside = torch.as_tensor(_support(template), device=device)
    kernels = template.kernels(rotations, device, is_rough=is_rough).flatten(1)[:, inside]
    masks = template.masks(rotations, device).flatten(1)[:, inside]
    return kernels, masks / masks.sum(dim=1, keepdim=True)


def _coefficients(kernels: torch.Tensor, masks: torch.Tensor, shifted: torch.Tensor) -> Floats:
    """Coefficients (n, r, 27) of kernels and masks (n or 1, r or 1, m) with windows (n, m, 27)."""
    mean = _products(masks, shifted)
    variance = _products(masks, shifted**2) - mean**2
    found = _products(kernels, shifted) * variance.clamp_min(1e-6).rsqrt() * (variance > 1e-6)
    return found.cpu().numpy().astype(np.float64)


def _products(kernels: torch.Tensor, shifted: torch.Tensor) -> torch.Tensor:
    """Sums over the voxels, one large product where the kernels are the same for all places."""
    if len(kernels) == len(shifted):
        return kernels @ shifted
    count = len(shifted)
    found = kernels[0] @ shifted.transpose(0, 1).flatten(1)
    return found.view(-1, count, _AROUND).transpose(0, 1)


def _support(template: Template) -> npt.NDArray[np.int64]:
    """Voxels of the box that a kernel may have anything in."""
    if template.fine_mask is not None:
        return np.arange(template.mask.size)
    return np.flatnonzero(template.mask > 0)


def _shifted(searched: Searched, template: Template, places: Floats, device: str) -> torch.Tensor:
    """What lies under the box (n, m, 27) at each of the 27 voxels around places."""
    import torch

    inside = torch.as_tensor(_support(template), device=device)
    edge, found = template.edge, []
    for place in places:
        lower = place.astype(np.int64) - edge // 2 - _REACH
        box = torch.as_tensor(searched.box(lower, (edge + 2 * _REACH,) * 3), device=device)
        cubes = box.unfold(0, edge, 1).unfold(1, edge, 1).unfold(2, edge, 1)
        found.append(cubes.reshape(_AROUND, -1)[:, inside].T)
    return torch.stack(found)
