"""What the Fourier transform of a map says: sharpened, filtered, inverted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, inverse, low_pass_gain, transform
from mapscope.density.frame import face_mean
from mapscope.density.guinier import GuinierFit, fit_b_factor, guinier_curve
from mapscope.density.shells import shell_mean_amplitude
from mapscope.errors import DataError
from mapscope.inspection.catalogue import finding
from mapscope.inspection.finding import Finding, Kind
from mapscope.inspection.values import INVERTED_BELOW, inverted_meaning
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Grid, Volume

MOST_VOXELS_ALONG = 256
_TAPER_SHARE = 0.1
# Fitted from 10 Å to about 4 Å, maps known to be sharpened have -30 to +53 Å², maps as refinement
# gives them below -120 Å² at 3 to 4 Å resolution, but down to about -50 Å² at 2 Å.
_SHARPENED_ABOVE = -60.0
_GUINIER_FROM = 10.0
_GUINIER_TO = (4.0, 5.5)
# Over four shells. Filters of one to four shells take 1.7 to 3.3, molecules at most 1.2.
_CUT_OFF_DROP = 1.5
_CUT_OFF_SHELLS = 4
_FIRST_CUT_OFF_SHELL = 6
_LEAST_SHELLS = 20
_SMOOTH_TO = 12.0
_SMOOTH_VOXELS = 5


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Transform of a map's middle and its mean amplitude in shells.

    Parameters
    ----------
    coefficients : complex64 array (z, y, x // 2 + 1)
        Of at most 256 voxels along each edge, faded out towards the faces.
    shells : Shells
        Their shells.
    amplitude : float64 array (shells,)
        Mean amplitudes.
    """

    coefficients: npt.NDArray[np.complex64]
    shells: Shells
    amplitude: npt.NDArray[np.float64]

    @property
    def log_amplitude(self) -> npt.NDArray[np.float64]:
        """Natural logarithm of the amplitudes, shape (shells,)."""
        largest = float(self.amplitude.max()) or 1.0
        return np.asarray(np.log(np.maximum(self.amplitude / largest, 1e-9)))


def middle_of(volume: Volume) -> Volume:
    """The middle of a map, at most 256 voxels along each edge, without its header."""
    lower = [max(n - MOST_VOXELS_ALONG, 0) // 2 for n in volume.shape]
    z, y, x = (slice(a, a + MOST_VOXELS_ALONG) for a in lower)
    part = np.nan_to_num(np.asarray(volume.data[z, y, x], dtype=np.float32), posinf=0, neginf=0)
    return Volume(part, volume.voxel_size, contrast=volume.contrast)


def spectrum_of(volume: Volume, progress: Progress = silent) -> Spectrum:
    """Spectrum of a map that :func:`middle_of` cut out; its faces are faded to their mean."""
    data = volume.float32() - np.float32(face_mean(volume.data))
    for axis, n in enumerate(volume.shape):
        data *= _taper(n).reshape([-1 if a == axis else 1 for a in range(3)])
    coefficients = transform(data, progress)
    shells = Shells(Grid(volume.shape, volume.voxel_size))
    amplitude = shell_mean_amplitude(coefficients, shells, progress=progress)
    return Spectrum(coefficients, shells, amplitude)


def _taper(size: int) -> npt.NDArray[np.float32]:
    """Factors that rise as a raised cosine over a tenth of the length at both ends."""
    width = max(int(size * _TAPER_SHARE), 1)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(width) + 0.5) / width)
    factors = np.ones(size, dtype=np.float32)
    factors[:width] *= rise
    factors[size - width :] *= rise[::-1]
    return factors


def cut_off(spectrum: Spectrum) -> float | None:
    """Resolution in Å beyond which a filter took the amplitudes, or None where none did."""
    curve = spectrum.log_amplitude
    if curve.size < _LEAST_SHELLS:
        return None
    steps = curve[:-_CUT_OFF_SHELLS] - curve[_CUT_OFF_SHELLS:]
    steps = steps[_FIRST_CUT_OFF_SHELL:]
    if not steps.max() > _CUT_OFF_DROP:
        return None
    shell = int(steps.argmax()) + _FIRST_CUT_OFF_SHELL + _CUT_OFF_SHELLS // 2
    return float(1 / spectrum.shells.frequency[shell])


def guinier_fit(
    spectrum: Spectrum, end: float | None, weight: Array | None = None
) -> GuinierFit | None:
    """Straight line from 10 Å to the `end` in Å, or None where the map does not reach so far."""
    finest = max(end or 0.0, 1 / float(spectrum.shells.frequency[-1]))
    if finest > _GUINIER_TO[1]:
        return None
    curve = guinier_curve(spectrum.shells.frequency, spectrum.amplitude, weight)
    try:
        return fit_b_factor(curve, _GUINIER_FROM, max(1.05 * finest, _GUINIER_TO[0]))
    except DataError:
        return None


def smooth_skewness(spectrum: Spectrum) -> float:
    """Skewness of the map low-pass filtered to 12 Å or five voxels, where noise is gone."""
    grid = spectrum.shells.grid
    resolution = max(_SMOOTH_TO, _SMOOTH_VOXELS * max(grid.voxel_size))
    gain = low_pass_gain(resolution, 0.0, "gaussian")
    filtered = np.empty_like(spectrum.coefficients)
    for plane in range(grid.shape[0]):
        frequency = spectrum.shells.radius(plane) * spectrum.shells.width
        filtered[plane] = spectrum.coefficients[plane] * gain(frequency).astype(np.float32)
    data = inverse(filtered, grid.shape)
    data -= data.mean(dtype=np.float64)
    deviation = float(data.std(dtype=np.float64)) or 1.0
    return float((data.astype(np.float64) ** 3).mean()) / deviation**3


def contrast_findings(spectrum: Spectrum, kind: Kind) -> Iterator[Finding]:
    """Whether dark is dense in a noisy map, seen once it is smoothed.

    Parameters
    ----------
    spectrum : Spectrum
        Transform of the map.
    kind : str
        Map, half map or tomogram.
    """
    skewness = smooth_skewness(spectrum)
    if skewness > INVERTED_BELOW:
        return
    if kind == "tomogram":
        yield finding("dark_is_dense", f"Smoothed, it has a skewness of {skewness:.2f}.")
    else:
        yield finding("contrast_inverted", inverted_meaning(skewness))


def processing_findings(spectrum: Spectrum, *, is_masked: bool) -> Iterator[Finding]:
    """Whether a map was filtered or sharpened.

    Noise has a flat spectrum, too, so that only maps without it can be called sharpened: what
    was masked or filtered.
    """
    end = cut_off(spectrum)
    if end is not None:
        yield filtered_finding(end)
    fit = guinier_fit(spectrum, end)
    has_noise = end is None and not is_masked
    if fit is not None and fit.b_factor > _SHARPENED_ABOVE and not has_noise:
        yield sharpened_finding(fit.b_factor)


def filtered_finding(end: float) -> Finding:
    """A map whose amplitudes end at a resolution in Å."""
    return finding(
        "filtered", f"Amplitudes fall to a fifth or less within four shells at {end:.2f} Å."
    )


def sharpened_finding(b_factor: float) -> Finding:
    """A map whose amplitudes do not fall with resolution."""
    return finding(
        "sharpened",
        f"From 10 Å on ln amplitude falls with a B-factor of {-b_factor:.0f} Å²; as refinement "
        "gives them, maps have about 50 Å² at 2 Å resolution and above 100 Å² at 3 to 4 Å.",
    )
