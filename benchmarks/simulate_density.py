"""Maps from structures: how fast and how right, beside gemmi and TEMPy in the same run.

``python benchmarks/simulate_density.py [--data DIR] [--skip-memory]`` (default data:
``MAPSCOPE_DATA``). Three tables:

* Speed for 2,000 and 50,000 atoms at 3 Å on 1 Å voxels, reading excluded, the best of several
  runs, on one thread and on two. gemmi makes an electron map by its own recipe (density with
  the blur that suits Refmac, transform, blur taken away, cut, transform) and TEMPy blurs by
  Fourier transform; both have one thread. Ours is timed on the same work, one period of that
  box, and as the job does it, in a larger box, so that nothing comes in from the other side.
  Limits: in either box no slower than gemmi with at most two threads; three times as fast as
  TEMPy on one. With a CUDA device, 100,000 atoms take at most 50 ms there.
* Agreement with TEMPy: correlation of both maps, with our atoms where they are, and rounded to
  the voxel that TEMPy puts them in. Limit: 0.9999 rounded.
* Agreement with gemmi on ten real structures as relative RMS: sampled without blur on both
  sides, cut alike (limit 1e-3), and ours as it is by default against gemmi on a grid twice as
  fine.

The atoms of the speed table are copies of the sample's, side by side. A child process
measures the memory that 500,000 of them take; limit 3 GB. The exit status is 1 where a limit is
missed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from mapscope import files
from mapscope.simulate.atoms import Atoms, atoms_of
from mapscope.simulate.density import fixed_density, physical_density
from mapscope.simulate.grid import fast_size
from mapscope.simulate.scattering import Scattering
from mapscope.structure import Structure
from mapscope.volume import Grid

Array = np.ndarray[Any, Any]
SAMPLE = Path(__file__).parents[1] / "sample_data" / "four_helix_bundle.cif"
RESOLUTION, VOXEL, MARGIN = 3.0, 1.0, 9.0
SIZES = (2_000, 50_000)
LARGE, ON_A_DEVICE = 500_000, 100_000
TIMES_TEMPY, TIMES_GEMMI, LARGEST_GB, DEVICE_MS = 3.0, 1.0, 3.0, 50.0
CORRELATION, RELATIVE_RMS = 0.9999, 1e-3
STRUCTURES = ("1fix", "101m", "1a12", "1bna", "1gid", "1a0z", "1hr2", "1kx5", "3mht", "1aon")
"""Small and large, protein and nucleic acid; the last has 58,870 atoms."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--memory-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_only:
        return one_large_map()
    verdicts = [speed(number) for number in SIZES]
    passed = all(verdicts)
    passed &= on_a_device()
    passed &= agrees_with_tempy()
    if options.data and Path(options.data).is_dir():
        print(
            "\nrelative RMS: both sampled without blur | from gemmi on a grid twice as fine: "
            "ours, gemmi with blur, gemmi without"
        )
        verdicts = [agrees_with_gemmi(Path(options.data), name) for name in STRUCTURES]
        passed &= all(verdicts)
    else:
        print("no data folder: set MAPSCOPE_DATA or give --data to compare real structures")
    if not options.skip_memory:
        passed &= memory()
    return 0 if passed else 1


def copies(number: int) -> Atoms:
    """So many atoms: the sample's, copied side by side until there are enough."""
    sample = files.read(SAMPLE)
    assert isinstance(sample, Structure)
    one = atoms_of(sample)
    edge = np.ptp(one.positions, axis=0) + 2.0
    times = math.ceil(number / len(one))
    side = math.ceil((times * edge[0] * edge[1] * edge[2]) ** (1 / 3))
    counts = np.maximum(np.round(side / edge).astype(int), 1)
    while counts.prod() < times:
        counts[np.argmin(counts * edge)] += 1
    places = np.stack(np.unravel_index(np.arange(times), counts), axis=1) * edge
    shifted = (one.positions + places[:, None]).reshape(-1, 3)[:number]
    placed = shifted - shifted.min(axis=0) + MARGIN
    nth = np.arange(number) % len(one)
    return Atoms(placed, one.elements[nth], one.b_factors[nth], one.occupancies[nth])


