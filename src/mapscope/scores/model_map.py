"""How well a model explains a map: real-space correlations, of the whole and by residue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import residues_of
from mapscope.progress import Progress, silent
from mapscope.scores.map_map import correlation_about_mean
from mapscope.scores.molecule import molecular_mask
from mapscope.structure import Structure
from mapscope.volume import Array, Grid, Volume

if TYPE_CHECKING:
    from mapscope.simulate.form_factors import Radiation

_LEAST_VOXELS = 3
_DISTANCES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class ModelCorrelations:
    """Correlations of a map with the map of its model, -1 to 1.

    Parameters
    ----------
    cc_mask : float
        Inside the molecule.
    cc_box : float
        Over the whole box.
    cc_volume : float
        Over as many voxels as the molecule has, the densest of the model's map.
    cc_peaks : float
        Over as many voxels of either map, the densest of each: what only one of them shows
        counts against the model.
    voxels : int
        Number of voxels inside the molecule.
    """

    cc_mask: float
    cc_box: float
    cc_volume: float
    cc_peaks: float
    voxels: int


def model_density(
    structure: Structure,
    grid: Grid,
    resolution: float,
    *,
    radiation: Radiation = "electrons",
    selection: str = "all",
    device: str = "cpu",
    progress: Progress = silent,
) -> npt.NDArray[np.float32]:
    """The map that a model would give, cut sharply at the resolution, (z, y, x).

    Parameters
    ----------
    structure : Structure
        Its B-factors, occupancies and alternate conformers count.
    grid : Grid
        The voxels; where they are too coarse for the resolution, what they can show is taken.
    resolution : float
        Å.
    radiation : {"electrons", "x_rays"}
        What scatters.
    selection : str
        Which atoms, as in :func:`mapscope.depiction.selection.select`.
    device : str
        What computes.
    progress : callable
        Called once per batch of atoms.

    Raises
    ------
    InputError
        If the selection names nothing, or an element or B-factor makes no sense.
    """
    from mapscope.simulate.atoms import atoms_of
    from mapscope.simulate.density import physical_density
    from mapscope.simulate.scattering import Scattering

    shown = max(resolution, 2 * max(grid.voxel_size))
    scattering = Scattering(radiation, shown, soft_edge=0.0)
    atoms = atoms_of(structure, selection)
    return physical_density(atoms, grid, scattering, device=device, progress=progress)


def model_correlations(
    volume: Volume, model: Array, structure: Structure, *, progress: Progress = silent
) -> ModelCorrelations:
    """CC_mask, CC_box, CC_volume and CC_peaks of a map and the map of its model.

    Parameters
    ----------
    volume : Volume
        The map.
    model : array (z, y, x)
        Density of the model on the same grid, as from :func:`model_density`.
    structure : Structure
        The model, which says where the molecule is.
    progress : callable
        Called once per batch of atoms.

    Raises
    ------
    DataError
        If no atom lies in the map, or a map is constant.

    References
    ----------
    Afonine, Klaholz, Moriarty, Poon, Sobolev, Terwilliger, Adams & Urzhumtsev (2018) Acta
    Cryst. D74, 814, section 2.2.
    """
    observed = volume.contrast * volume.float32()
    inside = molecular_mask(structure.positions, structure.elements, volume.grid, progress=progress)
    number = int(inside.sum())
    dense_model = _densest(model, number)
    dense = dense_model | _densest(observed, number)
    return ModelCorrelations(
        cc_mask=correlation_about_mean(observed, model, inside),
        cc_box=correlation_about_mean(observed, model),
        cc_volume=correlation_about_mean(observed, model, dense_model),
        cc_peaks=correlation_about_mean(observed, model, dense),
        voxels=number,
    )


def _densest(data: Array, number: int) -> npt.NDArray[np.bool_]:
    """The `number` densest voxels and what equals the next, true, (z, y, x)."""
    rank = max(data.size - 1 - number, 0)
    return np.asarray(data >= np.partition(data, rank, axis=None)[rank])


def residue_correlations(
    volume: Volume,
    model: Array,
    structure: Structure,
    radius: float,
    *,
    progress: Progress = silent,
) -> npt.NDArray[np.float64]:
    """Correlation of a map with the map of its model around each residue, (residues,).

    Parameters
    ----------
    volume : Volume
        The map.
    model : array (z, y, x)
        Density of the whole model on the same grid.
    structure : Structure
        The model; one number for each of
        :func:`~mapscope.depiction.residues.residues_of`.
    radius : float
        Voxels within so many Å of an atom of the residue count; see
        :func:`~.molecule.atom_radius`.
    progress : callable
        Called once per 100 residues.

    Returns
    -------
    float64 array (residues,)
        NaN where fewer than three voxels are near or one map is constant there.

    References
    ----------
    Afonine et al. (2018) Acta Cryst. D74, 814, section 2.2 (local correlation).
    """
    observed = volume.contrast * volume.float32()
    index = volume.grid.index_from_world(structure.positions)
    residues = residues_of(structure)
    result = np.full(len(residues), np.nan)
    for number in range(len(residues)):
        if number % 100 == 0:
            progress(number, len(residues), "correlation of residues")
        box, inside = _around(index[residues.atoms(number)], volume.grid, radius)
        if np.count_nonzero(inside) >= _LEAST_VOXELS:
            result[number] = _correlation(observed[box][inside], model[box][inside])
    progress(1, 1, "correlation of residues")
    return result


def _correlation(first: Array, second: Array) -> float:
    """Correlation about the mean of a few values, NaN where some are constant."""
    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else np.nan


def _around(
    index: npt.NDArray[np.float64], grid: Grid, radius: float
) -> tuple[tuple[slice, ...], npt.NDArray[np.bool_]]:
    """The box around atoms at voxel indices (n, 3), and which of its voxels are near one."""
    step = np.asarray(grid.voxel_size)
    lower = np.clip(np.ceil(index.min(axis=0) - radius / step), 0, grid.shape).astype(int)
    upper = np.clip(np.floor(index.max(axis=0) + radius / step) + 1, lower, grid.shape).astype(int)
    axes = [np.arange(a, b) for a, b in zip(lower, upper, strict=True)]
    inside = np.zeros(tuple(upper - lower), dtype=np.bool_)
    batch = max(1, _DISTANCES_AT_ONCE // max(inside.size, 1))
    for start in range(0, len(index), batch):
        some = index[start : start + batch].T
        z, y, x = (
            ((axis - at[:, None]) * size) ** 2
            for axis, at, size in zip(axes, some, step, strict=True)
        )
        near = z[:, :, None, None] + (y[:, :, None] + x[:, None, :])[:, None] <= radius**2
        inside |= near.any(axis=0)
    return tuple(slice(a, b) for a, b in zip(lower, upper, strict=True)), inside
