"""Colours of classes."""

from __future__ import annotations

from collections.abc import Sequence

from mapscope.depiction.palette import CHAIN_COLORS

UNKNOWN = "#ffb000"
"""Of picks without a class."""


def class_colors(words: Sequence[str]) -> dict[str, str]:
    """Colour of each class, the same for equal lists of classes.

    Examples
    --------
    >>> class_colors(["", "ribosome"])
    {'': '#ffb000', 'ribosome': '#f4a261'}
    """
    named = [word for word in words if word]
    colors = {word: CHAIN_COLORS[n % len(CHAIN_COLORS)] for n, word in enumerate(named)}
    return {word: colors.get(word, UNKNOWN) for word in words}
