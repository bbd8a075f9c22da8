"""A smaller box."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mapscope.density import frame
from mapscope.density.level import first_contour_level
from mapscope.job import Show, job
from mapscope.structure import Structure
from mapscope.volume import Region, Volume, require_same_grid


@job(menu="napari/layers/transform", memory=1.0, by_parts=True)
def crop_map(
    volume: Volume,
    structure: Structure | None = None,
    mask: Volume | None = None,
    *,
    margin: Annotated[float, Field(ge=0), Show(unit="Å")] = 5.0,
    region: Region | None = None,
) -> Volume:
    """Part of a map, in the place where it was.

    The box is the region given; else it fits around the structure; else around the mask;
    else around the density above the first contour level.

    Parameters
    ----------
    volume : Volume
        The map.
    structure : Structure, optional
        Atoms to keep.
    mask : Volume, optional
        Mask to keep, on the grid of the map.
    margin : float
        Room around structure, mask or density.
    region : Region, optional
        Box of voxels, z0:z1,y0:y1,x0:x1, without margin.

    Returns
    -------
    cropped : Volume
        The part of the map.

    Raises
    ------
    GridError
        If the box lies outside the map.
    DataError
        If the mask is empty.
    """
    if region is None:
        region = _region(volume, structure, mask, margin)
    return frame.crop(volume, region)


def _region(
    volume: Volume, structure: Structure | None, mask: Volume | None, margin: float
) -> Region:
    """Box around what shall be kept."""
    if structure is not None:
        return frame.region_around_structure(structure, volume.grid, margin)
    voxels = round(margin / min(volume.voxel_size))
    if mask is not None:
        require_same_grid(volume, mask, "the map", "the mask")
        return frame.region_around_mask(mask.data, voxels)
    return frame.region_above(volume, first_contour_level(volume), voxels)
