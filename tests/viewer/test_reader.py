"""Files open as layers with good names; what cannot be opened says why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mapscope.errors import MapFormatError, MapscopeError
from mapscope.files import write
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.layers import noun_from_layer, role_of
from mapscope.viewer.partners import half_map_pair
from mapscope.viewer.reader import get_reader, layer_name, read_layers
from mapscope.viewer.window import PLUGIN
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk


def test_map_when_opened_then_layer_and_file_agree(
    desk: Desk, map_file: Path, volume: Volume
) -> None:
    (layer,) = desk.open(map_file)
    assert (layer.name, role_of(layer), layer.visible) == ("bundle", "map", True)
    np.testing.assert_array_equal(layer.data, volume.data)
    np.testing.assert_allclose(layer.translate, volume.origin)
    assert noun_from_layer(layer).header is not None


def test_half_maps_when_opened_together_then_the_second_is_hidden(
    desk: Desk, half_files: tuple[Path, Path]
) -> None:
    layers = desk.open(*half_files)
    assert [layer.name for layer in layers] == ["bundle · half map 1", "bundle · half map 2"]
    assert [layer.visible for layer in layers] == [True, False]
    assert half_map_pair(desk.viewer.layers) == tuple(layers)


def test_half_maps_when_opened_one_by_one_then_they_pair_as_well(
    desk: Desk, half_files: tuple[Path, Path]
) -> None:
    first, second = half_files
    (b,) = desk.open(second)
    (a,) = desk.open(first)
    assert (b.visible, a.visible) == (True, False)
    assert half_map_pair(desk.viewer.layers) == (a, b)


def test_structure_and_mask_when_opened_then_they_are_what_they_are(
    desk: Desk, mask_file: Path, sample_folder: Path
) -> None:
    (mask,) = desk.open(mask_file)
    assert (role_of(mask), mask.iso_threshold) == ("mask", 0.5)
    atoms, backbone = desk.open(sample_folder / "four_helix_bundle.cif")
    assert (atoms.name, backbone.name) == (
        "four_helix_bundle · atoms",
        "four_helix_bundle · backbone",
    )
    assert isinstance(noun_from_layer(atoms), Structure)
    assert len(atoms.features) == len(atoms.data) == 605
    assert len(backbone.data) == 4


def test_unknown_file_is_left_to_other_readers(tmp_path: Path, map_file: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert get_reader(str(tmp_path / "a.tif")) is None
    assert get_reader(str(tmp_path / "a.csv")) is None
    assert get_reader(str(tmp_path / "missing.mrc")) is None
    assert get_reader(str(tmp_path)) is None
    assert get_reader([]) is None
    assert get_reader([str(map_file), str(tmp_path / "a.tif")]) is None
    assert get_reader([str(map_file)]) is read_layers


def test_table_when_read_as_layers_then_it_says_that_it_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", Table({"a": np.arange(3)}))
    with pytest.raises(MapscopeError, match=r"a\.csv holds a table, not a layer"):
        read_layers(str(path))


def test_damaged_file_gives_one_readable_error_and_the_viewer_works_on(
    desk: Desk, map_file: Path
) -> None:
    broken = map_file.with_name("broken.mrc")
    broken.write_bytes(map_file.read_bytes()[:-100])
    with pytest.raises(MapFormatError, match=r"broken\.mrc") as caught:
        desk.open(broken)
    assert "\n" not in str(caught.value)
    assert desk.names() == []
    text = map_file.with_name("text.mrc")
    text.write_text("this is no map", encoding="utf-8")
    with pytest.raises(MapFormatError):
        desk.open(text)
    desk.open(map_file)
    assert desk.names() == ["bundle"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("bundle.mrc", "bundle"),
        ("emd_1234.map.gz", "emd_1234"),
        ("a.b.mrc.bz2", "a.b"),
        ("7abc.cif.gz", "7abc"),
        ("emd_1234_half_map_2.map.gz", "emd_1234 · half map 2"),
        ("run_it020_half1_class001.mrc", "run_it020 · half map 1"),
        ("half_1.mrc", "map · half map 1"),
        ("rec_EVN.mrc", "rec · half map 1"),
    ],
)
def test_layer_name_is_the_files_without_its_endings(file: str, name: str) -> None:
    assert layer_name(file) == name


def test_uneven_sample_when_opened_then_half_maps_pair_and_the_truth_is_a_hidden_local_resolution(
    desk: Desk,
) -> None:
    desk.viewer.open_sample(PLUGIN, "uneven_four_helix_bundle")
    names = desk.names()
    assert names[:3] == [
        "four_helix_bundle_uneven · half map 1",
        "four_helix_bundle_uneven · half map 2",
        "four_helix_bundle_uneven_local_resolution",
    ]
    assert [layer.visible for layer in desk.viewer.layers] == [True, False, False, True, True]
    assert half_map_pair(desk.viewer.layers) is not None
    assert role_of(desk.viewer.layers[2]) == "local_resolution"


def test_sample_when_opened_from_the_file_menu_then_half_maps_and_structure_are_there(
    desk: Desk,
) -> None:
    desk.viewer.open_sample(PLUGIN, "four_helix_bundle")
    assert desk.names() == [
        "four_helix_bundle · half map 1",
        "four_helix_bundle · half map 2",
        "four_helix_bundle · atoms",
        "four_helix_bundle · backbone",
    ]
    assert [layer.visible for layer in desk.viewer.layers] == [True, False, True, True]
    assert half_map_pair(desk.viewer.layers) is not None
    first, atoms = desk.viewer.layers[0], desk.viewer.layers[2]
    low, high = first.extent.world
    assert ((atoms.data > low) & (atoms.data < high)).all()
