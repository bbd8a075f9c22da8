"""What a network's answers to validation samples are worth, added up batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch

from mapscope.training.calibration import LEAST, least_probability
from mapscope.training.confusion import Confusion
from mapscope.training.loader import MAPS, Batch
from mapscope.training.loss_tables import AnyLoss, MapLoss
from mapscope.training.losses import MapTerm, trivial_loss
from mapscope.training.map_losses import correlation, shell_correlations
from mapscope.training.run_folder import MAP_SCORES
from mapscope.training.samples import Samples


class Scores(Protocol):
    """Scores of an output, to which batches are added."""

    confusion: Confusion | None

    def add(self, outputs: Mapping[str, torch.Tensor], batch: Batch) -> None:
        """Add what a network said of a batch."""

    def values(self) -> dict[str, float]:
        """The scores by name, ``trivial_loss`` among them. Raises nothing where none was added."""


def scores_for(loss: AnyLoss, samples: Samples) -> Scores:
    """Scores that fit a recipe's first loss, with nothing added yet."""
    return MapScores(loss) if isinstance(loss, MapLoss) else ClassScores(loss.output, samples)


class ClassScores:
    """How often classes are right.

    Parameters
    ----------
    output : str
        Which output.
    samples : Samples
        Has the names of the classes.
    """

    def __init__(self, output: str, samples: Samples) -> None:
        self.output = output
        self._counted = Confusion(samples.classes)
        self.confusion: Confusion | None = self._counted
        self._answers: list[torch.Tensor] = []

    def add(self, outputs: Mapping[str, torch.Tensor], batch: Batch) -> None:
        """Add what a network said of a batch."""
        said, truth = outputs[self.output].detach(), batch[self.output]
        self._counted.add(said.argmax(dim=1), truth)
        if truth.dim() == 1:
            best = said.float().softmax(dim=1).max(dim=1)
            self._answers.append(torch.stack([best.values, best.indices == truth]).cpu())

    def values(self) -> dict[str, float]:
        """Accuracies, and the loss of who only knows how often each class comes."""
        counted = self._counted
        scores = {
            "trivial_loss": trivial_loss(counted.counts.sum(axis=1).tolist()),
            "accuracy": counted.accuracy,
            "balanced_accuracy": counted.balanced_accuracy,
        }
        if self._answers:
            chances, is_right = torch.cat(self._answers, dim=1).double().numpy()
            scores[LEAST] = least_probability(chances, is_right > 0)
        return scores


class MapScores:
    """How near maps are to the truth, and how near the input was.

    The input is the mean of the channels that go in; as a predictor it knows its own mean squared
    error of each sample for a variance.

    Parameters
    ----------
    loss : MapLoss
        The recipe's table.
    """

    confusion: Confusion | None = None

    def __init__(self, loss: MapLoss) -> None:
        self.loss = loss
        self._term = MapTerm(loss)
        self._rows: list[torch.Tensor] = []
        self._trivial: list[torch.Tensor] = []

    def add(self, outputs: Mapping[str, torch.Tensor], batch: Batch) -> None:
        """Add what a network said of a batch."""
        said, truth = outputs[self.loss.output].detach().float(), batch[self.loss.output].float()
        given = batch[MAPS].float().mean(dim=1, keepdim=True)
        error = (given - truth).square().mean(dim=(1, 2, 3, 4), keepdim=True)
        log_variance = error.clamp(min=1e-5).log().expand_as(truth)
        self._trivial += [self._term.each(given, truth, log_variance).cpu()]
        columns = [correlation(said, truth), correlation(given, truth)]
        columns += [_shell_mean(said, truth), _shell_mean(given, truth)]
        self._rows += [torch.stack(columns, dim=1).cpu()]

    def values(self) -> dict[str, float]:
        """Mean correlations of output and input, over voxels and over shells; noise left out."""
        empty = torch.zeros(len(MAP_SCORES))
        means = torch.cat(self._rows).nanmean(dim=0) if self._rows else empty
        trivial = torch.cat(self._trivial).mean() if self._trivial else torch.zeros(())
        found = dict(zip(MAP_SCORES, means.nan_to_num().tolist(), strict=True))
        return {"trivial_loss": float(trivial), **found}


def _shell_mean(map: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:  # noqa: A002
    """Mean correlation over the shells of each sample, (n,); NaN where none has power."""
    found, counts = shell_correlations(map, truth)
    number = counts.sum(dim=1)
    return torch.where(number > 0, found.sum(dim=1) / number.clamp(min=1), torch.nan)
