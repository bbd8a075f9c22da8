"""What maps are for: the roles that layers carry, and what a role says of how a map looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from mapscope.density.level import contrast_limits, first_contour_level, tomogram_limits
from mapscope.errors import DataError
from mapscope.files import half_map_name
from mapscope.inspection.kind import kind_of_volume
from mapscope.inspection.values import values_of
from mapscope.record import source_of
from mapscope.volume import Volume

LOCAL_RESOLUTION = "local_resolution"
"""Role of a map that holds a resolution in Å in each voxel."""

PROBABILITY, CONFIDENCE = "probability", "confidence"
CHANCES = (PROBABILITY, CONFIDENCE)
"""Roles of maps that hold a chance from 0 to 1 in each voxel."""

FIT = "scores"
"""Role of a map that says how well a template fits in each voxel."""

TRUST = (*CHANCES, "variance", FIT)
"""Roles of maps that say how far to believe something else."""

CHANCE_COLORS, FIT_COLORS = "viridis", "inferno"
"""Colours of a chance and of a fit: even to the eye, also for the colour-blind."""

PROTECTED = "protected"
"""Role of labels that mark where a map is to be kept as it was measured."""

TOMOGRAM = "tomogram"
"""Role of a tomogram that a job made; one from a file is a map, and told by its numbers."""

TEMPLATE = "template"
"""Role of a map to look for in others: it lies in a frame of its own, and suits any map."""

LOCAL_RESOLUTION_NAMES = ("local_resolution", "localresolution", "locres")
"""What programs call its file."""


_judged: WeakKeyDictionary[Volume, bool] = WeakKeyDictionary()


def role_of_output(field: str) -> str:
    """What a map that a job gave is for: the name of the output, or half map.

    Examples
    --------
    >>> role_of_output("half_map_2"), role_of_output("sharpened")
    ('half map', 'sharpened')
    """
    return "half map" if half_map_name(field) is not None else field


def role_of_file(file_name: str) -> str:
    """What a map is for, judged by its file's name: map, half map, mask or local resolution."""
    if half_map_name(file_name) is not None:
        return "half map"
    if any(word in file_name.lower() for word in LOCAL_RESOLUTION_NAMES):
        return LOCAL_RESOLUTION
    return "mask" if "mask" in file_name.lower() else "map"


def look_of(volume: Volume, role: str) -> dict[str, Any]:
    """Contrast, contour level and colours that suit a map's role."""
    if role == "mask":
        return {
            "contrast_limits": (0.0, 1.0),
            "iso_threshold": 0.5,
            "colormap": "bop blue",
            "opacity": 0.4,
            "blending": "additive",
        }
    if role in CHANCES:
        return {"contrast_limits": (0.0, 1.0), "colormap": CHANCE_COLORS, "rendering": "mip"}
    if role == FIT:
        return {
            "contrast_limits": contrast_limits(volume),
            "colormap": FIT_COLORS,
            "rendering": "mip",
        }
    if role == TOMOGRAM or (role == "map" and is_tomogram(volume)):
        return _look_of_tomogram(volume)
    limits = contrast_limits(volume)
    if role == LOCAL_RESOLUTION:
        # Å are no density: slices and a sum along the line of sight, in colours, no contour.
        return {"contrast_limits": limits, "colormap": "turbo", "rendering": "mip"}
    level = _first_level(volume, limits[1])
    return {"contrast_limits": limits, "iso_threshold": level, "colormap": "gray"}


def is_tomogram(volume: Volume) -> bool:
    """Whether a volume is a tomogram, judged once by its numbers, its box and its voxels."""
    if volume not in _judged:
        path = source_of(volume).path
        kind = kind_of_volume(volume, values_of(volume.data), None if path is None else Path(path))
        _judged[volume] = kind == "tomogram"
    return _judged[volume]


def _look_of_tomogram(volume: Volume) -> dict[str, Any]:
    """A tomogram's look: robust contrast, dense is bright, in 3D its brightest along a ray.

    A surface through its noise would show nothing, and take long.
    """
    limits = tomogram_limits(volume)
    is_dark = volume.contrast < 0
    return {
        "contrast_limits": limits,
        "iso_threshold": _first_level(volume, limits[1]),
        "colormap": "gray_r" if is_dark else "gray",
        "rendering": "minip" if is_dark else "mip",
    }


def _first_level(volume: Volume, otherwise: float) -> float:
    """The level of a map's first contour; a constant map has no surface at any level."""
    try:
        return first_contour_level(volume)
    except DataError:
        return otherwise
