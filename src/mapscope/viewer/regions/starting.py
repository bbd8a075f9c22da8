"""Where tools begin: a box around the density, a sphere in the middle of the view, words."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np

from mapscope.density.frame import region_around_mask
from mapscope.depiction.residues import ResidueList, residues_of
from mapscope.depiction.selection import Mask, select, selected_residues
from mapscope.errors import DataError, MapscopeError
from mapscope.structure import Structure
from mapscope.viewer.contouring.ordering import centre_of
from mapscope.viewer.views.space import angstroms_per_world_unit
from mapscope.volume import Grid, Region, Triple, Volume

MOST_CHECKED = 20
"""Ranges of residues of which it is made sure that no other residue has the same numbers."""

LARGEST_PART = 0.25
"""Radius of a new sphere in shortest edges of the map, at most."""


def region_of_density(layer: Any, volume: Volume) -> Region:
    """Box around the density above a map's contour level; the whole map where there is none.

    A map that is shown through coarser copies is looked at in the coarsest.
    """
    coarse = layer.data[-1] if layer.multiscale else layer.data
    values = np.asarray(coarse) * volume.contrast
    try:
        found = region_around_mask(values >= layer.iso_threshold * volume.contrast)
    except DataError:
        return Region((0, 0, 0), volume.shape)
    step = np.divide(volume.shape, values.shape)
    lower = np.floor(found.lower * step).astype(int)
    upper = np.ceil(found.upper * step).astype(int)
    return Region(tuple(lower), tuple(upper)).clipped(volume.shape)


def centre_in_view(viewer: Any, grid: Grid) -> Triple:
    """The middle of the view in Å, z, y, x, or the nearest place in the map."""
    place = np.asarray(centre_of(viewer)) * angstroms_per_world_unit(viewer)
    last = grid.world_from_index(np.asarray(grid.shape) - 1)
    z, y, x = np.clip(place, grid.origin, last)
    return float(z), float(y), float(x)


def fitting_radius(grid: Grid, radius: float) -> float:
    """A radius in Å, or a smaller one where a sphere would fill most of the map."""
    return min(radius, max(round(LARGEST_PART * min(grid.extent)), 1.0))


def selection_text(structure: Structure, mask: Mask) -> str:
    """Words that select atoms, such as ``"A/120-130,B/5"``; an empty text for all of them."""
    if mask.all():
        return ""
    residues = residues_of(structure)
    chosen = selected_residues(structure, mask).tolist()
    ranges = _ranges(residues, chosen)
    text = ",".join(ranges)
    if len(ranges) > MOST_CHECKED:
        return text  # so many take longer than somebody who clicked should wait
    try:
        is_same = np.array_equal(select(structure, text), mask)
    except MapscopeError:
        is_same = False
    return text if is_same else ",".join(residues.address(k) for k in chosen)


def _ranges(residues: ResidueList, chosen: list[int]) -> list[str]:
    """Residues by their addresses, runs of numbers as one."""
    runs = groupby(enumerate(chosen), key=lambda pair: _run_of(residues, *pair))
    words = []
    for _, pairs in runs:
        run = [k for _, k in pairs]
        last = f"-{residues.numbers[run[-1]]}" if len(run) > 1 else ""
        words.append(residues.address(run[0]) + last)
    return words


def _run_of(residues: ResidueList, n: int, k: int) -> tuple[Any, ...]:
    """What residues have in common that follow each other in file, selection and number.

    One that has an insertion code, or comes before one that has, is alone: a range that ends
    at 52 would reach over 52A.
    """
    is_alone = any(str(code) for code in residues.insertion_codes[k : k + 2])
    return residues.chains[k], k - n, residues.numbers[k] - n, k if is_alone else -1
