"""Helices as flat ribbons, strands as arrows, the rest as a thin tube."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.depiction.backbone import Stretch, named_atoms, stretches
from mapscope.depiction.curve import (
    Points,
    across,
    along,
    curve,
    owners,
    transported_normals,
    unit,
    without_flips,
)
from mapscope.depiction.ladder import ladder
from mapscope.depiction.residues import residues_of
from mapscope.depiction.secondary import COIL, HELIX, STRAND, secondary_structure
from mapscope.depiction.sweep import Depiction, Outline, joined, sweep
from mapscope.depiction.tube import detail, rounded, tube
from mapscope.structure import Structure
from mapscope.volume import Array

NUCLEIC_RADIUS = 0.8
"""Å, of the tube through phosphates."""


@dataclass(frozen=True)
class RibbonShape:
    """Half extents of a ribbon's outline in Å.

    Parameters
    ----------
    coil, helix, strand, arrow : tuple of float
        Half width and half height; `arrow` at the base of a strand's head.
    """

    coil: tuple[float, float] = (0.32, 0.32)
    helix: tuple[float, float] = (1.35, 0.25)
    strand: tuple[float, float] = (1.15, 0.25)
    arrow: tuple[float, float] = (1.95, 0.25)

    def of(self, name: str) -> tuple[float, float]:
        """Half width and half height of a kind of secondary structure."""
        return {HELIX: self.helix, STRAND: self.strand}.get(name, self.coil)


def ribbons(
    structure: Structure,
    secondary: npt.NDArray[np.str_] | None = None,
    *,
    shape: RibbonShape | None = None,
    arrows: bool = True,
) -> Depiction:
    """Ribbons of proteins, and ladders of nucleic acids, for each unbroken stretch.

    Parameters
    ----------
    structure : Structure
        The model.
    secondary : str array (residues,), optional
        As from `secondary_structure`, which is asked where it is not given.
    shape : RibbonShape, optional
        Widths and heights.
    arrows : bool
        Whether strands end in an arrow head.

    References
    ----------
    .. [1] M. Carson, J. Mol. Graph. 5 (1987) 103-106.
    """
    named = secondary_structure(structure) if secondary is None else secondary
    found = stretches(structure)
    steps, corners = detail(sum(len(stretch) for stretch in found))
    corners += 2 if corners > 6 else 0
    ask = shape or RibbonShape()
    parts = []
    for stretch in found:
        if stretch.kind == "protein":
            outline = _outline(structure, stretch, named[stretch.residues], ask, steps, arrows)
            parts.append(sweep(rounded(outline), corners))
        else:
            parts.append(
                tube(stretch.points, stretch.residues, NUCLEIC_RADIUS, steps=steps, corners=corners)
            )
            parts += ladder(structure, stretch)
    return joined(parts)


def _outline(
    structure: Structure,
    stretch: Stretch,
    named: npt.NDArray[np.str_],
    shape: RibbonShape,
    steps: int,
    arrows: bool,
) -> Outline:
    """The outline of a stretch of protein."""
    points = _flattened(stretch.points, named == STRAND)
    centers, tangents = curve(points, steps)
    guides = without_flips(_plane_normals(structure, stretch))
    normals = across(along(guides, steps), tangents)
    extent = np.array([shape.of(str(name)) for name in named])
    widths, heights = _eased(extent, steps).T
    order = np.arange(len(centers))
    if arrows:
        order, widths = _with_arrows(widths, named, shape, steps)
        heights = heights[order]
    owner = stretch.residues[owners(len(points), steps)]
    return Outline(
        centers[order], tangents[order], normals[order], widths, heights, owner[order], power=2.4
    )


def _flattened(points: Points, is_strand: npt.NDArray[np.bool_]) -> Points:
    """Points with the zigzag of strands taken out; their ends and all else stay."""
    smooth = points.copy()
    smooth[1:-1] = 0.25 * points[:-2] + 0.5 * points[1:-1] + 0.25 * points[2:]
    inner = is_strand.copy()
    inner[1:-1] &= is_strand[:-2] & is_strand[2:]
    inner[[0, -1]] = False
    return np.where(inner[:, None], smooth, points)


def _plane_normals(structure: Structure, stretch: Stretch) -> Points:
    """The direction of a ribbon's height at each residue: across its path and its peptide.

    A ribbon lies in the plane of path and C=O. Without C and O it lies in the plane of three
    Cα atoms' bend, turned the same way.
    """
    residues = residues_of(structure)
    carbon, oxygen = (
        named_atoms(structure, residues, name)[stretch.residues] for name in ("C", "O")
    )
    _, tangents = curve(stretch.points, 1)
    bend = np.zeros_like(stretch.points)
    bend[1:-1] = 2 * stretch.points[1:-1] - stretch.points[:-2] - stretch.points[2:]
    bend[[0, -1]] = bend[[min(1, len(bend) - 1), max(len(bend) - 2, 0)]]
    side = np.cross(tangents, bend)
    has_peptide = (carbon >= 0) & (oxygen >= 0)
    bond = structure.positions[oxygen] - structure.positions[carbon]
    side[has_peptide] = bond[has_peptide]
    normals = np.cross(tangents, side)
    straight = np.linalg.norm(normals, axis=1) < 1e-6
    normals[straight] = transported_normals(tangents)[straight]
    return _smoothed(without_flips(unit(normals)))


def _smoothed(normals: Points) -> Points:
    """Mean of each direction and its neighbours."""
    padded = np.concatenate([normals[:1], normals, normals[-1:]])
    return unit(padded[:-2] + 2 * padded[1:-1] + padded[2:])


def _eased(extent: Array, steps: int) -> npt.NDArray[np.float64]:
    """Extents of residues taken smoothly to the samples: level at each residue, steep between."""
    place = along(np.arange(len(extent)), steps)
    start = np.minimum(place.astype(np.int64), len(extent) - 2)
    t = (place - start)[:, None]
    ease = t * t * (3 - 2 * t)
    return np.asarray((1 - ease) * extent[start] + ease * extent[start + 1])


def _with_arrows(
    widths: npt.NDArray[np.float64], named: npt.NDArray[np.str_], shape: RibbonShape, steps: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Order of samples with each arrow's base doubled, and their widths.

    The head begins a residue and a half before the strand's end and ends at its last residue.
    """
    widths = widths.copy()
    is_strand = named == STRAND
    ends = np.flatnonzero(is_strand & np.append(~is_strand[1:], True))
    bases = []
    for end in ends[ends >= 2]:
        base, tip = round((end - 1.5) * steps), end * steps
        widths[base:tip] = np.linspace(shape.arrow[0], shape.coil[0], tip - base, endpoint=False)
        stop = min(tip + steps, len(widths))
        widths[tip:stop] = np.minimum(widths[tip:stop], _rest(named, end, shape, stop - tip))
        bases.append(base)
    order = np.arange(len(widths))
    whole = np.insert(order, bases, bases) if bases else order
    result = widths[whole]
    for shift, base in enumerate(bases):
        result[base + shift] = shape.strand[0]
    return whole, result


def _rest(
    named: npt.NDArray[np.str_], end: int, shape: RibbonShape, count: int
) -> npt.NDArray[np.float64]:
    """Widths after a strand's last residue: from a coil's to that of what follows."""
    following = shape.of(str(named[end + 1]))[0] if end + 1 < len(named) else shape.of(COIL)[0]
    return np.linspace(shape.coil[0], following, count)
