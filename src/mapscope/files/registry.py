"""Which reader and writer a file name and a noun lead to."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mapscope.errors import DataError, InputError, UnknownFormatError
from mapscope.files.address import parse_address
from mapscope.files.cover import cover_from_text, text_of_cover
from mapscope.files.findings import noted_repairs, tell
from mapscope.files.format import Cover, FolderWriter, Reader, Writer
from mapscope.files.label_map import is_marked, labels_of_volume
from mapscope.files.stream import (
    COMPRESSIONS,
    format_suffix,
    open_input,
    open_output,
    open_output_folder,
)
from mapscope.record import Source, remember
from mapscope.volume import Volume

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
_USUAL = "mrc"
_KINDS = ("volume", "labels")


@cache
def _formats() -> tuple[tuple[Reader, ...], tuple[Writer | FolderWriter, ...]]:
    """Readers and writers that the modules of this package offer, those of MRC first."""
    readers: list[Reader] = []
    writers: list[Writer | FolderWriter] = []
    package = importlib.import_module("mapscope.files")
    modules = pkgutil.iter_modules(package.__path__)
    for found in sorted(modules, key=lambda m: (m.name != _USUAL, m.name)):
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


def reader_of(path: Path) -> Reader | None:
    """The reader for a file's suffix, or None where none is known."""
    suffix = format_suffix(path)
    return next((reader for reader in _formats()[0] if suffix in reader.suffixes), None)


def read(
    path: str | os.PathLike[str],
    *,
    permissive: bool = False,
    cover: Cover | str | os.PathLike[str] | None = None,
    columns: str | None = None,
    index: int | None = None,
    assembly: str | None = None,
    kind: str | None = None,
) -> Any:
    """The noun that a file holds: a volume, labels, a structure or a table.

    Parameters
    ----------
    path : path
        The file; its suffix says the format, ``.gz`` and ``.bz2`` are looked through. The
        options below may stand behind it, as in ``"a.mtz?columns=FWT,PHWT"``, unless a file
        has that very name.
    permissive : bool
        Repair what can be repaired, with a warning for each, instead of raising.
    cover : Structure, Grid, (lower, upper), path or None
        For a crystal's map: the model (with 5 Å around it) or its file, or the box in Å
        (z, y, x) that the volume shall cover. None covers the unit cell, or what the file
        covers. Other files are not changed by it.
    columns : str, optional
        Of reflections (MTZ): the columns of amplitude and phase to make the map of, as in
        ``"FWT,PHWT"``. None takes the first pair that
        :func:`mapscope.files.reflections.map_columns` lists.
    index : int, optional
        Of a stack of volumes (MRC): which one, from 0.
    assembly : str, optional
        Of an atomic model: name of the biological assembly to build, as ``"1"``. None keeps
        the model as deposited.
    kind : {"volume", "labels"}, optional
        Of a volume: whether its numbers are density or labels. None takes labels only from
        map files that Mapscope wrote from labels.

    Returns
    -------
    Volume, Labels, Structure or Table
        As the format has it. A volume from a large plain file is a read-only memory map.

    Raises
    ------
    UnknownFormatError
        If no reader is known for the suffix, or the file is a pickle.
    MapFormatError
        If the file is not what its suffix says or is damaged.
    InputError
        If the format has no use for an option that is given, or the file not what it names.
    DataError
        If labels are asked for and the numbers are not whole.
    FileNotFoundError
        If there is no such file.
    """
    address = parse_address(path)
    asked = {
        "columns": columns,
        "index": index,
        "assembly": assembly,
        "cover": cover,
        "kind": kind,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    file = address.path
    if not file.exists():
        raise FileNotFoundError(f"there is no file {file}")
    reader = reader_of(file)
    if reader is None:
        raise UnknownFormatError(
            f"{file.name}: {_why_refused(file, format_suffix(file))}; readable are "
            f"{', '.join(readable_suffixes())}, each also with {' or '.join(COMPRESSIONS)}"
        )
    return _read(reader, file, {**address.options, **given}, permissive=permissive)


def _read(reader: Reader, file: Path, options: dict[str, Any], *, permissive: bool) -> Any:
    """The noun in an existing file, which remembers where it came from."""
    _check_options(reader, format_suffix(file), options)
    if isinstance(options.get("cover"), str | os.PathLike):
        options["cover"] = cover_from_text(options["cover"], read)
    own = {name: value for name, value in options.items() if name != "kind"}
    with noted_repairs() as repairs:
        noun = reader.read(file, permissive=permissive, **own)
    for repair in repairs:
        tell(file.name, repair)
    noun = _as_kind(noun, options.get("kind"), file)
    if "cover" in options:
        options["cover"] = text_of_cover(options["cover"])
    path = str(file.resolve())
    remember(noun, Source(path=path, repairs=tuple(map(str, repairs)), options=options))
    return noun


def _as_kind(noun: Any, kind: str | None, file: Path) -> Any:
    """A volume as labels, where it is asked for or its file says that it holds labels."""
    if not isinstance(noun, Volume) or kind == "volume":
        return noun
    if kind is None and not is_marked(noun):
        return noun
    try:
        return labels_of_volume(noun)
    except DataError as error:
        if kind is None:  # another program put density into a file of labels
            return noun
        raise DataError(f"{file.name}: {error}") from error


def _check_options(reader: Reader, suffix: str, options: Mapping[str, object]) -> None:
    """Raise where a format does not know an option that was given."""
    for name in options:
        takers = [r for r in _formats()[0] if _takes(r, name)]
        if reader not in takers:
            known = ", ".join(s for taker in takers for s in taker.suffixes)
            raise InputError(f"{name} is an option of {known}, not of {suffix}: leave it out")
    kind = options.get("kind", "volume")
    if kind not in _KINDS:
        raise InputError(f"kind is {' or '.join(_KINDS)}, got {kind!r}")


def _takes(reader: Reader, option: str) -> bool:
    """Whether a reader has a use for an option; all can be asked to cover something."""
    if option == "kind":
        return issubclass(reader.noun, Volume)
    return option in inspect.signature(reader.read).parameters


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
            if not hasattr(writer, "write_folder"):
                with open_output(file) as stream:
                    writer.write(noun, stream, suffix)
            elif file.suffix.lower() == suffix:
                with open_output_folder(file) as folder:
                    writer.write_folder(noun, folder, suffix)
            else:
                break
            return file
    known = ", ".join(writable_suffixes(type(noun))) or "nothing yet"
    raise UnknownFormatError(
        f"{file.name}: a {type(noun).__name__} cannot be written as "
        f"{suffix or 'a file without suffix'}; possible: {known}"
    )
