"""Coarser copies of huge maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapscope.density.pyramid import coarse_sample, halved_shape, write_halved
from mapscope.errors import Cancelled


def test_write_halved_when_sizes_are_even_gives_means_of_eight(tmp_path: Path) -> None:
    data = np.random.default_rng(0).standard_normal((6, 4, 8)).astype(np.float32)
    expected = data.reshape(3, 2, 2, 2, 4, 2).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(write_halved(data, tmp_path / "a.npy"), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(5, 4, 7), (1, 1, 1), (33, 2, 3)])
def test_write_halved_when_sizes_are_odd_keeps_a_constant_map_constant(
    tmp_path: Path, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mapscope.density.pyramid.SLAB_BYTES", 64)
    halved = write_halved(np.full(shape, 3, np.int8), tmp_path / "a.npy")
    assert halved.shape == halved_shape(shape)
    assert (halved == 3).all()
    assert not halved.flags.writeable


def test_write_halved_when_cancelled_leaves_no_file(tmp_path: Path) -> None:
    def stop(done: int, total: int, message: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        write_halved(np.zeros((4, 4, 4)), tmp_path / "a.npy", progress=stop)
    assert not list(tmp_path.iterdir())


def test_coarse_sample_takes_the_middles_of_blocks_and_keeps_within_the_size() -> None:
    data = np.arange(16**3, dtype=np.float32).reshape(16, 16, 16)
    coarse = coarse_sample(data, 4)
    np.testing.assert_array_equal(coarse, data[2::4, 2::4, 2::4])
    assert max(coarse_sample(data[:, :3], 5).shape) <= 5
