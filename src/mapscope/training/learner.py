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
from mapscope.training.loader import CONDITIONS, MAPS, Batch, Steps, fixed_batches, training_batches
from mapscope.training.losses import TotalLoss
from mapscope.training.recipe import Optimiser, Recipe
from mapscope.training.samples import Samples
from mapscope.training.validation import scores_for

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
        self.scores = scores_for(recipe.losses[0], samples)

    def forward(
        self, maps: torch.Tensor, conditions: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """The network's outputs for maps (n, channels, z, y, x), and what it is told of them."""
        told = () if conditions is None else (conditions,)
        out: dict[str, torch.Tensor] = self.network(
            maps.contiguous(memory_format=torch.channels_last_3d), *told
        )
        return out

    def answer(self, batch: Batch) -> dict[str, torch.Tensor]:
        """The network's outputs for the maps of a batch."""
        return self(batch[MAPS], batch.get(CONDITIONS))  # type: ignore[no-any-return]

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
        loss: torch.Tensor = self.loss(self.answer(batch), batch)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.global_step}: lower the recipe's rate"
            )
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin to count anew."""
        self._sums = []
        self.scores = scores_for(self._recipe.losses[0], self._samples)

    def validation_step(self, batch: Batch) -> None:
        """Add a batch to loss and scores."""
        outputs = self.answer(batch)
        self._sums.append(self.loss(outputs, batch).detach() * len(batch[MAPS]))
        self.scores.add(outputs, batch)

    def on_validation_epoch_end(self) -> None:
        """Log loss, what a trivial predictor's would be, and what the answers are worth."""
        loss = float(torch.stack(self._sums).sum()) / self._validation_size()
        self.log_dict({"validation_loss": loss, **self.scores.values()}, sync_dist=True)

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
    kind = torch.optim.Adam if table.name == "adam" else torch.optim.AdamW
    return kind(groups, lr=table.rate, betas=table.betas, weight_decay=table.weight_decay)
