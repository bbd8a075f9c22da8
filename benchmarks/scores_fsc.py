"""Compare correlations and FSC of maps and models with cctbx and servalcat.

CC_mask, CC_box, CC_volume, CC_peaks, CC of residues, and the FSC shell by shell.

Real maps with placed models are shifted to origin 0, because cctbx ignores an origin off its
grid. cctbx (2025 or later, in a virtual environment of its own) and servalcat run as programs.
cctbx's coefficients are summed in our shells, and ours in servalcat's. The d_FSC of cctbx, the
first crossing of a smoothed curve, is printed beside ours, the last crossing.

    python benchmarks/scores_fsc.py --data FOLDER --cctbx PYTHON --servalcat PROGRAM
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope import read
from mapscope.depiction.residues import residues_of
from mapscope.scores.model_fsc import (
    ModelCurves,
    model_shell_correlation,
    sharp_model_density,
)
from mapscope.scores.model_map import model_correlations, model_density, residue_correlations
from mapscope.scores.molecule import atom_radius
from mapscope.simulate.form_factors import Radiation
from mapscope.structure import Structure
from mapscope.volume import Volume

LIMIT = 0.01
ROUNDING = 1e-5

CASES = {
    "emd5778_3j5p_A": 3.27,
    "emd6272_3j9s": 2.6,
    "emd1044_1oed": 4.0,
    "emd5185_3j06": 3.3,
    "emd6187_3j8x_A": 5.0,
    "emd5137_3los_A": 4.3,
    "emd3240_5fn5": 4.3,
    "emd3240_5fn5_c": 4.3,
    "emd4118_5ly6": 4.5,
    "emd4413_6i5a": 5.0,
    "xray_3ek3": 1.7,
}
"""Entries of the data folder, and the resolution in Å up to which the model is computed."""

ORACLE = r"""
import json, sys
import numpy as np
from cctbx import crystal, maptbx, miller
from cctbx.array_family import flex
from iotbx.data_manager import DataManager
from mmtbx.maps import correlation, mtriage
map_file, model_file, d_min, table, longest, step = sys.argv[1:7]
d_min, longest, step = float(d_min), float(longest), float(step)
dm = DataManager()
dm.process_model_file(model_file)
dm.process_real_map_file(map_file)
mm = dm.get_real_map()
cs = mm.unit_cell_crystal_symmetry()
data = mm.map_data()
hierarchy = dm.get_model().get_hierarchy()
xrs = hierarchy.extract_xray_structure(crystal_symmetry=cs)
xrs.scattering_type_registry(table=table)
five = correlation.five_cc(map=data, xray_structure=xrs, d_min=d_min, compute_cc_box=True)
r = five.result
answer = {name: getattr(r, name) for name in ("cc_mask", "cc_box", "cc_volume", "cc_peaks")}
answer["voxels"] = int(five.n_nodes_inside)
radius = mtriage.get_atom_radius(xray_structure=xrs, resolution=d_min)
answer["radius"] = radius
local = correlation.from_map_and_xray_structure_or_fmodel(
    xray_structure=xrs, map_data=data, d_min=d_min)
answer["residues"] = [
    local.cc(selection=rg.atoms().extract_i_seq(), atom_radius=radius)
    for rg in hierarchy.residue_groups()]
f_map = miller.structure_factor_box_from_map(map=data, crystal_symmetry=cs)
f_calc = f_map.structure_factors_from_scatterers(xray_structure=xrs).f_calc()
s = 1 / f_map.d_spacings().data().as_numpy_array()
shell = np.floor(s * longest + 0.5).astype(int)
number = int(np.floor(0.5 / step * longest + 1e-6)) + 1
a, b = f_map.data().as_numpy_array(), f_calc.data().as_numpy_array()
kept = shell < number
total = lambda v: np.bincount(shell[kept], v[kept], number)
cross = total((a * b.conj()).real)
norm = np.sqrt(total(abs(a) ** 2) * total(abs(b) ** 2))
answer["fsc"] = np.divide(cross, norm, out=np.zeros_like(cross), where=norm > 0).tolist()
curve = f_calc.fsc(other=f_map)
for name, cutoff in (("half", 0.5), ("low", 0.143)):
    answer["d_" + name] = f_calc.d_min_from_fsc(fsc_curve=curve, fsc_cutoff=cutoff).d_min
print("ANSWER" + json.dumps(answer))
"""


@dataclass(frozen=True)
class Check:
    """One number to print, and the largest value that passes (None: only printed)."""

    name: str
    value: float
    limit: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the number is within its limit, or has none."""
        return self.limit is None or abs(self.value) <= self.limit


