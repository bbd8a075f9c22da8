"""The command line: one command for every job, made from the job's own signature."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError
from cyclopts import Parameter as Option

from mapscope import __version__
from mapscope.density.appearance import first_appearance
from mapscope.errors import Cancelled, InputError, MapscopeError
from mapscope.files import read
from mapscope.files.findings import noted_repairs
from mapscope.files.result import plan_files, write_planned
from mapscope.job import Job, Parameter
from mapscope.jobs import all_jobs, family_title
from mapscope.labels import Labels
from mapscope.progress import Progress
from mapscope.record import one_by_one, plain, record_of
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import HalfMaps, Volume

ADDRESS = {
    Volume: "columns=FWT,PHWT (MTZ), index=0 (stack), cover=model.cif (crystal), kind=volume",
    HalfMaps: "index=0 (stack)",
    Structure: "assembly=1",
    Labels: "kind=labels",
}
"""Options that may stand behind a file's name, by the noun that is read."""
DONE, FAILED, WRONG_INPUT, CANCELLED = 0, 1, 2, 130
_interrupted = threading.Event()
WRONG_PATH = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    words : sequence of str, optional
        The words after ``mapscope``; those of this process where None.

    Returns
    -------
    int
        0 done, 2 wrong input, 1 failure, 130 cancelled.
    """
    arguments = list(sys.argv[1:] if words is None else words)
    _heed_interrupts()
    try:
        code = build_app()(
            arguments, exit_on_error=False, print_error=False, result_action="return_value"
        )
    except (KeyboardInterrupt, Cancelled):
        return _complain("cancelled", CANCELLED)
    except (CycloptsError, MapscopeError, *WRONG_PATH) as error:
        return _complain(_one_line(error), WRONG_INPUT)
    except SystemExit as stop:
        return int(stop.code or 0)
    except Exception as error:  # noqa: BLE001  the last resort: one line, not a traceback
        if _interrupted.is_set():
            return _complain("cancelled", CANCELLED)
        if os.environ.get("MAPSCOPE_DEBUG"):
            traceback.print_exc()
        return _complain(f"{type(error).__name__}: {_one_line(error)}", FAILED)
    return code if isinstance(code, int) else DONE


def _heed_interrupts() -> None:
    """Remember that Ctrl-C was pressed: an import that it hits may make any other error of it."""
    _interrupted.clear()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_signal: int, _frame: object) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def build_app() -> App:
    """The application with a command for every job, and ``gui``."""
    app = App(
        name="mapscope",
        version=__version__,
        help="Sharpen, measure, mask and compare density maps. "
        "Every job of the napari plugin is a command here, with the same parameters.\n\n"
        "A file may be followed by how to read it, all in quotes: 'a.mtz?columns=FWT,PHWT', "
        "'stack.mrc?index=3', 'model.cif?assembly=1', 'crystal.map?cover=model.cif', "
        "'regions.mrc?kind=labels'; more than one are joined by &.",
        version_flags=["--version"],
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    for job in all_jobs().values():
        command = _command(job)
        app.command(command, name=job.name.replace("_", "-"), group=family_title(job.family))
    app.command(_info, name="info", group="Files")
    app.command(_gui, name="gui", group="Viewer")
    return app


def _info(
    path: Path,
    partner: Path | None = None,
    *,
    json_: Annotated[bool, Option(name="--json", negative="", show_default=False)] = False,
) -> int:
    """What a file is, what is wrong with it and what mends it.

    The exit code is 2 where strict reading refuses the file or its content is of no use.

    Parameters
    ----------
    path
        The file; how to read it may follow, as in 'a.mtz?columns=FWT,PHWT'.
    partner
        The other half map.
    json_
        Print one JSON object.
    """
    from mapscope.inspection import inspect as inspect_file
    from mapscope.inspection import text_of

    found = inspect_file(path, partner, progress=_progress())
    text = json.dumps(found.to_json(), ensure_ascii=False, allow_nan=False) + "\n"
    sys.stdout.write(text if json_ else text_of(found))
    return WRONG_INPUT if found.has_errors else DONE


def _gui(*paths: Path, sample: bool = False) -> None:
    """Open napari with Mapscope's docks.

    Parameters
    ----------
    paths
        Maps and structures to open; how to read one may follow, as in 'a.mtz?columns=FWT,PHWT'.
    sample
        Open the sample half maps and their structure.
    """
    from mapscope.viewer.window import open_window

    open_window([str(p) for p in paths], sample=sample)


def _command(job: Job) -> Callable[..., None]:
    """A function with the signature that the job's command shall have."""

    def run(*args: Any, **kwargs: Any) -> None:
        given = inspect.signature(run).bind(*args, **kwargs).arguments
        out, save = given.pop("out", None), given.pop("save", "")
        run_job(job, given, out=out, save=save, as_json=given.pop("json_", False))

    parameters = [_option(p) for p in job.parameters]
    parameters += _common_options(job)
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__doc__ = "\n\n".join([job.summary, *map(_on_one_line, job.description.split("\n\n"))])
    return run


