"""Motive lists of STOPGAP: STAR files that count from 1, as MATLAB does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.angles import from_tom, to_tom
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import (
    Listed,
    class_names,
    counted_in,
    numbers,
    scored,
    typed,
)
from mapscope.files.particles.star import read_star, star_text
from mapscope.volume import Array

_BLOCK = "stopgap_motivelist"
_PLACE = ("orig_x", "orig_y", "orig_z")
_SHIFT = ("x_shift", "y_shift", "z_shift")
_ANGLES = ("phi", "the", "psi")
_KNOWN = (*_PLACE, *_SHIFT, *_ANGLES, "score", "class", "tomo_num")
_ORDER = ("motl_idx", "tomo_num", "object", "subtomo_num", "halfset", *_PLACE, "score", *_SHIFT)
_NUMBERS = ("motl_idx", "subtomo_num")
_FIRST = 1.0


class StopgapFormat(ParticlesFormat):
    """Motive lists of STOPGAP."""

    name = "stopgap"
    title = "STOPGAP STAR"
    suffixes = (".star",)
    prefix = "stopgap."

    def claims(self, head: bytes) -> bool:
        """Whether a motive list begins so."""
        return b"_orig_x" in head and b"_x_shift" in head

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        blocks = read_star(path, findings)
        block = next((b for b in blocks if _PLACE[0] in b), None)
        if block is None:
            raise findings.refuse("expected a loop with orig_x, orig_y and orig_z", "no_particles")
        missing = [label for label in (*_PLACE, *_SHIFT, *_ANGLES) if label not in block]
        if missing:
            raise findings.refuse(f"a motive list of STOPGAP lacks {', '.join(missing)}")
        number = {k: numbers(v, k, findings) for k, v in block.columns.items() if k in _KNOWN}
        edge = counted_in(frame, findings, len(block))
        place = _stacked(number, _PLACE) + _stacked(number, _SHIFT) - _FIRST
        extras = {k: typed(v) for k, v in block.columns.items() if k not in (*_KNOWN, *_SHIFT)}
        extras |= {label: number[label] for label in _SHIFT}
        return Listed(
            place * edge,
            edge,
            from_tom(_stacked(number, _ANGLES)),
            class_names(number["class"]) if "class" in number else None,
            scored(number["score"]) if "score" in number else None,
            class_names(number["tomo_num"]) if "tomo_num" in number else None,
            extras={self.prefix + name: values for name, values in extras.items()},
        )

    def caution(self, layout: Layout) -> str:
        """Which numbers stand for which names."""
        return layout.numbering()

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        count = len(layout)
        shifts = np.stack([layout.extra(self.prefix + s, 0.0) for s in _SHIFT], axis=1)
        place = layout.voxels(self.title, single=True) + _FIRST - shifts
        angles = np.zeros((count, 3)) if layout.rotations is None else to_tom(layout.rotations)
        halves = np.array(["A", "B"] * (count // 2 + 1), np.str_)[:count]
        columns: dict[str, Array] = {"object": np.ones(count, np.int64), "halfset": halves}
        columns |= layout.extras(self.prefix)
        columns["halfset"] = np.where(columns["halfset"] == "", halves, columns["halfset"])
        for name in _NUMBERS:
            columns[name] = layout.serial(f"{self.prefix}{name}").astype(np.int64)
        labels = (*_PLACE, *_SHIFT, *_ANGLES)
        columns |= dict(zip(labels, [*tidied(place).T, *shifts.T, *tidied(angles).T], strict=True))
        columns |= {
            "tomo_num": layout.tomogram_numbers(),
            "class": layout.class_numbers(),
            "score": layout.scores(),
        }
        order = [*_ORDER, "phi", "psi", "the", "class"]
        order += [label for label in columns if label not in order]
        return star_text(_BLOCK, {k: columns[k] for k in order}, numbered=False).encode()


def _stacked(columns: dict[str, Array], labels: tuple[str, str, str]) -> Array:
    """Three columns as (n, 3)."""
    return np.stack([columns[label] for label in labels], axis=1)


FORMATS = (StopgapFormat(),)
