"""What happens around the steps of a training: time, states, curves, samples."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, WeightAveraging

from mapscope.progress import Progress, send_preview
from mapscope.training.checkpoint import read_state, write_state
from mapscope.training.clock import Clock
from mapscope.training.learner import Learner
from mapscope.training.loader import MAPS, NUMBER, Batch
from mapscope.training.loss_tables import MapLoss
from mapscope.training.model import voxel_size_of
from mapscope.training.recipe import Recipe
from mapscope.training.run_folder import RunFolder

if TYPE_CHECKING:
    from mapscope.training.samples import Samples

EVERY = 10
"""Steps between two lines of the curves."""

_PREFIX = "network."
_SHOWN = 16
MAPS_SHOWN = 4
"""Samples of a validation whose maps are kept to be looked at."""

SUFFIX = ".safetensors"


class StateIO(CheckpointIO):
    """Lightning's checkpoints as files without pickle."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: Any,
        storage_options: Any = None,  # noqa: ARG002
    ) -> None:
        """Write a checkpoint; what holds no state is left out."""
        left_out = ("hyper_parameters", "hparams_name", "datamodule_hyper_parameters")
        write_state(Path(path), {k: v for k, v in checkpoint.items() if k not in left_out})

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        """Read a checkpoint onto the CPU."""
        state: dict[str, Any] = read_state(Path(path))
        return state

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


class Saver(Callback):
    """Keeps the last state and the best weights. It stands behind all callbacks that have states.

    Parameters
    ----------
    folder : RunFolder
        Where.
    every : int
        Steps between two states; there is one after each validation too.
    validate_every : int
        Steps between two validations, at which a state before the validation is not worth it.
    """

    def __init__(self, folder: RunFolder, every: int, validate_every: int) -> None:
        self.folder, self.every, self.validate_every = folder, every, validate_every
        self.best = math.inf

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Keep the state of every so many steps."""
        step = trainer.global_step
        if step % self.every == 0 and step % self.validate_every:
            trainer.save_checkpoint(self.folder.last)

    def on_validation_end(self, trainer: Trainer, *_: Any) -> None:
        """Keep the state, and the weights where they are better than before."""
        loss = float(trainer.callback_metrics["validation_loss"])
        is_better = loss < self.best
        self.best = min(loss, self.best)
        # Only when the weights are safe may the state say that they are: a run that is killed
        # before that validates again.
        trainer.save_checkpoint(self.folder.next)
        if not trainer.is_global_zero:
            return
        if is_better:
            scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
            self._keep_best(trainer.global_step, scores)
        self.folder.next.replace(self.folder.last)

    def _keep_best(self, step: int, scores: dict[str, float]) -> None:
        """Weights of the state just written; its ``state_dict`` holds the averaged ones."""
        weights = read_state(self.folder.next)["state_dict"]
        named = {k.removeprefix(_PREFIX): v for k, v in weights.items() if k.startswith(_PREFIX)}
        write_state(self.folder.best, {"step": step, "scores": scores, "weights": named})

    def state_dict(self) -> dict[str, Any]:
        """The lowest validation loss so far."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best = state_dict["best"]


