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
import types
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import cached_property
from time import perf_counter
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from docstring_parser import Docstring, DocstringStyle
from docstring_parser import parse as parse_docstring
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from mapscope.errors import GridError, InputError
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.progress import Progress, silent
from mapscope.record import Record, Source, checksum_of, plain, recorded_input, remember
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import HalfMaps, Region, Volume

NOUNS: tuple[type, ...] = (Volume, HalfMaps, Labels, Mesh, Structure, Particles, Table)

Kind: TypeAlias = Literal["noun", "number", "integer", "flag", "choice", "text", "region", "triple"]

Position: TypeAlias = tuple[float, float, float]
"""A point in Å, z, y, x; a probe job gets the point that was clicked."""


@dataclass(frozen=True)
class Show:
    """How a parameter shows itself, beside what its type and docstring say.

    Parameters
    ----------
    unit : str
        Unit written behind the number.
    more : bool
        Whether a form folds it away under *More*.
    slider : tuple of float, optional
        Lowest and highest value of a slider, for a live job.
    """

    unit: str = ""
    more: bool = False
    slider: tuple[float, float] | None = None


@dataclass(frozen=True)
class Parameter:
    """One parameter of a job, as read from its signature and docstring.

    Parameters
    ----------
    name : str
        Name in the signature.
    kind : str
        What sort of value it takes.
    annotation : type
        Its type, with pydantic's constraints.
    noun : type, optional
        Class of the noun where `kind` is ``"noun"``.
    default : object
        Default value; meaningless where `required`.
    required : bool
        Whether a call must give it.
    optional : bool
        Whether None is allowed.
    bounds : tuple
        Lowest and highest value allowed, None where open.
    choices : tuple of str
        Values allowed where `kind` is ``"choice"``.
    help : str
        Its description.
    show : Show
        Unit and place in a form.
    """

    name: str
    kind: Kind
    annotation: Any
    noun: type | None
    default: Any
    required: bool
    optional: bool
    bounds: tuple[float | None, float | None]
    choices: tuple[str, ...]
    help: str
    show: Show

    @property
    def label(self) -> str:
        """Name in words, as a form shows it."""
        return in_words(self.name)

    def check(self, value: Any) -> Any:
        """The value as the job takes it.

        Raises
        ------
        InputError
            Saying which parameter, what was expected and what came.
        """
        if self.kind == "noun":
            return self._check_noun(value)
        if self.kind == "region" and isinstance(value, str):
            try:
                return Region.parse(value)
            except GridError as error:
                raise InputError(f"{self.label}: {error}") from None
        try:
            checked = self._adapter.validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise InputError(f"{self.label}: {reason}, got {_short(value)}") from None
        numbers = checked if isinstance(checked, tuple) else (checked,)
        if any(isinstance(n, float) and not math.isfinite(n) for n in numbers):
            raise InputError(f"{self.label}: expected a finite number, got {_short(value)}")
        return checked

    def _check_noun(self, value: Any) -> Any:
        """A noun of the right class, or None where that is allowed."""
        if value is None and self.optional:
            return None
        if self.noun is None or not isinstance(value, self.noun):
            wanted = "nothing" if self.noun is None else self.noun.__name__
            raise InputError(f"{self.label}: expected a {wanted}, got {type(value).__name__}")
        return value

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        """Pydantic's check of the annotated type."""
        return TypeAdapter(self.annotation, config={"arbitrary_types_allowed": True})


@dataclass(frozen=True)
class Output:
    """One thing that a job gives.

    Parameters
    ----------
    name : str
        Name of the field: suffix of the layer and the file, and key in JSON.
    type : type
        A noun, or a plain type such as float.
    help : str
        Its description.
    """

    name: str
    type: Any
    help: str

    @property
    def noun(self) -> type | None:
        """Class of the noun that it is, or None for a plain value."""
        found: type = _without_none(self.type)[0]
        return found if found in NOUNS else None

    @property
    def is_noun(self) -> bool:
        """Whether it becomes a layer or a file, rather than a number in the answer."""
        return self.noun is not None


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
        Largest working memory, as a multiple of the inputs' size in float32.
    permissive : bool
        Whether its inputs are read with repairs from files that are damaged.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        title: str = "",
        live: bool = False,
        probe: bool = False,
        menu: str = "napari/layers/data",
        memory: float = 4.0,
        permissive: bool = False,
    ) -> None:
        self.function = function
        self.name: str = function.__name__
        self.live = live
        self.probe = probe
        self.menu = menu
        self.memory = memory
        self.permissive = permissive
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
            _read_parameter(p, hints[p.name], " ".join(texts.get(p.name, "").split()))
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
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        clock = perf_counter()
        extra = {"progress": progress} if "progress" in self._accepts else {}
        result = _apart(self.function(**bound, **extra), [bound[p.name] for p in self.inputs])
        self._record(bound, result, started, perf_counter() - clock)
        return result

    @cached_property
    def _accepts(self) -> frozenset[str]:
        return frozenset(inspect.signature(self.function).parameters)

    def _record(self, bound: Mapping[str, Any], result: Any, started: str, seconds: float) -> None:
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
        )
        bare = isinstance(result, NOUNS)
        for name, noun in nouns.items():
            remember(noun, Source(record=record, field="" if bare else name))

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


