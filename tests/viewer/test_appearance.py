"""Layers are saved for ChimeraX as they look, and what cannot be says which and why."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mapscope.errors import InputError, MapscopeError
from mapscope.files import read
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.viewer.appearance import appearance_of_layer, appearances_of_layers
from mapscope.viewer.window import PLUGIN
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

CORNERS = np.array([(0, 0, 0), (0, 0, 3), (0, 2, 0), (1, 0, 0)], dtype=np.float32)
FACES = np.array([(0, 1, 2), (0, 3, 1)], dtype=np.int32)
VALUES = np.arange(4, dtype=np.float32)


def the(verb: str, script: Path) -> list[list[str]]:
    """Words behind every command of a kind in a script."""
    lines = script.read_text(encoding="utf-8").splitlines()
    words = [shlex.split(line) for line in lines if line.startswith(f"{verb} ")]
    return [found[len(verb.split()) :] for found in words]


def value(words: list[str], keyword: str) -> str:
    """What stands behind a keyword."""
    return words[words.index(keyword) + 1]


def test_layers_when_saved_together_then_the_script_shows_each_as_it_looks(
    desk: Desk, volume: Volume, mask: Volume, sample_folder: Path, tmp_path: Path
) -> None:
    layer = desk.add(volume, 'map "1"; exit')
    layer.contrast_limits, layer.iso_threshold = (0, 2), 0.5
    layer.colormap, layer.gamma, layer.opacity = "red", 2, 0.5
    desk.add(mask, "mask", "mask").visible = False
    desk.add(Labels((volume.data > 0.5).astype(np.uint8) * 3, volume.voxel_size), "regions")
    desk.add(Mesh(CORNERS, FACES, VALUES), "surface")
    desk.open(sample_folder / "four_helix_bundle.cif")
    saved = desk.viewer.layers.save(str(tmp_path / "all.cxc"), plugin=PLUGIN)
    script = Path(saved[0])
    assert script.name == "all.cxc"
    assert [words[0] for words in the("open", script)] == [
        "all_map_1_exit.mrc",
        "all_mask.mrc",
        "all_regions.mrc",
        "all_surface.glb",
        "all_four_helix_bundle_atoms.cif",
    ]
    assert all(Path(path).is_file() for path in saved)
    surface, hidden = the("volume", script)
    assert value(surface, "level") == "0.5"
    assert value(surface, "color") == "#10000080"  # 255 × (0.5 / 2) ** 2 of red, half seen
    assert value(hidden, "level") == "0.5"
    (segment,) = the("segmentation surfaces", script)
    color = desk.viewer.layers["regions"].get_color(3)
    opacity = desk.viewer.layers["regions"].opacity
    expected = [round(255 * float(part)) for part in (*color[:3], opacity)]
    assert value(segment, "color") == "#" + "".join(f"{part:02x}" for part in expected)
    assert the("hide", script) == [["#3", "models"], ["#2", "models"]]
    assert the("cartoon", script) == [["#5"]]
    assert the("show", script) == [["#5", "atoms"]]
    np.testing.assert_array_equal(read(saved[1]).data, volume.data)
    assert read(saved[1]).grid.matches(volume.grid)


@pytest.mark.parametrize(
    ("rendering", "style"),
    [("mip", "projection"), ("attenuated_mip", "projection"), ("translucent", "image")],
)
def test_map_when_not_drawn_as_a_surface_then_its_range_is_coloured_as_in_the_layer(
    desk: Desk, volume: Volume, rendering: str, style: str
) -> None:
    layer = desk.add(volume, "map")
    layer.rendering, layer.contrast_limits, layer.colormap = rendering, (-1, 3), "viridis"
    item = appearance_of_layer(layer)
    assert item.noun is volume
    assert (item.style, item.levels) == (style, ())
    assert item.scale is not None
    assert (item.scale.low, item.scale.high) == (-1, 3)
    expected = layer.colormap.map(np.array([0, 0.5, 1]))[:, :3]
    np.testing.assert_allclose(item.scale.at(np.array([-1, 1, 3])), expected, atol=1e-6)


def test_map_when_its_layer_was_moved_then_it_is_written_where_it_is(
    desk: Desk, volume: Volume, tmp_path: Path
) -> None:
    layer = desk.add(volume, "map")
    layer.translate = (10, 20, 30)
    saved = layer.save(str(tmp_path / "x.cxc"), plugin=PLUGIN)
    np.testing.assert_allclose(read(saved[1]).origin, (10, 20, 30))
    assert the("open", Path(saved[0])) == [["x_map.mrc", "name", "map"]]


def test_surface_when_it_has_values_then_colours_are_those_of_its_contrast_limits(
    desk: Desk,
) -> None:
    mesh = Mesh(CORNERS, FACES, VALUES)
    layer = desk.add(mesh, "surface")
    layer.contrast_limits, layer.colormap = (1, 2), "green"
    item = appearance_of_layer(layer)
    assert item.noun is mesh
    assert item.scale is not None
    np.testing.assert_allclose(item.scale.at(np.arange(4))[:, 1], [0, 0, 1, 1], atol=1e-6)
    layer.vertex_colors = np.eye(4)
    painted = appearance_of_layer(layer).vertex_colors
    assert painted is not None
    np.testing.assert_allclose(painted, np.eye(4))
    layer.wireframe.visible = True
    assert appearance_of_layer(layer).style == "mesh"


def test_surface_when_it_is_foreign_then_it_is_taken_where_it_is_in_the_world(desk: Desk) -> None:
    place = {"scale": (2, 2, 2), "translate": (1, 0, 0), "units": ("nm",) * 3}
    layer = desk.viewer.add_surface((CORNERS, FACES), colormap="blue", **place)
    item = appearance_of_layer(layer)
    assert isinstance(item.noun, Mesh)
    np.testing.assert_allclose(item.noun.vertices, (CORNERS * 2 + (1, 0, 0)) * 10)
    assert item.noun.values is None
    np.testing.assert_allclose(item.color, (0, 0, 1))
    foreign = desk.viewer.add_surface((CORNERS, FACES, np.arange(4)), name="pixels")
    with pytest.raises(InputError, match="pixels: no voxel size; leave it out of the selection"):
        appearance_of_layer(foreign)


@pytest.mark.parametrize(
    ("atoms", "backbone", "style", "visible"),
    [
        (True, True, "atoms and cartoon", True),
        (True, False, "atoms", True),
        (False, True, "cartoon", True),
        (False, False, "atoms and cartoon", False),
    ],
)
def test_structure_when_some_of_it_is_hidden_then_it_is_one_item_with_the_rest(
    desk: Desk, sample_folder: Path, atoms: bool, backbone: bool, style: str, visible: bool
) -> None:
    layers = desk.open(sample_folder / "four_helix_bundle.cif")
    for layer, is_visible in zip(layers, (atoms, backbone), strict=True):
        layer.visible = is_visible
    (item,) = appearances_of_layers(layers)
    assert (item.style, item.visible) == (style, visible)


def test_result_of_a_job_when_saved_then_its_record_lies_beside_it(
    desk: Desk, map_file: Path, tmp_path: Path
) -> None:
    desk.open(map_file)
    desk.run_well(desk.form("invert_contrast"))
    layer = desk.viewer.layers.selection.active
    saved = layer.save(str(tmp_path / "x.cxc"), plugin=PLUGIN)
    assert Path(f"{saved[1]}.record.json").is_file()


def test_layers_when_one_cannot_be_saved_then_nothing_is_and_it_is_named(
    desk: Desk, volume: Volume, tmp_path: Path
) -> None:
    desk.add(volume, "map")
    desk.viewer.add_points(np.zeros((4, 3)), name="dots", units=("nm",) * 3)
    with pytest.raises(MapscopeError, match=r"dots: not a map or a structure.*leave it out"):
        desk.viewer.layers.save(str(tmp_path / "x.cxc"), plugin=PLUGIN)
    assert list(tmp_path.glob("x*")) == []
