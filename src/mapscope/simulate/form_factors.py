"""How atoms scatter electrons and X-rays: sums of Gaussians from gemmi's tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

Radiation: TypeAlias = Literal["electrons", "x_rays"]
Floats: TypeAlias = npt.NDArray[np.float64]
Forms: TypeAlias = Callable[[Floats], Floats]
"""Scattering of kinds of atoms at frequencies in 1/Å (points,), as (kinds, points)."""

VOLTS = 47.877645
"""V Å² per Å: what a density of electron scattering in Å⁻² is multiplied by to give volts.

``h² / (2π m e)``, from the CODATA values of 2018.
"""

MOTT_BETHE = 1 / (2 * math.pi**2 * 0.529177210903)
"""1/Å: electrons scatter by ``MOTT_BETHE (Z - f_x) / s²``, s = 1/d; one over 2π² Bohr radii."""

_UNKNOWN = "X"
_SMALL = 1e-3


def electrons(elements: Iterable[str]) -> tuple[Floats, Floats]:
    """Scattering factors for electrons as sums of five Gaussians.

    ``f(s) = Σ a exp(-b s²/4)`` in Å, for frequencies s = 1/d in 1/Å up to 4 (sin θ/λ up to 2).

    Parameters
    ----------
    elements : iterable of str
        Symbols, such as those of a structure.

    Returns
    -------
    a, b : float64 arrays (n, 5)
        Å and Å².

    Raises
    ------
    InputError
        If an element is unknown or has no entry.

    References
    ----------
    Peng, Ren, Dudarev & Whelan (1996) Acta Cryst. A52, 257, table 1 (International Tables C,
    table 4.3.2.2), as in gemmi's ``c4322``.
    """
    return _gaussians(elements, "electrons")


def x_rays(elements: Iterable[str]) -> tuple[Floats, Floats]:
    """Scattering factors for X-rays as sums of four Gaussians and a constant.

    ``f(s) = Σ a exp(-b s²/4)`` in electrons, for frequencies s = 1/d in 1/Å up to 4; the
    constant is a Gaussian of b = 0.

    Parameters
    ----------
    elements : iterable of str
        Symbols, such as those of a structure.

    Returns
    -------
    a, b : float64 arrays (n, 5)
        Electrons and Å².

    Raises
    ------
    InputError
        If an element is unknown or has no entry.

    References
    ----------
    International Tables C (1992), table 6.1.1.4, as in gemmi's ``IT92``.
    """
    return _gaussians(elements, "x_rays")


def of_kinds(
    elements: npt.NDArray[np.str_], radiation: Radiation
) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Gaussians of each kind of element, (kinds, 5) twice, and which kind each atom is, (n,).

    Raises
    ------
    InputError
        If an element is unknown or has no entry, naming it and how many atoms it has.
    """
    names, which, count = np.unique(elements, return_inverse=True, return_counts=True)
    rows = [_row(str(name), radiation) for name in names]
    missing = {str(n): int(c) for n, c, row in zip(names, count, rows, strict=True) if row is None}
    if missing:
        raise InputError(f"no scattering factor is known for {_listed(missing)}")
    table = np.array(rows, dtype=np.float64).reshape(len(names), 2, 5)
    return table[:, 0], table[:, 1], which


def _gaussians(elements: Iterable[str], radiation: Radiation) -> tuple[Floats, Floats]:
    """Amplitudes and widths of each atom."""
    a, b, which = of_kinds(np.asarray(list(elements), dtype=np.str_), radiation)
    return a[which], b[which]


def _listed(missing: Mapping[str, int]) -> str:
    """Elements and numbers of their atoms, and what to do about them."""
    listed = ", ".join(
        f"{name} ({number} {'atom' if number == 1 else 'atoms'})"
        for name, number in missing.items()
    )
    return (
        f"the element {listed}: correct the element in the file, or leave these atoms out by a "
        "selection"
    )


def _row(name: str, radiation: Radiation) -> list[list[float]] | None:
    """Five amplitudes and five widths of an element, None where it is not in the table."""
    import gemmi

    element = gemmi.Element(name)
    found = element.c4322 if radiation == "electrons" else element.it92
    if element.name == _UNKNOWN or found is None:
        return None
    numbers = list(found.get_coefs())
    if radiation == "x_rays":
        numbers = [*numbers[:4], numbers[8], *numbers[4:8], 0.0]
    return [numbers[:5], numbers[5:]]


def atomic_numbers(elements: Iterable[str]) -> Floats:
    """Atomic number of each element, (n,).

    Raises
    ------
    InputError
        If an element is unknown.
    """
    return _of_elements(elements, "atomic_number")


def masses(elements: Iterable[str]) -> Floats:
    """Mass of each element in Da, (n,).

    Raises
    ------
    InputError
        If an element is unknown.
    """
    return _of_elements(elements, "weight")


def _of_elements(elements: Iterable[str], what: str) -> Floats:
    """A property of gemmi's elements for each atom."""
    import gemmi

    texts = elements if isinstance(elements, np.ndarray) else np.array(list(elements), np.str_)
    names, which, count = np.unique(texts, return_inverse=True, return_counts=True)
    known = [gemmi.Element(str(name)) for name in names]
    missing = {
        str(name): int(number)
        for name, number, element in zip(names, count, known, strict=True)
        if element.atomic_number == 0
    }
    if missing:
        raise InputError(f"nothing is known of {_listed(missing)}")
    return np.array([float(getattr(element, what)) for element in known])[which]


def at_frequencies(a: Floats, b: Floats, s: Floats) -> Floats:
    """Sums of Gaussians (n, k) at frequencies in 1/Å, (n, points)."""
    return np.asarray(np.einsum("nk,nks->ns", a, np.exp(-b[..., None] * s**2 / 4)))


def mott_bethe_of_hydrogen(s: Floats) -> Floats:
    """How a hydrogen scatters electrons, from how it scatters X-rays, in Å, (1, points).

    ``MOTT_BETHE (1 - f_x(s)) / s²``; where s is small, the first terms of its series.
    """
    a, b = x_rays(["H"])
    # The table's amplitudes add up to 1 but for their last digit, which 1/s² would make large.
    a = a / a.sum()
    small = s < _SMALL
    squares = np.where(small, 1.0, s**2)
    exact = (1 - at_frequencies(a, b, s)) / squares
    series = (a * b).sum() / 4 - (a * b**2).sum() / 32 * s**2
    return np.asarray(MOTT_BETHE * np.where(small, series, exact))