@dataclass(frozen=True, eq=False)
class Ours:
    """What Mapscope gives for one case."""

    correlations: Any
    residues: npt.NDArray[np.float64]
    radius: float
    curves: ModelCurves
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"), help="MAPSCOPE_DATA")
    parser.add_argument("--cctbx", help="python of an environment with cctbx-base")
    parser.add_argument("--servalcat", help="servalcat program")
    parser.add_argument("--only", nargs="*", help="names of entries")
    arguments = parser.parse_args()
    if not arguments.data or not arguments.cctbx:
        print("skipped: this needs --cctbx, and --data or MAPSCOPE_DATA")
        return 0
    passed = True
    for name in arguments.only or CASES:
        with tempfile.TemporaryDirectory() as folder:
            passed &= run_case(name, Path(arguments.data), Path(folder), arguments)
    print("all requirements met" if passed else "some requirements FAILED")
    return 0 if passed else 1


def run_case(name: str, data: Path, folder: Path, arguments: argparse.Namespace) -> bool:
    """Score one pair with all programs and print how they compare."""
    volume, structure = at_origin(data / "maps" / name)
    radiation: Radiation = "electrons" if name.startswith("emd") else "x_rays"
    files = write_pair(volume, structure, folder)
    ours = score(volume, structure, CASES[name], radiation)
    start = time.perf_counter()
    theirs = run_cctbx(arguments.cctbx, files, volume, CASES[name], radiation)
    seconds = time.perf_counter() - start
    checks = list(compare(ours, theirs, structure))
    if arguments.servalcat:
        checks += compare_servalcat(arguments.servalcat, files, volume, structure, folder)
    print(f"\n{name}: {CASES[name]:g} Å, {len(structure)} atoms, {volume.shape} voxels")
    for check in checks:
        limit = "" if check.limit is None else f"at most {check.limit:g}"
        verdict = "" if check.limit is None else ("ok" if check.passed else "FAILED")
        print(f"  {check.name:52s} {check.value:11.4g}  {limit:13s} {verdict}")
    print(f"  seconds: ours {ours.seconds:.2f}, cctbx (whole process) {seconds:.2f}")
    return all(check.passed for check in checks)


def at_origin(folder: Path) -> tuple[Volume, Structure]:
    """Map and model of an entry, both shifted so that the map's origin is 0."""
    volume = read(folder / "map.mrc.gz")
    model = read(next(folder.glob("model.*"))).model.clone()
    z, y, x = volume.origin
    import gemmi

    for site in model[0].all():
        site.atom.pos -= gemmi.Position(x, y, z)
        site.atom.aniso = gemmi.SMat33f(0, 0, 0, 0, 0, 0)
    while len(model) > 1:
        del model[1]
    depth, height, width = volume.grid.extent
    model.cell = gemmi.UnitCell(width, height, depth, 90, 90, 90)
    model.spacegroup_hm = "P 1"
    model.remove_empty_chains()
    return Volume(volume.float32(), volume.voxel_size), Structure.from_gemmi(model)


def write_pair(volume: Volume, structure: Structure, folder: Path) -> tuple[Path, Path]:
    """Files of both that the other programs read."""
    import mrcfile

    paths = (folder / "map.mrc", folder / "model.cif")
    with mrcfile.new(paths[0]) as file:
        file.set_data(volume.float32())
        file.voxel_size = volume.voxel_size[::-1]
    structure.model.make_mmcif_document().write_file(str(paths[1]))
    return paths


def score(volume: Volume, structure: Structure, resolution: float, radiation: Radiation) -> Ours:
    """Everything of ours, and how long it took."""
    start = time.perf_counter()
    model = model_density(structure, volume.grid, resolution, radiation=radiation)
    radius = atom_radius(resolution, float(structure.b_factors.mean()))
    correlations = model_correlations(volume, model, structure)
    residues = residue_correlations(volume, model, structure, radius)
    sharp = sharp_model_density(structure, volume.grid, radiation=radiation)
    curves = model_shell_correlation(volume, sharp)
    return Ours(correlations, residues, radius, curves, time.perf_counter() - start)


