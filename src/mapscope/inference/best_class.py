"""The likeliest class of every voxel and its probability, kept tile by tile."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapscope.arrays import Array
from mapscope.grid import Shape
from mapscope.inference.prediction import output_array
from mapscope.labels import IGNORE


class BestClass:
    """Keeps of what a model says of classes the likeliest one and its probability.

    `predict` writes into it as into an array (features, z, y, x): so the probabilities of all
    classes never lie in memory together.

    Parameters
    ----------
    features : int
        How many numbers come for each voxel: one for each class, or 1 where the number of the
        class itself comes.
    size : tuple of int
        Voxels, z, y, x.
    first : int
        Label of the model's first class.

    Attributes
    ----------
    labels : int16 array (z, y, x)
        Label of the likeliest class; -1 where nothing came yet.
    probability : float32 array (z, y, x), optional
        Of that class; 0 where nothing came yet. None where only the number of the class comes.
    """

    def __init__(self, features: int, size: Shape, first: int) -> None:
        self.shape = (features, *size)
        self._first = first
        self.labels = output_array(size, np.dtype(np.int16))
        self.labels[:] = IGNORE
        self.probability: Array | None = None
        if features > 1:
            self.probability = output_array(size, np.dtype(np.float32))

    def __setitem__(self, place: tuple[slice, ...], values: Any) -> None:
        """Take what is said of a box of voxels: all features of it."""
        box = place[1:]
        if self.probability is None:
            self.labels[box] = values[0] + np.int16(self._first)
            return
        self.labels[box] = values.argmax(axis=0) + self._first
        self.probability[box] = values.max(axis=0)