def box_of(atoms: Atoms, voxel: float = VOXEL, *, multiple_of_three: bool = True) -> Grid:
    """A grid from 0 to beyond the atoms."""
    sizes = []
    for length in atoms.positions.max(axis=0) + MARGIN:
        size = fast_size(math.ceil(length / voxel))
        while not multiple_of_three and size % 3 == 0:
            size = fast_size(size + 2)
        sizes.append(size)
    return Grid(tuple(sizes), voxel)  # type: ignore[arg-type]


def speed(number: int) -> bool:
    """Print the times for so many atoms; whether they are within the limits."""
    import torch

    atoms = copies(number)
    grid = box_of(atoms)
    model = gemmi_model(atoms)
    runs = 15 if number < 10_000 else 3
    scattering = Scattering("electrons", RESOLUTION)
    print(f"\n{number:,} atoms at {RESOLUTION:g} Å on {grid.shape} voxels of {VOXEL:g} Å")
    times: dict[str, float] = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        name = f"{threads} thread{'s'[: threads - 1]}"
        times[f"electrons, {name}"] = best(
            lambda: physical_density(atoms, grid, scattering, is_periodic=True), runs
        )
        times[f"electrons, larger box, {name}"] = best(
            lambda: physical_density(atoms, grid, scattering), runs
        )
        times[f"TEMPy's Gaussian, {name}"] = best(
            lambda: fixed_density(atoms, grid, "tempy", RESOLUTION), runs
        )
    times["gemmi, electrons"] = best(lambda: gemmi_density(model, grid, blurred=True), runs)
    times["gemmi, without blur"] = best(lambda: gemmi_density(model, grid, blurred=False), runs)
    structure, template = tempy_inputs(atoms, grid)
    blurrer = tempy_blurrer()
    arguments = (structure, RESOLUTION, template)
    times["TEMPy, by Fourier transform"] = best(
        quiet(lambda: blurrer.gaussian_blur(*arguments)), runs
    )
    times["TEMPy, in real space"] = best(
        quiet(lambda: blurrer.gaussian_blur_real_space(*arguments)), runs
    )
    for name, seconds in times.items():
        print(f"  {name:32s} {1000 * seconds:9.1f} ms")
    fastest_tempy = min(seconds for name, seconds in times.items() if name.startswith("TEMPy, "))
    to_tempy = fastest_tempy / times["TEMPy's Gaussian, 1 thread"]
    boxes = ("electrons", "electrons, larger box")
    slower = max(min(times[f"{box}, 1 thread"], times[f"{box}, 2 threads"]) for box in boxes)
    to_gemmi = times["gemmi, electrons"] / slower
    is_fast = tell("as fast as TEMPy, one thread", to_tempy, TIMES_TEMPY)
    return tell("as fast as gemmi, at most two threads", to_gemmi, TIMES_GEMMI) and is_fast


def tell(what: str, times: float, least: float) -> bool:
    """Print a ratio; whether it is high enough."""
    is_ok = times >= least
    print(f"  {times:.2f} times {what} (at least {least:g})  {'ok' if is_ok else 'MISSED'}")
    return is_ok


def best(work: Callable[[], Any], runs: int) -> float:
    """Shortest time of some runs in s, after one that does not count."""
    work()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def quiet(work: Callable[[], Any]) -> Callable[[], Any]:
    """The same without what it prints."""

    def silenced() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            return work()

    return silenced


