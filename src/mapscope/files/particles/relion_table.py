"""The blocks of a RELION file joined into one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.listed import numbers, typed
from mapscope.files.particles.relion_sizes import Size, sizes_in
from mapscope.files.particles.relion_styles import (
    CENTRED,
    CORNER,
    GENERAL,
    GROUP,
    OPTICS,
    SIZES,
    TILT_PIXEL,
)
from mapscope.files.particles.star import Block
from mapscope.volume import Array


@dataclass(frozen=True)
class Table:
    """One row for each particle.

    Parameters
    ----------
    columns : mapping of str to list of str
        Labels of the particles' own block.
    optics : mapping of str to list of str
        Labels of their optics groups, for each particle.
    general : mapping of str to str
        Single values of the file.
    sizes : mapping of str to Size
        Tomograms that the file itself describes.
    findings : Findings
        Where what is wrong goes.
    """

    columns: Mapping[str, list[str]]
    optics: Mapping[str, list[str]]
    general: Mapping[str, str]
    sizes: Mapping[str, Size]
    findings: Findings

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def has(self, *labels: str) -> bool:
        """Whether every label is there."""
        return all(label in self.columns or label in self.optics for label in labels)

    def values(self, label: str) -> list[str]:
        """Text of each particle: its own, or its optics group's."""
        return self.columns[label] if label in self.columns else self.optics[label]

    def number(self, label: str) -> Array:
        """Numbers of each particle."""
        return numbers(self.values(label), label, self.findings)

    def numbers(self, labels: Sequence[str]) -> Array:
        """Numbers (n, len(labels)) of each particle; 0 for a label that is not there."""
        zeros = np.zeros(len(self))
        columns = [self.number(label) if self.has(label) else zeros for label in labels]
        return np.stack(columns, axis=1)

    def extras(self, known: Sequence[str]) -> dict[str, Array]:
        """Everything but what is known, as columns."""
        own = {k: typed(v) for k, v in self.columns.items() if k not in known}
        optics = {OPTICS + k: typed(v) for k, v in self.optics.items()}
        general = {GENERAL + k: typed([v] * len(self)) for k, v in self.general.items()}
        return own | optics | general


def table_of(blocks: Sequence[Block], findings: Findings) -> Table:
    """The particles of a STAR file with what stands in its other blocks.

    Raises
    ------
    MapFormatError
        If no block lists particles in three dimensions; the message says what the file is.
    """
    lists = [b for b in blocks if CORNER[0] in b or CENTRED[0] in b]
    if not lists:
        raise findings.refuse(_what_it_is(blocks), "no_particles")
    main = next((b for b in lists if b.name == "particles"), lists[0])
    if len(lists) > 1:
        names = ", ".join(f"data_{b.name}" for b in lists)
        raise findings.refuse(f"several blocks list particles ({names}): split the file")
    is_corner = all(label in main for label in CORNER)
    if not is_corner and not all(label in main for label in CENTRED):
        raise findings.refuse(
            f"expected {', '.join(CORNER)} or {', '.join(CENTRED)}, got "
            f"{', '.join(label for label in (*CORNER, *CENTRED) if label in main)}: without z "
            "these are picks on micrographs, not in tomograms",
            "no_particles",
        )
    others = {block.name: block for block in blocks if block is not main}
    optics = _joined(main, others.get("optics"), findings)
    general = {k: v[0] for b in (others.get("general"),) if b for k, v in b.columns.items() if v}
    sizes = sizes_in(others["global"], findings) if "global" in others else {}
    return Table(main.columns, optics, general, sizes, findings)


def _what_it_is(blocks: Sequence[Block]) -> str:
    """What a STAR file without particles is."""
    labels = {label for block in blocks for label in block.columns}
    kinds = {
        "rlnTomoTiltSeriesStarFile": "it describes tomograms: give it as tomogram= with particles",
        SIZES[0]: "it describes tomograms: give it as tomogram= with particles",
        TILT_PIXEL: "it describes tomograms: give it as tomogram= with particles",
        "wrpSourceName": "it is a list of M's own, with a pose for each time: export it for RELION",
        "rlnJobTypeLabel": "it is the set-up of a RELION job",
        "rlnTomoNominalStageTiltAngle": "it is a tilt series",
        "rlnTomoYTilt": "it is a tilt series",
        "rlnDefocusU": "it lists the defocus of images",
        "psStarFile": "it lists other files of PySeg",
        "psSegImage": "it lists segmentations of PySeg",
    }
    found = next((text for label, text in kinds.items() if label in labels), None)
    what = found or f"found {', '.join(sorted(labels)[:6]) or 'no labels'}"
    return f"it lists no particles: {what}; expected {', '.join(CORNER)} or {CENTRED[0]}, …"


def _joined(main: Block, optics: Block | None, findings: Findings) -> dict[str, list[str]]:
    """Labels of the optics groups, row by row of the particles."""
    if optics is None or GROUP not in main or GROUP not in optics:
        return {}
    row = {group: n for n, group in enumerate(optics.columns[GROUP])}
    if len(row) < len(optics):
        raise findings.refuse("two optics groups have the same number")
    try:
        rows = [row[group] for group in main.columns[GROUP]]
    except KeyError as missing:
        raise findings.refuse(
            f"particles of the optics group {missing}, which data_optics does not describe"
        ) from None
    kept = {k: v for k, v in optics.columns.items() if k != GROUP}
    return {label: [values[n] for n in rows] for label, values in kept.items()}
