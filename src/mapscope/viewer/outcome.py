"""A job's call as the viewer makes it, and what comes of it: nouns, numbers, layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from mapscope.errors import Partial
from mapscope.job import NOUNS, Job
from mapscope.record import checksum_of, share_text, source_of
from mapscope.viewer.adding import hide_what_covers
from mapscope.viewer.child import answer_of
from mapscope.viewer.layers import SEPARATOR, LayerData, layers_from_noun
from mapscope.viewer.roles import role_of_output
from mapscope.viewer.runner import ProcessRun
from mapscope.volume import HalfMaps

IN_THE_MAKING = "in the making"
"""Stands in a layer's name as long as the job is at work whose result it shows."""


@dataclass(frozen=True)
class Outcome:
    """What a run gives to the viewer: nouns, numbers, and layers ready to be added.

    `made` makes of the nouns, by name, what the job returned; None where a process returned it.
    """

    made: Callable[..., Any] | None
    nouns: dict[str, Any]
    scalars: dict[str, Any]
    layers: list[LayerData]
    unsaved: dict[tuple[str, int], Any]


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


def call_of(job: Job, values: Mapping[str, Any], stem: str) -> Callable[..., Outcome]:
    """The call for the worker thread: the job, and its layers made ready."""

    def outcome_of(result: Any, state: str = "") -> Outcome:
        nouns, scalars = dict(job.nouns_of(result)), job.scalars_of(result)
        names = {name: f"{stem}{SEPARATOR}{_words(result, name, state)}" for name in nouns}
        return _outcome_of(job, values, nouns, scalars, names, _maker(result, nouns))

    def call(progress: Any) -> Outcome:
        try:
            return outcome_of(job(**values, progress=_Layering(progress, job, stem)))
        except Partial as stop:
            done = f"{share_text(stop.share)} done"
            raise Partial(outcome_of(stop.result, done), stop.share) from stop

    return call


def _words(result: Any, field: str, state: str = "") -> str:
    """What an output is called: by the result's `captions`, or its field and the `caption`."""
    captions: Mapping[str, str] = getattr(result, "captions", {})
    caption = "" if field in captions else getattr(result, "caption", "")
    inside = ", ".join(text for text in (caption, state) if text)
    return captions.get(field, field.replace("_", " ")) + (f" ({inside})" if inside else "")


class _Layering:
    """A progress that makes layers of what a job has so far, in the thread of the job.

    Only what will be looked at is made ready: the first layer of the result.
    """

    def __init__(self, progress: Any, job: Job, stem: str) -> None:
        self._progress, self._job, self._stem = progress, job, stem

    def __call__(self, done: int, total: int, message: str = "") -> None:
        self._progress(done, total, message)

    def show(self, make: Callable[[], Any]) -> None:
        self._progress.show(lambda: self._layers(make()))

    def _layers(self, result: Any) -> list[LayerData]:
        for name, noun in self._job.nouns_of(result):
            words = f"{self._stem}{SEPARATOR}{name.replace('_', ' ')} ({IN_THE_MAKING})"
            if found := layers_from_noun(noun, words, role_of_output(name)):
                return found[:1]
        return []


def _maker(result: Any, nouns: Mapping[str, Any]) -> Callable[..., Any]:
    """What makes a result of its nouns, which it does not hold itself."""
    if isinstance(result, NOUNS):
        return lambda **nouns: next(iter(nouns.values()))
    kind: Callable[..., Any] = type(result)
    others = {f.name: getattr(result, f.name) for f in fields(result) if f.name not in nouns}
    return partial(kind, **others)


def process_run_of(job: Job, values: Mapping[str, Any], stem: str, folder: Path) -> ProcessRun:
    """The same in a process of its own, not started yet."""

    def collect() -> Outcome:
        nouns, scalars = answer_of(job, values, folder)
        names = {name: f"{stem}{SEPARATOR}{_words(None, name)}" for name in nouns}
        return _outcome_of(job, values, nouns, scalars, names)

    return ProcessRun(folder, collect, is_lasting=bool(job.home))


def _outcome_of(
    job: Job,
    values: Mapping[str, Any],
    nouns: dict[str, Any],
    scalars: dict[str, Any],
    names: Mapping[str, str],
    made: Callable[..., Any] | None = None,
) -> Outcome:
    """What came out, with layers of these names."""
    layers: list[LayerData] = []
    for field_name, noun in nouns.items():
        layers += layers_from_noun(noun, names[field_name], role_of_output(field_name))
    hide_what_covers(layers)
    inputs = [values[p.name] for p in job.inputs if values.get(p.name) is not None]
    return Outcome(made, nouns, scalars, layers, _unsaved(inputs))
