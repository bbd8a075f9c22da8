"""Trains a recipe's network in a folder, from the beginning or from where it stands."""

from __future__ import annotations

import logging
import math
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapscope.errors import Cancelled, InputError, TrainingError
from mapscope.progress import Progress, part, silent
from mapscope.training.corpus import Corpus
from mapscope.training.device import hardware, training_device
from mapscope.training.extra import missing_packages
from mapscope.training.model import write_model_of
from mapscope.training.occupancy import occupied
from mapscope.training.recipe import Recipe, parse_recipe
from mapscope.training.run_folder import RunFolder
from mapscope.training.samples import Samples, samples_of
from mapscope.training.speed import fastest_mode

if TYPE_CHECKING:
    from lightning.pytorch import Callback, Trainer

    from mapscope.training.learner import Learner


@dataclass(frozen=True)
class Run:
    """How a training ended.

    Parameters
    ----------
    folder : RunFolder
        Where everything is.
    steps : int
        How many were done in all.
    minutes : float
        How long it took in all.
    validation_loss : float
        The lowest.
    """

    folder: RunFolder
    steps: int
    minutes: float
    validation_loss: float

    def facts(self) -> dict[str, float]:
        """The numbers by name."""
        numbers = {"steps": self.steps, "minutes": round(self.minutes, 3)}
        return {**numbers, "validation_loss": self.validation_loss}