def gemmi_model(atoms: Atoms) -> Any:
    """Atoms as gemmi's own."""
    residue = gemmi.Residue()
    residue.name = "UNL"
    for place, element, b, occupancy in zip(
        atoms.positions.tolist(), atoms.elements, atoms.b_factors, atoms.occupancies, strict=True
    ):
        atom = gemmi.Atom()
        atom.name, atom.element = str(element), gemmi.Element(str(element))
        atom.pos = gemmi.Position(*place[::-1])
        atom.b_iso, atom.occ = float(b), float(occupancy)
        residue.add_atom(atom)
    chain, model = gemmi.Chain("A"), gemmi.Model(1)
    chain.add_residue(residue)
    model.add_chain(chain)
    return model


def gemmi_density(
    model: Any, grid: Grid, *, radiation: str = "electrons", blurred: bool, finer: int = 1
) -> Array:
    """A map by gemmi's recipe on the same periodic grid (z, y, x), or one that much finer."""
    is_electrons = radiation == "electrons"
    calculator = gemmi.DensityCalculatorE() if is_electrons else gemmi.DensityCalculatorX()
    calculator.d_min, calculator.rate, calculator.cutoff = RESOLUTION, 1.5 * finer, 1e-5
    if blurred:
        calculator.set_refmac_compatible_blur(model)
    size = [finer * n for n in grid.shape[::-1]]
    calculator.grid.spacegroup = gemmi.SpaceGroup("P 1")
    calculator.grid.set_unit_cell(gemmi.UnitCell(*grid.extent[::-1], 90, 90, 90))
    calculator.grid.set_size(*size)
    calculator.put_model_density_on_grid(model)
    waves = gemmi.transform_map_to_f_phi(calculator.grid, half_l=True)
    cut = waves.prepare_asu_data(dmin=RESOLUTION, unblur=calculator.blur, with_000=True)
    density = np.asarray(cut.transform_f_phi_to_map(exact_size=size).array)
    return density.transpose(2, 1, 0)[::finer, ::finer, ::finer]


def tempy_blurrer() -> Any:
    """TEMPy's blurrer."""
    from TEMPy.protein.structure_blurrer import StructureBlurrer

    return StructureBlurrer()


def tempy_inputs(atoms: Atoms, grid: Grid) -> tuple[Any, Any]:
    """The atoms and an empty map as TEMPy's own."""
    from TEMPy.maps.em_map import Map
    from TEMPy.protein.prot_rep_biopy import Atom, BioPy_Structure

    own = []
    for place, element in zip(atoms.positions.tolist(), atoms.elements, strict=True):
        atom = Atom(str(element), place[::-1], element=str(element))
        atom.mass = gemmi.Element(str(element)).weight
        own.append(atom)
    voxel = np.array(grid.voxel_size[::-1])
    return BioPy_Structure(own), Map(np.zeros(grid.shape), np.zeros(3), voxel, "")


def agrees_with_tempy() -> bool:
    """Print the correlation with TEMPy's map; whether it is high where we round as well."""
    atoms = copies(SIZES[0])
    grid = box_of(atoms)
    structure, template = tempy_inputs(atoms, grid)
    blur = quiet(lambda: tempy_blurrer().gaussian_blur(structure, RESOLUTION, template))
    theirs = np.asarray(blur().fullMap)
    rounded = Atoms(np.round(atoms.positions / VOXEL) * VOXEL, *rest(atoms))
    ours = [fixed_density(a, grid, "tempy", RESOLUTION) for a in (rounded, atoms)]
    first, second = (float(np.corrcoef(o.ravel(), theirs.ravel())[0, 1]) for o in ours)
    print(
        f"\ncorrelation with TEMPy {first:.6f} with our atoms rounded to voxels as TEMPy does "
        f"(at least {CORRELATION}), {second:.6f} with atoms where they are"
    )
    return first >= CORRELATION


def rest(atoms: Atoms) -> tuple[Array, Array, Array]:
    """What atoms have beside positions."""
    return atoms.elements, atoms.b_factors, atoms.occupancies


