"""The mean of a map over a point group."""

from __future__ import annotations

from typing import Annotated

from mapscope.density.symmetry import box_centre, rotations_of_group, symmetrised, turned
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.volume import Volume

Turn = Annotated[tuple[float, float, float] | None, Show(unit="°", more=True)]
Centre = Annotated[tuple[float, float, float] | None, Show(unit="Å", more=True)]


@job(menu="napari/layers/transform", memory=6.0)
def apply_symmetry(
    volume: Volume,
    *,
    group: str = "C2",
    centre: Centre = None,
    turn: Turn = None,
    progress: Progress = silent,
) -> Volume:
    """Map averaged over the rotations of a point group.

    Noise that does not repeat becomes weaker by the root of the number of copies, and so does
    every real difference between the copies: use it on what is known to be symmetric.

    Parameters
    ----------
    volume : Volume
        The map.
    group : str
        Point group: Cn or Dn (n-fold axis along z, the two-fold axis of Dn along x), T, O or
        I (two-fold axes of T, four-fold axes of O and two-fold axes of I along z, y, x).
    centre : three floats, optional
        Position of the centre, z, y, x. Auto: the middle voxel n // 2 of the box.
    turn : three floats, optional
        Rotation vector, z, y, x, that takes this frame into the map's, as *Find symmetry*
        gives it. Auto: none.
    progress : Progress
        Called once per slab and copy.

    Returns
    -------
    symmetrised : Volume
        The mean of all copies, on the map's grid. Where a copy reaches beyond the box, the
        mean is over the others.

    Raises
    ------
    InputError
        If there is no such group.
    """
    rotations = turned(rotations_of_group(group), turn or (0.0, 0.0, 0.0))
    return symmetrised(volume, rotations, centre or box_centre(volume), progress=progress)
