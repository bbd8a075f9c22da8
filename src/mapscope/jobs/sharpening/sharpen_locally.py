"""Sharpening that differs from place to place, without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field

from mapscope.cache import shared
from mapscope.density.bands import Singles, Windows
from mapscope.density.frame import crop
from mapscope.density.halves import map_or_mean, mean_map
from mapscope.density.local_sharpening import (
    LocalGain,
    LocalMethod,
    apply_local_gain,
    blur_of_model,
    local_gain,
    measure_local_signal,
)
from mapscope.density.signal_curves import SignalCurves
from mapscope.density.whole_map import (
    Spectra,
    WholeMap,
    bands_of,
    curves_of_model,
    measure_spectra,
    whole_map,
)
from mapscope.errors import InputError
from mapscope.job import Key, Show, job
from mapscope.progress import Progress, part, silent
from mapscope.record import checksum_of
from mapscope.structure import Structure
from mapscope.table import Plot, Table
from mapscope.volume import Grid, HalfMaps, Region, Volume, require_same_grid

Method: TypeAlias = Literal["auto", "profile", "model", "half_maps"]

MARGIN = 2.5
"""Widths of a window computed around a region and cut off again."""


@dataclass(frozen=True)
class LocallySharpened:
    """A locally sharpened map, and what was done where.

    Parameters
    ----------
    sharpened : Volume
        The map, on the grid of its source.
    local_b_factor : Volume
        Å² by which each place was blurred more than a protein without B-factor; meaningful
        where the molecule is.
    local_resolution : Volume
        Å where the half maps would agree to 0.143 in each place; of a single map, where its
        signal falls to a third of the noise.
    gain : Table
        Gain in each Fourier shell (1/Å): that of the whole map, and the mean, lowest and
        highest of all places in the molecule, with the share of signal.
    resolution : float or None
        Å of the whole map, as given or as the half maps agree to 0.143. None where it is not
        known.
    b_factor : float
        Å² by which the whole map was blurred more than a protein without B-factor.
    window : float
        Width of the windows in Å.
    method : str
        What the amplitudes were brought to.
    """

    sharpened: Volume
    local_b_factor: Volume
    local_resolution: Volume
    gain: Table
    resolution: Annotated[float | None, Key("resolution", "Å")]
    b_factor: Annotated[float, Key("B-factor", "Å²")]
    window: float
    method: str

    @property
    def caption(self) -> str:
        """The method, for the layer's name."""
        return f"local, {self.method.replace('_', ' ')}"


