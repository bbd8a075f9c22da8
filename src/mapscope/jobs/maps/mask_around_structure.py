"""A soft mask around atoms."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mapscope.density.zone import mask_around_positions
from mapscope.depiction.selection import select
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.structure import Structure
from mapscope.volume import Volume


@job(menu="napari/layers/segment", memory=4.0)
def mask_around_structure(
    volume: Volume,
    structure: Structure,
    *,
    selection: str = "all",
    radius: Annotated[float, Field(ge=0), Show(unit="Å")] = 3.0,
    soft_edge: Annotated[float, Field(ge=0), Show(unit="Å")] = 3.0,
    progress: Progress = silent,
) -> Volume:
    """Mask that is 1 near the atoms of a structure and falls softly to 0 beyond.

    Parameters
    ----------
    volume : Volume
        Gives the grid of the mask.
    structure : Structure
        The atoms, in the frame of the map.
    selection : str
        Which of them: all, a chain (A), residues (A/120-130, A:HEM), near 5 A/127.
    radius : float
        Distance from an atom within which the mask is 1.
    soft_edge : float
        Width of the raised-cosine edge beyond that.
    progress : Progress
        Called once per slab.

    Returns
    -------
    mask : Volume
        0 to 1, on the grid of the map.

    Raises
    ------
    InputError
        If the selection names nothing, or radius and soft edge are both 0.
    GridError
        If the atoms lie outside the map.
    """
    atoms = structure.positions[select(structure, selection)]
    return mask_around_positions(volume, atoms, radius, soft_edge, progress=progress)
