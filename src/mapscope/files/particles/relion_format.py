"""The formats of RELION and Warp: one reader, and a writer for each style."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed
from mapscope.files.particles.relion import read_relion
from mapscope.files.particles.relion_optics import knows_tilt_pixel
from mapscope.files.particles.relion_styles import (
    GLOBAL,
    RELION_4,
    RELION_5,
    SIZES,
    STYLES,
    Style,
)
from mapscope.files.particles.relion_writer import relion_text


class RelionFormat(ParticlesFormat):
    """STAR files of RELION and Warp: any is read, one style is written.

    Parameters
    ----------
    style : Style
        What is written.
    """

    suffixes = (".star",)
    holds_voxel_size = True

    def __init__(self, style: Style) -> None:
        self.style, self.name, self.title = style, style.name, style.title

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of all styles."""
        return tuple(style.name for style in STYLES)

    def claims(self, head: bytes) -> bool:
        """Whether a STAR file begins so: one that no other format claims may be RELION's."""
        return b"data_" in head

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        return read_relion(path, findings, frame)

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        return relion_text(layout, self.style).encode()

    def caution(self, layout: Layout) -> str:
        """What is assumed here, and RELION has in files of its own: sizes of pixels, of tomograms.

        RELION 4 reads coordinates without asking in what pixels a file counts, and RELION 5 counts
        from the middles of the tomograms that its tomograms.star describes.
        """
        if self.style is RELION_5:
            return _one_size_of_several(layout)
        if self.style is not RELION_4 or knows_tilt_pixel(layout.particles) or not len(layout):
            return ""
        sizes = ", ".join(f"{size:g}" for size in np.unique(layout.edges(self.title))[:3])
        return (
            f"RELION 4 counts in pixels of the tilt series, taken here to be of {sizes} Å: is the "
            "tomogram binned, write RELION 5 or fill the column rlnTomoTiltSeriesPixelSize"
        )


def _one_size_of_several(layout: Layout) -> str:
    """That several tomograms are taken to be of one size, where RELION did not say so."""
    shape, names = layout.shape, set(layout.names)
    is_said = GLOBAL + SIZES[0] in layout.particles.columns
    if shape is None or is_said or len(names) < 2 or (shape != shape[0]).any():
        return ""
    return (
        f"all {len(names)} tomograms are taken to be of {' x '.join(map(str, shape[0]))} voxels, "
        "from whose middle RELION 5 counts: compare its tomograms.star"
    )


FORMATS = tuple(RelionFormat(style) for style in STYLES)
