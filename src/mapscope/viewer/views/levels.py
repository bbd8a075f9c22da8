"""Contour level and contrast of two maps moved together, though their densities differ."""

from __future__ import annotations

from typing import Any, Literal

from qtpy.QtCore import QObject, Signal

from mapscope.density.enclosed import EnclosedVolume
from mapscope.errors import InputError
from mapscope.progress import Progress
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.volume import Volume

Link = Literal["value", "sigma", "volume"]


def matching_level(level: float, one: EnclosedVolume, other: EnclosedVolume, by: Link) -> float:
    """The level of another map that corresponds to a level of one.

    Parameters
    ----------
    level : float
        Density in `one`.
    one, other : EnclosedVolume
        What is known of both maps.
    by : str
        ``"value"``: the same density; ``"sigma"``: as many standard deviations from the mean;
        ``"volume"``: as many Å³ inside.
    """
    if by == "value":
        return level
    if by == "sigma":
        return float(other.level_from_sigma(one.sigma_from_level(level)))
    return float(other.level_for(one.volume_at(level)))


class LinkedLevels(QObject):
    """Keeps contour level and contrast limits of two maps together, whichever is moved.

    Parameters
    ----------
    first, second : Image
        The layers of the maps.
    parent : QObject, optional
        Who holds it.
    """

    ready = Signal()
    failed = Signal(object)

    def __init__(self, first: Any, second: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.layers = (first, second)
        self.by: Link = "sigma"
        self.scales: tuple[EnclosedVolume, ...] | None = None
        self._run: Run | None = None
        self._is_following = False
        self._is_connected = False

    @property
    def is_ready(self) -> bool:
        """Whether a level moved in one map moves the other's."""
        return self._is_connected

    def start(self, by: Link) -> None:
        """Link them; what has to be measured first is measured beside the window.

        Raises
        ------
        InputError
            If a layer does not stand for a map.
        """
        self.by = by
        if self.scales is not None:
            self._connect()
            return
        nouns = [noun_from_layer(layer) for layer in self.layers]
        if not all(isinstance(noun, Volume) for noun in nouns):
            raise InputError("levels are linked between two maps")
        if self._run is not None:
            self._run.cancel()
        run = Run(lambda progress: scales_of(nouns, progress))
        run.succeeded.connect(self._measured)
        run.failed.connect(self.failed.emit)
        self._run = run.start(BACKGROUND)

    def stop(self) -> None:
        """Let each have its own level again; both stay where they are."""
        if self._run is not None:
            self._run.cancel()
        if self._is_connected:
            self._is_connected = False
            for layer in self.layers:
                layer.events.iso_threshold.disconnect(self._level_moved)
                layer.events.contrast_limits.disconnect(self._limits_moved)

    def _measured(self, scales: tuple[EnclosedVolume, ...]) -> None:
        self.scales = scales
        self._connect()

    def _connect(self) -> None:
        """Follow both maps, the second first of all."""
        if not self._is_connected:
            self._is_connected = True
            for layer in self.layers:
                layer.events.iso_threshold.connect(self._level_moved)
                layer.events.contrast_limits.connect(self._limits_moved)
        self._move_level(0)
        self._move_limits(0)
        self.ready.emit()

    def _level_moved(self, event: Any) -> None:
        self._move_level(self.layers.index(event.source))

    def _limits_moved(self, event: Any) -> None:
        self._move_limits(self.layers.index(event.source))

    def _move_level(self, number: int) -> None:
        """Give the other map the level that corresponds to this one's."""
        if self._is_following or self.scales is None:
            return
        layer, other = self.layers[number], self.layers[1 - number]
        one, another = self.scales[number], self.scales[1 - number]
        self._is_following = True
        try:
            other.iso_threshold = matching_level(layer.iso_threshold, one, another, self.by)
        finally:
            self._is_following = False

    def _move_limits(self, number: int) -> None:
        """Give the other map corresponding contrast limits; volumes have none: σ it is."""
        if self._is_following or self.scales is None:
            return
        one, another = self.scales[number], self.scales[1 - number]
        by: Link = "value" if self.by == "value" else "sigma"
        limits = [
            matching_level(limit, one, another, by) for limit in self.layers[number].contrast_limits
        ]
        self._is_following = True
        try:
            if limits[1] != limits[0]:  # in a constant map they are
                self.layers[1 - number].contrast_limits = sorted(limits)
        finally:
            self._is_following = False


def scales_of(nouns: list[Volume], progress: Progress) -> tuple[EnclosedVolume, ...]:
    """Measure maps, one after the other."""
    scales = []
    for number, noun in enumerate(nouns):
        progress(number, len(nouns), "measuring densities")
        scales.append(EnclosedVolume(noun))
    return tuple(scales)
