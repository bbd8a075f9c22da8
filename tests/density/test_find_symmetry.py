"""The point group of simulated and of real maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.find_symmetry import find_symmetry
from mapscope.density.symmetry import (
    matrix_of_turn,
    rotations_of_group,
    symmetrised,
    turned,
)
from mapscope.errors import Cancelled, DataError
from mapscope.files import read
from mapscope.progress import Progress
from mapscope.volume import Volume

Floats = npt.NDArray[np.float64]
SHIFT = np.array([3.0, -2.0, 1.5])
SIZE, SPACING = 48, 2.4


def map_of_blobs(positions: Floats, noise: float, random: np.random.Generator) -> Volume:
    """Gaussian blobs 3 Å wide, with white noise that is a share of the highest."""
    axis = (np.arange(SIZE) - SIZE // 2) * SPACING
    data = np.zeros((SIZE,) * 3)
    for place in positions:
        z, y, x = (np.exp(-((axis - c) ** 2) / 18) for c in place)
        data += z[:, None, None] * y[:, None] * x
    data += noise * data.max() * random.standard_normal(data.shape)
    return Volume(data.astype(np.float32), (SPACING,) * 3, (axis[0],) * 3)


def symmetric_map(group: str, seed: int, noise: float = 0.1) -> tuple[Volume, Floats]:
    """A map of a group in a random frame about `SHIFT`, and the directions of its main axis."""
    random = np.random.default_rng(seed)
    rotations = rotations_of_group(group)
    turn = random.uniform(-90, 90, 3)
    count = max(3, 60 // len(rotations))
    directions = random.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    unit = directions * 30 * random.uniform(0.3, 1, (count, 1)) ** (1 / 3)
    unit[:, 2] += 0 if len(rotations) > 12 else 12
    copies = np.concatenate([unit @ r.T for r in turned(rotations, turn)]) + SHIFT
    frame = matrix_of_turn(turn)
    axes = np.eye(3) if group in ("D2", "O") else np.eye(3)[:1]
    return map_of_blobs(copies, noise, random), axes @ frame.T


def angle_between(axis: Any, axes: Floats) -> float:
    """Degrees between a direction and the nearest of some, either way along them."""
    return float(np.degrees(np.arccos(np.clip(np.abs(axes @ np.asarray(axis)).max(), 0, 1))))


@pytest.mark.parametrize(
    ("group", "seed"),
    [
        ("C3", 3),
        ("D2", 3),
        *(
            pytest.param(group, seed, marks=pytest.mark.slow)
            for group in ("C2", "C3", "C4", "C7", "D2", "D5", "T", "O", "I")
            for seed in (4, 5, 6)
        ),
    ],
)
def test_find_symmetry_names_the_group_its_axis_and_its_centre(group: str, seed: int) -> None:
    volume, axes = symmetric_map(group, seed)
    found = find_symmetry(volume, most_fold=8 if group == "C7" else 6)
    assert found.group == group
    assert found.correlation > 0.85
    if group not in ("T", "I"):  # those have no one main axis
        assert angle_between(found.axis, axes) < 0.5
    offset = np.asarray(found.centre) - SHIFT
    if group.startswith("C"):
        offset -= np.asarray(found.axis) * (offset @ found.axis)  # free along the axis
    assert np.linalg.norm(offset) < 0.3


@pytest.mark.parametrize("seed", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 5, 6))])
def test_find_symmetry_of_an_asymmetric_map_is_none(seed: int) -> None:
    volume, _ = symmetric_map("C1", seed)
    found = find_symmetry(volume, most_fold=8)
    assert found.group == "none"
    assert found.correlation < 0.6


def test_find_symmetry_of_a_long_asymmetric_body_is_none() -> None:
    random = np.random.default_rng(0)
    along = np.linspace(-35, 35, 40)[:, None] * [0.3, 0.5, 0.81]
    found = find_symmetry(map_of_blobs(along + 6 * random.standard_normal((40, 3)), 0.02, random))
    assert found.group == "none"


def test_find_symmetry_of_a_dark_map_is_that_of_the_bright_one() -> None:
    volume, _ = symmetric_map("C4", 3)
    dark = Volume(-volume.data, volume.voxel_size, volume.origin, contrast=-1)
    assert find_symmetry(dark, most_fold=6).group == "C4"


def test_find_symmetry_frame_is_the_one_that_apply_symmetry_takes() -> None:
    volume, _ = symmetric_map("D2", 3, noise=0.0)
    found = find_symmetry(volume, most_fold=4)
    rotations = turned(rotations_of_group(found.group), found.turn)
    mean = symmetrised(volume, rotations, found.centre)
    assert np.corrcoef(mean.data.ravel(), volume.data.ravel())[0, 1] > 0.995


def test_find_symmetry_of_a_constant_map_says_that_there_is_nothing() -> None:
    with pytest.raises(DataError, match="constant"):
        find_symmetry(Volume(np.ones((20, 20, 20), np.float32)))


def test_find_symmetry_can_be_cancelled_between_directions(
    cancel: Callable[[int], Progress],
) -> None:
    volume, _ = symmetric_map("C3", 3)
    with pytest.raises(Cancelled):
        find_symmetry(volume, progress=cancel(12))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("entry", "file", "group"),
    [
        ("relion_betagal_localres", "map.mrc.gz", "D2"),
        ("mainmastseg_6gyn", "map.mrc.gz", "C4"),
        ("emd6272_3j9s", "map.mrc.gz", "none"),
    ],
)
@pytest.mark.slow
def test_find_symmetry_of_real_maps(data_folder: Path, entry: str, file: str, group: str) -> None:
    volume = read(data_folder / "maps" / entry / file, permissive=True)
    assert find_symmetry(volume).group == group
