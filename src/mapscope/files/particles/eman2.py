"""Boxes of EMAN2 in its info files: JSON that counts from the middle of the tomogram.

References
----------
EMAN2, e2spt_boxer.py: with ``apix_unbin``, places are unbinned voxels from voxel ``size // 2`` of
the tomogram that is shown; without, they are its voxels from the first one (before 2018).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.json_text import array_of, read_json, written
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, counted_in
from mapscope.volume import Array

_BOXES, _UNBINNED, _CLASSES = "boxes_3d", "apix_unbin", "class_list"
_METHOD, _BOXSIZE = "method", "boxsize"
_DEFAULT_BOX, _DEFAULT_METHOD = 64, "manual"
_FEWEST = 3


class Eman2Format(ParticlesFormat):
    """EMAN2 info files; a box that was set by hand has the score 0 there."""

    name = "eman2"
    title = "EMAN2 JSON"
    suffixes = (".json",)
    prefix = "eman2."

    def claims(self, head: bytes) -> bool:
        """Whether an info file begins so."""
        return b'"boxes_3d"' in head

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        content = read_json(path, findings)
        boxes = content.get(_BOXES)
        is_list = isinstance(boxes, list) and all(
            isinstance(box, list) and len(box) >= _FEWEST for box in boxes
        )
        if not isinstance(boxes, list) or not is_list:
            raise findings.refuse(f"expected {_BOXES}, a list of x, y, z, method, score, class")
        place = array_of([box[:3] for box in boxes], (-1, 3), "a box", findings)
        edge, middle = self._edge(content, frame, findings)
        kinds = _classes(content, findings)
        numbers = [str(box[5]) if len(box) > 5 else "0" for box in boxes]
        known = [kinds.get(number, (number, _DEFAULT_BOX)) for number in numbers]
        extras: dict[str, Array] = {
            _METHOD: np.array([str(box[3]) if len(box) > 3 else "" for box in boxes], np.str_),
            _BOXSIZE: np.array([size for _, size in known], np.float64),
        }
        if _UNBINNED in content:
            extras[_UNBINNED] = np.full(len(boxes), edge)
        found = [box[4] if len(box) > 4 else 0.0 for box in boxes]
        scores = array_of(found, (-1,), "score", findings)
        by_hand = (extras[_METHOD] == _DEFAULT_METHOD) & (scores == 0)
        return Listed(
            place * edge + middle,
            edge,
            species=[name for name, _ in known],
            score=np.where(by_hand, np.nan, scores),
            extras={self.prefix + name: values for name, values in extras.items()},
        )

    def _edge(
        self, content: dict[str, Any], frame: Frame, findings: Findings
    ) -> tuple[Array | float, Array]:
        """Edge in Å of the voxels that boxes count in, and where they count from, in Å."""
        if _UNBINNED not in content:
            return counted_in(frame, findings, len(content[_BOXES])), np.zeros(3)
        edge = float(array_of(content[_UNBINNED], (), _UNBINNED, findings))
        if edge <= 0:
            raise findings.refuse(f"{_UNBINNED} is the edge of a voxel in Å, got {edge}")
        if frame.shape is None or frame.voxel_size is None:
            raise findings.refuse(
                "its boxes count from the middle of the tomogram, whose size the file does not "
                "say: give tomogram= its map"
            )
        return edge, np.array(frame.shape[::-1]) // 2 * frame.voxel_size

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        layout.one_tomogram(self.title)
        voxels = layout.voxels(self.title, single=True)
        shape = layout.shape
        species = layout.species or ("particles_00",) * len(layout)
        number = {name: n for n, name in enumerate(dict.fromkeys(species))}
        size = layout.extra(self.prefix + _BOXSIZE, _DEFAULT_BOX)
        method = layout.extras(self.prefix).get(_METHOD, np.full(len(layout), _DEFAULT_METHOD))
        if layout.particles.score is not None:
            method = np.where(np.isnan(layout.particles.score), _DEFAULT_METHOD, method)
        head: dict[str, Any] = {}
        if shape is not None and len(layout):
            edge = float(layout.edges(self.title)[0])
            unbinned = float(layout.extra(self.prefix + _UNBINNED, 0.0).max()) or edge
            voxels = (layout.positions - shape[0] // 2 * edge) / unbinned
            head[_UNBINNED] = unbinned
        rows = zip(
            tidied(voxels).tolist(),
            method.tolist(),
            layout.scores().tolist(),
            species,
            strict=True,
        )
        head[_BOXES] = [[*xyz, how, score, number[name]] for xyz, how, score, name in rows]
        head[_CLASSES] = {
            str(n): {_BOXSIZE: int(size[species.index(name)]), "name": name}
            for name, n in number.items()
        }
        return written(head, 1)


def _classes(content: dict[str, Any], findings: Findings) -> dict[str, tuple[str, float]]:
    """Name and box size of each class by number."""
    classes = content.get(_CLASSES, {})
    if not isinstance(classes, dict) or not all(isinstance(c, dict) for c in classes.values()):
        raise findings.refuse(f"expected {_CLASSES} with a name and a box size for each number")
    sizes = {
        number: float(array_of(one.get(_BOXSIZE, _DEFAULT_BOX), (), _BOXSIZE, findings))
        for number, one in classes.items()
    }
    return {n: (str(one.get("name", n)), sizes[n]) for n, one in classes.items()}


FORMATS = (Eman2Format(),)
