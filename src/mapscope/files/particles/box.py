"""Box files of EMAN and crYOLO: corner and size of boxes on one image or one slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.errors import InputError
from mapscope.files.findings import Findings
from mapscope.files.particles.digits import digits
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, counted_in, numbers
from mapscope.files.stream import read_text

_FEWEST, _MOST = 4, 5
_WIDTH, _HEIGHT = "width", "height"


class BoxFormat(ParticlesFormat):
    """Box files: x, y, width, height in voxels, with no z, which is 0."""

    name = "box"
    title = "EMAN .box"
    suffixes = (".box",)
    prefix = "box."

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
        for number, row in enumerate(lines, start=1):
            if not _FEWEST <= len(row) <= _MOST:
                got = " ".join(row)[:60]
                raise findings.refuse(
                    f"line {number}: expected x, y, width and height of a box, got {got!r}"
                )
        x, y, width, height = (
            numbers([row[n] for row in lines], name, findings)
            for n, name in enumerate(("x", "y", _WIDTH, _HEIGHT))
        )
        edge = counted_in(frame, findings, len(lines))
        place = np.stack([x + width / 2, y + height / 2, np.zeros(len(x))], axis=1)
        extras = {self.prefix + _WIDTH: width, self.prefix + _HEIGHT: height}
        return Listed(place * edge, edge, extras=extras)

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file.

        Raises
        ------
        InputError
            If there are no particles: such a file is an empty file.
        """
        if not len(layout):
            raise InputError(f"{self.title} without particles is an empty file: write .csv")
        layout.one_tomogram(self.title)
        place = layout.voxels(self.title, single=True)
        width = layout.extra(self.prefix + _WIDTH, 0.0)
        height = layout.extra(self.prefix + _HEIGHT, 0.0)
        columns = (place[:, 0] - width / 2, place[:, 1] - height / 2, width, height)
        rows = zip(*map(digits, columns), strict=True)
        return "".join("\t".join(row) + "\n" for row in rows).encode()


FORMATS = (BoxFormat(),)