def start(
    recipe_text: str,
    corpus: Path,
    folder: Path,
    *,
    cache: Path | None = None,
    minutes: float | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Run:
    """Train a recipe in a new folder, or go on where that was begun.

    Parameters
    ----------
    recipe_text : str
        The recipe.
    corpus : Path
        The structures.
    folder : Path
        A folder that holds no training, or the same.
    cache : Path, optional
        Where maps that are simulated once are kept; in the folder where None. Trainings with
        equal data may share it.
    minutes : float, optional
        Instead of the recipe's.
    device : str
        auto, cpu or cuda (all of them).
    progress : callable
        Called once a step and once a validation.

    Raises
    ------
    InputError
        If the folder holds another training, the recipe is wrong, or packages are missing.
    OSError
        If something cannot be written; what was written before is good, and can be resumed.
    """
    recipe = parse_recipe(recipe_text)
    facts = {
        "corpus": str(corpus.resolve()),
        "cache": str((cache or folder / "cache").resolve()),
        "minutes": minutes or recipe.schedule.minutes,
        "device": device,
    }
    run = RunFolder(folder)
    run.create(recipe_text, facts)
    stated = {"cache": cache, "minutes": minutes, "device": None if device == "auto" else device}
    changes = {name: facts[name] for name, value in stated.items() if value is not None}
    return _go_on(run, changes, progress)


def resume(folder: Path, *, minutes: float | None = None, progress: Progress = silent) -> Run:
    """Go on with the training in a folder; the same as if it had never stopped.

    One that has ended does not go on, but where it is given more minutes than it took.

    Parameters
    ----------
    folder : Path
        A folder that `start` made.
    minutes : float, optional
        Another limit, of all minutes since the beginning.
    progress : callable
        Called once a step and once a validation.

    Raises
    ------
    InputError
        If the folder holds no training, another process works on it, or packages are missing.
    OSError
        If something cannot be written; what was written before is good, and can be resumed.
    """
    return _go_on(RunFolder(folder), {} if minutes is None else {"minutes": minutes}, progress)


def _go_on(run: RunFolder, changes: dict[str, Any], progress: Progress) -> Run:
    """Go on with a training, with some of its facts changed."""
    started = time.monotonic()
    _require_extra()
    recipe, facts = run.recipe(), run.facts()
    ended, minutes = facts.get("ended"), changes.get("minutes", facts["minutes"])
    if ended and (minutes == facts["minutes"] or minutes <= ended["minutes"]):
        return Run(run, ended["steps"], ended["minutes"], ended["validation_loss"])
    with occupied(run):
        facts = run.facts() | changes
        facts.pop("ended", None)
        return _resumed(run, recipe, facts, started, progress)


def _resumed(
    run: RunFolder, recipe: Recipe, facts: dict[str, Any], started: float, progress: Progress
) -> Run:
    """Make what all samples share, measure what computes faster, and train."""
    samples = samples_of(recipe.data, Corpus.open(facts["corpus"]), Path(facts["cache"]))
    samples.prepare("training", part(progress, 0, 1, 2))
    samples.prepare("validation", part(progress, 1, 2, 2))
    if "mode" not in facts:
        device = training_device(facts["device"])
        facts |= {"mode": fastest_mode(recipe, samples, device), "hardware": hardware(device)}
    run.write_facts(facts)
    return _trained(run, recipe, facts, samples, started, progress)


def _trained(
    run: RunFolder,
    recipe: Recipe,
    facts: dict[str, Any],
    samples: Samples,
    started: float,
    progress: Progress,
) -> Run:
    """Run Lightning's loop."""
    from mapscope.training.callbacks import Curves, Previews, Saver, averaging, patience
    from mapscope.training.clock import Clock
    from mapscope.training.learner import Learner

    schedule = recipe.schedule
    batches = math.ceil(schedule.validation_samples / schedule.batch)
    clock = Clock(facts["minutes"], started, batches)
    saver = Saver(run, schedule.save_every, schedule.validate_every)
    callbacks = [
        clock,
        Previews(run, samples, recipe, progress),
        *averaging(schedule.average),
        Curves(run, clock, schedule.steps, progress),
        *patience(schedule.patience),
        saver,
    ]
    learner = Learner(recipe, samples, clock.time_share)
    trainer = _trainer(run, recipe, callbacks, facts)
    try:
        _fit(trainer, learner, run)
    except Cancelled:
        # The best weights of a training that was stopped are good.
        if run.best.is_file():
            write_model_of(run, samples, minutes=clock.seconds / 60)
        raise
    if trainer.is_global_zero:
        write_model_of(run, samples, minutes=clock.seconds / 60)
    ended = Run(run, trainer.global_step, clock.seconds / 60, saver.best)
    if trainer.is_global_zero:
        run.write_facts(facts | {"ended": ended.facts()})
    return ended


def _trainer(
    run: RunFolder, recipe: Recipe, callbacks: list[Callback], facts: dict[str, Any]
) -> Trainer:
    """Lightning's trainer for a recipe."""
    from lightning.pytorch import Trainer
    from lightning.pytorch.loggers import TensorBoardLogger

    from mapscope.training.callbacks import StateIO

    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    device = training_device(facts["device"])
    return Trainer(
        accelerator=device,
        devices=1 if device == "cpu" else "auto",
        precision="bf16-mixed" if facts["mode"] == "bf16" else "32-true",
        max_steps=recipe.schedule.steps,
        max_epochs=-1,
        val_check_interval=recipe.schedule.validate_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        gradient_clip_val=recipe.optimiser.largest_gradient,
        callbacks=callbacks,
        plugins=[StateIO()],
        logger=TensorBoardLogger(str(run.path), name="tensorboard", version=""),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=str(run.path),
    )


def _fit(trainer: Trainer, learner: Learner, run: RunFolder) -> None:
    """Train, from the last state where there is one; errors say what to do."""
    state = str(run.last) if run.last.is_file() else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", module="torch")
        try:
            trainer.fit(learner, ckpt_path=state)
        except SystemExit as error:
            # Lightning's answer to Ctrl-C.
            raise Cancelled(f"stopped; go on with the folder {run.path}") from error
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise TrainingError(
                f"a process that makes samples ended unexpectedly ({error}); memory may have run "
                f"out: resume the training from its folder {run.path}, with workers = 0 in its "
                "recipe.toml if it happens again"
            ) from error


def _require_extra() -> None:
    """Raise where the packages of the extra are missing.

    Raises
    ------
    InputError
        If one is.
    """
    missing = missing_packages()
    if missing:
        raise InputError(missing)
