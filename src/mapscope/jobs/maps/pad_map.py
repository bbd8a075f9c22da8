"""A larger box."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mapscope.density import frame
from mapscope.errors import InputError
from mapscope.job import Show, job
from mapscope.volume import Volume


@job(menu="napari/layers/transform", memory=3.0)
def pad_map(
    volume: Volume,
    *,
    margin: Annotated[int, Field(ge=0), Show(unit="voxels")] = 16,
    cube: Annotated[int | None, Field(gt=0), Show(unit="voxels")] = None,
    fill: Annotated[Literal["edge mean", "zero"], Show(more=True)] = "edge mean",
) -> Volume:
    """Map with room around it, in the place where it was.

    Parameters
    ----------
    volume : Volume
        The map.
    margin : int
        Voxels added on each side; not used where a cube is asked for.
    cube : int, optional
        Edge of a cubic box to pad to, the map in its middle. Auto adds the margin.
    fill : str
        What the new voxels hold: the mean of the map's six faces, or 0.

    Returns
    -------
    padded : Volume
        The larger map.

    Raises
    ------
    InputError
        If the map is larger than the cube.
    """
    if cube is None:
        return frame.pad(volume, margin, fill=fill)
    if max(volume.shape) > cube:
        raise InputError(f"the map has {max(volume.shape)} voxels along one edge: more than {cube}")
    before = tuple((cube - n) // 2 for n in volume.shape)
    after = tuple(cube - n - b for n, b in zip(volume.shape, before, strict=True))
    return frame.pad(volume, before, after, fill=fill)  # type: ignore[arg-type]
