"""Which picks a choice keeps, which it takes away, and which it is not about."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mapscope.viewer.picks.known import Flags, Ids, Picks


@dataclass(frozen=True)
class Choice:
    """What the dock is set to; nothing is edited by it.

    Parameters
    ----------
    threshold : float, optional
        Lowest score that is kept.
    hidden : frozenset of str
        Classes that it is not about.
    tomogram : str, optional
        The tomogram that it is about; None is all.
    shows_rejected : bool
        Whether rejected picks are drawn and listed.
    """

    threshold: float | None = None
    hidden: frozenset[str] = field(default_factory=frozenset)
    tomogram: str | None = None
    shows_rejected: bool = False


@dataclass(frozen=True, eq=False)
class Fate:
    """What becomes of picks.

    Parameters
    ----------
    is_here : bool array (n,)
        Those that the choice is about.
    is_rejected : bool array (n,)
        Those of them that were rejected by hand.
    is_falling : bool array (n,)
        Those of the others that go when the choice is applied.
    """

    is_here: Flags
    is_rejected: Flags
    is_falling: Flags

    @cached_property
    def is_kept(self) -> Flags:
        """Those that stay."""
        return self.is_here & ~self.is_rejected & ~self.is_falling

    @property
    def kept(self) -> int:
        """How many stay."""
        return int(np.count_nonzero(self.is_kept))

    @property
    def falling(self) -> int:
        """How many go."""
        return int(np.count_nonzero(self.is_falling))

    @property
    def rejected(self) -> int:
        """How many were rejected."""
        return int(np.count_nonzero(self.is_rejected))


def fate_of(picks: Picks, choice: Choice, failing: Ids | None = None) -> Fate:
    """What becomes of picks.

    Parameters
    ----------
    picks : Picks
        All of a list.
    choice : Choice
        What is set. A pick by hand and one that was accepted are exempt from the threshold.
    failing : int64 array, optional
        Ids of picks that the other filters take away.
    """
    is_here = ~picks.classes.are_in(choice.hidden)
    if choice.tomogram is not None:
        is_here &= picks.tomograms.are(choice.tomogram)
    is_rejected = is_here & picks.is_rejected
    is_low = np.zeros(len(picks), dtype=np.bool_)
    if choice.threshold is not None:
        is_low = ~(picks.score >= choice.threshold) & ~picks.is_exempt
    if failing is not None and len(failing):
        is_low = is_low | np.isin(picks.ids, failing)
    return Fate(is_here, is_rejected, is_here & ~is_rejected & is_low)


def listed(fate: Fate, *, shows_rejected: bool) -> Flags:
    """Which picks are told of: those that are kept, and rejected ones where they are shown."""
    return fate.is_kept | fate.is_rejected if shows_rejected else fate.is_kept


def drawn(picks: Picks, fate: Fate, *, tomogram: str | None, shows_rejected: bool) -> Flags:
    """Which picks the view shows: each only in its own tomogram.

    Parameters
    ----------
    picks : Picks
        All of a list.
    fate : Fate
        What becomes of them.
    tomogram : str, optional
        The tomogram in the view; None where it is that of all of them.
    shows_rejected : bool
        Whether rejected ones are shown too.
    """
    shown = listed(fate, shows_rejected=shows_rejected)
    return shown if tomogram is None else shown & picks.tomograms.are(tomogram)