@job(live=True, menu="napari/layers/filter", memory=9.0)
def sharpen_locally(
    volume: Volume | None = None,
    half_maps: HalfMaps | None = None,
    mask: Volume | None = None,
    structure: Structure | None = None,
    *,
    method: Method = "auto",
    b_factor: Annotated[float, Field(ge=0, le=300), Show(unit="Å²", slider=(0.0, 150.0))] = 40.0,
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    window: Annotated[float | None, Field(gt=0, le=200), Show(unit="Å", more=True)] = None,
    region: Annotated[Region | None, Show(more=True)] = None,
    progress: Progress = silent,
) -> LocallySharpened:
    """Map sharpened in each place by what was lost there, as far as its signal carries.

    In windows all over the map, the fall of its amplitudes with frequency is measured and
    brought to that of a protein or of your model. Each band of frequency is weighted in each
    place by its signal over its noise, so that noise is not blown up: two half maps say best
    how much there is. No network has a part in it, and nothing is added to the map.

    Parameters
    ----------
    volume : Volume, optional
        The map to sharpen, neither masked nor sharpened. None takes the mean of the half maps.
    half_maps : HalfMaps, optional
        Two half maps as refinement gave them: they tell signal from noise everywhere.
    mask : Volume, optional
        Where the molecule is, 0 to 1 with a soft edge: amplitudes are measured inside and, of a
        single map, noise outside. The result is not masked.
    structure : Structure, optional
        A model in its place in the map, for its local B-factors.
    method : {"auto", "profile", "model", "half_maps"}
        What amplitudes are brought to: those of proteins in every window; those of the model in
        every window; or those of proteins in the whole map alone, with local weights from the
        half maps. Auto takes the model where there is one, else the profile.
    b_factor : float
        B-factor that the protein profile shall have; less is sharper. A model has its own.
    resolution : float, optional
        Low-pass filter, and of a single map how much noise there must be. Auto filters nothing
        more than the local weights do.
    window : float, optional
        Width of the windows. Auto takes 10 Å, or 2.5 times the resolution where that is more.
    region : Region, optional
        Give only this box of voxels (z0:z1,y0:y1,x0:x1); curves are still those of the whole
        map.
    progress : Progress
        Called once per plane and band.

    Returns
    -------
    LocallySharpened
        The map, local B-factor and resolution, and the gains.

    Raises
    ------
    InputError
        If there is nothing to sharpen, or the method lacks its model or its half maps.
    GridError
        If the mask lies on another grid, or the model outside the map.
    DataError
        If the mask is empty.

    References
    ----------
    .. [1] Jakobi, Wilmanns & Sachse (2017) eLife 6, e27131.
    .. [2] Ramírez-Aportela et al. (2020) Bioinformatics 36, 765-772.
    .. [3] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    """
    chosen = _method(method, volume, half_maps, structure)
    grid = _grid(volume, half_maps)
    drawn = structure if chosen == "model" else None
    model = _model(drawn, volume, half_maps, part(progress, 0, 1, 6))
    whole = _whole(
        volume,
        half_maps,
        mask,
        model,
        b_factor=b_factor,
        resolution=resolution,
        window=window,
        progress=part(progress, 1, 3, 6),
    )
    wide, inner = _wide(region, grid, whole.window)
    windows = whole.windows(grid.cropped(wide), wide.lower)
    gain = _gain(volume, half_maps, model, whole, windows, chosen, wide, part(progress, 3, 5, 6))
    source = map_or_mean(volume, half_maps, wide)
    mean = np.float32(_mean(volume, half_maps))
    data = apply_local_gain(
        source.with_data(source.float32() - mean),
        gain.gain,
        windows,
        whole.gain(),
        progress=part(progress, 5, 6, 6),
    )

    def cut(values: Singles) -> Volume:
        result = source.with_data(values)
        return result if region is None else crop(result, inner)

    blur = gain.b_factor + np.float32(whole.curves.b_factor)
    return LocallySharpened(
        sharpened=cut(data + mean),
        local_b_factor=cut(windows.spread(blur)),
        local_resolution=cut(windows.spread(gain.resolution)),
        gain=_table(whole, gain, grid),
        resolution=whole.resolution,
        b_factor=whole.curves.b_factor,
        window=whole.window,
        method=chosen,
    )


def _method(
    method: Method, volume: Volume | None, half_maps: HalfMaps | None, structure: Structure | None
) -> LocalMethod:
    """The method that is meant.

    Raises
    ------
    InputError
        If it lacks what it needs.
    """
    if volume is None and half_maps is None:
        raise InputError("Sharpen locally needs a map, or two half maps")
    if method == "auto":
        return "profile" if structure is None else "model"
    if method == "model" and structure is None:
        raise InputError("the method 'model' needs a structure: give one, or take 'profile'")
    if method == "half_maps" and half_maps is None:
        raise InputError("the method 'half_maps' needs two half maps: give them, or take 'profile'")
    return method


def _grid(volume: Volume | None, half_maps: HalfMaps | None) -> Grid:
    """Grid of the map that is sharpened.

    Raises
    ------
    GridError
        If half maps lie on another grid than the map.
    """
    if volume is not None and half_maps is not None:
        require_same_grid(volume, half_maps.first, "the map", "the half maps")
    if volume is not None:
        return volume.grid
    assert half_maps is not None
    return half_maps.grid


def _mean(volume: Volume | None, half_maps: HalfMaps | None) -> float:
    """Mean of the map that is sharpened; computed once for equal inputs."""
    nouns = (volume,) if volume is not None else (half_maps,)
    key = ("mean of a map", *(checksum_of(noun) for noun in nouns if noun is not None))
    return shared.get(key, lambda: float(map_or_mean(volume, half_maps).data.mean(dtype=float)))


def _model(
    structure: Structure | None,
    volume: Volume | None,
    half_maps: HalfMaps | None,
    progress: Progress,
) -> Volume | None:
    """The map of a model on the grid of the map, as fine as that holds; computed once."""
    if structure is None:
        return None
    from mapscope.simulate.atoms import atoms_of
    from mapscope.simulate.density import physical_density
    from mapscope.simulate.grid import simulated_grid
    from mapscope.simulate.scattering import Scattering

    source = map_or_mean(volume, half_maps)
    finest = 2 * max(source.voxel_size)

    def compute() -> Volume:
        atoms = atoms_of(structure, hydrogens=False)
        grid = simulated_grid(atoms, source, resolution=finest)
        scattering = Scattering("electrons", finest)
        return source.with_data(physical_density(atoms, grid, scattering, progress=progress))

    return shared.get(("map of a model", checksum_of(structure), source.grid), compute)


