"""CBOX files of crYOLO: boxes with a confidence, in tomograms and on images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, counted_in, numbers_with_gaps
from mapscope.files.particles.star import read_star, star_text, values_text, words
from mapscope.volume import Array

_MISSING = "<NA>"
_PLACE = ("CoordinateX", "CoordinateY", "CoordinateZ")
_BOX = ("Width", "Height", "Depth")
_LABELS = (*_PLACE, *_BOX, "EstWidth", "EstHeight", "Confidence", "NumBoxes", "Angle")
_FILAMENT = "filamentid"
_DEFAULT_BOX = 0.0


class CboxFormat(ParticlesFormat):
    """CBOX: x and y are a box's lower corner and z is its middle; on an image z is 0."""

    name = "cbox"
    title = "CBOX"
    suffixes = (".cbox",)
    prefix = "cbox."

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        blocks = {block.name: block for block in read_star(path, findings)}
        block = blocks.get("cryolo")
        needed = (*_PLACE[:2], *_BOX[:2])
        if block is None or not all(label in block for label in needed):
            raise findings.refuse(f"expected data_cryolo with {', '.join(needed)}", "no_particles")
        columns = {
            label: numbers_with_gaps(block.columns[label], _MISSING, label, findings)
            for label in (*_LABELS, _FILAMENT)
            if label in block
        }
        zeros = np.zeros(len(block))
        size = [np.nan_to_num(columns.get(label, zeros)) for label in _BOX[:2]]
        corner = [columns[label] for label in _PLACE[:2]]
        if np.isnan(corner).any() or np.isnan([columns[label] for label in _BOX[:2]]).any():
            raise findings.refuse(f"{', '.join(needed)} cannot be {_MISSING}")
        z = np.nan_to_num(columns.get(_PLACE[2], zeros))
        place = np.stack([corner[0] + size[0] / 2, corner[1] + size[1] / 2, z], axis=1)
        edge = counted_in(frame, findings, len(block))
        kept = {k: v for k, v in columns.items() if k not in _PLACE and not np.isnan(v).all()}
        score = kept.pop("Confidence", None)
        return Listed(
            place * edge,
            edge,
            score=score,
            extras={self.prefix + name: values for name, values in kept.items()},
        )

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        count = len(layout)
        layout.one_tomogram(self.title)
        place = layout.voxels(self.title, single=True)
        kept = layout.extras(self.prefix)
        box = [layout.extra(self.prefix + label, _DEFAULT_BOX) for label in _BOX]
        columns: dict[str, Array] = {
            _PLACE[0]: tidied(place[:, 0] - box[0] / 2),
            _PLACE[1]: tidied(place[:, 1] - box[1] / 2),
            _PLACE[2]: tidied(place[:, 2]),
            **dict(zip(_BOX, box, strict=True)),
        }
        for label in _LABELS[6:]:
            columns[label] = np.asarray(kept.get(label, np.full(count, np.nan)))
        columns["Confidence"] = layout.scores(np.nan)
        columns |= {k: v for k, v in kept.items() if k not in columns}
        text = {k: _gapped(v) for k, v in columns.items()}
        slices = np.unique(np.rint(place[:, 2]))
        return "\n".join(
            [
                values_text("global", {"cbox_format_version": "1.0"}),
                star_text("cryolo", text),
                star_text("cryolo_include", {"slice_index": slices}),
            ]
        ).encode()


def _gapped(values: Array) -> Array | list[str]:
    """A column with ``<NA>`` for what is missing."""
    if values.dtype.kind != "f" or not np.isnan(values).any():
        return values
    return [_MISSING if text == "nan" else text for text in words(values)]


FORMATS = (CboxFormat(),)
