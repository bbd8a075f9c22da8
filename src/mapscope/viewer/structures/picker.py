"""A click on a structure in the view selects its residue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.placing import atom_clicked

LOOKING = "pan_zoom"
"""The mode of layers in which a click edits nothing."""


class Picker:
    """Takes clicks in the view while it listens.

    Parameters
    ----------
    figures : callable () -> sequence of Figure
        The structures that may be clicked on.
    picked : callable (figure, residue)
        Called with the residue that was met.
    """

    def __init__(
        self,
        figures: Callable[[], Sequence[Figure]],
        picked: Callable[[Figure, int], None],
    ) -> None:
        self._figures = figures
        self._picked = picked
        self._listeners = 0

    def listen(self, viewer: Any, *, on: bool) -> None:
        """Start or stop taking clicks in a viewer; as many stops as starts end it."""
        self._listeners = max(self._listeners + (1 if on else -1), 0)
        callbacks = viewer.mouse_drag_callbacks
        is_listening = self._clicked in callbacks
        if self._listeners and not is_listening:
            callbacks.append(self._clicked)
        elif not self._listeners and is_listening:
            callbacks.remove(self._clicked)

    def _clicked(self, viewer: Any, event: Any) -> Iterator[None]:
        """Where the mouse went down and came up without moving, name the residue."""
        moved = False
        yield
        while event.type == "mouse_move":
            moved = True
            yield
        layer = viewer.layers.selection.active
        if moved or event.modifiers or str(getattr(layer, "mode", LOOKING)) != LOOKING:
            return
        self.pick(viewer, event)

    def pick(self, viewer: Any, event: Any) -> bool:
        """Name the frontmost residue under the mouse; whether there is one."""
        met = []
        for figure in self._figures():
            found = atom_clicked(viewer, event, figure.structure.positions)
            if figure.is_visible and found is not None:
                met.append((found[1], figure, found[0]))
        if not met:
            return False
        _, figure, atom = min(met, key=lambda one: one[0])
        self._picked(figure, int(figure.residues.of_atoms[atom]))
        return True
