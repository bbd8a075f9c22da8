"""Fourier shell correlation around one point."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mapscope.density import local_shells
from mapscope.density.shells import resolution_interpolated
from mapscope.job import Position, Show, job
from mapscope.table import Plot, Table
from mapscope.volume import HalfMaps

VOXELS = 32
"""Diameter of the window where none is given, in voxels."""


@job(probe=True, menu="napari/layers/measure", memory=0.1, by_parts=True)
def local_shell_correlation(
    half_maps: HalfMaps,
    *,
    position: Position,
    window: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
) -> Table:
    """FSC curve of the half maps in a soft ball around a point.

    A look at how good the map is in one place. A curve from so few coefficients is noisy: at
    FSC 0.5, about ±0.3 Å near 3 Å.

    Parameters
    ----------
    half_maps : HalfMaps
        Two half maps as refinement gave them.
    position : tuple of float
        The point, z, y, x in Å.
    window : float, optional
        Diameter of the ball in Å, at least 8 voxels. Auto takes 32 voxels.

    Returns
    -------
    local_curve : Table
        Frequency (1/Å) and correlation of each shell.

    Raises
    ------
    InputError
        If the point lies outside the map or the window is too small.

    References
    ----------
    .. [1] Cardone, Heymann & Steven (2013) J. Struct. Biol. 184, 226-236.
    """
    diameter = window or VOXELS * max(half_maps.grid.voxel_size)
    curve = local_shells.local_shell_correlation(half_maps, position, diameter)
    resolution = resolution_interpolated(curve.frequency, curve.fsc, 0.5)
    z, y, x = position
    place = f"at ({x:.0f}, {y:.0f}, {z:.0f}) Å"
    known = resolution is not None and resolution < diameter
    plot = Plot(
        x="frequency",
        y=("correlation",),
        x_label="spatial frequency (1/Å)",
        y_label="FSC",
        levels={"0.143": 0.143, "0.5": 0.5},
        reciprocal_x=True,
        headline=f"{resolution:.1f} Å at FSC 0.5, {place}" if known else f"FSC {place}",
    )
    columns = {
        "frequency": curve.frequency,
        "correlation": curve.fsc,
        "coefficients": curve.count,
    }
    return Table(columns, {"frequency": "1/Å"}, plot)
