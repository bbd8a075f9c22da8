"""Fourier shell correlation of a map with the map of its model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, transform
from mapscope.density.shells import correlate_shells
from mapscope.errors import DataError
from mapscope.progress import Progress, part, silent
from mapscope.scores.spectra import distances_of
from mapscope.structure import Structure
from mapscope.table import Plot, Table
from mapscope.volume import Array, Grid, Volume, require_same_grid

if TYPE_CHECKING:
    from mapscope.simulate.form_factors import Radiation


@dataclass(frozen=True, eq=False)
class ModelCurves:
    """Fourier shell correlation of a map and its model, all arrays of shape (shells,).

    Parameters
    ----------
    frequency : float64 array
        1/Å; the first is 0.
    unmasked : float64 array
        FSC over the whole box.
    masked : float64 array or None
        FSC under the mask, of both; `None` without one.
    count : float64 array
        Number of coefficients.
    """

    frequency: npt.NDArray[np.float64]
    unmasked: npt.NDArray[np.float64]
    masked: npt.NDArray[np.float64] | None
    count: npt.NDArray[np.float64]

    @property
    def best(self) -> npt.NDArray[np.float64]:
        """The masked curve where there was a mask, else the unmasked one."""
        return self.unmasked if self.masked is None else self.masked

    def resolution(self, threshold: float) -> float | None:
        """Å beyond which the best curve stays below a threshold; None where it never does.

        Interpolated between shells; infinite where no shell reaches the threshold. The first
        crossing would be no resolution: what surrounds the model, or a box cut around it,
        disturbs the first shells. 0.5 is usual; 0.143 goes with an FSC of half maps.
        """
        reaching = np.flatnonzero(self.best[1:] >= threshold) + 1
        if not reaching.size:
            return math.inf
        last = int(reaching[-1])
        if last == len(self.best) - 1:
            return None
        above, below = float(self.best[last]), float(self.best[last + 1])
        share = (above - threshold) / (above - below)
        step = float(self.frequency[last + 1] - self.frequency[last])
        return 1 / (float(self.frequency[last]) + share * step)


def sharp_model_density(
    structure: Structure,
    grid: Grid,
    *,
    radiation: Radiation = "electrons",
    selection: str = "all",
    device: str = "cpu",
    progress: Progress = silent,
) -> npt.NDArray[np.float32]:
    """The map of a model as fine as the voxels show, to take the FSC with, (z, y, x).

    The box is taken as one period, as its Fourier transform takes it, and atoms outside do not
    count. Where B-factors leave less than 1e-7 of the amplitudes, what comes is rounding.

    Parameters
    ----------
    structure, grid, radiation, selection, device, progress
        As in :func:`~.model_map.model_density`.

    Raises
    ------
    InputError
        If the selection names nothing, or an element or B-factor makes no sense.
    DataError
        If no atom lies in the box.
    """
    from mapscope.simulate.atoms import atoms_of
    from mapscope.simulate.density import physical_density
    from mapscope.simulate.scattering import Scattering

    atoms = atoms_of(structure, selection)
    index = grid.index_from_world(atoms.positions)
    within = (index >= -0.5) & (index <= np.asarray(grid.shape) - 0.5)
    inside = np.asarray(within.all(axis=1))
    if not inside.any():
        raise DataError("no atom lies in the map: fit the structure into it first")
    scattering = Scattering(radiation, 2 * max(grid.voxel_size), soft_edge=0.0)
    return physical_density(
        atoms.chosen(inside),
        grid,
        scattering,
        is_periodic=True,
        device=device,
        progress=progress,
    )


def model_shell_correlation(
    volume: Volume, model: Array, mask: Volume | None = None, *, progress: Progress = silent
) -> ModelCurves:
    """FSC of a map and its model, shell by shell up to Nyquist.

    How amplitudes fall from shell to shell does not matter, so that neither sharpening nor an
    overall B-factor changes it by more than some thousandths.

    Parameters
    ----------
    volume : Volume
        The map.
    model : array (z, y, x)
        Density of the model on the same grid, as from :func:`sharp_model_density`.
    mask : Volume, optional
        0 to 1 with a soft edge, on the same grid; multiplies both.
    progress : callable
        Called once per z plane.

    Raises
    ------
    GridError
        If the mask lies on another grid.
    DataError
        If the mask is 0 everywhere.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721 (the FSC of a map with a perfect
    reference); Afonine et al. (2018) Acta Cryst. D74, 531 (d_FSC,model).
    """
    shells = Shells(volume.grid, "full")
    observed = volume.contrast * volume.float32()
    steps = 1 if mask is None else 2
    plain = correlate_shells(
        transform(observed), transform(model), shells, progress=part(progress, 0, 1, steps)
    )
    if mask is None:
        return ModelCurves(plain.frequency, plain.fsc, None, plain.count)
    require_same_grid(volume, mask, "the map", "the mask")
    window = mask.float32()
    if not window.any():
        raise DataError("the mask is 0 everywhere: make one that covers the molecule")
    under = correlate_shells(
        transform(observed * window),
        transform(model * window),
        shells,
        progress=part(progress, 1, 2, steps),
    )
    return ModelCurves(plain.frequency, plain.fsc, under.fsc, plain.count)


def model_curve_table(curves: ModelCurves) -> Table:
    """The curves as a table, with the way to plot them."""
    half = curves.resolution(0.5)
    columns = {
        "frequency": curves.frequency,
        "resolution": distances_of(curves.frequency),
        "unmasked": curves.unmasked,
    }
    if curves.masked is not None:
        columns["masked"] = curves.masked
    columns["coefficients"] = curves.count
    is_crossed = half is not None and math.isfinite(half)
    headline = f"{half:.2f} Å at FSC 0.5" if is_crossed else "map and model agree to Nyquist"
    if half == math.inf:
        headline = "map and model do not agree"
    plot = Plot(
        x="frequency",
        y=tuple(name for name in ("unmasked", "masked") if name in columns),
        x_label="spatial frequency (1/Å)",
        y_label="FSC of map and model",
        title="Map–model FSC",
        levels={"0.143": 0.143, "0.5": 0.5},
        marks={f"{half:.2f} Å": 1 / half} if half is not None and is_crossed else {},
        reciprocal_x=True,
        headline=headline,
    )
    return Table(columns, {"frequency": "1/Å", "resolution": "Å"}, plot)
