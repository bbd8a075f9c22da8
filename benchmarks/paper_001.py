"""Classes of resolution as in paper 001: noise-free maps of chains that no training has seen.

``python benchmarks/paper_001.py [--model NAME_OR_FILE ...] [--corpus FILE | --data DIR]`` asks
every model that says resolution, or those named, for the class of test chains of the split at
2.5, 7.5 and 12.5 Å, at the model's own size and voxel size. Printed are accuracy, and for each
class sensitivity, specificity, positive and negative predictive value (table 5 of the paper); then
the classes at 28 resolutions from 1.5 to 15 Å (table 1) and where they change. The structures are
those of a corpus, or of the folder ``structures`` of the data folder (default: ``MAPSCOPE_DATA``).

Limits, for the networks in the paper's full size: 92.7 % for the dense one, 99.7 % for the other.
Exits with 0 if they are met, or if there is no model or nothing to test on.

References: Avramov et al. (2019) Molecules 24, 1181.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from mapscope.inference.model import Model, load
from mapscope.inference.resolution_class import OUTPUT, resolution_models
from mapscope.jobs import build_corpus
from mapscope.table import Table
from mapscope.training.class_maps import ClassMapSamples
from mapscope.training.confusion import Confusion
from mapscope.training.corpus import Corpus
from mapscope.training.data_tables import ClassMaps
from mapscope.training.evaluation import RESOLUTIONS, class_table
from mapscope.training.samples import normalised

LEAST = {"dense_2019": 0.927, "cnn_2019": 0.997}
FULL = {"dense_2019": 262_245_403, "cnn_2019": 68_404_163}
EDGE = 64


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--chains", type=int, default=10_000, help="most test chains")
    parser.add_argument("--table-chains", type=int, default=28, help="of the 28 resolutions")
    given = parser.parse_args()
    names = given.model or [model.name for model in resolution_models()]
    if not names or not (given.corpus or given.data):
        print("no model of resolution is installed" if not names else "give --corpus or --data")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = given.corpus or Path(folder) / "corpus.safetensors"
        if given.corpus is None:
            build_corpus(folder=Path(given.data) / "structures", output=path)
        corpus = Corpus.open(path)
        verdicts = [
            judge(load(name), corpus, Path(folder), given.chains, given.table_chains)
            for name in names
        ]
    return 0 if all(verdicts) else 1


def judge(model: Model, corpus: Corpus, folder: Path, chains: int, in_table: int) -> bool:
    """Print what a model is worth; whether that is within its limit."""
    samples = samples_for(model, corpus, folder)
    confusion = confusion_of(model, samples, chains)
    learned = sum(p.numel() for p in model.network.parameters())
    print(f"\n{model.card.name}: {learned:,} parameters, {confusion.counts.sum()} test maps")
    print(f"  accuracy {confusion.accuracy:.4f}")
    print_classes(confusion.table())
    table = class_table(
        lambda maps: answers(model, maps), model.card.classes, samples, chains=in_table
    )
    print_table(table)
    architecture = model.card.architecture
    if learned != FULL.get(architecture):
        return True
    good = confusion.accuracy >= LEAST[architecture]
    print(f"  at least {LEAST[architecture]:.3f}: {'ok' if good else 'MISSED'}")
    return good


def samples_for(model: Model, corpus: Corpus, folder: Path) -> ClassMapSamples:
    """Maps of chains as a model wants them."""
    card = model.card
    edge = getattr(model.network, "size", None) or card.tile or EDGE
    how = {"size": edge, "voxel_size": card.voxel_size or 1.0, "normalisation": card.normalisation}
    return ClassMapSamples(ClassMaps(kind="class_maps", **how), corpus, folder)  # type: ignore[arg-type]


def answers(model: Model, maps: torch.Tensor) -> list[int]:
    """The number of the class of each of some maps (n, size, size, size)."""
    return [int(model.ask(one[None, None].numpy())[OUTPUT].argmax()) for one in maps]


def confusion_of(model: Model, samples: ClassMapSamples, chains: int) -> Confusion:
    """What a model takes test chains for at the resolutions of the classes."""
    confusion = Confusion(model.card.classes)
    truth = torch.arange(len(samples.data.resolutions))
    for atoms in samples.test_chains(chains):
        found = [samples.simulated(atoms, np.eye(3), r) for r in samples.data.resolutions]
        maps = normalised(torch.from_numpy(np.stack(found)), samples.data.normalisation)
        confusion.add(torch.tensor(answers(model, maps)), truth)
    return confusion


def print_classes(table: Table) -> None:
    """The paper's table 5."""
    print("  class     samples  sensitivity  specificity          PPV          NPV")
    columns = ("sensitivity", "specificity", "positive_predictive_value")
    for row in table.records():
        if row["samples"]:
            numbers = (row[name] for name in (*columns, "negative_predictive_value"))
            said = "  ".join(f"{'-':>11s}" if n is None else f"{n:11.3f}" for n in numbers)
            print(f"  {row['class']!s:8s} {row['samples']!s:>8s}  {said}")


def print_table(table: Table) -> None:
    """The paper's table 1, and where the class of most chains changes."""
    before = ""
    borders = []
    for row in table.records():
        first, most, share = row["first_chain"], row["most_chains"], row["share"]
        print(
            f"  {row['resolution']:5.1f} Å  {first!s:8s} {most!s:8s} of {share:4.0%} of the chains"
        )
        if before and most != before:
            borders.append(f"{before} | {most} at {row['resolution']:.1f} Å")
        before = str(most)
    print(f"  {len(RESOLUTIONS)} resolutions; {'; '.join(borders) or 'one class for all'}")


if __name__ == "__main__":
    sys.exit(main())
