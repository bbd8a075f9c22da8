"""A labels layer as the view of a log: what is done to either is done to both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap, label_colormap

from mapscope.edits import Change, EditLog, LabelsChange, Noun, regions
from mapscope.errors import MapscopeError
from mapscope.viewer.editing.points_editor import Send
from mapscope.viewer.layers import SPACE, place_of
from mapscope.volume import Array

FEW_VOXELS = 200_000
"""Up to so many voxels only their surroundings are drawn again."""

UNKNOWN_COLOR = (0.6, 0.6, 0.6, 1.0)


class LabelsEditor:
    """Binds a labels layer to a log of labels.

    Parameters
    ----------
    layer : napari.layers.Labels
        A layer that shows the log's labels in an array of its own.
    log : EditLog
        The log.
    send : callable (changes)
        Makes changes in the log that the layer shows already; together they are one edit.
    """

    is_busy = False

    def __init__(self, layer: Any, log: EditLog, send: Send) -> None:
        self.layer = layer
        self.log = log
        self._send = send
        self._is_showing = False
        self._place = place_of(layer)
        # One that names the colours of its numbers has none for those that are painted anew.
        has_chosen = isinstance(layer.colormap, DirectLabelColormap)
        self._own_colormap = label_colormap() if has_chosen else layer.colormap
        layer.events.paint.connect(self._on_painted)
        layer.events.data.connect(self._on_replaced)
        layer.events.editable.connect(self._keep_closed)
        self._keep_closed()
        self.show_colors()

    def close(self) -> None:
        """Let go of the layer."""
        self.layer.events.paint.disconnect(self._on_painted)
        self.layer.events.data.disconnect(self._on_replaced)
        self.layer.events.editable.disconnect(self._keep_closed)

    def snapshot(self) -> Noun:
        """The labels as they are now."""
        return self.log.snapshot()

    def reason(self) -> str:
        """Why the layer is not where its log has it, or an empty text."""
        is_there = np.allclose(place_of(self.layer), self._place)
        return "" if is_there else "moved or scaled as a whole since its edits began"

    def show(self, change: Change) -> None:
        """Show a change that was made in the log, without building the layer anew."""
        assert isinstance(change, LabelsChange)
        self._is_showing = True
        try:
            self._show_voxels(change)
        finally:
            self._is_showing = False
        if change.before or change.after:
            self.show_colors()

    def reset(self) -> None:
        """Show the log's state, whatever the layer holds."""
        self._is_showing = True
        try:
            self.layer.data = self.log.labels.data.copy()
        finally:
            self._is_showing = False

    def show_colors(self) -> None:
        """Give regions the colours that were chosen; the others keep their own."""
        chosen = {n: r.color for n, r in self.log.labels.regions.items() if r.color is not None}
        if not chosen:
            if self.layer.colormap is not self._own_colormap:
                self.layer.colormap = self._own_colormap
            return
        colors: dict[int | None, Any] = {None: UNKNOWN_COLOR, 0: (0.0, 0.0, 0.0, 0.0)}
        for number in self.log.labels.numbers:
            color = chosen.get(number)
            colors[number] = self.own_color(number) if color is None else (*color, 1.0)
        self.layer.colormap = DirectLabelColormap(color_dict=colors)

    def own_color(self, number: int) -> tuple[float, float, float, float]:
        """The colour (red, green, blue, alpha) of a region for which none was chosen."""
        red, green, blue, alpha = (float(c) for c in self._own_colormap.map(number))
        return red, green, blue, alpha

    def color(self, number: int) -> tuple[float, float, float]:
        """The colour (red, green, blue) in which a region is shown."""
        region = self.log.labels.regions.get(number)
        if region is not None and region.color is not None:
            return region.color
        return self.own_color(number)[:3]

    def _show_voxels(self, change: LabelsChange) -> None:
        """Write the voxels of a change into the layer."""
        runs = change.runs
        if runs is None or not len(runs):
            return
        data = self.layer.data
        if int(runs.after.max()) > np.iinfo(data.dtype).max or not data.flags.c_contiguous:
            self.layer.data = self.log.labels.data.copy()
        elif runs.voxels <= FEW_VOXELS:
            index = np.unravel_index(runs.places(), data.shape)
            self.layer.data_setitem(index, np.repeat(runs.after, runs.length).astype(data.dtype))
        else:
            part = slice(int(runs.start[0]), int(runs.start[-1] + runs.length[-1]))
            data.reshape(-1)[part] = self.log.labels.data.reshape(-1)[part]
            self.layer.refresh()

    def _keep_closed(self, _event: Any = None) -> None:
        """Keep a layer that is only looked at from being edited; napari opens it now and then."""
        if self.log.is_read_only and self.layer.editable:
            self.layer.editable = False

    def _on_painted(self, event: Any) -> None:
        """A stroke, a fill or an erasure ended in the layer."""
        if not self._is_showing:
            self._record(event.value)

    def _on_replaced(self, _event: Any = None) -> None:
        """The layer was given another array."""
        if not self._is_showing:
            self._record([])

    def _record(self, atoms: Sequence[Any]) -> None:
        """Send what is different in the layer, where it was painted, to the log.

        napari tells of a single dab before the voxels change and of a stroke after it, so
        that what was painted is looked up in both.
        """
        state, data = self.log.labels, self.layer.data
        if data.shape != state.data.shape:
            self.reset()
            raise MapscopeError("labels under edit keep their size: open the others as a layer")
        box = _box_of(atoms, data.shape)
        painted = np.array(data[box])
        for atom in atoms:
            _paint(painted, box, atom)
        try:
            change = regions.painted(state, box, painted)
            if change is not None:
                self._send([change])
        except MapscopeError:
            self.reset()
            raise
        if change is not None and self.layer.colormap is not self._own_colormap:
            self.show_colors()


