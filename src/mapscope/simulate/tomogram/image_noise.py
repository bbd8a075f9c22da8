"""Noise of electrons and detector in images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.progress import Progress
from mapscope.simulate.tomogram.exposure import Exposure, chance
from mapscope.simulate.tomogram.projection import Frame

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_LEAST_GAIN = 1e-3


def add_noise(
    images: Singles,
    clean: Singles,
    seen: list[tuple[slice, slice]],
    exposure: Exposure,
    defoci: Floats,
    frame: Frame,
    seed: int,
    progress: Progress,
) -> Floats:
    """Add the noise of electrons and detector to images; its variance where specimen is seen."""
    signal = float(np.mean([c[s].var() for c, s in zip(clean, seen, strict=True)]))
    variances = np.empty(len(images))
    for number in range(len(images)):
        progress(number, len(images), "noise")
        random = chance(seed, "image noise", number)
        before = images[number].copy()
        if exposure.noise.signal_to_noise is None:
            images[number] = counted(before, exposure, frame, len(images), random)
        else:
            ratio = (
                exposure.noise.signal_to_noise * (frame.pixel_size / exposure.noise.sampling) ** 2
            )
            level = signal / ratio
            images[number] += drawn(level, exposure, float(defoci[number]), frame, random)
        variances[number] = (images[number] - before)[seen[number]].var()
    progress(1, 1, "noise")
    return variances


def drawn(
    level: float, exposure: Exposure, defocus: float, frame: Frame, random: np.random.Generator
) -> Singles:
    """Noise (rows, columns) of a variance: partly shaped by the CTF, all of it by the detector."""
    frequency = frame.frequency.T
    through = np.abs(exposure.microscope.ctf(frequency, defocus))
    through *= exposure.detector.signal_gain(frequency)
    white = exposure.detector.noise_gain(frequency)
    share = exposure.noise.through_lens
    total = np.zeros(frequency.shape)
    for gain, part_of in ((through, share), (white, 1 - share)):
        drawn = random.standard_normal(frequency.shape, dtype=np.float32)
        if part_of > 0:
            scale = np.sqrt(level * part_of / np.mean(gain**2))
            total += scale * _shaped(drawn, gain)
    return total.astype(np.float32)


def counted(
    image: Singles,
    exposure: Exposure,
    frame: Frame,
    number: int,
    random: np.random.Generator,
) -> Singles:
    """Contrast (rows, columns) as counted electrons give it.

    The detector counts ``dose · F⁻¹[F(I) · sqrt(DQE)]`` electrons, and then blurs counts and
    their noise by ``MTF / sqrt(DQE)``; the image's contrast has the MTF in it already. What the
    empty beam gives is subtracted.
    """
    detector = exposure.detector
    frequency = frame.frequency.T
    blur = detector.noise_gain(frequency)
    per_volt = 2 * exposure.microscope.interaction
    dose = exposure.noise.dose / number * frame.pixel_size**2
    # Where the detector passes nothing, the image holds nothing either.
    intensity = 1 - per_volt * _shaped(image, 1 / np.maximum(blur, _LEAST_GAIN))
    counts = random.poisson(dose * np.clip(intensity, 0, None)).astype(np.float32)
    missing = 1 - counts / np.float32(dose)
    return (_shaped(missing, blur) / per_volt).astype(np.float32)


def _shaped(image: npt.NDArray[np.float32], gain: Floats) -> Singles:
    """An image times a gain in Fourier space."""
    from scipy.fft import fft2, ifft2

    return np.asarray(ifft2(fft2(image) * gain.astype(np.float32)).real)
