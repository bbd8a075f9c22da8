"""A network that learns, as Lightning wants it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import nn

from mapscope.errors import TrainingError
from mapscope.networks.registry import build
from mapscope.training.calibration import LEAST, least_probability
from mapscope.training.confusion import Confusion
from mapscope.training.loader import MAPS, Batch, Steps, fixed_batches, training_batches
from mapscope.training.losses import TotalLoss, trivial_loss
from mapscope.training.recipe import Optimiser, Recipe
from mapscope.training.samples import Samples

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

Share = Callable[[], float]
"""Share of the time that is over, 0 to 1."""


class Learner(LightningModule):
    """The network of a recipe with its data, losses and optimiser.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    samples : Samples
        Its samples.
    time_share : callable
        How much of the time is over.
    """

    def __init__(self, recipe: Recipe, samples: Samples, time_share: Share) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed)
        self.network = build(recipe.network.name, **recipe.network.config)
        # Channels of a voxel side by side: up to twice as fast on processors, and what tensor
        # cores want.
        self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.loss = TotalLoss(recipe.losses)
        self._recipe, self._samples, self._time_share = recipe, samples, time_share
        self._sums: list[torch.Tensor] = []
        self._answers: list[torch.Tensor] = []
        self.confusion = Confusion(samples.classes)

    def forward(self, maps: torch.Tensor) -> dict[str, torch.Tensor]:
        """The network's outputs for maps (n, channels, z, y, x)."""
        out: dict[str, torch.Tensor] = self.network(
            maps.contiguous(memory_format=torch.channels_last_3d)
        )
        return out

    def on_train_batch_start(self, *_: Any) -> None:
        """Set the learning rate and the random numbers of the step."""
        # Dropout's numbers are those of the step too, so that no generator's state is kept.
        numbers = np.random.SeedSequence([self._recipe.seed, self.global_step, self.global_rank])
        torch.manual_seed(int(numbers.generate_state(1)[0]))
        for group in self.optimizers().param_groups:
            group["lr"] = self.rate

    @property
    def rate(self) -> float:
        """The learning rate of this step."""
        steps = self._recipe.schedule.steps
        share = max(self.global_step / steps, self._time_share())
        return learning_rate(self._recipe.optimiser, self.global_step, share)

    def training_step(self, batch: Batch) -> torch.Tensor:
        """Loss of a batch."""
        loss: torch.Tensor = self.loss(self(batch[MAPS]), batch)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.global_step}: lower the recipe's rate"
            )
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin to count anew."""
        self._sums, self._answers = [], []
        self.confusion = Confusion(self._samples.classes)

    def validation_step(self, batch: Batch) -> None:
        """Add a batch to loss and confusion."""
        outputs = self(batch[MAPS])
        self._sums.append(self.loss(outputs, batch).detach() * len(batch[MAPS]))
        name = self._recipe.losses[0].output
        self.confusion.add(outputs[name].argmax(dim=1), batch[name])
        if batch[name].dim() == 1:
            best = outputs[name].detach().float().softmax(dim=1).max(dim=1)
            self._answers.append(torch.stack([best.values, best.indices == batch[name]]).cpu())

    def on_validation_epoch_end(self) -> None:
        """Log loss, what a trivial predictor's would be, and accuracies."""
        counted = self._validation_size()
        scores = {
            "validation_loss": float(torch.stack(self._sums).sum()) / counted,
            "trivial_loss": trivial_loss(self.confusion.counts.sum(axis=1).tolist()),
            "accuracy": self.confusion.accuracy,
            "balanced_accuracy": self.confusion.balanced_accuracy,
        }
        if self._answers:
            chances, is_right = torch.cat(self._answers, dim=1).double().numpy()
            scores[LEAST] = least_probability(chances, is_right > 0)
        self.log_dict(scores, sync_dist=True)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of the steps that are left."""
        schedule = self._recipe.schedule
        steps = Steps(
            self.global_step, schedule.steps, schedule.batch, self.global_rank,
            self.trainer.world_size,
        )  # fmt: skip
        return training_batches(self._samples, self._recipe.seed, steps, schedule.workers)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The validation samples, the same each time."""
        schedule = self._recipe.schedule
        return fixed_batches(
            self._samples,
            "validation",
            seed=self._recipe.seed,
            count=schedule.validation_samples,
            batch=schedule.batch,
        )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser."""
        return optimiser_of(self._recipe.optimiser, self.network)

    def _validation_size(self) -> int:
        """Samples of a validation."""
        wanted, most = self._recipe.schedule.validation_samples, self._samples.count("validation")
        return wanted if most is None else min(wanted, most)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_time_share": _no_time}


def _no_time() -> float:
    """For copies of a learner, which have no clock."""
    return 0.0


def learning_rate(optimiser: Optimiser, step: int, share: float) -> float:
    """The learning rate of a step.

    Parameters
    ----------
    optimiser : Optimiser
        The recipe's table.
    step : int
        From 0.
    share : float
        How much of the training is over, 0 to 1.

    Examples
    --------
    >>> learning_rate(Optimiser(rate=1.0, decay="cosine"), 50, 0.5)
    0.5
    """
    warm = min(1.0, (step + 1) / optimiser.warm_up) if optimiser.warm_up else 1.0
    fall = 1.0
    if optimiser.decay == "cosine":
        fall = round((1 + math.cos(math.pi * min(share, 1.0))) / 2, 12)
    return optimiser.rate * warm * fall


def optimiser_of(table: Optimiser, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a recipe for the weights of a network; biases and scales do not decay."""
    groups: list[dict[str, Any]] = [
        {"params": [p for p in network.parameters() if p.dim() > 1]},
        {"params": [p for p in network.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    if table.name == "sgd":
        return torch.optim.SGD(
            groups, lr=table.rate, momentum=table.momentum, weight_decay=table.weight_decay
        )
    return torch.optim.AdamW(groups, lr=table.rate, weight_decay=table.weight_decay)
