"""A file and how to read it in one word: ``PATH?columns=FWT,PHWT&index=3``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from mapscope.errors import InputError

OPTIONS = {
    "columns": "F,PHI of reflections",
    "index": "a number of a stack of volumes, from 0",
    "assembly": "a name, of an atomic model",
    "cover": "a model's file or Z,Y,X:Z,Y,X in Å, of a crystal's map",
    "kind": "volume or labels",
    "voxel_size": "Å, of the voxels that a list of particles counts in",
    "tomogram": "a map, RELION's tomograms.star or Z,Y,X@edge in voxels and Å, of particles",
}


@dataclass(frozen=True)
class Address:
    """A file and how it shall be read.

    Parameters
    ----------
    path : Path
        The file.
    options : mapping of str to str, int or float
        Keywords of :func:`mapscope.files.read`.
    """

    path: Path
    options: Mapping[str, str | int | float] = field(default_factory=dict)


def parse_address(text: str | os.PathLike[str]) -> Address:
    """The file and the options that a word names.

    A file of that very name comes first. Otherwise options stand behind the last ``?`` before
    which the name of a file ends, joined by ``&``; ``%26`` is an ``&`` inside a value.

    Parameters
    ----------
    text : str or path
        As ``PATH`` or ``PATH?name=value&name=value``.

    Raises
    ------
    InputError
        If what follows the file's name are no options.

    Examples
    --------
    >>> parse_address("no_such_file.mtz?columns=FWT,PHWT").path.name
    'no_such_file.mtz'
    """
    whole = os.fspath(text)
    if os.path.exists(whole):  # noqa: PTH110  Path.exists raises for a name that is too long
        return Address(Path(whole))
    for place in reversed([n for n, letter in enumerate(whole) if letter == "?"]):
        if os.path.exists(whole[:place]):  # noqa: PTH110
            path = Path(whole[:place])
            return Address(path, _options(whole[place + 1 :], path.name))
    name, _, rest = whole.partition("?")
    return Address(Path(name if "=" in rest else whole))


def _options(text: str, file_name: str) -> dict[str, str | int | float]:
    """What stands behind a file's name, checked."""
    options: dict[str, str | int | float] = {}
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if name not in OPTIONS or not value:
            known = "; ".join(f"{option}={what}" for option, what in OPTIONS.items())
            raise InputError(f"{file_name}: {part!r} is no reading option; there are {known}")
        if name in options:
            raise InputError(f"{file_name}: the option {name} stands there twice")
        options[name] = unquote(value)
    if "index" in options:
        options["index"] = _whole_number(str(options["index"]), file_name)
    if "voxel_size" in options:
        options["voxel_size"] = _size(str(options["voxel_size"]), file_name)
    return options


def _size(text: str, file_name: str) -> float:
    """The size that a text is."""
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{file_name}: voxel_size={text} is no number of Å") from None


def _whole_number(text: str, file_name: str) -> int:
    """The number that a text is."""
    if not text.isascii() or not text.isdigit():
        raise InputError(f"{file_name}: index={text} is no whole number from 0")
    return int(text)
