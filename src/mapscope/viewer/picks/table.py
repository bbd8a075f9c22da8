"""The picks as a table: sorted by a click on a column, gone to by a click on a row."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Signal

from mapscope.table import Table
from mapscope.viewer.picks.known import Ids, Picks
from mapscope.viewer.picks.pick_list import NOTHING
from mapscope.viewer.tables.row_table import RowTable
from mapscope.volume import Array

PLACES = {"z": "Å", "y": "Å", "x": "Å"}


class PicksTable(RowTable):
    """Rows of picks.

    `picked` gives the id of the pick in the row that the user went to.
    """

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Click a row to go to its pick, a title to sort.")
        self.ids: Ids = NOTHING
        self.chosen.connect(lambda row: self.picked.emit(int(self.ids[row])))

    def show_picks(self, picks: Picks, is_listed: Array) -> None:
        """List some picks, sorted as before."""
        self.ids = picks.ids[is_listed]
        self.renew(table_of(picks, is_listed))

    def mark_pick(self, pick: int | None) -> None:
        """Mark the row of a pick, where it is listed."""
        rows = [] if pick is None else (self.ids == pick).nonzero()[0]
        self.mark(int(rows[0]) if len(rows) else None)


def table_of(picks: Picks, is_listed: Array) -> Table:
    """What is known of some picks, one in each row."""
    columns: dict[str, Array] = {}
    for name, words in (("class", picks.classes), ("verdict", picks.verdicts)):
        if any(words.known):
            columns[name] = _texts(words.known, words.number[is_listed])
    columns["score"] = picks.score[is_listed]
    columns |= {n: picks.positions[is_listed, axis] for axis, n in enumerate(PLACES)}
    if len(picks.tomograms.known) > 1:
        numbers = picks.tomograms.number[is_listed]
        columns["tomogram"] = _texts(picks.tomograms.known, numbers)
    columns |= {name: values[is_listed] for name, values in picks.numbers.items()}
    return Table(columns, PLACES)


def _texts(known: tuple[str, ...], numbers: Ids) -> Array:
    """The words that numbers stand for."""
    return np.array(known or ("",))[numbers] if len(numbers) else np.zeros(0, dtype=str)
