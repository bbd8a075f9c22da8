"""Structures are drawn, coloured, selected and gone to, in slices and in 3D."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Surface
from tests.viewer.structures.conftest import Bench, click, density, mixed

from mapscope.depiction.coloring import coloring_by
from mapscope.depiction.palette import NO_VALUE, rgba
from mapscope.depiction.residues import residues_of
from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.layers import noun_from_layer, tag_of
from mapscope.viewer.structures.figure import BODY, LABEL, STICKS
from mapscope.viewer.structures.look import Style
from mapscope.viewer.structures.placing import REACH, atom_at, atom_on_ray
from mapscope.viewer.structures.scene import structures_of


@pytest.mark.parametrize("style", ["ribbons", "tubes"])
def test_structure_when_shown_in_a_style_hides_its_path_and_keeps_its_noun(
    opened: Bench, structure: Structure, style: Style
) -> None:
    atoms, path = opened.viewer.layers
    figure = opened.drawn(lambda: opened.scene.show(atoms, style))
    body = figure.layers[BODY]
    assert isinstance(body, Surface)
    assert opened.names() == ["model · atoms", "model · backbone", f"model · {style}"]
    assert (path.visible, body.visible) == (False, True)
    assert tag_of(body).noun is structure  # type: ignore[union-attr]
    assert noun_from_layer(body) is structure
    assert [str(u) for u in body.units] == ["angstrom"] * 3
    wanted = coloring_by(structure, "chain").of(figure.made.body)
    assert np.allclose(body.vertex_colors, wanted)
    opened.drawn(lambda: opened.scene.show(atoms, "backbone path"))
    assert path.visible
    assert opened.names() == ["model · atoms", "model · backbone"]


def test_style_when_changed_while_another_is_drawn_ends_with_the_last(opened: Bench) -> None:
    for style in ("ribbons", "tubes", "ribbons", "tubes"):
        opened.scene.show(opened.figure, style)
    opened.rest()
    opened.qtbot.waitUntil(lambda: "model · tubes" in opened.names())
    assert opened.names().count("model · tubes") == 1
    assert "model · ribbons" not in opened.names()


def test_active_layer_when_a_picture_is_added_stays_the_same(opened: Bench) -> None:
    opened.viewer.layers.selection.active = opened.viewer.layers[0]
    opened.drawn(lambda: opened.scene.show(opened.figure, "tubes"))
    opened.drawn(lambda: opened.scene.go_to("A/122"))
    assert opened.viewer.layers.selection.active is opened.viewer.layers[0]


def test_colours_when_by_a_score_change_the_vertices_and_say_what_they_are(
    opened: Bench, structure: Structure
) -> None:
    opened.drawn(lambda: opened.scene.show(opened.figure, "tubes"))
    body = opened.figure.layers[BODY]
    before = body.vertex_colors.copy()
    scores = Table(
        {
            "chain": np.array(["A"] * 4),
            "number": np.array([120, 121, 122, 123]),
            "q_score": np.array([0.0, 0.5, 1.0, np.nan]),
        },
        units={"q_score": "Q"},
    )
    opened.drawn(
        lambda: opened.scene.color_by_score(
            opened.figure, scores, "q_score", colormap="gray", limits=(0, 1)
        )
    )
    assert body is opened.figure.layers[BODY]
    colors = body.vertex_colors
    assert not np.allclose(colors, before)
    owner = opened.figure.made.body.residues  # type: ignore[union-attr]
    assert np.allclose(colors[owner == 0, :3], 0, atol=1e-3)
    assert np.allclose(colors[owner == 1, :3], 0.5, atol=5e-3)
    assert np.allclose(colors[owner == 2, :3], 1, atol=1e-3)
    assert np.allclose(colors[owner == 3], rgba(NO_VALUE))
    captions = opened.viewer.canvas.overlays["mapscope_structure_caption"]
    assert (captions.text, captions.visible) == ("q score (Q)", True)
    assert body.colorbar.visible
    assert tuple(body.contrast_limits) == (0, 1)
    opened.drawn(lambda: opened.scene.color_by(opened.figure, "chain"))
    assert np.allclose(body.vertex_colors, before)
    assert not captions.visible
    assert not body.colorbar.visible


def test_colours_when_by_b_factor_carry_the_unit(opened: Bench) -> None:
    opened.drawn(lambda: opened.scene.show(opened.figure, "ribbons"))
    opened.drawn(lambda: opened.scene.color_by(opened.figure, "B-factor"))
    assert opened.viewer.canvas.overlays["mapscope_structure_caption"].text == "B-factor (Å²)"


def test_colours_when_they_cannot_be_say_why(opened: Bench) -> None:
    with pytest.raises(InputError, match="no score of this structure yet"):
        opened.scene.color_by(opened.figure, "score")
    with pytest.raises(InputError, match="choose one of chain"):
        opened.scene.color_by(opened.figure, "taste")
    with pytest.raises(InputError, match="23 residues"):
        opened.scene.color_by_score(opened.figure, np.zeros(5))
    with pytest.raises(InputError, match="no style"):
        opened.scene.show(opened.figure, "balloons")  # type: ignore[arg-type]


def test_atoms_when_shown_later_have_the_colours_of_now(opened: Bench) -> None:
    atoms = opened.viewer.layers[0]
    opened.scene.show_atoms(opened.figure, "none")
    opened.drawn(lambda: opened.scene.color_by(opened.figure, "element"))
    opened.scene.show_atoms(opened.figure, "all")
    wanted = coloring_by(opened.figure.structure, "element").atoms
    assert np.allclose(atoms.face_color, wanted)
    opened.drawn(lambda: opened.scene.select("A/122"))
    opened.scene.show_atoms(opened.figure, "selection")
    assert np.array_equal(atoms.shown, opened.mask)
    opened.drawn(lambda: opened.scene.select("A/123"))
    assert np.array_equal(atoms.shown, opened.mask)
    assert noun_from_layer(atoms) is opened.figure.structure


def test_going_somewhere_in_slices_moves_camera_and_slice_to_the_residues_centre(
    opened: Bench, structure: Structure
) -> None:
    opened.add(density(structure), "map")
    opened.viewer.dims.ndisplay = 2
    opened.drawn(lambda: opened.scene.go_to("A/124A"))
    residues = residues_of(structure)
    center = np.array(residues.center(structure, 5))
    assert opened.figure.chosen.tolist() == [5]
    assert np.allclose(opened.viewer.dims.point, center, atol=0.51)
    assert np.allclose(opened.camera.center[-2:], center[1:], atol=1e-6)


def test_going_somewhere_in_3d_moves_the_camera_and_then_the_slices(
    opened: Bench, structure: Structure
) -> None:
    opened.add(density(structure), "map")
    opened.viewer.dims.ndisplay = 3
    opened.drawn(lambda: opened.scene.go_to("N/3"))
    center = structure.positions[opened.figure.mask].mean(axis=0)
    assert np.allclose(opened.camera.center, center)
    opened.viewer.dims.ndisplay = 2
    assert np.allclose(opened.viewer.dims.point, center, atol=0.51)


def test_selection_when_of_one_residue_is_drawn_as_sticks_with_its_name(opened: Bench) -> None:
    opened.drawn(lambda: opened.scene.go_to("A/124A"))
    figure = opened.figure
    rods, label = figure.layers[STICKS], figure.layers[LABEL]
    assert label.features["label"].tolist() == ["ALA A/124A"]
    assert np.allclose(label.data[0], np.array(figure.center()))
    assert set(figure.made.sticks.residues.tolist()) == {5}  # type: ignore[union-attr]
    assert opened.viewer.layers[-1] is label
    opened.drawn(lambda: opened.scene.go_to("A/120-122"))
    assert figure.layers[STICKS] is rods
    assert set(figure.made.sticks.residues.tolist()) == {0, 1, 2}  # type: ignore[union-attr]
    assert len(rods.vertex_colors) == len(rods.data[0])
    assert not label.visible
    opened.drawn(lambda: opened.scene.show_sticks(figure, on=False))
    assert STICKS not in figure.layers
    opened.drawn(lambda: opened.scene.clear_selection(figure))
    assert figure.mask is None


def test_selection_when_nothing_is_open_or_there_says_so(bench: Bench) -> None:
    with pytest.raises(InputError, match="no structure is open"):
        bench.scene.go_to("A/1")
    bench.add(mixed())
    with pytest.raises(InputError, match="chain Q is not there: A, N"):
        bench.scene.go_to("Q/1")


def test_click_in_slices_on_an_atom_selects_its_residue_and_a_drag_does_not(
    opened: Bench, structure: Structure
) -> None:
    opened.viewer.dims.ndisplay = 2
    position = structure.positions[opened.figure.residues.atoms(7).start]
    click(opened.viewer, position + np.array((0, 0.3, 0.2)), dragged=True)
    assert opened.figure.mask is None
    opened.drawn(lambda: click(opened.viewer, position + np.array((0, 0.3, 0.2))))
    assert opened.figure.chosen.tolist() == [7]
    assert opened.dock.browser.tree.residue(opened.dock.browser.list.currentIndex()) == 7
    click(opened.viewer, position + np.array((0, 200, 0)))
    assert opened.figure.chosen.tolist() == [7]


def test_click_in_3d_on_an_atom_selects_its_residue(opened: Bench, structure: Structure) -> None:
    opened.viewer.dims.ndisplay = 3
    direction = np.array((1.0, 0.2, -0.1)) / np.linalg.norm((1.0, 0.2, -0.1))
    wanted = opened.figure.residues.atoms(len(opened.figure.residues) - 9).start
    assert structure.residue_names[wanted] == "HEM"
    start = structure.positions[wanted] - 200 * direction
    opened.drawn(lambda: click(opened.viewer, start, direction))
    assert opened.figure.residues.label(int(opened.figure.chosen[0])) == "HEM A/300"


def test_click_when_the_structure_is_hidden_or_points_are_added_selects_nothing(
    opened: Bench, structure: Structure
) -> None:
    opened.viewer.dims.ndisplay = 2
    atoms = opened.viewer.layers[0]
    opened.viewer.layers.selection.active = atoms
    atoms.mode = "select"
    click(opened.viewer, structure.positions[4])
    assert opened.figure.mask is None
    atoms.mode = "pan_zoom"
    for layer in opened.viewer.layers:
        layer.visible = False
    click(opened.viewer, structure.positions[4])
    assert opened.figure.mask is None


def test_ray_when_it_passes_two_atoms_meets_the_one_in_front() -> None:
    positions = np.array([(10.0, 0, 0), (30.0, 0, 0), (20.0, 1.0, 0), (5.0, REACH + 0.1, 0)])
    assert atom_on_ray(positions, np.zeros(3), np.array((1.0, 0, 0))) == 0
    assert atom_on_ray(positions, np.array((40.0, 0, 0)), np.array((-1.0, 0, 0))) == 1
    assert atom_on_ray(positions, np.array((0, 9.0, 0)), np.array((1.0, 0, 0))) is None
    assert atom_at(positions, np.array((20, 1.5, 0))) == 2
    assert atom_at(positions, np.array((90.0, 0, 0))) is None


def test_layers_when_deleted_close_the_structure_only_with_the_last(opened: Bench) -> None:
    opened.drawn(lambda: opened.scene.show(opened.figure, "tubes"))
    opened.drawn(lambda: opened.scene.go_to("A/122"))
    atoms, path, body = (opened.viewer.layers[k] for k in range(3))
    opened.viewer.layers.remove(body)
    assert opened.figure.style == "backbone path"
    assert path.visible
    opened.viewer.layers.remove(atoms)
    assert opened.scene.figures
    opened.scene.show_atoms(opened.figure, "all")
    assert "model · atoms" in opened.names()
    opened.viewer.layers.remove(path)
    opened.viewer.layers.remove(opened.figure.layers["structure"])
    assert opened.scene.figures == []
    assert opened.names() == []


def test_structure_when_deleted_while_it_is_drawn_leaves_nothing(opened: Bench) -> None:
    run = opened.scene.show(opened.figure, "ribbons").run
    opened.viewer.layers.clear()
    assert run is not None
    opened.qtbot.waitUntil(lambda: run.is_over)
    opened.qtbot.wait(50)
    assert opened.names() == []


def test_scene_when_asked_for_again_is_the_same(opened: Bench) -> None:
    assert structures_of(opened.viewer) is opened.scene
