"""A points layer as the view of a log: what is done to either is done to both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from mapscope.edits import Change, Column, EditLog, Noun, PointsChange
from mapscope.edits.points import POSITION, ROTATION, SCORE
from mapscope.errors import MapscopeError
from mapscope.viewer.layers import SPACE, place_of
from mapscope.volume import Array

LOOKS = ("size", "symbol", "border_width", "border_color", "face_color", "shown")
"""What a layer knows of the look of each point, which comes back with a point."""

BEGINNING = ("adding", "removing", "changing")
Send = Callable[[Sequence[Change | Callable[[], Change]]], None]
Ids = np.ndarray[Any, np.dtype[np.int64]]


class PointsEditor:
    """Binds a points layer to a log of points.

    Parameters
    ----------
    layer : napari.layers.Points
        A layer that shows the log's points, in the order of their ids.
    log : EditLog
        The log.
    send : callable (changes)
        Makes changes in the log that the layer shows already; together they are one edit.
        A change that stands on the one before it comes as a function that gives it.
    """

    def __init__(self, layer: Any, log: EditLog, send: Send) -> None:
        self.layer = layer
        self.log = log
        self._send = send
        self.is_busy = False
        """Whether something is being dragged."""
        self.defaults: dict[str, Any] = {}
        """What a new point has in some columns, such as the tomogram that it is picked in."""
        self._is_showing = False
        self._place = place_of(layer)
        self._ids = log.points.ids
        self._seen = np.array(layer.data)
        self._looks: dict[int, dict[str, Any]] = {}
        self._set_defaults()
        layer.events.data.connect(self._on_data)
        layer.events.set_data.connect(self._on_redrawn)
        layer.events.features.connect(self._on_features)
        layer.events.editable.connect(self._keep_closed)
        self._keep_closed()

    def close(self) -> None:
        """Let go of the layer."""
        self.layer.events.data.disconnect(self._on_data)
        self.layer.events.set_data.disconnect(self._on_redrawn)
        self.layer.events.features.disconnect(self._on_features)
        self.layer.events.editable.disconnect(self._keep_closed)

    def snapshot(self) -> Noun:
        """The points as they are now."""
        return self.log.snapshot()

    def reason(self) -> str:
        """Why the layer is not where its log has it, or an empty text."""
        is_there = np.allclose(place_of(self.layer), self._place)
        return "" if is_there else "moved or scaled as a whole since its edits began"

    @property
    def ids(self) -> Ids:
        """Ids of the points, in the order of the layer."""
        return self._ids

    def selected(self) -> list[int]:
        """Ids of the points selected in the layer."""
        return [int(self._ids[n]) for n in sorted(self.layer.selected_data)]

    def select(self, ids: Ids) -> None:
        """Select points in the layer, and no others."""
        self.layer.selected_data = set(self._rows(ids).tolist())

    def show(self, change: Change) -> None:
        """Show a change that was made in the log, without building the layer anew."""
        assert isinstance(change, PointsChange)
        with self._showing():
            if change.op == "column":
                self.layer.features = self._all_features()
                self._set_defaults()
            elif change.after is None:
                self._hide(change.ids)
            elif change.before is None:
                self._bring_back(change.ids, change.after)
            else:
                self._update(change.ids, change.after)
            self._seen = np.array(self.layer.data)

    def reset(self) -> None:
        """Show the log's state, whatever the layer holds."""
        with self._showing():
            self._ids = self.log.points.ids
            self.layer.data = self._data_from(self.log.points.rows(self._ids)[POSITION])
            self.layer.features = self._all_features()
            self._seen = np.array(self.layer.data)

    @contextmanager
    def _showing(self) -> Iterator[None]:
        """While the layer follows the log, what happens to it is no edit."""
        before, self._is_showing = self._is_showing, True
        try:
            yield
        finally:
            self._is_showing = before

    def _keep_closed(self, _event: Any = None) -> None:
        """Keep a layer that is only looked at from being edited; napari opens it now and then."""
        if self.log.is_read_only and self.layer.editable:
            self.layer.editable = False

    def _on_data(self, event: Any) -> None:
        """Points were added, removed or moved in the layer."""
        action = str(getattr(event.action, "value", event.action))
        if self._is_showing:
            return
        self.is_busy = action in BEGINNING
        if action == "removing":
            self._keep_looks(list(event.data_indices))
        if not self.is_busy:
            self._record(action, [int(n) for n in event.data_indices])

    def _on_redrawn(self, _event: Any = None) -> None:
        """Points that were pasted come without any other event."""
        if not self._is_showing and not self.is_busy and len(self.layer.data) > len(self._ids):
            self._record("added", [])

    def _record(self, action: str, rows: list[int]) -> None:
        """Send what is different in the layer to the log."""
        data = np.asarray(self.layer.data)
        changes: list[Change] = []
        before, gone = len(self._ids), set(rows) if action == "removed" else set()
        if before - len(gone) != len(data) and len(data) < before:
            gone = set(range(len(data), before))  # all points were replaced by fewer
        if gone:
            chosen = np.array(sorted(gone))
            changes.append(self.log.points.removed(self._ids[chosen].tolist()))
            self._ids = np.delete(self._ids, chosen)
            self._seen = np.delete(self._seen, chosen, axis=0)
        moved = np.flatnonzero((data[: len(self._seen)] != self._seen).any(axis=1))
        if len(moved):
            position = {POSITION: self._positions(data[moved])}
            changes.append(self.log.points.changed(self._ids[moved].tolist(), position))
        if len(data) > len(self._ids):
            changes.append(self._addition(slice(len(self._ids), len(data))))
        self._seen = np.array(data)
        if changes:
            self._try(changes)

    def _addition(self, rows: slice) -> PointsChange:
        """The change that adds the last points of the layer; a pick by hand has no score."""
        values = {name: column[rows] for name, column in self._features().items()}
        values.pop(SCORE, None)
        positions = self._positions(np.asarray(self.layer.data)[rows])
        own = self.own_values(len(positions))
        change = self.log.points.added({POSITION: positions, **values, **own})
        self._ids = np.concatenate([self._ids, change.ids])
        table = {SCORE: np.nan, **{name: value for name, value in own.items() if value.ndim == 1}}
        if set(table) & set(self.layer.features):
            with self._showing():
                self._write_features(np.arange(len(self.layer.data))[rows], table)
        return change

    def own_values(self, count: int) -> dict[str, Array]:
        """The defaults of new points, in the columns that there are."""
        columns = self.log.points.columns
        own = {name: value for name, value in self.defaults.items() if name in columns}
        return {
            name: np.array(np.broadcast_to(value, (count, *columns[name].shape)))
            for name, value in own.items()
        }

    def _on_features(self, _event: Any = None) -> None:
        """Names, scores or other values were changed in the layer's table."""
        if self._is_showing or self.is_busy or len(self.layer.data) != len(self._ids):
            return
        changes: list[Change | Callable[[], Change]] = []
        new = {
            str(name): _column_for(values.to_numpy())
            for name, values in self.layer.features.items()
            if str(name) not in (*self.log.points.columns, POSITION, ROTATION)
        }
        if new:
            changes.append(self.log.points.with_columns(new))
        for name, values in self._features(new).items():
            held = None if name in new else self.log.points.rows(self._ids, [name])[name]
            rows = np.arange(len(values)) if held is None else np.flatnonzero(~_equal(values, held))
            if len(rows):
                ids, column = self._ids[rows].tolist(), {name: values[rows]}
                changes.append(partial(self.log.points.changed, ids, column))
        if changes:
            self._try(changes)

    def _try(self, changes: Sequence[Change | Callable[[], Change]]) -> None:
        """Send changes; the layer goes back to the log's state where one is refused."""
        try:
            self._send(changes)
        except MapscopeError:
            self.reset()
            raise

    def _features(self, new: dict[str, Column] | None = None) -> dict[str, Array]:
        """The layer's table in the types of the log's columns."""
        columns = {**self.log.points.columns, **(new or {})}
        table = self.layer.features
        known = [str(n) for n in table if str(n) in columns and not columns[str(n)].shape]
        return {name: _as_column(table[name].to_numpy(), columns[name]) for name in known}

    def _all_features(self) -> dict[str, Array]:
        """The log's columns as the layer's table, in the order of the layer."""
        columns = self.log.points.columns
        names = [n for n, c in columns.items() if not c.shape]
        values = self.log.points.rows(self._ids, names) if names else {}
        return {n: v.astype(str) if v.dtype.kind == "O" else v for n, v in values.items()}

    def _write_features(self, rows: Array, values: dict[str, Any]) -> None:
        """Change some rows of the layer's table, and what is drawn from it."""
        table = self.layer.features
        for name, column in values.items():
            if name in table:
                table.loc[rows, name] = column
        if {str(self.layer.face_color_mode), str(self.layer.border_color_mode)} != {"direct"}:
            self.layer.refresh_colors()
        self.layer.refresh_text()
        self.layer.events.features()

    def _hide(self, ids: Ids) -> None:
        """Remove points from the layer."""
        rows = self._rows(ids)
        self._keep_looks(rows.tolist())
        self.layer.remove(rows.tolist())
        self._ids = np.delete(self._ids, rows)

    def _bring_back(self, ids: Ids, values: Any) -> None:
        """Add points to the layer, with the look that they had."""
        first = len(self._ids)
        with self.layer.events.set_data.blocker():  # it is drawn once, when all is there
            self.layer.add(self._data_from(values[POSITION]))
            self.layer.selected_data = set()
            self._dress(first, ids)
        self._ids = np.concatenate([self._ids, ids])
        rows = np.arange(first, len(self._ids))
        self._write_features(rows, {n: v for n, v in values.items() if n != POSITION})
        self.layer.refresh()

    def _dress(self, first: int, ids: Ids) -> None:
        """Give points that come back, from row `first` on, the look that they had."""
        kept = [(first + n, self._looks[i]) for n, i in enumerate(ids.tolist()) if i in self._looks]
        rows = [row for row, _ in kept]
        for name in LOOKS if kept else ():
            looks, had = getattr(self.layer, name), np.array([look[name] for _, look in kept])
            is_own = not name.endswith("color") or getattr(self.layer, f"{name}_mode") == "direct"
            if is_own and not np.array_equal(looks[rows], had):
                looks = np.array(looks)
                looks[rows] = had
                setattr(self.layer, name, looks)

    def _update(self, ids: Ids, values: Any) -> None:
        """Move points or change their values in place."""
        rows = self._rows(ids)
        if POSITION in values:
            self.layer.data[rows] = self._data_from(values[POSITION])
            self.layer.refresh()
        others = {n: v for n, v in values.items() if n not in (POSITION, ROTATION)}
        if others:
            self._write_features(rows, others)

    def _rows(self, ids: Ids) -> Ids:
        """Rows of the layer that show points."""
        order = np.argsort(self._ids, kind="stable")
        return np.asarray(order[np.searchsorted(self._ids, ids, sorter=order)])

    def _keep_looks(self, rows: list[int]) -> None:
        """Remember how points look that go."""
        known = [row for row in rows if row < len(self._ids)]
        looks = {name: np.asarray(getattr(self.layer, name))[known] for name in LOOKS}
        for n, point in enumerate(self._ids[known].tolist()):
            self._looks[point] = {name: values[n] for name, values in looks.items()}

    def _positions(self, data: Array) -> Array:
        """Positions in Å of the layer's coordinates."""
        voxel_size, origin = self._place
        return np.asarray(data * np.asarray(voxel_size) + np.asarray(origin))

    def _data_from(self, positions: Array) -> Array:
        """The layer's coordinates of positions in Å."""
        voxel_size, origin = self._place
        return np.asarray((positions - np.asarray(origin)) / np.asarray(voxel_size))

    def _set_defaults(self) -> None:
        """A new point has no score and no name until it gets one."""
        columns = self.log.points.columns
        known = {str(n): columns[str(n)] for n in self.layer.features if str(n) in columns}
        if known:
            self.layer.feature_defaults = {n: [c.blank] for n, c in known.items()}


