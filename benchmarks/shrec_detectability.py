"""How well the particles of a simulated set could be found at all, at two meanings of its noise.

``python benchmarks/shrec_detectability.py FOLDER`` takes a set that ``mapscope simulate-tomograms``
made and says for each species by how many standard deviations a filter would find it that knows
its density, its orientation, the CTF and the power of all noise:
``d² = Σ |P|² CTF² / N`` over the coefficients of all tilts, with P the projected particle (a mean
of three directions) and N the power of the images' noise, the structural noise, the ice's grain
and the other particles. Columns: with the noise as it is, meant in pixels of 1 Å; as if it were
meant in the images' own pixels, of 10 Å, where it is 100 times as strong; F1 of template matching
in the paper. The last line is how far the highest of all places and orientations stands out by
chance: what stands out less cannot be found by a search.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shrec_paper as paper  # type: ignore[import-not-found]
from scipy.special import ndtri

from mapscope.files import read
from mapscope.simulate.tomogram.projection import Microscope
from mapscope.simulate.tomogram.specimen import ICE
from mapscope.table import Table
from mapscope.volume import Volume

Floats = npt.NDArray[np.float64]

EDGE, GRAIN, ORIENTATIONS = 96, 0.07, 50_000


def spectra_of(folder: Path, voxel: float) -> dict[str, Floats]:
    """Power of the projection of each species, (EDGE, EDGE), the mean of three directions."""
    found = {}
    for path in sorted(folder.glob("*.mrc")):
        template = read(path)
        assert isinstance(template, Volume)
        sums = [np.asarray(template.data, np.float64).sum(axis) * voxel for axis in range(3)]
        waves = [np.fft.fft2(each, (EDGE, EDGE)) for each in sums]
        found[path.name.partition(".")[0]] = np.mean([np.abs(w) ** 2 for w in waves], axis=0)
    return found


def seen_at(
    spectra: dict[str, Floats], tilts: Table, settings: dict[str, Any], stronger: float
) -> dict[str, float]:
    """Standard deviations at which each species stands out, with so much more image noise."""
    voxel = settings["voxel_size"]
    along = np.fft.fftfreq(EDGE, voxel)
    frequency = np.hypot(along[:, None], along)
    depth, _, width = settings["shape"]
    specimen = (settings["structural_noise"] ** 2 + GRAIN**2) * (ICE * voxel) ** 2
    total = dict.fromkeys(spectra, 0.0)
    columns = (tilts["tilt"], tilts["defocus"], tilts["noise_variance"], tilts["signal_variance"])
    for row in zip(*columns, strict=True):
        tilt, defocus, noise, signal = map(float, row)
        through = Microscope().ctf(frequency, defocus) ** 2
        angle = np.deg2rad(tilt)
        voxels = min(depth / np.cos(angle), width / max(abs(np.sin(angle)), 1e-6))
        others = sum(spectra.values()) * through
        power = noise * stronger * (0.5 * through / through.mean() + 0.5)
        power = power + specimen * voxels * through + signal * others / others.mean()
        for name, spectrum in spectra.items():
            total[name] += float((spectrum * through / power).sum()) / EDGE**2
    return {name: value**0.5 for name, value in total.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    settings = json.loads((folder / "settings.json").read_text())
    tilts = read(folder / "tomogram_0" / "tilts.csv")
    assert isinstance(tilts, Table)
    spectra = spectra_of(folder / "templates", settings["voxel_size"])
    sampling = (settings["voxel_size"] / settings["noise_sampling"]) ** 2
    columns = [seen_at(spectra, tilts, settings, factor) for factor in (1.0, sampling)]
    print("species  as it is   in its pixels   F1 in the paper")
    for name, reached in sorted(columns[0].items(), key=lambda item: item[1]):
        f1 = paper.TABLE_4["TM-T"].get(name, float("nan"))
        print(f"{name:7}  {reached:6.1f} σ   {columns[1][name]:10.1f} σ   {f1:14.3f}")
    tries = float(np.prod(settings["shape"])) * ORIENTATIONS
    print(f"highest by chance of {tries:.1e} places and orientations: {-ndtri(1 / tries):.1f} σ")


if __name__ == "__main__":
    main()
