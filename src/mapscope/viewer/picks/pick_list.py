"""The list of picks that the dock is about: what is known of it, what is chosen, what is edited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from mapscope.edits import EditLog, PointsState
from mapscope.particles import Particles
from mapscope.picking.filtering import rows_of
from mapscope.viewer.editing.editing import Editing
from mapscope.viewer.editing.points_editor import PointsEditor
from mapscope.viewer.picks import changes
from mapscope.viewer.picks.choice import Choice, Fate, drawn, fate_of
from mapscope.viewer.picks.known import Ids, picks_of

NOTHING = np.empty(0, dtype=np.int64)


class PickList(QObject):
    """One list of picks under edit.

    Parameters
    ----------
    editing : Editing
        The edits of the viewer.
    """

    changed = Signal()
    """Picks were edited, or another list is opened."""
    chosen_anew = Signal()
    """The choice is another: what is kept and what is drawn."""
    gone_to = Signal()
    """Another pick is the current one, or none."""

    def __init__(self, editing: Editing) -> None:
        super().__init__()
        self.editing = editing
        self.editor: PointsEditor | None = None
        self.picks = picks_of(PointsState({}))
        self.choice = Choice()
        self.fate: Fate = fate_of(self.picks, self.choice)
        self.is_drawn = self.fate.is_kept
        """Which picks the view shows."""
        self.failing: Ids = NOTHING
        self.seen_in: str | None = None
        """The tomogram in the view; None where the list is of one."""
        self.current: int | None = None
        """Id of the pick that is looked at."""
        self._sequence = -1

    @property
    def log(self) -> EditLog | None:
        """The log of the list."""
        return None if self.editor is None else self.editor.log

    @property
    def is_editable(self) -> bool:
        """Whether there is a list that can be edited."""
        return self.log is not None and not self.log.is_read_only

    def open(self, layer: Any) -> None:
        """Be about a layer, whose edits begin; about nothing for None.

        Raises
        ------
        InputError
            If it cannot be edited; the message says why.
        """
        editor = None if layer is None else self.editing.editor_of(layer)
        if layer is not None and editor is None:
            editor = self.editing.adopt(layer)
        if editor is self.editor:
            return
        self.show_all()
        self.editor = editor if isinstance(editor, PointsEditor) else None
        self.choice, self.failing, self.seen_in = Choice(), NOTHING, None
        self.current, self._sequence = None, -1
        self.refresh()
        self._set_defaults()

    def close(self) -> None:
        """Be about no list any more; its layer shows all of its picks."""
        self.show_all()
        self.editor, self._sequence = None, -1
        self.current = None
        self.refresh()

    def end(self) -> None:
        """The dock is gone: the layer shows all of its picks again."""
        self.show_all()
        self.editor = None

    def refresh(self) -> None:
        """Look at the log anew where it has changed."""
        sequence = -2 if self.log is None else self.log.sequence
        if sequence == self._sequence:
            return
        self._sequence = sequence
        state = PointsState({}) if self.log is None else self.log.points
        self.picks = picks_of(state)
        if self.current is not None and self.picks.row(self.current) is None:
            self.current = None
        self._decide()
        self.changed.emit()
        self.gone_to.emit()

    # What is chosen

    def choose(self, **settings: Any) -> None:
        """Set the threshold, the classes, the tomogram, or whether rejected picks are shown."""
        choice = replace(self.choice, **settings)
        if choice != self.choice:
            self.choice = choice
            self._decide()
            self.chosen_anew.emit()

    def filter_out(self, failing: Iterable[int]) -> None:
        """Take away what other filters do not let pass."""
        failing = np.fromiter(failing, dtype=np.int64)
        if not np.array_equal(failing, self.failing):
            self.failing = failing
            self._decide()
            self.chosen_anew.emit()

    def see(self, tomogram: str | None) -> None:
        """Draw only the picks of one tomogram, that of the view; all for None."""
        if tomogram != self.seen_in:
            self.seen_in = tomogram
            self._set_defaults()
            self._draw()
            self.chosen_anew.emit()

    def go_to(self, pick: int | None) -> None:
        """Look at a pick."""
        if pick != self.current:
            self.current = pick
            self.gone_to.emit()

    def kept(self, tomogram: str | None = None) -> Particles:
        """The picks that are kept, with everything known of them.

        Parameters
        ----------
        tomogram : str, optional
            Only those in it.
        """
        return self.some(self._is_kept_in(tomogram))

    def some(self, is_chosen: npt.NDArray[np.bool_]) -> Particles:
        """Particles of some rows."""
        noun = self.snapshot()
        return noun if is_chosen.all() else rows_of(noun, is_chosen)

    def snapshot(self) -> Particles:
        """All picks as they are now."""
        noun = None if self.log is None else self.log.snapshot()
        return noun if isinstance(noun, Particles) else Particles(np.empty((0, 3)))

    def tomogram_of(self, pick: int) -> str | None:
        """The tomogram of a pick, where the list has several."""
        row, names = self.picks.row(pick), self.picks.tomograms
        return names.known[names.number[row]] if row is not None and len(names.known) > 1 else None

    def _is_kept_in(self, tomogram: str | None) -> npt.NDArray[np.bool_]:
        is_kept = self.fate.is_kept
        return is_kept if tomogram is None else is_kept & self.picks.tomograms.are(tomogram)

    # What is edited

    def judge(self, picks: Iterable[int], verdict: str) -> None:
        """Accept picks, reject them, or take back either."""
        self._edit(picks, lambda state, ids: changes.judged(state, ids, verdict))

    def classify(self, picks: Iterable[int], name: str) -> None:
        """Give picks a class."""
        self._edit(picks, lambda state, ids: changes.classified(state, ids, name))

    def turn(self, picks: Iterable[int], axis: int, degrees: float) -> None:
        """Turn picks about their own z, y or x (0, 1, 2)."""
        self._edit(picks, lambda state, ids: changes.turned(state, ids, axis, degrees))

    def remove(self, picks: Iterable[int]) -> None:
        """Remove picks from the list."""
        self._edit(picks, changes.removed)

    def apply(self) -> int:
        """Remove what the choice takes away, as one edit; gives how many went."""
        going = self.picks.ids[self.fate.is_falling]
        self.remove(going.tolist())
        return len(going)

    def add(self, position: npt.ArrayLike, name: str = "") -> int | None:
        """Add a pick by hand, and look at it; gives its id."""
        if self.editor is None or not self.is_editable:
            return None
        state, new = self.editor.log.points, self.editor.log.points.next_id
        own = self.editor.own_values(1)
        self.editing.do_together(self.editor.log, changes.added(state, position, own, name))
        self.refresh()
        self.go_to(new)
        return new

    def _edit(self, picks: Iterable[int], plan: Any) -> None:
        """Make changes of picks that are there, as one edit."""
        ids = self.picks.ids[self.picks.rows(picks)]
        if self.log is None or not self.is_editable or not len(ids):
            return
        self.editing.do_together(self.log, plan(self.log.points, ids))
        self.refresh()

    # What is drawn

    def show_all(self) -> None:
        """Let the layer show every pick again."""
        if self.editor is not None and not self.editor.layer.shown.all():
            self.editor.layer.shown = True

    def _set_defaults(self) -> None:
        """Let a new pick have what all others of the tomogram in the view have."""
        if self.editor is None:
            return
        is_there = np.ones(len(self.picks), dtype=np.bool_)
        if self.seen_in is not None:
            is_there = self.picks.tomograms.are(self.seen_in)
        self.editor.defaults = changes.shared_values(
            self.editor.log.points, self.picks.ids[is_there]
        )

    def _decide(self) -> None:
        self.fate = fate_of(self.picks, self.choice, self.failing)
        self._draw()

    def _draw(self) -> None:
        """Let the layer show what is kept, in the tomogram that is in the view."""
        self.is_drawn = drawn(
            self.picks,
            self.fate,
            tomogram=self.seen_in,
            shows_rejected=self.choice.shows_rejected,
        )
        if self.editor is None or len(self.editor.ids) != len(self.editor.layer.data):
            return
        by_id = np.zeros(self.editor.log.points.next_id, dtype=np.bool_)
        by_id[self.picks.ids] = self.is_drawn
        shown = by_id[self.editor.ids]
        layer = self.editor.layer
        if not np.array_equal(shown, layer.shown):
            layer.shown = shown
        unseen = {row for row in layer.selected_data if not shown[row]}
        if unseen:  # Reject and Delete would take them too
            layer.selected_data = set(layer.selected_data) - unseen
