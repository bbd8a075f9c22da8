"""Density taken out with a sphere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mapscope.density.zone import mask_of_sphere
from mapscope.job import Show, job
from mapscope.volume import Volume


@job(menu="napari/layers/segment", memory=4.0)
def erase_sphere(
    volume: Volume,
    *,
    centre: Annotated[tuple[float, float, float] | None, Show(unit="Å")] = None,
    radius: Annotated[float, Field(gt=0), Show(unit="Å")] = 10.0,
    erase: Literal["inside", "outside"] = "inside",
    soft_edge: Annotated[float, Field(ge=0), Show(unit="Å", more=True)] = 0.0,
) -> Volume:
    """Map whose density inside a sphere, or outside of it, is 0.

    Parameters
    ----------
    volume : Volume
        The map.
    centre : three floats, optional
        Position of the sphere's centre, z, y, x. Auto: the middle of the box.
    radius : float
        Radius of the sphere.
    erase : str
        Which side of the sphere becomes 0.
    soft_edge : float
        Width beyond the sphere over which the density returns, or falls to 0.

    Returns
    -------
    erased : Volume
        The map, on its grid.
    """
    middle = volume.grid.world_from_index([(n - 1) / 2 for n in volume.shape])
    at = centre or (float(middle[0]), float(middle[1]), float(middle[2]))
    mask = mask_of_sphere(volume, at, radius, soft_edge).data
    kept = mask if erase == "outside" else 1 - mask
    return volume.with_data(volume.float32() * kept)
