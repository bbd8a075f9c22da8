"""Atoms that stand for what no model knows: random chains and blobs at a molecule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from mapscope.training.windows import random_rotation

Shape: TypeAlias = Literal["walk", "ball", "rod", "helix"]
SHAPES: tuple[Shape, ...] = get_args(Shape)

_ELEMENTS = np.array([6, 6, 6, 7, 8], dtype=np.uint8)
_BOND = 1.5
_WALK_ATOMS = (5, 41)
_BALL_RADIUS, _ROD_LENGTH = (2.0, 6.0), (8.0, 24.0)
_SPACING = 1.8
_HELIX_RADIUS, _HELIX_RISE, _HELIX_TURN = 2.3, 0.3, math.radians(20.0)
_STRAIGHTNESS = 0.33
"""Cosine of the angle between two bonds that follow each other, about that of carbon's."""


@dataclass(frozen=True)
class Unknown:
    """One piece of unknown density.

    Parameters
    ----------
    shape : str
        walk: a random chain of 5 to 40 atoms, as a ligand or glycan is; ball, rod or helix.
    anchor : int
        Which atom of the molecule it lies at; counted round and round.
    distance : float
        Å from there to its middle.
    b_shift : float
        Å² by which its B-factor is above the molecule's.
    occupancy : float
        Of its atoms.
    seed : int
        Of its form and direction.
    """

    shape: Shape
    anchor: int
    distance: float
    b_shift: float
    occupancy: float
    seed: int


def sample_unknown(random: np.random.Generator) -> Unknown:
    """A piece of unknown density, drawn."""
    shapes: tuple[Shape, ...] = ("walk", "walk", *SHAPES)
    return Unknown(
        shape=shapes[int(random.integers(len(shapes)))],
        anchor=int(random.integers(2**31)),
        distance=float(random.uniform(3.0, 10.0)),
        b_shift=float(random.uniform(-10.0, 60.0)),
        occupancy=float(random.uniform(0.5, 1.0)),
        seed=int(random.integers(2**31)),
    )


def unknown_atoms(
    unknown: Unknown, anchor: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """Positions in Å, (atoms, 3), and atomic numbers of a piece of unknown density.

    Parameters
    ----------
    unknown : Unknown
        Which.
    anchor : float64 array (3,)
        Å, of the atom that it lies at.
    """
    random = np.random.default_rng(unknown.seed)
    positions = _FORMS[unknown.shape](random) @ np.array(random_rotation(random)).T
    middle = anchor + unknown.distance * _direction(random)
    elements = _ELEMENTS[random.integers(len(_ELEMENTS), size=len(positions))]
    return positions - positions.mean(axis=0) + middle, elements


def _walk(random: np.random.Generator) -> npt.NDArray[np.float64]:
    """A chain of bonds that goes about straight on or turns back where it likes."""
    count = int(random.integers(*_WALK_ATOMS))
    steps = [_direction(random)]
    for _ in range(count - 2):
        across = _direction(random)
        across -= (across @ steps[-1]) * steps[-1]
        across /= max(float(np.linalg.norm(across)), 1e-6)
        rest = math.sqrt(1 - _STRAIGHTNESS**2)
        steps.append(_STRAIGHTNESS * steps[-1] + rest * across)
    return np.concatenate([np.zeros((1, 3)), np.cumsum(_BOND * np.array(steps), axis=0)])


def _ball(random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Points of a loose lattice in a ball."""
    radius = random.uniform(*_BALL_RADIUS)
    edge = np.arange(-radius, radius + _SPACING, _SPACING)
    points = np.stack(np.meshgrid(edge, edge, edge, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points + random.normal(0, 0.3, points.shape)
    return np.asarray(points[(points**2).sum(axis=1) <= (radius + 0.5) ** 2])


def _rod(random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Points along a line."""
    along = np.arange(0, random.uniform(*_ROD_LENGTH), _BOND)
    return np.stack([along, *random.normal(0, 0.4, (2, len(along)))], axis=-1)


def _helix(random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Points along a right-handed helix as wide and steep as that of a protein."""
    count = int(random.uniform(*_ROD_LENGTH) / _HELIX_RISE)
    turn = _HELIX_TURN * np.arange(count)
    axis = _HELIX_RISE * np.arange(count)
    # Axes are z, y, x: along z the angle grows from x to y.
    return np.stack([axis, _HELIX_RADIUS * np.sin(turn), _HELIX_RADIUS * np.cos(turn)], axis=-1)


_FORMS = {"walk": _walk, "ball": _ball, "rod": _rod, "helix": _helix}


def _direction(random: np.random.Generator) -> npt.NDArray[np.float64]:
    """A unit vector, uniform over the sphere."""
    vector = random.standard_normal(3)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
