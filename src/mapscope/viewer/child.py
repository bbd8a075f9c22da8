"""A job's call as a command for a child process, and its answer as the viewer takes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mapscope.errors import MapscopeError
from mapscope.files import read, writable_suffixes, write
from mapscope.job import Job
from mapscope.record import Record, Source, plain, recorded_input, remember
from mapscope.replay import as_command_words
from mapscope.volume import HalfMaps

ANSWER = "answer.json"
"""What the child prints at its end."""

PROGRESS = "progress.jsonl"
"""What it tells on the way."""


def words_of(job: Job, values: Mapping[str, Any], folder: Path) -> list[str]:
    """The command that does a call in a process of its own.

    Inputs that are in no file are written into the folder first, and so is what comes out.

    Parameters
    ----------
    job : Job
        What to run.
    values : mapping of str to object
        Its nouns and parameters, checked.
    folder : Path
        Where the process may write.
    """
    words = [sys.executable, "-m", "mapscope.cli", job.name.replace("_", "-")]
    for parameter in job.inputs:
        noun = values.get(parameter.name)
        if noun is not None:
            words += [f"--{parameter.name.replace('_', '-')}", *_addresses(noun, folder)]
    settings = {p.name: plain(values.get(p.name)) for p in job.settings}
    return [*words, *as_command_words(settings), "--out", f"{folder / 'out'}/", "--json"]


def _addresses(noun: Any, folder: Path) -> list[str]:
    """Where a noun can be read; what is in no file, or was repaired, is written."""
    recorded = recorded_input("input", noun)
    if recorded.addresses is not None and not recorded.is_repaired:
        return list(recorded.addresses)
    parts = (noun.first, noun.second) if isinstance(noun, HalfMaps) else (noun,)
    paths: list[str] = []
    for part in parts:
        path = folder / f"{recorded.checksum[:12]}_{len(paths)}{writable_suffixes(type(part))[0]}"
        paths.append(str(write(path, part)))
    return paths


def answer_of(
    job: Job, values: Mapping[str, Any], folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Nouns and numbers that a child process left in its folder, with their record.

    Raises
    ------
    MapscopeError
        If it left no answer.
    """
    try:
        answer = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
        files, record = answer["files"], answer["record"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MapscopeError(f"{job.title} ended without an answer ({error})") from error
    nouns = {file["field"]: read(file["path"]) for file in files}
    scalars = {o.name: answer.get(o.name) for o in job.outputs if not o.is_noun}
    inputs = [(p.name, values[p.name]) for p in job.inputs if values.get(p.name) is not None]
    kept = Record(
        job=job.name,
        parameters=record["parameters"],
        inputs=tuple(recorded_input(name, noun) for name, noun in inputs),
        outputs=record["outputs"],
        answers=record["answers"],
        permissive=job.permissive,
        started=record["started"],
        seconds=record["seconds"],
        threads=record["threads"],
        cite=tuple(record["cite"]),
    )
    bare = len(job.outputs) == 1
    for name, noun in nouns.items():
        remember(noun, Source(record=kept, field="" if bare else name))
    return nouns, scalars
