"""Edits of regions: what merging, splitting, painting and relabelling change.

Each function looks at labels and gives the change; nothing is edited until it is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.edits.labels import LabelsChange, LabelsState, Region
from mapscope.edits.runs import MOST_NUMBER, Integers, Runs, runs_from_places
from mapscope.errors import DataError, InputError
from mapscope.labels import BACKGROUND, IGNORE
from mapscope.volume import Array

Flags = npt.NDArray[np.bool_]


def painted(state: LabelsState, box: tuple[slice, ...], after: Array) -> LabelsChange | None:
    """The change that makes the voxels in a box what another array holds.

    Parameters
    ----------
    state : LabelsState
        The labels.
    box : tuple of slice
        Along z, y, x.
    after : integer array
        The numbers that the voxels in the box shall have.

    Returns
    -------
    LabelsChange or None
        None where they have them already.
    """
    lower = [part.indices(n)[0] for part, n in zip(box, state.data.shape, strict=True)]
    before = state.data[box]
    inside = np.nonzero(before != after)
    places = np.ravel_multi_index(
        tuple(i + n for i, n in zip(inside, lower, strict=True)), state.data.shape
    )
    runs = runs_from_places(places, before[inside], after[inside])
    return _voxels_changed("paint", runs)


def painted_voxels(state: LabelsState, places: Integers, after: Array | int) -> LabelsChange | None:
    """The change that gives voxels (indices into the flattened array) other numbers."""
    given = np.asarray(places, dtype=np.int64)
    chosen, first = np.unique(given, return_index=True)
    if len(chosen) and (chosen[0] < 0 or chosen[-1] >= state.data.size):
        raise InputError("voxels to be painted lie outside the labels")
    values = np.broadcast_to(np.asarray(after), given.shape)[first]
    before = state.data.reshape(-1)[chosen]
    differs = before != values
    runs = runs_from_places(chosen[differs], before[differs], values[differs])
    return _voxels_changed("paint", runs)


def _voxels_changed(op: str, runs: Runs) -> LabelsChange | None:
    """A change of voxels only; None without voxels."""
    if not len(runs):
        return None
    numbers = {*np.unique(runs.before).tolist(), *np.unique(runs.after).tolist()}
    if min(numbers) < IGNORE or max(numbers) > MOST_NUMBER:
        raise InputError(f"region numbers run from {IGNORE} to {MOST_NUMBER}")
    return LabelsChange(op, tuple(sorted(numbers)), runs)


def merged(state: LabelsState, numbers: Sequence[int], into: int) -> LabelsChange:
    """The change that makes several regions one, which keeps the name of `into`.

    Raises
    ------
    InputError
        If there are fewer than two regions, or one is not there.
    """
    others = _present(state, [n for n in dict.fromkeys(numbers) if n != into])
    if not others:
        raise InputError("select two or more regions to merge")
    _present(state, [into])
    runs = _renumbered(state, others, into)
    named = [n for n in others if n in state.regions]
    return LabelsChange(
        "merge",
        (*others, into),
        runs,
        {n: state.regions[n] for n in named},
        dict.fromkeys(named),
    )


def deleted(state: LabelsState, numbers: Sequence[int]) -> LabelsChange:
    """The change that makes regions background, and forgets their names."""
    chosen = _present(state, numbers)
    named = {n: state.regions[n] for n in chosen if n in state.regions}
    runs = _renumbered(state, chosen, BACKGROUND)
    return LabelsChange("remove", tuple(chosen), runs, named, dict.fromkeys(named))


def relabelled(state: LabelsState, number: int, region: Region) -> LabelsChange | None:
    """The change that gives a region another name, colour or class; None where it has them."""
    before = state.regions.get(number)
    after = None if region == Region() else region
    if before == after:
        return None
    if not 0 < number <= MOST_NUMBER:
        raise InputError(f"a region's number lies between 1 and {MOST_NUMBER}, got {number}")
    return LabelsChange("relabel", (number,), None, {number: before}, {number: after})


def renumbered(state: LabelsState, number: int, new: int) -> LabelsChange:
    """The change that gives a region another number, which no region has.

    Raises
    ------
    InputError
        If the new number is taken or impossible.
    """
    _present(state, [number])
    if new in state.numbers or not 0 < new <= MOST_NUMBER:
        raise InputError(f"{new} is no free region number: merge regions instead")
    region = state.regions.get(number)
    before = {} if region is None else {number: region, new: None}
    after = {} if region is None else {number: None, new: region}
    return LabelsChange("relabel", (number, new), _renumbered(state, [number], new), before, after)


def split_into_pieces(state: LabelsState, number: int) -> LabelsChange:
    """The change that makes each connected piece of a region one of its own.

    Voxels are connected through faces, edges and corners. The largest piece keeps number
    and name.

    Raises
    ------
    DataError
        If the region is in one piece.
    """
    from scipy.ndimage import label

    inside, corner = _box_of(state, number)
    pieces, count = label(inside, structure=np.ones((3, 3, 3)))
    if count < 2:
        raise DataError(f"region {number} is in one piece and cannot be split into pieces")
    return _split(state, number, np.asarray(pieces), corner)


def split_by_plane(
    state: LabelsState, number: int, point: Sequence[float], normal: Sequence[float]
) -> LabelsChange:
    """The change that cuts a region in two along a plane.

    Parameters
    ----------
    state : LabelsState
        The labels.
    number : int
        The region.
    point, normal : three floats
        A point of the plane in Å and its direction, z, y, x.

    Raises
    ------
    DataError
        If the plane does not pass through the region.
    """
    inside, corner = _box_of(state, number)
    index = np.argwhere(inside)
    position = state.grid.world_from_index(index + np.asarray(corner))
    is_beyond = (position - np.asarray(point, dtype=float)) @ np.asarray(normal, dtype=float) > 0
    if is_beyond.all() or not is_beyond.any():
        raise DataError(f"the plane does not pass through region {number}")
    pieces = np.zeros(inside.shape, dtype=np.int32)
    pieces[inside] = 1 + is_beyond
    return _split(state, number, pieces, corner)


def split_by_seeds(state: LabelsState, number: int, seeds: Sequence[Integers]) -> LabelsChange:
    """The change that parts a region between seeds, along its narrowest places.

    Parameters
    ----------
    state : LabelsState
        The labels.
    number : int
        The region.
    seeds : sequence of int array
        For each part voxels that belong to it, as indices into the flattened array.

    Raises
    ------
    InputError
        If there are fewer than two seeds inside the region.

    References
    ----------
    Meyer, "Un algorithme optimal pour la ligne de partage des eaux", 8e Congrès
    Reconnaissance des Formes et Intelligence Artificielle 2, 847–857 (1991): watershed of
    the distance to the region's border, flooded from the seeds.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.segmentation import watershed

    inside, corner = _box_of(state, number)
    markers = np.zeros(inside.shape, dtype=np.int32)
    for n, voxels in enumerate(seeds, start=1):
        index = np.stack(np.unravel_index(np.asarray(voxels, dtype=np.int64), state.data.shape))
        index = index.T - np.asarray(corner)
        is_near = ((index >= 0) & (index < inside.shape)).all(axis=1)
        markers[tuple(index[is_near].T)] = n
    markers[~inside] = 0
    if len(np.unique(markers)) < 3:
        raise InputError(f"put at least two seeds into region {number}")
    depth = distance_transform_edt(inside, sampling=state.grid.voxel_size)
    pieces = watershed(-depth, markers, mask=inside, connectivity=np.ones((3, 3, 3)))
    pieces[inside & (pieces == 0)] = markers.max() + 1  # what no seed reaches
    return _split(state, number, np.asarray(pieces), corner)


