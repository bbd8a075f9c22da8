"""Picks in the colours of their classes, also those that were added or named just now."""

from __future__ import annotations

import numpy as np

from mapscope.viewer.editing.points_editor import PointsEditor
from mapscope.viewer.particles.colors import face_and_border, of_classes
from mapscope.viewer.picks.known import Picks
from mapscope.volume import Array


class ClassColors:
    """Colours the picks whose class is another than it was; others keep the look they have."""

    def __init__(self) -> None:
        self._editor: PointsEditor | None = None
        self._colors: Array = np.zeros((0, 4))
        """Colour of each pick by its id, NaN where there was none."""

    def update(self, editor: PointsEditor | None, picks: Picks) -> None:
        """Colour what is new or was named anew since the last call for this list."""
        wanted = _by_id(picks)
        before, self._colors = self._colors, wanted
        if editor is not self._editor or editor is None:
            self._editor = editor
            return
        known = np.full_like(wanted, np.nan)
        known[: len(before)] = before[: len(wanted)]
        rows = np.flatnonzero((known != wanted).any(axis=1)[editor.ids])
        if not len(rows) or len(editor.ids) != len(editor.layer.data):
            return
        for name, colors in zip(
            ("face_color", "border_color"), face_and_border(wanted[editor.ids[rows]]), strict=True
        ):
            drawn = np.array(getattr(editor.layer, name))
            drawn[rows] = colors
            setattr(editor.layer, name, drawn)


def _by_id(picks: Picks) -> Array:
    """Colour (most + 1, 4) of each pick by its id."""
    most = int(picks.ids.max(initial=-1)) + 1
    colors = np.full((most, 4), np.nan)
    words = [picks.classes.known[n] for n in picks.classes.number.tolist()]
    colors[picks.ids] = of_classes(words)
    return colors
