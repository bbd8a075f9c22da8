"""Which reader and writer a file name and a noun lead to."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mapscope.errors import DataError, InputError, UnknownFormatError
from mapscope.files.address import parse_address
from mapscope.files.cover import cover_from_text, text_of_cover
from mapscope.files.findings import Repair, noted_repairs, tell
from mapscope.files.format import Cover, FolderWriter, Reader, Writer
from mapscope.files.label_map import is_marked, labels_of_volume
from mapscope.files.particles import SelfCheck, checked_content, format_for, format_named
from mapscope.files.particles.frame import tomogram_from
from mapscope.files.stream import (
    COMPRESSIONS,
    format_suffix,
    open_input,
    open_output,
    open_output_folder,
    read_up_to,
)
from mapscope.grid import Grid
from mapscope.particles import Particles
from mapscope.record import Source, remember
from mapscope.volume import Volume

_PICKLE = "pickled Python objects can run anything when opened and are never read"
_REFUSED = {
    ".mrcs": "stacks of images are not maps and cannot be opened yet",
    ".st": "tilt series are stacks of images, not maps, and cannot be opened yet",
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".tloc": _PICKLE,
    ".tumap": _PICKLE,
    ".temb": _PICKLE,
    ".joblib": _PICKLE,
    ".pt": _PICKLE,
    ".pth": _PICKLE,
}
_USUAL = "mrc"
_LOG = logging.getLogger(__name__)
_HEAD_BYTES = 65536
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
    """The reader for a file's suffix, or None where none is known.

    Where several share a suffix, the first that says that the file is its own, or else one that
    does not look.
    """
    suffix = format_suffix(path)
    fitting = [reader for reader in _formats()[0] if suffix in reader.suffixes]
    claiming = [reader for reader in fitting if hasattr(reader, "claims")]
    if len(fitting) > 1 and claiming and path.is_file():
        with open_input(path) as stream:
            head = bytes(read_up_to(stream, _HEAD_BYTES))
        for reader in claiming:
            if reader.claims(head):
                return reader
    plain = [reader for reader in fitting if reader not in claiming]
    return next(iter([*plain, *claiming]), None)


def read(
    path: str | os.PathLike[str],
    *,
    permissive: bool = False,
    cover: Cover | str | os.PathLike[str] | None = None,
    columns: str | None = None,
    index: int | None = None,
    assembly: str | None = None,
    kind: str | None = None,
    voxel_size: float | None = None,
    tomogram: Volume | Grid | str | os.PathLike[str] | None = None,
) -> Any:
    """The noun that a file holds: a volume, labels, a structure, particles or a table.

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
    voxel_size : float, optional
        Of particles: edge in Å of the voxels that the file counts in. None takes the file's
        word, or else the tomogram's voxels.
    tomogram : Volume, Grid, str or path, optional
        Of particles: the tomogram that they lie in, its file, RELION's ``tomograms.star``, or
        its size in voxels and their edge in Å as ``"Z,Y,X@edge"``.

    Returns
    -------
    Volume, Labels, Structure, Particles or Table
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
        "voxel_size": voxel_size,
        "tomogram": tomogram,
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
    if "tomogram" in options:
        size = options.get("voxel_size")
        own["tomogram"], options["tomogram"] = tomogram_from(options["tomogram"], read, size)
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
            known = ", ".join(dict.fromkeys(s for taker in takers for s in taker.suffixes))
            shared = f"this {suffix}" if suffix in known.split(", ") else suffix
            raise InputError(f"{name} is an option of {known}, not of {shared}: leave it out")
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


def write(path: str | os.PathLike[str], noun: Any, *, file_format: str | None = None) -> Path:
    """The path of the file to which a noun was written, in the format that its suffix says.

    The file appears only once it is complete; an older one of that name is replaced.
    Equal nouns give equal bytes. Particles are read back before the file is kept, and what the
    format has no room for is told as a :class:`mapscope.files.FileWarning`.

    Parameters
    ----------
    path : path
        Where to; ``.gz`` or ``.bz2`` after the format's suffix compresses.
    noun : Volume, Labels, Structure, Particles or Table
        What to write.
    file_format : str, optional
        Of particles: which of the formats that share a suffix
        (:func:`mapscope.files.particles.format_names`). None takes the one that stands in the
        name (``picks.relion4.star``), or else the one that they came from.

    Raises
    ------
    UnknownFormatError
        If no writer is known for this kind of noun under this suffix.
    FileNotFoundError
        If the folder does not exist.
    DataError
        If a particle would be somewhere else in the file; the message says by how much.
    MapscopeError
        If the format has no room for what the noun holds.
    """
    written, check = write_and_check(path, noun, file_format=file_format)
    if check is not None and check.lost:
        what = f"{written.name} has no room for {', '.join(check.lost)}"
        tell(written.name, Repair("lost", what, "written without"))
    return written


def write_and_check(
    path: str | os.PathLike[str], noun: Any, *, file_format: str | None = None
) -> tuple[Path, SelfCheck | None]:
    """As `write`, with what the file made of particles in place of a warning; else None."""
    file = Path(path)
    suffix = format_suffix(file)
    if isinstance(noun, Particles) and suffix in writable_suffixes(Particles):
        return file, _write_particles(file, noun, suffix, file_format)
    if file_format is not None:
        raise InputError(f"{file.name}: file_format is an option of particles: leave it out")
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
            return file, None
    known = ", ".join(writable_suffixes(type(noun))) or "nothing yet"
    raise UnknownFormatError(
        f"{file.name}: a {type(noun).__name__} cannot be written as "
        f"{suffix or 'a file without suffix'}; possible: {known}"
    )


def _write_particles(
    file: Path, particles: Particles, suffix: str, file_format: str | None
) -> SelfCheck:
    """Write particles if the file keeps them where they are, and what it has no room for."""
    chosen = format_for(particles, suffix, file.name)
    if file_format is not None:
        chosen = format_named(file_format)
        if suffix not in chosen.suffixes:
            raise UnknownFormatError(
                f"{file.name}: {chosen.title} is written as {' or '.join(chosen.suffixes)}"
            )
    content, check = checked_content(particles, chosen, suffix)
    _LOG.info("%s: %s, %s", file.name, chosen.title, check)
    with open_output(file) as stream:
        stream.write(content)
    return check
