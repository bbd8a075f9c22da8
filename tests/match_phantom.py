"""A body without symmetry, tomograms of it, and the correlation of two boxes by its definition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.volume import Volume

VOXEL = 10.0
LUMPS = np.array([(0.0, 0.0, 0.0), (10.0, 40.0, 5.0), (-42.0, 10.0, 10.0), (-10.0, -15.0, 42.0)])
RADII = np.array([32.0, 22.0, 18.0, 16.0])
"""Centres (Å, z, y, x) and radii of balls that no rotation turns into their mirror image."""


def body(
    edge: int, rotation: npt.ArrayLike | None = None, voxel: float = VOXEL, scale: float = 1.0
) -> np.ndarray:
    """Its density after a rotation, about voxel ``edge // 2``."""
    turn = np.eye(3) if rotation is None else np.asarray(rotation)
    axis = (np.arange(edge) - edge // 2) * voxel
    places = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    density = np.zeros((edge,) * 3)
    for centre, radius in zip(scale * LUMPS @ turn.T, scale * RADII, strict=True):
        away = np.linalg.norm(places - centre, axis=-1)
        density += 1 / (1 + np.exp((away - radius) / 5.0))
    return density.astype(np.float32)


def tomogram(
    shape: tuple[int, int, int],
    places: npt.ArrayLike,
    rotations: npt.ArrayLike,
    *,
    noise: float = 0.3,
    seed: int = 0,
    scale: float = 1.0,
) -> Volume:
    """Bodies at voxels of a tomogram, cut off at its faces, with white noise."""
    random = np.random.default_rng(seed)
    edge, data = 19, noise * random.standard_normal(shape)
    half = edge // 2
    padded = np.pad(data, half)
    for place, rotation in zip(np.asarray(places), np.asarray(rotations), strict=True):
        box = tuple(slice(p, p + edge) for p in place)
        padded[box] += body(edge, rotation, scale=scale)
    inner = (slice(half, -half),) * 3
    return Volume(padded[inner].astype(np.float32), (VOXEL,) * 3)


def template(edge: int = 19, scale: float = 1.0) -> Volume:
    """The body alone."""
    return Volume(body(edge, scale=scale), (VOXEL,) * 3)


def correlation(box: np.ndarray, turned: np.ndarray, mask: np.ndarray) -> float:
    """Weighted correlation coefficient of two boxes, by its definition."""
    weight = mask.astype(np.float64) / mask.sum(dtype=np.float64)
    one, two = (b - (weight * b).sum() for b in (box.astype(np.float64), turned.astype(float)))
    power = (weight * one**2).sum() * (weight * two**2).sum()
    return float((weight * one * two).sum() / np.sqrt(power))
