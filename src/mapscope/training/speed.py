"""Which precision trains a network faster on this machine, measured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, TypeAlias

from mapscope.networks.registry import build
from mapscope.training.device import training_device
from mapscope.training.loader import CONDITIONS, MAPS, Batch, fixed_batches
from mapscope.training.loss_tables import MapLoss
from mapscope.training.losses import TotalLoss
from mapscope.training.recipe import Recipe
from mapscope.training.samples import Samples

if TYPE_CHECKING:
    import torch

Mode: TypeAlias = Literal["fp32", "bf16"]

_WORTH_IT = 1.3
_TURNS = 2
_TRIED = 2


def fastest_mode(recipe: Recipe, samples: Samples, device: str) -> Mode:
    """The recipe's precision; where it leaves the choice, the faster one for its network.

    bfloat16 rounds to three digits, so that it has to be 1.3 times as fast to be chosen.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    samples : Samples
        Its samples.
    device : str
        auto, cpu or cuda.
    """
    import torch

    if recipe.schedule.precision != "auto":
        return recipe.schedule.precision
    place = torch.device(training_device(device))
    batch = next(iter(fixed_batches(samples, "validation", seed=recipe.seed, count=2, batch=2)))
    seconds = {mode: _step_seconds(recipe, batch, mode, place) for mode in ("fp32", "bf16")}
    return "bf16" if seconds["fp32"] >= _WORTH_IT * seconds["bf16"] else "fp32"


def expected_step(recipe: Recipe, device: str = "auto") -> float:
    """Seconds that a step of a recipe takes on this machine, measured on a few random maps.

    Making samples is not in it: that goes on beside.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    device : str
        auto, cpu or cuda.
    """
    import torch

    place = torch.device(training_device(device))
    count = min(_TRIED, recipe.schedule.batch)
    batch = _random_batch(recipe, count)
    seconds = _step_seconds(recipe, batch, "fp32", place)
    return seconds * recipe.schedule.batch / count


def _random_batch(recipe: Recipe, count: int) -> Batch:
    """Maps of noise, and targets that fit the network's outputs."""
    import torch

    network = build(recipe.network.name, **recipe.network.config).eval()
    shape = (count, network.channels, *[network.size or recipe.data.size] * 3)
    batch = {MAPS: torch.randn(shape)}
    if network.conditions:
        batch[CONDITIONS] = torch.randn((count, network.conditions))
    with torch.no_grad():
        outputs = network(batch[MAPS], *_told(batch))
    for loss in recipe.losses:
        if isinstance(loss, MapLoss):
            batch[loss.output] = torch.rand_like(outputs[loss.output])
            continue
        features, *edges = outputs[loss.output].shape[1:]
        batch[loss.output] = torch.randint(features, (count, *edges))
    return batch


def _told(batch: Batch) -> list[torch.Tensor]:
    """What a network is told of the maps of a batch, where it is told something."""
    return [batch[CONDITIONS]] if CONDITIONS in batch else []


def _step_seconds(recipe: Recipe, batch: Batch, mode: str, place: torch.device) -> float:
    """Seconds of the fastest of a few steps."""
    import torch

    is_short = mode == "bf16"
    layout = torch.channels_last_3d
    network = build(recipe.network.name, **recipe.network.config).to(place, memory_format=layout)  # type: ignore[call-overload]
    loss = TotalLoss(recipe.losses).to(place)
    there = {name: value.to(place) for name, value in batch.items()}
    there[MAPS] = there[MAPS].contiguous(memory_format=layout)
    best = float("inf")
    for _ in range(_TURNS + 1):
        began = time.perf_counter()
        with torch.autocast(place.type, torch.bfloat16, enabled=is_short):
            outputs = network(there[MAPS], *_told(there))
        loss(outputs, there).backward()
        if place.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best
