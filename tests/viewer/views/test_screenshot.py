"""Pictures of the canvas as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from tests.viewer.views.conftest import add

from mapscope.files import read, write
from mapscope.viewer.views.screenshot import (
    first_folder,
    free_path,
    picture_of,
    save_screenshot,
    without_background,
)


@pytest.fixture
def window(make_napari_viewer: Callable[..., Any], fine: Any) -> Any:
    """A small window with a map that does not fill it."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(700, 400)
    add(viewer, fine, "fine")
    viewer.fit_to_view(margin=0.4)
    return viewer


def test_background_left_out_gives_back_colour_and_opacity_of_what_was_drawn() -> None:
    random = np.random.default_rng(0)
    color = random.integers(0, 256, (6, 7, 3)).astype(float)
    opacity = random.choice([0.0, 0.4, 1.0], (6, 7, 1))
    on = [np.round(color * opacity + (1 - opacity) * b).astype(np.uint8) for b in (0, 255)]
    picture = without_background(*on)
    assert np.abs(picture[..., 3] / 255 - opacity[..., 0]).max() < 0.01
    is_there = opacity[..., 0] > 0
    assert np.abs(picture[..., :3] - color)[is_there].max() <= 4
    assert (picture[..., 3][~is_there] == 0).all()


def test_picture_when_enlarged_then_it_shows_the_same_with_more_pixels(window: Any) -> None:
    small, large = picture_of(window), picture_of(window, 2)
    assert np.array(large.shape[:2]) == pytest.approx(2 * np.array(small.shape[:2]), abs=2)
    lit = [(p[..., :3].max(axis=-1) > 60).mean() for p in (small, large)]
    assert lit[1] == pytest.approx(lit[0], rel=0.1)


def test_screenshot_is_written_whole_and_without_background_where_wanted(
    window: Any, tmp_path: Path
) -> None:
    before = window.canvas.background_color_override
    path = save_screenshot(window, tmp_path / "view", transparent=True)
    assert path == tmp_path / "view.png"
    picture = np.asarray(Image.open(path))
    assert picture.shape == picture_of(window).shape
    assert picture[0, 0, 3] == 0
    assert picture[picture.shape[0] // 2, picture.shape[1] // 2, 3] == 255
    assert window.canvas.background_color_override is before
    assert [p.name for p in tmp_path.iterdir()] == ["view.png"]


def test_screenshot_when_the_folder_is_not_there_then_it_raises_and_leaves_nothing(
    window: Any, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="nowhere"):
        save_screenshot(window, tmp_path / "nowhere" / "view.png")
    assert list(tmp_path.iterdir()) == []


def test_free_path_is_named_after_the_uppermost_visible_layer_and_never_taken(
    model: ViewerModel, tmp_path: Path
) -> None:
    model.layers["coarse"].name = "../a:b · sharpened (B −48)"
    assert free_path(model, tmp_path, ".png") == tmp_path / "_a_b.png"
    model.layers[1].visible = False
    for name in ("fine.png", "fine 2.png", "fine 3.png"):
        path = free_path(model, tmp_path, ".png")
        assert path == tmp_path / name
        path.touch()
    assert free_path(ViewerModel(), tmp_path, ".gif") == tmp_path / "view.gif"


def test_first_folder_is_beside_the_file_that_is_shown(
    model: ViewerModel, fine: Any, tmp_path: Path
) -> None:
    assert first_folder(model) == Path.home()
    add(model, read(write(tmp_path / "body.mrc", fine)), "body")
    assert first_folder(model) == tmp_path
