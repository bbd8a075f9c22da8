"""Labels are integers on a grid, with names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mapscope.errors import GridError
from mapscope.labels import BACKGROUND, IGNORE, Labels
from mapscope.testing import example_noun


def test_labels_cannot_be_changed_in_place() -> None:
    labels = example_noun(Labels)
    with pytest.raises(ValueError, match="read-only"):
        labels.data[0, 0, 0] = 1
    with pytest.raises(TypeError):
        labels.names[3] = "another"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((2, 2, 2), np.float32), "integers .*got shape .* of float32"),
        (np.zeros((2, 2), np.int32), "three-dimensional"),
        (np.full((2, 2, 2), -2), r"from -1 \(ignore\) upwards, got -2"),
        (np.zeros((2, 2, 2), bool), "integers"),
    ],
)
def test_labels_when_data_are_none_says_what_was_expected(data: np.ndarray, message: str) -> None:
    with pytest.raises(GridError, match=message):
        Labels(data)


def test_labels_when_voxels_are_to_be_ignored_are_taken() -> None:
    labels = Labels(np.array([[[IGNORE, BACKGROUND, 7]]]))
    assert labels.grid.shape == (1, 1, 3)


def test_checksum_changes_with_numbers_and_place_and_not_with_names_or_colours() -> None:
    labels = example_noun(Labels)
    data = labels.data.copy()
    data[0, 0, 0] = 5
    others = [
        replace(labels, data=data),
        replace(labels, origin=(0.0, 0.0, 0.0)),
        replace(labels, voxel_size=(1.2, 1.2, 1.3)),
    ]
    assert len({labels.checksum(), *(other.checksum() for other in others)}) == 4
    assert replace(labels, colors={1: (1.0, 0.0, 0.0)}).checksum() == labels.checksum()
    assert replace(labels, names={1: "lower", 2: "top"}).checksum() == labels.checksum()
