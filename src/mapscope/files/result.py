"""Write everything that a job gave: the first output under the given name, others beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mapscope.errors import InputError
from mapscope.files.registry import writable_suffixes, write
from mapscope.record import Noun, record_of, save_record


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Parameters
    ----------
    field : str
        Name of the output.
    path : Path
        Where it is.
    noun : Noun
        What it holds.
    """

    field: str
    path: Path
    noun: Noun


def plan_result(nouns: dict[str, Any], out: Path, *, as_folder: bool) -> dict[str, Path]:
    """Path for each output, by its name, without writing anything.

    Parameters
    ----------
    nouns : dict of str to noun
        The outputs, in their order.
    out : Path
        File for the first of them; the others become ``<stem>_<name>`` with the suffix of
        their kind. Or the folder for all of them.
    as_folder : bool
        Whether `out` is a folder.
    """
    if as_folder:
        return {name: out / f"{name}{_suffix(noun)}" for name, noun in nouns.items()}
    stem = out.name.split(".")[0] if out.name.endswith((".gz", ".bz2")) else out.stem
    first, *others = nouns
    paths = {name: out.with_name(f"{stem}_{name}{_suffix(nouns[name])}") for name in others}
    return {first: out} | paths


def write_nouns(
    nouns: dict[str, Any], out: str | Path, save: Collection[str] = ()
) -> list[Written]:
    """Write outputs of a job, each with its record beside it.

    Parameters
    ----------
    nouns : dict of str to noun
        The outputs, in their order.
    out : str or Path
        File for the first of them, or, where it ends with a slash or is a folder, the
        folder for all.
    save : collection of str
        Names to write; all where empty.

    Raises
    ------
    InputError
        If a name in `save` is none of the outputs, or there is nothing to write.
    """
    path = Path(out)
    as_folder = str(out).endswith(("/", "\\")) or path.is_dir()
    unknown = sorted(set(save) - set(nouns))
    if unknown or not nouns:
        named = unknown[0] if unknown else "nothing"
        raise InputError(f"cannot save {named!r}: this result has {', '.join(nouns) or 'no files'}")
    chosen = {name: noun for name, noun in nouns.items() if not save or name in save}
    if as_folder:
        path.mkdir(parents=True, exist_ok=True)
    targets = plan_result(chosen, path, as_folder=as_folder)
    return [_write_one(name, noun, targets[name]) for name, noun in chosen.items()]


def write_result(out: str | Path, result: Any) -> list[Written]:
    """Write everything that a job returned, as `write_nouns` does.

    Parameters
    ----------
    out : str or Path
        File for the first output, or folder for all.
    result : noun or dataclass of nouns
        What the job returned.
    """
    if hasattr(result, "checksum"):
        return write_nouns({"result": result}, out)
    parts = {f.name: getattr(result, f.name) for f in fields(result)}
    return write_nouns({k: v for k, v in parts.items() if hasattr(v, "checksum")}, out)


def _write_one(name: str, noun: Any, path: Path) -> Written:
    """Write one noun and, where a job made it, its record."""
    written = write(path, noun)
    record = record_of(noun)
    if record is not None:
        save_record(written, record)
    return Written(name, written, noun)


def _suffix(noun: Any) -> str:
    """File suffix for a noun whose name nobody chose: the usual one of its kind."""
    return writable_suffixes(type(noun))[0]
