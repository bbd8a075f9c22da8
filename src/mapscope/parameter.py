"""What a job takes and gives, one by one, as read from its signature and docstring."""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from mapscope.errors import GridError, InputError
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import HalfMaps, Region, Volume

NOUNS: tuple[type, ...] = (Volume, HalfMaps, Labels, Mesh, Structure, Particles, Table)

Kind: TypeAlias = Literal[
    "noun", "number", "integer", "flag", "choice", "text", "region", "triple", "path"
]

_WRITTEN = {
    "b factor": "B-factor",
    "d fsc half": "d_FSC 0.5",
    "d fsc 0143": "d_FSC 0.143",
    "fsc": "FSC",
    "emringer": "EMRinger",
    "q score": "Q-score",
    "cc": "CC",
    "chi1": "χ1",
    "pcc": "PCC",
    "ssim": "SSIM",
    "x rays": "X-rays",
    "mott bethe": "Mott–Bethe",
    "chimerax": "ChimeraX",
    "eman": "EMAN",
    "tempy": "TEMPy",
    "situs": "Situs",
    "flex em": "Flex-EM",
    "kda": "kDa",
    "cpu": "CPU",
    "cuda": "CUDA",
    "mps": "MPS",
}
"""Words of names that people write in another way."""

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
    browse : str
        What a path's button looks for: a ``"file"`` or a ``"folder"`` that there is, or the
        place of a ``"new file"``.
    choices : callable () -> sequence of str, optional
        What a form offers for a text, where that is known only when it is asked, such as models.
    if_none : str
        What a form says where that is nothing at all, and the parameter has no default.
    preview : bool
        Whether a form can show, for each value of a choice, what comes out in a small box; the
        job then takes a `region`, and keeps what is the same for all values.
    """

    unit: str = ""
    more: bool = False
    slider: tuple[float, float] | None = None
    browse: Literal["file", "folder", "new file"] = "file"
    choices: Callable[[], Sequence[str]] | None = None
    if_none: str = ""
    preview: bool = False


@dataclass(frozen=True)
class Key:
    """That a number of a result is one of the first that somebody wants to know.

    Parameters
    ----------
    label : str
        What it is called, as short as the field calls it.
    unit : str
        Unit written behind the number.
    """

    label: str
    unit: str = ""


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
        if self.kind == "path":
            return self._check_path(value)
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

    def _check_path(self, value: Any) -> Path | None:
        """A path from what was typed, ``~`` written out, or None where that is allowed."""
        if value is None and self.optional:
            return None
        if not isinstance(value, str | Path) or not str(value).strip():
            raise InputError(f"{self.label}: choose a {self.show.browse}, got {_short(value)}")
        return Path(value).expanduser()

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


def read_keys(result: Any, path: str = "") -> dict[str, Key]:
    """The key numbers of a result's class and of those inside it, by name with dots between.

    Examples
    --------
    >>> @dataclass
    ... class Found:
    ...     depth: Annotated[float, Key("depth", "Å")]
    ...     count: int
    >>> list(read_keys(Found, "well."))
    ['well.depth']
    """
    found: dict[str, Key] = {}
    for name, hint in get_type_hints(result, include_extras=True).items():
        plain, markers = _unwrapped(hint)
        keys = [marker for marker in markers if isinstance(marker, Key)]
        inner = [one for one in (plain, *get_args(plain)) if is_dataclass(one)]
        if keys:
            found[path + name] = keys[0]
        elif inner and inner[0] not in NOUNS:
            found |= read_keys(inner[0], f"{path}{name}.")
    return found


def in_words(name: str) -> str:
    """A name of the code as a person writes it.

    Examples
    --------
    >>> in_words("weight_by_fsc"), in_words("b_factor"), in_words("chimerax"), in_words("chi1")
    ('Weight by FSC', 'B-factor', 'ChimeraX', 'χ1')
    """
    words = name.replace("_", " ")
    for plain, written in _WRITTEN.items():
        words = re.sub(rf"\b{plain}\b", written, words)
    is_symbol = words[1:2] == "_" or not words[:1].isascii()
    return words if is_symbol else words[:1].upper() + words[1:]


def _short(value: Any) -> str:
    """A value as a message can show it, on one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def read_parameter(p: inspect.Parameter, hint: Any, text: str) -> Parameter:
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
        Path: "path",
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
