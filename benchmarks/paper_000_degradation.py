"""What the degradation of Mullick et al. makes of 20 crystal maps, with its numbers fixed.

``python benchmarks/paper_000_degradation.py [--data DIR]`` reads crystals of the data folder
(default: ``MAPSCOPE_DATA``), brings the map around each model onto a cubic grid of 1 Å, where the
paper's network is to work, and degrades it by ``mapscope.simulate.dilation.MULLICK``: grey
dilation by a ball of 1.5 Å, a Gaussian filter of 1.1 Å, white noise of a tenth of the blurred
map's standard deviation. These numbers are fixed; no network had seen a map when they were.

The crystals: amplitudes or map coefficients better than 2.5 Å, a model of at least 80 amino
acids without deliberate errors, of crystals whose chains share a quarter of their 4-mers only
the one of best resolution, and of these the 20 of best resolution.

The table: correlation of the degraded with the original map, in the whole box and within 2 Å of
the model, EMRinger scores of the model in both maps, and how much of the amplitude is left in six
ranges of resolution, relative to 20 to 10 Å. Limits: 20 crystals, a median EMRinger score of at
least 6 in the originals and at most 3 in the degraded maps; the exit status is 1 where one is
missed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
import numpy.typing as npt

from mapscope import files
from mapscope.density.distance import distance_within
from mapscope.density.fourier import Shells, transform
from mapscope.density.resample import onto_grid
from mapscope.density.shells import shell_mean_amplitude
from mapscope.scores.chi1_scan import scan_chi1
from mapscope.scores.emringer import emringer_score
from mapscope.simulate.dilation import MULLICK, dilate_and_blur
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

NUMBER = 20
COARSEST = 2.5
FEWEST_RESIDUES = 80
SHARED = 0.25
WORD = 4
SHORTEST_CHAIN = 20
VOXEL_SIZE = 1.0
NEAR = 2.0
ORIGINAL_EMRINGER, DEGRADED_EMRINGER = 6.0, 3.0
RANGES = ((20.0, 10.0), (10.0, 6.0), (6.0, 4.0), (4.0, 3.0), (3.0, 2.5), (2.5, 2.0))
DELIBERATE_ERRORS = ("5a3h_tutorial", "moorhen_tut3", "rnase_coot")


@dataclass(frozen=True)
class Crystal:
    """One crystal of the data folder.

    Parameters
    ----------
    name : str
        Its folder.
    resolution : float
        Å, of its finest reflection.
    reflections, model : Path
        Files.
    residues : int
        Amino acids in the model.
    words : tuple of sets of str
        The 4-mers of each chain.
    """

    name: str
    resolution: float
    reflections: Path
    model: Path
    residues: int
    words: tuple[frozenset[str], ...]

    def shares_chain_with(self, other: Crystal) -> bool:
        """Whether two chains share a quarter of the 4-mers of the shorter one."""
        pairs = ((a, b) for a in self.words for b in other.words)
        return any(len(a & b) >= SHARED * min(len(a), len(b)) for a, b in pairs)


@dataclass(frozen=True)
class Row:
    """What became of one map."""

    crystal: Crystal
    shape: tuple[int, int, int]
    correlation: float
    correlation_near: float
    emringer: float
    emringer_degraded: float
    amplitude: tuple[float, ...]


def crystal_of(folder: Path) -> Crystal | None:
    """The crystal in a folder, or None where there is no map or the model has errors."""
    found = [*folder.glob("map_coeffs*.mtz.gz"), *folder.glob("data.mtz.gz")]
    if not found or folder.name in DELIBERATE_ERRORS:
        return None
    model = next(p for p in folder.iterdir() if p.name.startswith("model."))
    structure = gemmi.read_structure(str(model))
    structure.setup_entities()
    amino_acids = [r for c in structure[0] for r in c if _is_amino_acid(r)]
    chains = [gemmi.one_letter_code([r.name for r in c.get_polymer()]) for c in structure[0]]
    kept = [c.replace("X", "").replace("-", "") for c in chains]
    words = tuple(
        frozenset(c[n : n + WORD] for n in range(len(c) - WORD + 1))
        for c in kept
        if len(c) >= SHORTEST_CHAIN
    )
    resolution = float(gemmi.read_mtz_file(str(found[0])).resolution_high())
    return Crystal(folder.name, resolution, found[0], model, len(amino_acids), words)


def _is_amino_acid(residue: gemmi.Residue) -> bool:
    return bool(gemmi.find_tabulated_residue(residue.name).is_amino_acid())


def chosen(data: Path, is_wanted: Callable[[Crystal], bool] = lambda _: True) -> list[Crystal]:
    """The 20 crystals, best resolution first, of those that are wanted."""
    folders = sorted(p for p in (data / "reflections").iterdir() if p.is_dir())
    crystals = [c for c in map(crystal_of, folders) if c is not None and is_wanted(c)]
    usable = [c for c in crystals if c.resolution < COARSEST and c.residues >= FEWEST_RESIDUES]
    kept: list[Crystal] = []
    for crystal in sorted(usable, key=lambda c: (c.resolution, c.name)):
        if not any(crystal.shares_chain_with(other) for other in kept):
            kept.append(crystal)
    return kept[:NUMBER]


def map_of(crystal: Crystal) -> tuple[Volume, Structure]:
    """The map around the model on a cubic 1 Å grid, and the model."""
    model = files.read(crystal.model)
    volume = files.read(crystal.reflections, cover=model)
    z, y, x = (int(edge / VOXEL_SIZE - 1e-6) for edge in volume.grid.extent)
    grid = Grid((z, y, x), (VOXEL_SIZE,) * 3, volume.origin)
    return onto_grid(volume, grid), model


def near(volume: Volume, model: Structure) -> npt.NDArray[np.bool_]:
    """Voxels within 2 Å of an atom's voxel."""
    index = np.round(volume.grid.index_from_world(model.positions)).astype(int)
    inside = ((index >= 0) & (index < volume.shape)).all(axis=1)
    occupied = np.zeros(volume.shape, dtype=np.bool_)
    occupied[tuple(index[inside].T)] = True
    return np.asarray(distance_within(occupied, volume.voxel_size, 2 * NEAR) <= NEAR)


