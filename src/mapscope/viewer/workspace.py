"""What the docks of one viewer share: the runs so far and the table that is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, ref

from napari.layers import Layer
from qtpy.QtCore import QObject, Signal

from mapscope.job import NOUNS, Job
from mapscope.record import Record, checksum_of, record_of, source_of
from mapscope.table import Table
from mapscope.viewer.layers import (
    KEY,
    LOCAL_RESOLUTION,
    SEE_THROUGH,
    SEPARATOR,
    LayerData,
    base_name,
    layers_from_noun,
    role_of_output,
    tag_of,
)
from mapscope.viewer.runner import Run
from mapscope.volume import HalfMaps

T = TypeVar("T")

NOT_SHOWN = ("half map", LOCAL_RESOLUTION)
"""Roles of maps that a result shows only where it has no other."""


@dataclass(eq=False)
class Entry:
    """One run as the History dock tells of it.

    Parameters
    ----------
    job : Job
        What was run.
    title : str
        Job and object in words.
    run : Run
        The call in the worker thread.
    state : str
        running, done, cancelled or failed.
    message : str
        Why it failed.
    unsaved : dict
        Input nouns that are in no file, by checksum of the input and part of it: what a
        script needs as copies.
    scalars : dict of str to value
        Numbers that came out.
    record : Record, optional
        Of a run that is done.
    parameters : dict of str to value
        What was set beside the inputs.
    """

    job: Job
    title: str
    run: Run
    state: str = "running"
    message: str = ""
    unsaved: dict[tuple[str, int], Any] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)
    record: Record | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    _inputs: list[Callable[[], Any]] = field(default_factory=list)
    _kept: dict[str, Callable[[], Any]] = field(default_factory=dict)
    _made: Callable[..., Any] | None = None

    @property
    def nouns(self) -> dict[str, Any]:
        """What came out, by name. Maps are held by their layers: one removed is gone here."""
        found = {name: reference() for name, reference in self._kept.items()}
        return {name: noun for name, noun in found.items() if noun is not None}

    def keep(self, outcome: Outcome) -> None:
        """Hold what came out: tables themselves, other nouns as long as a layer shows them."""
        for name, noun in outcome.nouns.items():
            self._kept[name] = partial(_same, noun) if isinstance(noun, Table) else ref(noun)
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

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = ref(viewer)  # the viewer's death is what ends its workspace
        self.entries: list[Entry] = []
        self.table: Table | None = None

    def start(self, job: Job, values: Mapping[str, Any], name: str, anchor: Layer | None) -> Entry:
        """Run a job in the worker thread; its layers are added when it is done.

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
        call = _call(job, values, base_name(name))
        entry = Entry(job, f"{job.title}{SEPARATOR}{base_name(name)}", Run(call))
        entry.take(values)
        entry.run.succeeded.connect(lambda result: self._succeed(entry, result, anchor))
        entry.run.failed.connect(lambda error: self._end(entry, "failed", str(error)))
        entry.run.cancelled.connect(lambda: self._end(entry, "cancelled"))
        self.entries.append(entry)
        self.changed.emit(entry)
        entry.run.start()
        return entry

    def show_table(self, table: Table) -> None:
        """Show a table in the Plot dock."""
        self.table = table
        self.table_shown.emit(table)

    def entry_of(self, table: Table) -> Entry | None:
        """The newest run that gave a table."""
        given = (e for e in reversed(self.entries) if any(n is table for n in e.nouns.values()))
        return next(given, None)

    def _succeed(self, entry: Entry, outcome: Outcome, anchor: Layer | None) -> None:
        """Put a result into the viewer and tell the docks."""
        entry.keep(outcome)
        entry.record = next((record_of(n) for n in outcome.nouns.values()), None)
        viewer = self._viewer()
        if viewer is not None:
            add_layers(viewer, outcome.layers, anchor, entry.record)
        self._end(entry, "done")
        tables = [noun for noun in outcome.nouns.values() if isinstance(noun, Table)]
        if tables and entry.job.probe:
            self.answered.emit(tables[0])
        elif tables:
            self.result_shown.emit(entry)
            self.show_table(tables[0])

    def _end(self, entry: Entry, state: str, message: str = "") -> None:
        entry.state, entry.message = state, message
        self.changed.emit(entry)