def in_words(name: str) -> str:
    """A name of the code as a person writes it.

    Examples
    --------
    >>> in_words("weight_by_fsc"), in_words("b_factor")
    ('Weight by FSC', 'B-factor')
    """
    words = name.replace("b_factor", "B-factor").replace("_", " ")
    words = re.sub(r"\bfsc\b", "FSC", words)
    return words[:1].upper() + words[1:]


def job(
    *,
    title: str = "",
    live: bool = False,
    probe: bool = False,
    menu: str = "napari/layers/data",
    memory: float = 4.0,
    permissive: bool = False,
) -> Callable[[Callable[..., Any]], Job]:
    """Decorator that makes a function a job; the arguments are those of `Job`."""

    def wrap(function: Callable[..., Any]) -> Job:
        return Job(
            function,
            title=title,
            live=live,
            probe=probe,
            menu=menu,
            memory=memory,
            permissive=permissive,
        )

    return wrap


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


def _short(value: Any) -> str:
    """A value as a message can show it, on one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def _read_parameter(p: inspect.Parameter, hint: Any, text: str) -> Parameter:
    """One parameter from its place in the signature, its type and its description."""
    plain_type, markers = _unwrapped(hint)
    base, optional = _without_none(plain_type)
    show = next((m for m in markers if isinstance(m, Show)), Show())
    kind = _kind_of(base)
    required = p.default is inspect.Parameter.empty
    return Parameter(
        name=p.name,
        kind=kind,
        annotation=hint,
        noun=base if kind == "noun" else None,
        default=None if required else p.default,
        required=required,
        optional=optional,
        bounds=_bounds(markers),
        choices=tuple(str(c) for c in get_args(base)) if kind == "choice" else (),
        help=text,
        show=show,
    )


def _unwrapped(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its `Annotated`, and what was noted there."""
    if get_origin(hint) is Annotated:
        inner, *markers = get_args(hint)
        return inner, tuple(markers)
    return hint, ()


def _without_none(hint: Any) -> tuple[Any, bool]:
    """A type without ``| None``, and whether that was there."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    others = [a for a in get_args(hint) if a is not type(None)]
    if len(others) != 1:
        raise TypeError(f"a job's parameter has one type, or one type and None, not {hint}")
    return others[0], True


def _kind_of(base: Any) -> Kind:
    """What sort of value a type stands for."""
    if get_origin(base) is Literal:
        return "choice"
    if get_origin(base) is tuple and len(get_args(base)) == 3:
        return "triple"
    kinds: dict[Any, Kind] = {
        bool: "flag",
        int: "integer",
        float: "number",
        str: "text",
        Region: "region",
        **dict.fromkeys(NOUNS, "noun"),
    }
    if base not in kinds:
        raise TypeError(f"a job cannot take a parameter of type {base}")
    return kinds[base]


def _bounds(markers: tuple[Any, ...]) -> tuple[float | None, float | None]:
    """Lowest and highest value that pydantic's constraints allow."""
    low = high = None
    for marker in markers:
        constraints = marker.metadata if isinstance(marker, FieldInfo) else [marker]
        for constraint in constraints:
            low = getattr(constraint, "gt", getattr(constraint, "ge", low))
            high = getattr(constraint, "lt", getattr(constraint, "le", high))
    return low, high


def _references(text: str) -> Iterator[str]:
    """The numbered entries (``.. [1] ...``) of a docstring's References section."""
    _, _, section = text.partition("References\n----------\n")
    section = re.split(r"\n[^\n]+\n-{3,}\n", "\n" + section)[0]
    for entry in re.split(r"^\.\. \[\d+\]", section, flags=re.MULTILINE)[1:]:
        yield " ".join(entry.split())
