"""How near a map is to a truth that is known."""

from __future__ import annotations

import numpy as np

from mapscope.density.fourier import Shells, filter_radial
from mapscope.density.shells import resolution_interpolated
from mapscope.density.wiener import (
    WienerFilter,
    interpolated,
    standard_amplitude,
    wiener_filter_of_map,
)
from mapscope.progress import Progress, part, silent
from mapscope.scores.enhancement import masked_correlation
from mapscope.simulate.known_pairs import FINEST
from mapscope.volume import Volume

_EMPTY = 1e-4
"""Share of the strongest shell's amplitude below which the truth holds nothing."""


def resolution_with_truth(
    volume: Volume, truth: Volume, mask: Volume | None = None, *, threshold: float = 0.5
) -> float:
    """Resolution in Å at which a map ceases to agree with the truth; that of Nyquist if never.

    Parameters
    ----------
    volume, truth : Volume
        On one grid.
    mask : Volume, optional
        0 to 1 with a soft edge: where they are compared.
    threshold : float
        FSC.

    Raises
    ------
    GridError
        If the grids differ.
    """
    shells = Shells(truth.grid)
    fsc = masked_correlation(volume, truth, mask)
    found = resolution_interpolated(shells.frequency, fsc, threshold)
    return 1 / shells.nyquist if found is None else found


def standard_truth(
    truth: Volume, found: WienerFilter, mask: Volume, *, progress: Progress = silent
) -> Volume:
    """The truth at the spectrum and on the scale to which a map was brought.

    Parameters
    ----------
    truth : Volume
        Density without noise.
    found : WienerFilter
        What the map was weighted and sharpened with, measured inside `mask`.
    mask : Volume
        0 to 1 with a soft edge, the molecule.
    progress : callable
        Called once per z plane.

    """
    # Measured as that of the map, so that what smoothing does to both is the same.
    own = wiener_filter_of_map(truth, FINEST, mask, progress=part(progress, 0, 1, 2))
    wanted = standard_amplitude(found.frequency, found.amplitude, found.c_ref)
    holds = own.amplitude > _EMPTY * own.amplitude.max()
    gain = np.divide(wanted, own.amplitude, out=np.zeros_like(wanted), where=holds)
    radial = interpolated(own.frequency, gain)
    return filter_radial(truth, radial, progress=part(progress, 1, 2, 2))
