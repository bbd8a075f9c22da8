"""Lists of particles of other programs: one file of this package for each format.

Everything is turned into Å, z, y, x, and active proper rotations, ``p_tomogram = R @ p_template +
position``; Euler angles, corners, centres, pixels and binning exist in this package only.
"""

from __future__ import annotations

from mapscope.files.particles.catalogue import (
    FORMATS,
    format_for,
    format_named,
    format_names,
    self_check,
)
from mapscope.files.particles.check import SelfCheck, checked_content
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.relion_styles import RELION_5, STYLES

_SAME_READER = {style.name for style in STYLES} - {RELION_5.name}

READERS: tuple[ParticlesFormat, ...] = tuple(f for f in FORMATS if f.name not in _SAME_READER)
WRITERS: tuple[ParticlesFormat, ...] = tuple(f for f in FORMATS if f.writes)

__all__ = [
    "FORMATS",
    "READERS",
    "WRITERS",
    "ParticlesFormat",
    "SelfCheck",
    "checked_content",
    "format_for",
    "format_named",
    "format_names",
    "self_check",
]
