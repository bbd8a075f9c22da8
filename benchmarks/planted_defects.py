"""Defects planted into real maps: whether the input doctor finds each, and mends what it can.

``python benchmarks/planted_defects.py [--data DIR]`` takes real maps from ``maps/`` of the data
folder (default: ``MAPSCOPE_DATA``), plants one defect into each copy, with a fixed seed, and
inspects it. A defect passes where a finding of its code comes, where strict reading refuses
exactly what has an error, and where mending it gives a file that strict reading puts where the
real map lies, with its voxel size and its numbers. Half maps are simulated: a real map
blurred, and independent noise. Ten files with nothing wrong must give no error and no warning.
Exits with 0 if all of them pass.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mrcfile.dtypes
import numpy as np
import numpy.typing as npt

from mapscope import read, write
from mapscope.density.fourier import Shells, low_pass, transform
from mapscope.density.frame import crop
from mapscope.density.guinier import sharpen
from mapscope.density.mask import make_mask
from mapscope.density.shells import shell_mean_amplitude
from mapscope.errors import MapscopeError
from mapscope.files.findings import noted_repairs
from mapscope.files.stream import open_input
from mapscope.inspection import Finding, Inspection, inspect, settings_for
from mapscope.jobs import mend_map
from mapscope.volume import Region, Volume

SEED = 20_262
WHOLE = "emd1883"  # a whole box with noise, 70³ voxels of 3.71 Å
PLACED = "emd6272_3j9s"  # cut around a model, ORIGIN on the grid
STARTED = "emd5625"  # placed by NSTART
FINE = "emd32143_lowres"  # a whole box, 1.53 Å voxels, sharpened
BLUNT = "emd3240_5fn5"  # not sharpened
BLUR = 120.0
NOISE_FROM = 4.0

GOOD = (
    "emd1883",
    "emd32143_lowres",
    "emd6824",
    "emd5778_3j5p_A",
    "relion_betagal_localres",
    "mainmastseg_6gyn",
    "xray_3ek3",
    "xray_4un4",
    "emd3001_microed",
)
"""And, tenth, two simulated half maps."""


class Bench:
    """Real maps, and a folder for what is made of them.

    Parameters
    ----------
    data : Path
        The data folder.
    folder : Path
        Where files are written.
    """

    def __init__(self, data: Path, folder: Path) -> None:
        self.data, self.folder = data, folder
        self.random = np.random.default_rng(SEED)

    def source(self, name: str) -> Path:
        """The file of a real map."""
        return self.data / "maps" / name / "map.mrc.gz"

    def volume(self, name: str) -> Volume:
        """A real map."""
        volume: Volume = read(self.source(name))
        return volume

    def stored(self, name: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
        """Header and numbers as the file has them, sections, rows, columns."""
        with open_input(self.source(name)) as stream:
            raw = stream.read()
        words = np.frombuffer(raw[:1024], mrcfile.dtypes.HEADER_DTYPE.newbyteorder("<")).copy()[0]
        size = tuple(int(words[n]) for n in ("nz", "ny", "nx"))
        begin = 1024 + int(words["nsymbt"])
        data = np.frombuffer(raw, "<f4", int(np.prod(size)), begin).reshape(size).copy()
        words["nsymbt"] = 0
        return words, data

    def file(
        self,
        of: str,
        data: npt.NDArray[Any] | None = None,
        *,
        true_statistics: bool = True,
        name: str = "planted.mrc",
        tail: bytes = b"",
        **fields: Any,
    ) -> Path:
        """A copy of a real map with other numbers or header words."""
        words, own = self.stored(of)
        stored = own if data is None else data
        if true_statistics:
            with np.errstate(invalid="ignore"):
                values = stored.astype(np.float64)
                words["dmin"], words["dmax"] = values.min(), values.max()
                words["dmean"], words["rms"] = values.mean(), values.std()
        for key, value in fields.items():
            words[key] = value
        path = self.folder / name
        path.write_bytes(words.tobytes() + stored.tobytes() + tail)
        return path

    def half_maps(self, of: str = FINE) -> tuple[Volume, Volume]:
        """A real map blurred by 120 Å², with independent noise as strong as the signal at 4 Å."""
        volume = sharpen(self.volume(of), BLUR)
        shells = Shells(volume.grid)
        noise = self.random.standard_normal((2, *volume.shape)).astype(np.float32)
        signal, ours = (
            shell_mean_amplitude(transform(data), shells) for data in (volume.data, noise[0])
        )
        at = int(np.argmin(np.abs(shells.frequency - 1 / NOISE_FROM)))
        first, second = noise * np.float32(signal[at] / ours[at])
        return volume.with_data(volume.data + first), volume.with_data(volume.data + second)

    def pair(self, first: Volume, second: Volume) -> tuple[Path, Path]:
        """Two half maps as files."""
        names = ("planted_half1.mrc", "planted_half2.mrc")
        one, two = (write(self.folder / n, v) for n, v in zip(names, (first, second), strict=True))
        return one, two


Planted = tuple[Path, Path | None]


@dataclass(frozen=True)
class Defect:
    """Something planted into a real map.

    Parameters
    ----------
    name : str
        What.
    code : str
        The finding that must come.
    plant : callable
        Makes the file, or two half maps.
    of : str
        The real map that mending must give back; empty where none can be.
    zeros : bool
        Whether mending leaves zeros in a few voxels.
    """

    name: str
    code: str
    plant: Callable[[Bench], Planted]
    of: str = ""
    zeros: bool = field(default=False)


def words(of: str, **fields: Any) -> Callable[[Bench], Planted]:
    """Plants header words."""
    return lambda bench: (bench.file(of, **fields), None)


def cell(of: str, factors: Sequence[float]) -> Callable[[Bench], Planted]:
    """Plants a cell whose edges x, y, z are longer."""

    def plant(bench: Bench) -> Planted:
        edges = [float(bench.stored(of)[0]["cella"][n]) for n in "xyz"]
        longer = tuple(e * f for e, f in zip(edges, factors, strict=True))
        return bench.file(of, cella=longer), None

    return plant


def _voxel_size_one(bench: Bench) -> Planted:
    data = bench.stored(STARTED)[1]
    return bench.file(STARTED, cella=tuple(float(n) for n in data.shape[::-1])), None


def _old_sampling(bench: Bench) -> Planted:
    """MX, MY, MZ of a larger box, the cell of this one."""
    n = bench.stored(WHOLE)[1].shape[0]
    return bench.file(WHOLE, mx=n + 26, my=n + 26, mz=n + 26), None


def _origin_off(bench: Bench) -> Planted:
    origin = bench.stored(PLACED)[0]["origin"]
    size = bench.volume(PLACED).voxel_size[0]
    moved = tuple(
        float(origin[n]) + f * size for n, f in zip("xyz", (0.31, -0.24, 0.4), strict=True)
    )
    return bench.file(PLACED, origin=moved), None


def _bad_numbers(value: float) -> Callable[[Bench], Planted]:
    def plant(bench: Bench) -> Planted:
        data = bench.stored(WHOLE)[1]
        data.flat[bench.random.choice(data.size, 40, replace=False)] = value
        return bench.file(WHOLE, data, true_statistics=False), None

    return plant


def _constant(bench: Bench) -> Planted:
    data = np.full_like(bench.stored(WHOLE)[1], 0.25)
    return bench.file(WHOLE, data), None


def _cut_file(bench: Bench) -> Planted:
    path = bench.file(WHOLE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    return path, None


def _cut_gzip(bench: Bench) -> Planted:
    packed = gzip.compress(bench.file(WHOLE).read_bytes(), 1)
    path = bench.folder / "planted.mrc.gz"
    path.write_bytes(packed[: len(packed) // 2])
    return path, None


def _trailing(bench: Bench) -> Planted:
    return bench.file(WHOLE, tail=b"\0" * 512), None


def _inverted(bench: Bench) -> Planted:
    return bench.file(PLACED, -bench.stored(PLACED)[1]), None


def _inverted_in_noise(bench: Bench) -> Planted:
    first, _ = bench.half_maps()
    data = bench.random.normal(0, float(first.data.std()), first.shape).astype(np.float32)
    return write(bench.folder / "planted.mrc", first.with_data(-first.data + 0.5 * data)), None


def _masked(soft_edge: float) -> Callable[[Bench], Planted]:
    def plant(bench: Bench) -> Planted:
        volume = bench.volume(FINE)
        mask = make_mask(volume, soft_edge=soft_edge)
        return write(bench.folder / "planted.mrc", volume.with_data(volume.data * mask.data)), None

    return plant


def _sharpened(bench: Bench) -> Planted:
    sharp = sharpen(bench.volume(BLUNT), -180.0, resolution=4.0)
    return write(bench.folder / "planted.mrc", sharp), None


def _cut_density(bench: Bench) -> Planted:
    volume = bench.volume(WHOLE)
    middle = volume.shape[0] // 2
    part = crop(volume, Region((0, 0, 0), (middle, *volume.shape[1:])))
    return write(bench.folder / "planted.mrc", part), None


def _bytes(bench: Bench) -> npt.NDArray[np.uint8]:
    data = bench.stored(WHOLE)[1]
    scaled = 255 * (data - data.min()) / np.ptp(data)
    return np.asarray(np.rint(scaled), dtype=np.uint8)


def _unsigned(bench: Bench) -> Planted:
    return bench.file(WHOLE, _bytes(bench), mode=0), None


def _clipped(bench: Bench) -> Planted:
    data = bench.stored(FINE)[1]
    high = np.float32(np.quantile(data, 0.99))
    return bench.file(FINE, np.minimum(data, high)), None


def _no_stamp(bench: Bench) -> Planted:
    return bench.file(WHOLE, machst=(0, 0, 0, 0)), None


def _identical(bench: Bench) -> Planted:
    first, _ = bench.half_maps()
    return bench.pair(first, first.with_data(2 * first.data))


def _apart(bench: Bench) -> Planted:
    first, second = bench.half_maps()
    return bench.pair(first, crop(second, Region((0, 0, 0), (96, 96, 96))))


def _filtered(bench: Bench) -> Planted:
    first, second = (low_pass(v, 4.5) for v in bench.half_maps())
    return bench.pair(first, second)


def _masked_halves(bench: Bench) -> Planted:
    first, second = bench.half_maps()
    mask = make_mask(bench.volume(FINE)).data
    return bench.pair(first.with_data(first.data * mask), second.with_data(second.data * mask))


def _sharpened_halves(bench: Bench) -> Planted:
    first, second = (sharpen(v, -BLUR) for v in bench.half_maps())
    return bench.pair(first, second)


def _opposed(bench: Bench) -> Planted:
    first, second = bench.half_maps()
    return bench.pair(first, second.with_data(-second.data))


def _unlike(bench: Bench) -> Planted:
    first, second = bench.half_maps()
    return bench.pair(first, second.with_data(np.rot90(second.data, axes=(0, 1))))


DEFECTS = (
    Defect("voxel size 0", "voxel_size_missing", words(WHOLE, cella=(0, 0, 0)), WHOLE),
    Defect("voxel size 1.0, placed by NSTART", "voxel_size_one", _voxel_size_one, STARTED),
    Defect("cell in nanometres", "voxel_size_odd", cell(PLACED, (0.1, 0.1, 0.1)), PLACED),
    Defect("one edge 5 % too long", "voxels_anisotropic", cell(WHOLE, (1.05, 1, 1)), WHOLE),
    Defect("sampling of a larger box", "cell_mismatch", _old_sampling, WHOLE),
    Defect("cell angle 96°", "cell_skewed", words(WHOLE, cellb=(96, 90, 90))),
    Defect("cell angle 400°", "cell_impossible", words(WHOLE, cellb=(400, 90, 90)), WHOLE),
    Defect("space group 999", "space_group_impossible", words(WHOLE, ispg=999), WHOLE),
    Defect("space group 19", "space_group_odd", words(WHOLE, ispg=19), WHOLE),
    Defect(
        "NSTART against ORIGIN",
        "origin_conflict",
        words(PLACED, nxstart=7, nystart=-3, nzstart=12),
        PLACED,
    ),
    Defect("ORIGIN between grid points", "origin_off_grid", _origin_off, PLACED),
    Defect("ORIGIN is NaN", "origin_not_finite", words(WHOLE, origin=(np.nan, 0, 0)), WHOLE),
    Defect("start index 2³¹ − 1", "start_impossible", words(WHOLE, nxstart=2**31 - 1), WHOLE),
    Defect("axis order 0, 2, 2", "axes_damaged", words(WHOLE, mapc=0, mapr=2, maps=2), WHOLE),
    Defect("40 NaN", "not_finite", _bad_numbers(np.nan), WHOLE, zeros=True),
    Defect("40 infinite", "not_finite", _bad_numbers(np.inf), WHOLE, zeros=True),
    Defect("constant", "constant", _constant),
    Defect("cut off at 60 %", "truncated", _cut_file),
    Defect("gzip cut off", "truncated", _cut_gzip),
    Defect("512 bytes too many", "bytes_beyond", _trailing, WHOLE),
    Defect("length of extended header −1", "header_damaged", words(WHOLE, nsymbt=-1)),
    Defect("header of an image stack", "image_stack", words(WHOLE, ispg=0, mz=1)),
    Defect(
        "statistics of another map",
        "statistics_wrong",
        words(WHOLE, true_statistics=False, dmin=-1.5, dmax=7.9, dmean=0.25, rms=0.87),
        WHOLE,
    ),
    Defect("no machine stamp", "byte_order", _no_stamp, WHOLE),
    Defect("bytes without a sign", "bytes_unsigned", _unsigned, WHOLE),
    Defect("clipped at the 99 % quantile", "clipped", _clipped),
    Defect("contrast inverted", "contrast_inverted", _inverted, PLACED),
    Defect("contrast inverted in noise", "contrast_inverted", _inverted_in_noise),
    Defect("hard mask", "hard_mask", _masked(0.0)),
    Defect("soft mask", "soft_mask", _masked(6.0)),
    Defect("sharpened by −180 Å², to 4 Å", "sharpened", _sharpened),
    Defect("cut through the molecule", "density_cut", _cut_density),
    Defect("half map twice, scaled", "halves_identical", _identical),
    Defect("half maps on two grids", "halves_apart", _apart),
    Defect("half maps filtered to 4.5 Å", "filtered", _filtered),
    Defect("half maps masked", "soft_mask", _masked_halves),
    Defect("half maps sharpened", "sharpened", _sharpened_halves),
    Defect("one half map inverted", "halves_opposed", _opposed),
    Defect("one half map turned by 90°", "halves_unlike", _unlike),
)


@dataclass(frozen=True)
class Result:
    """What became of one file.

    Parameters
    ----------
    name : str
        The defect or the good file.
    codes : tuple of str
        Findings, errors and warnings marked.
    faults : tuple of str
        What is not as it should be.
    mended : str
        What mending did.
    """

    name: str
    codes: tuple[str, ...]
    faults: tuple[str, ...]
    mended: str = ""


def shown(found: Inspection) -> tuple[str, ...]:
    """Codes with the first letter of their severity."""
    return tuple(f"{f.severity[0]}:{f.code}" for f in found.findings)


def try_defect(defect: Defect, bench: Bench) -> Result:
    """Plant one defect, look for it, and mend it."""
    path, partner = defect.plant(bench)
    found = inspect(path, partner)
    match = next((f for f in found.findings if f.code == defect.code), None)
    faults = [] if match else [f"{defect.code} not found"]
    needs_repair = any(f.severity == "error" for f in found.findings) and partner is None
    if is_refused(path) != (needs_repair and defect.code != "constant"):
        faults.append("strict reading and severity differ")
    mended = ""
    if match is not None and defect.of:
        mended, more = try_mending(defect, match, path, bench)
        faults += more
    return Result(defect.name, shown(found), tuple(faults), mended)


def is_refused(path: Path) -> bool:
    """Whether strict reading refuses a file."""
    try:
        read(path)
    except MapscopeError:
        return True
    return False


def try_mending(defect: Defect, found: Finding, path: Path, bench: Bench) -> tuple[str, list[str]]:
    """What mending did, and how the file that it gives differs from the real map."""
    true = bench.volume(defect.of)
    result = mend_map(read_quietly(path), **settings_for(found, true.voxel_size[0]))
    file = write(bench.folder / "mended.mrc", result.mended)
    again: Volume = read(file)
    faults = []
    if not np.allclose(again.voxel_size, true.voxel_size, rtol=1e-5):
        faults.append(f"voxel size {again.voxel_size} for {true.voxel_size}")
    if not np.allclose(again.origin, true.origin, atol=1e-3 * min(true.voxel_size)):
        faults.append(f"origin {again.origin} for {true.origin}")
    expected = _bytes(bench) if defect.code == "bytes_unsigned" else true.data
    same = again.data == expected
    if defect.zeros:
        same |= again.data == 0
    if not same.all() or (~same).sum() > 40:
        faults.append(f"{int((~same).sum())} numbers differ")
    left = [f for f in inspect(file).findings if f.code == defect.code]
    faults += [f"{f.code} is still found" for f in left]
    return result.changes, faults


def read_quietly(path: Path) -> Volume:
    """A volume, repaired without a warning."""
    with noted_repairs():
        volume: Volume = read(path, permissive=True)
    return volume


def try_good(name: str, bench: Bench) -> Result:
    """Look at a file with nothing wrong."""
    return _judged(name, inspect(bench.source(name)))


def try_good_halves(bench: Bench) -> Result:
    """Look at two simulated half maps."""
    return _judged("simulated half maps", inspect(*bench.pair(*bench.half_maps())))


def _judged(name: str, found: Inspection) -> Result:
    faults = tuple(f"{f.code}: {f.meaning}" for f in found.findings if f.severity != "note")
    return Result(name, shown(found), faults)


def results(data: Path) -> Mapping[str, list[Result]]:
    """All defects and all good files."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(data, Path(folder))
        planted = [try_defect(defect, bench) for defect in DEFECTS]
        good = [try_good(name, bench) for name in GOOD]
        good.append(try_good_halves(bench))
    return {"planted": planted, "good": good}


def main(words_: Sequence[str] | None = None) -> int:
    """Print the table; 0 if everything passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA", ""))
    data = Path(parser.parse_args(words_).data)
    if not (data / "maps").is_dir():
        print("no real maps: set MAPSCOPE_DATA")
        return 0
    failed = 0
    for title, rows in results(data).items():
        passed = sum(not row.faults for row in rows)
        print(f"{title}: {passed} of {len(rows)} as they should be (seed {SEED})")
        for row in rows:
            print(f"  {'no' if row.faults else 'ok'}  {row.name:34} {' '.join(row.codes)}")
            for text in (*row.faults, *([row.mended] if row.mended else [])):
                print(f"        {text}")
        failed += len(rows) - passed
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
