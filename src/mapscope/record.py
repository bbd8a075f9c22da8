"""What was done to get a result: enough to judge it, cite it and do it again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

from mapscope import __version__
from mapscope.volume import HalfMaps, Region

FORMAT_VERSION = 1


class Noun(Protocol):
    """Anything that a job takes or gives: frozen, and able to say its checksum."""

    def checksum(self) -> str:
        """32 hexadecimal digits that change whenever the content or its place does."""


@dataclass(frozen=True)
class Source:
    """Where a noun came from: a file, an output of an earlier job, or edits by hand.

    Parameters
    ----------
    path : str, optional
        Absolute path of the file.
    record : Record, optional
        The run that made it.
    field : str
        Which output of that run.
    repairs : tuple of str
        What the reader repaired in the file, which strict reading would refuse.
    options : mapping of str to str, int or float
        How the file was read: the keywords of :func:`mapscope.files.read` that were given.
    edits : str, optional
        Absolute path of the log of edits that made it by hand.
    sequence : int
        The last edit of that log that is in it.
    """

    path: str | None = None
    record: Record | None = None
    field: str = ""
    repairs: tuple[str, ...] = ()
    options: Mapping[str, str | int | float] = dataclass_field(default_factory=dict)
    edits: str | None = None
    sequence: int = 0

    @property
    def address(self) -> str | None:
        """The file and how it was read in one word, as the command line takes it."""
        if self.path is None or not self.options:
            return self.path
        words = (f"{name}={_escaped(value)}" for name, value in self.options.items())
        return f"{self.path}?{'&'.join(words)}"

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary; empty for a noun that was made in memory."""
        if self.record is not None:
            return {"field": self.field, "record": self.record.to_json()}
        if self.edits is not None:
            return {"edits": self.edits, "sequence": self.sequence}
        if self.path is None:
            return {}
        options = {"options": dict(self.options)} if self.options else {}
        repairs = {"repairs": list(self.repairs)} if self.repairs else {}
        return {"path": self.path, **options, **repairs}


def _escaped(value: str | int | float) -> str:
    """An option's value without the letters that mean something in an address."""
    text = str(value)
    for letter in "%&?":
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text


@dataclass(frozen=True)
class RecordedInput:
    """One input of a run.

    Parameters
    ----------
    parameter : str
        Name in the job's signature.
    kind : str
        Class of the noun, such as ``"Volume"``.
    checksum : str
        The noun's checksum.
    sources : tuple of Source
        One, or two for half maps.
    """

    parameter: str
    kind: str
    checksum: str
    sources: tuple[Source, ...]

    @property
    def paths(self) -> tuple[str, ...] | None:
        """The files that it was read from, or None where it was not (only) files."""
        paths = tuple(s.path for s in self.sources if s.path is not None)
        return paths if len(paths) == len(self.sources) else None

    @property
    def addresses(self) -> tuple[str, ...] | None:
        """The same with how they were read, as the command line takes them."""
        addresses = tuple(s.address for s in self.sources if s.address is not None)
        return addresses if len(addresses) == len(self.sources) else None

    @property
    def is_repaired(self) -> bool:
        """Whether a file had to be repaired when it was read."""
        return any(s.repairs for s in self.sources)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary."""
        return {
            "parameter": self.parameter,
            "kind": self.kind,
            "checksum": self.checksum,
            "sources": [source.to_json() for source in self.sources],
        }


@dataclass(frozen=True)
class Record:
    """One run of one job.

    Parameters
    ----------
    job : str
        Name of the job.
    parameters : mapping of str to plain value
        Every parameter as it was used, defaults included.
    inputs : tuple of RecordedInput
        What went in.
    outputs : mapping of str to str
        Checksum of each noun that came out, by field.
    answers : mapping of str to plain value
        Every number, text and flag that came out, by field.
    permissive : bool
        Whether the job's command repairs files that it reads.
    started : str
        Local time, ISO 8601 with offset.
    seconds : float
        Wall-clock time.
    threads : int
        Processor threads at hand.
    cite : tuple of str
        Papers behind the method.
    version : str
        Version of Mapscope.
    share : float
        How much of it was done: under 1 where it was stopped before it was over.
    """

    job: str
    parameters: Mapping[str, Any]
    inputs: tuple[RecordedInput, ...] = ()
    outputs: Mapping[str, str] = dataclass_field(default_factory=dict)
    answers: Mapping[str, Any] = dataclass_field(default_factory=dict)
    permissive: bool = False
    started: str = ""
    seconds: float = 0.0
    threads: int = 1
    cite: tuple[str, ...] = ()
    version: str = __version__
    share: float = 1.0

    @property
    def key(self) -> str:
        """Equal for two runs of one job with equal inputs and parameters."""
        inputs = [(i.parameter, i.checksum) for i in self.inputs]
        text = json.dumps([self.job, dict(self.parameters), inputs], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, as described in ``docs/formats.md``."""
        return {
            "format_version": FORMAT_VERSION,
            "mapscope": self.version,
            "job": self.job,
            "parameters": dict(self.parameters),
            "inputs": [i.to_json() for i in self.inputs],
            "outputs": dict(self.outputs),
            "answers": dict(self.answers),
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "threads": self.threads,
            "cite": list(self.cite),
            **({"share": round(self.share, 6)} if self.share < 1 else {}),
        }

    def chain(self) -> list[Record]:
        """The record and all that it stands on, the earliest first, each once."""
        found: dict[str, Record] = {}
        for recorded in self.inputs:
            for source in recorded.sources:
                for record in source.record.chain() if source.record else ():
                    found.setdefault(record.key, record)
        # A run equal to an earlier one (a map flipped thrice) is done by that one.
        found.setdefault(self.key, self)
        return list(found.values())


