"""Species and tomograms of two lists as numbers, equal for equal names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.particles import TOMOGRAM, Particles

ANY = "particle"
"""What particles are where one of the lists does not say."""


@dataclass(frozen=True, eq=False)
class Groups:
    """The names that two lists of particles share out among their rows.

    Parameters
    ----------
    names : tuple of str
        All names, sorted.
    picks : int64 array (p,)
        Place of each pick's name among them.
    truth : int64 array (t,)
        The same for particles.
    """

    names: tuple[str, ...]
    picks: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int64]


def species_of(picks: Particles, truth: Particles) -> Groups:
    """Species of picks and particles; one and the same where a list does not name them."""
    if picks.species is None or truth.species is None:
        return _alike(picks, truth, ANY)
    return _grouped(picks.species, truth.species)


def tomograms_of(picks: Particles, truth: Particles) -> Groups:
    """Tomograms of picks and particles.

    They lie in the same one where a list does not name any, or each names a single one.

    Raises
    ------
    InputError
        If they name several and have none in common.
    """
    first, second = (p.columns.get(TOMOGRAM) for p in (picks, truth))
    if first is None or second is None:
        return _alike(picks, truth, "")
    named = [set(np.asarray(names, dtype=str).tolist()) for names in (first, second)]
    if len(named[0]) <= 1 and len(named[1]) <= 1:
        return _alike(picks, truth, min(named[1] | named[0], default=""))
    if named[0] and named[1] and not named[0] & named[1]:
        raise InputError(
            f"picks and truth lie in different tomograms ({_few(named[0])}; {_few(named[1])}): "
            "give them the same names"
        )
    return _grouped(first, second)


def _grouped(first: npt.ArrayLike, second: npt.ArrayLike) -> Groups:
    """Names of two lists, and where each row's stands among them."""
    both = [np.asarray(names, dtype=str) for names in (first, second)]
    names, codes = np.unique(np.concatenate(both), return_inverse=True)
    codes = codes.astype(np.int64)
    return Groups(tuple(names.tolist()), codes[: len(both[0])], codes[len(both[0]) :])


def _alike(picks: Particles, truth: Particles, name: str) -> Groups:
    """Everything under one name."""
    return Groups((name,), np.zeros(len(picks), np.int64), np.zeros(len(truth), np.int64))


def _few(names: set[str]) -> str:
    """The first names of many."""
    shown = ", ".join(sorted(names)[:3])
    return shown if len(names) <= 3 else f"{shown}, …"
