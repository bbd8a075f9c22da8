"""How well degraded half maps of real maps are what was asked for.

``python benchmarks/degraded_half_maps.py [--data DIR]`` degrades EM and crystal maps of the data
folder (default: ``MAPSCOPE_DATA``) and prints

* the largest difference of their unmasked FSC from the wanted curve, over the shells with more
  than 200 coefficients, for two falling curves, a table with a plateau, and noise of an asked
  colour; the same with natural fluctuations, for comparison;
* the largest error of the noise's power against its asked colour, and of the signal-to-noise
  ratio in the shells up to the resolution;
* how well a planted local resolution is recovered from noise-free truth: in soft balls of 24 Å
  or 20 voxels about places in the density, half a ball away from the faces and where the
  planted resolution varies by less than a tenth, the factor by which amplitudes shrank is
  measured, and with it where the signal-to-noise ratio falls to that of an FSC of 0.143.

Exits with 1 where an FSC is off by more than 0.03, colour or ratio by more than 3 %, or the
recovered resolution by more than 5 % in the median.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapscope import files
from mapscope.density.fourier import Shells, transform
from mapscope.density.shells import fourier_shell_correlation
from mapscope.simulate.degradation import Degradation
from mapscope.simulate.degrade import degrade
from mapscope.simulate.degraded_maps import DegradedMaps
from mapscope.simulate.half_maps import EMPTY, falling_curve
from mapscope.simulate.noise import shell_power
from mapscope.simulate.planted_resolution import recovered_resolution
from mapscope.table import Table
from mapscope.volume import Volume

MAPS = (
    "maps/emd20026_3ajo",
    "maps/emd3240_5fn5",
    "maps/emd5778_3j5p_A",
    "maps/mainmastseg_6gyn",
    "maps/relion_betagal_localres",
    "maps/xray_3ek3",
    "reflections/4ms6",
    "reflections/7mm1",
)
COUNTED = 200
COLOUR = 60.0
PLACES = 100
FSC_LIMIT, POWER_LIMIT, RESOLUTION_LIMIT = 0.03, 0.03, 0.05

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """Planted and recovered resolutions."""

    places: int
    finest: float
    coarsest: float
    median_error: float
    largest_error: float
    correlation: float


def map_of(folder: Path) -> Volume:
    """The folder's map; a crystal's around its model."""
    if folder.parent.name == "maps":
        found: Volume = files.read(folder / "map.mrc.gz")
        return found
    model = files.read(next(p for p in folder.iterdir() if p.name.startswith("model.")))
    around: Volume = files.read(folder / "data.mtz.gz", cover=model)
    return around


def plateau(resolution: float) -> Table:
    """A curve with a plateau, as of a map with a rigid and a mobile part."""
    f = np.linspace(0, 1.5 / resolution, 60)
    steps = 0.55 / (1 + np.exp(60 * (f * resolution - 0.45) / 6)) + 0.43 / (
        1 + np.exp(60 * (f * resolution - 0.95) / 6)
    )
    return Table({"frequency": f, "correlation": steps})


def off(volume: Volume, made: DegradedMaps, wanted: Floats) -> float:
    """Largest difference of the half maps' FSC from the wanted one where the map holds density."""
    curves = fourier_shell_correlation(made.half_maps)
    power = shell_power(transform(volume.data), Shells(volume.grid))
    held = (curves.count > COUNTED) & (power > EMPTY * power[1:].max())
    return float(np.abs(curves.unmasked - wanted)[held].max())


def colour_and_ratio(made: DegradedMaps, resolution: float) -> tuple[float, float]:
    """Largest relative errors of the noise's colour and of the signal-to-noise ratio."""
    shells = Shells(made.signal.grid)
    noise = shell_power(transform(made.half_maps.first.data - made.signal.data), shells)
    signal = shell_power(transform(made.signal.data), shells)
    used = made.count > COUNTED
    colour = noise[used] * np.exp(0.5 * COLOUR * made.frequency[used] ** 2)
    up = used & (made.frequency <= 1 / resolution)
    asked = falling_curve(made.frequency[up], resolution, 100.0)
    ratio = signal[up] / noise[up] * (1 - asked) / asked
    return float(np.abs(colour / colour.mean() - 1).max()), float(np.abs(ratio - 1).max())


