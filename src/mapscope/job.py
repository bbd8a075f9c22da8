"""Turn one typed function into a job: form, command, check of every call, and record.

A job's signature and its NumPy-style docstring are the only place where its parameters are
written down. They are read once, here, into a list of `Parameter`; the dock's form, the
command, the check and the record are all made from that list.
"""

from __future__ import annotations

import inspect
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import cached_property
from time import perf_counter
from typing import Any, get_type_hints

from docstring_parser import Docstring, DocstringStyle
from docstring_parser import parse as parse_docstring

from mapscope.errors import InputError, Partial
from mapscope.labels import Labels
from mapscope.parameter import (
    NOUNS,
    Key,
    Output,
    Parameter,
    Position,
    Show,
    in_words,
    read_keys,
    read_parameter,
)
from mapscope.preferences import free_memory, memory_limit
from mapscope.progress import Progress, silent
from mapscope.record import Record, Source, checksum_of, plain, recorded_input, remember
from mapscope.volume import Grid, HalfMaps, Region, Volume

__all__ = [
    "NOUNS",
    "Job",
    "Key",
    "Output",
    "Parameter",
    "Position",
    "Show",
    "in_words",
    "job",
]

_ALWAYS_FREE = 2**30


class Job:
    """A function with its parameters read, checked at every call, and recorded.

    Calling it is calling the function: nouns and parameters in, its result out. What it
    returned can be asked for its `mapscope.record.record_of`.

    Parameters
    ----------
    function : callable
        Typed, with a NumPy-style docstring.
    title : str, optional
        Name in words; made from the function's name where not given.
    live : bool
        Cheap enough to run again while a slider moves; takes a `region`.
    probe : bool
        Called by a click; takes a `position` and gives a `Table`.
    menu : str
        The napari layer menu that it stands in.
    memory : float
        Largest working memory, as a multiple of the inputs' size in float32. A run that needs
        more than there is free is refused.
    process : bool
        Takes minutes or more: the viewer runs it as a child process of the command line.
    home : str
        For such a job, the name of the path that is its own folder: it can be followed again from
        there after the viewer was closed. One without ends with the viewer.
    by_parts : bool
        Whether it goes through a large map by tiles, or looks at a part of it only, so that
        maps larger than memory are no reason to refuse it.
    permissive : bool
        Whether its inputs are read with repairs from files that are damaged.
    grid : callable (values) -> Grid, optional
        For a live job that makes its map from something else: the grid of the whole map, in
        which `region` counts, from the checked values of all parameters. Cheap; it computes no
        density. Jobs without it count in the grid of their first map.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        title: str = "",
        live: bool = False,
        probe: bool = False,
        process: bool = False,
        home: str = "",
        menu: str = "napari/layers/data",
        memory: float = 4.0,
        by_parts: bool = False,
        permissive: bool = False,
        grid: Callable[[Mapping[str, Any]], Grid] | None = None,
    ) -> None:
        self.function = function
        self.name: str = function.__name__
        self.live = live
        self.probe = probe
        self.process = process
        self.home = home
        self.menu = menu
        self.memory = memory
        self.by_parts = by_parts
        self.permissive = permissive
        self.grid = grid
        self.family: str = function.__module__.rpartition(".")[0].rpartition(".")[2]
        self.title = title or in_words(self.name)
        self.__doc__ = function.__doc__
        self.__name__ = self.name
        self.__module__ = function.__module__
        self.__wrapped__ = function

    def __repr__(self) -> str:
        return f"<job {self.name}>"

    @cached_property
    def _docstring(self) -> Docstring:
        return parse_docstring(self.function.__doc__ or "", style=DocstringStyle.NUMPYDOC)

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self._docstring.short_description or ""

    @property
    def description(self) -> str:
        """The docstring's paragraphs between first line and parameters."""
        return self._docstring.long_description or ""

    @cached_property
    def cite(self) -> tuple[str, ...]:
        """The papers named in the docstring's References."""
        return tuple(_references(inspect.getdoc(self.function) or ""))

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """What the job takes, nouns first, without `progress`."""
        hints = get_type_hints(self.function, include_extras=True)
        texts = {p.arg_name: p.description or "" for p in self._docstring.params}
        signature = inspect.signature(self.function).parameters
        return tuple(
            read_parameter(p, hints[p.name], " ".join(texts.get(p.name, "").split()))
            for p in signature.values()
            if p.name != "progress"
        )

    @property
    def inputs(self) -> tuple[Parameter, ...]:
        """The nouns that it takes."""
        return tuple(p for p in self.parameters if p.kind == "noun")

    @property
    def settings(self) -> tuple[Parameter, ...]:
        """The plain parameters that it takes."""
        return tuple(p for p in self.parameters if p.kind != "noun")

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """What it gives, in order; the first is the one that ``--out`` names."""
        returned = get_type_hints(self.function)["return"]
        if returned in NOUNS:
            says = self._docstring.returns
            name = (says.return_name if says else None) or self.name
            return (Output(name, returned, (says.description if says else "") or ""),)
        text = parse_docstring(returned.__doc__ or "", style=DocstringStyle.NUMPYDOC)
        helps = {p.arg_name: " ".join((p.description or "").split()) for p in text.params}
        hints = get_type_hints(returned)
        return tuple(Output(f.name, hints[f.name], helps.get(f.name, "")) for f in fields(returned))

    @cached_property
    def keys(self) -> dict[str, Key]:
        """The numbers of its result that are told first, by name with dots between."""
        returned = get_type_hints(self.function)["return"]
        return {} if returned in NOUNS else read_keys(returned)

    def check(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Every parameter by name, checked, defaults filled in.

        Raises
        ------
        InputError
            If one is missing, unknown, or not what its type allows.
        """
        names = [p.name for p in self.parameters]
        if len(args) > len(self.inputs):
            raise InputError(f"{self.title}: parameters other than inputs are given by name")
        given = dict(zip(names, args, strict=False))
        twice = sorted(set(given) & set(kwargs))
        if twice:
            raise InputError(f"{self.title} was given {twice[0]!r} twice: by position and by name")
        given |= kwargs
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise InputError(f"{self.title} has no parameter {unknown[0]!r}, but {names}")
        missing = [p.label.lower() for p in self.parameters if p.required and p.name not in given]
        if missing:
            raise InputError(f"{self.title} needs {' and '.join(missing)}")
        return {p.name: p.check(given.get(p.name, p.default)) for p in self.parameters}

    def __call__(self, *args: Any, progress: Progress = silent, **kwargs: Any) -> Any:
        """Check, run and record; see the function's own docstring."""
        bound = self.check(*args, **kwargs)
        self._require_memory(bound)
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        clock = perf_counter()
        extra = {"progress": progress} if "progress" in self._accepts else {}
        inputs = [bound[p.name] for p in self.inputs]
        try:
            result = _apart(self.function(**bound, **extra), inputs)
        except Partial as stop:
            stop.result = _apart(stop.result, inputs)
            self._record(bound, stop.result, started, perf_counter() - clock, stop.share)
            raise
        self._record(bound, result, started, perf_counter() - clock)
        return result

    def _require_memory(self, bound: Mapping[str, Any]) -> None:
        """Raise where whole maps do not fit into memory; a region, or what goes by tiles, does.

        Raises
        ------
        InputError
            If more memory is needed than is free, or than the preferences allow.
        """
        if self.by_parts or any(isinstance(v, Region) for v in bound.values()):
            return
        needed = self.memory * 4 * sum(_voxels(bound[p.name]) for p in self.inputs)
        limit = memory_limit()
        if limit is not None and needed > limit:
            raise InputError(
                f"{self.title} needs about {needed / 1e9:.3g} GB of memory and the preferences "
                f"allow {limit / 1e9:.3g} GB: make the map smaller first (Bin map or Crop map), or "
                "allow more (memory_gb)"
            )
        free = free_memory() if needed > _ALWAYS_FREE else None
        if free is not None and needed > free:
            raise InputError(
                f"{self.title} needs about {needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB "
                "are free: make the map smaller first (Bin map or Crop map), or "
                "close other programs"
            )

    @cached_property
    def _accepts(self) -> frozenset[str]:
        return frozenset(inspect.signature(self.function).parameters)

    def _record(
        self,
        bound: Mapping[str, Any],
        result: Any,
        started: str,
        seconds: float,
        share: float = 1.0,
    ) -> None:
        """Note for every noun of the result how it came about."""
        nouns = dict(self.nouns_of(result))
        inputs = [
            recorded_input(p.name, bound[p.name]) for p in self.inputs if bound[p.name] is not None
        ]
        record = Record(
            job=self.name,
            parameters={p.name: plain(bound[p.name]) for p in self.settings},
            inputs=tuple(inputs),
            outputs={name: checksum_of(noun) for name, noun in nouns.items()},
            answers=self.scalars_of(result),
            permissive=self.permissive,
            started=started,
            seconds=seconds,
            threads=os.cpu_count() or 1,
            cite=self.cite,
            share=share,
        )
        bare = isinstance(result, NOUNS)
        for name, noun in nouns.items():
            remember(noun, Source(record=record, field="" if bare else name))

    def region_grid(self, values: Mapping[str, Any]) -> Grid:
        """The grid that `region` counts in: what `grid` says, or that of the first map.

        Parameters
        ----------
        values : mapping of str to object
            Every parameter by name, as `check` gives them.

        Raises
        ------
        InputError
            If there is no map among them.
        """
        if self.grid is not None:
            return self.grid(values)
        for parameter in self.inputs:
            noun = values.get(parameter.name)
            if isinstance(noun, Volume | HalfMaps):
                return noun.grid
        raise InputError(f"{self.title}: choose a map first")

    def nouns_of(self, result: Any) -> Iterator[tuple[str, Any]]:
        """Name and noun of everything in a result that is a noun."""
        if isinstance(result, NOUNS):
            yield self.outputs[0].name, result
        elif is_dataclass(result):
            for output in self.outputs:
                value = getattr(result, output.name)
                if isinstance(value, NOUNS):
                    yield output.name, value

    def scalars_of(self, result: Any) -> dict[str, Any]:
        """Every number, text and flag of a result, by name."""
        if isinstance(result, NOUNS):
            return {}
        values = {o.name: getattr(result, o.name) for o in self.outputs if not o.is_noun}
        return {name: plain(value) for name, value in values.items()}


def job(
    *,
    title: str = "",
    live: bool = False,
    probe: bool = False,
    process: bool = False,
    home: str = "",
    menu: str = "napari/layers/data",
    memory: float = 4.0,
    by_parts: bool = False,
    permissive: bool = False,
    grid: Callable[[Mapping[str, Any]], Grid] | None = None,
) -> Callable[[Callable[..., Any]], Job]:
    """Decorator that makes a function a job; the arguments are those of `Job`."""

    def wrap(function: Callable[..., Any]) -> Job:
        return Job(
            function,
            title=title,
            live=live,
            probe=probe,
            process=process,
            home=home,
            menu=menu,
            memory=memory,
            by_parts=by_parts,
            permissive=permissive,
            grid=grid,
        )

    return wrap


def _voxels(noun: Any) -> int:
    """Voxels of a map, of two half maps or of labels; none of any other noun."""
    if isinstance(noun, HalfMaps):
        return _voxels(noun.first) + _voxels(noun.second)
    return math.prod(noun.data.shape) if isinstance(noun, Volume | Labels) else 0


def _apart(result: Any, inputs: list[Any]) -> Any:
    """The result, with a copy of each noun that is an input handed through.

    Else noting how the result came about would overwrite where the input came from.
    """
    if isinstance(result, NOUNS):
        return copy(result) if any(result is noun for noun in inputs) else result
    if not is_dataclass(result) or isinstance(result, type):
        return result
    values = {f.name: getattr(result, f.name) for f in fields(result)}
    copies = {k: copy(v) for k, v in values.items() if any(v is n for n in inputs if n is not None)}
    return replace(result, **copies) if copies else result


def _references(text: str) -> Iterator[str]:
    """The numbered entries (``.. [1] ...``) of a docstring's References section."""
    _, _, section = text.partition("References\n----------\n")
    section = re.split(r"\n[^\n]+\n-{3,}\n", "\n" + section)[0]
    for entry in re.split(r"^\.\. \[\d+\]", section, flags=re.MULTILINE)[1:]:
        yield " ".join(entry.split())
