"""Pictures of the canvas: as a file, or for the clipboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.record import source_of
from mapscope.viewer.layers import base_name, tag_of
from mapscope.viewer.views.borrowed import Borrowed

Picture = npt.NDArray[np.uint8]

NOTHING = "view"


def picture_of(viewer: Any, scale: float = 1, *, transparent: bool = False) -> Picture:
    """What the canvas shows, (height, width, 4).

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer; its window is open.
    scale : float
        Pixels of the picture for one of the canvas.
    transparent : bool
        Leave the background out.
    """
    look = Borrowed()
    try:
        _enlarge(viewer, scale, look)
        if not transparent:
            return _shot(viewer, scale)
        pictures = []
        for color in ("black", "white"):
            look.set(viewer.canvas, "background_color_override", color)
            pictures.append(_shot(viewer, scale))
        return without_background(*pictures)
    finally:
        look.give_back()


def _enlarge(viewer: Any, scale: float, look: Borrowed) -> None:
    """Let a larger canvas show the same: napari keeps the pixels of an ångström and of a letter."""
    if scale == 1:
        return
    look.set(viewer.scene.camera, "zoom", viewer.scene.camera.zoom * scale)
    for overlay in viewer.canvas.overlays.values():
        if hasattr(overlay, "font_size"):
            look.set(overlay, "font_size", overlay.font_size * scale)


def _shot(viewer: Any, scale: float) -> Picture:
    return np.asarray(viewer.screenshot(canvas_only=True, flash=False, scale=scale))


def without_background(on_black: Picture, on_white: Picture) -> Picture:
    """Colour and opacity (height, width, 4) of what was drawn on black and on white.

    Opacity is what of the difference of the backgrounds does not come through.
    """
    black = on_black[..., :3].astype(np.float32)
    through = (on_white[..., :3].astype(np.float32) - black).mean(axis=-1) / 255
    opacity = np.clip(1 - through, 0, 1)[..., None]
    color = np.divide(black, opacity, out=np.zeros_like(black), where=opacity > 1 / 512)
    return np.concatenate([np.clip(color, 0, 255), 255 * opacity], axis=-1).round().astype(np.uint8)


def save_screenshot(
    viewer: Any, path: str | Path, scale: float = 1, *, transparent: bool = False
) -> Path:
    """Write what the canvas shows as a PNG file, and say where it is.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer; its window is open.
    path : str or Path
        Where to; ``.png`` is added to a name without it.
    scale : float
        Pixels of the picture for one of the canvas.
    transparent : bool
        Leave the background out.
    """
    from PIL import Image

    path = Path(path)
    path = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
    unfinished = path.with_name(f".{path.name}.part")
    try:
        image = Image.fromarray(picture_of(viewer, scale, transparent=transparent))
        image.save(unfinished, format="PNG")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def free_path(viewer: Any, folder: Path, suffix: str) -> Path:
    """A file name after what is shown that is not taken yet.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    folder : Path
        Where to.
    suffix : str
        With its dot.
    """
    shown = [layer.name for layer in reversed(viewer.layers) if layer.visible]
    words = base_name(shown[0]) if shown else NOTHING
    stem = "".join(c if c.isalnum() or c in "-_. ()" else "_" for c in words).strip(" .") or NOTHING
    path, number = folder / f"{stem}{suffix}", 2
    while path.exists():
        path, number = folder / f"{stem} {number}{suffix}", number + 1
    return path


def first_folder(viewer: Any) -> Path:
    """Where pictures go at first: beside the file that is shown, else the home folder."""
    for layer in reversed(viewer.layers):
        tag = tag_of(layer)
        path = None if tag is None else source_of(tag.noun).path
        if path is not None and Path(path).parent.is_dir():
            return Path(path).parent
    return Path.home()
