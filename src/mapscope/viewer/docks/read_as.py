"""How the selected layer's file is read: a row for each choice that it offers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from napari.viewer import Viewer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QSpinBox, QWidget

from mapscope.files import Choice, choices_of_noun, parse_address, text_of_cover
from mapscope.record import source_of
from mapscope.structure import Structure
from mapscope.viewer.layers import base_name, role_of, tag_of
from mapscope.viewer.reread import noun_as_read, reread
from mapscope.viewer.runner import BACKGROUND, Run

EDITED = "The layer was moved or edited since it was read: open the file again."
NO_MODEL = "open the model that the map shall cover"


class ReadAs(QWidget):
    """Combo boxes and spin boxes; changing one reads the file again.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    filled = Signal()
    done = Signal()
    failed = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.editors: dict[str, QComboBox | QSpinBox] = {}
        self.run: Run | None = None
        self._noun: Any = None
        self._offers: WeakKeyDictionary[Any, tuple[Choice, ...]] = WeakKeyDictionary()
        self._asked: WeakSet[Any] = WeakSet()
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._shown: tuple[Choice, ...] = ()
        self.setVisible(False)

    def look_at(self, layer: Any) -> None:
        """Show the choices of a layer's file; what they are is found out beside the window."""
        tag = None if layer is None else tag_of(layer)
        before = None if self._noun is None else source_of(self._noun).path
        path = None if tag is None else source_of(tag.noun).path
        self._noun = None if tag is None or path is None else tag.noun
        if self._noun is not None and self._noun in self._offers:
            self._fill(layer)
            return
        # The rows of a file that was read again stay while its choices are found out anew.
        self.setVisible(self._noun is not None and path == before and bool(self._shown))
        if self._noun is not None and self._noun not in self._asked:
            self._ask(self._noun)

    def _ask(self, noun: Any) -> None:
        """Find out what a file offers."""
        run = Run(lambda progress: (noun, choices_of_noun(noun), progress(1, 1, ""))[:2])
        # Bound methods of a widget: Qt forgets the connection when the dock is closed.
        run.succeeded.connect(self._learn)
        self._asked.add(noun)
        run.start(BACKGROUND)

    def _learn(self, found: tuple[Any, tuple[Choice, ...]]) -> None:
        """Keep what a file offers, and show it if its layer is still the active one."""
        self._offers[found[0]] = found[1]
        if found[0] is self._noun:
            self._fill(self.viewer.layers.selection.active)
        self.filled.emit()

    def _fill(self, layer: Any) -> None:
        """Make a row for each choice."""
        offered = tuple(self._with_models(choice) for choice in self._offers[self._noun])
        is_edited = noun_as_read(layer) is not self._noun
        if offered != self._shown:
            self._rebuild(offered)
        for choice in offered:
            editor = self.editors[choice.name]
            reason = choice.reason or ("" if len(choice.values) > 1 else "there is no other")
            reason = EDITED if is_edited else reason
            editor.setEnabled(not reason and not self._is_reading)
            editor.setToolTip(f"{choice.help}\nGrey: {reason}" if reason else choice.help)
        self.setVisible(bool(offered))

    def _rebuild(self, offered: tuple[Choice, ...]) -> None:
        """New editors in the place of those that are there."""
        while self._layout.rowCount():
            self._layout.removeRow(0)
        self.editors = {choice.name: self._editor(choice) for choice in offered}
        self._layout.addRow(QLabel("<b>Read as</b>"))
        for choice in offered:
            label = QLabel(choice.label)
            label.setToolTip(choice.help)
            self._layout.addRow(label, self.editors[choice.name])
        self._shown = offered

    def _editor(self, choice: Choice) -> QComboBox | QSpinBox:
        """A spin box for numbers in a row, else a combo box."""
        if all(isinstance(value, int) for value in choice.values):
            spin = QSpinBox()
            spin.setRange(0, len(choice.values) - 1)
            spin.setSuffix(f" of 0 to {len(choice.values) - 1}")
            spin.setValue(int(choice.current or 0))
            spin.setKeyboardTracking(False)
            spin.valueChanged.connect(lambda value: self._choose(choice.name, value))
            return spin
        combo = QComboBox()
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(12)
        for value in choice.values:
            combo.addItem(choice.text_of(value), value)
        combo.setCurrentIndex(choice.values.index(choice.current))
        combo.activated.connect(lambda n: self._choose(choice.name, choice.values[n]))
        return combo

    def _with_models(self, choice: Choice) -> Choice:
        """What a map covers, with the models that are open; other choices as they are."""
        if choice.name != "cover":
            return choice
        texts: dict[str | int | None, str]
        texts = {value: _in_words(str(value)) for value in choice.values if value is not None}
        for layer in self.viewer.layers:
            tag = tag_of(layer)
            if tag is not None and isinstance(tag.noun, Structure) and role_of(layer) != "backbone":
                texts[text_of_cover(tag.noun)] = f"{base_name(layer.name)} with 5 Å around it"
        reason = "" if texts else NO_MODEL
        return replace(
            choice, values=(None, *texts), texts={**choice.texts, **texts}, reason=reason
        )

    @property
    def _is_reading(self) -> bool:
        return self.run is not None and not self.run.is_over

    def _choose(self, name: str, value: Any) -> None:
        """Read the file again with another choice, unless it is the one that is made already."""
        choice = next(choice for choice in self._shown if choice.name == name)
        if value == choice.current or self._is_reading:
            return
        for editor in self.editors.values():
            editor.setEnabled(False)
        self.run = reread(self.viewer, self._noun, {name: value})
        self.run.failed.connect(self._complain)
        self.run.ended.connect(self._end)

    def _complain(self, error: Exception) -> None:
        """Say why the file cannot be read so, and show the choices as they are."""
        self._rebuild(self._shown)
        self.failed.emit(str(error))

    def _end(self) -> None:
        """Show the choices of what is shown now."""
        self.look_at(self.viewer.layers.selection.active)
        self.done.emit()


def _in_words(cover: str) -> str:
    """What a map covers, in words."""
    path = parse_address(cover).path
    return f"{path.name} with 5 Å around it" if path.exists() else f"box {cover} Å"


def facts_of_options(noun: Any) -> list[tuple[str, str]]:
    """What was chosen when a noun was read, as facts."""
    options = dict(source_of(noun).options)
    cover = options.pop("cover", None)
    facts = [("Covers", _in_words(str(cover)))] if cover is not None else []
    chosen = ", ".join(f"{name} {value}" for name, value in options.items())
    return facts + ([("Read with", chosen)] if chosen else [])