def _box_of(atoms: Sequence[Any], shape: Sequence[int]) -> tuple[slice, ...]:
    """The smallest box around everything that a stroke painted; all where that is unknown."""
    boxes = [_box_of_atom(atom, shape) for atom in atoms]
    known = [box for box in boxes if box is not None]
    if not known or len(known) < len(boxes):
        return tuple(slice(0, n) for n in shape)
    sides = list(zip(*known, strict=True))
    return tuple(slice(min(p.start for p in side), max(p.stop for p in side)) for side in sides)


def _box_of_atom(atom: Any, shape: Sequence[int]) -> tuple[slice, ...] | None:
    """The box of one dab: of a brush, or of voxels named one by one."""
    box = getattr(atom, "slice_key", None)
    if box is not None:
        return tuple(slice(*part.indices(n)[:2]) for part, n in zip(box, shape, strict=True))
    if isinstance(atom, tuple) and len(atom) == 3 and isinstance(atom[0], tuple):
        index = [np.atleast_1d(axis) for axis in atom[0]]
        return tuple(slice(int(i.min()), int(i.max()) + 1) for i in index)
    return None


def _paint(painted: Array, box: tuple[slice, ...], atom: Any) -> None:
    """Paint one dab into the data of a box."""
    lower = [part.start for part in box]
    inside = getattr(atom, "slice_key", None)
    if inside is not None:
        shape = [n + low for n, low in zip(painted.shape, lower, strict=True)]
        parts = [part.indices(n) for part, n in zip(inside, shape, strict=True)]
        part = painted[tuple(slice(p[0] - n, p[1] - n) for p, n in zip(parts, lower, strict=True))]
        part[... if atom.mask is None else atom.mask] = atom.new_value
    elif isinstance(atom, tuple) and len(atom) == 3 and isinstance(atom[0], tuple):
        painted[tuple(np.asarray(i) - n for i, n in zip(atom[0], lower, strict=True))] = atom[2]


def labels_layer(log: EditLog, name: str) -> tuple[Any, dict[str, Any], str]:
    """The layer that shows a log's labels, as napari's (data, attributes, type) tuple."""
    grid = log.labels.grid
    attributes = {"name": name, "scale": grid.voxel_size, "translate": grid.origin, **SPACE}
    return log.labels.data.copy(), attributes, "labels"
