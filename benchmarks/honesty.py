"""Whether the enhancer shows what went in, and nothing else.

``python benchmarks/honesty.py [--model FILE] [--only noise,parts,halves,moves] [--maps 20]
[--part test] [--corpus FILE | --data DIR]`` does to maps what must not impress an honest method:

* noise: white noise, and real maps with random phases, alone and as half maps. Deviation and
  highest value of what comes out, over those of the noise that the network was given (weighted and
  at the same spectrum): at most 1. Half maps of unlike noise must be refused.
* parts: of structures of the split's part, a ligand, chain or stretch is left out before half maps
  are made (3 to 6 Å). At contours that enclose the molecule's volume, the enhanced map may show at
  most 5 % more of the place than the data do, in the mean 1 %. And 45 atoms of no known kind are
  put beside each molecule: of what the data show of them, the enhanced map shows at least 0.9 in
  the mean (recall).
* halves: both half maps enhanced separately. Where their outputs agree more than their agreement
  with the truth explains, the model has put the same into both: printed is the mean over shells.
* moves: mirrored, turned (24 rotations), at another origin, cut to an uneven box, with a voxel size
  off by 3 %, with inverted contrast. What is made of a moved map must be what was made before,
  moved alike: correlations of at least 0.95, and 0.9 for the mirror image and the voxel size; the
  mirror image must stay nearer to itself than to the other hand, and inverted contrast must be
  named and never turned into a molecule.

Real maps are those below ``maps/`` of the data folder. Exits with 0 if all limits are met, or if
there is no model or no data.

References: Chen et al. (2013) Ultramicroscopy 135, 24 (random phases).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mapscope import files
from mapscope.errors import DataError, InputError
from mapscope.inference.enhancing import enhancers
from mapscope.inference.noise_answer import noise_of_data
from mapscope.jobs import all_jobs
from mapscope.jobs.sharpening.enhance import Enhanced
from mapscope.scores.enhancement import masked_correlation
from mapscope.scores.honesty import added, place_of, recall, rise, share_above
from mapscope.scores.honesty import level_enclosing as level_of
from mapscope.scores.map_map import correlation_about_mean
from mapscope.scores.moves import (
    lattice_rotations,
    uneven_box,
    when_cut,
    when_mirrored,
    when_rescaled,
    when_shifted,
    when_turned,
)
from mapscope.simulate.atoms import atoms_of
from mapscope.simulate.known_pairs import KnownPair, box_around, joined, known_pair, unknown_blob
from mapscope.simulate.parts import without_part
from mapscope.structure import Structure
from mapscope.training.held_out import held_out
from mapscope.volume import HalfMaps, Volume

REAL = {
    "emd1044_1oed": 4.0,
    "emd4118_5ly6": 4.7,
    "emd5778_3j5p_A": 3.27,
    "emd6272_3j9s": 2.6,
    "gorgon_vp6": 3.8,
}
"""Å of the real maps whose phases are made random, of clusters that test."""

SECTIONS = ("noise", "parts", "halves", "moves")
RESOLUTIONS = (3.0, 6.0)
WHITE = (3.0, 4.0, 6.0)
HIGHEST_RISE, RECALL, ADDED, ADDED_MEAN = 1.0, 0.9, 0.05, 0.01
ALIKE, STILL_ALIKE, STRETCH = 0.95, 0.9, 0.03
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Finding:
    """One number and what it may be.

    Parameters
    ----------
    name : str
        What was looked at.
    value : float
        What came out.
    most, least : float or None
        Limits; None for none.
    """

    name: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the value is within its limits."""
        above = self.most is None or self.value <= self.most + _ROUNDING
        return above and (self.least is None or self.value >= self.least)

    def __str__(self) -> str:
        limits = [f"at most {self.most:g}"] if self.most is not None else []
        limits += [f"at least {self.least:g}"] if self.least is not None else []
        said = f"  ({', '.join(limits)}: {'ok' if self.is_met else 'MISSED'})" if limits else ""
        return f"{self.name}: {self.value:.3f}{said}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="enhancer")
    parser.add_argument("--only", default=",".join(SECTIONS))
    parser.add_argument("--maps", type=int, default=20)
    parser.add_argument("--part", default="test", choices=("test", "validation"))
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--edge", type=int, default=80)
    given = parser.parse_args()
    if not Path(given.model).is_file() and given.model not in [m.name for m in enhancers()]:
        print(f"no model {given.model} is installed")
        return 0
    if not (given.corpus or given.data):
        print("no data: give --corpus or --data")
        return 0
    results = []
    for section in given.only.split(","):
        for finding in found(section, given):
            print(f"{section:6s} {finding}", flush=True)
            results.append(finding)
    return 0 if all(finding.is_met for finding in results) else 1


