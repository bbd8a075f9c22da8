"""XML files that list particles."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from mapscope.files.findings import Findings
from mapscope.files.stream import read_content

_KINDS = {
    "TiltSeries": "it describes a tilt series of Warp",
    "JobDescription": "it is the set-up of a job of PyTom",
    "fsc": "it is an FSC curve of EMDB",
}


def read_xml(path: Path, findings: Findings) -> ET.Element:
    """The outermost element of an XML file.

    Raises
    ------
    MapFormatError
        If it is no XML, or defines entities, which lists of particles never do.
    """
    content = read_content(path)
    for bad in ("<!DOCTYPE", "<!ENTITY"):
        if bad.encode() in content or bad.encode("utf-16-le") in content:
            raise findings.refuse(f"{bad} in a list of particles: do not trust this file")
    try:
        return ET.fromstring(content)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise findings.refuse(f"this is no XML ({error})") from error


def no_particles(root: ET.Element) -> str:
    """Why an XML file lists no particles."""
    kind = _KINDS.get(root.tag, f"its outermost element is <{root.tag}>")
    return (
        f"it lists no particles (<objlist> of DeepFinder, <ParticleList> of PyTom, <Session> of "
        f"Membranorama): {kind}"
    )


def xml_bytes(root: ET.Element) -> bytes:
    """An XML file, indented."""
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"
