"""Write everything that a job gave: the first output under the given name, others beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mapscope.appearance import Appearance
from mapscope.errors import InputError, UnknownFormatError
from mapscope.files.chimerax import SUFFIX as SCRIPT
from mapscope.files.chimerax import check_script, data_paths, write_chimerax
from mapscope.files.particles import SelfCheck
from mapscope.files.registry import writable_suffixes, write_and_check
from mapscope.files.report import SUFFIX as REPORT
from mapscope.files.report import check_report, write_report
from mapscope.files.stream import COMPRESSIONS, format_suffix
from mapscope.record import Noun, record_of, save_record
from mapscope.table import Table


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
    check : SelfCheck, optional
        Of particles: how they were read back from it.
    """

    field: str
    path: Path
    noun: Noun
    check: SelfCheck | None = None

    def __str__(self) -> str:
        return self.path.name + ("" if self.check is None else f", {self.check}")


def plan_files(
    kinds: Mapping[str, type], out: str | Path, save: Collection[str] = ()
) -> dict[str, Path]:
    """Path of each output to be written, by its name, without writing anything.

    Parameters
    ----------
    kinds : mapping of str to type
        Class of each output, in their order.
    out : str or Path
        File for the first output that can be written with its suffix; the others become
        ``<stem>_<name>`` with the suffix of their kind. Where it ends with a slash or is a
        folder, the folder for all. With ``.cxc`` it is a ChimeraX command file that opens
        them all, under the key ``".cxc"``, and each becomes ``<stem>_<name>``. With ``.html``
        it is a report of the whole result, under the key ``".html"``; tables stand in it, and
        every other output, or what `save` names, becomes ``<stem>_<name>``.
    save : collection of str
        Names of the outputs to write; all where empty. It leaves files out and gives none
        another name.

    Raises
    ------
    InputError
        If a name in `save` is none of the outputs, or there are none.
    UnknownFormatError
        If no output can be written with that suffix, or one has no format at all.
    FileNotFoundError
        If the folder that the file shall lie in does not exist.
    """
    unknown = sorted(set(save) - set(kinds))
    if unknown or not kinds:
        named = unknown[0] if unknown else "nothing"
        raise InputError(f"cannot save {named!r}: this result has {', '.join(kinds) or 'no files'}")
    path = Path(out)
    is_folder = str(out).endswith(("/", "\\")) or path.is_dir()
    if format_suffix(path) == SCRIPT and not is_folder:
        return _opened_by(path, {name: kinds[name] for name in kinds if not save or name in save})
    if format_suffix(path) == REPORT and not is_folder:
        return _reported_in(path, kinds, save)
    if is_folder:
        paths = {name: path / f"{name}{_suffix(kind)}" for name, kind in kinds.items()}
    else:
        paths = _beside(kinds, path)
    chosen = {name: target for name, target in paths.items() if not save or name in save}
    _require_formats({name: kinds[name] for name in chosen})
    return chosen


def _require_formats(kinds: Mapping[str, type]) -> None:
    """Raise unless each class has a format that it can be written in."""
    for name, kind in kinds.items():
        if not writable_suffixes(kind):
            raise UnknownFormatError(f"{name}: a {kind.__name__} has no file format yet")


def _opened_by(script: Path, kinds: Mapping[str, type]) -> dict[str, Path]:
    """A ChimeraX command file and what it opens."""
    check_script(script, list(kinds.values()))
    _require_folder(script)
    return dict(zip(kinds, data_paths(script, list(kinds.items())), strict=True)) | {SCRIPT: script}


def _reported_in(report: Path, kinds: Mapping[str, type], save: Collection[str]) -> dict[str, Path]:
    """A report, and beside it what it does not hold or `save` names."""
    check_report(report)
    _require_folder(report)
    beside = {n: kind for n, kind in kinds.items() if n in save or (not save and kind is not Table)}
    _require_formats(beside)
    names = {n: f"{report.stem}_{n}{_suffix(kind)}" for n, kind in beside.items()}
    return {n: report.with_name(name) for n, name in names.items()} | {REPORT: report}


def _require_folder(out: Path) -> None:
    """Raise unless the folder that a file shall lie in exists."""
    if not out.parent.is_dir():
        raise FileNotFoundError(f"the folder {out.parent} does not exist: make it first")


