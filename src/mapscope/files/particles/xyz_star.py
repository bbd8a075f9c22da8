"""Points in STAR files with columns x, y, z in voxels, as napari-tomoslice writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, counted_in, numbers, typed
from mapscope.files.particles.star import read_star, star_text
from mapscope.volume import Array

_PLACE = ("x", "y", "z")
_SCORE = "score"


class XyzStarFormat(ParticlesFormat):
    """STAR files with x, y and z; what else stands there is kept."""

    name = "xyz"
    title = "STAR with x, y, z"
    suffixes = (".star",)
    prefix = "xyz."

    def claims(self, head: bytes) -> bool:
        """Whether such a file begins so."""
        words = head.split()
        return all(f"_{axis}".encode() in words for axis in _PLACE)

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        blocks = [b for b in read_star(path, findings) if all(axis in b for axis in _PLACE)]
        if len(blocks) != 1:
            raise findings.refuse("expected one block with x, y and z")
        columns = blocks[0].columns
        edge = counted_in(frame, findings, len(blocks[0]))
        place = np.stack([numbers(columns[axis], axis, findings) for axis in _PLACE], axis=1)
        extras = {k: typed(v) for k, v in columns.items() if k not in (*_PLACE, _SCORE)}
        return Listed(
            place * edge,
            edge,
            score=numbers(columns[_SCORE], _SCORE, findings) if _SCORE in columns else None,
            extras={self.prefix + name: values for name, values in extras.items()},
        )

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        layout.one_tomogram(self.title)
        place = tidied(layout.voxels(self.title, single=True))
        columns: dict[str, Array] = {axis: place[:, n] for n, axis in enumerate(_PLACE)}
        if layout.particles.score is not None:
            columns[_SCORE] = layout.scores()
        columns |= layout.extras(self.prefix)
        return star_text("points", columns).encode()


FORMATS = (XyzStarFormat(),)
