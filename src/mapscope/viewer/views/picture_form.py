"""Controls of pictures and turntable movies."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices, QGuiApplication, QImage
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QGroupBox,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
)

from mapscope.errors import MapscopeError
from mapscope.viewer.runner import Run
from mapscope.viewer.views.scene import save_scene
from mapscope.viewer.views.screenshot import first_folder, free_path, picture_of, save_screenshot
from mapscope.viewer.views.turntable import FRAMES, FRAMES_PER_SECOND, Turntable, movie_suffixes

LINK_COLOR = "#3b9cff"
SCALES = (1, 2, 4)


class PictureForm(QGroupBox):
    """One click for a picture, one for a movie of a turn.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    said = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__("Picture and movie")
        self.viewer = viewer
        self.turntable: Turntable | None = None
        self._folder: Path | None = None
        self.save = QPushButton("Save picture")
        self.copy = QPushButton("Copy picture")
        self.copy.setToolTip("Copy what the canvas shows, to paste it elsewhere.")
        self.scale = QComboBox()
        for factor in SCALES:
            self.scale.addItem(f"×{factor}", factor)
        self.scale.setToolTip("Pixels of the picture for one of the screen.")
        self.transparent = QCheckBox("No background")
        self.transparent.setToolTip("Leave the background transparent.")
        self.movie = QPushButton("Save turntable")
        self.frames = QSpinBox()
        self.frames.setRange(2, 720)
        self.frames.setValue(FRAMES)
        self.frames.setSuffix(" frames")
        self.frames.setToolTip(f"Pictures of one turn, {FRAMES_PER_SECOND} of them a second.")
        self.kind = QComboBox()
        self.kind.addItems([suffix.removeprefix(".").upper() for suffix in movie_suffixes()])
        self.kind.setToolTip(
            "Kind of movie file. For MP4, install imageio-ffmpeg: pip install imageio-ffmpeg."
        )
        self.bar = QProgressBar()
        self.bar.setVisible(False)
        self.chimerax = QPushButton("Save for ChimeraX")
        self.where = QPushButton("Folder…")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.linkActivated.connect(_open)
        self._arrange()
        self.save.clicked.connect(self.save_picture)
        self.copy.clicked.connect(self.copy_picture)
        self.movie.clicked.connect(self._movie_clicked)
        self.chimerax.clicked.connect(self.save_for_chimerax)
        self.where.clicked.connect(self._ask_folder)
        self.refresh()

    def _arrange(self) -> None:
        grid = QGridLayout(self)
        grid.addWidget(self.save, 0, 0)
        grid.addWidget(self.copy, 0, 1)
        grid.addWidget(self.scale, 1, 0)
        grid.addWidget(self.transparent, 1, 1)
        grid.addWidget(self.movie, 2, 0)
        grid.addWidget(self.kind, 2, 1)
        grid.addWidget(self.chimerax, 3, 0)
        grid.addWidget(self.frames, 3, 1)
        grid.addWidget(self.where, 4, 0, 1, 2)
        grid.addWidget(self.bar, 5, 0, 1, 2)
        grid.addWidget(self.message, 6, 0, 1, 2)

    @property
    def folder(self) -> Path:
        """Where files go: where the last one went, else beside the map."""
        return first_folder(self.viewer) if self._folder is None else self._folder

    def refresh(self) -> None:
        """Grey what cannot be used now, and say why."""
        has_layers = len(self.viewer.layers) > 0
        is_running = self.turntable is not None
        for button, tip in (
            (self.save, f"Write what the canvas shows as PNG into {self.folder}."),
            (self.copy, "Copy what the canvas shows, to paste it elsewhere."),
        ):
            button.setEnabled(has_layers and not is_running)
            button.setToolTip(tip if has_layers else "Open a map first.")
        self.chimerax.setEnabled(has_layers)
        self.chimerax.setToolTip(
            f"Write a command file that opens in ChimeraX what is in view, as it looks, with its "
            f"maps and models, into {self.folder}."
            if has_layers
            else "Open a map first."
        )
        reason = "" if has_layers else "Open a map first."
        if has_layers and self.viewer.dims.ndisplay != 3 and not is_running:
            reason = "A turntable turns the 3D view: switch from 2D to 3D."
        self.movie.setText("Cancel" if is_running else "Save turntable")
        self.movie.setEnabled(not reason)
        self.movie.setToolTip(
            reason or f"Turn the view once around the vertical; the movie goes to {self.folder}."
        )
        self.frames.setEnabled(not is_running)
        self.kind.setEnabled(not is_running)
        self.where.setToolTip(f"Where pictures and movies go: {self.folder}")

    def save_picture(self) -> Path | None:
        """Write a picture, and say where it is; None where that failed."""
        path = free_path(self.viewer, self.folder, ".png")
        try:
            path = save_screenshot(
                self.viewer,
                path,
                self.scale.currentData(),
                transparent=self.transparent.isChecked(),
            )
        except (OSError, RuntimeError) as error:
            self._say(f"{escape(str(path))} could not be written: {escape(str(error))}")
            return None
        self._saved(path)
        return path

    def copy_picture(self) -> None:
        """Put a picture into the clipboard."""
        picture = picture_of(
            self.viewer, self.scale.currentData(), transparent=self.transparent.isChecked()
        )
        height, width = picture.shape[:2]
        image = QImage(picture.tobytes(), width, height, QImage.Format.Format_RGBA8888)
        QGuiApplication.clipboard().setImage(image.copy())
        self._say(f"Copied {width} × {height} pixels.")

    def save_for_chimerax(self) -> Run | None:
        """Write what is in view for ChimeraX, and say where it is; None where nothing can be."""
        path = free_path(self.viewer, self.folder, ".cxc")
        try:
            run, left_out = save_scene(self.viewer, path)
        except MapscopeError as error:
            self._say(escape(str(error)))
            return None
        without = f" Left out: {escape(', '.join(left_out))}." if left_out else ""
        self._say(f"Writing {escape(path.name)}…")
        run.succeeded.connect(lambda written: self._saved(written[-1], without))
        run.failed.connect(lambda error: self._say(f"Not written: {escape(str(error))}"))
        return run

    def end(self) -> None:
        """Stop a movie that is being made."""
        if self.turntable is not None:
            self.turntable.cancel()

    def _movie_clicked(self) -> None:
        if self.turntable is not None:
            self.turntable.cancel()
            return
        suffix = f".{self.kind.currentText().lower()}"
        try:
            self.start_movie(free_path(self.viewer, self.folder, suffix))
        except MapscopeError as error:
            self._say(escape(str(error)))

    def start_movie(self, path: Path) -> Turntable:
        """Begin a turntable movie.

        Raises
        ------
        InputError
            If the view shows slices, or the file's kind cannot be written here.
        """
        turntable = Turntable(self.viewer, self.frames.value(), path)
        turntable.progressed.connect(self._progressed)
        turntable.succeeded.connect(self._saved)
        turntable.failed.connect(self._movie_failed)
        turntable.cancelled.connect(self._movie_cancelled)
        turntable.ended.connect(self._movie_ended)
        self.turntable = turntable
        self._say("")
        self.refresh()
        return turntable.start()

    def _progressed(self, done: int, total: int, what: str) -> None:
        self.bar.setVisible(True)
        self.bar.setMaximum(total)
        self.bar.setValue(done)
        self.bar.setFormat(f"{what} %v of %m")

    def _movie_failed(self, error: Exception) -> None:
        self._say(f"The movie could not be written: {escape(str(error))}")

    def _movie_cancelled(self) -> None:
        self._say("Cancelled; no movie was written.")

    def _movie_ended(self) -> None:
        self.turntable = None
        self.bar.setVisible(False)
        self.refresh()

    def _saved(self, path: Path, more: str = "") -> None:
        """Say where a file is, with a link that opens it."""
        self._folder = path.parent
        url = QUrl.fromLocalFile(str(path)).toString()
        name = escape(path.name)
        link = f"<a href='{url}' style='color:{LINK_COLOR}'>{name}</a>"
        self._say(f"Saved {link} in {escape(str(path.parent))}.{more}")
        self.refresh()

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Pictures and movies", str(self.folder))
        if chosen:
            self._folder = Path(chosen)
            self.refresh()

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.said.emit("")


def _open(link: str) -> None:
    """Open a file with whatever shows such files here."""
    QDesktopServices.openUrl(QUrl(link))
