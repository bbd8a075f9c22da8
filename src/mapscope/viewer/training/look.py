"""One look at the trainings of a folder, and at the one that is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mapscope.errors import MapscopeError
from mapscope.jobs import all_jobs

RUNNING = "running"
DONE = ("ended", "stopped")
"""States in which a training has nothing more to say for itself."""

_UNREADABLE = (MapscopeError, OSError, ValueError, KeyError)


@dataclass(frozen=True)
class Training:
    """A training as a list shows it.

    Parameters
    ----------
    folder : Path
        Its folder.
    state : str
        running, ended, stopped, interrupted, failed, or what makes it unreadable.
    recipe : str
        Name of its recipe.
    steps : int
        How many are done.
    minutes : float
        How long they took.
    loss : float, optional
        The lowest of the validations.
    """

    folder: Path
    state: str
    recipe: str
    steps: int
    minutes: float
    loss: float | None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.folder.name


@dataclass(frozen=True)
class Look:
    """What there was to see.

    Parameters
    ----------
    trainings : tuple of Training
        All of them, by name.
    chosen : Path, optional
        Folder of the one that was looked at closely.
    shown : object, optional
        What *Show training* gave for it.
    samples : tuple
        What *Show sample* gave for each of its samples; None where they are those of before.
    """

    trainings: tuple[Training, ...] = ()
    chosen: Path | None = None
    shown: Any = None
    samples: tuple[Any, ...] | None = field(default=None, repr=False)

    def training(self, folder: Path | None) -> Training | None:
        """The training in a folder, where it was seen."""
        return next((t for t in self.trainings if t.folder == folder), None)


def look(folder: Path, others: Sequence[Path], chosen: Path | None, known: str) -> Look:
    """Look at all trainings of a folder, at some others, and closely at one.

    Parameters
    ----------
    folder : Path
        Folder of trainings; it need not exist.
    others : sequence of Path
        Trainings that lie elsewhere.
    chosen : Path, optional
        The one to be looked at closely.
    known : str
        `samples_key` of the samples that were read before, which are not read again.
    """
    jobs = all_jobs()
    rows = jobs["list_trainings"](folder=folder).records()
    inside = {str(row["folder"]) for row in rows}
    for other in others:
        if str(other) not in inside:
            listed = jobs["list_trainings"](folder=other.parent).records()
            rows += [row for row in listed if row["folder"] == str(other)]
    found = tuple(sorted(map(_training, rows), key=lambda training: training.name))
    if chosen is None:
        return Look(found)
    try:
        shown = jobs["show_training"](run_folder=chosen)
    except _UNREADABLE:
        return Look(found, chosen)
    is_known = samples_key(chosen) == known
    return Look(found, chosen, shown, None if is_known else tuple(_samples(chosen)))


def samples_key(folder: Path) -> str:
    """A text that is another once there are new samples to look at."""
    names = sorted(path.name for path in (folder / "samples").glob("step_*.json"))
    return f"{folder} {names[-1] if names else ''}"


def _training(row: Mapping[str, Any]) -> Training:
    """A row of the list; a number that is missing is 0, and a loss none."""
    return Training(
        folder=Path(row["folder"]),
        state=row["state"],
        recipe=row["recipe"],
        steps=int(row["steps"] or 0),
        minutes=float(row["minutes"] or 0.0),
        loss=row["validation_loss"],
    )


def _samples(folder: Path) -> list[Any]:
    """Every sample that is kept to be looked at; none before the first validation."""
    show = all_jobs()["show_sample"]
    try:
        first = show(run_folder=folder)
        return [first, *(show(run_folder=folder, sample=n + 2) for n in range(first.samples - 1))]
    except _UNREADABLE:
        return []
