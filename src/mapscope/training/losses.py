"""What a network is judged by while it learns, MONAI's where MONAI has it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from mapscope.errors import InputError
from mapscope.training.loss_tables import AnyLoss, Loss, MapLoss
from mapscope.training.map_losses import (
    absolute_error,
    overlap_error,
    peak_error,
    shell_error,
    square_error,
    variance_error,
)

IGNORE = -1


class ClassLoss(nn.Module):
    """Weighted sum of cross entropy and dice of one output.

    What is of class -1 counts in neither.

    Parameters
    ----------
    loss : Loss
        The recipe's table.
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        weights = None if loss.class_weights is None else torch.tensor(loss.class_weights)
        self.share, self.dice_share = loss.cross_entropy, loss.dice
        self.cross_entropy = nn.CrossEntropyLoss(weights, ignore_index=IGNORE)
        self.dice = _dice() if loss.dice else None

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of logits (n, classes, ...) for targets (n, ...), one number.

        Raises
        ------
        InputError
            If there is a target that the network has no class for.
        """
        if (highest := int(target.max())) >= logits.shape[1]:
            raise InputError(
                f"the network says {logits.shape[1]} classes, and the data have number {highest} "
                "(from 0): give its head as many as the data have"
            )
        total: torch.Tensor = self.share * self.cross_entropy(logits, target)
        if self.dice is None:
            return total
        known = (target != IGNORE)[:, None]
        ones = nn.functional.one_hot(target.clamp(min=0), logits.shape[1])
        truth = torch.movedim(ones, -1, 1).to(logits.dtype)
        probabilities = torch.softmax(logits, dim=1)
        dice: torch.Tensor = self.dice(probabilities * known, truth * known)
        return total + self.dice_share * dice


def _dice() -> nn.Module:
    """MONAI's dice loss of probabilities and one-hot targets, over a whole batch."""
    from monai.losses import DiceLoss

    dice: nn.Module = DiceLoss(batch=True)
    return dice


class MapTerm(nn.Module):
    """Weighted sum of what is wrong with one output that is a map.

    Parameters
    ----------
    loss : MapLoss
        The recipe's table.
    """

    def __init__(self, loss: MapLoss) -> None:
        super().__init__()
        self.loss = loss
        errors = {
            "square": square_error,
            "absolute": absolute_error,
            "shells": shell_error,
            "overlap": overlap_error,
            "peaks": peak_error,
        }
        self.errors = [(getattr(loss, n), error) for n, error in errors.items() if getattr(loss, n)]

    def forward(
        self, map: torch.Tensor, target: torch.Tensor, log_variance: torch.Tensor | None = None  # noqa: A002
    ) -> torch.Tensor:  # fmt: skip
        """Loss of maps (n, 1, z, y, x) for targets of that shape, one number.

        Raises
        ------
        InputError
            If the shapes differ.
        """
        if map.shape != target.shape:
            raise InputError(
                f"the network says a map of {tuple(map.shape)}, and the data have "
                f"{tuple(target.shape)}: give its head one feature, and windows that it takes"
            )
        return self.each(map, target, log_variance).mean()

    def each(
        self, map: torch.Tensor, target: torch.Tensor, log_variance: torch.Tensor | None = None  # noqa: A002
    ) -> torch.Tensor:  # fmt: skip
        """Loss of each sample, (n,)."""
        terms = [weight * error(map, target) for weight, error in self.errors]
        if log_variance is not None and self.loss.variance:
            terms.append(self.loss.variance * variance_error(map, target, log_variance))
        return torch.stack(terms).sum(dim=0)


class TotalLoss(nn.Module):
    """Sum of the losses of all outputs that a recipe names.

    Parameters
    ----------
    losses : sequence of Loss or MapLoss
        The recipe's tables.
    """

    def __init__(self, losses: Sequence[AnyLoss]) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(
            {
                loss.output: MapTerm(loss) if isinstance(loss, MapLoss) else ClassLoss(loss)
                for loss in losses
            }
        )

    def forward(
        self, outputs: Mapping[str, torch.Tensor], targets: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """One number, from what the network says and targets by output.

        Raises
        ------
        InputError
            If the network or the data lack an output.
        """
        missing = [n for n in self.terms if n not in outputs or n not in targets]
        missing += [n for n in self._variances() if n not in outputs]
        if missing:
            raise InputError(
                f"the recipe has a loss of {missing[0]!r}, the network gives {sorted(outputs)} "
                f"and the data {sorted(targets)}: all three must have it"
            )
        terms: list[torch.Tensor] = [
            loss(outputs[n].float(), targets[n], *self._more(loss, outputs))
            for n, loss in self.terms.items()
        ]
        return torch.stack(terms).sum()

    def _variances(self) -> list[str]:
        """Names of the outputs that say variances."""
        tables = (t.loss for t in self.terms.values() if isinstance(t, MapTerm))
        return [table.variance_output for table in tables if table.variance_output]

    @staticmethod
    def _more(loss: nn.Module, outputs: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """The variance that a loss judges beside its map, where it does."""
        name = loss.loss.variance_output if isinstance(loss, MapTerm) else None
        return [] if name is None else [outputs[name].float()]


def trivial_loss(counts: Sequence[int]) -> float:
    """Cross entropy of a predictor that only knows how often each class comes, in nats.

    Examples
    --------
    >>> round(trivial_loss([5, 5]), 3)
    0.693
    """
    total = sum(counts)
    return -sum(n / total * math.log(n / total) for n in counts if n)
