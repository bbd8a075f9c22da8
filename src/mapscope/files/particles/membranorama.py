"""Sessions of Membranorama: points on membranes, in Å; they are read and not written.

Their turn about the membrane's normal is kept as a column; the normal stands in a mesh of its own,
so that they have no orientation here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.listed import Listed, numbers, typed
from mapscope.files.particles.xml_text import no_particles, read_xml

_PLACE = "Position"


class MembranoramaFormat(ParticlesFormat):
    """Sessions of Membranorama; a group's name is the species."""

    name = "membranorama"
    title = "Membranorama XML"
    suffixes = (".xml",)
    prefix = "membranorama."
    holds_voxel_size = True
    writes = False

    def claims(self, head: bytes) -> bool:
        """Whether a session begins so, in 8 or 16 bits; or any other XML, to say what it is."""
        return b"<" in head

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:  # noqa: ARG002  in Å
        """What a file lists."""
        root = read_xml(path, findings)
        groups = root.findall("PointGroups/Group")
        if root.tag != "Session" or not groups:
            raise findings.refuse(no_particles(root), "no_particles")
        points = [(g.get("Name", ""), p) for g in groups for p in g.findall("Point")]
        text = [p.get(_PLACE, "").split(",") for _, p in points]
        if any(len(one) != 3 for one in text):
            raise findings.refuse(f"expected {_PLACE} of three numbers in every point")
        place = numbers([n for one in text for n in one], _PLACE, findings).reshape(-1, 3)
        labels = dict.fromkeys(name for _, p in points for name in p.attrib if name != _PLACE)
        extras = {self.prefix + k: typed([p.get(k, "") for _, p in points]) for k in labels}
        species = [name for name, _ in points]
        return Listed(np.asarray(place), species=species, extras=extras)


FORMATS = (MembranoramaFormat(),)
