"""The slider between data and prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from mapscope.cache import shared
from mapscope.density import blend as blending
from mapscope.density.blend import Components, PriorGain
from mapscope.density.frame import crop
from mapscope.density.half_map_mask import measured_filter
from mapscope.errors import GridError
from mapscope.job import Show, job
from mapscope.labels import Labels
from mapscope.progress import Progress, part, silent
from mapscope.record import checksum_of
from mapscope.table import Plot, Table
from mapscope.volume import Array, HalfMaps, Region, Volume, require_same_grid


@dataclass(frozen=True)
class Blended:
    """A blend of data and prior, and how much of it is not from the data.

    Parameters
    ----------
    blended : Volume
        The map, on the grid of the data.
    prior_gain : Table
        By Fourier shell of the whole map: the share of signal in the data (C_ref), the
        correlation of the blend with the data, and the share of its power that the data do not
        carry.
    prior_share : float
        As asked for.
    """

    blended: Volume
    prior_gain: Table
    prior_share: float

    @property
    def caption(self) -> str:
        """The share of the prior, for the layer's name."""
        return f"{100 * self.prior_share:.0f} % prior"


@job(live=True, menu="napari/layers/filter", memory=1.8)
def blend(
    data: Volume,
    prior: Volume,
    half_maps: HalfMaps | None = None,
    protected: Labels | None = None,
    mask: Volume | None = None,
    *,
    prior_share: Annotated[float, Field(ge=0, le=1), Show(slider=(0.0, 1.0))] = 0.65,
    region: Annotated[Region | None, Show(more=True)] = None,
    progress: Progress = silent,
) -> Blended:
    """Map between the data and what a network makes of them; a slider says how far.

    Shell by shell, the prior gets the less to say, the more the data say (C_ref). At 0 the result
    is exactly the data, at 1 exactly the prior. What is protected stays as in the data at every
    share.

    Parameters
    ----------
    data : Volume
        What the data say, as *enhance* gives it.
    prior : Volume
        What the network makes of them, as *enhance* gives it.
    half_maps : HalfMaps, optional
        The half maps, for how much the data say in each shell. Without them it is told from the
        amplitudes of the data and of the prior.
    protected : Labels, optional
        Painted regions, whatever their number: there the data stay. The prior fades in over two
        voxels outside.
    mask : Volume, optional
        Where the agreement of the half maps is measured, as for *enhance*. Without one, around
        what stands out from their noise.
    prior_share : float
        0 is the data, 1 the prior.
    region : Region, optional
        Give only this box of voxels (z0:z1,y0:y1,x0:x1).
    progress : Progress
        Called once per plane.

    Returns
    -------
    Blended
        The map and how much of it is not from the data.

    Raises
    ------
    GridError
        If they do not lie on one grid, or the region lies outside.
    DataError
        If the half maps agree nowhere.

    References
    ----------
    .. [1] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    """
    require_same_grid(data, prior, "the data", "the prior")
    parts = _components(data, prior, half_maps, mask, part(progress, 0, 4, 5))
    kept = None if protected is None else _kept(data, protected, part(progress, 4, 5, 5))
    box = None if region is None else region.clipped(data.shape)
    return Blended(
        blended=_blended(data, prior, parts, prior_share, kept, box),
        prior_gain=gain_table(blending.prior_gain(parts, prior_share)),
        prior_share=prior_share,
    )


def _components(
    data: Volume,
    prior: Volume,
    half_maps: HalfMaps | None,
    mask: Volume | None,
    progress: Progress,
) -> Components:
    """What all blends are made of; computed once for equal inputs."""
    key = ("blend", data.grid, *(n and checksum_of(n) for n in (data, prior, half_maps, mask)))

    def compute() -> Components:
        share = None
        if half_maps is not None:
            require_same_grid(data, half_maps.first, "the data", "the half maps")
            share = measured_filter(half_maps, mask, None, part(progress, 0, 1, 3))
        of_shell = None if share is None else share.share_of_signal()
        return blending.components(data, prior, of_shell, progress=part(progress, 1, 3, 3))

    return shared.get(key, compute)


def _kept(data: Volume, protected: Labels, progress: Progress) -> Array:
    """Where the data stay, 0 to 1; computed once for equal inputs.

    Raises
    ------
    GridError
        If what is protected lies on another grid.
    """
    if not data.grid.matches(protected.grid):
        raise GridError(
            f"what is protected lies on another grid ({protected.data.shape} voxels) than the "
            f"data ({data.shape}): paint it on the data's own layer, or use 'fit grid' first"
        )
    key = ("protected", protected.grid, checksum_of(protected))
    return shared.get(key, lambda: blending.protection(protected, progress=progress))


def _blended(
    data: Volume,
    prior: Volume,
    parts: Components,
    prior_share: float,
    kept: Array | None,
    region: Region | None,
) -> Volume:
    """The blend, or a box of it; the ends of the slider are exact."""
    whole = region or Region((0, 0, 0), data.shape)
    source = data if region is None else crop(data, region)
    free = kept is None or not kept[whole.slices].any()
    if prior_share == 0:
        return source.with_data(source.float32())
    if prior_share == 1 and free:
        return source.with_data(prior.float32()[whole.slices])
    held = None if free or kept is None else kept[whole.slices]
    return source.with_data(
        blending.blend(source.float32(), parts, prior_share, held, region=whole)
    )


def gain_table(gain: PriorGain) -> Table:
    """Curves of how much of a map is not from the data, up to Nyquist."""
    shown = gain.frequency > 0
    columns = {
        "frequency": gain.frequency,
        "c_ref": gain.c_ref,
        "fsc_with_data": gain.fsc_with_data,
        "prior_gain": gain.prior_gain,
    }
    share = float(np.mean(gain.prior_gain[shown])) if shown.any() else 0.0
    plot = Plot(
        x="frequency",
        y=("c_ref", "fsc_with_data", "prior_gain"),
        x_label="1/d (1/Å)",
        y_label="share",
        title="What is from the data, and what is not",
        reciprocal_x=True,
        headline=f"{100 * share:.0f} % of the shells' power is prior",
    )
    return Table({k: v[shown] for k, v in columns.items()}, {"frequency": "1/Å"}, plot)
