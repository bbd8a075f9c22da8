"""Soft masks around the molecule in a map."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.density.distance import distance_within
from mapscope.density.fourier import low_pass
from mapscope.density.level import is_cut_out
from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Volume

_DEVIATIONS = 0.9
_DEVIATIONS_CUT_OUT = 0.5
_PLANES_AT_ONCE = 16


def automatic_threshold(data: Array, *, cut_out: bool | None = None) -> float:
    """A density that separates molecule from solvent in a map low-pass filtered to about 6 Å.

    Mean plus 0.9 standard deviations of all voxels; plus 0.5 where the map was cut out around
    a model, since there is no noise to keep away from. So chosen, at least 95 % of the Cα and
    P atoms lie inside on 20 of 21 EM and X-ray maps; in the other, parts of the model have
    no density.

    Parameters
    ----------
    data : array (z, y, x)
        Density, positive.
    cut_out : bool, optional
        Whether the map was cut out; `None` looks at these data, which must then not be
        filtered.

    Raises
    ------
    DataError
        If all voxels are equal.
    """
    cut = is_cut_out(data) if cut_out is None else cut_out
    mean = float(data.mean(dtype=np.float64))
    square = sum(float(((plane - mean) ** 2).sum(dtype=np.float64)) for plane in data)
    deviation = float(np.sqrt(square / data.size))
    if not deviation > 1e-6 * abs(mean):
        raise DataError(f"the map is constant ({mean:g} everywhere): nothing can be masked in it")
    return mean + (_DEVIATIONS_CUT_OUT if cut else _DEVIATIONS) * deviation


def make_mask(
    volume: Volume,
    *,
    threshold: float | None = None,
    low_pass_resolution: float | None = 6.0,
    dilation: float = 3.0,
    soft_edge: float = 6.0,
    smallest_part: float = 0.05,
    progress: Progress = silent,
) -> Volume:
    """A mask around the molecule: 1 inside, 0 outside, with a raised-cosine edge.

    Parameters
    ----------
    volume : Volume
        The map.
    threshold : float, optional
        Density above which the filtered map is inside; `None` chooses by
        :func:`automatic_threshold`.
    low_pass_resolution : float, optional
        Å of a Gaussian filter before the threshold, at least three voxels; `None` does not
        filter. Noisy half maps want 10 to 15.
    dilation : float
        Å by which the inside grows.
    soft_edge : float
        Å over which the mask falls from 1 to 0.
    smallest_part : float
        Separate parts smaller than this share of the largest, 0 to 1, are dust and left
        out; 1 keeps only the largest, 0 all.
    progress : callable
        Called once per plane and step.

    Returns
    -------
    Volume
        float32, 0 to 1, on the grid of the map.

    Raises
    ------
    InputError
        If a length or share is out of range.
    DataError
        If the map is constant or nothing is above the threshold.
    """
    if min(dilation, soft_edge) < 0 or not 0 <= smallest_part <= 1:
        raise InputError(
            f"dilation and soft_edge must be at least 0 Å and smallest_part 0 to 1, "
            f"got {dilation}, {soft_edge} and {smallest_part}"
        )
    inside = _inside(volume, threshold, low_pass_resolution, part(progress, 0, 1, 3))
    kept = without_dust(inside, smallest_part, progress=part(progress, 1, 2, 3))
    return soft_mask(volume, kept, dilation, soft_edge, progress=part(progress, 2, 3, 3))


def _inside(
    volume: Volume, threshold: float | None, resolution: float | None, progress: Progress
) -> npt.NDArray[np.bool_]:
    """Voxels of the filtered map at and above the threshold.

    Raises
    ------
    DataError
        If there are none.
    """
    data = volume.float32()
    if resolution is not None:
        coarse = max(resolution, 3 * max(volume.voxel_size))
        data = low_pass(volume, coarse, edge="gaussian", progress=progress).float32()
    if volume.contrast < 0:
        data = -data
    progress(1, 1, "threshold")
    level = threshold
    if level is None:
        level = automatic_threshold(data, cut_out=is_cut_out(volume.data))
    inside: npt.NDArray[np.bool_] = data >= level
    if not inside.any():
        raise DataError(f"no voxel of the filtered map reaches the threshold {level:g}: lower it")
    return inside


def without_dust(
    inside: Array, smallest_part: float, *, progress: Progress = silent
) -> npt.NDArray[np.bool_]:
    """The parts of a binary map that are at least `smallest_part` of the size of the largest.

    Parameters
    ----------
    inside : bool array (z, y, x)
        Voxels that share a face belong to one part.
    smallest_part : float
        0 to 1.
    progress : callable
        Called once per 16 planes.
    """
    from scipy.ndimage import label

    progress(0, 1, "separate parts")
    parts, number = label(inside)
    sizes = np.zeros(number + 1, dtype=np.int64)
    slabs = [slice(z, z + _PLANES_AT_ONCE) for z in range(0, len(inside), _PLANES_AT_ONCE)]
    for slab in slabs:
        progress(0, 1, "separate parts")
        sizes += np.bincount(parts[slab].ravel(), minlength=number + 1)
    sizes[0] = 0
    kept = (sizes >= smallest_part * sizes.max()) & (sizes > 0)
    result = np.empty(inside.shape, dtype=np.bool_)
    for index, slab in enumerate(slabs):
        progress(index, len(slabs), "separate parts")
        result[slab] = kept[parts[slab]]
    return result


def soft_mask(
    volume: Volume,
    inside: Array,
    dilation: float,
    soft_edge: float,
    *,
    progress: Progress = silent,
) -> Volume:
    """A mask on the grid of `volume` that is 1 up to `dilation` Å from the voxels inside.

    Beyond, it falls as a raised cosine to 0 over `soft_edge` Å.

    Parameters
    ----------
    volume : Volume
        Gives the grid.
    inside : bool array (z, y, x)
        The molecule.
    dilation, soft_edge : float
        Å, 0 or more.
    progress : callable
        Called once per plane and axis.
    """
    reach = dilation + soft_edge
    distance = distance_within(inside, volume.voxel_size, reach, progress=progress)
    if soft_edge == 0:
        within = inside | (distance < reach) if reach else inside
        values = within.astype(np.float32)
    else:
        along = np.clip((distance - np.float32(dilation)) / np.float32(soft_edge), 0, 1)
        values = np.float32(0.5) + np.float32(0.5) * np.cos(np.float32(np.pi) * along)
    grid = volume.grid
    return Volume(values, grid.voxel_size, grid.origin, volume.header)
