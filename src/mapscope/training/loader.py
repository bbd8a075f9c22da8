"""Batches of samples in the order of steps, so that a resumed run sees what another would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from mapscope.training.samples import Role, Samples

if TYPE_CHECKING:
    import torch

Batch = dict[str, "torch.Tensor"]
MAPS, NUMBER, CONDITIONS = "maps", "number", "conditions"


@dataclass(frozen=True)
class Numbered(Dataset[Batch]):
    """Samples of a role by number.

    Parameters
    ----------
    samples : Samples
        Where they come from.
    role : str
        Which role.
    seed : int
        Of the recipe.
    """

    samples: Samples
    role: Role
    seed: int

    def __getitem__(self, number: int) -> Batch:
        import torch

        sample = self.samples.make(self.samples.draw(self.role, self.seed, number))
        told = {} if sample.conditions is None else {CONDITIONS: sample.conditions}
        return {MAPS: sample.maps, NUMBER: torch.tensor(number), **told, **sample.targets}


@dataclass(frozen=True)
class Steps(Sampler[list[int]]):
    """Numbers of the samples of each step that is left, for one device of several.

    It has no length, because a run that is resumed has fewer left than its loop counts.

    Parameters
    ----------
    first, last : int
        The first step, and the one after the last.
    batch : int
        Samples of a step on each device.
    rank, devices : int
        Which device of how many.
    """

    first: int
    last: int
    batch: int
    rank: int = 0
    devices: int = 1

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.last):
            start = (step * self.devices + self.rank) * self.batch
            yield list(range(start, start + self.batch))


def training_batches(samples: Samples, seed: int, steps: Steps, workers: int) -> DataLoader[Batch]:
    """Batches of the training samples, step by step."""
    return DataLoader(
        Numbered(samples, "training", seed),
        batch_sampler=steps,
        num_workers=workers,
        collate_fn=default_collate,
        persistent_workers=False,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_be_quiet,
    )


def _be_quiet(worker: int) -> None:  # noqa: ARG001
    """Have a worker print no tracebacks: its errors are raised where its samples are used.

    What it would print is that nobody fetches its samples any more when a training is stopped.
    """
    sys.excepthook = lambda *_: None


def fixed_batches(
    samples: Samples, role: Role, *, seed: int, count: int, batch: int
) -> DataLoader[Batch]:
    """Batches of the first `count` samples of a role, always the same."""
    most = samples.count(role)
    numbers = range(count if most is None else min(count, most))
    rows = [list(numbers[n : n + batch]) for n in range(0, len(numbers), batch)]
    return DataLoader(Numbered(samples, role, seed), batch_sampler=rows, collate_fn=default_collate)
