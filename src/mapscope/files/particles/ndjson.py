"""Annotations of the CryoET Data Portal: one JSON object on each line, counted in voxels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mapscope.errors import InputError
from mapscope.files.findings import Findings
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.json_text import array_of, parsed, written
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, counted_in, proper
from mapscope.files.stream import read_text
from mapscope.volume import Array

_POINT, _ORIENTED, _INSTANCE = "point", "orientedPoint", "instancePoint"
_MATRIX, _NUMBER = "xyz_rotation_matrix", "instance_id"


class NdjsonFormat(ParticlesFormat):
    """Points, oriented points and points of instances, as the portal has them."""

    name = "ndjson"
    title = "CryoET Data Portal ndjson"
    suffixes = (".ndjson",)
    prefix = "portal."

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        lines = [line for line in read_text(path).splitlines() if line.strip()]
        points = [_point(line, n, findings) for n, line in enumerate(lines, start=1)]
        places = [[p["location"][axis] for axis in "xyz"] for p in points]
        edge = counted_in(frame, findings, len(points))
        has_matrix = [_MATRIX in p for p in points]
        rotations: Array | None = None
        if any(has_matrix):
            matrices = [p.get(_MATRIX) or np.eye(3) for p in points]
            rotations = proper(array_of(matrices, (-1, 3, 3), _MATRIX, findings), findings)
        extras: dict[str, Array] = {}
        if any(_NUMBER in p for p in points):
            numbers = [p.get(_NUMBER, 0) for p in points]
            extras[self.prefix + _NUMBER] = array_of(numbers, (-1,), _NUMBER, findings).astype(int)
        place = array_of(places, (-1, 3), "location", findings)
        return Listed(place * edge, edge, rotations, extras=extras)

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
        places = tidied(layout.voxels(self.title, single=True)).tolist()
        has_number = self.prefix + _NUMBER in layout.particles.columns
        numbers = layout.extra(self.prefix + _NUMBER, 0.0)
        lines = []
        for n, (x, y, z) in enumerate(places):
            point: dict[str, Any] = {"type": _POINT, "location": {"x": x, "y": y, "z": z}}
            if has_number:
                point |= {"type": _INSTANCE, _NUMBER: int(numbers[n])}
            if layout.rotations is not None:
                point |= {"type": _ORIENTED, _MATRIX: layout.rotations[n].tolist()}
            lines.append(written(point, None))
        return b"".join(lines)


def _point(line: str, number: int, findings: Findings) -> dict[str, Any]:
    """One line as an object with a location."""
    point = parsed(line, findings)
    place = point.get("location") if isinstance(point, dict) else None
    if not isinstance(place, dict) or not {"x", "y", "z"} <= place.keys():
        raise findings.refuse(f"line {number}: expected a location with x, y and z: {line[:60]!r}")
    result: dict[str, Any] = point
    return result


FORMATS = (NdjsonFormat(),)
