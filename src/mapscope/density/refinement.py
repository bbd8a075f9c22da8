r"""Poses refined until a body's density and a map agree best, many at once.

At a pose near the best one the map read at the body's points is the body's own density, scaled,
and moved a little: :math:`T \approx a\,(w + \nabla w \cdot \delta) + b`. The six numbers of the
move :math:`\delta` follow from linear least squares whose matrix depends on the body alone and
is inverted once, so that a step costs one reading of the map. What is raised is the correlation
about the mean of both over the body's points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.density.pose import Poses
from mapscope.density.probe import Probe, Target, generators
from mapscope.progress import Progress, silent

if TYPE_CHECKING:
    import torch

_LEAST_STEP = 1e-3
_POINTS_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Refined:
    """Poses, best or not, and how well each fits.

    Parameters
    ----------
    poses : Poses
        Where the body ended.
    correlations : float64 array (n,)
        About the mean, over the body's points.
    """

    poses: Poses
    correlations: npt.NDArray[np.float64]

    def chosen(self, which: npt.NDArray[np.intp] | list[int]) -> Refined:
        """Some of them, in the order given."""
        return Refined(self.poses[np.asarray(which)], self.correlations[np.asarray(which)])

    def ranked(self) -> Refined:
        """All, best first."""
        return self.chosen(np.argsort(-self.correlations, kind="stable"))


def correlations(probe: Probe, target: Target, poses: Poses) -> npt.NDArray[np.float64]:
    """Correlation about the mean of a probe's density with a map's at each pose, (n,)."""
    return refine(probe, target, poses, steps=0, reach=0.0).correlations


def readings(probe: Probe, target: Target, poses: Poses) -> npt.NDArray[np.float64]:
    """Density of a map at a probe's points at each pose, (n, points)."""
    import torch

    places = torch.as_tensor(poses.of(probe.offsets), dtype=torch.float32)
    return np.asarray(target.at(places.to(target.data.device)).cpu().double().numpy())


def refine(
    probe: Probe,
    target: Target,
    poses: Poses,
    *,
    steps: int,
    reach: float,
    progress: Progress = silent,
) -> Refined:
    """Poses moved uphill to the nearest best correlation.

    Parameters
    ----------
    probe : Probe
        The body.
    target : Target
        The map, at the same resolution.
    poses : Poses
        Where to begin.
    steps : int
        At most so many.
    reach : float
        Å that the body's points may move in one step, root mean square.
    progress : callable
        Called once per batch.

    References
    ----------
    .. [1] G. D. Evangelidis and E. Z. Psarakis, IEEE Trans. Pattern Anal. Mach. Intell. 30
       (2008) 1858-1865.
    """
    batch = max(1, _POINTS_AT_ONCE // len(probe))
    found = []
    for start in range(0, len(poses), batch):
        progress(start, len(poses), "refining")
        found.append(_refine(probe, target, poses[start : start + batch], steps, reach))
    progress(1, 1, "refining")
    return Refined(
        Poses.joined([f.poses for f in found]), np.concatenate([f.correlations for f in found])
    )


def _refine(probe: Probe, target: Target, poses: Poses, steps: int, reach: float) -> Refined:
    """One batch."""
    import torch

    def tensor(values: npt.ArrayLike) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values, dtype=np.float32), device=target.data.device)

    offsets, solver = tensor(probe.offsets), tensor(probe.solver)
    weights = tensor((probe.values - probe.values.mean()) / (probe.values.std() * len(probe)))
    turns = tensor(generators() / probe.radius)
    rotations, positions = tensor(poses.rotations), tensor(poses.positions)
    values, best = _read(target, offsets, weights, rotations, positions)
    move, size = _move(values, solver, reach), torch.ones_like(best)
    for _ in range(steps):
        step = move * size[:, None]
        if not (step.norm(dim=1) > _LEAST_STEP).any():
            break
        turned = rotations @ torch.matrix_exp(-torch.einsum("bk,kij->bij", step[:, :3], turns))
        shifted = positions - (turned @ step[:, 3:, None])[..., 0]
        values, score = _read(target, offsets, weights, turned, shifted)
        is_better = score > best
        rotations = torch.where(is_better[:, None, None], turned, rotations)
        positions = torch.where(is_better[:, None], shifted, positions)
        best = torch.where(is_better, score, best)
        move = torch.where(is_better[:, None], _move(values, solver, reach), move)
        size = torch.where(is_better, torch.ones_like(size), size / 3)
    matrices = _proper(rotations.cpu().double().numpy())
    return Refined(Poses(matrices, positions.cpu().double().numpy()), best.cpu().double().numpy())


def _read(
    target: Target,
    offsets: torch.Tensor,
    weights: torch.Tensor,
    rotations: torch.Tensor,
    positions: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Density at the points of each pose (b, n), and its correlation with the body's (b,)."""
    # One product of all rotations with all points: many small ones take several times as long.
    values = target.at((rotations @ offsets.T + positions[:, :, None]).transpose(1, 2))
    spread = values.std(dim=1, correction=0)
    return values, (values @ weights) / spread.clamp(min=1e-20)


def _move(values: torch.Tensor, solver: torch.Tensor, reach: float) -> torch.Tensor:
    """Three turns times the radius and three shifts (b, 6) that explain what was read, Å."""
    found = values @ solver.T
    # Where the body's density hardly explains the map the scale is near 0: then go one reach.
    floor = 1e-3 * values.std(dim=1, correction=0) * solver[0].norm() + 1e-30
    move = found[:, 2:] / found[:, :1].clamp(min=floor[:, None])
    share: torch.Tensor = reach / move.norm(dim=1, keepdim=True).clamp(min=reach + 1e-12)
    return move * share


def _proper(matrices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The nearest rotations to matrices (n, 3, 3) that are nearly so."""
    u, _, v = np.linalg.svd(matrices)
    return np.asarray(u @ v)
