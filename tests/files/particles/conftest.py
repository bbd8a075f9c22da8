"""Particles to write and to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mapscope.particles import Particles, in_tomogram
from mapscope.volume import Grid


def _rotations(count: int, seed: int = 0) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """Random proper rotations."""
    random = np.random.default_rng(seed)
    left, _, right = np.linalg.svd(random.standard_normal((count, 3, 3)))
    turns: np.ndarray[tuple[int, int, int], np.dtype[np.float64]] = left @ right
    turns[np.linalg.det(turns) < 0] *= -1
    return turns


@pytest.fixture
def grid() -> Grid:
    """A tomogram of odd and even sizes whose first voxel lies somewhere."""
    return Grid((40, 61, 83), (8.0, 8.0, 8.0), (16.0, -24.0, 4.0))


@pytest.fixture
def picks(grid: Grid) -> Particles:
    """Oriented and scored picks of one species in one tomogram."""
    random = np.random.default_rng(1)
    extent = np.array(grid.shape) * 8.0
    positions = random.uniform(0, extent, (7, 3)) + grid.origin
    score = random.random(7)
    return in_tomogram(Particles(positions, _rotations(7), ("1",) * 7, score), grid, "3")


@pytest.fixture
def text_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of text."""

    def make(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return make
