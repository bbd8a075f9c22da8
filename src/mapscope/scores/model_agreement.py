"""How far a map agrees with the map that its model would give: one look from all sides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, transform
from mapscope.density.shells import correlate_shells
from mapscope.density.zone import mask_around_positions
from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, part, silent
from mapscope.scores.model_fsc import (
    ModelCurves,
    model_shell_correlation,
    sharp_model_density,
)
from mapscope.scores.model_map import (
    ModelCorrelations,
    model_correlations,
    model_density,
    residue_correlations,
)
from mapscope.scores.molecule import atom_radius
from mapscope.scores.spectra import PriorGain, prior_gain, prior_gain_table
from mapscope.simulate.form_factors import Radiation
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import HalfMaps, Volume

_RADIUS, _SOFT_EDGE = 3.0, 6.0


@dataclass(frozen=True, eq=False)
class ModelAgreement:
    """Map and model compared.

    Parameters
    ----------
    curves : ModelCurves
        Their Fourier shell correlation, over the box and softly around the model.
    resolution : float or None
        Å at which the correlations were taken: as given, or where the curve last crosses 0.5.
    correlations : ModelCorrelations or None
        None where there is no resolution.
    by_residue : float64 array (residues,) or None
        Correlation around each residue.
    gain : PriorGain or None
        What exceeds the half maps, where there are any.
    """

    curves: ModelCurves
    resolution: float | None
    correlations: ModelCorrelations | None
    by_residue: npt.NDArray[np.float64] | None
    gain: PriorGain | None


def model_agreement(
    structure: Structure,
    volume: Volume,
    half_maps: HalfMaps | None,
    resolution: float | None,
    *,
    radiation: Radiation = "electrons",
    progress: Progress = silent,
) -> ModelAgreement:
    """Map and model compared shell by shell, over the molecule, and around each residue.

    Parameters
    ----------
    structure : Structure
        The model.
    volume : Volume
        The map.
    half_maps : HalfMaps, optional
        On the map's grid; they say how much agreement the data allow.
    resolution : float, optional
        Å. None takes where the map–model FSC around the model last crosses 0.5.
    radiation : {"electrons", "x_rays"}
        What scatters.
    progress : callable
        Called once per batch of atoms, plane and hundred residues.

    Raises
    ------
    DataError
        If no atom lies in the map, or the map is constant.
    InputError
        If an element, a B-factor or the occupancies make no sense.
    """
    steps = [part(progress, n, n + 1, 5) for n in range(5)]
    finest = sharp_model_density(structure, volume.grid, radiation=radiation, progress=steps[0])
    inside = structure.positions[volume.grid.contains(structure.positions)]
    mask = mask_around_positions(volume, inside, _RADIUS, _SOFT_EDGE)
    curves = model_shell_correlation(volume, finest, mask, progress=steps[1])
    gain = None if half_maps is None else _gain(curves, half_maps, mask)
    found = resolution_of_agreement(curves, 0.5) if resolution is None else resolution
    if found is None:
        return ModelAgreement(curves, None, None, None, gain)
    model = model_density(structure, volume.grid, found, radiation=radiation, progress=steps[2])
    correlations = model_correlations(volume, model, structure, progress=steps[3])
    radius = atom_radius(found, float(np.median(structure.b_factors)))
    by_residue = residue_correlations(volume, model, structure, radius, progress=steps[4])
    return ModelAgreement(curves, found, correlations, by_residue, gain)


def agreement_or_reason(
    structure: Structure,
    volume: Volume,
    half_maps: HalfMaps | None,
    resolution: float | None,
    *,
    radiation: Radiation = "electrons",
    progress: Progress = silent,
) -> tuple[ModelAgreement | None, str]:
    """As `model_agreement`, or None and why the model cannot be compared.

    A model without sensible B-factors still has Q-scores; see `model_agreement` for parameters.
    """
    try:
        found = model_agreement(
            structure, volume, half_maps, resolution, radiation=radiation, progress=progress
        )
    except (DataError, InputError) as error:
        return None, f"no correlation with the model's map: {error}"
    if found.resolution is None:
        return found, "no correlations: map and model agree at no resolution, so give one"
    return found, ""


def gain_table(agreement: ModelAgreement | None) -> Table | None:
    """Map–model FSC beside what the half maps allow; None where there are none."""
    if agreement is None or agreement.gain is None:
        return None
    return prior_gain_table(agreement.gain)


def resolution_of_agreement(curves: ModelCurves, threshold: float) -> float | None:
    """Å beyond which a map and its model agree less than a threshold.

    That of the finest shell where they agree so well in all; None where they never do.
    """
    found = curves.resolution(threshold)
    if found is None:
        return float(1 / curves.frequency[-1])
    return found if math.isfinite(found) else None


def _gain(curves: ModelCurves, half_maps: HalfMaps, mask: Volume) -> PriorGain:
    """What of the agreement with the model exceeds the half maps, under the same mask."""
    window = mask.float32()
    shells = Shells(half_maps.grid, "full")
    halves = (half_maps.first, half_maps.second)
    first, second = (transform(half.float32() * window) for half in halves)
    found = correlate_shells(first, second, shells)
    return prior_gain(curves.frequency, curves.best, found.fsc, found.count)
