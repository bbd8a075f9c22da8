"""The trainings that a viewer knows: starting, following, stopping, keeping what they give."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.errors import InputError, MapscopeError
from mapscope.jobs import all_jobs
from mapscope.preferences import trainings_folder
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.viewer.training.look import DONE, RUNNING, Look, look, samples_key
from mapscope.viewer.workspace import PROCESS, Entry, Workspace

EVERY = 1.5
"""Seconds between two looks while something runs."""

HOME = "run_folder"


class Trainings(QObject):
    """Every training in the folder of the preferences, and those opened from elsewhere.

    Parameters
    ----------
    workspace : Workspace
        Where their processes are listed.
    """

    looked = Signal(object)
    said = Signal(str)
    progressed = Signal(object, float, str)

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.last = Look()
        self.chosen: Path | None = None
        self._others: list[Path] = []
        self._entries: dict[Path, Entry] = {}
        self._keeping: set[Path] = set()
        self._known = ""
        self._looking: Run | None = None
        self._again = False
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 * EVERY))
        self._timer.timeout.connect(self.look)
        workspace.changed.connect(self._entry_changed)
        workspace.models_changed.connect(self.look)

    def start(self, recipe: str, corpus: Path, name: str, minutes: float | None) -> Path:
        """Start a training in a new folder, and give that.

        Raises
        ------
        MapscopeError
            If something that is given does not fit, or there is a training of that name.
        """
        folder = trainings_folder() / name
        if (folder / "recipe.toml").exists() or self.is_followed(folder):
            raise InputError(f"there is a training {name} already: choose another name")
        if not Path(corpus).is_file():
            raise InputError("choose a corpus to learn from, or build one")
        given = {"recipe": recipe, "corpus": corpus, HOME: folder, "minutes": minutes}
        self._run("train", given, folder)
        return folder

    def resume(self, folder: Path, minutes: float | None = None) -> None:
        """Go on with a training.

        Parameters
        ----------
        folder : Path
            Its folder.
        minutes : float, optional
            How long it may take in all; as before where None.
        """
        self._run("resume_training", {HOME: folder, "minutes": minutes}, folder)

    def stop(self, folder: Path) -> None:
        """Ask a training to stop; its best weights are kept."""
        if self.can_stop(folder):
            self._entries[folder].run.cancel()

    def can_stop(self, folder: Path) -> bool:
        """Whether a training can be stopped from here: one begun in a shell is stopped there."""
        entry = self._entries.get(folder)
        return entry is not None and not entry.run.is_over and not entry.run.is_cancelling

    def is_stopping(self, folder: Path) -> bool:
        """Whether a training was asked to stop and has not yet."""
        entry = self._entries.get(folder)
        return entry is not None and not entry.run.is_over and entry.run.is_cancelling

    def is_followed(self, folder: Path) -> bool:
        """Whether a process of a training is followed from here."""
        entry = self._entries.get(folder)
        return entry is not None and not entry.run.is_over

    def add(self, folder: Path) -> None:
        """Show a training that lies elsewhere, and choose it.

        Raises
        ------
        InputError
            If the folder holds none.
        """
        all_jobs()["show_training"](run_folder=folder)
        if folder not in self._others:
            self._others.append(folder)
        self.choose(folder)

    def choose(self, folder: Path | None) -> None:
        """Look at one training closely from now on."""
        if folder != self.chosen:
            self.chosen, self._known = folder, ""
            self.look()

    def look(self) -> None:
        """Look at all of them, beside the window; once more where a look is under way."""
        if self._looking is not None:
            self._again = True
            return
        self._again = False
        call = partial(look, trainings_folder(), list(self._others), self.chosen, self._known)
        self._looking = Run(lambda progress: call())  # noqa: ARG005
        self._looking.succeeded.connect(self._saw)
        self._looking.failed.connect(lambda error: self.said.emit(str(error)))
        self._looking.ended.connect(self._looked)
        self._looking.start(BACKGROUND)

    def end(self, *_: Any) -> None:
        """Look no more; trainings go on."""
        with suppress(RuntimeError, TypeError):  # the window took them with it
            self._timer.stop()
            self.workspace.changed.disconnect(self._entry_changed)
            self.workspace.models_changed.disconnect(self.look)
        for entry in self._entries.values():
            if not entry.run.is_over:
                entry.run.leave()

    def _looked(self) -> None:
        self._looking = None
        if self._again:
            self.look()

    def _saw(self, seen: Look) -> None:
        """Tell what was seen, follow what runs, keep what is done."""
        self.last = seen
        if seen.samples is not None and seen.chosen is not None:
            self._known = samples_key(seen.chosen)
        for training in seen.trainings:
            if training.state == RUNNING and not self.is_followed(training.folder):
                self._follow(training.folder)
        is_busy = any(t.state == RUNNING or self.is_followed(t.folder) for t in seen.trainings)
        if is_busy and not self._timer.isActive():
            self._timer.start()
        elif not is_busy:
            self._timer.stop()
        self._keep(seen)
        self.looked.emit(seen)

    def _follow(self, folder: Path) -> None:
        """Follow a training that another window started, where it was a window."""
        if not (folder / PROCESS).is_dir():
            return
        try:
            self.workspace.follow(all_jobs()["resume_training"], {HOME: folder})
        except InputError:
            return  # begun in a shell, or over since it was seen

    def _keep(self, seen: Look) -> None:
        """Put the weights of trainings that are done among the user's models."""
        for training in seen.trainings:
            folder = training.folder
            is_new = folder not in self._keeping and (folder / "best.safetensors").is_file()
            if training.state in DONE and is_new and not self.is_followed(folder):
                self._keeping.add(folder)
                self._keep_one(folder)

    def _keep_one(self, folder: Path) -> None:
        """Put a training's weights among the models, where they are not yet as they are now."""
        jobs = all_jobs()

        def keep(progress: Any) -> str:  # noqa: ARG001
            if jobs["show_training"](run_folder=folder).kept:
                return ""
            jobs["keep_model"](run_folder=folder)
            return str(jobs["show_training"](run_folder=folder).kept)

        run = Run(keep)
        run.succeeded.connect(self._kept)
        run.failed.connect(lambda error: self.said.emit(str(error)))
        run.start(BACKGROUND)

    def _kept(self, name: str) -> None:
        if name:
            self.said.emit(f"The model {name} is among your models.")
            self.workspace.models_changed.emit()

    def _run(self, job: str, given: dict[str, Any], folder: Path) -> None:
        """Start a process that trains."""
        values = all_jobs()[job].check(**given)
        self._keeping.discard(folder)
        self.workspace.start(all_jobs()[job], values, folder.name, None)
        self.chosen, self._known = folder, ""
        self._timer.start()
        self.look()

    def _entry_changed(self, entry: Entry) -> None:
        """Follow what trains, wherever it was started from."""
        if entry.job.home != HOME or entry.state != RUNNING:
            return
        folder = entry.run.folder.parent
        self._entries[folder] = entry
        if folder.parent != trainings_folder() and folder not in self._others:
            self._others.append(folder)
        self._keeping.discard(folder)
        run: Any = entry.run
        run.progressed.connect(partial(self.progressed.emit, folder))
        run.previewed.connect(lambda _path: self.look())
        run.failed.connect(partial(self._failed, folder))
        run.ended.connect(self.look)
        self._timer.start()

    def _failed(self, folder: Path, error: BaseException) -> None:
        """Say why; of one that never began nothing is left."""
        text = " ".join(str(error).split()) or type(error).__name__
        self.said.emit(text if isinstance(error, MapscopeError) else f"{folder.name}: {text}")
        if not (folder / "recipe.toml").exists():
            remove_leftovers(folder)


def remove_leftovers(folder: Path) -> None:
    """Remove the folder of a training that never began, where nothing else is in it."""
    for path in (*(folder / PROCESS).glob("*.json*"), folder / PROCESS, folder):
        try:
            path.unlink() if path.is_file() else path.rmdir()
        except OSError:
            return
