"""A run again: its record as a shell command or as a Python script."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mapscope.record import Record, RecordedInput, Source, share_text


def as_command(record: Record, out: str) -> str | None:
    """The shell command that repeats a run, or None where an input is no file.

    Nor is there one where a file had to be repaired and the job's command would refuse it.

    Parameters
    ----------
    record : Record
        The run.
    out : str
        Path that the command shall write to.
    """
    words = ["mapscope", record.job.replace("_", "-")]
    for recorded in record.inputs:
        if recorded.addresses is None or (recorded.is_repaired and not record.permissive):
            return None
        words += [_flag(recorded.parameter), *recorded.addresses]
    words += as_command_words(record.parameters)
    return " ".join(shlex.quote(w) for w in [*words, "--out", out])


def as_command_words(parameters: Mapping[str, Any]) -> list[str]:
    """Words of a command that set parameters, as `plain` gives them."""
    return [word for name, value in parameters.items() for word in _option(name, value)]


def _flag(name: str) -> str:
    """Command-line spelling of a parameter's name."""
    return "--" + name.replace("_", "-")


def _option(name: str, value: Any) -> list[str]:
    """Words that set one parameter; none where it is not given."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [_flag(name) if value else "--no-" + name.replace("_", "-")]
    if isinstance(value, list):
        return [_flag(name), *(_number(v) for v in value)]
    return [_flag(name), _number(value)]


def _number(value: Any) -> str:
    """A value as a word of a command; floats keep every digit."""
    return repr(value) if isinstance(value, float) else str(value)


def as_script(record: Record, out: str, snapshot: Callable[[RecordedInput, int], str]) -> str:
    """A Python script that repeats a run and all that it stands on, from files.

    Parameters
    ----------
    record : Record
        The run.
    out : str
        Path that the script shall write its first output to.
    snapshot : callable (input, part) -> str
        Called for each input that is neither a file nor another job's result, such as a
        layer edited by hand: writes it to a file and returns the path.
    """
    chain = record.chain()
    names = {r.key: f"result_{n}" for n, r in enumerate(chain, start=1)}
    jobs = ", ".join(sorted({r.job for r in chain}))
    lines = [
        f"# Made by Mapscope {record.version}: repeats '{record.job}' from its files.",
        "from mapscope import HalfMaps, Region, read, write",
        f"from mapscope.jobs import {jobs}",
        "",
    ]
    for step in chain:
        if step.share < 1:
            done = share_text(step.share)
            lines.append(f"# This was stopped when {done} of it was done; here all of it is done.")
        lines.append(f"{names[step.key]} = {step.job}(")
        lines += [f"    {line}," for line in _arguments(step, names, snapshot)]
        lines += [")", ""]
    target = repr(out)
    lines.append(f"write_result({target}, {names[record.key]})")
    lines[1] = lines[1].replace("read, write", "read, write_result")
    if not any("HalfMaps(" in line for line in lines):
        lines[1] = lines[1].replace("HalfMaps, ", "")
    if not any("Region.parse(" in line for line in lines):
        lines[1] = lines[1].replace("Region, ", "")
    return "\n".join(lines) + "\n"


def _arguments(
    record: Record, names: Mapping[str, str], snapshot: Callable[[RecordedInput, int], str]
) -> Iterator[str]:
    """Keyword arguments of one call, as source text."""
    for recorded in record.inputs:
        parts = [
            _expression(source, recorded, n, names, snapshot)
            for n, source in enumerate(recorded.sources)
        ]
        whole = f"HalfMaps({', '.join(parts)})" if len(parts) == 2 else parts[0]
        yield f"{recorded.parameter}={whole}"
    for name, value in record.parameters.items():
        is_region = name == "region" and value is not None
        yield f"{name}=" + (f"Region.parse({value!r})" if is_region else repr(value))


def _expression(
    source: Source,
    recorded: RecordedInput,
    part: int,
    names: Mapping[str, str],
    snapshot: Callable[[RecordedInput, int], str],
) -> str:
    """Source text that gives one input noun."""
    if source.record is not None:
        name = names[source.record.key]
        return f"{name}.{source.field}" if source.field else name
    path = source.path if source.path is not None else snapshot(recorded, part)
    how = {**({"permissive": True} if source.repairs else {}), **source.options}
    return f"read({', '.join([repr(path), *(f'{k}={v!r}' for k, v in how.items())])})"
