"""Damaged files: each is opened, or refused with a reason; nothing crashes, hangs or swells.

``python benchmarks/fuzz_files.py [--count 500] [--seed 1]`` prints the seed and the counts. A
failure is an exception of another kind, more than 5 s, or more memory than 200 MB and twice what
the file can hold.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from mapscope import read, write
from mapscope.jobs import crop_map

SLOWEST = 5.0
SPARE_MB = 200.0
REAL = (
    "reflections/1dur/data.mtz.gz",
    "maps/trpv1_transmem/model.pdb.gz",
    "maps/xray_1mru/map.mrc.gz",
)
SAMPLE = Path(__file__).parents[1] / "sample_data"

CHILD = """
import json, sys, time, warnings
from pathlib import Path
from mapscope import read
import mapscope.files.mrc, mapscope.files.reflections, mapscope.files.structure
from mapscope.errors import FileFormatError
from mapscope.record import checksum_of

def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

for line in sys.stdin:
    path = line.rstrip("\\n")
    Path("/proc/self/clear_refs").write_text("5")
    before, started = memory("VmRSS"), time.perf_counter()
    try:
        noun = read(path)
        checksum_of(noun)
        outcome = "opened"
    except (FileFormatError, OSError) as error:
        outcome = "refused: " + type(error).__name__
        assert str(error), "an error without a reason"
    except BaseException as error:
        outcome = "CRASH: " + type(error).__name__ + ": " + str(error)[:200]
    print(json.dumps([path, outcome, time.perf_counter() - started, memory("VmHWM") - before]),
          flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = damaged_files(Path(folder), arguments.count, arguments.seed, arguments.data)
        return report(files, arguments.seed)


def damaged_files(folder: Path, count: int, seed: int, data: str | None) -> list[Path]:
    """Files made from good ones by a seeded choice of damages."""
    chance = random.Random(seed)
    good = good_files(folder, data)
    made = []
    for number in range(count):
        source = chance.choice(good)
        damage = chance.choice(DAMAGES)
        if damage is damage_zarr:
            source = good[0]
        target = folder / f"{number:03d}_{damage.__name__}_{source.name}"
        made.append(damage(source, target, chance))
    return made


def good_files(folder: Path, data: str | None) -> list[Path]:
    """A map plain and compressed, a structure in two formats, reflections where there are some."""
    packed = SAMPLE / "four_helix_bundle.mrc.gz"
    plain = folder / "good.mrc"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    squeezed = folder / "good.map.bz2"
    squeezed.write_bytes(bz2.compress(plain.read_bytes()))
    cif = SAMPLE / "four_helix_bundle.cif"
    good = [plain, packed, squeezed, cif]
    write(folder / "good.zarr", crop_map(read(plain), region="0:24,0:24,0:24"))
    if data is not None:
        for found in REAL:
            source = Path(data) / found
            if source.exists():
                target = folder / f"{source.parent.name}_{source.name.removesuffix('.gz')}"
                target.write_bytes(gzip.decompress(source.read_bytes()))
                good.append(target)
    return good


def flip_bytes(source: Path, target: Path, chance: random.Random) -> Path:
    """A few bytes anywhere are others."""
    content = bytearray(source.read_bytes())
    for _ in range(chance.randint(1, 64)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    target.write_bytes(content)
    return target


def flip_header(source: Path, target: Path, chance: random.Random) -> Path:
    """A word of the first kilobyte is another: sizes, mode, axes, cell, lengths."""
    content = bytearray(source.read_bytes())
    for _ in range(chance.randint(1, 3)):
        place = 4 * chance.randrange(min(len(content), 1024) // 4)
        word = chance.choice([0, 1, -1, 2**31 - 1, -(2**31), 10**6, 7, chance.getrandbits(31)])
        content[place : place + 4] = struct.pack("<i", word)
    target.write_bytes(content)
    return target


def truncate(source: Path, target: Path, chance: random.Random) -> Path:
    """The file ends early."""
    content = source.read_bytes()
    target.write_bytes(content[: chance.randrange(len(content))])
    return target


def append(source: Path, target: Path, chance: random.Random) -> Path:
    """There is more than there should be."""
    target.write_bytes(source.read_bytes() + chance.randbytes(chance.randint(1, 5000)))
    return target


def noise(source: Path, target: Path, chance: random.Random) -> Path:
    """The name of a format, and noise."""
    target.write_bytes(chance.randbytes(chance.choice([0, 1, 3, 100, 1024, 5000])))
    return target


def bomb(source: Path, target: Path, chance: random.Random) -> Path:
    """A small compressed file that grows to half a gigabyte of zeros."""
    target = target.with_name(target.name.split(".")[0] + chance.choice([".mrc.gz", ".cif.gz"]))
    with gzip.open(target, "wb", compresslevel=9) as stream:
        head = gzip.decompress((SAMPLE / "four_helix_bundle.mrc.gz").read_bytes())[:1024]
        stream.write(head)
        for _ in range(512):
            stream.write(bytes(2**20))
    return target


def loop(source: Path, target: Path, chance: random.Random) -> Path:
    """A link that leads to itself."""
    target.symlink_to(target)
    return target


def damage_zarr(source: Path, target: Path, chance: random.Random) -> Path:
    """An OME-Zarr folder with one file of metadata or numbers damaged."""
    folder = target.with_name(target.name.split(".")[0] + ".zarr")
    shutil.copytree(target.parent / "good.zarr", folder)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    metadata = [p for p in files if p.name == "zarr.json"]
    victim = chance.choice(metadata if chance.random() < 0.8 else files)
    content = bytearray(victim.read_bytes())
    for _ in range(chance.randint(1, 8)):
        content[chance.randrange(len(content))] = chance.choice(b'0123456789{}[],:"-ax')
    victim.write_bytes(content[: chance.choice([len(content)] * 3 + [len(content) // 2])])
    return folder


def wrong_name(source: Path, target: Path, chance: random.Random) -> Path:
    """One format under the name of another."""
    suffix = chance.choice([".mrc", ".cif", ".pdb", ".mtz", ".csv", ".mrc.gz", ".em", ".tif"])
    target = target.with_name(target.name.split(".")[0] + suffix)
    shutil.copy(source, target)
    return target


DAMAGES = [
    *[flip_bytes] * 3,
    *[flip_header] * 8,
    *[truncate] * 3,
    append,
    noise,
    loop,
    wrong_name,
    *[damage_zarr] * 3,
]
BOMBS = 4


def report(files: list[Path], seed: int) -> int:
    """Read all files in children, print the counts and the failures."""
    chance = random.Random(seed)
    files += [bomb(files[0], files[0].parent / f"bomb{n}", chance) for n in range(BOMBS)]
    counts: Counter[str] = Counter()
    failures: list[str] = []
    waiting = list(files)
    while waiting:
        answers = read_all(waiting)
        for path, outcome, seconds, memory in answers:
            allowed = SPARE_MB + 2 * size_in_mb(Path(path))
            counts[outcome.split(":")[0] + ":" + outcome.partition(":")[2][:24]] += 1
            if outcome.startswith("CRASH") or seconds > SLOWEST or memory > allowed:
                failures.append(f"{Path(path).name}: {outcome}, {seconds:.1f} s, {memory:.0f} MB")
        waiting = waiting[len(answers) :]
        if waiting:
            failures.append(f"{waiting[0].name}: the process died or hung")
            waiting = waiting[1:]
    print(f"seed {seed}, {len(files)} files")
    for outcome, number in counts.most_common():
        print(f"{number:5d}  {outcome}")
    print("\n".join(failures) or "no crash, no hang, no swelling")
    return 1 if failures else 0


def read_all(files: list[Path]) -> list[tuple[str, str, float, float]]:
    """What became of files, in order, until the child died or took too long."""
    lines = "".join(f"{path}\n" for path in files)
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        output, _ = child.communicate(lines, timeout=60 + 0.5 * len(files))
    except subprocess.TimeoutExpired:
        child.kill()
        output, _ = child.communicate()
    lines_out = [line for line in output.splitlines() if line.startswith("[")]
    return [tuple(json.loads(line)) for line in lines_out]


def size_in_mb(path: Path) -> float:
    """Size of what is in a file, uncompressed for the small compressed ones of this script."""
    try:
        if path.is_dir():
            return sum(p.stat().st_size for p in path.rglob("*")) / 2**20
        factor = 8 if path.name.endswith((".gz", ".bz2")) else 1
        return factor * path.stat().st_size / 2**20
    except OSError:
        return 0.0


if __name__ == "__main__":
    sys.exit(main())
