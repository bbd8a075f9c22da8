"""What maps are for: the roles that layers carry, and what a role says of how a map looks."""

from __future__ import annotations

from typing import Any

from mapscope.density.level import contrast_limits, first_contour_level
from mapscope.errors import DataError
from mapscope.files import half_map_name
from mapscope.volume import Volume

LOCAL_RESOLUTION = "local_resolution"
"""Role of a map that holds a resolution in Å in each voxel."""

PROBABILITY, CONFIDENCE = "probability", "confidence"
CHANCES = (PROBABILITY, CONFIDENCE)
"""Roles of maps that hold a chance from 0 to 1 in each voxel."""

TRUST = (*CHANCES, "variance")
"""Roles of maps that say how far to believe something else."""

CHANCE_COLORS = "viridis"
"""Colours of a chance: even to the eye, also for the colour-blind."""

PROTECTED = "protected"
"""Role of labels that mark where a map is to be kept as it was measured."""

LOCAL_RESOLUTION_NAMES = ("local_resolution", "localresolution", "locres")
"""What programs call its file."""


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
    limits = contrast_limits(volume)
    if role == LOCAL_RESOLUTION:
        # Å are no density: slices and a sum along the line of sight, in colours, no contour.
        return {"contrast_limits": limits, "colormap": "turbo", "rendering": "mip"}
    try:
        level = first_contour_level(volume)
    except DataError:
        level = limits[1]  # a constant map has no surface at any level
    return {"contrast_limits": limits, "iso_threshold": level, "colormap": "gray"}
