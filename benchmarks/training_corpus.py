"""The corpus, the split and the windows: size, time, filters, counts, and windows per second.

``python benchmarks/training_corpus.py [--data DIR]`` builds a corpus of all models in the folder
``structures`` of the data folder (default: ``MAPSCOPE_DATA``), counts what the filters left out and
what the bundled split does with the rest, and makes windows of 64³ voxels of 1 Å with their
targets, at resolutions from 2.5 to 4 Å, on two threads. Limits: 5 minutes, 40 MB, 20 windows per
second. Exits with 0 if all are met.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mapscope.jobs import build_corpus
from mapscope.training.corpus import Corpus
from mapscope.training.split import PARTS, read_split
from mapscope.training.windows import Window, make_window, sample_window

BUILD_S, SIZE_MB, WINDOWS_PER_S = 300.0, 40.0, 20.0
WARM_UP, WINDOWS, THREADS = 80, 200, 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    data = parser.parse_args().data
    if not data:
        print("no data: give --data or set MAPSCOPE_DATA")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.safetensors"
        seconds, size = build(Path(data) / "structures", path)
        count_parts()
        rate = windows_per_second(Corpus.open(path))
    results = [
        ("corpus built in", seconds, "s", seconds <= BUILD_S, f"at most {BUILD_S:g}"),
        ("its size", size, "MB", size <= SIZE_MB, f"at most {SIZE_MB:g}"),
        ("windows", rate, "per s", rate >= WINDOWS_PER_S, f"at least {WINDOWS_PER_S:g}"),
    ]
    for name, value, unit, is_met, limit in results:
        print(f"{name:20s} {value:8.2f} {unit:6s} {limit:14s} {'ok' if is_met else 'MISSED'}")
    return 0 if all(result[3] for result in results) else 1


def build(folder: Path, path: Path) -> tuple[float, float]:
    """Build the corpus and print what is in it; seconds and megabytes."""
    started = time.perf_counter()
    built = build_corpus(folder=folder, output=path)
    seconds = time.perf_counter() - started
    print(f"{built.kept} entries kept, {built.left_out} left out:")
    for row in built.entries.records():
        if not row["is_kept"]:
            print(f"  {row['entry']}: {row['verdict']}")
    print(f"{built.residues} residues, {built.nucleotides} nucleotides, by class:")
    counts: Counter[str] = Counter()
    for row in built.residue_types.records():
        counts[str(row["class"])] += int(str(row["count"]))
    print("  " + ", ".join(f"{name} {count}" for name, count in counts.most_common()))
    return seconds, built.size_mb


def count_parts() -> None:
    """Print how many entries of each source the bundled split has in each part."""
    split = read_split()
    print(f"{'split':12s}" + "".join(f"{part:>14s}" for part in PARTS))
    for source in ("structures", "maps", "reflections", "tomography"):
        counts = [len(split.entries(part, source)) for part in PARTS]
        print(f"{source:12s}" + "".join(f"{count:14d}" for count in counts))
    clusters = [len(split.clusters(part)) for part in PARTS]
    print(f"{'clusters':12s}" + "".join(f"{count:14d}" for count in clusters))


def windows_per_second(corpus: Corpus) -> float:
    """Windows of the training part made in a second, on two threads of one each."""
    import torch

    torch.set_num_threads(1)
    clusters = read_split().clusters("training").values()
    groups = [known for names in clusters if (known := [n for n in names if n in corpus])]

    def make(step: int) -> Window:
        parameters = sample_window(0, step, groups)
        return make_window(corpus[parameters.entry], parameters)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(make, range(WARM_UP)))
        started = time.perf_counter()
        list(pool.map(make, range(WARM_UP, WARM_UP + WINDOWS)))
        return WINDOWS / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())
