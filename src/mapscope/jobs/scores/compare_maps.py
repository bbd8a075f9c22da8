"""How alike two maps are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.density.shells import fourier_shell_correlation, resolution_interpolated
from mapscope.errors import DataError
from mapscope.job import Position, Show, job
from mapscope.progress import Progress, part, silent
from mapscope.scores.comparison_tables import curve_table, direction_table, directional_table
from mapscope.scores.directional import (
    PREFERRED_BELOW,
    DirectionalCurves,
    directional_correlation,
)
from mapscope.scores.map_map import (
    WINDOW,
    correlation,
    correlation_about_mean,
    pearson,
    structural_similarity,
)
from mapscope.scores.shared_grid import SharedGrid, on_shared_grid
from mapscope.scores.spectra import radial_spectra
from mapscope.table import Table
from mapscope.volume import Array, HalfMaps, Volume


@dataclass(frozen=True)
class MapComparison:
    """How alike two maps are.

    Parameters
    ----------
    curves : Table
        FSC: one row for each shell, unmasked, and with a mask masked, phase-randomised and
        corrected.
    directional : Table
        FSC in cones: over all directions, along the worst and along the best one. Empty where
        the maps agree too little.
    directions : Table
        One row for each cone: its axis (z, y, x), mean FSC and resolution (Å).
    spectra : Table
        ln of the mean amplitude of both maps by shell, to plot against squared frequency.
    correlation : float
        Cosine between the maps, from -1 to 1, without regard to their means.
    correlation_about_mean : float
        The same of the deviations from the means.
    pcc : float
        Pearson's coefficient over the voxels chosen.
    ssim : float or None
        Mean structural similarity over the voxels chosen, both maps scaled to 0 to 1. None in a
        box of fewer than 7 voxels along an axis.
    resolution : float or None
        Å where the corrected curve (without a mask: the unmasked one) crosses 0.143,
        interpolated. None where it never does.
    resolution_at_half : float or None
        Å where it crosses 0.5.
    anisotropy : float or None
        Mean FSC of the worst cone over that of the best: 1 is alike in all directions. None
        where the maps agree too little to say.
    worst_axis : three floats
        Direction about which the maps agree least, a unit vector z, y, x; 0, 0, 0 where that
        cannot be said.
    is_preferred : bool
        Whether so much is missing along one direction that orientations must be preferred, or a
        wedge or cone was not recorded.
    warning : str
        What to beware of, in words; empty where there is nothing.
    note : str
        Whether a map was resampled or cut to compare them; empty where not.
    """

    curves: Table
    directional: Table
    directions: Table
    spectra: Table
    correlation: float
    correlation_about_mean: float
    pcc: float
    ssim: float | None
    resolution: float | None
    resolution_at_half: float | None
    anisotropy: float | None
    worst_axis: Position
    is_preferred: bool
    warning: str
    note: str


@job(menu="napari/layers/measure", memory=14.0)
def compare_maps(
    volume: Volume,
    second: Volume,
    mask: Volume | None = None,
    *,
    voxels: Literal["all", "percentile_90"] = "all",
    level: Annotated[float | None, Show(more=True)] = None,
    cone: Annotated[float, Field(ge=5, le=60), Show(unit="°", more=True)] = 20.0,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> MapComparison:
    """Numbers and curves that say how alike two maps are, in space, by resolution and direction.

    A second map on another grid is resampled onto that of the first, and both are cut to the box
    that they share; the note says so. With a mask, correlations and similarity are taken where
    it is above 0.5.

    Parameters
    ----------
    volume : Volume
        The map.
    second : Volume
        The map to compare it with: another reconstruction, a half map, a simulated map.
    mask : Volume, optional
        0 to 1 with a soft edge.
    voxels : str
        What PCC and SSIM look at: everything, or of each map only the densest tenth of its
        voxels that are not 0, as the paper of struc2mapGAN has it.
    level : float, optional
        Correlations only where the first map is at least so dense, as ChimeraX does. Auto:
        everywhere.
    cone : float
        Half angle of the cones in which directions are compared.
    seed : int
        Seed of the random phases.
    progress : Progress
        Called once per plane.

    Returns
    -------
    MapComparison
        Numbers, curves and what to beware of.

    Raises
    ------
    GridError
        If the maps do not overlap.
    DataError
        If a map is constant or the mask is empty.

    References
    ----------
    .. [1] Harauz & van Heel (1986) Optik 73, 146-156.
    .. [2] Chen et al. (2013) Ultramicroscopy 135, 24-35.
    .. [3] Tan et al. (2017) Nat. Methods 14, 793-796.
    .. [4] Wang, Bovik, Sheikh & Simoncelli (2004) IEEE Trans. Image Process. 13, 600-612.
    .. [5] Zhang, Condon & Dao Duc (2024) struc2mapGAN, equations 7 to 10.
    """
    shared = _as_dense(on_shared_grid(volume, second, mask, progress=part(progress, 0, 1, 5)))
    first, other = shared.first, shared.second
    a, b = first.float32(), other.float32()
    inside = _inside(shared.mask)
    dense = inside if level is None else _both(inside, a >= level, level)
    ssim = None
    if min(first.shape) >= WINDOW:
        tell = part(progress, 1, 2, 5)
        ssim = structural_similarity(a, b, inside, voxels=voxels, progress=tell)
    curves = fourier_shell_correlation(
        HalfMaps(first, other), shared.mask, seed=seed, progress=part(progress, 2, 3, 5)
    )
    best = curves.best
    cones, warning = _cones(shared, cone, part(progress, 3, 4, 5))
    resolution = _finite(resolution_interpolated(curves.frequency, best, 0.143))
    return MapComparison(
        curves=curve_table(curves, resolution),
        directional=directional_table(cones),
        directions=direction_table(cones),
        spectra=radial_spectra({"first": first, "second": other}, progress=part(progress, 4, 5, 5)),
        correlation=correlation(a, b, dense),
        correlation_about_mean=correlation_about_mean(a, b, dense),
        pcc=pearson(a, b, inside, voxels=voxels),
        ssim=ssim,
        resolution=resolution,
        resolution_at_half=_finite(resolution_interpolated(curves.frequency, best, 0.5)),
        anisotropy=None if cones is None else cones.anisotropy,
        worst_axis=(0.0, 0.0, 0.0) if cones is None else cones.worst_axis,
        is_preferred=cones is not None and cones.is_preferred,
        warning=warning,
        note=shared.note,
    )


def _as_dense(shared: SharedGrid) -> SharedGrid:
    """Both maps with positive density, whatever their contrast was."""
    first, second = (
        Volume(volume.contrast * volume.float32(), volume.voxel_size, volume.origin)
        for volume in (shared.first, shared.second)
    )
    return SharedGrid(first, second, shared.mask, shared.note)


def _inside(mask: Volume | None) -> Array | None:
    """Where a mask is above 0.5.

    Raises
    ------
    DataError
        If that is nowhere.
    """
    if mask is None:
        return None
    inside = np.asarray(mask.data) > 0.5
    if not inside.any():
        raise DataError("the mask is nowhere above 0.5 where the maps are: make one around them")
    return inside


def _both(inside: Array | None, dense: Array, level: float) -> Array:
    """Voxels that are inside and dense.

    Raises
    ------
    DataError
        If there are none.
    """
    both = dense if inside is None else dense & inside
    if not both.any():
        raise DataError(f"the first map is nowhere as dense as {level:g}: lower the level")
    return both


def _cones(
    shared: SharedGrid, half_angle: float, progress: Progress
) -> tuple[DirectionalCurves | None, str]:
    """The FSC by direction, or None, and what to beware of."""
    try:
        cones = directional_correlation(
            shared.first, shared.second, shared.mask, half_angle=half_angle, progress=progress
        )
    except DataError as error:
        return None, f"No directions: {error}."
    if not cones.is_preferred:
        return cones, ""
    z, y, x = cones.worst_axis
    return cones, (
        f"About the direction ({x:.2f}, {y:.2f}, {z:.2f}) (x, y, z) the maps agree "
        f"{cones.anisotropy:.0%} as well as about the best one, less than {PREFERRED_BELOW:.0%}: "
        "orientations are preferred, or a cone or wedge is missing. Do not trust detail along it."
    )


def _finite(value: float | None) -> float | None:
    """None for a resolution that could not be read."""
    return value if value is not None and math.isfinite(value) else None
