"""A map made worse by dilation, blur and noise."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.simulate.dilation import MULLICK, Dilation, dilate_and_blur
from mapscope.volume import Volume


@job(menu="napari/layers/filter", memory=6.0)
def degrade_by_dilation(
    volume: Volume,
    *,
    radius: Annotated[float, Field(ge=0, le=10), Show(unit="Å")] = MULLICK.radius,
    blur: Annotated[float, Field(ge=0, le=10), Show(unit="Å")] = MULLICK.blur,
    noise: Annotated[float, Field(ge=0, le=100)] = MULLICK.noise,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> Volume:
    """Map inflated, blurred and made noisy, as crystal maps are to look like cryo-EM maps.

    Grey dilation by a ball, then a Gaussian filter, then white noise. Simple, and without any
    truth about resolution; Degrade map makes half maps whose quality is known.

    Parameters
    ----------
    volume : Volume
        The map, such as that of a crystal.
    radius : float
        Each voxel gets the largest density in a ball of this radius.
    blur : float
        Standard deviation of the Gaussian filter.
    noise : float
        Standard deviation of the noise over that of the blurred map.
    seed : int
        Seed of the noise.
    progress : Progress
        Called once per step.

    Returns
    -------
    degraded : Volume
        On the grid of the map.

    Raises
    ------
    DataError
        If the map is constant.

    References
    ----------
    .. [1] Mullick, Wang, Yadav & Barati Farimani, Learning super-resolution electron density
       map of proteins using 3D U-Net.
    """
    return dilate_and_blur(volume, Dilation(radius, blur, noise, seed), progress=progress)
