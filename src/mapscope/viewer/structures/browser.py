"""The list of chains and residues in the Structure dock, with its filter."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QModelIndex, Signal
from qtpy.QtWidgets import QLineEdit, QTreeView, QVBoxLayout, QWidget

from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.look import numbers_of
from mapscope.viewer.structures.tree import ResidueTree

MOST_UNFOLDED = 2000
"""Residues that a filter may leave for their chains to be unfolded."""


class ResidueBrowser(QWidget):
    """Chains and residues of a structure, to be filtered and chosen from.

    `residue_chosen` gives the index of a residue, `chain_chosen` the name of a chain.
    """

    residue_chosen = Signal(int)
    chain_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter residues: LYS, A/120-130, near 5 A/127")
        self.search.setClearButtonEnabled(True)
        self.tree = ResidueTree(self)
        self.list = QTreeView()
        self.list.setModel(self.tree)
        self.list.setUniformRowHeights(True)
        self.list.setMinimumHeight(200)
        self.list.header().setStretchLastSection(True)
        self.list.header().resizeSection(0, 190)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.search)
        column.addWidget(self.list, stretch=1)
        self.search.textChanged.connect(self._filter)
        self.list.selectionModel().currentChanged.connect(self._chosen)
        self.list.clicked.connect(self._chosen)

    @property
    def tips(self) -> dict[QWidget, str]:
        """What each control does, while it can be used."""
        return {
            self.search: "Part of a name, or what Go to understands.",
            self.list: "Click a residue to go there. Arrow keys go from one to the next.",
        }

    def show_figure(self, figure: Figure | None) -> None:
        """List the residues of a structure, or nothing."""
        self.tree.show(None if figure is None else figure.structure)
        if figure is not None:
            self.show_numbers(figure)
            self.mark(figure)
        if self.tree.rowCount() == 1:
            self.list.expand(self.tree.index(0, 0))

    def show_numbers(self, figure: Figure) -> None:
        """Put the numbers that colours stand for beside the names, or B-factors."""
        residues = figure.residues
        if not figure.look.is_numeric:
            self.tree.show_numbers(residues.mean(figure.structure.b_factors), "B (Å²)")
            return
        numbers = numbers_of(figure.structure, figure.look)
        is_of_atoms = len(numbers) != len(residues)
        self.tree.show_numbers(
            residues.mean(numbers) if is_of_atoms else numbers, figure.look.caption
        )

    def mark(self, figure: Figure) -> None:
        """Mark the first selected residue without choosing it anew."""
        chosen = figure.chosen
        index = self.tree.index_of(int(chosen[0])) if len(chosen) else QModelIndex()
        model = self.list.selectionModel()
        model.blockSignals(True)
        self.list.setCurrentIndex(index)
        model.blockSignals(False)
        if index.isValid():
            self.list.scrollTo(index, QTreeView.ScrollHint.EnsureVisible)
        self.list.viewport().update()

    def _filter(self, text: str) -> None:
        """List what is typed, unfolded where that is little."""
        self.tree.filter(text)
        if text and self.tree.count < MOST_UNFOLDED:
            self.list.expandAll()

    def _chosen(self, index: QModelIndex, *_: Any) -> None:
        """Tell which residue or chain was chosen."""
        residue, chain = self.tree.residue(index), self.tree.chain(index)
        if residue is not None:
            self.residue_chosen.emit(residue)
        elif chain:
            self.chain_chosen.emit(chain)
