"""The bases of a nucleic acid as rungs from its backbone."""

from __future__ import annotations

import numpy as np

from mapscope.depiction.backbone import Stretch, named_atoms
from mapscope.depiction.curve import curve
from mapscope.depiction.residues import residues_of
from mapscope.depiction.sweep import Depiction
from mapscope.depiction.tube import tube
from mapscope.structure import Structure

RUNG_RADIUS = 0.45
TIPS = ("N1", "N3")
"""Atoms at the far side of a purine and of a pyrimidine."""

PURINE_ATOM = "N9"


def ladder(structure: Structure, stretch: Stretch) -> list[Depiction]:
    """A rung for each base that the model has: from the backbone's curve to its far side.

    Parameters
    ----------
    structure : Structure
        The model.
    stretch : Stretch
        Nucleotides.
    """
    residues = residues_of(structure)
    purine, n1, n3 = (
        named_atoms(structure, residues, name)[stretch.residues] for name in (PURINE_ATOM, *TIPS)
    )
    tips = np.where(purine >= 0, n1, n3)
    middle, _ = curve(stretch.points, 2)
    # A base sits between its own phosphate and the next.
    feet = np.concatenate([middle[1::2], middle[-1:]])
    return [
        tube(
            np.array([feet[k], structure.positions[tips[k]]]),
            np.repeat(stretch.residues[k], 2),
            RUNG_RADIUS,
            steps=1,
            corners=8,
        )
        for k in np.flatnonzero(tips >= 0)
    ]
