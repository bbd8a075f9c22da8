"""From a row of a result's table to the residue that it is about, and back."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from mapscope.table import Table
from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.scene import StructureScene
from mapscope.viewer.structures.scoring import scored_figure
from mapscope.viewer.tables.cells import names_residues
from mapscope.viewer.tables.residue_rows import ResidueRows
from mapscope.viewer.tables.side_chain import SideChainCurve
from mapscope.viewer.workspace import Entry
from mapscope.volume import Volume


class Scored(QObject):
    """The structure and the map that a table of residues is about, while they are open.

    `curve_found` gives the χ1 curve of the selected residue as a table, `failed` why not.

    Parameters
    ----------
    scene : StructureScene
        The open structures.
    """

    curve_found = Signal(object)
    failed = Signal(object)

    def __init__(self, scene: StructureScene) -> None:
        super().__init__()
        self.scene = scene
        self.table: Table | None = None
        self.entry: Entry | None = None
        self._rows: tuple[Figure, ResidueRows] | None = None
        self._curve = SideChainCurve()
        self._curve.found.connect(self.curve_found)
        self._curve.failed.connect(self.failed)

    def show(self, table: Table, entry: Entry | None) -> None:
        """Be about a table, and about the run that gave it, where one did."""
        self.table, self.entry = table, entry
        self._rows = None
        self._curve.cancel()

    @property
    def figure(self) -> Figure | None:
        """The structure that was scored, while it is open."""
        return None if self.entry is None else scored_figure(self.scene, self.entry)

    def is_about(self, figure: Figure) -> bool:
        """Whether rows of the table are about residues of this structure."""
        return self.table is not None and names_residues(self.table) and figure is self.figure

    def go_to(self, row: int) -> None:
        """Go to the residue or the chain that a row is about, where it is about any."""
        figure, table = self.figure, self.table
        if figure is None or table is None:
            return
        if not names_residues(table):
            if "chain" in table.columns:
                self.scene.select_chain(figure, str(table["chain"][row]))
            return
        residue = self._rows_of(figure, table).residue(row)
        if residue is None:
            return
        if figure.chosen.tolist() != [residue]:
            self.scene.go_to_residue(figure, residue)
        else:
            self.scene.look_at_selection(figure)
            self.ask_curve()

    def row_of_selection(self) -> int | None:
        """The row of the one residue that is selected; the first of several rows."""
        figure, table = self.figure, self.table
        if figure is None or table is None or len(figure.chosen) != 1:
            return None
        return self._rows_of(figure, table).row(int(figure.chosen[0]))

    def ask_curve(self) -> None:
        """Ask for the χ1 curve of the one residue that is selected, in the map of the run."""
        figure, entry = self.figure, self.entry
        volume = None if entry is None else entry.input_of(Volume)
        if figure is None or volume is None or len(figure.chosen) != 1:
            return
        residue = int(figure.chosen[0])
        self._curve.request(figure.structure, volume, residue)

    def _rows_of(self, figure: Figure, table: Table) -> ResidueRows:
        """Which rows are about which residues, found once for each structure."""
        if self._rows is None or self._rows[0] is not figure:
            self._rows = (figure, ResidueRows(table, figure.residues))
        return self._rows[1]
