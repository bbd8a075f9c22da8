"""Object lists of DeepFinder: XML in voxels, with PyTom's angles."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.angles import from_tom, to_tom
from mapscope.files.particles.digits import digits
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, counted_in, numbers, numbers_with_gaps, typed
from mapscope.files.particles.star import words
from mapscope.files.particles.xml_text import no_particles, read_xml, xml_bytes

_PLACE, _ANGLES = ("x", "y", "z"), ("phi", "the", "psi")
_TOMOGRAM, _CLASS, _SIZE, _SCORE = "tomo_idx", "class_label", "cluster_size", "score"


class DeepFinderFormat(ParticlesFormat):
    """Object lists; the size of a cluster is the score."""

    name = "deepfinder"
    title = "DeepFinder XML"
    suffixes = (".xml",)
    prefix = "deepfinder."

    def claims(self, head: bytes) -> bool:
        """Whether a list begins so."""
        return b"<objlist" in head

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        root = read_xml(path, findings)
        if root.tag != "objlist":
            raise findings.refuse(no_particles(root), "no_particles")
        objects = root.findall("object")
        labels = list(dict.fromkeys(name for one in objects for name in one.attrib))
        short = [n for n, one in enumerate(objects, start=1) if not {*_PLACE} <= one.attrib.keys()]
        if short:
            raise findings.refuse(f"object {short[0]} has no place: expected x, y and z")
        text = {name: [one.get(name, "") for one in objects] for name in labels}
        edge = counted_in(frame, findings, len(objects))
        place = np.stack([numbers(text.get(a, []), a, findings) for a in _PLACE], axis=1)
        has_angles = bool(objects) and all({*_ANGLES} <= one.attrib.keys() for one in objects)
        rotations = None
        if has_angles:
            rotations = from_tom(np.stack([numbers(text[a], a, findings) for a in _ANGLES], axis=1))
        score = next((text[name] for name in (_SCORE, _SIZE) if name in text), None)
        known = (*_PLACE, *_ANGLES, _TOMOGRAM, _CLASS, _SCORE, _SIZE)
        return Listed(
            place * edge,
            edge,
            rotations,
            text.get(_CLASS),
            None if score is None else numbers_with_gaps(score, "", _SCORE, findings),
            text.get(_TOMOGRAM),
            extras={self.prefix + k: typed(v) for k, v in text.items() if k not in known},
        )

    def caution(self, layout: Layout) -> str:
        """Which numbers stand for which names."""
        return layout.numbering()

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        columns: dict[str, list[str]] = {}
        if layout.names:
            columns[_TOMOGRAM] = words(layout.tomogram_numbers())
        columns[_CLASS] = words(layout.class_numbers())
        place = layout.voxels(self.title, single=True)
        columns |= {axis: digits(place[:, n]) for n, axis in enumerate(_PLACE)}
        if layout.rotations is not None:
            angles = to_tom(layout.rotations)
            columns |= {name: digits(angles[:, n]) for n, name in enumerate(_ANGLES)}
        if layout.particles.score is not None:
            scores = layout.scores(np.nan)
            is_size = bool((scores == np.floor(scores)).all()) and len(scores) > 0
            text = ["" if np.isnan(s) else repr(s).removesuffix(".0") for s in scores.tolist()]
            columns[_SIZE if is_size else _SCORE] = text
        columns |= {k: words(v) for k, v in layout.extras(self.prefix).items()}
        root = ET.Element("objlist")
        for row in zip(*columns.values(), strict=True):
            named = zip(columns, row, strict=True)
            ET.SubElement(root, "object", {name: value for name, value in named if value})
        return xml_bytes(root)


FORMATS = (DeepFinderFormat(),)
