"""Small maps that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.errors import Cancelled
from mapscope.progress import Progress
from mapscope.volume import Grid

MakeMap = Callable[..., npt.NDArray[np.float32]]


@pytest.fixture
def smooth_noise() -> MakeMap:
    """A function that makes noise without detail finer than a share of Nyquist."""

    def make(
        shape: tuple[int, int, int], *, seed: int = 0, below: float = 0.6
    ) -> npt.NDArray[np.float32]:
        white = np.random.default_rng(seed).standard_normal(shape)
        spectrum = np.fft.fftn(white)
        for axis, size in enumerate(shape):
            wave = np.abs(np.fft.fftfreq(size))
            kept = (wave < 0.5 * below).reshape([-1 if a == axis else 1 for a in range(3)])
            spectrum = spectrum * kept
        return np.asarray(np.fft.ifftn(spectrum).real, dtype=np.float32)

    return make


@pytest.fixture
def gaussian() -> Callable[[Grid, tuple[float, float, float], float], npt.NDArray[np.float64]]:
    """A function that evaluates a Gaussian of a width and place in Å on a grid."""

    def make(
        grid: Grid, centre: tuple[float, float, float], width: float
    ) -> npt.NDArray[np.float64]:
        index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), -1)
        offset = grid.world_from_index(index) - np.asarray(centre)
        return np.asarray(np.exp(-0.5 * (offset**2).sum(axis=-1) / width**2))

    return make


@pytest.fixture
def cancel() -> Callable[[int], Progress]:
    """A function that makes a progress which cancels at its n-th call."""

    def make(at: int) -> Progress:
        calls = 0

        def progress(done: int, total: int, message: str) -> None:
            nonlocal calls
            calls += 1
            if calls >= at:
                raise Cancelled("stopped by the test")

        return progress

    return make
