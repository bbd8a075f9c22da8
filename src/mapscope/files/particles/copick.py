"""Picks of copick: JSON in Å, with a matrix for each point.

References
----------
copick 2, models.py (CopickPicksFile, CopickPoint): a point's place is its location plus the
translation of its matrix.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.json_text import array_of, read_json, written_in_rows
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, proper
from mapscope.volume import Array

_NAME, _USER, _SESSION = "pickable_object_name", "user_id", "session_id"
_RUN, _SPACING, _UNIT, _TRUST = "run_name", "voxel_spacing", "unit", "trust_orientation"
_ANGSTROM = {"angstrom": 1.0, "angström": 1.0, "å": 1.0, "nanometer": 10.0, "nm": 10.0}
_INSTANCE = "instance_id"
_USER_DEFAULT, _SESSION_DEFAULT, _NAME_DEFAULT = "mapscope", "1", "particles"


class CopickFormat(ParticlesFormat):
    """Picks of one object in one run, as copick keeps them."""

    name = "copick"
    title = "copick JSON"
    suffixes = (".json",)
    prefix = "copick."
    holds_voxel_size = True

    def claims(self, head: bytes) -> bool:
        """Whether picks begin so."""
        return b'"pickable_object_name"' in head

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:  # noqa: ARG002  in Å
        """What a file lists."""
        content = read_json(path, findings)
        if "points" not in content or _NAME not in content:
            raise findings.refuse(
                f"it lists no particles: expected {_NAME} and points of copick, or boxes_3d of "
                f"EMAN2, got {', '.join(content)[:60] or 'nothing'}",
                "no_particles",
            )
        points = content["points"] or []
        if not isinstance(points, list) or not all(isinstance(p, dict) for p in points):
            raise findings.refuse("expected a list of points, each an object with a location")
        unit = _ANGSTROM.get(str(content.get(_UNIT, "angstrom")).lower())
        if unit is None:
            raise findings.refuse(f"the unit {content[_UNIT]!r} is neither Å nor nm")
        places = [_location(p, findings) for p in points]
        location = array_of(places, (-1, 3), "location", findings)
        matrices = [p.get("transformation_") or np.eye(4) for p in points]
        matrix = array_of(matrices, (-1, 4, 4), "transformation_", findings)
        if len(matrix) and (matrix[:, 3] != (0, 0, 0, 1)).any():
            raise findings.refuse("the last row of a transformation_ must be 0, 0, 0, 1")
        found = proper(matrix[:, :3, :3], findings)
        is_oriented = content.get(_TRUST) is not False and not _turns_nothing(found)
        scores = [np.nan if p.get("score") is None else p["score"] for p in points]
        run, count = content.get(_RUN), len(points)
        spacing = content.get(_SPACING)
        kept = {_USER: content.get(_USER), _SESSION: content.get(_SESSION)}
        extras = {k: np.full(count, str(v)) for k, v in kept.items() if v is not None}
        extras[_INSTANCE] = array_of(
            [p.get(_INSTANCE) or 0 for p in points], (-1,), _INSTANCE, findings
        ).astype(np.int64)
        return Listed(
            (location + matrix[:, :3, 3]) * unit,
            None if spacing is None else float(array_of(spacing, (), _SPACING, findings)),
            found if is_oriented else None,
            [str(content.get(_NAME, _NAME_DEFAULT))] * count,
            _scores(scores, findings),
            None if run is None else [str(run)] * count,
            extras={self.prefix + name: values for name, values in extras.items()},
        )

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        kept = layout.extras(self.prefix)
        instance = layout.extra(self.prefix + _INSTANCE, 0).astype(np.int64).tolist()
        sizes = layout.voxel_size
        matrices = np.tile(np.eye(4), (len(layout), 1, 1))
        if layout.rotations is not None:
            matrices[:, :3, :3] = layout.rotations
        places, scores = tidied(layout.positions).tolist(), layout.scores(np.nan).tolist()
        rows = zip(places, matrices.tolist(), instance, scores, strict=True)
        content = {
            _NAME: layout.one_species(self.title) or _NAME_DEFAULT,
            _USER: _first(kept, _USER, _USER_DEFAULT),
            _SESSION: _first(kept, _SESSION, _SESSION_DEFAULT),
            _RUN: layout.one_tomogram(self.title) or None,
            _SPACING: float(sizes[0]) if sizes is not None and len(set(sizes)) == 1 else None,
            _UNIT: "angstrom",
            "points": [
                {
                    "location": {"x": x, "y": y, "z": z},
                    "transformation_": matrix,
                    _INSTANCE: number,
                    "score": None if np.isnan(score) else score,
                }
                for (x, y, z), matrix, number, score in rows
            ],
            _TRUST: layout.rotations is not None,
        }
        return written_in_rows(content, "points")


def _turns_nothing(rotations: Array) -> bool:
    """Whether all rotations are the one that copick gives to picks without orientation."""
    return bool((rotations == np.eye(3)).all())


def _location(point: dict[str, Any], findings: Findings) -> list[Any]:
    """x, y, z of a point."""
    place = point.get("location")
    if not isinstance(place, dict) or not {"x", "y", "z"} <= place.keys():
        raise findings.refuse(f"expected a location with x, y and z, got {str(place)[:60]}")
    return [place["x"], place["y"], place["z"]]


def _scores(values: list[Any], findings: Findings) -> Array:
    """Scores, NaN for none."""
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError) as error:
        raise findings.refuse(f"score: expected a number or null ({error})") from None


def _first(columns: dict[str, Array], name: str, default: str) -> str:
    """The first value of a column."""
    values = columns.get(name)
    return default if values is None or not len(values) else str(values[0])


FORMATS = (CopickFormat(),)
