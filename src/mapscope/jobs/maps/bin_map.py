"""A whole number of voxels made one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mapscope.density.frame import pad
from mapscope.density.resample import every_nth_voxel, resample_fourier
from mapscope.density.tiles import is_large
from mapscope.job import job
from mapscope.progress import Progress, silent
from mapscope.volume import Volume


@job(menu="napari/layers/transform", memory=6.0, by_parts=True)
def bin_map(
    volume: Volume,
    *,
    factor: Annotated[int, Field(ge=2, le=32)] = 2,
    progress: Progress = silent,
) -> Volume:
    """Map with voxels larger by a whole factor, cropped in Fourier space.

    Detail that the larger voxels can hold stays exactly as it was; finer detail is cut off
    without aliasing, which averaging of voxels does not do. A box that the factor does not
    divide is first padded at its far end with the mean of its faces, so that the voxel size is
    exactly the multiple. Of a map of over a gigabyte, detail near the limit is cut off softly,
    tile by tile.

    Parameters
    ----------
    volume : Volume
        The map.
    factor : int
        Voxels along each axis that become one.
    progress : Progress
        Called once per transform.

    Returns
    -------
    binned : Volume
        The map; its first voxel lies where it lay.
    """
    if is_large(volume):
        return every_nth_voxel(volume, factor, progress=progress)
    rest_z, rest_y, rest_x = (-n % factor for n in volume.shape)
    whole = pad(volume, (0, 0, 0), (rest_z, rest_y, rest_x))
    z, y, x = (n // factor for n in whole.shape)
    return resample_fourier(whole, (z, y, x), progress=progress)
