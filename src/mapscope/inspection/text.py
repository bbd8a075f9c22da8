"""An inspection as a person reads it."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from typing import Any

from mapscope.inspection.finding import AUTOMATIC, Finding, Inspection

_WIDTH = 88
_UNITS = {
    "voxels": "(z, y, x)",
    "voxel_size": "Å",
    "extent": "Å (z, y, x)",
    "origin": "Å (z, y, x)",
    "nyquist": "Å",
}
_NOTHING = "nothing wrong was found"


def text_of(inspection: Inspection) -> str:
    """Facts and findings of a file, some lines each."""
    name = "" if inspection.path is None else f"{inspection.path.name}: "
    lines = [f"{name}{inspection.kind}"]
    lines += [f"  {key.replace('_', ' ')}: {_value(key, v)}" for key, v in inspection.facts.items()]
    for finding in inspection.findings:
        lines += ["", *_finding_lines(finding, inspection)]
    if not any(f.severity != "note" for f in inspection.findings):
        lines += ["", _NOTHING]
    return "\n".join(lines) + "\n"


def _value(name: str, value: Any) -> str:
    """One fact with its unit; three equal numbers are one."""
    values = value if isinstance(value, tuple) else (value,)
    shown = [f"{v:.6g}" if isinstance(v, float) else str(v) for v in values]
    unit = _UNITS.get(name, "")
    if len(set(shown)) == 1 and "z" not in unit:
        shown = shown[:1]
    return f"{' × '.join(shown) if name != 'origin' else ', '.join(shown)} {unit}".strip()


def _finding_lines(finding: Finding, inspection: Inspection) -> Iterator[str]:
    """A finding's title, meaning, advice and the command that mends it."""
    yield f"{finding.severity}: {finding.title} [{finding.code}]"
    for text in (finding.meaning, finding.advice):
        yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if finding.mend is not None and inspection.path is not None:
        yield f"  {command_for(finding, inspection)}"


def command_for(finding: Finding, inspection: Inspection) -> str:
    """The command that mends a finding; in capitals what only the user can know."""
    path = shlex.quote(str(inspection.path))
    setting = ""
    if finding.mend != AUTOMATIC:
        name, _, value = (finding.mend or "").partition("=")
        shown = "" if value == "true" else f" {value or 'SIZE'}"
        setting = f" --{name.replace('_', '-')}{shown}"
    return f"mapscope mend-map {path}{setting} --out mended.mrc"