def _whole(
    volume: Volume | None,
    half_maps: HalfMaps | None,
    mask: Volume | None,
    model: Volume | None,
    *,
    b_factor: float,
    resolution: float | None,
    window: float | None,
    progress: Progress,
) -> WholeMap:
    """What is known of the whole map, from the half maps where there are any; measured once."""
    halves = () if half_maps is None else (half_maps.first, half_maps.second)
    nouns = (None if halves else volume, *halves, mask)
    key = ("spectra", resolution, window, *(n and (n.grid, checksum_of(n)) for n in nouns))

    def compute() -> Spectra:
        source = map_or_mean(None if halves else volume, half_maps)
        noise = _noise(half_maps, None)
        return measure_spectra(
            source, noise, mask, resolution=resolution, window=window, progress=progress
        )

    spectra = shared.get(key, compute)
    target = None if model is None else _model_curves(model).signal
    return whole_map(spectra, target=target, b_factor=b_factor, window=window)


def _model_curves(model: Volume) -> SignalCurves:
    """Amplitudes of the model's map; computed once."""
    return shared.get(("curves of a model", checksum_of(model)), lambda: curves_of_model(model))


def _noise(half_maps: HalfMaps | None, region: Region | None) -> Singles | None:
    """Half the difference of the half maps, in a region of them where one is given."""
    if half_maps is None:
        return None
    first = half_maps.first if region is None else crop(half_maps.first, region)
    return np.asarray(first.float32() - mean_map(half_maps, region).data)


def _wide(region: Region | None, grid: Grid, width: float) -> tuple[Region, Region]:
    """The box that is computed, and where in it the region lies."""
    everything = Region((0, 0, 0), grid.shape)
    if region is None:
        return everything, everything
    wanted = region.clipped(grid.shape)
    margin = [int(np.ceil(MARGIN * width / d)) for d in grid.voxel_size]
    lower = tuple(a - m for a, m in zip(wanted.lower, margin, strict=True))
    upper = tuple(b + m for b, m in zip(wanted.upper, margin, strict=True))
    wide = Region(lower, upper).clipped(grid.shape)  # type: ignore[arg-type]
    start = tuple(a - b for a, b in zip(wanted.lower, wide.lower, strict=True))
    stop = tuple(a + n for a, n in zip(start, wanted.shape, strict=True))
    return wide, Region(start, stop)  # type: ignore[arg-type]


def _gain(
    volume: Volume | None,
    half_maps: HalfMaps | None,
    model: Volume | None,
    whole: WholeMap,
    windows: Windows,
    method: LocalMethod,
    wide: Region,
    progress: Progress,
) -> LocalGain:
    """Gain of each band in each window."""
    measured = None if half_maps is not None else volume
    source = map_or_mean(measured, half_maps, wide)
    centred = source.with_data(source.float32() - np.float32(_mean(measured, half_maps)))
    noise = _noise(half_maps, wide)
    step = part(progress, 0, 1, 2)
    signal = measure_local_signal(centred, noise, whole, windows, progress=step)
    bands = bands_of(source.grid)
    if model is None:
        return local_gain(signal, bands, method)
    step = part(progress, 1, 2, 2)
    blur = blur_of_model(crop(model, wide), _model_curves(model), windows, progress=step)
    return local_gain(signal, bands, method, blur)


def _table(whole: WholeMap, found: LocalGain, grid: Grid) -> Table:
    """Gains by shells of the whole map."""
    frequency, general = whole.curves.frequency, whole.gain()(whole.curves.frequency)
    weights = bands_of(grid).weights(frequency)
    inside = found.weight >= 0.5 * float(found.weight.max())
    local = found.gain[:, inside]
    low, high = np.quantile(local, [0.05, 0.95], axis=1)
    columns = {"frequency": frequency, "whole": general}
    rows = {"mean": local.mean(axis=1), "lowest": low, "highest": high}
    columns |= {name: general * (values @ weights) for name, values in rows.items()}
    columns["share_of_signal"] = whole.curves.share
    plot = Plot(
        x="frequency",
        y=("whole", "mean", "lowest", "highest"),
        x_label="spatial frequency (1/Å)",
        y_label="gain",
        reciprocal_x=True,
        headline=f"B {whole.curves.b_factor:.0f} Å² in the whole map".replace("-", "−"),
    )
    return Table(columns, {"frequency": "1/Å"}, plot)
