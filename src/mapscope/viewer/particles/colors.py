"""Colours of particles: by class, by score, or one for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mapscope.viewer.picks.colors import UNKNOWN, class_colors

Floats = npt.NDArray[np.float64]

FILL = 0.25
"""Opacity of a particle within its circle, so that the density in it is seen."""

SCORE_COLORS = "viridis"
NO_SCORE = (0.6, 0.6, 0.6, 1.0)
"""Colour of what was set by hand and has no score."""


def of_classes(species: Sequence[str]) -> Floats:
    """A colour (n, 4) for each particle by its class, the same as in the Picks dock."""
    words = sorted(set(species))
    colors = {word: _rgba(text) for word, text in class_colors(words).items()}
    found = np.array([colors[word] for word in species], dtype=np.float64)
    return found.reshape(-1, 4)


def of_scores(scores: npt.ArrayLike) -> Floats:
    """A colour (n, 4) for each particle by its score, from the 2nd to the 98th percentile."""
    from napari.utils.colormaps import ensure_colormap

    values = np.asarray(scores, dtype=np.float64)
    is_known = np.isfinite(values)
    found = np.tile(np.array(NO_SCORE), (len(values), 1))
    if is_known.any():
        low, high = np.percentile(values[is_known], [2, 98])
        share = np.clip((values[is_known] - low) / ((high - low) or 1.0), 0, 1)
        found[is_known] = ensure_colormap(SCORE_COLORS).map(share)
    return found


def of_one(count: int, color: str = UNKNOWN) -> Floats:
    """One colour (n, 4) for all."""
    return np.tile(_rgba(color), (count, 1))


def face_and_border(colors: Floats) -> tuple[Floats, Floats]:
    """What a circle is filled and drawn with, both (n, 4)."""
    return colors * np.array([1, 1, 1, FILL]), colors


def _rgba(text: str) -> Floats:
    """A colour written as #rrggbb."""
    parts = [int(text[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return np.array([*parts, 1.0])