@dataclass(frozen=True)
class Outcome:
    """What a run gives to the viewer: nouns, numbers, and layers ready to be added.

    `made` makes of the nouns, by name, what the job returned.
    """

    made: Callable[..., Any]
    nouns: dict[str, Any]
    scalars: dict[str, Any]
    layers: list[LayerData]
    unsaved: dict[tuple[str, int], Any]


def _same(value: T) -> T:
    """The value itself: a reference that keeps what it refers to."""
    return value


def _unsaved(nouns: Iterable[Any]) -> dict[tuple[str, int], Any]:
    """The nouns, or halves of them, that neither a file nor a job gave."""
    found = {}
    for noun in nouns:
        parts = (noun.first, noun.second) if isinstance(noun, HalfMaps) else (noun,)
        for n, part in enumerate(parts):
            source = source_of(part)
            if source.path is None and source.record is None:
                found[checksum_of(noun), n] = part
    return found


def _call(job: Job, values: Mapping[str, Any], stem: str) -> Callable[..., Outcome]:
    """The call for the worker thread: the job, and its layers made ready."""

    def call(progress: Any) -> Outcome:
        result = job(**values, progress=progress)
        nouns = dict(job.nouns_of(result))
        caption = getattr(result, "caption", "")
        layers: list[LayerData] = []
        for field_name, noun in nouns.items():
            role = role_of_output(field_name)
            words = field_name.replace("_", " ") + (f" ({caption})" if caption else "")
            layers += layers_from_noun(noun, f"{stem}{SEPARATOR}{words}", role)
        _hide_what_covers(layers)
        inputs = [values[p.name] for p in job.inputs if values.get(p.name) is not None]
        made = _maker(result, nouns)
        return Outcome(made, nouns, job.scalars_of(result), layers, _unsaved(inputs))

    return call


def _maker(result: Any, nouns: Mapping[str, Any]) -> Callable[..., Any]:
    """What makes a result of its nouns, which it does not hold itself."""
    if isinstance(result, NOUNS):
        return lambda **nouns: next(iter(nouns.values()))
    kind: Callable[..., Any] = type(result)
    others = {f.name: getattr(result, f.name) for f in fields(result) if f.name not in nouns}
    return partial(kind, **others)


def _hide_what_covers(layers: list[LayerData]) -> None:
    """Hide all maps of a result but the first that is to be looked at: they lie on each other."""
    maps = [la for la in layers if la[2] == "image" and la[1]["metadata"][KEY].role != "mask"]
    density = [la for la in maps if la[1]["metadata"][KEY].role not in NOT_SHOWN]
    for layer in maps:
        layer[1]["visible"] = layer is (density or maps)[0]


def add_layers(
    viewer: Any, layers: list[LayerData], anchor: Layer | None, record: Record | None
) -> list[Layer]:
    """Add layers beside their input; those of an equal earlier run are replaced.

    A map hides the map that it would cover; a mask hides nothing, and a structure is seen
    through the map that was made of it.
    """
    if record is not None:
        for layer in [old for old in viewer.layers if _is_of_equal_run(old, record)]:
            viewer.layers.remove(layer)
    added = []
    for data, attributes, kind in layers:
        layer = Layer.create(data, attributes, kind)
        tag = tag_of(layer)
        covers = kind == "image" and tag is not None and tag.role != "mask"
        place = len(viewer.layers)
        if anchor is not None and anchor in viewer.layers:
            place = viewer.layers.index(anchor) + (0 if covers else 1)
            _draw_beside(layer, anchor, covers=covers)
        viewer.layers.insert(place, layer)
        added.append(layer)
    if added:
        viewer.layers.selection.active = added[0]
    return added


def _draw_beside(layer: Layer, anchor: Layer, *, covers: bool) -> None:
    """Draw a result as its input is drawn, which it hides where it covers it."""
    if not covers:
        return
    if type(anchor).__name__ == "Image":
        layer.opacity, layer.blending = anchor.opacity, anchor.blending
        anchor.visible = anchor.visible and not layer.visible
    else:
        layer.opacity, layer.blending = SEE_THROUGH["opacity"], SEE_THROUGH["blending"]


def _is_of_equal_run(layer: Layer, record: Record) -> bool:
    """Whether a layer shows the result of an earlier run with equal inputs and parameters."""
    tag = tag_of(layer)
    return tag is not None and tag.record is not None and tag.record.key == record.key


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
