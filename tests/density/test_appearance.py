"""What nobody has looked at yet is drawn at the level that suits it."""

from __future__ import annotations

import numpy as np

from mapscope.density.appearance import first_appearance
from mapscope.density.level import first_contour_level
from mapscope.mesh import Mesh
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.volume import Volume


def test_map_when_nobody_chose_then_it_is_contoured_at_its_first_level() -> None:
    volume = example_noun(Volume)
    assert isinstance(volume, Volume)
    item = first_appearance(volume, "map")
    assert item.levels == (first_contour_level(volume),)
    assert (item.style, item.opacity) == ("surface", 1)
    mask = first_appearance(volume, "mask")
    assert (mask.levels, mask.opacity) == ((0.5,), 0.4)


def test_map_when_it_is_constant_then_it_has_no_level() -> None:
    assert first_appearance(Volume(np.ones((4, 4, 4))), "map").levels == ()


def test_mesh_when_it_has_values_then_its_scale_runs_over_them() -> None:
    corners, faces = np.zeros((3, 3), np.float32), np.array([(0, 1, 2)], np.int32)
    values = np.array([2, 5, 3], np.float32)
    item = first_appearance(Mesh(corners, faces, values), "local resolution")
    assert item.scale is not None
    assert (item.scale.low, item.scale.high, item.scale.label) == (2, 5, "local resolution")
    assert first_appearance(Mesh(corners, faces), "mesh").scale is None
    assert first_appearance(Mesh(corners, faces, np.ones(3, np.float32)), "mesh").scale is None
    structure = example_noun(Structure)
    assert isinstance(structure, Structure)
    assert first_appearance(structure, "model").style == "cartoon"
