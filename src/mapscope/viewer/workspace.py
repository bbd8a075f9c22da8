"""What the docks of one viewer share: the runs so far and the table that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, ref

from napari.layers import Layer
from qtpy.QtCore import QObject, Signal

from mapscope.job import Job
from mapscope.particles import Particles
from mapscope.record import Record, record_of, share_text
from mapscope.table import Table
from mapscope.viewer.adding import add_layers, begin_growing
from mapscope.viewer.child import words_of
from mapscope.viewer.growing import Growing
from mapscope.viewer.layers import (
    SEPARATOR,
    LayerData,
    base_name,
)
from mapscope.viewer.outcome import Outcome, call_of, process_run_of
from mapscope.viewer.runner import ProcessRun, Run

T = TypeVar("T")

PROCESS = "process"
"""Folder, in the own folder of a job that runs as a process, of what that process tells."""

KEPT = (Table, Particles)
"""Nouns that a run holds itself: they are small, and a list under edit is another noun."""


@dataclass(eq=False)
class Entry:
    """One run as the History dock tells of it.

    Parameters
    ----------
    job : Job
        What was run.
    title : str
        Job and object in words.
    run : Run or ProcessRun
        The call in the worker thread, or in a process of its own.
    state : str
        running, done, cancelled or failed.
    message : str
        Why it failed, or what a run that was cancelled has left.
    unsaved : dict
        Input nouns that are in no file, by checksum of the input and part of it: what a
        script needs as copies.
    scalars : dict of str to value
        Numbers that came out.
    record : Record, optional
        Of a run that is done, or that was cancelled and left something.
    parameters : dict of str to value
        What was set beside the inputs.
    growing : Growing, optional
        The layer of the result while it is in the making.
    """

    job: Job
    title: str
    run: Run | ProcessRun
    state: str = "running"
    message: str = ""
    unsaved: dict[tuple[str, int], Any] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)
    record: Record | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    growing: Growing | None = None
    _inputs: list[Callable[[], Any]] = field(default_factory=list)
    _kept: dict[str, Callable[[], Any]] = field(default_factory=dict)
    _made: Callable[..., Any] | None = None

    @property
    def nouns(self) -> dict[str, Any]:
        """What came out, by name. Maps are held by their layers: one removed is gone here."""
        found = {name: reference() for name, reference in self._kept.items()}
        return {name: noun for name, noun in found.items() if noun is not None}

    @property
    def gone(self) -> list[str]:
        """Names of what came out and is no more: its layer was removed, or edited by hand."""
        return [name for name in self._kept if name not in self.nouns]

    @property
    def state_text(self) -> str:
        """The state, or how much is done where it was cancelled and left something."""
        is_partial = self.state == "cancelled" and self.record is not None
        return f"{self.done_text} done" if is_partial else self.state

    @property
    def done_text(self) -> str:
        """How much of the result there is, in words."""
        return "" if self.record is None else share_text(self.record.share)

    def keep(self, outcome: Outcome) -> None:
        """Hold what came out: tables and picks, and others as long as a layer shows them."""
        self.record = next((record_of(n) for n in outcome.nouns.values()), None)
        for name, noun in outcome.nouns.items():
            self._kept[name] = partial(_same, noun) if isinstance(noun, KEPT) else ref(noun)
        self.scalars, self.unsaved, self._made = outcome.scalars, outcome.unsaved, outcome.made

    def take(self, values: Mapping[str, Any]) -> None:
        """Note what goes in: nouns as long as a layer shows them, and everything else."""
        names = {p.name for p in self.job.inputs}
        self._inputs = [ref(values[n]) for n in names if values.get(n) is not None]
        self.parameters = {n: value for n, value in values.items() if n not in names}

    def input_of(self, noun: type[T]) -> T | None:
        """The noun of a class that went in; None where there was none, or it is gone."""
        found = (reference() for reference in self._inputs)
        return next((one for one in found if isinstance(one, noun)), None)

    @property
    def result(self) -> Any:
        """What the job returned; None where there is nothing, or a part of it is gone."""
        nouns = self.nouns
        is_whole = self._made is not None and len(nouns) == len(self._kept)
        return self._made(**nouns) if is_whole and self._made is not None else None

    @property
    def has_report(self) -> bool:
        """Whether a page can be written about the result: it has a table or numbers."""
        has_table = any(isinstance(noun, Table) for noun in self.nouns.values())
        return self.result is not None and (has_table or bool(self.scalars))


class Workspace(QObject):
    """Runs jobs for one viewer, puts results into it, and tells the docks.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer that results go to.
    """

    changed = Signal(object)
    result_shown = Signal(object)
    """A run that gave tables, before the first of them is shown."""
    table_shown = Signal(object)
    answered = Signal(object)
    """The table that a click was answered with."""
    job_opened = Signal(str)
    models_changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = ref(viewer)  # the viewer's death is what ends its workspace
        self.entries: list[Entry] = []
        self.table: Table | None = None

    def start(self, job: Job, values: Mapping[str, Any], name: str, anchor: Layer | None) -> Entry:
        """Run a job beside the window; its layers are added when it is done.

        Parameters
        ----------
        job : Job
            What to run.
        values : mapping of str to object
            Its nouns and parameters.
        name : str
            Name of the object that the results are named after.
        anchor : Layer, optional
            The input that results are put beside.
        """
        title = f"{job.title}{SEPARATOR}{base_name(name)}"
        if job.process:
            entry = Entry(job, title, self.process(job, values, name))
            entry.take(values)
            return self._watch(entry, anchor)
        run = Run(call_of(job, values, base_name(name)))
        entry = Entry(job, title, run)
        entry.take(values)
        self._watch(entry, anchor)
        run.shown.connect(lambda layers: self._show(entry, layers, anchor))
        run.start()
        return entry

    def follow(self, job: Job, values: Mapping[str, Any]) -> Entry:
        """Follow a job that runs in its own folder already, started by a window now closed.

        Parameters
        ----------
        job : Job
            A job with a home.
        values : mapping of str to object
            Its parameters; that of its home is enough.

        Raises
        ------
        InputError
            If no process runs there.
        """
        home = Path(values[job.home])
        run = process_run_of(job, values, home.name, home / PROCESS).attach()
        return self._watch(Entry(job, f"{job.title}{SEPARATOR}{home.name}", run), None)

    def process(self, job: Job, values: Mapping[str, Any], name: str) -> ProcessRun:
        """Start a job in a process of its own, in its home or in a folder for a while; unlisted."""
        home = Path(values[job.home]) / PROCESS if job.home else None
        folder = home or Path(mkdtemp(prefix="mapscope_"))
        run = process_run_of(job, values, base_name(name), folder)
        folder.mkdir(parents=True, exist_ok=True)
        if not job.home:
            run.ended.connect(partial(rmtree, folder, ignore_errors=True))
        return run.start(words_of(job, values, folder))

    def _watch(self, entry: Entry, anchor: Layer | None) -> Entry:
        """List an entry, and note what becomes of it."""
        entry.run.succeeded.connect(lambda result: self._succeed(entry, result, anchor))
        entry.run.failed.connect(lambda error: self._end(entry, "failed", str(error)))
        entry.run.cancelled.connect(lambda: self._cancel(entry, anchor))
        self.entries.append(entry)
        self.changed.emit(entry)
        return entry

    def show_table(self, table: Table) -> None:
        """Show a table in the Plot dock."""
        self.table = table
        self.table_shown.emit(table)

    def entry_of(self, table: Table) -> Entry | None:
        """The newest run that gave a table."""
        given = (e for e in reversed(self.entries) if any(n is table for n in e.nouns.values()))
        return next(given, None)

    def _show(self, entry: Entry, layers: list[LayerData], anchor: Layer | None) -> None:
        """Show what there is so far of a result, in one layer."""
        viewer = self._viewer()
        if viewer is None or not layers:
            return
        if entry.growing is None:
            entry.growing = begin_growing(viewer, layers[0], anchor)
        else:
            entry.growing.update(layers[0])

    def _keep(self, entry: Entry, outcome: Outcome, anchor: Layer | None) -> None:
        """Put a result, or what there is of one, into the viewer."""
        entry.keep(outcome)
        viewer = self._viewer()
        if viewer is not None:
            add_layers(viewer, outcome.layers, anchor, entry.record, entry.growing)

    def _cancel(self, entry: Entry, anchor: Layer | None) -> None:
        """Keep what a run that was cancelled has finished."""
        kept, entry.run.kept = entry.run.kept, None  # layers hold it from now on
        if kept is None:
            self._end(entry, "cancelled")
            return
        self._keep(entry, kept, anchor)
        self._end(entry, "cancelled", f"Cancelled; {entry.done_text} is done and kept as a layer.")

    def _succeed(self, entry: Entry, outcome: Outcome, anchor: Layer | None) -> None:
        """Put a result into the viewer and tell the docks."""
        self._keep(entry, outcome, anchor)
        self._end(entry, "done")
        tables = [noun for noun in outcome.nouns.values() if isinstance(noun, Table)]
        if tables and entry.job.probe:
            self.answered.emit(tables[0])
        elif tables:
            self.result_shown.emit(entry)
            self.show_table(tables[0])

    def _end(self, entry: Entry, state: str, message: str = "") -> None:
        entry.state, entry.message = state, message
        if entry.growing is not None:
            entry.growing.end()
        self.changed.emit(entry)


def _same(value: T) -> T:
    """The value itself: a reference that keeps what it refers to."""
    return value


_workspaces: WeakKeyDictionary[Any, Workspace] = WeakKeyDictionary()


def bare_viewer(viewer: Any) -> Any:
    """The viewer itself: napari hands docks a proxy, whose active layer is a proxy as well."""
    return getattr(viewer, "__wrapped__", viewer)


def workspace_of(viewer: Any) -> Workspace:
    """The one workspace of a viewer, made when first asked for."""
    viewer = bare_viewer(viewer)
    if viewer not in _workspaces:
        _workspaces[viewer] = Workspace(viewer)
    return _workspaces[viewer]
