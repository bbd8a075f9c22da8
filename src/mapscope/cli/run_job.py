"""A job on files: read what it takes, write and print what it gives."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mapscope.cli.terminal import note, progress_here
from mapscope.density.appearance import first_appearance
from mapscope.errors import InputError
from mapscope.files import read
from mapscope.files.findings import noted_repairs
from mapscope.files.result import plan_files, write_planned
from mapscope.job import Job, Parameter
from mapscope.record import one_by_one, plain, record_of
from mapscope.table import Table
from mapscope.volume import HalfMaps


def run_job(job: Job, given: dict[str, Any], *, out: str | None, save: str, as_json: bool) -> None:
    """Read the inputs, run the job, write its outputs and print the answer.

    Parameters
    ----------
    job : Job
        What to run.
    given : dict
        Its parameters as typed; nouns are paths.
    out, save, as_json
        As on the command line.

    Raises
    ------
    MapscopeError
        If the input or a parameter is wrong, an output cannot be written as asked, or the
        job gives a map and nobody said where to write it.
    """
    saved = [name for name in save.split(",") if name]
    paths = _plan(job, out, saved)
    with noted_repairs() as repairs:
        inputs = {
            p.name: _read_input(p, given[p.name], permissive=job.permissive)
            for p in job.inputs
            if given.get(p.name)
        }
    for repair in repairs:
        note(str(repair))
    result = job(**{**given, **inputs}, progress=progress_here())
    nouns = dict(job.nouns_of(result))
    if out is not None:  # an output that did not come leaves its place to the next
        wanted = [name for name in saved if name in nouns] or saved
        paths = plan_files({name: type(noun) for name, noun in nouns.items()}, out, wanted)
    written = write_planned(nouns, paths, first_appearance, result=result)
    for one in written:
        if one.check is not None:
            note(f"{one.path.name}: {one.check}")
    record = next(r for r in (record_of(n) for n in nouns.values()) if r is not None)
    answer: dict[str, Any] = dict(job.scalars_of(result))
    if not as_json:
        scripts = [path for name, path in paths.items() if name not in nouns]
        _print_answer(answer, nouns, [str(p) for p in (*(w.path for w in written), *scripts)])
        return
    answer |= {name: _rows(n) for name, n in nouns.items() if isinstance(n, Table)}
    answer["files"] = [
        {"field": w.field, "path": str(w.path), "checksum": record.outputs[w.field]}
        | ({} if w.check is None else {"read_back": asdict(w.check)})
        for w in written
    ]
    answer["record"] = record.to_json()
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, allow_nan=False) + "\n")


def _plan(job: Job, out: str | None, save: list[str]) -> dict[str, Path]:
    """Path of each output to be written, known before anything is computed.

    Raises
    ------
    InputError
        If no path is given and the job gives more than tables, which can be printed.
    """
    kinds = {o.name: o.noun for o in job.outputs if o.noun is not None}
    if out is not None:
        return plan_files(kinds, out, save)
    if save or any(kind is not Table for kind in kinds.values()):
        raise InputError(f"{job.name.replace('_', '-')} writes files: say where with --out PATH")
    return {}


def _rows(table: Table) -> list[dict[str, Any]]:
    """A table's rows as JSON can hold them."""
    return [{name: plain(value) for name, value in row.items()} for row in table.records()]


def _read_input(parameter: Parameter, value: Any, *, permissive: bool = False) -> Any:
    """The noun in the file, or the two files, given for one input; repaired where `permissive`.

    Raises
    ------
    InputError
        If the file holds another kind of noun.
    """
    if parameter.noun is HalfMaps:
        first, second = (read(path, permissive=permissive) for path in value)
        for noun, path in zip((first, second), value, strict=True):
            _require_kind(noun, "Volume", parameter, path)
        return HalfMaps(first, second)
    noun = read(value, permissive=permissive)
    _require_kind(noun, parameter.noun.__name__ if parameter.noun else "", parameter, value)
    return noun


def _require_kind(noun: Any, kind: str, parameter: Parameter, path: Path) -> None:
    """Raise unless the noun read from `path` is of class `kind`."""
    if type(noun).__name__ != kind:
        wanted, got = kind.lower(), type(noun).__name__.lower()
        flag = "--" + parameter.name.replace("_", "-")
        if {wanted, got} == {"volume", "labels"}:
            joined = f"{path}{'&' if '?' in str(path) else '?'}kind={wanted}"
            raise InputError(f"{flag} needs {wanted}, but {path} is {got}; read it so: '{joined}'")
        raise InputError(f"{flag} needs a {wanted}, but {path} holds a {got}")


def _print_answer(scalars: dict[str, Any], nouns: dict[str, Any], paths: list[str]) -> None:
    """Print a result for a person: one line per finding, number and file."""
    for noun in nouns.values():
        if isinstance(noun, Table) and noun.plot is not None and noun.plot.headline:
            sys.stdout.write(f"{noun.plot.headline}\n")
        elif isinstance(noun, Table) and noun.plot is None and not paths:
            sys.stdout.writelines(f"{line}\n" for line in _lines(noun))
    for name, value in one_by_one(scalars).items():
        shown = f"{value:.6g}" if isinstance(value, float) else value
        sys.stdout.write(f"{name.replace('_', ' ').replace('.', ' ')}: {shown}\n")
    for path in paths:
        sys.stdout.write(f"{path}\n")


def _lines(table: Table) -> list[str]:
    """A table's rows, tabs between the columns, its titles first."""
    rows = [list(table.columns), *(row.values() for row in table.records())]
    return ["\t".join("" if v is None else str(v) for v in row) for row in rows]
