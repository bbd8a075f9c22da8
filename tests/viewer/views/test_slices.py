"""One plane of a layer: the right one, in the right place, from the right level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from mapscope.viewer.views.slices import is_at_hand, plane_of
from mapscope.viewer.views.space import Frame, frame_of

FRAME = Frame(np.array([2.0, 3.0, 4.0]), np.array([10.0, 20.0, 30.0]), (5, 6, 7))


def test_plane_is_the_one_whose_voxels_hold_the_position() -> None:
    data = np.random.default_rng(1).random((5, 6, 7))
    for axis, position, index in ((0, 13.9, 2), (0, 12.9, 1), (1, 20.0, 0), (2, 55.9, 6)):
        plane = plane_of([data], FRAME, axis, position)
        assert plane is not None
        np.testing.assert_array_equal(plane.values, np.take(data, index, axis))
    assert plane_of([data], FRAME, 0, 8.9) is None
    assert plane_of([data], FRAME, 0, 19.1) is None


def test_plane_lies_between_the_outer_edges_of_its_voxels() -> None:
    plane = plane_of([np.zeros((5, 6, 7))], FRAME, 1, 20.0)
    assert plane is not None
    assert (plane.lower, plane.upper) == ((9.0, 28.0), (19.0, 56.0))


def test_plane_when_there_are_coarser_copies_then_the_coarsest_fine_enough_is_read() -> None:
    read: list[int] = []

    class Level:
        def __init__(self, edge: int) -> None:
            self.shape = (edge,) * 3

        def __getitem__(self, key: Any) -> Any:
            read.append(self.shape[0])
            assert key[0] == self.shape[0] // 4
            return np.zeros(self.shape[1:])

    frame = Frame(np.ones(3), np.zeros(3), (2048,) * 3)
    plane = plane_of([Level(2048), Level(1024), Level(512), Level(256)], frame, 0, 512.0)
    assert read == [512]
    assert plane is not None
    assert plane.upper == (2047.5, 2047.5)


def test_at_hand_is_only_what_lies_in_memory(tmp_path: Any) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 2, 2)))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert is_at_hand([np.zeros((2, 2, 2))])
    assert not is_at_hand([mapped])


def test_frame_when_layers_differ_in_unit_then_it_is_in_the_viewer_s(
    model: ViewerModel,
) -> None:
    layer = model.add_image(np.zeros((3, 4, 5)), scale=(0.3,) * 3, translate=(1, 2, 3), units="nm")
    frame = frame_of(model, layer)
    assert frame.step == pytest.approx([3.0] * 3)
    assert frame.origin == pytest.approx([10.0, 20.0, 30.0])
    assert frame.shape == (3, 4, 5)