def _split(state: LabelsState, number: int, pieces: Array, corner: tuple[int, ...]) -> LabelsChange:
    """The change that gives all pieces but the largest a number of their own."""
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    present = np.flatnonzero(sizes)
    by_size = present[np.argsort(-sizes[present], kind="stable")]
    numbers = np.zeros(len(sizes), dtype=np.int64)
    new = state.next_number() + np.arange(len(by_size) - 1)
    numbers[by_size] = [number, *new.tolist()]
    index = np.nonzero(pieces)
    after = numbers[pieces[index]]
    places = np.ravel_multi_index(
        tuple(i + c for i, c in zip(index, corner, strict=True)), state.data.shape
    )
    moves = after != number
    before = np.full(int(moves.sum()), number)
    runs = runs_from_places(places[moves], before, after[moves])
    region = state.regions.get(number)
    named: dict[int, Any] = {}
    if region is not None:
        copy = Region(region.name and f"{region.name} (part)", None, region.kind)
        named = {} if copy == Region() else dict.fromkeys(new.tolist(), copy)
    return LabelsChange("split", (number, *new.tolist()), runs, dict.fromkeys(named), named)


def centre_of(state: LabelsState, number: int) -> npt.NDArray[np.float64]:
    """Position in Å (z, y, x) of the region's voxel that is nearest to its centroid.

    Raises
    ------
    InputError
        If the region has no voxels.
    """
    inside, corner = _box_of(state, number)
    index = np.argwhere(inside)
    nearest = index[((index - index.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return state.grid.world_from_index(nearest + np.asarray(corner))


def _box_of(state: LabelsState, number: int) -> tuple[Flags, tuple[int, ...]]:
    """Where a region lies, within the smallest box around it, and that box's first corner."""
    if not state.counts.get(number):
        raise InputError(f"region {number} has no voxels")
    is_inside = state.data == number
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        along = np.flatnonzero(is_inside.any(axis=others))
        box.append(slice(int(along[0]), int(along[-1]) + 1))
    return is_inside[tuple(box)], tuple(part.start for part in box)


def _renumbered(state: LabelsState, numbers: Sequence[int], into: int) -> Runs | None:
    """The runs that give all voxels of some regions another number."""
    flat = state.data.reshape(-1)
    is_chosen = flat == numbers[0]
    for number in numbers[1:]:
        is_chosen |= flat == number
    places = np.flatnonzero(is_chosen)
    if not len(places):
        return None
    return runs_from_places(places, flat[places], np.full(len(places), into))


def _present(state: LabelsState, numbers: Sequence[int]) -> list[int]:
    """The numbers, each of a region that is there."""
    for number in numbers:
        if number == BACKGROUND or (not state.counts.get(number) and number not in state.regions):
            raise InputError(f"there is no region {number}")
    return list(numbers)
