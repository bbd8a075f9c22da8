"""Particles found as blobs of a given size, without a template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.cache import shared
from mapscope.job import Key, Show, job
from mapscope.particles import Particles, in_tomogram
from mapscope.picking.blobs import Blobs, BlobSearch, best_blobs
from mapscope.picking.mask_distance import is_in_mask
from mapscope.picking.score_histogram import score_histogram
from mapscope.progress import Progress, part, silent
from mapscope.record import checksum_of
from mapscope.table import Table
from mapscope.volume import Region, Volume

LOWEST = 2.0
"""Standard deviations down to which blobs are kept in memory, so that a threshold can slide."""


@dataclass(frozen=True)
class PickedBlobs:
    """Blobs of a tomogram, highest first.

    Parameters
    ----------
    picks : Particles
        Their centres, without orientation. The score is the height in standard deviations of
        noise; the column ``radius`` is in Å.
    histogram : Table
        How many blobs there are of each height, from two standard deviations up.
    number : int
        How many were picked.
    noise : float
        Standard deviation of the filtered tomogram without particles, in its own densities.
    """

    picks: Particles
    histogram: Table
    number: Annotated[int, Key("picks")]
    noise: float


@job(live=True, menu="napari/layers/annotate", memory=4.0, by_parts=True)
def pick_blobs(
    volume: Volume,
    mask: Volume | None = None,
    *,
    diameter: Annotated[float, Field(gt=0), Show(unit="Å", slider=(20.0, 1500.0))] = 150.0,
    largest: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    threshold: Annotated[float, Field(ge=0), Show(unit="σ", slider=(2.0, 20.0))] = 5.0,
    most: Annotated[int | None, Field(ge=1)] = None,
    distance: Annotated[float | None, Field(ge=0), Show(unit="Å")] = None,
    contrast: Annotated[Literal["auto", "dark", "bright"], Show(more=True)] = "auto",
    region: Annotated[Region | None, Show(more=True)] = None,
    progress: Progress = silent,
) -> PickedBlobs:
    """Picks of everything that is about as large as the particle, without a template.

    The difference of two Gaussians answers most to balls of one diameter. Its local maxima are
    picked, finer than voxels, up to the very faces of the tomogram. What is picked is only as
    good as "a blob of this size" is: gold, ice and bits of membrane come with it, and *Filter
    particles* sorts them out.

    Parameters
    ----------
    volume : Volume
        The tomogram.
    mask : Volume, optional
        Where to pick, above 0.5, on any grid; noise is measured there, too.
    diameter : float
        Of the particle, at least three voxels.
    largest : float, optional
        Blobs of all diameters up to this are picked. Auto looks for one diameter.
    threshold : float
        Height that a blob must reach, in standard deviations of what the filter makes of noise.
    most : int, optional
        Only so many are picked, the highest. Auto picks all.
    distance : float, optional
        Of two blobs nearer than this the higher is picked. Auto: 0.7 diameters.
    contrast : str
        Whether particles are darker or brighter than what is around them. Auto: as the tomogram
        says of itself.
    region : Region, optional
        Pick only in this box of voxels (z0:z1,y0:y1,x0:x1).
    progress : Progress
        Called once per tile.

    Returns
    -------
    PickedBlobs
        The picks and the heights of all blobs.

    Raises
    ------
    InputError
        If the diameter is below three voxels, or above the largest.
    GridError
        If the voxels are not cubes, or the region lies outside.
    DataError
        If the tomogram is constant.

    References
    ----------
    .. [1] Voss et al. (2009) J. Struct. Biol. 166, 205-213.
    .. [2] Marr & Hildreth (1980) Proc. R. Soc. Lond. B 207, 187-217.
    """
    sign = {"auto": volume.contrast, "bright": 1, "dark": -1}[contrast]
    search = BlobSearch.of(replace(volume, contrast=sign), diameter, largest)
    box = None if region is None else region.clipped(volume.shape)
    key = (checksum_of(volume), sign, diameter, largest, mask and (mask.grid, checksum_of(mask)))
    noise = shared.get(
        ("noise of blobs", *key), lambda: search.noise(mask, progress=part(progress, 0, 1, 10))
    )
    lowest = min(threshold, LOWEST)

    def look() -> Blobs:
        step = part(progress, 1, 10, 10)
        found = search.candidates(noise, least=lowest, region=box, progress=step)
        return _within(found, volume, mask, box)

    found = shared.get(("blobs", *key, lowest, str(box)), look)
    chosen = best_blobs(found, least=threshold, distance=distance, most=most)
    picks = Particles(
        chosen.positions, score=chosen.heights, columns={"radius": chosen.diameters / 2}
    )
    everything = best_blobs(found, least=lowest, distance=distance)
    return PickedBlobs(
        picks=in_tomogram(picks, volume.grid),
        histogram=score_histogram(
            {"blobs": everything.heights},
            "height (σ)",
            {f"{threshold:g} σ": threshold},
            f"{len(chosen):,} picks of {len(everything):,} blobs",
        ),
        number=len(chosen),
        noise=noise[0],
    )


def _within(found: Blobs, volume: Volume, mask: Volume | None, region: Region | None) -> Blobs:
    """The blobs inside mask and region."""
    inside = np.ones(len(found), dtype=np.bool_)
    if region is not None:
        index = np.rint(volume.grid.index_from_world(found.positions))
        inside &= ((index >= region.lower) & (index < region.upper)).all(axis=1)
    if mask is not None:
        inside &= is_in_mask(found.positions, mask)
    return found[inside]
