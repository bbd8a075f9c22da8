"""Bringing two maps onto one scale, and their difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, filter_radial, transform
from mapscope.density.shells import shell_mean_amplitude
from mapscope.errors import DataError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume, require_same_grid


@dataclass(frozen=True)
class ScaleFit:
    """``scale · map + offset`` that comes nearest to the reference.

    Parameters
    ----------
    scale, offset : float
        Factor, and what is added after it.
    correlation : float
        Pearson's correlation of map and reference, weighted by the mask.
    """

    scale: float
    offset: float
    correlation: float


def fit_scale(
    volume: Volume, reference: Volume, mask: Volume | None = None, *, progress: Progress = silent
) -> ScaleFit:
    """Least-squares scale and offset of one map to another.

    Parameters
    ----------
    volume, reference : Volume
        Maps on one grid.
    mask : Volume, optional
        Weight of each voxel, on the same grid; `None` weights all alike.
    progress : callable
        Called once per z plane.

    Raises
    ------
    GridError
        If the grids differ.
    DataError
        If `volume` is constant where it counts, or the mask is empty.
    """
    require_same_grid(volume, reference, "the map", "the reference")
    if mask is not None:
        require_same_grid(volume, mask, "the map", "the mask")
    sums = np.zeros(6)
    for plane in range(volume.shape[0]):
        progress(plane, volume.shape[0], "fitting the scale")
        a = volume.data[plane].astype(np.float64)
        b = reference.data[plane].astype(np.float64)
        w = np.ones_like(a) if mask is None else mask.data[plane].astype(np.float64)
        sums += [x.sum() for x in (w, w * a, w * b, w * a * a, w * a * b, w * b * b)]
    return _solved(sums)


def _solved(sums: npt.NDArray[np.float64]) -> ScaleFit:
    """The fit from the weighted sums of 1, a, b, a², ab, b².

    Raises
    ------
    DataError
        If they determine none.
    """
    if sums[0] <= 0:
        raise DataError("the mask is 0 everywhere: make one that covers the molecule")
    mean_a, mean_b, aa, ab, bb = sums[1:] / sums[0]
    variance, covariance = aa - mean_a**2, ab - mean_a * mean_b
    if not variance > 1e-12 * aa:
        raise DataError("the map is constant where it is compared: no scale can be fitted")
    scale = covariance / variance
    other = max(bb - mean_b**2, 0.0)
    correlation = covariance / np.sqrt(variance * other) if other > 0 else 0.0
    return ScaleFit(float(scale), float(mean_b - scale * mean_a), float(correlation))


def scaled(volume: Volume, fit: ScaleFit) -> Volume:
    """The map times the scale plus the offset, float32."""
    return volume.with_data(volume.float32() * np.float32(fit.scale) + np.float32(fit.offset))


def match_amplitudes(volume: Volume, reference: Volume, *, progress: Progress = silent) -> Volume:
    """The map with the mean amplitude of the reference in each Fourier shell.

    Coefficients between shell centres get a gain that is linear in frequency; the mean and
    what lies beyond the last shell get that of the nearest shell, phases stay.

    Parameters
    ----------
    volume, reference : Volume
        Maps; grids may differ in all but the box's longest edge, since only frequencies are
        compared.
    progress : callable
        Called once per z plane.
    """
    shells, others = Shells(volume.grid), Shells(reference.grid)
    own = _amplitudes(volume, shells, part(progress, 0, 1, 3))
    wanted = _amplitudes(reference, others, part(progress, 1, 2, 3))
    wanted = np.interp(shells.frequency, others.frequency, wanted)
    ratio = np.divide(wanted, own, out=np.zeros_like(own), where=own > 0)
    return filter_radial(
        volume,
        lambda f: np.interp(f, shells.frequency[1:], ratio[1:]),
        progress=part(progress, 2, 3, 3),
    )


def _amplitudes(volume: Volume, shells: Shells, progress: Progress) -> npt.NDArray[np.float64]:
    """Mean amplitude in each shell, shape (shells,)."""
    return shell_mean_amplitude(transform(volume.data), shells, progress=progress)


def subtract(volume: Volume, other: Volume, fit: ScaleFit | None = None) -> Volume:
    """`volume` less `other`, the latter scaled by `fit` where one is given.

    Raises
    ------
    GridError
        If the grids differ.
    """
    require_same_grid(volume, other)
    taken = other if fit is None else scaled(other, fit)
    return volume.with_data(volume.float32() - taken.float32())
