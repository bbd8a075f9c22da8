"""Nouns become layers where they lie in space, and layers become the same nouns again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer, Points
from napari.layers import Labels as LabelsLayer

from mapscope.errors import InputError
from mapscope.files import read
from mapscope.jobs import sharpen_by_b_factor
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.structure import Structure
from mapscope.viewer.inputs import reason_for_kind
from mapscope.viewer.layers import layers_from_noun, noun_from_layer, reason_against, tag_of
from mapscope.viewer.partners import half_map_pair
from mapscope.viewer.reader import read_layers
from mapscope.viewer.roles import role_of_file
from mapscope.volume import HalfMaps, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

ANGSTROM = ("angstrom",) * 3


def layers_of(noun: Any, role: str = "map", file: str = "") -> list[Any]:
    """The layers that show a noun."""
    layers = [Layer.create(*data) for data in layers_from_noun(noun, "a", role)]
    for layer in layers:
        layer.metadata["file"] = file
    return layers


@pytest.fixture
def structure(sample_folder: Path) -> Structure:
    found = read(sample_folder / "four_helix_bundle.cif")
    assert isinstance(found, Structure)
    return found


@pytest.fixture
def labels(volume: Volume) -> Labels:
    return Labels((volume.data > 0.5).astype(np.int32), volume.voxel_size, volume.origin)


@pytest.fixture
def mesh() -> Mesh:
    vertices = np.array([[0.0, 0, 0], [0, 0, 9], [0, 9, 0], [9, 0, 0]], np.float32)
    return Mesh(vertices, np.array([[0, 1, 2], [0, 1, 3]]), np.arange(4, dtype=np.float32))


def test_layers_when_nobody_changed_them_then_they_give_the_very_same_nouns(
    volume: Volume, labels: Labels, structure: Structure, mesh: Mesh
) -> None:
    for noun in (volume, labels, structure, mesh):
        for layer in layers_of(noun):
            assert noun_from_layer(layer) is noun
            assert tag_of(layer).checksum == noun.checksum()  # type: ignore[union-attr]


def test_layers_of_every_kind_are_in_angstrom_and_keep_the_viewers_units(
    volume: Volume, labels: Labels, structure: Structure, mesh: Mesh
) -> None:
    viewer = ViewerModel()
    for noun in (volume, labels, structure, mesh):
        for layer in layers_of(noun):
            viewer.add_layer(layer)
            assert tuple(str(unit) for unit in layer.units) == ANGSTROM
            assert layer.axis_labels == ("z", "y", "x")
            assert tuple(str(unit) for unit in viewer.layers.units) == ANGSTROM
    kinds = [type(layer).__name__ for layer in viewer.layers]
    assert kinds == ["Image", "Labels", "Points", "Shapes", "Surface"]


@pytest.mark.parametrize(
    ("change", "voxel_size", "origin"),
    [
        ({"scale": (2, 2, 3)}, (2, 2, 3), (3, -6, 4.5)),
        ({"translate": (1, 2, 3)}, (1.5, 1.5, 1.5), (1, 2, 3)),
        ({"units": ("nm",) * 3}, (15, 15, 15), (30, -60, 45)),
        ({"affine": [[1, 0, 0, 7], [0, 1, 0, 8], [0, 0, 1, 9], [0, 0, 0, 1]]}, 1.5, (10, 2, 13.5)),
    ],
)
def test_map_when_its_layer_was_moved_then_the_noun_lies_where_the_layer_lies(
    volume: Volume, change: dict[str, Any], voxel_size: Any, origin: Any
) -> None:
    (layer,) = layers_of(replace(volume, contrast=-1))
    for name, value in change.items():
        setattr(layer, name, value)
    noun = noun_from_layer(layer)
    np.testing.assert_allclose(noun.voxel_size, np.broadcast_to(voxel_size, 3))
    np.testing.assert_allclose(noun.origin, origin)
    np.testing.assert_array_equal(noun.data, volume.data)
    assert noun.contrast == -1


def test_map_when_its_data_were_replaced_then_the_noun_holds_the_new_ones(volume: Volume) -> None:
    (layer,) = layers_of(volume)
    layer.data = volume.data * 2
    noun = noun_from_layer(layer)
    assert noun is not volume
    np.testing.assert_array_equal(noun.data, volume.data * 2)
    assert noun.grid == volume.grid


def test_labels_with_names_and_colours_are_drawn_in_these_and_named(labels: Labels) -> None:
    named = replace(labels, names={0: "none", 1: "dense"}, colors={1: (0.2, 0.4, 0.6)})
    (data,) = layers_from_noun(named, "kinds")
    layer = LabelsLayer(data[0], **data[1])
    np.testing.assert_allclose(layer.get_color(1), (0.2, 0.4, 0.6, 1), atol=1e-6)
    assert not np.any(layer.colormap.map(0)[..., 3])
    assert not np.any(layer.colormap.map(-1)[..., 3])
    assert dict(zip(layer.features["index"], layer.features["name"], strict=True)) == named.names
    assert noun_from_layer(layer) is named


def test_labels_when_moved_or_edited_then_the_noun_follows(labels: Labels) -> None:
    (layer,) = layers_of(labels)
    layer.translate = (0, 0, 1)
    assert noun_from_layer(layer).origin == (0, 0, 1)
    layer.data = np.ones_like(labels.data)
    assert (noun_from_layer(layer).data == 1).all()


def test_structure_when_moved_or_edited_then_it_is_refused(structure: Structure) -> None:
    for change in ({"translate": (1, 0, 0)}, {"units": ("nm",) * 3}, {"scale": (1, 1, -1)}):
        atoms = layers_of(structure)[0]
        for name, value in change.items():
            setattr(atoms, name, value)
        with pytest.raises(InputError, match=r"moved|mirrored"):
            noun_from_layer(atoms)
        assert reason_for_kind(atoms, Structure)
    atoms = layers_of(structure)[0]
    atoms.data = atoms.data[:-1]
    with pytest.raises(InputError, match="edited by hand"):
        noun_from_layer(atoms)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Image(np.zeros((4, 4, 4))), "no voxel size"),
        (lambda: Image(np.zeros((4, 4, 4)), units=("s", "s", "s")), "no voxel size"),
        (lambda: Image(np.zeros((4, 4)), units=("nm",) * 2), "not a three-dimensional"),
        (lambda: Image(np.zeros((2, 4, 4, 4)), units=("nm",) * 4), "not a three-dimensional"),
        (lambda: Image(np.zeros((4, 4, 4, 3)), rgb=True, units=("nm",) * 3), "three-dimensional"),
        (
            lambda: Image([np.zeros((8, 8, 8)), np.zeros((4, 4, 4))], multiscale=True),
            "not a three-dimensional",
        ),
        (lambda: Image(np.zeros((4, 4, 4)), rotate=(0, 20, 0), units=("nm",) * 3), "rotated"),
        (lambda: Image(np.zeros((4, 4, 4)), shear=(1, 0, 0), units=("nm",) * 3), "sheared"),
        (lambda: Image(np.zeros((4, 4, 4)), scale=(1, 1, -1), units=("nm",) * 3), "mirrored"),
        (lambda: Points(np.zeros((4, 3))), "not a map or a structure"),
    ],
)
def test_foreign_layer_when_no_job_can_use_it_then_the_reason_is_given(
    make: Callable[[], Layer], reason: str
) -> None:
    layer = make()
    assert reason in reason_against(layer)
    with pytest.raises(InputError, match=reason):
        noun_from_layer(layer)
    with pytest.raises(InputError, match=layer.name):
        noun_from_layer(layer)


def test_foreign_layers_when_they_have_units_then_they_become_nouns() -> None:
    place = {"scale": (0.2, 0.2, 0.4), "translate": (1, 0, 0), "units": ("nm",) * 3}
    noun = noun_from_layer(Image(np.ones((3, 4, 5), np.uint8), **place))
    np.testing.assert_allclose(noun.voxel_size, (2, 2, 4))
    np.testing.assert_allclose(noun.origin, (10, 0, 0))
    assert noun.data.dtype == np.uint8
    found = noun_from_layer(LabelsLayer(np.ones((3, 4, 5), int), **place))
    assert isinstance(found, Labels)
    np.testing.assert_allclose(found.voxel_size, (2, 2, 4))


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "f2", "f4", ">f4", ">i2"])
def test_map_of_any_stored_type_is_displayed_and_keeps_its_noun(kind: str, volume: Volume) -> None:
    data = np.clip(100 * volume.data, 0, 100).astype(kind)
    volume = Volume(data)
    (layer,) = layers_of(volume)
    np.testing.assert_array_equal(layer.data, data)
    low, high = layer.contrast_limits
    assert low < layer.iso_threshold < high
    assert noun_from_layer(layer) is volume
    ViewerModel().add_layer(layer)


@pytest.mark.parametrize("value", [0.0, 3.5, -2.0])
def test_constant_map_opens_without_a_surface(value: float) -> None:
    viewer = ViewerModel(ndisplay=3)
    (layer,) = layers_of(Volume(np.full((6, 6, 6), value, np.float32)))
    viewer.add_layer(layer)
    low, high = layer.contrast_limits
    assert low == value < high
    assert value < layer.iso_threshold <= high


def test_map_when_shown_then_level_and_limits_suit_it(volume: Volume, mask: Volume) -> None:
    (layer,) = layers_of(volume)
    assert (layer.rendering, layer.projection_mode) == ("iso", "none")
    assert 0.005 < (layer.data > layer.iso_threshold).mean() < 0.1
    (shown,) = layers_of(mask, "mask")
    assert (shown.iso_threshold, shown.contrast_limits) == (0.5, [0.0, 1.0])


def test_role_of_file_when_the_name_says_it_then_it_is_known() -> None:
    assert role_of_file("a_half_map_1.mrc") == "half map"
    assert role_of_file("emd_1_MASK.map.gz") == "mask"
    assert role_of_file("emd_1.map") == "map"


def pair_of(halves: HalfMaps, first: str, second: str) -> list[Any]:
    """Two half maps as layers of files with these names."""
    found = layers_of(halves.first, "half map", first)
    return found + layers_of(halves.second, "half map", second)


def test_half_maps_when_opened_in_any_order_then_they_pair_in_the_right_one(
    halves: HalfMaps,
) -> None:
    first, second = pair_of(halves, "a_half_1.mrc", "a_half_2.mrc.gz")
    assert half_map_pair([first, second]) == (first, second)
    assert half_map_pair([second, first]) == (first, second)
    assert half_map_pair([first]) is None
    assert half_map_pair([first, first]) is None


def test_half_maps_when_of_two_objects_or_grids_then_they_do_not_pair(halves: HalfMaps) -> None:
    first, second = pair_of(halves, "a_half_1.mrc", "b_half_2.mrc")
    assert half_map_pair([first, second]) is None
    moved = replace(halves.second, origin=(0, 0, 0))
    elsewhere = layers_of(moved, "half map", "a_half_2.mrc")
    assert half_map_pair([first, *elsewhere]) is None


def test_half_maps_when_there_are_two_pairs_then_the_last_wins(halves: HalfMaps) -> None:
    old = pair_of(halves, "a_half_1.mrc", "a_half_2.mrc")
    new = pair_of(halves, "b_half_1.mrc", "b_half_2.mrc")
    assert half_map_pair([*old, *new]) == tuple(new)
    assert half_map_pair([*new, *old]) == tuple(old)


def test_noun_without_a_layer_gives_none() -> None:
    assert layers_from_noun(object(), "a") == []


def frame_by_gemmi(path: Path) -> tuple[Any, Any] | None:
    """First and last voxel centre in Å, z, y, x, as gemmi reads the header.

    None for a crystal's map, which is brought onto a grid of its own.
    """
    header = gemmi.read_ccp4_header(str(path))
    words = [header.header_i32(n) for n in range(1, 25)]
    cell = [header.header_float(n) for n in range(11, 17)]
    origin = np.array([header.header_float(n) for n in (50, 51, 52)])
    axes = np.array(words[16:19]) - 1
    size, start, sampling = np.zeros(3, int), np.zeros(3, int), np.array(words[7:10])
    size[axes], start[axes] = words[0:3], words[4:7]
    if cell[3:] != [90, 90, 90] or words[22] > 1:
        return None
    step = np.array(cell[:3]) / sampling
    first = origin if origin.any() else start * step
    return first[::-1], (first + (size - 1) * step)[::-1]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("megabytes", "least_maps", "least_frames"),
    [(0.35, 10, 5), pytest.param(10_000, 30, 25, marks=pytest.mark.slow)],
)
def test_real_maps_and_their_sharpened_copies_lie_where_gemmi_says(
    megabytes: float, least_maps: int, least_frames: int, data_folder: Path
) -> None:
    every = sorted(data_folder.glob("maps/*/map.mrc.gz"))
    paths = [path for path in every if path.stat().st_size < megabytes * 1e6]
    checked = 0
    for path in paths:
        ((data, attributes, kind),) = read_layers([str(path)])
        layer = Layer.create(data, attributes, kind)
        volume = noun_from_layer(layer)
        corners = volume.grid.world_from_index([[0, 0, 0], np.array(volume.shape) - 1])
        np.testing.assert_allclose(layer.extent.world, corners, atol=1e-3, err_msg=str(path))
        expected = frame_by_gemmi(path)
        if expected is not None:
            np.testing.assert_allclose(
                layer.extent.world, expected, atol=2e-3, err_msg=path.parent.name
            )
            checked += 1
        result = sharpen_by_b_factor(volume, b_factor=-40.0)
        (copy,) = layers_of(result.sharpened)
        np.testing.assert_allclose(copy.extent.world, layer.extent.world, err_msg=str(path))
    assert len(paths) >= least_maps
    assert checked >= least_frames


@pytest.mark.real_data
def test_real_map_and_model_when_opened_together_then_units_stay_angstrom(
    desk: Desk, data_folder: Path
) -> None:
    folder = data_folder / "maps" / "emd4413_6i5a"
    layers = desk.open(folder / "map.mrc.gz", folder / "model.pdb.gz")
    assert [type(layer).__name__ for layer in layers] == ["Image", "Points", "Shapes"]
    assert tuple(str(unit) for unit in desk.viewer.layers.units) == ANGSTROM
    inside = layers[0].extent.world
    atoms = layers[1].data
    assert ((atoms > inside[0]) & (atoms < inside[1])).all(axis=1).mean() > 0.9