def recovery(volume: Volume, resolution: float) -> Recovery:
    """Planted against recovered resolution."""
    size = max(volume.voxel_size)
    window = max(24.0, 20 * size)
    how = Degradation(resolution=resolution, coarsest=2 * resolution, feature_size=2 * window)
    made = degrade(volume, how)
    levelled, field = made.levelled(), np.asarray(made.local_resolution.data)
    half = np.round(0.5 * window / np.asarray(volume.voxel_size)).astype(int)
    dense = np.argwhere(volume.data > volume.data.mean() + volume.data.std())
    inner = dense[((dense >= half) & (dense < volume.shape - half)).all(axis=1)]
    random = np.random.default_rng(0)
    truth: list[float] = []
    found: list[float] = []
    for index in random.permutation(inner):
        around = field[tuple(slice(i - h, i + h) for i, h in zip(index, half, strict=True))]
        if around.std() < 0.1 * around.mean():
            place = volume.grid.world_from_index(index)
            value = recovered_resolution(*levelled, made.best, place, window)
            truth.append(float(field[tuple(index)]))
            found.append(np.nan if value is None else value)
        if len(truth) == PLACES:
            break
    error = np.abs(np.array(found) / truth - 1)
    correlation = float(np.corrcoef(truth, found)[0, 1])
    return Recovery(
        len(truth), min(truth), max(truth), float(np.median(error)), float(error.max()), correlation
    )


def measure(name: str, volume: Volume) -> bool:
    """Print the figures of one map; whether all are within their limits."""
    finest = max(3.0, 2.6 * max(volume.voxel_size))
    fine, coarse = (Degradation(resolution=r) for r in (finest, 2 * finest))
    frequency = Shells(volume.grid).frequency
    table = plateau(finest)
    curve = np.interp(frequency, table["frequency"], table["correlation"], right=0.0)  # type: ignore[arg-type]
    coloured = degrade(volume, Degradation(resolution=finest, noise_b=COLOUR))
    falling = [falling_curve(frequency, r, 100.0) for r in (finest, 2 * finest)]
    deviations = (
        off(volume, degrade(volume, fine), falling[0]),
        off(volume, degrade(volume, coarse), falling[1]),
        off(volume, degrade(volume, fine, curve=table), curve),
        off(volume, coloured, falling[0]),
    )
    natural = Degradation(resolution=finest, is_exact=False)
    loose = off(volume, degrade(volume, natural), falling[0])
    colour, ratio = colour_and_ratio(coloured, finest)
    found = recovery(volume, finest)
    print(
        f"{name:<30} {finest:4.1f}  "
        + " ".join(f"{d:7.0e}" for d in deviations)
        + f"  {loose:6.3f}   {colour:7.2%} {ratio:6.2%}   {found.places:4d} "
        f"{found.finest:4.1f}-{found.coarsest:4.1f} {found.median_error:6.1%} "
        f"{found.largest_error:6.1%} {found.correlation:6.3f}",
        flush=True,
    )
    return (
        max(deviations) <= FSC_LIMIT
        and max(colour, ratio) <= POWER_LIMIT
        and found.median_error <= RESOLUTION_LIMIT
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    data = parser.parse_args(arguments).data
    if data is None:
        parser.error("no data: give --data or set MAPSCOPE_DATA")
    print(
        f"{'map':<30} {'d/Å':>4}  largest |FSC - wanted|: d, 2 d, plateau, coloured; natural   "
        "colour  ratio   planted: places, Å, median and largest error, correlation"
    )
    good = [measure(name, map_of(Path(data) / name)) for name in MAPS]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
