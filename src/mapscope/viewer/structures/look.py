"""How a structure looks: its style, and what its colours stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt
from napari.utils import Colormap
from napari.utils.colormaps import ensure_colormap

from mapscope.depiction.coloring import (
    CATEGORIES,
    QUANTITIES,
    UNITS,
    Category,
    Coloring,
    Quantity,
    coloring_by,
    coloring_by_values,
    limits_of,
    values_of,
)
from mapscope.depiction.palette import LOW_TO_HIGH
from mapscope.depiction.ribbon import ribbons
from mapscope.depiction.selection import Mask
from mapscope.depiction.sticks import sticks
from mapscope.depiction.sweep import Depiction
from mapscope.depiction.tube import tubes
from mapscope.structure import Structure

Style: TypeAlias = Literal["ribbons", "tubes", "backbone path"]
STYLES: tuple[Style, ...] = get_args(Style)

SCORE = "score"
WAYS = (*CATEGORIES, *QUANTITIES, SCORE)
"""All that a structure can be coloured by."""

BLUE_TO_RED = "blue to red"
COLORMAPS = (BLUE_TO_RED, "turbo", "viridis", "plasma", "cividis", "PiYG")


@dataclass(frozen=True, eq=False)
class Score:
    """A number of each residue.

    Parameters
    ----------
    values : float64 array (residues,)
        NaN where there is none.
    name, unit : str
        What it is, such as ``"Q-score"``; its unit may be empty.
    """

    values: npt.NDArray[np.float64]
    name: str = SCORE
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Look:
    """What the colours of a structure stand for.

    Parameters
    ----------
    by : str
        One of `WAYS`.
    colormap : str
        Name of the ramp for numbers.
    is_inverted : bool
        Whether the ramp runs the other way.
    limits : tuple of float, optional
        Values at the ends of the ramp; None takes 2 to 98 %.
    score : Score, optional
        The numbers to colour by where `by` says so.
    """

    by: str = "chain"
    colormap: str = BLUE_TO_RED
    is_inverted: bool = False
    limits: tuple[float, float] | None = None
    score: Score | None = None

    @property
    def is_numeric(self) -> bool:
        """Whether colours stand for numbers."""
        return self.by not in CATEGORIES

    @property
    def caption(self) -> str:
        """What a colour bar says: the quantity and its unit."""
        name, unit = self.by, UNITS.get(self.by, "")
        if self.by == SCORE and self.score is not None:
            name, unit = self.score.name, self.score.unit
        return f"{name} ({unit})" if unit else name


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be drawn of a structure.

    Parameters
    ----------
    structure : Structure
        The model.
    style : str
        One of `STYLES`.
    look : Look
        Its colours.
    sticks : bool array (atoms,), optional
        What is drawn as sticks.
    """

    structure: Structure
    style: Style
    look: Look
    sticks: Mask | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """What was drawn.

    Parameters
    ----------
    order : Order
        What was wanted.
    body : Depiction, optional
        The mesh of the backbone; None where the style has none.
    sticks : Depiction, optional
        The mesh of the sticks, where there are any.
    coloring : Coloring
        The colours of both.
    limits : tuple of float, optional
        Values at the ends of the ramp, where colours stand for numbers.
    """

    order: Order
    body: Depiction | None
    sticks: Depiction | None
    coloring: Coloring
    limits: tuple[float, float] | None


def make(order: Order, before: Made | None = None) -> Made:
    """Draw a structure; what was drawn before and is still wanted is kept.

    Raises
    ------
    InputError
        If there is nothing to colour by.
    """
    look, structure = order.look, order.structure
    old = None if before is None else before.order
    if before is not None and old is not None and old.style == order.style:
        body = before.body
    else:
        body = _body(structure, order.style)
    if before is not None and old is not None and old.sticks is order.sticks:
        rods = before.sticks
    else:
        rods = None if order.sticks is None else sticks(structure, order.sticks)
    if before is not None and old is not None and old.look is look:
        return Made(order, body, rods, before.coloring, before.limits)
    limits = limits_for(structure, look) if look.is_numeric else None
    return Made(order, body, rods, colored(structure, look), limits)


def _body(structure: Structure, style: Style) -> Depiction | None:
    """The mesh of a style; None where it has none or nothing can be traced."""
    if style == "backbone path":
        return None
    body = ribbons(structure) if style == "ribbons" else tubes(structure)
    return None if body.is_empty else body


def colored(structure: Structure, look: Look) -> Coloring:
    """The colours that a look gives to a structure.

    Raises
    ------
    InputError
        If there is nothing to colour by.
    """
    if not look.is_numeric:
        return coloring_by(structure, cast("Category", look.by))
    limits = limits_for(structure, look)
    return coloring_by_values(
        structure, numbers_of(structure, look), limits=limits, ramp=ramp(look)
    )


def numbers_of(structure: Structure, look: Look) -> npt.NDArray[np.float64]:
    """The numbers that a structure is coloured by."""
    if look.by == SCORE and look.score is not None:
        return look.score.values
    return values_of(structure, cast("Quantity", look.by))


def limits_for(structure: Structure, look: Look) -> tuple[float, float]:
    """Values at the ends of a look's ramp."""
    return look.limits or limits_of(numbers_of(structure, look))


def ramp(look: Look) -> npt.NDArray[np.float32]:
    """Colours (256, 4) of a look's ramp, from the lower limit to the upper."""
    return _ramp(look.colormap)[:: -1 if look.is_inverted else 1]


@lru_cache
def _ramp(name: str) -> npt.NDArray[np.float32]:
    """Colours (256, 4) of a colour map."""
    if name == BLUE_TO_RED:
        stops = np.linspace(0, len(LOW_TO_HIGH) - 1, 256)
        known = np.arange(len(LOW_TO_HIGH))
        parts = [np.interp(stops, known, LOW_TO_HIGH[:, k]) for k in range(3)]
        return np.stack([*parts, np.ones(256)], axis=1).astype(np.float32)
    return np.asarray(ensure_colormap(name).map(np.linspace(0, 1, 256)), dtype=np.float32)


def colormap_of(look: Look) -> Any:
    """A look's ramp as a colour map of napari, for the colour bar."""
    return Colormap(ramp(look), name=f"{look.colormap}{' inverted' if look.is_inverted else ''}")
