"""What a map that a network says is judged by, batched: one number for each sample.

Maps are (n, 1, z, y, x). A target that is constant, as that of a window of noise is, has neither a
variance nor shells: its errors count as they are, and its shells do not.
"""

from __future__ import annotations

from functools import lru_cache

import torch

_VOXELS = (-4, -3, -2, -1)
_CONSTANT = 1e-8
"""Variance up to which a map is constant."""

_NO_POWER = 1e-6
"""Share of the strongest shell's mean power up to which a shell has none."""

_LARGEST_LOG = 12.0


def square_error(map: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: A002
    """Mean squared error over the target's variance, (n,); 1 is as good as the target's mean.

    Examples
    --------
    >>> target = torch.arange(8.0).reshape(1, 1, 2, 2, 2)
    >>> square_error(torch.full_like(target, 3.5), target)
    tensor([1.])
    """
    return (map - target).square().mean(_VOXELS) / _scale(target)


def absolute_error(map: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: A002
    """Mean size of the error over the target's standard deviation, (n,)."""
    return (map - target).abs().mean(_VOXELS) / _scale(target).sqrt()


def overlap_error(map: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: A002
    """What is missing to full overlap, 1 - 2 sum(pg) / (sum(p²) + sum(g²)), (n,).

    It is 0 for equal maps and 1 for maps with nothing in common, where neither is below 0; unlike
    a correlation it knows the scale of a map.

    References
    ----------
    Mullick, Wang, Yadav & Barati Farimani, "Learning super-resolution electron density map of
    proteins using 3D U-Net", section 3.2.
    """
    both = (map.square() + target.square()).sum(_VOXELS)
    return 1 - 2 * (map * target).sum(_VOXELS) / both.clamp(min=_CONSTANT)


def variance_error(
    map: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    log_variance: torch.Tensor,
) -> torch.Tensor:
    """Negative logarithm of the Gaussian likelihood of a target, less a constant, (n,).

    Only the variance learns from it. A map that did would learn least where it errs most, because
    there the variance soon is large (Seitzer et al. 2022, arXiv:2203.09168).

    Parameters
    ----------
    map, target, log_variance : tensor (n, 1, z, y, x)
        What is said, what is true, and the natural logarithm of the variance that is said of it.
    """
    log_variance = log_variance.clamp(-_LARGEST_LOG, _LARGEST_LOG)
    square = (map.detach() - target).square()
    return 0.5 * (log_variance + square * torch.exp(-log_variance)).mean(_VOXELS)


def shell_error(map: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: A002
    """What is missing to a correlation of 1, mean over Fourier shells, (n,); 0 for noise.

    Shells in which the target has no power do not count, nor does what lies beyond Nyquist.
    """
    correlation, counts = shell_correlations(map, target)
    number = counts.sum(dim=1)
    missing = ((1 - correlation) * counts).sum(dim=1)
    return missing / number.clamp(min=1)


def peak_error(map: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: A002
    """How high what is said of noise rises, (n,); 0 for targets that are not constant.

    The eighth root of the mean eighth power of the distance from the target, squared: it looks at
    the few highest voxels, which the squared error hardly does.

    Examples
    --------
    >>> peak_error(torch.full((1, 1, 2, 2, 2), 3.0), torch.ones(1, 1, 2, 2, 2))
    tensor([4.])
    """
    square = (map - target).float().square()
    height = square.pow(4).mean(_VOXELS).clamp(min=_CONSTANT**4).pow(0.25)
    return torch.where(_variance(target) > _CONSTANT, torch.zeros_like(height), height)


def shell_correlations(
    map: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Correlation of two maps in each Fourier shell, and which shells count, (n, shells) each.

    Parameters
    ----------
    map, target : tensor (n, 1, z, y, x)
        Maps of any device; computed in float32.

    Returns
    -------
    tuple of tensor
        From the first shell above frequency 0 to Nyquist of the shortest edge.
    """
    shape = (int(map.shape[-3]), int(map.shape[-2]), int(map.shape[-1]))
    index, weights = _shells(shape, map.device)
    with torch.autocast(map.device.type, enabled=False):
        ours, theirs = (torch.fft.rfftn(m.float(), dim=(-3, -2, -1)) for m in (map, target))
        cross = (ours.real * theirs.real + ours.imag * theirs.imag).flatten(1)
        sums = [
            _summed(values * weights, index, min(shape) // 2)
            for values in (cross, _power(ours), _power(theirs))
        ]
    product, power, true = sums
    mean = true / _summed(weights[None], index, min(shape) // 2)
    counts = (mean > _NO_POWER * mean.amax(dim=1, keepdim=True)) & (_variance(target) > _CONSTANT)[
        :, None
    ]
    scale = torch.where(counts, true, torch.ones_like(true))
    # Relative to the target, so that the floor means the same for maps of any size.
    relative = (power / scale).clamp(min=1e-8)
    correlation = product / scale / relative.sqrt()
    return torch.where(counts, correlation, torch.zeros_like(correlation)), counts


def _power(waves: torch.Tensor) -> torch.Tensor:
    """Squared amplitudes, (n, coefficients)."""
    return (waves.real.square() + waves.imag.square()).flatten(1)


def _summed(values: torch.Tensor, index: torch.Tensor, shells: int) -> torch.Tensor:
    """Sums of coefficients (n, coefficients) in each shell, (n, shells)."""
    # One shell more before and behind takes frequency 0 and the corners beyond Nyquist.
    sums = values.new_zeros((len(values), shells + 2))
    return sums.index_add(1, index, values)[:, 1:-1]


@lru_cache(maxsize=8)
def _shells(shape: tuple[int, int, int], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Shell of each coefficient of a half spectrum, and how many of the whole one it stands for."""
    shells = min(shape) // 2
    z, y = (torch.fft.fftfreq(n, device=device) for n in shape[:2])
    x = torch.fft.rfftfreq(shape[2], device=device)
    radius = (z[:, None, None].square() + y[:, None].square() + x.square()).sqrt()
    index = (radius * min(shape)).round().long().clamp(max=shells + 1)
    weights = torch.full(radius.shape, 2.0, device=device)
    weights[..., 0] = 1.0
    if shape[2] % 2 == 0:
        weights[..., -1] = 1.0
    return index.flatten(), weights.flatten()


def _variance(target: torch.Tensor) -> torch.Tensor:
    """Variance of each map over its voxels, (n,)."""
    return target.var(dim=_VOXELS, correction=0)


def _scale(target: torch.Tensor) -> torch.Tensor:
    """Variance of each target, (n,); 1 for those that are constant."""
    variance = _variance(target)
    return torch.where(variance > _CONSTANT, variance, torch.ones_like(variance))


def correlation(map: torch.Tensor, target: torch.Tensor) -> torch.Tensor:  # noqa: A002
    """Pearson's correlation of maps over their voxels, (n,); NaN where one is constant.

    Examples
    --------
    >>> map = torch.arange(8.0).reshape(1, 1, 2, 2, 2)
    >>> correlation(map, 3 - 2 * map)
    tensor([-1.])
    """
    ours, theirs = (m.double() - m.double().mean(_VOXELS, keepdim=True) for m in (map, target))
    squares = ours.square().mean(_VOXELS), theirs.square().mean(_VOXELS)
    is_constant = torch.minimum(*squares) <= _CONSTANT
    found = (ours * theirs).mean(_VOXELS) / (squares[0] * squares[1]).sqrt().clamp(min=1e-30)
    return torch.where(is_constant, torch.nan, found).float()
