"""Maps on different grids are compared where both are, and that is said."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.frame import crop
from mapscope.density.resample import onto_grid
from mapscope.errors import GridError
from mapscope.scores.shared_grid import on_shared_grid
from mapscope.testing import example_noun
from mapscope.volume import Grid, Region, Volume

MAP: Volume = example_noun(Volume)


def test_maps_on_one_grid_are_handed_through_without_a_note() -> None:
    found = on_shared_grid(MAP, MAP, MAP)
    assert found.first is MAP
    assert found.second is MAP
    assert found.note == ""


def test_a_smaller_second_map_cuts_the_first_to_its_box() -> None:
    part = crop(MAP, Region((4, 5, 6), (20, 25, 30)))
    found = on_shared_grid(MAP, part)
    assert found.first.grid.matches(part.grid)
    np.testing.assert_array_equal(found.first.data, part.data)
    np.testing.assert_array_equal(found.second.data, part.data)
    assert "16 × 20 × 24 voxels" in found.note


def test_a_second_map_with_other_voxels_is_resampled_and_the_note_says_so() -> None:
    grid = Grid((34, 36, 40), (1.0, 1.0, 1.0), (12.3, -23.1, 36.4))
    second = onto_grid(MAP, grid)
    found = on_shared_grid(MAP, second, MAP)
    assert found.first.grid.matches(found.second.grid)
    assert found.mask is not None
    assert found.mask.grid.matches(found.first.grid)
    assert "second map was resampled" in found.note
    assert "mask was resampled" in found.note
    inner = (slice(3, -3),) * 3
    likeness = np.corrcoef(found.first.data[inner].ravel(), found.second.data[inner].ravel())
    assert likeness[0, 1] > 0.9


def test_maps_that_do_not_overlap_are_refused_and_both_places_named() -> None:
    far = Volume(MAP.data, MAP.voxel_size, (500.0, 0.0, 0.0))
    with pytest.raises(GridError, match=r"do not overlap.*500\.0"):
        on_shared_grid(MAP, far)