def _column_for(values: Array) -> Column:
    """The column that holds values of a table."""
    if values.dtype.kind in "biu":
        return Column(values.dtype.newbyteorder("<") if values.dtype.kind != "b" else values.dtype)
    if values.dtype.kind == "f":
        return Column(np.dtype(np.float64))
    return Column(np.dtype(object))


def _as_column(values: Array, column: Column) -> Array:
    """Values of a table in a column's type; what is missing is unknown."""
    if column.dtype.kind == "O":
        return np.array(["" if v is None or v != v else str(v) for v in values], dtype=object)
    if column.dtype.kind == "f":
        return np.asarray(values, dtype=column.dtype)
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(numbers), 0, numbers).astype(column.dtype)


def _equal(values: Array, held: Array) -> Any:
    """Which values are the same, NaN being one."""
    same = values == held
    if values.dtype.kind == "f":
        same |= np.isnan(values) & np.isnan(held)
    return np.asarray(same, dtype=bool)


def points_layer(log: EditLog, name: str) -> tuple[Any, dict[str, Any], str]:
    """The layer that shows a log's points, as napari's (data, attributes, type) tuple."""
    state = log.points
    names = [n for n, c in state.columns.items() if not c.shape]
    values = state.rows(state.ids, names) if names else {}
    features = {n: v.astype(str) if v.dtype.kind == "O" else v for n, v in values.items()}
    positions = state.rows(state.ids, [POSITION])[POSITION]
    look = {"size": 10.0, "face_color": "#ffb000", "border_color": "#202020", "ndim": 3}
    attributes = {"name": name, "features": features, "shading": "spherical", **look, **SPACE}
    return positions, attributes, "points"