def _option(parameter: Parameter) -> inspect.Parameter:
    """One parameter of a job as one of its command."""
    is_noun = parameter.kind == "noun"
    unit = f" ({parameter.show.unit})" if parameter.show.unit else ""
    address = ADDRESS.get(parameter.noun) if parameter.noun is not None else None
    how = f" 'FILE?...' may say how to read it: {address}." if address else ""
    word = Option(help=parameter.help + unit + how, negative=None if _is_flag(parameter) else "")
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD if is_noun else inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if parameter.required else parameter.default,
        annotation=Annotated[_word_type(parameter), word],
    )


def _is_flag(parameter: Parameter) -> bool:
    return parameter.kind == "flag"


def _word_type(parameter: Parameter) -> Any:
    """Type of what is typed in a shell for a parameter; its bounds are checked by the job."""
    types: dict[str, Any] = {
        "noun": tuple[Path, Path] if parameter.noun is HalfMaps else Path,
        "number": float,
        "integer": int,
        "flag": bool,
        "choice": Literal[parameter.choices] if parameter.choices else str,
        "text": str,
        "region": str,
        "triple": tuple[float, float, float],
        "path": Path,
    }
    word = types[parameter.kind]
    return word | None if parameter.optional else word


def _common_options(job: Job) -> list[inspect.Parameter]:
    """``--out``, ``--save`` and ``--json``."""
    names = ", ".join(o.name for o in job.outputs if o.is_noun)
    keyword = inspect.Parameter.KEYWORD_ONLY

    def option(name: str, kind: Any, default: Any, text: str, word: str) -> inspect.Parameter:
        shown = Option(name=word, help=text, negative="", show_default=False)
        annotation = Annotated[kind, shown]
        return inspect.Parameter(name, keyword, default=default, annotation=annotation)

    return [
        option(
            "out",
            str | None,
            None,
            f"File (or folder/) to write: {names}; x.html: a report.",
            "--out",
        ),
        option("save", str, "", "Only these outputs, separated by commas.", "--save"),
        option("json_", bool, False, "Print one JSON object.", "--json"),
    ]


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
    paths = _plan(job, out, [name for name in save.split(",") if name])
    with noted_repairs() as repairs:
        inputs = {
            p.name: _read_input(p, given[p.name], permissive=job.permissive)
            for p in job.inputs
            if given.get(p.name)
        }
    for repair in repairs:
        sys.stderr.write(f"{repair}\n")
    result = job(**{**given, **inputs}, progress=_progress())
    nouns = dict(job.nouns_of(result))
    written = write_planned(nouns, paths, first_appearance, result=result)
    record = next(r for r in (record_of(n) for n in nouns.values()) if r is not None)
    answer: dict[str, Any] = dict(job.scalars_of(result))
    if not as_json:
        scripts = [path for name, path in paths.items() if name not in nouns]
        _print_answer(answer, nouns, [str(p) for p in (*(w.path for w in written), *scripts)])
        return
    answer |= {name: _rows(n) for name, n in nouns.items() if isinstance(n, Table)}
    answer["files"] = [
        {"field": w.field, "path": str(w.path), "checksum": record.outputs[w.field]}
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


def _progress() -> Progress:
    """Progress on standard error: a bar on a terminal, else a line per new message."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        bar = tqdm(total=1.0, bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed}", leave=False)

        def draw(done: int, total: int, message: str = "") -> None:
            _stop_if_interrupted()
            bar.set_description_str(message, refresh=False)
            bar.n = done / total if total else 1.0
            bar.refresh()

        return draw
    said: list[str] = []

    def say(done: int, total: int, message: str = "") -> None:  # noqa: ARG001
        _stop_if_interrupted()
        if message and said[-1:] != [message]:
            said.append(message)
            sys.stderr.write(f"{message}\n")

    return say


def _stop_if_interrupted() -> None:
    if _interrupted.is_set():
        raise Cancelled


def _complain(message: str, code: int) -> int:
    """One line on standard error; gives the exit code back."""
    sys.stderr.write(f"mapscope: {message}\n")
    return code


def _one_line(error: BaseException) -> str:
    """An error's message on one line."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return _on_one_line(str(error))


def _on_one_line(text: str) -> str:
    """Text without its line breaks."""
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
