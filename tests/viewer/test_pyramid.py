"""Huge maps are shown through coarser copies, and jobs still get the whole of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope.files import read, write
from mapscope.viewer import layers, pyramid
from mapscope.viewer.layers import noun_from_layer, tag_of
from mapscope.volume import Volume

PLUGIN = "napari-mapscope"


@pytest.fixture
def huge_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A map that counts as huge, and a cache folder of its own."""
    monkeypatch.setattr(layers, "LARGE_BYTES", 1000)
    monkeypatch.setattr(layers, "FIRST_LOOK", 16)
    monkeypatch.setattr(pyramid, "LONGEST_TOP", 16)
    monkeypatch.setattr(pyramid, "cache_folder", lambda: tmp_path / "cache")
    data = np.random.default_rng(0).standard_normal((64, 60, 33)).astype(np.float32)
    return write(tmp_path / "huge.mrc", Volume(data, (1.0, 1.5, 2.0), (10.0, 20.0, 30.0)))


def test_huge_map_when_opened_shows_a_sample_at_once_and_its_pyramid_soon(
    make_napari_viewer: Callable[..., Any], qtbot: Any, huge_file: Path
) -> None:
    viewer = make_napari_viewer()
    (layer,) = viewer.open(str(huge_file), plugin=PLUGIN)
    assert layer.multiscale
    extent = np.array(layer.extent.world)
    qtbot.waitUntil(lambda: len(layer.data) == 3, timeout=10_000)

    assert [level.shape for level in layer.data] == [(64, 60, 33), (32, 30, 17), (16, 15, 9)]
    np.testing.assert_allclose(layer.extent.world, extent)
    full = np.asarray(layer.data[0])
    np.testing.assert_allclose(layer.data[1][0, 0, 0], full[:2, :2, :2].mean(), rtol=1e-5)
    tag = tag_of(layer)
    assert tag is not None
    assert noun_from_layer(layer) is tag.noun


def test_huge_map_when_first_shown_has_a_coarse_sample(huge_file: Path) -> None:
    ((levels, attributes, _),) = layers.layers_from_noun(read(huge_file), "huge")
    assert attributes["multiscale"]
    assert [level.shape for level in levels] == [(64, 60, 33), (16, 15, 8)]


def test_pyramid_when_built_before_is_used_again_and_rebuilt_when_the_file_changed(
    huge_file: Path, tmp_path: Path
) -> None:
    data = np.ones((64, 60, 33), np.float32)

    def stages(done: int, total: int, message: str = "") -> None:
        seen.append(message)

    seen: list[str] = []
    pyramid.pyramid_levels(data, huge_file, progress=stages)
    assert seen
    seen.clear()
    pyramid.pyramid_levels(data, huge_file, progress=stages)
    assert not seen
    os.utime(huge_file, (1, 1))
    pyramid.pyramid_levels(data, huge_file, progress=stages)
    assert seen
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 4


def test_make_room_when_over_budget_deletes_the_oldest_but_not_the_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPSCOPE_PYRAMIDS_GB", "0.0000025")
    for age, name in enumerate(("now_1", "new_1", "old_1", "older_1")):
        (tmp_path / f"{name}.npy").write_bytes(bytes(1000))
        os.utime(tmp_path / f"{name}.npy", (1e9 - age, 1e9 - age))
    os.utime(tmp_path / "now_1.npy", (0, 0))
    pyramid.make_room(tmp_path, keep="now")
    assert sorted(p.stem for p in tmp_path.iterdir()) == ["new_1", "now_1", "old_1"]