class Curves(Callback):
    """Writes the curves, tells how far it is, and hears that it should stop.

    Parameters
    ----------
    folder : RunFolder
        Where.
    clock : Clock
        The time.
    steps : int
        Most steps.
    progress : callable
        Called once a step.
    """

    def __init__(self, folder: RunFolder, clock: Clock, steps: int, progress: Progress) -> None:
        self.folder, self.clock, self.steps, self.progress = folder, clock, steps, progress
        self._losses: list[float] = []
        self._done = 0

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        """Forget what a resumed run does again."""
        if trainer.is_global_zero:
            self.folder.forget_after(trainer.global_step)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Write a line every `EVERY` steps: the mean loss since the last."""
        assert isinstance(pl_module, Learner)
        self._losses.append(float(outputs["loss"]))
        step = trainer.global_step
        if step % EVERY == 0 and trainer.is_global_zero:
            loss = sum(self._losses) / len(self._losses)
            self._losses = []
            self._note(trainer, step, {"loss": loss, "rate": pl_module.rate})
        self._done = round(1000 * max(step / self.steps, self.clock.time_share()))
        self.progress(self._done, 1000, "training")

    def on_validation_end(self, trainer: Trainer, *_: Any) -> None:
        """Write the scores, in the log in words."""
        if not trainer.is_global_zero:
            return
        scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self._note(trainer, trainer.global_step, scores)
        text = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in scores.items())
        self._say(f"step {trainer.global_step}, {self.clock.seconds / 60:.1f} min: {text}")

    def _note(self, trainer: Trainer, step: int, values: dict[str, float]) -> None:
        """A line of the curves, and the same for TensorBoard."""
        self.folder.note({"step": step, "seconds": round(self.clock.seconds, 2), **values})
        if trainer.logger is not None:
            trainer.logger.log_metrics(values, step)

    def _say(self, text: str) -> None:
        """A line of the log, and of the progress."""
        with self.folder.log_file.open("a", encoding="utf-8") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        self.progress(self._done, 1000, text)


class Previews(Callback):
    """Writes what the network says of the first validation samples.

    One JSON file a validation: how each sample was drawn, what it is, and the probabilities. For
    the last validation a safetensors file of maps beside it, and for outputs of voxels of targets
    and predictions: numbers of classes, or maps.

    Parameters
    ----------
    folder : RunFolder
        Where.
    samples : Samples
        What draws them.
    recipe : Recipe
        Its seed, and the voxel size that maps are shown with.
    progress : callable
        Hears that there is something to look at.
    """

    def __init__(
        self, folder: RunFolder, samples: Samples, recipe: Recipe, progress: Progress
    ) -> None:
        self.folder, self.samples, self.recipe = folder, samples, recipe
        self.progress = progress

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any,  # noqa: ARG002
        batch: Batch, batch_idx: int, *_: Any,
    ) -> None:  # fmt: skip
        """Write the first batch's."""
        if batch_idx or not trainer.is_global_zero:
            return
        assert isinstance(pl_module, Learner)
        with torch.no_grad():
            said = self._said(pl_module.answer(batch))
        stem = self.folder.samples / f"step_{trainer.global_step:06d}"
        rows = []
        for place, number in enumerate(batch[NUMBER].tolist()[:_SHOWN]):
            drawn = asdict(self.samples.draw("validation", self.recipe.seed, number))
            row: dict[str, Any] = {"number": number, "drawn": drawn}
            for name, values in said.items():
                if values.dim() == 2:
                    truth, chances = int(batch[name][place]), values[place].tolist()
                    row[name] = {"truth": truth, "probabilities": [round(p, 4) for p in chances]}
            rows.append(row)
        self._write_maps(stem.with_suffix(SUFFIX), said, batch)
        stem.with_suffix(".json").write_text(json.dumps(rows), encoding="utf-8")
        send_preview(self.progress, stem.with_suffix(".json"))

    def _said(self, outputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What is judged: probabilities of classes, and maps as they are."""
        is_map = {loss.output: isinstance(loss, MapLoss) for loss in self.recipe.losses}
        return {
            name: (values.float() if is_map[name] else values.float().softmax(1)).cpu()
            for name, values in outputs.items()
            if name in is_map
        }

    def _write_maps(self, path: Path, said: dict[str, torch.Tensor], batch: Batch) -> None:
        """Maps, targets and what is said of the first samples, in place of those before."""
        voxels, truths = {}, {}
        for name, values in said.items():
            if values.dim() != 5:
                continue
            shown, truth = values[:MAPS_SHOWN], batch[name][:MAPS_SHOWN].cpu()
            is_map = truth.is_floating_point()
            voxels[name] = shown[:, 0].half() if is_map else shown.argmax(1).to(torch.int8)
            truths[f"{name}_truth"] = truth[:, 0].half() if is_map else truth.to(torch.int8)
        size = voxel_size_of(self.recipe)
        names = list(self.samples.classes)
        content = {MAPS: batch[MAPS][:MAPS_SHOWN].half().cpu(), **voxels, **truths}
        before = [p for p in self.folder.samples.glob(f"step_*{SUFFIX}") if p != path]
        write_state(path, {**content, "classes": names, "voxel_size": size})
        for older in before:
            with suppress(OSError):  # Windows keeps it while somebody looks at it
                older.unlink(missing_ok=True)


def averaging(decay: float) -> list[Callback]:
    """The moving average of weights and statistics; nothing where the decay is 0.

    The average of few steps reaches less far back, so that it forgets the random weights that the
    network began with.
    """

    def mean(before: torch.Tensor, now: torch.Tensor, steps: torch.Tensor | int) -> torch.Tensor:
        share = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return before * share + now * (1 - share)

    return [WeightAveraging(avg_fn=mean)] if decay else []


def patience(validations: int | None) -> list[Callback]:
    """Ends a training after so many validations without a lower loss; never where None."""
    return [EarlyStopping("validation_loss", patience=validations)] if validations else []
