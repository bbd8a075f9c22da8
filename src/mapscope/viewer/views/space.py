"""Where layers, the camera and the canvas are in the space of a viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.viewer.layers import angstroms_per_unit, reason_against

Vector = npt.NDArray[np.float64]

AXES = ("z", "y", "x")


@dataclass(frozen=True)
class Frame:
    """A layer's grid in the space of the viewer.

    Parameters
    ----------
    step : array (3,)
        Length of a voxel along z, y, x in the viewer's unit.
    origin : array (3,)
        Centre of the first voxel.
    shape : tuple of int
        Voxels along z, y, x.
    """

    step: Vector
    origin: Vector
    shape: tuple[int, ...]

    @property
    def lower(self) -> Vector:
        """The outer edges of the first voxels."""
        return self.origin - self.step / 2

    @property
    def upper(self) -> Vector:
        """The outer edges of the last voxels."""
        return np.asarray(self.lower + self.step * np.asarray(self.shape))

    def index(self, axis: int, position: float) -> int | None:
        """The voxel at a position along an axis, or None outside."""
        found = int(np.floor((position - self.lower[axis]) / self.step[axis]))
        return found if 0 <= found < self.shape[axis] else None


def unit_of(viewer: Any) -> Any:
    """The viewer's unit of length, or None where its layers have none in common."""
    units = viewer.layers.units
    if not units or units[-1].dimensionality != {"[length]": 1}:
        return None
    return units[-1]


def angstroms_per_world_unit(viewer: Any) -> float:
    """Å in one of the viewer's units; 1 where layers without a unit have it count numbers."""
    unit = unit_of(viewer)
    return 1.0 if unit is None else float((1 * unit).to("angstrom").magnitude)


def names_without_unit(viewer: Any) -> list[str]:
    """Layers whose voxel size nobody knows: one of them, and no length can be told."""
    return [layer.name for layer in viewer.layers if angstroms_per_unit(layer) is None]


def frame_of(viewer: Any, layer: Any) -> Frame:
    """The grid of a layer that is neither rotated nor sheared, in the viewer's space."""
    origin = np.asarray(layer.data_to_world((0,) * layer.ndim))[-3:]
    corner = np.asarray(layer.data_to_world((1,) * layer.ndim))[-3:]
    factor = np.asarray(_viewer_units_per_unit(viewer, layer))
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    return Frame((corner - origin) * factor, origin * factor, tuple(data.shape[-3:]))


def _viewer_units_per_unit(viewer: Any, layer: Any) -> tuple[float, ...]:
    """The viewer's units in one unit of a layer, along z, y, x."""
    own = angstroms_per_unit(layer)
    if unit_of(viewer) is None or own is None:
        return (1.0, 1.0, 1.0)
    return tuple(factor / angstroms_per_world_unit(viewer) for factor in own[-3:])


def reason_against_map(layer: Any) -> str:
    """Why a layer cannot be looked at as a map, or an empty text where it can."""
    if type(layer).__name__ != "Image":
        return "not a map"
    if layer.ndim != 3 or layer.rgb:
        return "not a three-dimensional map"
    reason = reason_against(layer)
    return reason if "rotated" in reason else ""


def point_of(viewer: Any) -> Vector:
    """Position of the slices along z, y, x."""
    return np.asarray(viewer.dims.point[-3:], dtype=float)


def right_direction(viewer: Any) -> Vector:
    """Unit vector of the displayed axes that points right on the canvas, (2,) or (3,)."""
    camera = viewer.scene.camera
    if viewer.dims.ndisplay == 2:
        return np.array([0.0, 1.0 if camera.orientation[2] == "right" else -1.0])
    right = np.cross(camera.view_direction, camera.up_direction)
    sign = 1.0 if camera.handedness == "right" else -1.0
    return np.asarray(sign * right / np.linalg.norm(right))


def position_at_share(viewer: Any, share: float) -> Vector:
    """Position of the displayed axes at a share of the canvas's width from the left."""
    camera = viewer.scene.camera
    centre = np.asarray(camera.center)[-viewer.dims.ndisplay :]
    offset = (share - 0.5) * viewer.canvas.size[1] / camera.zoom
    return np.asarray(centre + offset * right_direction(viewer))


def share_at_position(viewer: Any, position: npt.ArrayLike) -> float:
    """Share of the canvas's width at a position of the displayed axes."""
    camera = viewer.scene.camera
    centre = np.asarray(camera.center)[-viewer.dims.ndisplay :]
    offset = np.dot(np.asarray(position) - centre, right_direction(viewer))
    return float(0.5 + offset * camera.zoom / viewer.canvas.size[1])
