"""What a crystal's map shall cover, as a text that a command and a record can hold."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from mapscope.errors import InputError
from mapscope.files.crystal import box_of
from mapscope.files.format import Cover
from mapscope.record import source_of
from mapscope.structure import Structure

_CORNER = ",".join([r"\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*"] * 3)
_BOX = re.compile(f"{_CORNER}:{_CORNER}")


def cover_from_text(text: str | os.PathLike[str], read: Callable[..., Any]) -> Cover:
    """The model in a file, or the box that ``Z,Y,X:Z,Y,X`` (lower and upper corner, Å) is.

    Parameters
    ----------
    text : str or path
        A file's address, or a box.
    read : callable
        Gives the noun in a file.

    Raises
    ------
    InputError
        If the file holds no atomic model.
    """
    found = _BOX.fullmatch(os.fspath(text))
    if found is not None:
        z, y, x, end_z, end_y, end_x = (float(number) for number in found.groups())
        return (z, y, x), (end_z, end_y, end_x)
    noun = read(text)
    if not isinstance(noun, Structure):
        kind = type(noun).__name__.lower()
        raise InputError(f"a map can cover an atomic model, but {text} holds a {kind}")
    return noun


def text_of_cover(cover: Cover) -> str:
    """The address of the file that a model came from, or else the box itself.

    Examples
    --------
    >>> text_of_cover(((0, 0, -1.5), (10, 20, 30)))
    '0.0,0.0,-1.5:10.0,20.0,30.0'
    """
    if isinstance(cover, Structure):
        address = source_of(cover).address
        if address is not None:
            return address
    corners = (",".join(repr(float(n)) for n in corner) for corner in box_of(cover))
    return ":".join(corners)
