"""A neighbourhood shows what is near a residue, in the density that is near it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from tests.viewer.structures.conftest import Bench, density

from mapscope.density.neighbourhood import surface_near
from mapscope.depiction.selection import near_atoms
from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.volume import Volume


def test_surface_when_cut_lies_within_the_distance_and_on_the_level(structure: Structure) -> None:
    volume = density(structure, voxel=0.5)
    place = structure.positions[8:12]
    mesh = surface_near(volume, 0.5, place, 2.0)
    apart, _ = cKDTree(place).query(mesh.vertices)
    assert len(mesh.faces) > 100
    assert apart.max() <= 2.0
    assert set(np.unique(mesh.faces)) == set(range(len(mesh.vertices)))
    from scipy.ndimage import map_coordinates

    index = volume.grid.index_from_world(mesh.vertices).T
    assert np.abs(map_coordinates(volume.data, index, order=1) - 0.5).max() < 0.02


def test_surface_when_atoms_lie_beyond_the_map_is_empty(structure: Structure) -> None:
    volume = density(structure)
    far = surface_near(volume, 0.5, np.full((2, 3), 900.0), 2.0)
    assert len(far.vertices) == len(far.faces) == 0
    empty = surface_near(volume, 99.0, structure.positions[:4], 2.0)
    assert len(empty.faces) == 0


def test_neighbourhood_when_shown_draws_near_residues_in_their_density_and_comes_back(
    opened: Bench, structure: Structure
) -> None:
    (image,) = opened.add(density(structure), "map")
    image.iso_threshold = 0.5
    opened.viewer.dims.ndisplay = 3
    opened.drawn(lambda: opened.scene.go_to("A/124"))
    with opened.qtbot.waitSignal(opened.scene.around.ready, timeout=15_000):
        opened.drawn(lambda: opened.scene.neighbourhood(image, 5.0))
    figure = opened.figure
    wanted = near_atoms(structure, opened.mask, 5.0)
    assert np.array_equal(np.asarray(figure.around), wanted)
    assert 1 < len(set(figure.made.sticks.residues.tolist())) < 12  # type: ignore[union-attr]
    layer = opened.scene.around.layer
    assert layer is not None
    apart, _ = cKDTree(structure.positions[wanted]).query(layer.data[0])
    assert apart.max() <= 2.2 + 1e-4
    assert not image.visible, "it would hide what is inside"
    before = len(layer.data[0])
    with opened.qtbot.waitSignal(opened.scene.around.ready, timeout=15_000):
        image.iso_threshold = 1.5
    assert len(layer.data[0]) != before, "it follows the level"
    opened.viewer.dims.ndisplay = 2
    assert image.visible, "slices need the map"
    opened.viewer.dims.ndisplay = 3
    assert not image.visible
    opened.drawn(opened.scene.leave_neighbourhood)
    assert image.visible
    assert "map · neighbourhood" not in opened.names()
    assert figure.around is None


def test_neighbourhood_when_the_selection_moves_goes_with_it(
    opened: Bench, structure: Structure
) -> None:
    opened.drawn(lambda: opened.scene.go_to("A/121"))
    opened.drawn(lambda: opened.scene.neighbourhood(None, 4.0))
    opened.drawn(lambda: opened.scene.go_to("N/4"))
    wanted = near_atoms(structure, opened.mask, 4.0)
    assert np.array_equal(np.asarray(opened.figure.around), wanted)


def test_neighbourhood_when_its_map_or_structure_is_deleted_ends_cleanly(
    opened: Bench, structure: Structure
) -> None:
    (image,) = opened.add(density(structure), "map")
    image.iso_threshold = 0.5
    opened.drawn(lambda: opened.scene.go_to("A/124"))
    with opened.qtbot.waitSignal(opened.scene.around.ready, timeout=15_000):
        opened.scene.neighbourhood(image, 5.0)
    opened.viewer.layers.remove(image)
    assert opened.scene.around.layer is None
    assert "map · neighbourhood" not in opened.names()
    opened.viewer.layers.clear()
    assert not opened.scene.around.is_on


def test_neighbourhood_when_there_is_nothing_to_show_says_why(
    opened: Bench, structure: Structure
) -> None:
    with pytest.raises(InputError, match="select a residue first"):
        opened.scene.neighbourhood(None)
    flat = Volume(np.zeros((9, 9, 9), np.float32), (1, 1, 1), (0, 0, 0))
    (image,) = opened.add(flat, "flat")
    opened.drawn(lambda: opened.scene.go_to("A/124"))
    with opened.qtbot.waitSignal(opened.scene.said, timeout=15_000) as said:
        opened.scene.neighbourhood(image)
    assert "no density near there" in said.args[0]
