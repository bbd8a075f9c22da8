"""Whether the window is dark or light, and being told when that changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.settings import get_settings
from napari.utils.theme import get_theme

from mapscope.viewer.views.connections import Connections


class Themed:
    """Calls back with ``is_dark`` now, and whenever the theme changes.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it is.
    show : callable (*, is_dark)
        Takes the colours.
    """

    def __init__(self, viewer: Any, show: Callable[..., None]) -> None:
        self._viewer, self._show = viewer, show
        self._connections = Connections()
        self._connections.add(viewer.events.theme, self._changed)
        self._changed()

    def end(self, *_: Any) -> None:
        """Call back no more."""
        self._connections.end()

    def _changed(self, *_: Any) -> None:
        self._show(is_dark=is_dark(self._viewer))


def is_dark(viewer: Any) -> bool:
    """Whether a viewer's window is dark."""
    name = getattr(viewer, "theme", get_settings().appearance.theme)
    return bool(sum(get_theme(name).background.as_rgb_tuple()[:3]) < 3 * 128)