def amplitudes(volume: Volume) -> npt.NDArray[np.float64]:
    """Mean amplitude in each of `RANGES`."""
    shells = Shells(volume.grid)
    mean = shell_mean_amplitude(transform(volume.data), shells)
    f = shells.frequency
    return np.array([mean[(f * a >= 1) & (f * b < 1)].mean() for a, b in RANGES])


def measure(crystal: Crystal) -> Row:
    """Degrade one crystal's map and compare."""
    volume, model = map_of(crystal)
    degraded = dilate_and_blur(volume, MULLICK)
    here = near(volume, model)
    left = amplitudes(degraded) / amplitudes(volume)
    return Row(
        crystal,
        volume.shape,
        float(np.corrcoef(volume.data.ravel(), degraded.data.ravel())[0, 1]),
        float(np.corrcoef(volume.data[here], degraded.data[here])[0, 1]),
        emringer(volume, model),
        emringer(degraded, model),
        tuple(left / left[0]),
    )


def emringer(volume: Volume, model: Structure) -> float:
    """EMRinger score of a model in a map; NaN where no density peaks at a rotamer."""
    score = emringer_score(scan_chi1(model, volume).density)
    return float("nan") if score is None else score.score


def line(row: Row) -> str:
    """One line of the table."""
    profile = " ".join(f"{a:7.3f}" for a in row.amplitude)
    return (
        f"{row.crystal.name:<14} {row.crystal.resolution:5.2f} {row.shape!s:<16} "
        f"{row.correlation:6.3f} {row.correlation_near:6.3f}   "
        f"{row.emringer:8.2f} {row.emringer_degraded:8.2f}   {profile}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    data = parser.parse_args(arguments).data
    if data is None:
        parser.error("no data: give --data or set MAPSCOPE_DATA")
    crystals = chosen(Path(data))
    print(f"{MULLICK}; cubic grid of {VOXEL_SIZE} Å")
    titles = " ".join(f"{a:g}-{b:g}".rjust(7) for a, b in RANGES)
    print(
        f"{'crystal':<14} {'d/Å':>5} {'grid (z, y, x)':<16} {'CC':>6} {'near':>6}   "
        f"{'EMRinger':>8} {'degraded':>8}   {titles} Å"
    )
    rows = []
    for crystal in crystals:
        rows.append(measure(crystal))
        print(line(rows[-1]), flush=True)
    names = ("correlation", "correlation_near", "emringer", "emringer_degraded")
    middle = [float(np.median([getattr(r, n) for r in rows])) for n in names]
    profile = np.median([r.amplitude for r in rows], axis=0)
    print(
        f"{'median':<37} {middle[0]:6.3f} {middle[1]:6.3f}   {middle[2]:8.2f} {middle[3]:8.2f}   "
        + " ".join(f"{a:7.3f}" for a in profile)
    )
    is_told = middle[2] >= ORIGINAL_EMRINGER and middle[3] <= DEGRADED_EMRINGER
    return 0 if len(rows) == NUMBER and is_told else 1


if __name__ == "__main__":
    sys.exit(main())
