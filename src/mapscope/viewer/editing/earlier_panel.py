"""Edits that could be opened again, each with its two buttons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from mapscope.viewer.editing.offers import UNCLEAN, Offer


class EarlierPanel(QWidget):
    """A list of earlier edits.

    Parameters
    ----------
    reopen : callable (Offer)
        Opens one.
    discard : callable (Offer)
        Removes one for good.
    """

    def __init__(self, reopen: Callable[[Offer], None], discard: Callable[[Offer], None]) -> None:
        super().__init__()
        self._reopen = reopen
        self._discard = discard
        self.offers: list[Offer] = []
        self.title = QLabel("Earlier edits")
        self.rows = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.title)
        layout.addLayout(self.rows)

    def show_offers(self, offers: list[Offer]) -> None:
        """List these, or be out of sight where there are none."""
        self.setVisible(bool(offers))
        if offers == self.offers:
            return
        self.offers = offers
        while self.rows.count():
            self.rows.takeAt(0).widget().deleteLater()
        for offer in offers:
            self.rows.addWidget(self._row(offer))

    def buttons(self, number: int) -> tuple[QPushButton, QPushButton]:
        """The two buttons of a row: to open it, and to discard it."""
        first, second = self.rows.itemAt(number).widget().findChildren(QPushButton)
        return first, second

    def _row(self, offer: Offer) -> QWidget:
        """One log: what it is, and its buttons."""
        row = QWidget()
        text = QLabel(offer.text)
        text.setWordWrap(True)
        text.setToolTip(str(offer.path))
        text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        is_unclean = offer.kind == UNCLEAN
        first = QPushButton("Recover" if is_unclean else "Open")
        first.setToolTip("Show these edits as a layer, as they were left, and go on with them.")
        second = QPushButton("Discard…")
        second.setToolTip("Remove these edits for good.")
        first.clicked.connect(partial(self._call, self._reopen, offer))
        second.clicked.connect(partial(self._ask, offer))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(text, stretch=1)
        layout.addWidget(first)
        layout.addWidget(second)
        return row

    def _call(self, call: Callable[[Offer], None], offer: Offer, _checked: bool = False) -> None:
        call(offer)

    def _ask(self, offer: Offer, _checked: bool = False) -> None:
        """Remove edits only where the user means it."""
        question = f"Remove the edits of {offer.name} for good?\n\n{offer.text}\n{offer.path}"
        yes = QMessageBox.StandardButton.Discard
        no = QMessageBox.StandardButton.Cancel
        if QMessageBox.question(self, "Discard edits", question, yes | no, no) == yes:
            self._discard(offer)
