"""What two half maps say of each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mapscope.density.guinier import fsc_weight
from mapscope.density.shells import (
    correlate_shells,
    resolution_by_relion_rule,
    shell_mean_amplitude,
)
from mapscope.errors import GridError
from mapscope.inspection.catalogue import finding, sentence
from mapscope.inspection.finding import Finding
from mapscope.inspection.spectrum import (
    Spectrum,
    cut_off,
    guinier_fit,
    middle_of,
    sharpened_finding,
    spectrum_of,
)
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume, require_same_grid

# Halves of one set of images share their first shells; maps of other things do not.
_ALIKE_ABOVE = 0.5
_FIRST_SHELLS = slice(1, 6)
_IDENTICAL_ABOVE = 0.9999
# ln of the noise amplitude from 10 shells on to the last: -0.5 to -2 in half maps.
_NOISE_FALL = 4.0
_NOISE_FROM = 10
# Of amplitudes weighted by FSC: as refinement gives them down to about -35 Å² at 1.5 Å.
_SHARPENED_ABOVE = -25.0


def halves_findings(
    first: Volume, second: Volume, progress: Progress = silent
) -> Iterator[Finding]:
    """What is wrong with two half maps, taken together.

    Parameters
    ----------
    first, second : Volume
        The half maps, on one grid or not.
    progress : callable
        Called once per step.
    """
    try:
        require_same_grid(first, second, "the first half map", "the second half map")
    except GridError as error:
        yield finding("halves_apart", sentence(str(error).split(": ")[0]))
        return
    one, two = middle_of(first), middle_of(second)
    if np.array_equal(one.data, two.data):
        yield finding("halves_identical", "Every number is the same: their FSC is 1 everywhere.")
        return
    a = spectrum_of(one, part(progress, 0, 1, 3))
    b = spectrum_of(two, part(progress, 1, 2, 3))
    correlation = correlate_shells(
        a.coefficients, b.coefficients, a.shells, progress=part(progress, 2, 3, 3)
    ).fsc
    near = float(correlation[_FIRST_SHELLS].mean())
    if float(np.abs(correlation[1:]).min()) > _IDENTICAL_ABOVE:
        yield finding(
            "halves_identical",
            f"Their FSC is above {_IDENTICAL_ABOVE} in every shell: one is a copy of the other, "
            "scaled or saved with fewer digits.",
        )
    elif near < -_ALIKE_ABOVE:
        yield finding("halves_opposed", f"Their FSC begins at {near:.2f}.")
    elif near < _ALIKE_ABOVE:
        yield finding(
            "halves_unlike",
            f"Their FSC begins at {near:.2f} instead of near 1: they show different things, or "
            "lie or turn differently.",
        )
    else:
        yield from _processed_findings(a, b, correlation)


def _processed_findings(
    first: Spectrum, second: Spectrum, correlation: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> Iterator[Finding]:
    """Half maps that were filtered or sharpened after refinement."""
    shells = first.shells
    noise = _noise_of(first, second)
    end = cut_off(noise)
    curve = noise.log_amplitude
    fall = float(curve[_NOISE_FROM:-1].max() - curve[-3:].min()) if curve.size > 13 else 0.0
    if end is not None or fall > _NOISE_FALL:
        where = f"ends at {end:.2f} Å" if end else f"falls to 1/{np.exp(fall):.0f}"
        yield finding(
            "filtered",
            f"The noise of the half maps, their difference, {where}; as refinement gives them, it "
            "goes on to the finest shell. The FSC beyond means nothing.",
            severity="warning",
        )
    resolution = resolution_by_relion_rule(shells.frequency, correlation, 0.143)
    weight = fsc_weight(np.maximum(correlation, 0.0))
    fit = guinier_fit(first, resolution, weight)
    if fit is not None and fit.b_factor > _SHARPENED_ABOVE:
        yield replace(sharpened_finding(fit.b_factor), severity="warning")


def _noise_of(first: Spectrum, second: Spectrum) -> Spectrum:
    """Spectrum of the difference."""
    difference = first.coefficients - second.coefficients
    return Spectrum(difference, first.shells, shell_mean_amplitude(difference, first.shells))