def _beside(kinds: Mapping[str, type], out: Path) -> dict[str, Path]:
    """`out` for the first output that its suffix fits, names made from it for the others."""
    suffix = format_suffix(out)
    fitting = [name for name, kind in kinds.items() if suffix in writable_suffixes(kind)]
    if not fitting:
        first, kind = next(iter(kinds.items()))
        raise UnknownFormatError(
            f"{out.name}: {first} cannot be written as {suffix or 'a file without suffix'}; "
            f"possible: {', '.join(writable_suffixes(kind)) or 'nothing yet'}, or a folder/"
        )
    _require_folder(out)
    stem = _stem(out)
    paths = {name: out.with_name(f"{stem}_{name}{_suffix(kind)}") for name, kind in kinds.items()}
    return paths | {fitting[0]: out}


def _stem(path: Path) -> str:
    """File name without the suffix of its format and of its compression.

    Examples
    --------
    >>> _stem(Path("emd_3001_2.5A.map.gz"))
    'emd_3001_2.5A'
    """
    name = path.name
    for ending in COMPRESSIONS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return Path(name).stem


def write_nouns(
    nouns: Mapping[str, Any],
    out: str | Path,
    save: Collection[str] = (),
    *,
    appearance_of: Callable[[Any, str], Appearance] = Appearance,
) -> list[Written]:
    """Write outputs of a job, each with its record beside it.

    Parameters
    ----------
    nouns : mapping of str to noun
        The outputs, in their order.
    out, save
        Where to, and which, as in `plan_files`, which also says what is raised.
    appearance_of : callable
        As in `write_planned`.
    """
    kinds = {name: type(noun) for name, noun in nouns.items()}
    return write_planned(nouns, plan_files(kinds, out, save), appearance_of)


def write_planned(
    nouns: Mapping[str, Any],
    paths: Mapping[str, Path],
    appearance_of: Callable[[Any, str], Appearance] = Appearance,
    *,
    result: Any = None,
) -> list[Written]:
    """Write those outputs of a job that have a path, each with its record beside it.

    Parameters
    ----------
    nouns : mapping of str to noun
        The outputs, in their order.
    paths : mapping of str to Path
        Where each goes; the folder is made where it is missing.
    appearance_of : callable
        Takes a noun and its name and says how a ChimeraX command file shall draw it, as
        `mapscope.density.appearance.first_appearance` does; without it, ChimeraX chooses the
        contour level.
    result : noun or dataclass of nouns and numbers, optional
        What the job returned, which a report is of.

    Returns
    -------
    list of Written
        The outputs; a ChimeraX command file is none of them, nor is a report.

    Raises
    ------
    InputError
        If a report is asked for without the result.
    """
    if REPORT in paths and result is None:
        raise InputError(f"{paths[REPORT].name}: a report is of a whole result (write_result)")
    if SCRIPT in paths:
        chosen = {name: noun for name, noun in nouns.items() if name in paths}
        write_chimerax(paths[SCRIPT], [appearance_of(n, name) for name, n in chosen.items()])
        return [Written(name, paths[name], noun) for name, noun in chosen.items()]
    for folder in {path.parent for path in paths.values()}:
        folder.mkdir(parents=True, exist_ok=True)
    written = [_write_one(name, noun, paths[name]) for name, noun in nouns.items() if name in paths]
    if REPORT in paths:
        write_report(paths[REPORT], result)
    return written


def write_result(
    out: str | Path,
    result: Any,
    *,
    appearance_of: Callable[[Any, str], Appearance] = Appearance,
) -> list[Written]:
    """Write everything that a job returned, as `write_nouns` does.

    Parameters
    ----------
    out : str or Path
        File for the first output, folder for all, or ``.html`` for a report.
    result : noun or dataclass of nouns
        What the job returned.
    appearance_of : callable
        As in `write_planned`.
    """
    parts = {"result": result}
    if not hasattr(result, "checksum"):
        parts = {f.name: getattr(result, f.name) for f in fields(result)}
    nouns = {k: v for k, v in parts.items() if hasattr(v, "checksum")}
    paths = plan_files({name: type(noun) for name, noun in nouns.items()}, out)
    return write_planned(nouns, paths, appearance_of, result=result)


def _write_one(name: str, noun: Any, path: Path) -> Written:
    """Write one noun and, where a job made it, its record."""
    written, check = write_and_check(path, noun)
    record = record_of(noun)
    if record is not None:
        save_record(written, record)
    return Written(name, written, noun, check)


def _suffix(kind: type) -> str:
    """File suffix for a noun whose name nobody chose: the usual one of its class."""
    return next(iter(writable_suffixes(kind)), "")
