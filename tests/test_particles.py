"""Particles have a place, and where it is known a proper rotation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope.errors import GridError
from mapscope.particles import Particles

POSITIONS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
MIRROR = np.diag([1.0, 1.0, -1.0])
TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def test_particles_arrays_cannot_be_written_to() -> None:
    rotations, score = np.stack([TURN, TURN]), np.array([0.5, 1.0])
    particles = Particles(
        POSITIONS, rotations, score=score, columns={"micrograph": np.array([1, 2])}
    )
    for array in (particles.positions, particles.rotations, particles.score):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        particles.columns["micrograph"][0] = 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"positions": [[np.nan, 0, 0]] * 2}, "finite numbers in Å"),
        ({"rotations": [TURN]}, r"need rotations \(2, 3, 3\)"),
        ({"rotations": [TURN, MIRROR]}, "proper: orthogonal, with determinant"),
        ({"rotations": [TURN, 2 * TURN]}, "proper"),
        ({"species": ("ribosome",)}, "2 particles need as many of species, got 1"),
        ({"score": [1.0, 2.0, 3.0]}, "as many of score, got 3"),
        ({"columns": {"class": np.zeros(5)}}, "as many of class, got 5"),
    ],
)
def test_particles_when_something_does_not_fit_says_what(fields: Any, message: str) -> None:
    with pytest.raises(GridError, match=message):
        Particles(**({"positions": POSITIONS} | fields))


def test_particles_when_there_are_none_have_length_0() -> None:
    assert len(Particles(np.zeros((0, 3)), np.zeros((0, 3, 3)), (), np.zeros(0))) == 0


@given(st.lists(st.floats(-10, 10), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 1))
def test_particles_take_every_proper_rotation_and_refuse_its_mirror_image(q: list[float]) -> None:
    w, x, y, z = np.asarray(q) / np.linalg.norm(q)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    particles = Particles(POSITIONS[:1], rotation[None])
    np.testing.assert_array_equal(particles.rotations, rotation[None])
    with pytest.raises(GridError, match="proper"):
        Particles(POSITIONS[:1], (rotation @ MIRROR)[None])


def test_checksum_changes_with_every_part_and_only_then() -> None:
    particles = Particles(POSITIONS, np.stack([TURN, TURN]), ("a", "b"), np.array([0.1, 0.2]))
    others = [
        replace(particles, positions=POSITIONS[::-1]),
        replace(particles, rotations=np.stack([TURN, TURN.T])),
        replace(particles, species=("b", "a")),
        replace(particles, score=np.array([0.2, 0.1])),
        replace(particles, columns={"class": np.array([1, 2])}),
        replace(particles, columns={"class": np.array([2, 1])}),
    ]
    assert len({particles.checksum(), *(other.checksum() for other in others)}) == 7
    assert replace(particles, positions=POSITIONS.copy()).checksum() == particles.checksum()