def agrees_with_gemmi(data: Path, name: str) -> bool:
    """Print the differences from gemmi for one structure; whether that without blur is small."""
    structure = files.read(data / "structures" / f"{name}.pdb.gz")
    assert isinstance(structure, Structure)
    found = atoms_of(structure)
    places = found.positions - found.positions.min(axis=0) + 2 * MARGIN
    atoms = Atoms(places, *rest(found))
    # No coefficient then lies exactly on the cut, where rounding would decide.
    grid = box_of(atoms, multiple_of_three=False)
    model = gemmi_model(atoms)
    line, worst = f"{name:5s} {len(atoms):6,d} atoms", 0.0
    for radiation in ("electrons", "x_rays"):
        sampled = Scattering(radiation, RESOLUTION, soft_edge=0.0, blur=0.0)
        exact = Scattering(radiation, RESOLUTION, soft_edge=0.0)
        ours = [physical_density(atoms, grid, s, is_periodic=True) for s in (sampled, exact)]
        theirs = gemmi_density(model, grid, radiation=radiation, blurred=False)
        fine = gemmi_density(model, grid, radiation=radiation, blurred=True, finer=2)
        usual = gemmi_density(model, grid, radiation=radiation, blurred=True)
        same = relative_rms(ours[0], theirs)
        worst = max(worst, same)
        to_fine = [relative_rms(density, fine) for density in (ours[1], usual, theirs)]
        line += f" | {radiation:9s} {same:.1e} | " + " ".join(f"{rms:.1e}" for rms in to_fine)
    is_ok = worst <= RELATIVE_RMS
    print(f"{line}  {'ok' if is_ok else 'MISSED'}", flush=True)
    return is_ok


def relative_rms(ours: Array, theirs: Array) -> float:
    """Root mean square difference over the standard deviation."""
    return float(np.sqrt(((ours - theirs) ** 2).mean()) / theirs.std())


def on_a_device() -> bool:
    """Print the times on a CUDA device where there is one; whether they are within the limit."""
    import torch

    if not torch.cuda.is_available():
        print("\nno CUDA device here: that limit is not measured")
        return True
    atoms = copies(ON_A_DEVICE)
    grid = box_of(atoms)
    scattering = Scattering("electrons", RESOLUTION)
    times = {
        "electrons": best(lambda: physical_density(atoms, grid, scattering, device="cuda"), 5),
        "ChimeraX's Gaussian": best(
            lambda: fixed_density(atoms, grid, "chimerax", RESOLUTION, device="cuda"), 5
        ),
    }
    print(f"\n{ON_A_DEVICE:,} atoms on {torch.cuda.get_device_name()}, {grid.shape} voxels")
    for name, seconds in times.items():
        is_ok = 1000 * seconds <= DEVICE_MS
        print(f"  {name:32s} {1000 * seconds:9.1f} ms  {'ok' if is_ok else 'MISSED'}")
    return all(1000 * seconds <= DEVICE_MS for seconds in times.values())


def memory() -> bool:
    """Run this script for one large map; whether it stays within the limit."""
    command = [sys.executable, __file__, "--memory-only"]
    return subprocess.run(command, check=False).returncode == 0


def one_large_map() -> int:
    """Make a large map and print the most memory that this process has had."""
    atoms = copies(LARGE)
    grid = box_of(atoms)
    started = time.perf_counter()
    physical_density(atoms, grid, Scattering("electrons", RESOLUTION))
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    is_ok = peak <= LARGEST_GB
    print(
        f"\n{LARGE:,} atoms on {grid.shape} voxels of {VOXEL:g} Å: {seconds:.1f} s, "
        f"{peak:.2f} GB at most (limit {LARGEST_GB:g})  {'ok' if is_ok else 'MISSED'}"
    )
    return 0 if is_ok else 1


if __name__ == "__main__":
    sys.exit(main())
