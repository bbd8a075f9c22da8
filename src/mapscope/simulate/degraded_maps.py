"""Half maps of known quality, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, apply_radial, inverse, transform
from mapscope.errors import DataError
from mapscope.progress import Progress, silent
from mapscope.simulate.half_maps import Spectra
from mapscope.simulate.noise import shell_power
from mapscope.volume import HalfMaps, Volume

_LEAST_RATIO = 1e-3


@dataclass(frozen=True, eq=False)
class DegradedMaps:
    """Half maps of known quality, and all that is known of them.

    Parameters
    ----------
    half_maps : HalfMaps
        Same signal, independent noise; not sharpened.
    mean : Volume
        Their mean, sharpened where that was asked.
    signal : Volume
        What both hold without noise, neither masked nor sharpened.
    original : Volume
        The map as it was, in the same box.
    local_resolution : Volume
        Å, resolution planted in each voxel.
    best : Spectra
        Signal and noise where the map is best.
    frequency, wanted, obtained : float64 array (shells,)
        1/Å; FSC of the half maps as it was asked for (with a mask or a planted resolution: as
        signal and noise of the whole box give it), and as it came out, without any mask.
    count : float64 array (shells,)
        Coefficients in each shell.
    noise_level : float
        Standard deviation of the noise in one half map over that of the signal, as expected.
    """

    half_maps: HalfMaps
    mean: Volume
    signal: Volume
    original: Volume
    local_resolution: Volume
    best: Spectra
    frequency: npt.NDArray[np.float64]
    wanted: npt.NDArray[np.float64]
    obtained: npt.NDArray[np.float64]
    count: npt.NDArray[np.float64]
    noise_level: float

    def levelled(self) -> tuple[Volume, Volume]:
        """Original and signal with equal amplitudes at all frequencies that matter.

        The gain of the best places and the map's own fall of amplitudes are taken out, so that
        the two differ by the planted resolution alone.
        """
        shells = Shells(self.original.grid)
        ft, _ = centred_transform(self.original)
        amplitude = np.sqrt(shell_power(ft, shells))
        used = (self.best.signal_to_noise > _LEAST_RATIO) & (amplitude > 0)
        level = np.divide(1.0, amplitude, out=np.zeros_like(amplitude), where=used)
        own = replace(self.best, gain=level, b_factor=0.0).radial_gain()
        common = self.best.radial_gain()

        def without_common(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            gain = common(frequency)
            return np.divide(own(frequency), gain, out=np.zeros_like(gain), where=gain > 0)

        signal_ft, _ = centred_transform(self.signal)
        pairs = ((ft, own), (signal_ft, without_common))
        first, second = (
            self.original.with_data(inverse(apply_radial(f, shells.grid, g), shells.grid.shape))
            for f, g in pairs
        )
        return first, second


def centred_transform(
    volume: Volume, progress: Progress = silent
) -> tuple[npt.NDArray[np.complex64], float]:
    """Transform of the map less its mean, and the mean.

    Raises
    ------
    DataError
        If the map is constant.
    """
    data = volume.float32()
    mean = float(data.mean(dtype=np.float64))
    if not float(data.std(dtype=np.float64)) > 1e-6 * abs(mean):
        raise DataError(f"the map is constant ({mean:g} everywhere): there is nothing to degrade")
    return transform(data - np.float32(mean), progress), mean
