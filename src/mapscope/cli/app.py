"""The whole command line: from its words to its exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError
from cyclopts import Parameter as Option

from mapscope import __version__
from mapscope.cli.command import command_of
from mapscope.cli.models import models_app
from mapscope.cli.start import without_collecting
from mapscope.cli.terminal import (
    CANCELLED,
    DONE,
    FAILED,
    WRONG_INPUT,
    complain,
    heed_interrupts,
    one_line,
    progress_here,
    was_interrupted,
)
from mapscope.errors import Cancelled, MapscopeError
from mapscope.jobs import all_jobs, family_title
from mapscope.progress import JsonLines, wants_lines

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
    heed_interrupts()
    if not wants_lines():
        return _run(arguments)
    lines = JsonLines(sys.stderr)
    lines.begin(arguments[0] if arguments else "")
    code = _run(arguments)
    lines.end(code)
    return code


def _run(arguments: list[str]) -> int:
    """Run one command line; every error becomes a line and an exit code."""
    try:
        with without_collecting():
            app = build_app()
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except (KeyboardInterrupt, Cancelled):
        return complain("cancelled", CANCELLED)
    except (CycloptsError, MapscopeError, *WRONG_PATH) as error:
        return complain(one_line(error), WRONG_INPUT)
    except SystemExit as stop:
        return int(stop.code or 0)
    except Exception as error:  # noqa: BLE001  the last resort: one line, not a traceback
        if was_interrupted():
            return complain("cancelled", CANCELLED)
        if os.environ.get("MAPSCOPE_DEBUG"):
            traceback.print_exc()
        return complain(f"{type(error).__name__}: {one_line(error)}", FAILED)
    return code if isinstance(code, int) else DONE


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
        command = command_of(job)
        app.command(command, name=job.name.replace("_", "-"), group=family_title(job.family))
    app.command(_info, name="info", group="Files")
    app.command(models_app())
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

    found = inspect_file(path, partner, progress=progress_here())
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
