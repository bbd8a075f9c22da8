"""Compare Mapscope's FSC, B-factor and sharpened map with RELION's postprocess.

Three pairs of half maps are simulated from atomic models, with fixed seeds, at three noise
levels; RELION runs as a program, and each number is also checked against a literal sum over
the whole of Fourier space. Random phases differ between programs and seeds, so that the
phase-randomised curves are compared as means over several seeds of each, and the spread
between RELION's own seeds is printed beside them.

    python benchmarks/fsc_relion.py --data FOLDER     (or set MAPSCOPE_DATA)
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Counting, Shells, transform
from mapscope.density.guinier import fit_b_factor, fsc_weight, guinier_curve, sharpen
from mapscope.density.mask import make_mask
from mapscope.density.shells import (
    HalfMapCurves,
    correlate_shells,
    first_below,
    fourier_shell_correlation,
    resolution_by_relion_rule,
    shell_mean_amplitude,
)
from mapscope.volume import Array, HalfMaps, Volume

PROGRAM = "relion_postprocess"
LOW_RESOLUTION = 8.0
COLUMNS = {
    "unmasked": "rlnFourierShellCorrelationUnmaskedMaps",
    "masked": "rlnFourierShellCorrelationMaskedMaps",
    "random": "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps",
    "corrected": "rlnFourierShellCorrelationCorrected",
}


@dataclass(frozen=True)
class Case:
    """A pair of half maps to simulate: `noise` is in standard deviations of the map."""

    entry: str
    box: int
    voxel_size: float
    b_factor: float
    noise: float
    color: float
    seed: int


CASES = (
    Case("1a0z", 96, 1.2, 120.0, 0.3, 5.0, 1),
    Case("1a12", 100, 1.1, 90.0, 0.45, 20.0, 2),
    Case("1a28", 120, 1.0, 80.0, 0.7, 10.0, 3),
)


@dataclass(frozen=True)
class Relion:
    """What the program wrote: curves of each seed, its summary and its map."""

    curves: list[dict[str, Array]]
    summary: dict[str, float]
    guinier: Array
    sharpened: Array


@dataclass(frozen=True)
class Check:
    """One number to print, and the largest value that passes (None: only printed)."""

    name: str
    value: float
    limit: float | None

    @property
    def passed(self) -> bool:
        """Whether the number is within its limit, or has none."""
        return self.limit is None or abs(self.value) <= self.limit


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"), help="MAPSCOPE_DATA")
    parser.add_argument("--seeds", type=int, default=16, help="random seeds of each program")
    arguments = parser.parse_args()
    if shutil.which(PROGRAM) is None or not arguments.data:
        print(f"skipped: this needs {PROGRAM} on the PATH and --data or MAPSCOPE_DATA")
        return 0
    passed = True
    for case in CASES:
        half_maps, mask = simulate(case, Path(arguments.data))
        with tempfile.TemporaryDirectory() as folder:
            relion = run_relion(half_maps, mask, Path(folder), arguments.seeds)
        ours = [
            fourier_shell_correlation(half_maps, mask, seed=seed) for seed in range(arguments.seeds)
        ]
        passed &= report(case, compare(half_maps, mask, ours, relion))
    print("all requirements met" if passed else "some requirements FAILED")
    return 0 if passed else 1


def report(case: Case, checks: list[Check]) -> bool:
    """Print the checks of one case; whether all pass."""
    print(
        f"\n{case.entry}: box {case.box}, {case.voxel_size} Å, B {case.b_factor:g} Å², "
        f"noise {case.noise:g}"
    )
    for check in checks:
        limit = "" if check.limit is None else f"at most {check.limit:g}"
        verdict = "" if check.limit is None else ("ok" if check.passed else "FAILED")
        print(f"  {check.name:62s} {check.value:11.3g}  {limit:14s} {verdict}")
    return all(check.passed for check in checks)


def simulate(case: Case, data: Path) -> tuple[HalfMaps, Volume]:
    """Half maps of a model with independent coloured noise, and a mask around the model."""
    spacing = (case.voxel_size,) * 3
    truth = model_density(case, data / "structures" / f"{case.entry}.pdb.gz")
    random = np.random.default_rng(case.seed)
    halves = []
    for _ in range(2):
        noise = colored_noise(random, truth.shape, case.voxel_size, case.color)
        halves.append(Volume(truth + noise * case.noise * truth.std(), spacing))
    clean = Volume(truth, spacing)
    return HalfMaps(*halves), make_mask(clean, dilation=6.0, soft_edge=8.0)


def model_density(case: Case, path: Path) -> npt.NDArray[np.float32]:
    """Electron-scattering density of the model in the middle of the box, (z, y, x)."""
    import gemmi

    structure = gemmi.read_structure(str(path))
    model = structure[0]
    edge = case.box * case.voxel_size
    middle = gemmi.Position(edge / 2, edge / 2, edge / 2)
    shift = middle - model.calculate_center_of_mass()
    for site in model.all():
        site.atom.pos = site.atom.pos + shift
        site.atom.b_iso = case.b_factor
    structure.cell = gemmi.UnitCell(edge, edge, edge, 90, 90, 90)
    structure.spacegroup_hm = "P 1"
    calculator = gemmi.DensityCalculatorE()
    calculator.d_min = 2 * case.voxel_size
    calculator.set_grid_cell_and_spacegroup(structure)
    calculator.grid.set_size(case.box, case.box, case.box)
    calculator.add_model_density_to_grid(model)
    density = np.array(calculator.grid.array, dtype=np.float32)
    return np.ascontiguousarray(density.transpose(2, 1, 0))


def colored_noise(
    random: np.random.Generator, shape: tuple[int, ...], voxel_size: float, color: float
) -> npt.NDArray[np.float32]:
    """Noise of variance 1 whose amplitudes fall with a B-factor of `color` Å²."""
    white = Volume(random.standard_normal(shape, dtype=np.float32), (voxel_size,) * 3)
    noise = sharpen(white, color).float32()
    return np.asarray(noise / noise.std(), dtype=np.float32)


def run_relion(half_maps: HalfMaps, mask: Volume, folder: Path, seeds: int) -> Relion:
    """Run the program once per seed in `folder`, and read what it wrote."""
    import mrcfile
    import starfile

    for name, volume in (
        ("half1", half_maps.first),
        ("half2", half_maps.second),
        ("mask", mask),
    ):
        with mrcfile.new(folder / f"{name}.mrc", overwrite=True) as file:
            file.set_data(volume.float32())
            file.voxel_size = volume.voxel_size[0]
    curves = []
    for seed in range(1, seeds + 1):
        command = [PROGRAM, "--i", "half1.mrc", "--i2", "half2.mrc", "--mask", "mask.mrc"]
        command += ["--o", "post", "--angpix", str(mask.voxel_size[0]), "--auto_bfac"]
        command += ["--autob_lowres", str(LOW_RESOLUTION), "--random_seed", str(seed)]
        # It ends with an error where ghostscript is missing, after all results are written.
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
        tables = starfile.read(folder / "post.star", always_dict=True)
        curves.append({key: tables["fsc"][name].to_numpy() for key, name in COLUMNS.items()})
    with mrcfile.open(folder / "post.mrc", permissive=True) as file:
        sharpened = np.array(file.data)
    guinier = tables["guinier"]["rlnLogAmplitudesOriginal"].to_numpy()
    return Relion(curves, dict(tables["general"]), guinier, sharpened)


def literal_fsc(first: Array, second: Array, counting: Counting) -> npt.NDArray[np.float64]:
    """FSC by a loop over shells of the whole complex transform, or of its half."""
    size = first.shape[0]
    wave = np.round(np.fft.fftfreq(size) * size)
    wave_x = wave if counting == "full" else np.arange(size // 2 + 1)
    radius = np.sqrt(wave[:, None, None] ** 2 + wave[:, None] ** 2 + wave_x**2)
    fts = [np.fft.fftn(m.astype(np.float64))[..., : len(wave_x)] for m in (first, second)]
    curve = []
    for number in range(size // 2 + 1):
        a, b = (ft[(radius >= number - 0.5) & (radius < number + 0.5)] for ft in fts)
        norm = math.sqrt(float((abs(a) ** 2).sum() * (abs(b) ** 2).sum()))
        curve.append(float((a * b.conj()).sum().real) / norm)
    return np.array(curve)


def compare(
    half_maps: HalfMaps, mask: Volume, ours: list[HalfMapCurves], relion: Relion
) -> list[Check]:
    """All numbers of one case."""
    return [
        *compare_correlations(half_maps, mask, ours[0], relion),
        *compare_randomised(ours, relion),
        *compare_sharpening(half_maps, ours[-1], relion),
        compare_torch(half_maps, ours[0]),
    ]


def compare_correlations(
    half_maps: HalfMaps, mask: Volume, ours: HalfMapCurves, relion: Relion
) -> list[Check]:
    """Unmasked and masked FSC against RELION and against literal loops."""
    window = mask.float32()
    plain = (half_maps.first.data, half_maps.second.data)
    under_mask = (plain[0] * window, plain[1] * window)
    checks = []
    for name, curve, maps in (
        ("unmasked", ours.unmasked, plain),
        ("masked", ours.masked, under_mask),
    ):
        assert curve is not None
        checks.append(Check(f"{name} FSC, RELION", _most(curve - relion.curves[0][name]), 1e-3))
        half = _most(curve - literal_fsc(maps[0], maps[1], "half"))
        checks.append(Check(f"{name} FSC, literal loop, half transform", half, 1e-3))
        whole = literal_fsc(maps[0], maps[1], "full")
        shells = Shells(half_maps.grid, "full")
        full = correlate_shells(transform(maps[0]), transform(maps[1]), shells).fsc
        checks.append(Check(f"{name} FSC, literal loop, full space", _most(full - whole), 1e-3))
        apart = _most(relion.curves[0][name] - whole)
        checks.append(Check(f"{name} FSC, RELION from full space", apart, None))
    return checks


def compare_randomised(ours: list[HalfMapCurves], relion: Relion) -> list[Check]:
    """Randomised and corrected FSC, means over seeds, from two shells past the randomisation."""
    start = ours[0].randomised_from
    assert start is not None
    late = slice(start + 2, None)
    shell = ours[0].frequency[1] * relion.summary["rlnRandomiseFrom"]
    checks = [
        Check("first randomised shell", start, None),
        Check("first randomised shell, from RELION's", start - round(1 / shell), 0),
    ]
    for name, attribute in (("random", "phase_randomised"), ("corrected", "corrected")):
        mine = np.array([getattr(curves, attribute)[late] for curves in ours])
        theirs = np.array([curves[name][late] for curves in relion.curves])
        mean = _most(mine.mean(axis=0) - theirs.mean(axis=0))
        checks.append(Check(f"{name} FSC, means over {len(mine)} seeds", mean, 0.03))
        checks.append(Check(f"{name} FSC, one seed each", _most(mine[0] - theirs[0]), None))
        spread = _most(theirs[0] - theirs[-1]) if len(theirs) > 1 else math.nan
        checks.append(Check(f"{name} FSC, two seeds of RELION", spread, None))
    apart = [_last_shell(c.best) - _last_shell(r["corrected"]) for c, r in _pairs(ours, relion)]
    own = resolution_by_relion_rule(ours[-1].frequency, relion.curves[-1]["corrected"])
    rule = (own or 2 * relion.summary["rlnFinalResolution"]) - relion.summary["rlnFinalResolution"]
    checks.append(Check("resolution from RELION's curve by its rule, Å apart", rule, 0.01))
    checks.append(Check("resolution, most shells apart over seeds", _most(np.array(apart)), 1))
    checks.append(Check("resolution, RELION, Å", relion.summary["rlnFinalResolution"], None))
    return checks


def _pairs(
    ours: list[HalfMapCurves], relion: Relion
) -> list[tuple[HalfMapCurves, dict[str, Array]]]:
    """Curves of both programs, seed by seed."""
    return list(zip(ours, relion.curves, strict=True))


def _last_shell(curve: Array) -> int:
    """Shell of the resolution by RELION's rule."""
    drop = first_below(curve, 0.143)
    return len(curve) - 1 if drop is None else drop - 1


