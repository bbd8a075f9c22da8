"""Labels in map files: whole numbers that are regions, with names and colours in the header."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

import numpy as np

from mapscope.errors import DataError
from mapscope.labels import IGNORE, Labels
from mapscope.volume import Array, Triple, Volume

MARK = b"Mapscope labels"
MOST_DISTINCT = 1000
_LINE = re.compile(rb"Mapscope label (-?\d+) (?:#([0-9a-f]{6})|-)(?: (.+))?")
_PLAIN_NAME = re.compile(r"[!-~]+( +[!-~]+)*")
_MOST_LINES, _LINE_BYTES = 10, 80
_SAMPLE = 500_000

_log = logging.getLogger(__name__)


def header_lines(labels: Labels) -> tuple[bytes, ...]:
    """Text labels of a map file that say that it holds labels, with names and colours.

    There is room for nine names of about 60 ASCII letters; where they do not all fit, none is
    written.
    """
    numbers = sorted({*labels.names, *labels.colors})
    lines = [_line(n, labels) for n in numbers]
    fits = all(line is not None and len(line) <= _LINE_BYTES for line in lines)
    if not fits or len(lines) >= _MOST_LINES:
        _log.warning("names and colours of %d labels have no room in a map file", len(numbers))
        return (MARK,)
    return (MARK, *(line for line in lines if line is not None))


def _line(number: int, labels: Labels) -> bytes | None:
    """Name and colour of one label, or None where the name is no plain text."""
    name = labels.names.get(number)
    if name is not None and not _PLAIN_NAME.fullmatch(name):
        return None
    color = "-"
    if number in labels.colors:
        color = "#" + "".join(f"{round(255 * part):02x}" for part in labels.colors[number])
    return f"Mapscope label {number} {color}{f' {name}' if name else ''}".encode()


def without_marks(lines: Iterable[bytes]) -> tuple[bytes, ...]:
    """Text labels of a map file without those that say that it holds labels."""
    return tuple(line for line in lines if line != MARK and not _LINE.fullmatch(line))


def is_marked(volume: Volume) -> bool:
    """Whether the file that a volume came from says that it holds labels."""
    return volume.header is not None and MARK in volume.header.labels


def labels_of_volume(volume: Volume) -> Labels:
    """The labels that a volume's whole numbers are, with the names in its header.

    Raises
    ------
    DataError
        If a number is not whole or below -1.
    """
    data = _whole(volume.data)
    names: dict[int, str] = {}
    colors: dict[int, Triple] = {}
    for line in volume.header.labels if volume.header is not None else ():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        number, color, name = int(found[1]), found[2], found[3]
        if color is not None:
            red, green, blue = (part / 255 for part in bytes.fromhex(color.decode()))
            colors[number] = (red, green, blue)
        if name is not None:
            names[number] = name.decode("ascii", "replace")
    return Labels(data, volume.voxel_size, volume.origin, names, colors)


def _whole(data: Array) -> Array:
    """The same numbers as integers of at least -1."""
    if data.dtype.kind in "iu":
        whole = np.asarray(data)
    elif data.dtype.kind == "b":
        whole = np.asarray(data, dtype=np.uint8)
    else:
        floats = np.asarray(data)
        whole = np.empty(floats.shape, np.int32)
        for section, given in zip(whole, floats, strict=True):
            if not (np.abs(given) < 2**31).all() or not (given == np.trunc(given)).all():
                raise DataError("labels are whole numbers, and these are not: read it as a volume")
            section[:] = given
    if whole.dtype.kind == "i" and whole.size and int(whole.min()) < IGNORE:
        raise DataError(
            f"labels are numbers from {IGNORE} (ignore) upwards, got {int(whole.min())}: read it "
            "as a volume"
        )
    return whole


def looks_like_labels(volume: Volume) -> bool:
    """Whether a volume holds few distinct whole numbers, none below 0, by an even sample."""
    step = max(1, round((volume.data.size / _SAMPLE) ** (1 / 3)))
    values = np.asarray(volume.data[::step, ::step, ::step]).ravel()
    if values.dtype.kind == "f" and not (values == np.trunc(values)).all():
        return False
    distinct = np.unique(values)
    return bool(distinct[0] >= 0) and 1 < len(distinct) <= min(MOST_DISTINCT, values.size // 4)
