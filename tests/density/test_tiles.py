"""Filtering by tiles equals filtering the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope.density import tiles
from mapscope.density.fourier import low_pass
from mapscope.density.tiles import filter_by_tiles, tiles_of_axis
from mapscope.errors import Cancelled
from mapscope.volume import Volume


@given(st.integers(1, 400), st.integers(1, 80), st.integers(0, 40))
def test_tiles_of_axis_whatever_the_sizes_cover_it_once(size: int, core: int, margin: int) -> None:
    found = list(tiles_of_axis(size, core, margin))
    assert [n for t in found for n in range(t.start, t.stop)] == list(range(size))
    for tile in found:
        assert tile.lower == max(0, tile.start - margin)
        assert tile.upper == min(size, tile.stop + margin)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "CORE", 32)
    monkeypatch.setattr(tiles, "MARGIN", 24)


@pytest.mark.usefixtures("small_tiles")
def test_identity_when_applied_by_tiles_gives_the_map_back() -> None:
    data = np.random.default_rng(0).standard_normal((50, 33, 70)).astype(np.float32)
    volume = Volume(data, (1.0, 1.5, 2.0), (3.0, 4.0, 5.0))
    result = filter_by_tiles(volume, lambda tile: tile)
    np.testing.assert_array_equal(result.data, data)
    assert result.grid == volume.grid


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("edge", ["gaussian", "cosine"])
def test_low_pass_when_a_map_is_large_equals_the_whole_inside(
    monkeypatch: pytest.MonkeyPatch, edge: str
) -> None:
    data = np.random.default_rng(0).standard_normal((96, 96, 96)).astype(np.float32)
    volume = Volume(data)
    whole = low_pass(volume, 6.0, edge=edge, edge_shells=3.0 * 96 / 24)  # type: ignore[arg-type]
    monkeypatch.setattr(tiles, "LARGEST_BYTES", 1000)
    monkeypatch.setattr("mapscope.density.fourier.is_large", lambda v: v.shape == (96, 96, 96))
    tiled = low_pass(volume, 6.0, edge=edge)  # type: ignore[arg-type]
    inner = (slice(24, -24),) * 3
    difference = np.abs(tiled.data[inner] - whole.data[inner]).max() / whole.data.std()
    print(f"{edge}: largest difference {difference:.2g} σ")
    assert difference < 5e-3


def test_filter_by_tiles_when_cancelled_stops() -> None:
    def stop(done: int, total: int, message: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        filter_by_tiles(Volume(np.zeros((4, 4, 4))), lambda tile: tile, progress=stop)