def compare_sharpening(half_maps: HalfMaps, ours: HalfMapCurves, relion: Relion) -> list[Check]:
    """Guinier curve, automatic B-factor and sharpened map."""
    grid = half_maps.grid
    full = half_maps.first.with_data(0.5 * (half_maps.first.float32() + half_maps.second.float32()))
    amplitude = shell_mean_amplitude(transform(full.data), Shells(grid))
    b_relion = relion.summary["rlnBfactorUsedForSharpening"]
    checks = [Check("ln mean amplitude", _most(np.log(amplitude) - relion.guinier), 1e-3)]
    weight = fsc_weight(relion.curves[-1]["corrected"])
    # Own weights hang on the random phases in the shells where the FSC first touches 0.
    for name, weights, limit in (
        ("with RELION's weights", weight, 0.05),
        ("with our own weights", fsc_weight(ours.best), None),
    ):
        fit = fit_b_factor(guinier_curve(ours.frequency, amplitude, weights), LOW_RESOLUTION)
        relative = abs(fit.b_factor / b_relion - 1)
        checks.append(Check(f"B-factor {name}, relative", relative, limit))
    checks.append(Check("B-factor of RELION, Å²", b_relion, None))
    theirs = relion.sharpened.astype(np.float64)
    mine = sharpen(full, b_relion, frequency=ours.frequency, weight=weight).data
    relative = float(np.sqrt(((mine - theirs) ** 2).mean()) / theirs.std())
    checks.append(Check("sharpened map, same weights, relative RMS", relative, 1e-3))
    curves = correlate_shells(transform(mine), transform(theirs), Shells(grid))
    used = weight > 0
    worst = float((1 - curves.fsc[used]).max())
    checks.append(Check("sharpened map, same weights, most of 1 - FSC", worst, 1e-3))
    own_weight = fsc_weight(ours.best)
    own = sharpen(full, b_relion, frequency=ours.frequency, weight=own_weight).data
    relative = float(np.sqrt(((own - theirs) ** 2).mean()) / theirs.std())
    checks.append(Check("sharpened map, own weights, relative RMS", relative, None))
    return checks


def compare_torch(half_maps: HalfMaps, ours: HalfMapCurves) -> Check:
    """Unmasked FSC against torch-fourier-shell-correlation, which interpolates its shells."""
    try:
        import torch
        from torch_fourier_shell_correlation import fsc
    except ImportError:
        return Check("unmasked FSC, torch-fourier-shell-correlation (absent)", math.nan, None)
    maps = [torch.from_numpy(v.float32().copy()) for v in (half_maps.first, half_maps.second)]
    curve = np.asarray(fsc(*maps))
    return Check(
        "unmasked FSC, torch-fourier-shell-correlation", _most(ours.unmasked - curve), 0.03
    )


def _most(values: Array) -> float:
    """Largest absolute value."""
    return float(np.abs(values).max())


if __name__ == "__main__":
    sys.exit(main())
