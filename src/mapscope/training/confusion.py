"""How often each class is taken for each, and what follows from that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.table import Table

if TYPE_CHECKING:
    import torch


class Confusion:
    """Counts of what was what and was called what.

    Parameters
    ----------
    classes : sequence of str
        Their names.

    Attributes
    ----------
    counts : int64 array (classes, classes)
        True class by predicted class.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.counts = np.zeros((len(self.classes),) * 2, dtype=np.int64)

    def add(self, predicted: torch.Tensor, truth: torch.Tensor) -> None:
        """Count predictions and truths of equal shape; truths of -1 do not count."""
        known = truth >= 0
        pairs = truth[known] * len(self.classes) + predicted[known]
        counted = np.bincount(pairs.cpu().numpy().ravel(), minlength=self.counts.size)
        self.counts += counted.reshape(self.counts.shape)

    @property
    def accuracy(self) -> float:
        """Share that is called what it is; 0 where nothing was counted."""
        return _share(self.counts.trace(), self.counts.sum())

    @property
    def balanced_accuracy(self) -> float:
        """Mean sensitivity of the classes that there are."""
        there = self.counts.sum(axis=1) > 0
        return float(self.sensitivity[there].mean()) if there.any() else 0.0

    @property
    def sensitivity(self) -> npt.NDArray[np.float64]:
        """Share of each class that is called so, (classes,)."""
        right = self.counts.diagonal()
        return _shares(right, self.counts.sum(axis=1))

    def table(self) -> Table:
        """One row for each class: how many, and sensitivity, specificity and predictive values.

        References
        ----------
        Avramov et al. (2019) Molecules 24, 1181, table 5: each class against all others.
        """
        right, true = self.counts.diagonal(), self.counts.sum(axis=1)
        called, total = self.counts.sum(axis=0), self.counts.sum()
        neither = total - true - called + right
        return Table(
            {
                "class": np.array(self.classes),
                "samples": true,
                "sensitivity": _shares(right, true),
                "specificity": _shares(neither, total - true),
                "positive_predictive_value": _shares(right, called),
                "negative_predictive_value": _shares(neither, total - called),
                **{f"called_{name}": self.counts[:, n] for n, name in enumerate(self.classes)},
            }
        )


def _share(part: float, whole: float) -> float:
    """A share; 0 of nothing."""
    return float(part) / float(whole) if whole else 0.0


def _shares(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Shares; NaN of nothing."""
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0))