def share_text(share: float) -> str:
    """How much is done in words.

    Examples
    --------
    >>> [share_text(share) for share in (0.001, 0.344, 0.999, 1.0)]
    ['under 1 %', '34 %', 'over 99 %', '100 %']
    """
    if share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{round(100 * share)} %"


_sources: WeakKeyDictionary[Any, Source] = WeakKeyDictionary()
_checksums: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def remember(noun: Noun, source: Source) -> None:
    """Note where a noun came from, for as long as the noun lives."""
    _sources[noun] = source


def source_of(noun: Noun) -> Source:
    """Where a noun came from; an empty source for one made in memory."""
    return _sources.get(noun, Source())


def record_of(noun: Noun) -> Record | None:
    """The run that made a noun, or None where no job did."""
    return source_of(noun).record


def checksum_of(noun: Noun) -> str:
    """The noun's checksum, computed once in its life."""
    if noun not in _checksums:
        if isinstance(noun, HalfMaps):
            _checksums[noun] = noun.checksum_from(checksum_of(noun.first), checksum_of(noun.second))
        else:
            _checksums[noun] = noun.checksum()
    return _checksums[noun]


def recorded_input(parameter: str, noun: Noun) -> RecordedInput:
    """What a record says of one input."""
    parts = [noun]
    if isinstance(noun, HalfMaps) and noun not in _sources:
        parts = [noun.first, noun.second]
    sources = tuple(source_of(part) for part in parts)
    return RecordedInput(parameter, type(noun).__name__, checksum_of(noun), sources)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: what is not finite becomes None, a dataclass an object."""
    if isinstance(value, Region):
        return str(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def one_by_one(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers without objects: each value of an object under both names, with a dot between.

    Examples
    --------
    >>> one_by_one({"emringer": {"score": 3.2, "residues": 150}, "atoms": 900})
    {'emringer.score': 3.2, 'emringer.residues': 150, 'atoms': 900}
    """
    flat: dict[str, Any] = {}
    for name, value in answers.items():
        inner = one_by_one(value) if isinstance(value, Mapping) else {}
        flat |= {f"{name}.{key}": found for key, found in inner.items()} or {name: value}
    return flat


def save_record(path: Path, record: Record) -> Path:
    """Write a record beside the file `path`, as ``<path>.record.json``; returns its path."""
    beside = path.with_name(path.name + ".record.json")
    text = json.dumps(record.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    beside.write_text(text + "\n", encoding="utf-8")
    return beside