def found(section: str, given: argparse.Namespace) -> Iterator[Finding]:
    """What one section finds."""
    folder = Path(given.data) / "structures" if given.data else None
    if section == "noise":
        real = real_maps(Path(given.data) / "maps") if given.data else iter(())
        yield from of_noise(given.model, real, edge=given.edge)
        return
    number = given.maps if section == "parts" else max(1, given.maps // 7)
    structures = held_out(given.part, number, corpus=given.corpus, folder=folder)
    if section == "parts":
        yield from of_parts(given.model, structures, edge=given.edge)
        return
    look = of_halves if section == "halves" else of_moves
    for n, (name, structure) in enumerate(structures):
        atoms = atoms_of(structure, hydrogens=False)
        pair = known_pair(atoms, box_around(atoms, given.edge), seed=n, resolution=3.5 + n % 3)
        for finding in look(given.model, pair):
            yield replace(finding, name=f"{name}, {finding.name}")


def real_maps(folder: Path) -> Iterator[tuple[str, Volume, float]]:
    """Real maps with their resolutions."""
    for name, resolution in REAL.items():
        path = folder / name / "map.mrc.gz"
        if path.is_file():
            volume = files.read(path, permissive=True)
            assert isinstance(volume, Volume)
            yield name, volume, resolution


def of_noise(
    model: str, real: Iterator[tuple[str, Volume, float]], *, edge: int, seed: int = 0
) -> Iterator[Finding]:
    """How high noise comes out.

    Parameters
    ----------
    model : str
        Name or file.
    real : iterator of (str, Volume, float)
        Maps whose phases are made random, with their resolutions.
    edge : int
        Voxels along a box of white noise.
    seed : int
        Of the noise.
    """
    enhance = all_jobs()["enhance"]
    random = np.random.default_rng(seed)
    first, second = (
        Volume(random.standard_normal((edge,) * 3, dtype=np.float32)) for _ in range(2)
    )
    yield Finding("white half maps refused", float(is_refused(model, first, second)), least=1.0)
    for resolution in WHITE:
        made = enhance(volume=first, resolution=resolution, model=model)
        yield from risen(f"white, {resolution:g} Å", made.enhanced, made.data)
    for name, volume, resolution in real:
        noise = noise_of_data(volume, seed=seed).first
        made = enhance(volume=noise, resolution=resolution, model=model)
        yield from risen(f"{name} with random phases", made.enhanced, made.data)


def is_refused(model: str, first: Volume, second: Volume) -> bool:
    """Whether half maps that do not agree are refused."""
    try:
        all_jobs()["enhance"](HalfMaps(first, second), model=model)
    except DataError:
        return True
    return False


def risen(name: str, made: Volume, given: Volume) -> Iterator[Finding]:
    """Both measures of how high noise comes out."""
    found = rise(made, given)
    yield Finding(f"{name}: deviation", found.deviation, most=HIGHEST_RISE)
    yield Finding(f"{name}: highest", found.highest, most=HIGHEST_RISE)


def of_parts(
    model: str, structures: Iterator[tuple[str, Structure]], *, edge: int
) -> Iterator[Finding]:
    """What becomes of what was taken away, and of what was put there."""
    more, recalls = [], []
    for number, (name, structure) in enumerate(structures):
        low, high = RESOLUTIONS
        resolution = low + (high - low) * ((number * 0.618) % 1)
        try:
            taken, kept, what = part_removed(model, structure, resolution, number, edge)
            value, seen = blob_recall(model, structure, resolution, number, edge)
        except InputError as error:
            print(f"       ({name} is left out: {error})")
            continue
        at = f"{name} at {resolution:.1f} Å"
        more.append(taken)
        yield Finding(f"{at} without {what}: more shown", taken, most=ADDED)
        print(f"       (with it, the enhanced map shows {kept:.2f} of it)")
        if seen:
            recalls.append(value)
            yield Finding(f"{at}: recall of {seen} blob voxels", value)
    if not recalls:
        return
    yield Finding("more shown of what was taken away, mean", float(np.mean(more)), most=ADDED_MEAN)
    yield Finding("recall of blobs, mean", float(np.mean(recalls)), least=RECALL)
    yield Finding(
        "share of blobs of which 0.9 is left", float(np.mean(np.array(recalls) >= RECALL))
    )


def part_removed(
    model: str, structure: Structure, resolution: float, seed: int, edge: int
) -> tuple[float, float, str]:
    """How much more of a place is shown where nothing is; how much where all is; what it was."""
    whole = atoms_of(structure, hydrogens=False)
    grid = box_around(whole, edge)
    part = without_part(structure, grid)
    where = place_of(part.removed.positions, grid, others=part.kept.positions)
    pair = known_pair(part.kept, grid, seed=seed, resolution=resolution)
    voxels = int(place_of(part.kept.positions, grid, radius=2.0).sum())
    made = enhanced(model, pair)
    more = added(made.data, made.enhanced, where, voxels)
    control = enhanced(model, known_pair(whole, grid, seed=seed, resolution=resolution)).enhanced
    voxels = int(place_of(whole.positions, grid, radius=2.0).sum())
    return more, share_above(control, level_of(control, voxels), where), part.what


def blob_recall(
    model: str, structure: Structure, resolution: float, seed: int, edge: int
) -> tuple[float, int]:
    """Recall of a heap of unknown atoms, and how many of its voxels the data show."""
    atoms = atoms_of(structure, hydrogens=False)
    grid = box_around(atoms, edge)
    blob = unknown_blob(atoms, grid, seed=seed)
    both = joined(atoms, blob)
    made = enhanced(model, known_pair(both, grid, seed=seed, resolution=resolution))
    where = place_of(blob.positions, grid)
    voxels = int(place_of(both.positions, grid, radius=2.0).sum())
    seen = where & (np.asarray(made.data.data) >= level_of(made.data, voxels))
    return recall(made.data, made.enhanced, where, voxels), int(seen.sum())


def enhanced(model: str, pair: KnownPair) -> Enhanced:
    """What the job makes of a pair of half maps."""
    made: Enhanced = all_jobs()["enhance"](pair.half_maps, mask=pair.mask, model=model)
    return made


def of_halves(model: str, pair: KnownPair) -> Iterator[Finding]:
    """How alike the outputs of two half maps are, and how far the truth explains that."""
    enhance = all_jobs()["enhance"]
    outputs = [
        enhance(volume=half, mask=pair.mask, resolution=pair.resolution, model=model).enhanced
        for half in (pair.half_maps.first, pair.half_maps.second)
    ]
    of_inputs = masked_correlation(pair.half_maps.first, pair.half_maps.second, pair.mask)
    of_outputs = masked_correlation(outputs[0], outputs[1], pair.mask)
    explained = np.prod([masked_correlation(o, pair.truth, pair.mask) for o in outputs], axis=0)
    inner = slice(1, int(0.9 * len(of_inputs)))
    yield Finding("FSC of the half maps, mean over shells", float(of_inputs[inner].mean()))
    yield Finding("FSC of their outputs", float(of_outputs[inner].mean()))
    excess = np.maximum(of_outputs - explained, 0)[inner]
    yield Finding("of which the truth does not explain", float(excess.mean()))


def of_moves(model: str, pair: KnownPair, *, turns: int = 24) -> Iterator[Finding]:
    """What becomes of moved maps, and of some of the rotations."""
    job = all_jobs()["enhance"]

    def enhance(half_maps: HalfMaps) -> Volume:
        made: Volume = job(half_maps, model=model, resolution=pair.resolution).enhanced
        return made

    made = enhance(pair.half_maps)
    mirrored = when_mirrored(enhance, pair.half_maps, made)
    yield Finding("mirrored: like the mirrored", mirrored.moved, least=STILL_ALIKE)
    yield Finding("mirrored: like the other hand", mirrored.unmoved, most=mirrored.moved)
    turned = when_turned(enhance, pair.half_maps, made, lattice_rotations()[:turns])
    yield Finding(f"{turns} rotations: least alike", float(turned.min()), least=ALIKE)
    alike, is_there = when_shifted(enhance, pair.half_maps, made, (-31.7, 250.0, 12.25))
    yield Finding("shifted origin: alike", alike if is_there else 0.0, least=0.9999)
    cut = when_cut(enhance, pair.half_maps, made, uneven_box(pair.half_maps.grid.shape))
    yield Finding("uneven box: alike", cut, least=ALIKE)
    for factor in (1 - STRETCH, 1 + STRETCH):
        value = when_rescaled(enhance, pair.half_maps, made, factor)
        yield Finding(f"voxel size {factor - 1:+.0%}: alike", value, least=STILL_ALIKE)
    yield from of_inverted(model, pair, made)


def of_inverted(model: str, pair: KnownPair, made: Volume) -> Iterator[Finding]:
    """What becomes of a map whose contrast is inverted."""
    halves = (v.with_data(-v.data) for v in (pair.half_maps.first, pair.half_maps.second))
    again = all_jobs()["enhance"](HalfMaps(*halves), model=model, resolution=pair.resolution)
    is_named = "contrast" in (again.note or "").lower()
    yield Finding("inverted contrast is named", float(is_named), least=1.0)
    value = correlation_about_mean(again.enhanced.data, made.data)
    yield Finding("inverted contrast: like the right one", value, most=0.0)


if __name__ == "__main__":
    sys.exit(main())
