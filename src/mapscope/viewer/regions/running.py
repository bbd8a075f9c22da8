"""Jobs on the chosen map: the result takes the map's place, and gives it back when deleted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qtpy.QtCore import QObject, Signal

from mapscope.errors import MapscopeError
from mapscope.job import Job
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.layers import noun_from_layer, tag_of
from mapscope.viewer.workspace import Entry, workspace_of

LOOK = ("colormap", "contrast_limits", "iso_threshold")
"""What a part of a map has in common with it."""


@dataclass(eq=False)
class _Cover:
    """A result that is seen instead of the map that it was made from.

    Parameters
    ----------
    result, source : napari.layers.Image
        Both layers.
    surfaces : list of MapSurface
        Those of the map that were hidden with it.
    """

    result: Any
    source: Any
    surfaces: list[Any] = field(default_factory=list)


class MapJobs(QObject):
    """Runs jobs on maps through the viewer's workspace.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    said = Signal(str)
    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self.entry: Entry | None = None
        self._covers: list[_Cover] = []

    @property
    def is_running(self) -> bool:
        """Whether a job is under way."""
        return self.entry is not None and not self.entry.run.is_over

    def start(self, job: Job, layer: Any, **values: Any) -> Entry:
        """Run a job on a map; its result is shown in the map's place, with the map's look.

        Raises
        ------
        MapscopeError
            If a value does not fit.
        """
        checked = job.check(volume=noun_from_layer(layer), **values)
        is_seen = layer.visible or any(s.is_shown for s in contours_of(self.viewer).of(layer))
        is_seen = is_seen or any(cover.source is layer for cover in self._covers)
        entry = workspace_of(self.viewer).start(job, checked, layer.name, layer)
        self.entry = entry
        entry.run.succeeded.connect(lambda _outcome: self._show(entry, layer, is_seen=is_seen))
        entry.run.failed.connect(lambda error: self.said.emit(_in_one_line(error)))
        entry.run.cancelled.connect(lambda: self.said.emit("Cancelled; nothing was changed."))
        entry.run.ended.connect(self.changed)
        self.said.emit(f"{job.title}…")
        self.changed.emit()
        return entry

    def cancel(self) -> None:
        """Stop the job that is under way."""
        if self.is_running and self.entry is not None:
            self.entry.run.cancel()

    def _show(self, entry: Entry, source: Any, *, is_seen: bool) -> None:
        """Let the result look like the map, and be seen as the map was."""
        key = entry.record.key if entry.record is not None else None
        tags = [(layer, tag_of(layer)) for layer in self.viewer.layers]
        made = [la for la, tag in tags if tag and tag.record and tag.record.key == key]
        if not made or source not in self.viewer.layers:
            return
        result, cover = made[0], _Cover(made[0], source)
        for name in LOOK:
            setattr(result, name, getattr(source, name))
        contours = contours_of(self.viewer)
        cover.surfaces = [s for s in contours.of(source) if s.is_shown]
        for surface in cover.surfaces:
            contours.set_shown(surface, is_shown=False)
        source.visible = False
        if is_seen:
            self._covers.append(cover)
        if cover.surfaces:
            contours.show(result)
        self.said.emit(f"{result.name}: delete the layer to have {source.name} back.")

    def forget(self, removed: Any) -> None:
        """A layer was removed: the map that it covered is seen again."""
        mine = [cover for cover in self._covers if cover.result is removed]
        covered = [cover.source for cover in self._covers]
        self._covers = [c for c in self._covers if removed not in (c.result, c.source)]
        for cover in mine:
            if removed in covered or cover.source not in self.viewer.layers:
                continue  # another result stands in its place
            cover.source.visible = True
            contours = contours_of(self.viewer)
            for surface in cover.surfaces:
                if surface in contours.surfaces:
                    contours.set_shown(surface, is_shown=True)


def _in_one_line(error: BaseException) -> str:
    """What an error says; of one that is not ours also its kind."""
    text = " ".join(str(error).split())
    return text if isinstance(error, MapscopeError) else f"{type(error).__name__}: {text}"
