"""A movie of one turn around the vertical, frame by frame while the window lives."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.errors import InputError
from mapscope.progress import Progress
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.viewer.views.borrowed import Borrowed
from mapscope.viewer.views.screenshot import Picture, picture_of

FRAMES, FRAMES_PER_SECOND = 72, 24
LONGEST_EDGE = 1280
"""Pixels of a frame's longer edge, at most: a movie is for slides."""

COLORS = 256


def movie_suffixes() -> tuple[str, ...]:
    """What a movie can be written as here: MP4 only where imageio-ffmpeg is installed."""
    has_encoder = importlib.util.find_spec("imageio_ffmpeg") is not None
    return (".gif", ".mp4") if has_encoder else (".gif",)


class Turntable(QObject):
    """Turns the camera once around the vertical and writes a movie of it.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer, in 3D.
    frames : int
        Pictures of one turn.
    path : str or Path
        Where to: GIF, or MP4.
    frames_per_second : float
        Speed.
    parent : QObject, optional
        Who holds it.

    Raises
    ------
    InputError
        If the view shows slices, or the file's kind cannot be written here.
    """

    progressed = Signal(int, int, str)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()

    def __init__(
        self,
        viewer: Any,
        frames: int,
        path: str | Path,
        *,
        frames_per_second: float = FRAMES_PER_SECOND,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.viewer, self.frames, self.path = viewer, frames, Path(path)
        self.frames_per_second = frames_per_second
        self._require_possible()
        self._camera = Borrowed()
        self._spool = Spool()
        self._encoding: Run | None = None
        self._is_stopped = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._take_next)

    def _require_possible(self) -> None:
        if self.viewer.dims.ndisplay != 3:
            raise InputError("a turntable turns the 3D view: switch to 3D first")
        if self.path.suffix.lower() not in movie_suffixes():
            raise InputError(
                f"{self.path.name}: movies are written as {' or '.join(movie_suffixes())}; "
                "for .mp4 install imageio-ffmpeg"
            )

    def start(self) -> Turntable:
        """Begin; one frame is taken each time the window has nothing else to do."""
        camera = self.viewer.scene.camera
        self._views = list(turned_views(camera.view_direction, camera.up_direction, self.frames))
        self._up = tuple(camera.up_direction)
        self._place = {name: getattr(camera, name) for name in ("center", "zoom")}
        self._timer.start(0)
        return self

    def cancel(self) -> None:
        """Stop, give the camera back, and leave no file."""
        self._is_stopped = True
        if self._encoding is not None:
            self._encoding.cancel()
        elif self._timer.isActive():
            self._timer.stop()
            self._end("cancelled")

    def _take_next(self) -> None:
        """Take one frame, and then the next or the movie."""
        try:
            self._look(self._views[len(self._spool)])
            self._spool.add(picture_of(self.viewer))
        except (RuntimeError, OSError) as error:  # the window was closed, or the disk is full
            self._end("failed", error)
            return
        self.progressed.emit(len(self._spool), self.frames, "taking pictures")
        if self._is_stopped:
            self._end("cancelled")
        elif len(self._spool) < self.frames:
            self._timer.start(0)
        else:
            self._encode()

    def _look(self, view: Any) -> None:
        """Turn the camera there, at the place and zoom that it had at first."""
        camera = self.viewer.scene.camera
        for name, value in self._place.items():
            self._camera.set(camera, name, value)
        self._camera.set(camera, "angles", camera.angles)
        camera.set_view_direction(tuple(view), self._up)
        self._camera.set(camera, "angles", camera.angles)

    def _encode(self) -> None:
        """Write the movie beside the window."""
        self._camera.give_back()
        spool, path, speed = self._spool, self.path, self.frames_per_second
        run = Run(lambda progress: write_movie(spool, path, speed, progress=progress))
        run.progressed.connect(self._tell_encoding)
        run.succeeded.connect(lambda written: self._end("succeeded", written))
        run.failed.connect(lambda error: self._end("failed", error))
        run.cancelled.connect(lambda: self._end("cancelled"))
        self._encoding = run.start(BACKGROUND)

    def _tell_encoding(self, share: float, _message: str) -> None:
        self.progressed.emit(round(share * self.frames), self.frames, "writing the movie")

    def _end(self, how: str, content: Any = None) -> None:
        """Give everything back and say how it went."""
        self._camera.give_back()
        self._spool.close()
        getattr(self, how).emit(*([] if content is None else [content]))
        self.ended.emit()


def turned_views(
    view: npt.ArrayLike, up: npt.ArrayLike, count: int
) -> Iterator[npt.NDArray[np.float64]]:
    """View directions (3,) of one turn about the upward direction, the first as it is.

    Parameters
    ----------
    view, up : array (3,)
        Where the camera looks, and what is upward; perpendicular unit vectors.
    count : int
        Views of the turn.
    """
    view, up = np.asarray(view, dtype=float), np.asarray(up, dtype=float)
    side = np.cross(up, view)
    for angle in 2 * np.pi * np.arange(count) / count:
        yield np.cos(angle) * view + np.sin(angle) * side


class Spool:
    """Frames of one size, kept in a temporary file until the movie is written."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._count = 0
        self.size = (0, 0)

    def __len__(self) -> int:
        return self._count

    def add(self, picture: Picture) -> None:
        """Keep a picture, made as large as the first one was."""
        from PIL import Image

        image = Image.fromarray(picture[..., :3])
        if not self._count:
            shrink = min(1.0, LONGEST_EDGE / max(image.size))
            # Encoders of MP4 want even edges.
            self.size = (_even(image.width * shrink), _even(image.height * shrink))
        if image.size != self.size:
            image = image.resize(self.size, Image.Resampling.LANCZOS)
        self._file.write(image.tobytes())
        self._count += 1

    def frame(self, number: int) -> Picture:
        """A frame, (height, width, 3)."""
        width, height = self.size
        self._file.seek(number * width * height * 3)
        raw = self._file.read(width * height * 3)
        return np.frombuffer(raw, dtype=np.uint8).reshape(height, width, 3)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


def write_movie(spool: Spool, path: Path, frames_per_second: float, *, progress: Progress) -> Path:
    """Write frames as GIF or MP4; the file is there when it is whole.

    Raises
    ------
    Cancelled
        If it was asked to stop.
    """
    unfinished = path.with_name(f".{path.stem}.part{path.suffix}")
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    try:
        write(_told(spool, progress), unfinished, frames_per_second)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _told(spool: Spool, progress: Progress) -> Iterator[Picture]:
    """The frames one by one, with a sign of progress for each."""
    for number in range(len(spool)):
        progress(number, len(spool), "writing the movie")
        yield spool.frame(number)


def _write_gif(frames: Iterator[Picture], path: Path, frames_per_second: float) -> None:
    """An endless GIF with a palette for each frame."""
    from PIL import Image

    images = (Image.fromarray(f).quantize(COLORS, dither=Image.Dither.NONE) for f in frames)
    first = next(images)
    pause = max(20, round(1000 / frames_per_second))  # browsers slow down below 20 ms
    first.save(path, "GIF", save_all=True, append_images=images, duration=pause, loop=0)


def _write_mp4(frames: Iterator[Picture], path: Path, frames_per_second: float) -> None:
    """H.264 as every player reads it."""
    import imageio

    with imageio.get_writer(path, fps=frames_per_second, macro_block_size=2) as writer:
        for frame in frames:
            writer.append_data(frame)
