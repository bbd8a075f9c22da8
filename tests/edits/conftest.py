"""Logs of edits in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapscope.labels import Labels
from mapscope.particles import Particles

VOXEL_SIZE, ORIGIN = (1.5, 2.0, 2.5), (3.0, -6.0, 4.5)


@pytest.fixture(autouse=True)
def edits_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep logs out of the folders of whoever runs the tests."""
    folder = tmp_path / "edits"
    monkeypatch.setenv("MAPSCOPE_EDITS", str(folder))
    return folder


@pytest.fixture
def points() -> Particles:
    """Five particles with everything that can be known of them."""
    random = np.random.default_rng(1)
    turns = np.array([np.eye(3)[[1, 2, 0]]] * 5)
    columns = {"shift": random.random((5, 2)), "tilt": np.arange(5), "kept": np.ones(5, bool)}
    return Particles(
        random.random((5, 3)) * 100,
        turns,
        ("ribosome", "é", "", "a", "b"),
        np.array([0.5, np.nan, -1.0, 2.0, 0.25]),
        {**columns, "origin": np.array(["x", "yy", "", "z", "z"])},
    )


@pytest.fixture
def labels() -> Labels:
    """Three regions, two of them touching, one in two pieces."""
    data = np.zeros((8, 10, 12), dtype=np.int32)
    data[1:4, 1:4, 1:4] = 1
    data[1:4, 4:8, 1:4] = 2
    data[6, 8, 2:5] = 3
    data[1, 1, 9] = 3
    return Labels(data, VOXEL_SIZE, ORIGIN, {1: "one", 3: "three"}, {1: (1.0, 0.5, 0.0)})
