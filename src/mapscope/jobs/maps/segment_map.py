"""A map cut into named regions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mapscope.density.segments import segment
from mapscope.job import Show, job
from mapscope.labels import Labels
from mapscope.progress import Progress, silent
from mapscope.volume import Volume


@job(menu="napari/layers/segment", memory=12.0)
def segment_map(
    volume: Volume,
    *,
    level: float | None = None,
    smoothing: Annotated[float, Field(ge=0), Show(unit="Å")] = 6.0,
    most_regions: Annotated[int | None, Field(ge=1)] = None,
    smallest: Annotated[float | None, Field(ge=0), Show(unit="Å³", more=True)] = None,
    progress: Progress = silent,
) -> Labels:
    """Regions of a map, one for each peak of its smoothed density, the largest first.

    Above the level each voxel belongs to the peak that it climbs to (watershed). Where fewer
    regions are wanted, those are joined whose peaks run together when the map is smoothed on.

    Parameters
    ----------
    volume : Volume
        The map.
    level : float, optional
        Density above which a voxel belongs to a region. Auto: the first contour level.
    smoothing : float
        Resolution to which the map is filtered before peaks are looked for; larger gives fewer
        regions.
    most_regions : int, optional
        Join regions until there are no more than this. Auto: join none.
    smallest : float, optional
        Separate parts smaller than this are left out. Auto: a cube as wide as the smoothing.
    progress : Progress
        Called once per step of joining.

    Returns
    -------
    regions : Labels
        1 is the largest region; on the map's grid.

    Raises
    ------
    DataError
        If nothing is above the level, or the map is constant.

    References
    ----------
    .. [1] Pintilie et al. (2010) J. Struct. Biol. 170, 427, doi:10.1016/j.jsb.2010.03.007.
    """
    return segment(
        volume,
        level=level,
        smoothing=smoothing,
        most_regions=most_regions,
        smallest=smallest,
        progress=progress,
    )
