"""Colours of chains, elements, residues and secondary structure, and ramps for numbers."""

from __future__ import annotations

from collections.abc import Iterable
from colorsys import hsv_to_rgb
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.depiction.secondary import COIL, HELIX, STRAND

CHAIN_COLORS = (
    "#f4a261",
    "#5bc0eb",
    "#9bc53d",
    "#e55381",
    "#c3a6ff",
    "#fde74c",
    "#2ec4b6",
    "#ff6b6b",
)
ELEMENT_COLORS = {
    "C": "#b0b0b0",
    "N": "#4f7fff",
    "O": "#ff4d4d",
    "S": "#e6c630",
    "P": "#ff9d2e",
    "H": "#ffffff",
}
OTHER_ELEMENT = "#7fd67f"
SECONDARY_COLORS = {HELIX: "#e8637a", STRAND: "#f2c14e", COIL: "#a9b4c2"}
SECONDARY_NUCLEIC = "#6fa8dc"

RESIDUE_GROUPS = {
    "positive": ("#5b8def", ("ARG", "LYS", "HIS")),
    "negative": ("#ef5b5b", ("ASP", "GLU")),
    "polar": ("#67c29c", ("SER", "THR", "ASN", "GLN", "CYS", "SEC")),
    "aromatic": ("#b57edc", ("PHE", "TYR", "TRP")),
    "hydrophobic": ("#e0b252", ("ALA", "VAL", "LEU", "ILE", "MET", "MSE", "PRO", "GLY")),
    "purine": ("#e58a4f", ("A", "G", "DA", "DG", "I", "DI")),
    "pyrimidine": ("#4fb6c9", ("C", "U", "DC", "DT", "DU", "T")),
}
"""What residues have in common, with its colour and their names."""

OTHER_GROUP = "#9aa3ad"
NO_VALUE = "#8a8f98"
"""For what has no number to be coloured by."""

Color: TypeAlias = tuple[float, float, float]
"""Red, green and blue from 0 to 1."""

LOW_TO_HIGH = np.array(
    [
        [0.188, 0.290, 0.620],
        [0.337, 0.610, 0.820],
        [0.930, 0.930, 0.900],
        [0.960, 0.600, 0.320],
        [0.750, 0.130, 0.180],
    ]
)
"""Blue over white to red, the usual ramp for B-factors."""


def rgba(color: str) -> npt.NDArray[np.float32]:
    """Red, green, blue and alpha from 0 to 1 of a colour written ``"#rrggbb"``."""
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return np.array([*parts, 1.0], dtype=np.float32)


def class_colors(numbers: Iterable[int]) -> dict[int, Color]:
    """A colour for each class by its number from 1 on: those of chains, then any others.

    Examples
    --------
    >>> class_colors([1]), len(set(class_colors(range(1, 26)).values()))
    ({1: (0.957, 0.635, 0.38)}, 25)
    """
    return {number: _class_color(number) for number in numbers}


def _class_color(number: int) -> Color:
    if number <= len(CHAIN_COLORS):
        red, green, blue = rgba(CHAIN_COLORS[number - 1])[:3].astype(float)
    else:
        # Steps of the golden ratio keep hues apart, however many there are.
        red, green, blue = hsv_to_rgb(number * 0.618034 % 1.0, 0.6, 0.95)
    return (round(float(red), 3), round(float(green), 3), round(float(blue), 3))
