"""The file that a report is written to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapscope.errors import UnknownFormatError
from mapscope.files.stream import open_output

SUFFIX = ".html"


def write_report(path: str | Path, result: Any) -> Path:
    """The path of the page to which everything that a job returned was written.

    One file without anything from outside: it opens from a mail attachment, in a light or dark
    theme, on a phone and on paper. Numbers stand with what the docstrings of their dataclass say
    of them, tables with their plots, maps and models with what they are; at the end stands the
    record, with the command to repeat it and the papers to cite. Equal results give equal bytes.

    Parameters
    ----------
    path : str or Path
        Where to, ending in ``.html``. An older file of that name is replaced.
    result : noun or dataclass of nouns and numbers
        What a job returned.

    Raises
    ------
    UnknownFormatError
        If the suffix is another one.
    InputError
        If it is not what a job returns.
    FileNotFoundError
        If the folder does not exist.
    """
    file = Path(path)
    check_report(file)
    from mapscope.files.report.page import report_of

    text = report_of(result)
    with open_output(file) as stream:
        stream.write(text.encode("utf-8"))
    return file


def check_report(path: Path) -> None:
    """Raise unless a file of that name can be a report.

    Raises
    ------
    UnknownFormatError
        If the suffix is not ``.html``: no mail program opens one behind ``.gz``.
    """
    if path.suffix.lower() != SUFFIX:
        raise UnknownFormatError(f"{path.name}: a report ends in {SUFFIX} and is not compressed")
