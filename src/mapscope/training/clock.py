"""The time of a training."""

from __future__ import annotations

import math
import time
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback


class Clock(Callback):
    """The time of a training, over all its resumptions; it ends the training when it is over.

    Parameters
    ----------
    minutes : float, optional
        Most minutes.
    started : float
        When this process began, by ``time.monotonic``.
    batches : int
        How many a validation has; until there was one, each is taken to last half as
        long as a step.
    """

    def __init__(self, minutes: float | None, started: float, batches: int) -> None:
        self.limit = minutes * 60 if minutes else math.inf
        self.started, self.before, self.batches = started, 0.0, batches
        self._begun = 0.0
        self._step = self._validation = 0.0

    @property
    def seconds(self) -> float:
        """Since the training began."""
        return self.before + time.monotonic() - self.started

    def time_share(self) -> float:
        """How much of the time is over, 0 to 1."""
        return min(self.seconds / self.limit, 1.0)

    def on_train_batch_start(self, *_: Any) -> None:
        """Note when a step begins."""
        self._begun = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """End the training when another step and the last validation would go beyond its time."""
        taken = time.monotonic() - self._begun
        self._step = (self._step + taken) / 2 if self._step else taken
        validation = self._validation or self.batches * self._step / 2
        if self.limit - self.seconds < self._step + validation:
            trainer.should_stop = True

    def on_validation_start(self, *_: Any) -> None:
        """Note when a validation begins."""
        self._begun = time.monotonic()

    def on_validation_end(self, *_: Any) -> None:
        """Note how long it took."""
        self._validation = max(self._validation, time.monotonic() - self._begun)

    def state_dict(self) -> dict[str, Any]:
        """Seconds so far, and how long a validation takes."""
        return {"seconds": self.seconds, "validation": self._validation}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.before = state_dict["seconds"]
        self._validation = state_dict["validation"]
