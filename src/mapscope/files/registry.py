"""Which reader and writer a file name and a noun lead to."""

from __future__ import annotations

import importlib
import os
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any

from mapscope.errors import UnknownFormatError
from mapscope.files.format import Cover, Reader, Writer
from mapscope.files.stream import COMPRESSIONS, format_suffix, open_input, open_output
from mapscope.record import Source, remember

_PICKLE = "pickled Python objects can run anything when opened and are never read"
_REFUSED = {
    ".mrcs": "stacks of images are not maps and cannot be opened yet",
    ".st": "tilt series are stacks of images, not maps, and cannot be opened yet",
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".tloc": _PICKLE,
    ".joblib": _PICKLE,
    ".pt": _PICKLE,
    ".pth": _PICKLE,
}


@cache
def _formats() -> tuple[tuple[Reader, ...], tuple[Writer, ...]]:
    """Readers and writers that the modules of this package offer."""
    readers: list[Reader] = []
    writers: list[Writer] = []
    package = importlib.import_module("mapscope.files")
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        module = importlib.import_module(f"mapscope.files.{found.name}")
        readers += getattr(module, "READERS", ())
        writers += getattr(module, "WRITERS", ())
    return tuple(readers), tuple(writers)


def readable_suffixes() -> tuple[str, ...]:
    """Suffixes that :func:`read` knows; each may be followed by ``.gz`` or ``.bz2``."""
    return tuple(sorted({suffix for reader in _formats()[0] for suffix in reader.suffixes}))


def writable_suffixes(noun: type) -> tuple[str, ...]:
    """Suffixes under which :func:`write` writes a noun of this type, the usual one first.

    Each may be followed by ``.gz`` or ``.bz2``. Empty where no writer is known.
    """
    found = [s for w in _formats()[1] if issubclass(noun, w.nouns) for s in w.suffixes]
    return tuple(dict.fromkeys(found))


def read(
    path: str | os.PathLike[str], *, permissive: bool = False, cover: Cover | None = None
) -> Any:
    """The noun that a file holds: a volume, a structure or a table.

    Parameters
    ----------
    path : path
        The file; its suffix says the format, ``.gz`` and ``.bz2`` are looked through.
    permissive : bool
        Repair what can be repaired, with a warning for each, instead of raising.
    cover : Structure, Grid, (lower, upper) or None
        For a crystal's map: the model (with 5 Å around it), or the box in Å (z, y, x) that
        the volume shall cover. None covers the unit cell, or what the file covers. Other
        files are not changed by it.

    Returns
    -------
    Volume, Structure or Table
        As the format has it. A volume from a large plain file is a read-only memory map.

    Raises
    ------
    UnknownFormatError
        If no reader is known for the suffix, or the file is a pickle.
    MapFormatError
        If the file is not what its suffix says or is damaged.
    FileNotFoundError
        If there is no such file.
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"there is no file {file}")
    suffix = format_suffix(file)
    for reader in _formats()[0]:
        if suffix in reader.suffixes:
            noun = reader.read(file, permissive=permissive, cover=cover)
            if cover is None and not permissive:
                remember(noun, Source(path=str(file.resolve())))
            return noun
    raise UnknownFormatError(
        f"{file.name}: {_why_refused(file, suffix)}; readable are "
        f"{', '.join(readable_suffixes())}, each also with {' or '.join(COMPRESSIONS)}"
    )


def _why_refused(file: Path, suffix: str) -> str:
    """Why no reader takes this file."""
    if suffix in _REFUSED:
        return _REFUSED[suffix]
    if file.is_dir():
        return "this is a folder"
    with open_input(file) as stream:
        start = stream.read(2)
    if start[:1] == b"\x80" and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _PICKLE
    return f"no reader is known for {suffix!r}" if suffix else "the name has no suffix"


def write(path: str | os.PathLike[str], noun: Any) -> Path:
    """The path of the file to which a noun was written, in the format that its suffix says.

    The file appears only once it is complete; an older one of that name is replaced.
    Equal nouns give equal bytes.

    Parameters
    ----------
    path : path
        Where to; ``.gz`` or ``.bz2`` after the format's suffix compresses.
    noun : Volume, Labels, Structure or Table
        What to write.

    Raises
    ------
    UnknownFormatError
        If no writer is known for this kind of noun under this suffix.
    FileNotFoundError
        If the folder does not exist.
    MapscopeError
        If the format has no room for what the noun holds.
    """
    file = Path(path)
    suffix = format_suffix(file)
    for writer in _formats()[1]:
        if suffix in writer.suffixes and isinstance(noun, writer.nouns):
            with open_output(file) as stream:
                writer.write(noun, stream, suffix)
            return file
    known = ", ".join(writable_suffixes(type(noun))) or "nothing yet"
    raise UnknownFormatError(
        f"{file.name}: a {type(noun).__name__} cannot be written as "
        f"{suffix or 'a file without suffix'}; possible: {known}"
    )
