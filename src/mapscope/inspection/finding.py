"""What an inspection says: a finding, and all findings of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from mapscope.errors import InputError
from mapscope.record import plain

Severity: TypeAlias = Literal["error", "warning", "note"]
Kind: TypeAlias = Literal[
    "map",
    "half map",
    "mask",
    "labels",
    "tomogram",
    "structure",
    "mesh",
    "particles",
    "table",
    "image stack",
    "unknown",
]

AUTOMATIC = "automatic"
"""What :attr:`Finding.mend` says where *mend map* needs no setting."""


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing about a file before it is used.

    Parameters
    ----------
    code : str
        What it is, for programs: ``"voxel_size_one"``.
    severity : {"error", "warning", "note"}
        error: strict reading refuses the file, or nothing can be done with what it holds;
        warning: it can be read, but something is probably wrong; note: it is as it should be
        and yet matters for what is done next.
    title : str
        What it is, in a few words.
    meaning : str
        What was found, with numbers, and what follows from it.
    advice : str
        What to do.
    mend : str or None
        What the job *mend map* needs to mend it: ``"automatic"`` nothing, ``"place=grid"`` that
        setting, ``"voxel_size="`` a number that only the user can know; None where a file
        cannot be mended.
    """

    code: str
    severity: Severity
    title: str
    meaning: str
    advice: str
    mend: str | None = None


@dataclass(frozen=True)
class Inspection:
    """What a file is and what was found in it.

    Parameters
    ----------
    path : Path or None
        The file.
    kind : str
        What it holds, as far as its name, header and numbers tell.
    facts : mapping of str to plain value
        What is known of it; lengths in Å, triples in z, y, x.
    findings : tuple of Finding
        Errors first, then warnings, then notes.
    """

    path: Path | None
    kind: Kind
    facts: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        order = ("error", "warning", "note")
        ranked = sorted(self.findings, key=lambda finding: order.index(finding.severity))
        object.__setattr__(self, "findings", tuple(ranked))
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all findings."""
        return tuple(finding.code for finding in self.findings)

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, as ``mapscope info --json`` prints it."""
        return {
            "path": None if self.path is None else str(self.path),
            "kind": self.kind,
            "facts": {name: plain(value) for name, value in self.facts.items()},
            "findings": [asdict(finding) for finding in self.findings],
        }


def settings_for(finding: Finding, number: float | None = None) -> dict[str, Any]:
    """Settings with which the job *mend map* mends a finding.

    What it mends by itself it mends together, anything else alone.

    Parameters
    ----------
    finding : Finding
        What to mend.
    number : float, optional
        The value that only the user can know, where ``mend`` ends with ``=``.

    Raises
    ------
    InputError
        If it cannot be mended or the number is missing.

    Examples
    --------
    >>> settings_for(Finding("a", "warning", "A", "B", "C", "voxel_size="), 1.34)
    {'automatic': False, 'voxel_size': 1.34}
    """
    if finding.mend is None:
        raise InputError(f"{finding.title.lower()}: this cannot be mended; {finding.advice}")
    if finding.mend == AUTOMATIC:
        return {"automatic": True}
    name, _, value = finding.mend.partition("=")
    if name != "voxel_size":
        return {"automatic": False, name: True if value == "true" else value}
    if not value and number is None:
        raise InputError(f"{finding.title.lower()}: say which {name.replace('_', ' ')}")
    return {"automatic": False, name: float(value) if number is None else number}
