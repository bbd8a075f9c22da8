"""Numbers that went through a conversion, without its rounding errors."""

from __future__ import annotations

import numpy as np

from mapscope.volume import Array

_DECIMALS = 6
_ULPS, _LEAST = 16, 64.0


def tidied(values: Array) -> Array:
    """The same numbers, those within rounding errors of six decimals at these decimals.

    Voxels and degrees that came from such text and were turned into Å and matrices go back to
    that text; all others keep every digit.
    """
    numbers = np.asarray(values, np.float64)
    with np.errstate(invalid="ignore"):
        short = np.round(numbers, _DECIMALS)
        noise = _ULPS * np.spacing(np.maximum(np.abs(numbers), _LEAST))
        is_near = np.abs(numbers - short) <= noise
    result: Array = np.where(is_near, short, numbers) + 0.0
    return result


def digits(values: Array) -> list[str]:
    """Tidied numbers as text, whole ones without a point.

    Examples
    --------
    >>> digits(np.array([513.3330000000001, 1 / 3, -0.0]))
    ['513.333', '0.3333333333333333', '0']
    """
    return [repr(value).removesuffix(".0") for value in tidied(values).tolist()]
