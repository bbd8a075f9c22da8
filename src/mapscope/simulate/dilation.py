"""Maps made worse as in Mullick et al.: density inflated, blurred, and made noisy.

The paper names the three steps and their order and gives none of the numbers.
:class:`Dilation` holds them, :func:`drawn_dilation` draws them, :func:`dilate_and_blur` does
what they say; equal numbers give equal maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, part, silent
from mapscope.simulate.noise import stream
from mapscope.volume import Array, Shape, Triple, Volume

_TOLERANCE = 1e-6
_REACH = 4.0  # widths at which the Gaussian filter is cut off


@dataclass(frozen=True)
class Dilation:
    """How far density is inflated and blurred, and how noisy it becomes.

    Parameters
    ----------
    radius : float
        Å of the ball whose largest density each voxel gets; one that reaches no neighbouring
        voxel changes nothing.
    blur : float
        Å, standard deviation of the Gaussian filter.
    noise : float
        Standard deviation of the white Gaussian noise over that of the blurred map.
    seed : int
        Of the noise.

    Raises
    ------
    InputError
        If a number is negative.
    """

    radius: float
    blur: float
    noise: float
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.radius, self.blur, self.noise) < 0:
            raise InputError(
                f"radius, blur and noise are at least 0, got {self.radius}, {self.blur} and "
                f"{self.noise}"
            )


MULLICK = Dilation(radius=1.5, blur=1.1, noise=0.1)
"""The numbers for that paper's experiment, fixed before any network was trained.

On a 1 Å grid they take 20 crystal maps from a median EMRinger score of 7.2 to one of 2.1, about
what the inputs in the paper's table 1 have (2.0 to 2.4); ``benchmarks/paper_000_degradation.py``
says which maps, and what else becomes of them.
"""


@dataclass(frozen=True)
class DilationRanges:
    """Lowest and highest value of each number of a `Dilation`, which is drawn evenly between."""

    radius: tuple[float, float] = (1.0, 2.0)
    blur: tuple[float, float] = (0.6, 1.4)
    noise: tuple[float, float] = (0.05, 0.3)


def drawn_dilation(seed: int, ranges: DilationRanges | None = None) -> Dilation:
    """The numbers that a seed stands for.

    Examples
    --------
    >>> drawn_dilation(1) == drawn_dilation(1), drawn_dilation(1) == drawn_dilation(2)
    (True, False)
    """
    wide = ranges or DilationRanges()
    random = stream(seed, "parameters")
    radius, blur, noise = (random.uniform(*ends) for ends in (wide.radius, wide.blur, wide.noise))
    return Dilation(radius, blur, noise, seed)


def dilate_and_blur(volume: Volume, dilation: Dilation, *, progress: Progress = silent) -> Volume:
    """The map after grey dilation by a ball, a Gaussian filter and white Gaussian noise.

    Parameters
    ----------
    volume : Volume
        The map.
    dilation : Dilation
        How much of each.
    progress : callable
        Called once per neighbour of the ball, axis and slab.

    Returns
    -------
    Volume
        float32, on the grid of the map.

    Raises
    ------
    DataError
        If the map is constant.

    References
    ----------
    Mullick, Wang, Yadav & Barati Farimani, "Learning super-resolution electron density map of
    proteins using 3D U-Net", section 2 (order of the steps).
    """
    data = volume.float32() * np.float32(volume.contrast)
    if not float(data.std(dtype=np.float64)) > 1e-6 * abs(float(data.mean(dtype=np.float64))):
        raise DataError(f"the map is constant ({float(data.flat[0]):g}): nothing can be degraded")
    inflated = dilate(data, volume.voxel_size, dilation.radius, progress=part(progress, 0, 1, 3))
    blurred = _blurred(inflated, volume.voxel_size, dilation.blur, part(progress, 1, 2, 3))
    if dilation.noise > 0:
        progress(2, 3, "noise")
        deviation = dilation.noise * float(blurred.std(dtype=np.float64))
        random = stream(dilation.seed, "map")
        blurred += np.float32(deviation) * random.standard_normal(blurred.shape, dtype=np.float32)
    progress(1, 1, "noise")
    return volume.with_data(blurred * np.float32(volume.contrast))


def dilate(
    data: Array, voxel_size: Triple, radius: float, *, progress: Progress = silent
) -> npt.NDArray[np.float32]:
    """Largest value within `radius` Å of each voxel; voxels outside the map do not count.

    Parameters
    ----------
    data : array (z, y, x)
        Density, positive.
    voxel_size : tuple of float
        Å along z, y, x.
    radius : float
        Å; a voxel belongs to the ball where its centre does.
    progress : callable
        Called once per voxel of the ball.
    """
    source = np.asarray(data, dtype=np.float32)
    result = source.copy()
    offsets = list(ball(voxel_size, radius))
    for number, offset in enumerate(offsets):
        progress(number, len(offsets), "dilation")
        here, there = _overlap(source.shape, offset)
        np.maximum(result[here], source[there], out=result[here])
    progress(1, 1, "dilation")
    return result


def ball(voxel_size: Triple, radius: float) -> Iterator[Shape]:
    """Offsets in voxels (z, y, x) of the voxels within `radius` Å of one, without itself.

    Examples
    --------
    >>> len(list(ball((1.0, 1.0, 1.0), 1.0))), len(list(ball((1.0, 1.0, 1.0), 1.5)))
    (6, 18)
    """
    reach = [int(radius / size + _TOLERANCE) for size in voxel_size]
    for z, y, x in product(*(range(-n, n + 1) for n in reach)):
        square = sum((n * size) ** 2 for n, size in zip((z, y, x), voxel_size, strict=True))
        if 0 < square <= (radius + _TOLERANCE) ** 2:
            yield (z, y, x)


def _overlap(shape: tuple[int, ...], offset: Shape) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Voxels that have a neighbour at `offset`, and these neighbours."""
    pairs = list(zip(offset, shape, strict=True))
    here = tuple(slice(max(0, -o), max(0, n - max(0, o))) for o, n in pairs)
    there = tuple(slice(max(0, o), max(0, n - max(0, -o))) for o, n in pairs)
    return here, there


def _blurred(
    data: npt.NDArray[np.float32], voxel_size: Triple, blur: float, progress: Progress
) -> npt.NDArray[np.float32]:
    """The map under a Gaussian filter of `blur` Å, continued by its faces."""
    from scipy.ndimage import gaussian_filter1d

    if blur == 0:
        return data
    for axis, size in enumerate(voxel_size):
        progress(axis, 3, "Gaussian filter")
        data = gaussian_filter1d(data, blur / size, axis, mode="nearest", truncate=_REACH)
    return data
