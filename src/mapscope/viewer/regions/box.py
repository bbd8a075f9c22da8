"""A box in the view whose faces can be dragged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from napari.layers import Points, Vectors

from mapscope.viewer.regions.pointing import Pointer, Vector, hidden_axes, slice_place
from mapscope.viewer.regions.tool import Move, Tool
from mapscope.volume import Grid, Region

COLOR = "#ffd60a"
PALE = "#8d7f3d"
"""Of the outline in slices that do not cut the box."""

EDGES_NAME, HANDLES_NAME = "Box", "Box · handles"
REACH = 12
"""Pixels from a handle within which the mouse takes it."""

HANDLE_PIXELS = 9
LOWER, UPPER = 0, 1
FACES = tuple((axis, side) for axis in range(3) for side in (LOWER, UPPER))


class CropBox(Tool):
    """A box of whole voxels; slices show its outline, also beside it, where it is pale.

    Attributes
    ----------
    grid : Grid
        The map's.
    region : Region
        The voxels in the box.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__(viewer)
        self.grid = Grid((1, 1, 1))
        self.region = Region((0, 0, 0), (1, 1, 1))
        self._faces: list[tuple[int, int]] = []
        self._drawn: Vector = np.zeros((0, 3))
        self._color = COLOR

    # Where it is

    def place(self, grid: Grid, region: Region) -> None:
        """Put the box into the view of a map, within the map.

        Raises
        ------
        GridError
            If the region lies outside the map.
        """
        self.grid, self.region = grid, region.clipped(grid.shape)
        self._place(grid)

    def adapt(self, grid: Grid) -> None:
        """Stay in place in another map; around all of it where the box lies outside of it."""
        if grid == self.grid:
            return
        lower, upper = (np.round(grid.index_from_world(end) + 0.5) for end in self.bounds)
        lower = np.clip(lower, 0, grid.shape).astype(int)
        upper = np.clip(upper, 0, grid.shape).astype(int)
        is_outside = bool((upper <= lower).any())
        whole = Region((0, 0, 0), grid.shape)
        self.place(grid, whole if is_outside else Region(tuple(lower), tuple(upper)))

    @property
    def bounds(self) -> tuple[Vector, Vector]:
        """The outer edges of the first and last voxels, Å, z, y, x."""
        ends = np.array([self.region.lower, self.region.upper])
        lower, upper = self.grid.world_from_index(ends - 0.5)
        return lower, upper

    @property
    def size(self) -> Vector:
        """Lengths in Å, z, y, x."""
        return np.asarray(np.array(self.region.shape) * self.grid.voxel_size)

    def set_region(self, lower: Sequence[int], upper: Sequence[int]) -> None:
        """Put the box around other voxels; what is outside the map is cut off."""
        shape = self.grid.shape
        first = [min(max(a, 0), n - 1) for a, n in zip(lower, shape, strict=True)]
        last = [min(max(b, a + 1), n) for a, b, n in zip(first, upper, shape, strict=True)]
        region = Region(tuple(first), tuple(last))  # type: ignore[arg-type]
        if region != self.region:
            self.region = region
            self._draw()
            self.changed.emit()

    def move_face(self, axis: int, side: int, position: float) -> None:
        """Move one face along its axis to the voxel border nearest to a position in Å.

        It stays within the map, and one voxel short of the face across.
        """
        origin, step = self.grid.origin[axis], self.grid.voxel_size[axis]
        border = round((position - origin) / step + 0.5)
        lower, upper = list(self.region.lower), list(self.region.upper)
        if side == LOWER:
            lower[axis] = min(border, upper[axis] - 1)
        else:
            upper[axis] = max(border, lower[axis] + 1)
        self.set_region(lower, upper)

    def resize(self, axis: int, length: float) -> None:
        """Give the box another length in Å along an axis, around its middle."""
        count = max(1, min(round(length / self.grid.voxel_size[axis]), self.grid.shape[axis]))
        lower, upper = list(self.region.lower), list(self.region.upper)
        first = (lower[axis] + upper[axis] - count) // 2
        lower[axis] = min(max(first, 0), self.grid.shape[axis] - count)
        upper[axis] = lower[axis] + count
        self.set_region(lower, upper)

    # In the view

    def handle(self, axis: int, side: int) -> Vector:
        """Where the handle of a face is, Å, z, y, x: in slices in the slice."""
        lower, upper = self.bounds
        place = (lower + upper) / 2
        viewer = self._viewer()
        if viewer is not None:
            axes, here = list(hidden_axes(viewer)), slice_place(viewer)
            place[axes] = here[axes]
        place[axis] = (lower, upper)[side][axis]
        return np.asarray(place)

    def grab(self, pointer: Pointer) -> Move | None:
        """Move the face whose handle is under the mouse, the nearest to the eye of several."""
        if not self.is_placed:
            return None
        met = [
            (pointer.depth(place), face)
            for face, place in zip(self._faces, self._drawn, strict=True)
            if pointer.from_line(place) <= REACH * pointer.pixel
        ]
        return self._move_of(*min(met)[1], pointer) if met else None

    def _move_of(self, axis: int, side: int, pointer: Pointer) -> Move | None:
        """What moves a face along its axis as the mouse moves."""
        place = self.handle(axis, side)
        start = pointer.along(axis, place)
        if start is None:
            return lambda _now: None

        def move(now: Pointer) -> None:
            there = now.along(axis, place)
            if there is not None:
                self.move_face(axis, side, float(place[axis]) + there - start)

        return move

    def _layers_of(self, _grid: Grid) -> list[Any]:
        self._color = COLOR
        edges = Vectors(
            np.zeros((1, 2, 3)),
            edge_color=COLOR,
            edge_width=0.25,
            vector_style="line",
            blending="translucent_no_depth",
            **self._attributes(EDGES_NAME),
        )
        handles = Points(
            np.zeros((1, 3)),
            size=1,
            symbol="square",
            face_color=COLOR,
            border_width=0,
            canvas_size_limits=(HANDLE_PIXELS, HANDLE_PIXELS),
            blending="translucent_no_depth",
            **self._attributes(HANDLES_NAME),
        )
        handles.events.data.connect(self._dragged)
        return [edges, handles]

    def _fill(self, viewer: Any) -> None:
        """Draw edges and handles for the view as it is."""
        edges, handles = self._layers
        hidden = hidden_axes(viewer)
        self._faces = [face for face in FACES if face[0] not in hidden]
        self._drawn = np.array([self.handle(*face) for face in self._faces]).reshape(-1, 3)
        here = slice_place(viewer)
        color = COLOR if self._is_cut(hidden, here) else PALE
        if self._color != color:
            self._color = edges.edge_color = color
        edges.data = self._in_steps(self._edges(hidden, here))
        is_new = len(handles.data) != len(self._drawn)
        handles.data = self._in_steps(self._drawn)
        if is_new:  # napari gives new points the look of the selected one
            handles.size, handles.symbol, handles.face_color = 1, "square", COLOR
            handles.border_width, handles.border_color = 0, COLOR

    def _is_cut(self, hidden: Sequence[int], here: Vector) -> bool:
        """Whether the slice goes through the box."""
        lower, upper = self.bounds
        return all(lower[axis] <= here[axis] <= upper[axis] for axis in hidden)

    def _edges(self, hidden: Sequence[int], here: Vector) -> Vector:
        """Start and run of each edge in Å (n, 2, 3); in slices those of the outline."""
        ends = [np.array(pair) for pair in zip(*self.bounds, strict=True)]
        for axis in hidden:
            ends[axis] = here[axis : axis + 1]
        lines = []
        for axis in (a for a in range(3) if a not in hidden):
            others = [pair if a != axis else pair[:1] for a, pair in enumerate(ends)]
            run = np.zeros(3)
            run[axis] = ends[axis][1] - ends[axis][0]
            lines += [(np.array(corner), run) for corner in product(*others)]
        return np.array(lines)

    def _dragged(self, event: Any) -> None:
        """Follow what napari's own tools did with the handles."""
        if not self._is_foreign(event):
            return
        data = self._in_angstroms(event.source.data)
        if len(data) == 0:
            self.take_away()
            return
        if data.shape == self._drawn.shape:
            before = self._drawn
            for (axis, side), new, old in zip(self._faces, data, before, strict=True):
                if abs(new[axis] - old[axis]) > 1e-6:
                    self.move_face(axis, side, float(new[axis]))
        self._draw()
