"""Numbers of an edit as text: short ones as lists, long ones compressed."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from mapscope.errors import DataError
from mapscope.volume import Array

MOST_PLAIN = 64
"""From this many numbers on an array is compressed."""

MOST_GROWTH = 1100
"""zlib packs at most about 1,030 bytes into one: a text that promises more is damaged."""

TEXT = "text"
DTYPES = ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8")


class DamagedEditError(DataError):
    """An edit in a log that cannot be what was written."""


def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of a type of numbers in a log; every text is ``"text"``."""
    if dtype.kind in "OUST":
        return TEXT
    name = dtype.newbyteorder("<").str
    if name not in DTYPES:
        raise DataError(f"columns of {dtype} cannot be edited: use numbers, flags or text")
    return name


def dtype_from(name: object) -> np.dtype[Any]:
    """The type that a log names; text is held as Python strings."""
    if name == TEXT:
        return np.dtype(object)
    if name not in DTYPES:
        raise DamagedEditError(f"a column of unknown type {name!r}")
    return np.dtype(str(name))


def to_text(values: Array) -> Any:
    """An array as JSON holds it: a list, or a dictionary with its bytes compressed."""
    if values.dtype.kind == "O":
        return [str(value) for value in values.tolist()]
    is_finite = values.dtype.kind != "f" or not np.isinf(values).any()
    if values.size <= MOST_PLAIN and is_finite:
        return _without_nan(values)
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    packed = base64.b64encode(zlib.compress(little.tobytes(), 3)).decode("ascii")
    return {"dtype": little.dtype.str, "shape": list(values.shape), "zlib": packed}


def _without_nan(values: Array) -> Any:
    """Nested lists, None for NaN."""
    if values.dtype.kind == "f" and np.isnan(values).any():
        plain = values.astype(object)
        plain[np.isnan(values)] = None
        return plain.tolist()
    return values.tolist()


def from_text(text: Any, dtype: np.dtype[Any], shape: Sequence[int]) -> Array:
    """The array that a text stands for.

    Parameters
    ----------
    text : list or dict
        As `to_text` gave it.
    dtype : dtype
        What the numbers must be.
    shape : sequence of int
        What the shape must be; -1 for the first size that is not known.

    Raises
    ------
    DamagedEditError
        If the text is something else.
    """
    if isinstance(text, dict):
        return _unpacked(text, dtype, shape)
    try:
        values = np.asarray(text, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise DamagedEditError(f"numbers of an edit are damaged ({error})") from error
    if values.size == 0 and shape[0] <= 0:
        values = values.reshape(0, *shape[1:])
    if dtype.kind == "O" and not all(isinstance(value, str) for value in values.ravel()):
        raise DamagedEditError("a text of an edit is no text")
    return _checked_shape(values, shape)


def _unpacked(text: dict[str, Any], dtype: np.dtype[Any], shape: Sequence[int]) -> Array:
    """The array behind compressed bytes, never larger than those bytes can hold."""
    size, packed = text.get("shape"), text.get("zlib")
    if dtype.kind == "O" or text.get("dtype") != dtype.newbyteorder("<").str:
        raise DamagedEditError(f"an edit holds {text.get('dtype')!r} where {dtype} belongs")
    if not isinstance(packed, str) or not isinstance(size, list):
        raise DamagedEditError("an edit lacks its numbers")
    if not all(type(n) is int and n >= 0 for n in size):
        raise DamagedEditError(f"an edit has an impossible shape {size}")
    wanted = math.prod(size) * dtype.itemsize
    if wanted > MOST_GROWTH * len(packed):
        raise DamagedEditError(f"an edit promises {wanted} bytes and cannot hold them")
    try:
        inflate = zlib.decompressobj()
        content = inflate.decompress(base64.b64decode(packed, validate=True), wanted + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise DamagedEditError(f"numbers of an edit are damaged ({error})") from error
    if len(content) != wanted or not inflate.eof:
        raise DamagedEditError(f"an edit holds {len(content)} bytes instead of {wanted}")
    little = dtype.newbyteorder("<")
    return _checked_shape(np.frombuffer(content, little).reshape(size).astype(dtype), shape)


def _checked_shape(values: Array, shape: Sequence[int]) -> Array:
    """The array, if its shape is the one that belongs there."""
    fits = values.ndim == len(shape) and values.shape[1:] == tuple(shape[1:])
    if not fits or shape[0] not in (-1, len(values)):
        raise DamagedEditError(f"an edit has numbers of shape {values.shape}, not {tuple(shape)}")
    return values
