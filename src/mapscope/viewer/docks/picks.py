"""The Picks dock: a list of picks looked at, thresholded, judged, corrected and exported."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from mapscope.errors import MapscopeError
from mapscope.particles import ACCEPTED, REJECTED, Particles
from mapscope.viewer.editing.editing import editing_of
from mapscope.viewer.help import add_help
from mapscope.viewer.layers import base_name, noun_from_layer
from mapscope.viewer.particles.layers import USUAL_RADIUS
from mapscope.viewer.particles.look import radius_of
from mapscope.viewer.picks.average_view import AverageView
from mapscope.viewer.picks.averaging import AverageButton
from mapscope.viewer.picks.choice import listed
from mapscope.viewer.picks.classes import ClassList
from mapscope.viewer.picks.coloring import ClassColors
from mapscope.viewer.picks.colors import class_colors
from mapscope.viewer.picks.edit_panel import EditPanel
from mapscope.viewer.picks.exporting import ExportButton, exported
from mapscope.viewer.picks.filter_panel import FilterPanel
from mapscope.viewer.picks.gallery import Gallery
from mapscope.viewer.picks.gestures import ADD, LASSO, LOOK, Gestures
from mapscope.viewer.picks.histogram import ScoreHistogram
from mapscope.viewer.picks.keys import bind_keys
from mapscope.viewer.picks.lasso import Outline
from mapscope.viewer.picks.list_choice import ListChoice, map_of
from mapscope.viewer.picks.marker import Marker, half_slab
from mapscope.viewer.picks.pages import Pages, scrolled
from mapscope.viewer.picks.pick_list import PickList
from mapscope.viewer.picks.placing import Placing, in_reach, under
from mapscope.viewer.picks.table import PicksTable
from mapscope.viewer.regions.pointing import Pointer
from mapscope.viewer.views.connections import Connections
from mapscope.viewer.views.space import angstroms_per_world_unit
from mapscope.viewer.workspace import Entry, bare_viewer
from mapscope.volume import Volume

REST = 150
"""Milliseconds of rest before the table is sorted anew."""
NO_LIST = "Open a list of picks (STAR, .tbl, .em, .json, …), or make new points in Edit."
READ_ONLY = "These edits are open elsewhere."
TIPS = {
    "accept": "Accept the selected picks, or the current one, and go on to the next (A).",
    "reject": "Reject them: they are not drawn, averaged or exported any more (R).",
    "lasso": "Draw around picks to select them; in 3D through all depths (Shift and drag).",
    "add": "Click where a pick is missing, in a slice or in 3D (Ctrl and click).",
    "undo": "Take back the last edit in any layer (Ctrl+Z).",
}


class PicksDock(QWidget):
    """Works on one list of picks at a time.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "picks"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.editing = editing_of(napari_viewer)
        self.list = PickList(self.editing)
        self.marker = Marker(self.viewer)
        self.placing = Placing()
        self.choice = ListChoice()
        self.histogram = ScoreHistogram(self.viewer)
        self.count = QLabel()
        self.apply_button = QPushButton("Remove")
        self.classes = ClassList()
        self.gallery = Gallery(self.list, self.volume, self.colors)
        self.table = PicksTable()
        self.edit = EditPanel(self.list, self.targets)
        self.filters = FilterPanel(self.list, self.volume)
        self.rejected_box = QCheckBox("Show rejected picks")
        self.average = AverageView()
        self.pages = Pages(self)
        self.buttons = {
            "accept": QPushButton("Accept"),
            "reject": QPushButton("Reject"),
            "lasso": QPushButton("Lasso"),
            "add": QPushButton("Add"),
            "undo": QPushButton("Undo"),
        }
        self.average_button = AverageButton(self.viewer, self._to_average)
        self.export_button = ExportButton(self._to_export)
        self.message = QLabel()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._class_colors = ClassColors()
        self._looked_at: str | None = None
        self._seen: tuple[Any, ...] = ()
        self._drawn: tuple[Any, ...] = ()
        self._lay_out()
        self.gestures = Gestures(self.viewer, self, self._takes_mouse)
        self._connect()
        bind_keys(self)
        self.editing.bind_keys()
        self.refresh()

    # Building

    def _lay_out(self) -> None:
        """Choice and histogram above, what is worked with in tabs, what comes of it below."""
        for label in (self.count, self.message):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message.setVisible(False)
        self.apply_button.setToolTip(
            "Take what is hidden by the line or the filters out of the list."
        )
        self.rejected_box.setToolTip("Draw and list them too, to take a rejection back.")
        for name in ("lasso", "add"):
            self.buttons[name].setCheckable(True)
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.histogram)
        layout.addLayout(_row(self.count, self.apply_button, first=1))
        layout.addWidget(self.pages, stretch=1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(4, 4, 4, 4)
        outer.setSpacing(3)
        outer.addLayout(_row(self.choice))
        outer.addWidget(scrolled(column), stretch=1)
        outer.addLayout(_row(*self.buttons.values()))
        outer.addLayout(_row(self.average_button, self.export_button))
        outer.addWidget(self.message)
        add_help(self, outer)

    def _connect(self) -> None:
        """Listen to the widgets, the list, the edits and the viewer."""
        self.choice.list_chosen.connect(self._list_chosen)
        self.choice.tomogram_chosen.connect(self._tomogram_chosen)
        self.choice.volume_chosen.connect(self._volume_chosen)
        self.histogram.moved.connect(lambda value: self.list.choose(threshold=value))
        self.apply_button.clicked.connect(self.apply)
        self.classes.hidden_changed.connect(lambda hidden: self.list.choose(hidden=hidden))
        self.rejected_box.toggled.connect(lambda on: self.list.choose(shows_rejected=on))
        self.gallery.tiles.chosen.connect(self.visit)
        self.table.picked.connect(self.visit)
        self.buttons["accept"].clicked.connect(lambda: self.judge(ACCEPTED))
        self.buttons["reject"].clicked.connect(lambda: self.judge(REJECTED))
        self.buttons["undo"].clicked.connect(self.editing.undo)
        for name, mode in (("lasso", LASSO), ("add", ADD)):
            self.buttons[name].toggled.connect(partial(self._set_mode, mode))
        self.placing.found.connect(self._add)
        talkers = (self.export_button, self.average_button, self.filters)
        for signal in (self.placing.failed, *(one.said for one in talkers)):
            signal.connect(self.say)
        self.average_button.averaged.connect(self._show_average)
        self.editing.told.connect(self.say)
        self.list.changed.connect(self._show_list)
        self.list.chosen_anew.connect(self._show_choice)
        self.list.gone_to.connect(self._show_current)
        self.editing.changed.connect(self.list.refresh)
        self._soon.timeout.connect(self._fill_table)
        layers = self.viewer.layers
        self._connections = Connections()
        for event in (layers.events.inserted, layers.events.removed, layers.events.renamed):
            self._connections.add(event, self.refresh)
        self._connections.add(layers.selection.events.active, self.refresh)
        ends = (self._connections.end, self.gestures.end, self.marker.take_away, self.list.end)
        for end in ends:
            self.destroyed.connect(partial(_call, end))

    # What it is about

    def volume(self) -> Volume | None:
        """The tomogram, or None."""
        layer = self.choice.volumes.layer
        try:
            noun = None if layer is None else noun_from_layer(layer)
        except MapscopeError:
            return None
        return noun if isinstance(noun, Volume) else None

    def colors(self) -> dict[str, str]:
        """Colour of each class."""
        return class_colors(self.list.picks.classes.known)

    @property
    def radius(self) -> float:
        """Of the particles as they are drawn, in Å."""
        editor = self.list.editor
        return USUAL_RADIUS if editor is None else radius_of(editor.layer)

    def targets(self) -> list[int]:
        """Ids of the selected picks, or of the current one."""
        editor = self.list.editor
        selected = [] if editor is None else editor.selected()
        current = self.list.current
        return selected or ([] if current is None else [current])

    def open_list(self, layer: Any) -> None:
        """Be about a layer of points, whose edits begin; about none where it cannot be edited."""
        try:
            self.list.open(layer)
        except (MapscopeError, OSError) as error:
            self.list.close()
            self.say(f"{error}.")
        self.gallery.set_radius(self.radius)

    def refresh(self, *_: Any) -> None:
        """List the layers that there are, and open the list that is chosen, if one can see it."""
        self.choice.fill(self.viewer.layers, self.viewer.layers.selection.active)
        editor, layer = self.list.editor, self.choice.layer
        if editor is not None and editor.layer not in self.viewer.layers:
            self.list.close()
        if self.isVisible() and layer is not None:
            self.open_list(layer)
        if self.list.log is not None:
            self._see_tomogram()
        self.filters.fill(self.viewer.layers)
        self.average.template.fill(self.viewer.layers)
        self._enable()

    def showEvent(self, event: Any) -> None:  # noqa: N802  Qt's name
        """The dock came into sight: its list is opened."""
        super().showEvent(event)
        self.refresh()

    # What is shown

    def _show_list(self) -> None:
        """Picks were edited, or another list was opened."""
        self.choice.fill_tomograms(self.list.picks.tomograms.counts(), self.list.choice.tomogram)
        self._see_tomogram()
        picks, colors = self.list.picks, self.colors()
        self._class_colors.update(self.list.editor, picks)
        self.classes.show_picks(picks, colors, self.list.choice.hidden)
        self._drawn = ()
        self._show_choice()

    def _show_choice(self) -> None:
        """Show what the choice keeps; the table follows when it has come to rest."""
        picks, fate, choice = self.list.picks, self.list.fate, self.list.choice
        about = (choice.hidden, choice.tomogram)
        if about != self._drawn:
            self._drawn = about
            self.histogram.show_picks(picks, fate.is_here & ~fate.is_rejected, self.colors())
            self.histogram.show_threshold(choice.threshold)
        self.classes.show_fate(picks, fate)
        rejected = f" · {fate.rejected:,} rejected" if fate.rejected else ""
        going = f" · {fate.falling:,} go" if fate.falling else ""
        self.count.setText(f"<b>{fate.kept:,}</b> kept{going}{rejected}")
        self.apply_button.setText(f"Remove {fate.falling:,}" if fate.falling else "Remove")
        self.apply_button.setEnabled(fate.falling > 0 and self.list.is_editable)
        self._soon.start(REST)
        self._enable()

    def _show_current(self) -> None:
        """Mark the current pick, in the view and in the table."""
        pick = self.list.current
        row = None if pick is None else self.list.picks.row(pick)
        self.table.mark_pick(pick)
        if row is None:
            self.marker.take_away()
            return
        turns = self.list.picks.rotations
        rotation = None if turns is None else turns[row]
        self.marker.mark(self.list.picks.positions[row], rotation, self.radius)

    def _fill_table(self) -> None:
        """List the picks that are kept."""
        shows = self.list.choice.shows_rejected
        self.table.show_picks(self.list.picks, listed(self.list.fate, shows_rejected=shows))
        self.table.mark_pick(self.list.current)

    def _enable(self) -> None:
        """Grey what cannot be done, and say why."""
        is_open, is_free = self.list.log is not None, self.list.is_editable
        why = "" if is_free else READ_ONLY if is_open else NO_LIST
        for name, button in self.buttons.items():
            button.setEnabled(not why or name == "undo")
            button.setToolTip(why or TIPS[name])
        self.export_button.setEnabled(is_open)
        reason = NO_LIST if not is_open else ""
        self.average_button.refresh(reason or ("" if self.volume() else "Open the tomogram first."))
        if not is_open:
            self.count.setText(NO_LIST)

    def say(self, text: str) -> None:
        """Show a line at the bottom."""
        self.message.setText(text)
        self.message.setVisible(bool(text))

    # What users do

    def judge(self, verdict: str) -> None:
        """Give the selected picks a verdict; after a single one go on to the next."""
        targets = self.targets()
        is_step = targets == [self.list.current]
        self.list.judge(targets, verdict)
        self._deselect()
        if is_step:
            self.step(1)

    def classify(self, number: int) -> None:
        """Give the selected picks the class of a number key."""
        words = self.classes.words
        if number <= len(words):
            self.list.classify(self.targets(), words[number - 1])

    def step(self, picks: int) -> None:
        """Go to a pick further on in the gallery, or back."""
        self.gallery.step(picks)
        if self.list.current is not None:
            self.visit(self.list.current)

    def visit(self, pick: int) -> None:
        """Go to a pick."""
        self._deselect()
        row = self.list.picks.row(pick)
        if row is None:
            return
        tomogram = self.list.tomogram_of(pick)
        if tomogram != self.list.seen_in:
            self._looked_at = tomogram
            self._see_tomogram()
        place = self.list.picks.positions[row] / angstroms_per_world_unit(self.viewer)
        axes = range(self.viewer.dims.ndim - 3, self.viewer.dims.ndim)
        self.viewer.dims.set_point(tuple(axes), tuple(float(p) for p in place))
        self.viewer.scene.camera.center = tuple(float(p) for p in place)
        self.list.go_to(pick)

    def remove(self) -> None:
        """Take the selected picks, or the current one, out of the list."""
        self.list.remove(self.targets())

    def apply(self) -> None:
        """Remove what the threshold and the filters take away, as one edit."""
        gone = self.list.apply()
        self.filters.reset()
        self.say(f"{gone:,} picks removed; Undo brings them back." if gone else "")

    def look_at(self, pointer: Pointer) -> None:
        """A click in the view: the pick under the mouse is the current one."""
        pick = under(pointer, self.viewer, self.list.picks, self.list.is_drawn, self.radius)
        if pick is not None:
            self._deselect()
            self.list.go_to(pick)

    def add_at(self, pointer: Pointer) -> None:
        """A click that adds a pick."""
        snaps = self.edit.snaps.isChecked()
        self.placing.ask(self.viewer, pointer, self.volume(), self.radius, snaps=snaps)

    def select_in(self, outline: Outline) -> None:
        """An outline was drawn: what it holds of what is shown is selected."""
        editor = self.list.editor
        if editor is None:
            return
        places = self.list.picks.positions
        chosen = outline.picks(places) & self.list.is_drawn
        chosen &= in_reach(self.viewer, places, self.radius, half_slab(self.viewer))
        ids = self.list.picks.ids[chosen]
        editor.select(ids)
        self.viewer.layers.selection.active = editor.layer  # which Delete in the view is about
        self.buttons["lasso"].setChecked(False)
        self.edit.refresh()
        self.say(f"{len(ids):,} picks selected: Reject, Accept, or Delete." if len(ids) else "")

    def _add(self, place: Any) -> None:
        """A place was found for a new pick."""
        if self.list.add(place, self._new_class()) is None:
            self.say(READ_ONLY)
        else:
            self.say("Added by hand: no threshold takes it away.")

    def _new_class(self) -> str:
        """Class of a new pick: the one that all others have, or that of the current one."""
        words = self.list.picks.classes
        row = None if self.list.current is None else self.list.picks.row(self.list.current)
        if len(words.known) == 1:
            return words.known[0]
        return "" if row is None else words.known[words.number[row]]

    def _deselect(self) -> None:
        editor = self.list.editor
        if editor is not None and editor.layer.selected_data:
            editor.layer.selected_data = set()
            self.edit.refresh()

    def _set_mode(self, mode: str, is_on: bool) -> None:
        """Let the mouse draw a lasso, add, or look again."""
        other = self.buttons["add" if mode == LASSO else "lasso"]
        if is_on:
            other.setChecked(False)
        elif self.gestures.mode != mode:
            return
        self.gestures.mode = mode if is_on else LOOK

    def _takes_mouse(self) -> bool:
        """Whether clicks in the view are the dock's."""
        return self.list.log is not None and not self.visibleRegion().isEmpty()

    def _list_chosen(self) -> None:
        if self.choice.layer is not None:
            self.viewer.layers.selection.active = self.choice.layer
            self.open_list(self.choice.layer)

    def _tomogram_chosen(self) -> None:
        self.list.choose(tomogram=self.choice.tomogram)
        self._see_tomogram()

    def _see_tomogram(self) -> None:
        """Show the map of the tomogram that is worked on, and only its picks.

        What the user chooses or hides after that stays so until the tomogram is another.
        """
        names = self.choice.names
        maps = self.choice.volumes.listed()
        found = {name: map_of(name, maps) for name in names}
        seen = self.list.choice.tomogram
        if len(names) > 1 and seen is None and self._looked_at in names:
            seen = self._looked_at
        if len(names) > 1 and seen is None:
            open_ones = [n for n in names if found[n] is not None and found[n].visible]
            seen = (open_ones or [n for n in names if found[n] is not None] or names)[0]
        self.list.see(seen if len(names) > 1 else None)
        name = seen or (names[0] if names else "")
        here = found.get(name)
        about = (self.list.log, name, here)
        if about == self._seen:
            return
        self._seen = about
        self.placing.forget()
        self.choice.show_map(here, may_be_another=len(names) < 2)
        for layer in () if here is None else found.values():
            if layer is not None:
                layer.visible = layer is here
        self._volume_chosen()

    def _volume_chosen(self) -> None:
        """Pictures and averages are of another map."""
        self.gallery.show_soon()
        self._enable()

    # What comes of it

    def _to_average(self) -> tuple[dict[str, Any], str]:
        """What the job is given, and what the average is named after."""
        layer, particles = self.choice.volumes.layer, self.list.kept(self.list.seen_in)
        values = {"volume": noun_from_layer(layer), "particles": particles}
        return {**values, **self.average.settings}, layer.name

    def _show_average(self, entry: Entry) -> None:
        """Show the sections of an average."""
        self.average.show_result(entry)
        self.pages.bring(self.average)

    def _to_export(self) -> tuple[Particles, str]:
        """What is kept, and a name for it."""
        layer = self.choice.volumes.layer
        tomogram = "" if layer is None else base_name(layer.name)
        name = "picks" if self.list.log is None else base_name(self.list.log.name)
        return exported(self.list.kept(), self.volume(), tomogram), name


def _call(end: Callable[..., Any], *_: Any) -> None:
    """Call what wants no arguments: nothing of the dock itself, which is gone by then."""
    end()


def _row(*widgets: QWidget, first: int = 0) -> QHBoxLayout:
    """Widgets in a row; the first one takes more room where that is wanted."""
    row = QHBoxLayout()
    row.setSpacing(3)
    for n, widget in enumerate(widgets):
        row.addWidget(widget, stretch=first if first and n == 0 else int(not first))
    return row
