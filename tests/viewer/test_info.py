"""The Info dock says what the selected layer is, how large, and where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mapscope.files import write
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles, in_tomogram
from mapscope.viewer.docks.info import NOTHING
from mapscope.viewer.facts import facts_of_layer
from mapscope.viewer.roles import TEMPLATE
from mapscope.volume import MapHeader, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk


def facts(desk: Desk) -> dict[str, str]:
    """Facts of the selected layer, each of which the dock shows."""
    found = facts_of_layer(desk.viewer.layers.selection.active)
    text = desk.docks["Info"].text.toPlainText().replace("\xa0", " ")
    for name, value in found:
        assert name in text
        assert value in text
    return dict(found)


def test_map_from_a_file_is_described(desk: Desk, tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    cell = (8.0, 4.5, 2.0, 90.0, 90.0, 90.0)
    header = MapHeader((0, 0, 0), (4, 3, 2), cell, labels=(b"<refined> & \xc5",))
    volume = Volume(data, (1.0, 1.5, 2.0), (-3.0, 4.5, 6.0), header)
    path = write(tmp_path / "small.mrc", volume)
    (layer,) = desk.open(path)
    desk.viewer.layers.selection.active = layer
    found = facts(desk)
    assert found["Kind"] == "map"
    assert found["Size"] == "8 × 4.5 × 2 Å (x, y, z)"
    assert found["Voxels"] == "4 × 3 × 2 (x, y, z)"
    assert found["Voxel size"] == "2 × 1.5 × 1 Å"
    assert found["Origin"] == "6, 4.5, -3 Å (x, y, z)"
    assert found["Nyquist"] == "4 Å"
    assert found["Values"] == "0 to 23"
    assert found["Mean, σ"] == "11.5, 6.922"
    assert found["Stored as"] == "float32"
    labels = [value for name, value in facts_of_layer(layer) if name == "Label"]
    assert labels[0].startswith("<refined> &")
    assert found["File"].endswith("small.mrc")
    assert desk.docks["Info"].text.toPlainText().startswith("small")


def test_structure_is_described(desk: Desk, sample_folder: Path) -> None:
    atoms, backbone = desk.open(sample_folder / "four_helix_bundle.cif")
    for layer in (atoms, backbone):
        desk.viewer.layers.selection.active = layer
        found = facts(desk)
        assert (found["Kind"], found["Chains"]) == ("structure", "4")
        assert (found["Residues"], found["Atoms"]) == ("72", "605")
        assert found["B-factors"].endswith("Å² (5 to 95 %)")
        assert found["File"].endswith("four_helix_bundle.cif")


def test_result_is_described_by_the_run_that_made_it(desk: Desk, map_file: Path) -> None:
    desk.open(map_file)
    desk.viewer.layers.selection.active = desk.viewer.layers[0]
    form = desk.form("sharpen_by_b_factor")
    form.settings["b_factor"].value = -20.0
    desk.run_well(form)
    found = facts(desk)
    assert found["Kind"] == "sharpened"
    assert found["Made by"] == "sharpen by b factor"
    assert "b_factor -20.0" in found["With"]
    assert "Rosenthal" in found["Cite"]


def test_particles_are_counted_by_class_and_say_where_they_lie(desk: Desk, volume: Volume) -> None:
    noun = Particles(
        np.full((4, 3), 5.0),
        species=("ring", "rod", "ring", ""),
        score=np.array([0.5, -1.25, np.nan, np.nan]),
    )
    desk.add(in_tomogram(noun, volume.grid, "TS_01"), "picks", "particles")
    desk.viewer.layers.selection.active = desk.viewer.layers["picks"]
    text = desk.docks["Info"].text.toPlainText()
    assert "ring: 2" in text
    assert "rod: 1" in text
    assert "no name: 1" in text
    found = facts(desk)
    assert (found["Number"], found["Tomogram"], found["Orientations"]) == ("4", "TS_01", "no")
    assert (found["Scores"], found["Without score"]) == ("-1.25 to 0.5", "2")
    assert found["Voxel size"] == f"{volume.voxel_size[0]:.5g} Å"


def test_layers_of_others_are_described_or_refused(desk: Desk) -> None:
    desk.viewer.add_image(np.ones((3, 3, 3)), name="raw")
    assert facts(desk) == {"Not for jobs": "no voxel size"}
    desk.viewer.layers[0].units = ("nm",) * 3
    desk.viewer.layers.selection.clear()
    desk.viewer.layers.selection.active = desk.viewer.layers[0]
    assert facts(desk)["Voxel size"] == "10 Å"
    desk.viewer.add_points(np.zeros((2, 3)))
    assert "Not for jobs" in facts(desk)


def test_labels_and_surfaces_are_no_error(desk: Desk) -> None:
    for noun in (
        Labels(np.ones((3, 3, 3), np.int32), (2.0,) * 3),
        Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]])),
    ):
        desk.add(noun, "thing", "region")
        desk.viewer.layers.selection.active = desk.viewer.layers[-1]
        assert facts(desk)["Kind"] == "region"


def test_nothing_selected_is_said(desk: Desk, volume: Volume) -> None:
    desk.add(volume, "bundle")
    desk.viewer.layers.selection.clear()
    assert desk.docks["Info"].text.toPlainText() == NOTHING
    desk.viewer.layers.selection.active = desk.viewer.layers[0]
    desk.viewer.layers.clear()
    assert desk.docks["Info"].text.toPlainText() == NOTHING


def test_facts_when_a_layer_is_moved_or_deselected_follow_the_selected_one(
    desk: Desk, map_file: Path
) -> None:
    (layer,) = desk.open(map_file)
    desk.viewer.layers.selection.active = layer
    layer.scale = (2.0, 3.0, 4.0)
    assert facts(desk)["Voxel size"] == "4 × 3 × 2 Å"
    desk.viewer.layers.selection.clear()
    layer.name = "renamed"
    assert desk.docks["Info"].text.toPlainText() == NOTHING


def test_template_in_a_frame_of_its_own_is_not_blamed_for_it(desk: Desk, volume: Volume) -> None:
    off_grid = Volume(volume.data, volume.voxel_size, (0.7, 0.7, 0.7))
    dock = desk.docks["Info"]
    for role, is_blamed in (("map", True), (TEMPLATE, False)):
        with desk.qtbot.waitSignal(dock.looked, timeout=60_000):
            layer = desk.add(Volume(off_grid.data, off_grid.voxel_size, off_grid.origin), "a", role)
            desk.viewer.layers.selection.active = layer
        codes = [finding.code for finding in dock.findings]
        assert ("origin_off_grid" in codes) == is_blamed
        assert ("between grid points" in dock.text.toPlainText()) == is_blamed
