"""The Jobs dock: find a job, fill its form, run it."""

from __future__ import annotations

from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFrame,
    QLineEdit,
    QScrollArea,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mapscope.job import Job
from mapscope.jobs import all_jobs, family_title
from mapscope.viewer.forms import JobForm
from mapscope.viewer.inputs import can_fill
from mapscope.viewer.layers import half_map_pair
from mapscope.viewer.workspace import workspace_of
from mapscope.volume import HalfMaps

SUGGESTED = "Suggested"
MOST_SUGGESTED = 3


class JobsDock(QWidget):
    """Search box, tree of jobs by family with suggestions on top, and the chosen job's form.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.form: JobForm | None = None
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search jobs")
        self.search.setClearButtonEnabled(True)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setMinimumHeight(90)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.tree)
        splitter.addWidget(self.area)
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.search)
        layout.addWidget(splitter, stretch=1)
        self.setMinimumWidth(330)
        self._fill()
        self.search.textChanged.connect(self._fill)
        self.tree.itemClicked.connect(self._clicked)
        self.tree.itemActivated.connect(self._clicked)
        for event in (napari_viewer.layers.events.inserted, napari_viewer.layers.events.removed):
            event.connect(self._fill)
        workspace_of(napari_viewer).job_opened.connect(self.open)

    def open(self, name: str) -> JobForm:
        """Show a job's form and give it."""
        if self.form is not None:
            self.form.disconnect_viewer()
        self.form = JobForm(all_jobs()[name], self.viewer)
        self.area.setWidget(self.form)
        return self.form

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
        """List the jobs that match the search, those that suit the layers first."""
        words = self.search.text().lower().split()
        jobs = [job for job in all_jobs().values() if _matches(job, words)]
        layers = list(self.viewer.layers)
        self.tree.clear()
        if not words:
            self._add_family(SUGGESTED, suggested_jobs(jobs, layers))
        for family in dict.fromkeys(job.family for job in jobs):
            self._add_family(family_title(family), [j for j in jobs if j.family == family])

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
        if name is not None and (self.form is None or self.form.job.name != name):
            self.open(name)


def _matches(job: Job, words: list[str]) -> bool:
    """Whether every word stands in a job's title or description."""
    text = f"{job.title} {job.name} {job.summary} {job.description}".lower()
    return all(word in text for word in words)


def suggested_jobs(jobs: list[Job], layers: list[Any]) -> list[Job]:
    """The jobs that make most of the layers at hand, best first.

    Jobs that use half maps come first where there are any, and among them those that need
    them; without half maps nothing stands out, and nothing is suggested.
    """
    if half_map_pair(layers) is None:
        return []
    fitting = [
        (any(p.required for p in job.inputs if p.noun is HalfMaps), job)
        for job in jobs
        if not job.probe
        and can_fill(job.inputs, layers)
        and any(p.noun is HalfMaps for p in job.inputs)
    ]
    fitting.sort(key=lambda pair: not pair[0])
    return [job for _, job in fitting[:MOST_SUGGESTED]]