def run_cctbx(
    python: str,
    files: tuple[Path, Path],
    volume: Volume,
    resolution: float,
    radiation: Radiation,
) -> dict[str, Any]:
    """What cctbx gives for a pair."""
    table = "electron" if radiation == "electrons" else "it1992"
    longest, step = max(volume.grid.extent), max(volume.voxel_size)
    command = [python, "-c", ORACLE, *map(str, files), str(resolution), table]
    command += [str(longest), str(step)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=files[0].parent)
    lines = [line for line in found.stdout.splitlines() if line.startswith("ANSWER")]
    if not lines:
        raise RuntimeError(f"cctbx gave no answer: {found.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(lines[0].removeprefix("ANSWER"))
    return answer


def compare(ours: Ours, theirs: dict[str, Any], structure: Structure) -> list[Check]:
    """Our numbers less cctbx's."""
    checks = []
    for name in ("cc_mask", "cc_box", "cc_volume", "cc_peaks"):
        value = getattr(ours.correlations, name)
        checks.append(Check(f"{name}, cctbx", theirs[name]))
        checks.append(Check(f"{name}, ours less cctbx", value - theirs[name], LIMIT))
    share = ours.correlations.voxels / theirs["voxels"] - 1
    checks.append(Check("voxels of the molecule, relative", share, LIMIT))
    checks.append(Check("radius of an atom, Å apart", ours.radius - theirs["radius"], 0.1))
    if not residues_of(structure).is_repeated.any() and len(ours.residues) == len(
        theirs["residues"]
    ):
        apart = np.abs(ours.residues - np.array(theirs["residues"]))
        checks.append(Check("CC of residues, median apart", float(np.nanmedian(apart)), LIMIT))
        checks.append(Check("CC of residues, most apart", float(np.nanmax(apart))))
    fsc = np.array(theirs["fsc"])[1:]
    mine = ours.curves.unmasked[1 : len(fsc) + 1]
    checks.append(Check("map-model FSC, most apart", float(np.abs(mine - fsc).max()), LIMIT))
    for name, threshold in (("half", 0.5), ("low", 0.143)):
        found = ours.curves.resolution(threshold)
        checks.append(Check(f"d_FSC at {threshold:g}, cctbx, Å", theirs[f"d_{name}"] or np.nan))
        checks.append(Check(f"d_FSC at {threshold:g}, ours, Å", found or np.nan))
    return checks


def compare_servalcat(
    program: str, files: tuple[Path, Path], volume: Volume, structure: Structure, folder: Path
) -> list[Check]:
    """Our FSC in servalcat's shells less servalcat's.

    Both see the model with X-rays, because servalcat makes electrons scatter by Mott and Bethe,
    hydrogens above all, and not by tables.
    """
    command = [program, "--skip_test", "fsc", "--model", str(files[1]), "--map", str(files[0])]
    command += ["--source", "xray", "--mask_radius", "0", "-o", "fsc.dat"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    table = folder / "fsc.dat"
    if not table.exists():
        raise RuntimeError(f"servalcat gave no answer: {found.stdout[-1500:]}")
    lines = [line.split() for line in table.read_text().splitlines()]
    at = next(n for n, words in enumerate(lines) if "ncoeffs" in words)
    names, rows = lines[at], []
    for words in lines[at + 1 :]:
        if len(words) != len(names):
            break
        rows.append(dict(zip(names, map(float, words), strict=True)))
    column = next(name for name in names if name.startswith("fsc_FC"))
    theirs = np.array([row[column] for row in rows])
    edges = np.array([[1 / row["d_max"], 1 / row["d_min"]] for row in rows])
    sharp = sharp_model_density(structure, volume.grid, radiation="x_rays")
    mine = literal_fsc(volume, sharp, edges)
    strength = np.sqrt([row["power_FC"] for row in rows])
    # Beyond, single precision leaves nothing of the model but rounding.
    kept = (edges[:, 1] <= 0.5 / max(volume.voxel_size)) & (strength > ROUNDING * strength.max())
    apart = np.abs(mine - theirs)[kept]
    return [
        Check("map-model FSC, servalcat's shells, median apart", float(np.median(apart))),
        Check("map-model FSC, servalcat's shells, most apart", float(apart.max()), LIMIT),
    ]


def literal_fsc(
    volume: Volume, model: npt.NDArray[np.float32], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """FSC of a map and its model between pairs of frequencies in 1/Å, (shells, 2).

    As in servalcat, over half of Fourier space, less the mean of the shell.
    """
    pairs = zip(volume.shape, volume.voxel_size, strict=True)
    z, y, x = (np.fft.fftfreq(n, size) for n, size in pairs)
    z, y = z[:, None, None], y[:, None]
    radius = np.sqrt(z**2 + y**2 + x**2)
    half = (z > 0) | ((z == 0) & ((x > 0) | ((x == 0) & (y >= 0))))
    a, b = (np.fft.fftn(data.astype(np.float64)) for data in (volume.float32(), model))
    curve = []
    for low, high in edges:
        shell = half & (radius >= low * (1 - 1e-4)) & (radius <= high * (1 + 1e-4))
        curve.append(float(np.corrcoef(a[shell], b[shell])[0, 1].real))
    return np.array(curve)


if __name__ == "__main__":
    sys.exit(main())
