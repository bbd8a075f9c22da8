"""The density near atoms."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mapscope.density.zone import mask_around_positions
from mapscope.depiction.selection import select
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.structure import Structure
from mapscope.volume import Volume


@job(menu="napari/layers/segment", memory=5.0)
def zone_map(
    volume: Volume,
    structure: Structure,
    *,
    selection: str = "all",
    radius: Annotated[float, Field(gt=0), Show(unit="Å")] = 4.0,
    soft_edge: Annotated[float, Field(ge=0), Show(unit="Å", more=True)] = 0.0,
    progress: Progress = silent,
) -> Volume:
    """Map with the density near a structure alone; everything farther away becomes 0.

    Parameters
    ----------
    volume : Volume
        The map.
    structure : Structure
        The atoms, in the frame of the map.
    selection : str
        Which of them: all, a chain (A), residues (A/120-130, A:HEM), near 5 A/127.
    radius : float
        Distance from an atom up to which density is kept.
    soft_edge : float
        Width beyond that over which it falls to 0.
    progress : Progress
        Called once per slab.

    Returns
    -------
    zone : Volume
        The map, on its grid.

    Raises
    ------
    InputError
        If the selection names nothing.
    GridError
        If the atoms lie outside the map.
    """
    atoms = structure.positions[select(structure, selection)]
    mask = mask_around_positions(volume, atoms, radius, soft_edge, progress=progress)
    return volume.with_data(volume.float32() * mask.data)
