"""Particle lists of PyTom: XML in voxels of the tomogram that was picked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from mapscope.errors import InputError
from mapscope.files.findings import Findings
from mapscope.files.particles.angles import from_tom, to_tom
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, counted_in, numbers, numbers_with_gaps
from mapscope.files.particles.xml_text import no_particles, read_xml, xml_bytes
from mapscope.volume import Array

_AXES, _TURNS = ("X", "Y", "Z"), ("Z1", "X", "Z2")
_PICK, _SHIFT, _ROTATION = "PickPosition", "Shift", "Rotation"
_KNOWN = (_PICK, _SHIFT, _ROTATION, "Score", "Class")
_FILE, _SHIFTS = "Filename", ("shift_x", "shift_y", "shift_z")
_SCORE_TYPE = "score_type"


class PyTomFormat(ParticlesFormat):
    """Particle lists; what else stands in a particle is kept as XML."""

    name = "pytom"
    title = "PyTom XML"
    suffixes = (".xml",)
    prefix = "pytom."

    def claims(self, head: bytes) -> bool:
        """Whether a list begins so."""
        return b"<ParticleList" in head

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        root = read_xml(path, findings)
        if root.tag != "ParticleList":
            raise findings.refuse(no_particles(root), "no_particles")
        particles = root.findall("Particle")
        lacking = [n for n, p in enumerate(particles, start=1) if p.find(_PICK) is None]
        if lacking:
            raise findings.refuse(f"particle {lacking[0]} has no {_PICK}: it is in no tomogram")
        edge = counted_in(frame, findings, len(particles))
        get = _getter(particles)
        shifts = _triple(get, _SHIFT, _AXES, findings)
        place = _triple(get, _PICK, _AXES, findings) + shifts
        score = numbers_with_gaps(get("Score", "Value"), "", "Score", findings)
        names = get(_PICK, "Origin")
        return Listed(
            place * edge,
            edge,
            from_tom(_triple(get, _ROTATION, _TURNS, findings)),
            get("Class", "Name"),
            score,
            names if any(names) else None,
            extras={self.prefix + k: v for k, v in _extras(particles, get, shifts).items()},
        )

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        kept = layout.extras(self.prefix)
        shifts = np.stack([layout.extra(self.prefix + s, 0.0) for s in _SHIFTS], axis=1)
        place = tidied(layout.voxels(self.title, single=True) - shifts)
        count = len(layout)
        angles = np.zeros((count, 3))
        if layout.rotations is not None:
            angles = tidied(to_tom(layout.rotations))
        scores, species = layout.scores(np.nan), layout.species
        names = layout.tomograms()
        root = ET.Element("ParticleList")
        for n in range(count):
            one = ET.SubElement(root, "Particle", {_FILE: _at(kept, _FILE, n)})
            ET.SubElement(one, _ROTATION, _attributes(_TURNS, angles[n]) | {"Paradigm": "ZXZ"})
            ET.SubElement(one, _SHIFT, _attributes(_AXES, shifts[n]))
            pick = {"Origin": names[n], "Binning": _at(kept, "Binning", n, "1")}
            ET.SubElement(one, _PICK, _attributes(_AXES, place[n]) | pick)
            if not np.isnan(scores[n]):
                kind = _at(kept, _SCORE_TYPE, n, "FLCFScore")
                score = ET.SubElement(one, "Score", {"Type": kind, "Value": repr(float(scores[n]))})
                score.extend(_elements(_at(kept, "Score", n)))
            ET.SubElement(one, "Class", {"Name": (species[n] if species else "") or "0"})
            for tag in kept:
                if tag[:1].isupper() and tag not in (_FILE, "Binning", "Score"):
                    one.extend(_elements(_at(kept, tag, n)))
        return xml_bytes(root)


def _getter(particles: list[ET.Element]) -> Callable[[str, str], list[str]]:
    """What gives an attribute of one element in each particle."""

    def get(tag: str, name: str) -> list[str]:
        found = (particle.find(tag) for particle in particles)
        return ["" if one is None else one.get(name, "") for one in found]

    return get


def _triple(
    get: Callable[[str, str], list[str]],
    tag: str,
    names: tuple[str, str, str],
    findings: Findings,
) -> Array:
    """Three numbers (n, 3) of an element; 0 where it is not there."""
    columns = [[text or "0" for text in get(tag, name)] for name in names]
    labels = [f"{tag} {name}" for name in names]
    values = [numbers(c, label, findings) for c, label in zip(columns, labels, strict=True)]
    return np.stack(values, axis=1)


def _extras(
    particles: list[ET.Element], get: Callable[[str, str], list[str]], shifts: Array
) -> dict[str, Array]:
    """What else is known of each particle; elements within it as XML text."""
    extras: dict[str, Array] = {
        _FILE: np.array([p.get(_FILE, "") for p in particles], np.str_),
        "Binning": np.array(get(_PICK, "Binning"), np.str_),
        _SCORE_TYPE: np.array(get("Score", "Type"), np.str_),
        **{name: shifts[:, n] for n, name in enumerate(_SHIFTS)},
    }
    inner = [p.find("Score") for p in particles]
    extras["Score"] = np.array(["" if s is None else _text(list(s)) for s in inner], np.str_)
    tags = dict.fromkeys(child.tag for p in particles for child in p if child.tag not in _KNOWN)
    for tag in tags:
        extras[tag] = np.array([_text(p.findall(tag)) for p in particles], np.str_)
    return extras


def _text(elements: list[ET.Element]) -> str:
    """Elements as one line of XML."""
    lines = (" ".join(ET.tostring(element, "unicode").split()) for element in elements)
    return "".join(lines).replace("> <", "><")


def _elements(text: str) -> list[ET.Element]:
    """Elements that were kept as XML."""
    try:
        return list(ET.fromstring(f"<kept>{text}</kept>")) if text else []
    except ET.ParseError as error:
        raise InputError(f"a column of PyTom's holds no XML, {text[:40]!r} ({error})") from error


def _attributes(names: tuple[str, str, str], values: Array) -> dict[str, str]:
    """Numbers by name, as text."""
    return {name: repr(value) for name, value in zip(names, values.tolist(), strict=True)}


def _at(columns: dict[str, Array], name: str, row: int, default: str = "") -> str:
    """One value of a column of text."""
    return str(columns[name][row]) if name in columns and columns[name][row] != "" else default


FORMATS = (PyTomFormat(),)
