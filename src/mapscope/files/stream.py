"""Byte streams: compressed files looked through, and files that appear only when complete."""

from __future__ import annotations

import bz2
import ctypes
import gzip
import os
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mapscope.errors import InputError, MapFormatError

COMPRESSIONS = (".gz", ".bz2")
_ZARR_FILES = ("zarr.json", ".zgroup", ".zattrs")
_CHUNK = 16 * 2**20
_MOST_GROWTH = 100
_LEAST_LIMIT = 2**20
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
_AT_FDCWD_LINUX, _AT_FDCWD_MACOS = -100, -2
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS


def format_suffix(path: Path) -> str:
    """Suffix that names the format, in lower case and without the compression's.

    Examples
    --------
    >>> format_suffix(Path("emd_3001.MAP.gz"))
    '.map'
    """
    name = path.name.lower()
    for ending in COMPRESSIONS:
        name = name.removesuffix(ending)
    return Path(name).suffix


def compression_of(path: Path) -> str:
    """``".gz"``, ``".bz2"`` or ``""``: how the bytes of an existing file are compressed."""
    with path.open("rb") as file:
        start = file.read(3)
    if start[:2] == b"\x1f\x8b":
        return ".gz"
    return ".bz2" if start == b"BZh" else ""


@contextmanager
def open_input(path: Path) -> Iterator[BinaryIO]:
    """Stream of a file's bytes, uncompressed, whatever its name says about compression.

    Raises
    ------
    MapFormatError
        If compressed bytes are damaged or end early.
    """
    compression = compression_of(path)
    try:
        if compression == ".gz":
            with gzip.open(path, "rb") as unzipped:
                yield cast("BinaryIO", unzipped)
        elif compression == ".bz2":
            with bz2.open(path, "rb") as unzipped:
                yield cast("BinaryIO", unzipped)
        else:
            with path.open("rb") as file:
                yield file
    except (*_DAMAGE, OSError) as error:
        if not compression or getattr(error, "errno", None) is not None:
            raise
        damage = MapFormatError(
            f"{path.name}: the compressed data are damaged or end early ({error}); "
            "fetch or copy the file again"
        )
        damage.code = "truncated"
        raise damage from error


def read_up_to(stream: BinaryIO, count: int) -> bytearray:
    """The next `count` bytes, or as many as there are; memory grows only with what came."""
    data = bytearray()
    while len(data) < count:
        chunk = stream.read(min(_CHUNK, count - len(data)))
        if not chunk:
            break
        data += chunk
    return data


def read_content(path: Path) -> bytes:
    """All bytes of a file, uncompressed, for formats that are text.

    Raises
    ------
    MapFormatError
        If compressed text grows more than a hundredfold: no atomic model or table does.
    """
    most = path.stat().st_size
    if compression_of(path):
        most = max(_MOST_GROWTH * most, _LEAST_LIMIT)
    with open_input(path) as stream:
        content = read_up_to(stream, most + 1)
    if len(content) > most:
        raise MapFormatError(
            f"{path.name}: over {most} bytes come out of {path.stat().st_size} compressed ones, "
            "which no text does: do not trust this file"
        )
    return bytes(content)


def read_text(path: Path) -> str:
    """Text of a file, uncompressed; bytes that are not UTF-8 are read as Latin-1.

    Raises
    ------
    MapFormatError
        As `read_content`.
    """
    content = read_content(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


@contextmanager
def open_output(path: Path) -> Iterator[BinaryIO]:
    """Stream to a file that takes its place only once everything is written.

    Bytes go to a hidden file beside it, which is compressed as the name of `path` says and
    removed when anything goes wrong, so that an older file stays as it was.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist: make it first")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            with _compressed(file, path.suffix.lower()) as stream:
                yield stream
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def open_output_folder(path: Path) -> Iterator[Path]:
    """Empty folder that takes its place only once everything in it is written.

    An older folder is there, whole, until the new one is: the system exchanges the two in one
    step. Where it cannot (Windows, some network file systems) they are renamed one after the
    other, and a process killed between the two leaves the older one beside it, hidden, under a
    name that ends in ``.old``.

    Raises
    ------
    FileNotFoundError
        If the folder around it does not exist.
    InputError
        If something else than a Zarr folder has that name: it is never removed.
    """
    path = path.resolve()  # behind a link, the folder is replaced and the link stays
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist: make it first")
    if path.exists() and not any((path / name).is_file() for name in _ZARR_FILES):
        raise InputError(f"{path} exists and is no Zarr folder: take another name or remove it")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    shutil.rmtree(temporary, ignore_errors=True)  # of a killed process of this number
    try:
        temporary.mkdir()
        yield temporary
        if not path.exists():
            temporary.rename(path)
        elif not _exchanged(temporary, path):
            _replace_by_two_renames(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _exchanged(first: Path, second: Path) -> bool:
    """Whether the system made each of two paths stand for what the other one was, in one step."""
    calls = {"linux": ("renameat2", _AT_FDCWD_LINUX), "darwin": ("renameatx_np", _AT_FDCWD_MACOS)}
    if sys.platform not in calls:
        return False
    name, here = calls[sys.platform]
    try:
        exchange = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return False
    paths = (os.fsencode(first), os.fsencode(second))
    types = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    exchange.argtypes = types
    return bool(exchange(here, paths[0], here, paths[1], _EXCHANGE) == 0)


def _replace_by_two_renames(new: Path, path: Path) -> None:
    """Put a folder in the place of another one, which comes back if that fails."""
    older = path.with_name(f".{path.name}.{os.getpid()}.old")
    path.rename(older)
    try:
        new.rename(path)
    except OSError:
        older.rename(path)
        raise
    shutil.rmtree(older, ignore_errors=True)


@contextmanager
def _compressed(file: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    """Stream that compresses into `file`; without a time or name, so bytes repeat."""
    if suffix == ".gz":
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as zipped:
            yield cast("BinaryIO", zipped)
    elif suffix == ".bz2":
        with bz2.open(file, "wb") as zipped:
            yield cast("BinaryIO", zipped)
    else:
        yield file
