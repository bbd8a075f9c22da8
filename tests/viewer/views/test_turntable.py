"""A movie of one turn, made beside a window that lives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from pytestqt.qtbot import QtBot

from mapscope.errors import Cancelled, InputError
from mapscope.progress import silent
from mapscope.viewer.views import turntable
from mapscope.viewer.views.turntable import (
    Spool,
    Turntable,
    movie_suffixes,
    turned_views,
    write_movie,
)

FRAMES = 6


class Camera:
    """Takes a picture that says where the camera looks, instead of drawing."""

    def __init__(self) -> None:
        self.views: list[Any] = []
        self.states: list[Any] = []

    def __call__(self, viewer: Any) -> Any:
        camera = viewer.scene.camera
        self.views.append(camera.view_direction)
        self.states.append((camera.center, camera.zoom, camera.up_direction))
        shade = 40 * len(self.views)
        return np.full((31, 40 + len(self.views) % 2, 4), shade, dtype=np.uint8)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Camera:
    """A camera instead of the slow 3D view."""
    camera = Camera()
    monkeypatch.setattr(turntable, "picture_of", camera)
    return camera


@pytest.fixture
def viewer(model: ViewerModel) -> ViewerModel:
    """A 3D view from somewhere."""
    model.dims.ndisplay = 3
    model.scene.camera.angles = (10.0, 25.0, 70.0)
    return model


def test_views_are_one_even_turn_about_the_vertical() -> None:
    up, view = np.array([0, -1.0, 0]), np.array([-1.0, 0, 0])
    views = np.array(list(turned_views(view, up, 8)))
    assert views[0] == pytest.approx(view)
    assert views @ up == pytest.approx(np.zeros(8), abs=1e-12)
    assert np.linalg.norm(views, axis=1) == pytest.approx(np.ones(8))
    steps = (views * np.roll(views, -1, axis=0)).sum(axis=1)
    assert steps == pytest.approx(np.full(8, np.cos(np.pi / 4)))


def test_turntable_takes_every_view_writes_a_gif_and_gives_the_camera_back(
    viewer: ViewerModel, camera: Camera, qtbot: QtBot, tmp_path: Path
) -> None:
    before = viewer.scene.camera.model_dump()
    view, up = viewer.scene.camera.view_direction, viewer.scene.camera.up_direction
    turn = Turntable(viewer, FRAMES, tmp_path / "turn.gif", frames_per_second=10)
    with qtbot.waitSignal(turn.succeeded, timeout=20_000) as written:
        turn.start()
    assert written.args == [tmp_path / "turn.gif"]
    assert np.array(camera.views) == pytest.approx(np.array(list(turned_views(view, up, FRAMES))))
    assert all(state[2] == pytest.approx(up) for state in camera.states)
    after = viewer.scene.camera.model_dump()
    assert after["angles"] == pytest.approx(before["angles"])
    assert (after["center"], after["zoom"]) == (before["center"], before["zoom"])
    movie: Any
    with Image.open(tmp_path / "turn.gif") as movie:
        assert (movie.n_frames, movie.info["duration"], movie.info["loop"]) == (FRAMES, 100, 0)
        movie.seek(3)
        assert np.asarray(movie.convert("RGB"))[5, 5] == pytest.approx([160] * 3, abs=2)
    assert [p.name for p in tmp_path.iterdir()] == ["turn.gif"]


def test_turntable_when_cancelled_then_no_file_is_left_and_the_camera_is_back(
    viewer: ViewerModel, camera: Camera, qtbot: QtBot, tmp_path: Path
) -> None:
    before = viewer.scene.camera.angles
    turn = Turntable(viewer, 500, tmp_path / "turn.gif")
    turn.progressed.connect(lambda done, *_: turn.cancel() if done == 2 else None)
    with qtbot.waitSignal(turn.cancelled, timeout=5000):
        turn.start()
    assert viewer.scene.camera.angles == pytest.approx(before)
    assert list(tmp_path.iterdir()) == []
    assert len(camera.views) == 2


def test_turntable_when_the_user_turns_the_view_meanwhile_then_frames_are_even(
    viewer: ViewerModel, camera: Camera, qtbot: QtBot, tmp_path: Path
) -> None:
    turn = Turntable(viewer, FRAMES, tmp_path / "turn.gif")
    turn.progressed.connect(lambda *_: setattr(viewer.scene.camera, "zoom", 11.0))
    zoom = viewer.scene.camera.zoom
    with qtbot.waitSignal(turn.ended, timeout=20_000):
        turn.start()
    assert {state[1] for state in camera.states} == {zoom}


def test_turntable_when_the_window_is_closed_then_it_fails_quietly(
    viewer: ViewerModel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_viewer: Any) -> Any:
        raise RuntimeError("wrapped C/C++ object has been deleted")

    monkeypatch.setattr(turntable, "picture_of", gone)
    turn = Turntable(viewer, FRAMES, tmp_path / "turn.gif")
    with qtbot.waitSignal(turn.failed, timeout=5000):
        turn.start()
    assert list(tmp_path.iterdir()) == []


def test_turntable_in_slices_or_of_an_unknown_kind_then_it_says_why(
    model: ViewerModel, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="switch to 3D"):
        Turntable(model, FRAMES, tmp_path / "turn.gif")
    model.dims.ndisplay = 3
    with pytest.raises(InputError, match=r"written as \.gif"):
        Turntable(model, FRAMES, tmp_path / "turn.avi")


def test_movie_when_writing_is_stopped_then_an_older_file_is_untouched(tmp_path: Path) -> None:
    def stop(done: int, total: int, message: str = "") -> None:
        if done == 2:
            raise Cancelled

    path = tmp_path / "turn.gif"
    path.write_bytes(b"older")
    spool = Spool()
    for shade in range(4):
        spool.add(np.full((10, 12, 4), 60 * shade, dtype=np.uint8))
    with pytest.raises(Cancelled):
        write_movie(spool, path, 24, progress=stop)
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["turn.gif"]
    write_movie(spool, path, 24, progress=silent)
    movie: Any
    with Image.open(path) as movie:
        assert movie.n_frames == 4
    spool.close()


def test_spool_keeps_frames_of_one_even_size_and_no_larger_than_a_slide() -> None:
    spool = Spool()
    spool.add(np.zeros((1111, 2000, 4), dtype=np.uint8))
    assert max(spool.size) <= turntable.LONGEST_EDGE
    assert all(edge % 2 == 0 for edge in spool.size)
    spool.add(np.full((50, 70, 4), 9, dtype=np.uint8))
    assert spool.frame(1).shape == (spool.size[1], spool.size[0], 3)
    assert (spool.frame(1) == 9).all()
    spool.close()


@pytest.mark.skipif(".mp4" not in movie_suffixes(), reason="imageio-ffmpeg is not installed")
def test_movie_as_mp4_holds_all_frames(tmp_path: Path) -> None:
    import imageio

    spool = Spool()
    for shade in range(5):
        spool.add(np.full((32, 48, 4), 50 * shade, dtype=np.uint8))
    path = write_movie(spool, tmp_path / "turn.mp4", 24, progress=silent)
    with imageio.get_reader(path) as movie:
        frames = [frame.mean() for frame in movie]
    assert frames == pytest.approx([0, 50, 100, 150, 200], abs=6)
    spool.close()


def test_turntable_of_a_real_view_shows_the_body_turning(
    make_napari_viewer: Callable[..., Any], qtbot: QtBot, tmp_path: Path
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(640, 360)
    viewer.add_points([[0, 0, 0], [0, 0, 30]], size=8, units="angstrom", shading="spherical")
    viewer.dims.ndisplay = 3
    viewer.fit_to_view()
    turn = Turntable(viewer, 4, tmp_path / "turn.gif")
    with qtbot.waitSignal(turn.succeeded, timeout=60_000):
        turn.start()
    widths = []
    with Image.open(tmp_path / "turn.gif") as movie:
        for number in range(4):
            movie.seek(number)
            lit = np.flatnonzero(np.asarray(movie.convert("L")).max(axis=0) > 100)
            widths.append(int(np.ptp(lit)))
    assert widths[0] == pytest.approx(widths[2], abs=4)
    assert widths[1] < 0.6 * widths[0]
