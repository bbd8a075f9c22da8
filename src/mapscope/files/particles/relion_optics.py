"""The optics groups of particles: which one each is in, and what the table says of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mapscope.files.particles.layout import Layout
from mapscope.files.particles.relion_styles import GROUP, GROUP_NAME, OPTICS, TILT_PIXEL
from mapscope.particles import Particles
from mapscope.volume import Array


def optics_groups(
    layout: Layout, optics: Mapping[str, Array], given: Array | None
) -> tuple[Array, dict[str, Array]]:
    """The optics group of each particle, and columns with one row for each group.

    Groups keep their numbers, or names, unless particles of one group differ in what is known of
    it; then, and where there are none, groups are counted from 1.

    Parameters
    ----------
    layout : Layout
        The particles.
    optics : mapping of str to array (n,)
        What the table shall say, for each particle.
    given : array (n,), optional
        Their groups; 0 or no text for a particle added by hand.
    """
    count = len(layout)
    groups = np.ones(count, np.int64) if given is None else _known_groups(layout, given)
    groups = groups if groups.dtype.kind == "U" else groups.astype(np.int64)
    columns = {name: values for name, values in optics.items() if name != GROUP}
    if given is not None:
        columns = _completed(columns, groups, given == groups)
    labels = [name for name in columns if name != GROUP_NAME]
    rows = list(zip(groups.tolist(), *(columns[name].tolist() for name in labels), strict=True))
    if len(set(rows)) > len(set(groups.tolist())):
        order = {row: n for n, row in enumerate(dict.fromkeys(rows), start=1)}
        groups = np.array([order[row] for row in rows], np.int64)
    first = np.sort(np.unique(groups, return_index=True)[1])
    names = columns.get(GROUP_NAME)
    if names is None or len(set(names[first].tolist())) < len(first):
        names = np.array([f"opticsGroup{group}" for group in groups.tolist()], np.str_)
    kept = {GROUP: groups, GROUP_NAME: names, **{name: columns[name] for name in labels}}
    return groups, {name: values[first] for name, values in kept.items()}


def knows_tilt_pixel(particles: Particles) -> bool:
    """Whether particles know how large the pixels of their tilt series are."""
    return bool({TILT_PIXEL, OPTICS + TILT_PIXEL} & particles.columns.keys())


def _known_groups(layout: Layout, given: Array) -> Array:
    """Optics groups, those of particles added by hand as their neighbours have them."""
    is_known = np.asarray(given != ("" if given.dtype.kind == "U" else 0))
    filled = layout.filled(np.asarray(given), is_known)
    return given if filled is None else filled


def _completed(columns: Mapping[str, Array], groups: Array, is_known: Array) -> dict[str, Array]:
    """Columns in which particles added by hand have what others of their group have."""
    numbered = list(enumerate(groups.tolist()))
    first = {group: n for n, group in reversed(numbered) if is_known[n]}
    rows = [first.get(group, n) for n, group in numbered]
    rows = [n if is_known[n] else row for n, row in enumerate(rows)]
    return {name: values[rows] for name, values in columns.items()}
