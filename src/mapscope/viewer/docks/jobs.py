"""The Jobs dock: find a job, fill its form, run it."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mapscope.files import half_map_name
from mapscope.job import Job
from mapscope.jobs import all_jobs, family_title
from mapscope.particles import Particles
from mapscope.preferences import flag
from mapscope.record import Record
from mapscope.structure import Structure
from mapscope.viewer.forms import JobForm
from mapscope.viewer.help import add_help
from mapscope.viewer.inputs import can_fill, reason_for_kind
from mapscope.viewer.layers import role_of, tag_of
from mapscope.viewer.making import maker_of
from mapscope.viewer.next_steps import jobs_before
from mapscope.viewer.partners import half_map_pair
from mapscope.viewer.preferences import connect_preferences
from mapscope.viewer.previewed import NAME as PREVIEW
from mapscope.viewer.questions import Question
from mapscope.viewer.roles import TEMPLATE, is_tomogram
from mapscope.viewer.start import StartPanel, open_dock
from mapscope.viewer.views.connections import Connections
from mapscope.viewer.workspace import bare_viewer, workspace_of
from mapscope.volume import HalfMaps, Volume

MOST_SUGGESTED = 3
MODEL_AND_MAP = ("scores", "fitting")
"""Families whose jobs come first where a structure and a map are open."""


class JobsDock(QWidget):
    """Search box, jobs that suit the layers, and below the questions, the jobs, or a form.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "jobs"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.form: JobForm | None = None
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search jobs")
        self.search.setClearButtonEnabled(True)
        self.all_button = QPushButton("All jobs")
        self.all_button.setCheckable(True)
        self.all_button.setToolTip("Show the list of jobs instead of the form.")
        self.start_button = QPushButton("Start here")
        self.start_button.setCheckable(True)
        self.start_button.setToolTip("Which job or dock answers which question.")
        self.suggestions = QHBoxLayout()
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.start = StartPanel(self.viewer)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.tree)
        self.pages.addWidget(self.start)
        top = QHBoxLayout()
        top.addWidget(self.search, stretch=1)
        top.addWidget(self.start_button)
        top.addWidget(self.all_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addLayout(self.suggestions)
        layout.addWidget(self.pages, stretch=1)
        self.setMinimumWidth(340)
        add_help(self, layout)
        connect_preferences()
        self._fill()
        self._connect(napari_viewer)
        self._choose(self.start_button if flag("start_panel") else self.all_button)

    def _connect(self, napari_viewer: Viewer) -> None:
        """React to the viewer and to the buttons, until the dock is gone."""
        self.search.textChanged.connect(self._searched)
        self.all_button.clicked.connect(partial(self._choose, self.all_button))
        self.start_button.clicked.connect(partial(self._choose, self.start_button))
        self.start.asked.connect(self._asked)
        self.tree.itemClicked.connect(self._clicked)
        self.tree.itemActivated.connect(self._clicked)
        connections = Connections()
        for event in (napari_viewer.layers.events.inserted, napari_viewer.layers.events.removed):
            connections.add(event, self._fill)
        self.destroyed.connect(connections.end)
        workspace_of(napari_viewer).job_opened.connect(self.open)

    def open(self, name: str) -> JobForm:
        """Show a job's form and give it."""
        if self.form is None or self.form.job.name != name:
            if self.form is not None:
                self.form.disconnect_viewer()
                self.pages.removeWidget(self.form)
                self.form.deleteLater()
            self.form = JobForm(all_jobs()[name], self.viewer)
            self.pages.addWidget(self.form)
        self.pages.setCurrentWidget(self.form)
        self._press()
        return self.form

    def _choose(self, button: QPushButton, is_down: bool = True) -> None:
        """The page of a button that was pressed down; once it is up, the form, or the tree."""
        pages = {self.all_button: self.tree, self.start_button: self.start}
        self.pages.setCurrentWidget(pages[button] if is_down else self.form or self.tree)
        self._press()

    def _press(self) -> None:
        """Show the button of the present page as pressed."""
        page = self.pages.currentWidget()
        self.all_button.setChecked(page is self.tree)
        self.start_button.setChecked(page is self.start)

    def _searched(self, *_: Any) -> None:
        self._fill()
        self._choose(self.all_button)

    def _asked(self, question: Question) -> None:
        """Open what answers a question."""
        if question.job:
            form = self.open(question.job)
            for name, value in question.settings:
                form.settings[name].value = value
        else:
            dock = open_dock(self.viewer, question.dock)
            if question.method:
                getattr(dock, question.method)()

    def item(self, name: str) -> QTreeWidgetItem:
        """The first item of the tree that opens a job.

        Raises
        ------
        KeyError
            If the job is not listed.
        """
        for n in range(self.tree.topLevelItemCount()):
            family = self.tree.topLevelItem(n)
            for k in range(family.childCount()):
                if family.child(k).data(0, Qt.ItemDataRole.UserRole) == name:
                    return family.child(k)
        raise KeyError(name)

    def _fill(self, *_: Any) -> None:
        """List the jobs that match the search, and above them those that suit the layers."""
        words = self.search.text().lower().split()
        jobs = [job for job in all_jobs().values() if _matches(job, words)]
        self.tree.clear()
        for family in dict.fromkeys(job.family for job in jobs):
            self._add_family(family_title(family), [j for j in jobs if j.family == family])
        self.start.refresh()
        while self.suggestions.count():
            button = self.suggestions.takeAt(0).widget()
            button.hide()  # until Qt deletes it, it would lie over the others
            button.deleteLater()
        for job in suggested_jobs(list(all_jobs().values()), list(self.viewer.layers)):
            button = QPushButton(job.title)
            button.setToolTip(job.summary)
            button.clicked.connect(partial(self._suggestion_clicked, job.name))
            self.suggestions.addWidget(button)

    def suggestion_buttons(self) -> list[QPushButton]:
        """The buttons of the jobs that suit the layers, best first."""
        items = [self.suggestions.itemAt(n) for n in range(self.suggestions.count())]
        return [item.widget() for item in items]

    def _suggestion_clicked(self, name: str, _checked: bool = False) -> None:
        self.open(name)

    def _add_family(self, title: str, jobs: list[Job]) -> None:
        if not jobs:
            return
        family = QTreeWidgetItem(self.tree, [title])
        family.setFlags(family.flags() & ~Qt.ItemFlag.ItemIsSelectable)
        for job in jobs:
            item = QTreeWidgetItem(family, [job.title])
            item.setToolTip(0, job.summary)
            item.setData(0, Qt.ItemDataRole.UserRole, job.name)
        family.setExpanded(True)

    def _clicked(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        name = item.data(0, Qt.ItemDataRole.UserRole)
        if name is not None:
            self.open(name)


def _matches(job: Job, words: list[str]) -> bool:
    """Whether every word stands in a job's title or description."""
    text = f"{job.title} {job.name} {job.summary} {job.description}".lower()
    return all(word in text for word in words)


def suggested_jobs(jobs: list[Job], layers: list[Any]) -> list[Job]:
    """The jobs that make most of the layers at hand, best first.

    Where there are half maps: the jobs that need them, then those that can be watched live,
    then the others that use them. Without: for a map simulated from a structure those that make
    half maps of it, for structures alone those that make a map of them, for a structure and a
    tomogram those that look for one in the other, for a structure and a map those that judge how
    they fit and put one into the other, and for a list of picks those that need one. Else nothing
    stands out.
    """
    if half_map_pair(layers) is None:
        return _first_steps(jobs, layers)
    fitting = [
        ((any(p.required for p in job.inputs if p.noun is HalfMaps), job.live), job)
        for job in jobs
        if not job.probe
        and can_fill(job.inputs, layers)
        and _has_what_it_follows(job, layers)
        and any(p.noun is HalfMaps for p in job.inputs)
    ]
    fitting.sort(key=lambda pair: pair[0], reverse=True)
    return [job for _, job in fitting[:MOST_SUGGESTED]]


def _has_what_it_follows(job: Job, layers: list[Any]) -> bool:
    """Whether the outputs of another job are there that a job goes on from, where it does."""
    roles = {role_of(layer) for layer in layers}
    return not jobs_before(job) or all(p.name in roles for p in job.inputs if p.required)


def _first_steps(jobs: list[Job], layers: list[Any]) -> list[Job]:
    """The jobs that lead from structures to maps and half maps, or judge both together."""
    layers = [layer for layer in layers if role_of(layer) != PREVIEW]
    starting = [j for j in jobs if _begins_with_structure(j)]
    names = {job.name for job in starting}
    if any(record.job in names for record in map(_record_of, layers) if record is not None):
        halving = (j for j in jobs if _gives_half_maps(j) and can_fill(j.inputs, layers))
        return list(halving)[:MOST_SUGGESTED]
    if any(not reason_for_kind(layer, Volume) for layer in layers):
        fitting = (j for family in MODEL_AND_MAP for j in jobs if j.family == family)
        found = [j for j in jobs if _looks_for_structure(j, layers)]
        found += [j for j in fitting if _takes_model_and_map(j, layers)]
        return (found or [j for j in jobs if _takes_picks(j, layers)])[:MOST_SUGGESTED]
    return [j for j in starting if can_fill(j.inputs, layers) and _gives_map(j)][:MOST_SUGGESTED]


def _begins_with_structure(job: Job) -> bool:
    """Whether a job needs nothing but a structure; what makes a template is asked for later."""
    needs = {p.noun for p in job.inputs if p.required}
    return needs == {Structure} and job.outputs[0].name != TEMPLATE


def _takes_model_and_map(job: Job, layers: list[Any]) -> bool:
    """Whether a job needs a structure and a map, both are there, and it is no probe."""
    needs = {p.noun for p in job.inputs if p.required}
    return needs == {Structure, Volume} and not job.probe and can_fill(job.inputs, layers)


def _looks_for_structure(job: Job, layers: list[Any]) -> bool:
    """Whether a job looks in a tomogram for what a structure gives, and both are there."""
    if not any(maker_of(p) is not None for p in job.inputs) or not can_fill(job.inputs, layers):
        return False
    has_structure = any(not reason_for_kind(layer, Structure) for layer in layers)
    return (
        has_structure
        and Particles in [o.noun for o in job.outputs]
        and any(map(_is_tomogram, layers))
    )


def _is_tomogram(layer: Any) -> bool:
    """Whether a layer shows a tomogram."""
    tag = tag_of(layer)
    return tag is not None and isinstance(tag.noun, Volume) and is_tomogram(tag.noun)


def _takes_picks(job: Job, layers: list[Any]) -> bool:
    """Whether a job needs a list of picks, and all that it needs is there."""
    needs = {p.noun for p in job.inputs if p.required}
    return Particles in needs and can_fill(job.inputs, layers)


def _record_of(layer: Any) -> Record | None:
    tag = tag_of(layer)
    return None if tag is None else tag.record


def _gives_map(job: Job) -> bool:
    return any(output.noun is Volume for output in job.outputs)


def _gives_half_maps(job: Job) -> bool:
    return sum(half_map_name(output.name) is not None for output in job.outputs) == 2
