"""Cutting, padding and mirroring."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from mapscope.density.frame import (
    Axis,
    crop,
    flip_hand,
    invert_contrast,
    pad,
    region_above,
    region_around_mask,
    region_around_structure,
)
from mapscope.errors import DataError, GridError
from mapscope.structure import Structure
from mapscope.volume import Grid, MapHeader, Region, Volume


def random_volume() -> Volume:
    """A map on an anisotropic grid away from the origin, with a header."""
    data = np.random.default_rng(0).random((6, 7, 8)).astype(np.float32)
    return Volume(data, (1.0, 1.5, 2.0), (10.0, 20.0, 30.0), MapHeader(labels=(b"kept",)))


def test_crop_when_region_reaches_outside_takes_what_is_inside_in_place() -> None:
    volume = random_volume()
    part = crop(volume, Region((2, -3, 4), (5, 3, 20)))
    assert np.array_equal(part.data, volume.data[2:5, :3, 4:])
    assert part.origin == (12.0, 20.0, 38.0)
    assert part.header is None
    assert crop(volume, Region((0, 0, 0), (9, 9, 9))).header is volume.header


def test_crop_when_region_is_elsewhere_says_so() -> None:
    with pytest.raises(GridError, match="outside a map"):
        crop(random_volume(), Region((50, 0, 0), (60, 5, 5)))


def test_pad_and_crop_back_gives_the_map_again() -> None:
    volume = random_volume()
    padded = pad(volume, (1, 2, 3), (4, 0, 1), fill="zero")
    assert padded.shape == (11, 9, 12)
    assert padded.origin == (9.0, 17.0, 24.0)
    assert padded.data.sum() == pytest.approx(volume.data.sum())
    back = crop(padded, Region((1, 2, 3), (7, 9, 11)))
    assert np.array_equal(back.data, volume.data)
    assert back.grid.matches(volume.grid)


def test_pad_of_a_constant_with_edge_mean_stays_constant() -> None:
    padded = pad(Volume(np.full((4, 4, 4), 3.5, np.float32)), 2)
    assert padded.data.tolist() == np.full((8, 8, 8), 3.5).tolist()


def test_pad_of_integers_when_mean_is_a_fraction_becomes_float() -> None:
    data = np.zeros((3, 3, 3), np.int8)
    data[0] = 1
    padded = pad(Volume(data), 1)
    assert padded.data.dtype == np.float32
    assert padded.data[0, 0, 0] == pytest.approx((9 + 4 * 3) / 54)
    assert pad(Volume(data), 1, fill="zero").data.dtype == np.int8


def test_pad_when_negative_says_so() -> None:
    with pytest.raises(GridError, match="use crop"):
        pad(random_volume(), -1)


@pytest.mark.parametrize(("axis", "number"), [("z", 0), ("y", 1), ("x", 2)])
def test_flip_hand_twice_gives_the_map_again(axis: Axis, number: int) -> None:
    volume = random_volume()
    flipped = flip_hand(volume, axis)
    assert np.array_equal(flipped.data, np.flip(volume.data, number))
    assert (flipped.grid, flipped.header) == (volume.grid, volume.header)
    assert np.array_equal(flip_hand(flipped, axis).data, volume.data)


def test_flip_hand_when_axis_is_unknown_says_so() -> None:
    with pytest.raises(GridError, match="z, y or x"):
        flip_hand(random_volume(), "w")  # type: ignore[arg-type]


@pytest.mark.parametrize("contrast", [1, -1])
def test_invert_contrast_whatever_the_map_said_makes_bright_dense(contrast: int) -> None:
    volume = Volume(np.array([[[-128, 5]]], np.int8), contrast=contrast)
    inverted = invert_contrast(volume)
    assert inverted.data.tolist() == [[[128.0, -5.0]]]
    assert inverted.contrast == 1


def test_region_around_mask_is_the_smallest_box_and_a_margin() -> None:
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[3, 4, 5] = mask[6, 4, 2] = 1
    assert region_around_mask(mask) == Region((3, 4, 2), (7, 5, 6))
    assert region_around_mask(mask, 4) == Region((-1, 0, -2), (11, 9, 10))
    assert region_above(Volume(mask), 0.5) == Region((3, 4, 2), (7, 5, 6))
    with pytest.raises(DataError, match="no voxel"):
        region_around_mask(0 * mask)


def test_region_around_structure_holds_all_atoms_and_the_margin() -> None:
    model = gemmi.Model(1)
    chain = model.add_chain(gemmi.Chain("A"))
    residue = gemmi.Residue()
    residue.name, residue.seqid = "ALA", gemmi.SeqId("1")
    for x, y, z in ((3.0, 4.0, 5.0), (6.0, 4.0, 9.0)):
        atom = gemmi.Atom()
        atom.name, atom.element, atom.pos = "CA", gemmi.Element("C"), gemmi.Position(x, y, z)
        residue.add_atom(atom)
    chain.add_residue(residue)
    structure = gemmi.Structure()
    structure.add_model(model)
    grid = Grid((30, 30, 30), (1.0, 2.0, 0.5), (1.0, 0.0, 0.0))
    region = region_around_structure(Structure.from_gemmi(structure), grid, margin=2.0)
    assert region == Region((2, 1, 2), (11, 4, 17))
