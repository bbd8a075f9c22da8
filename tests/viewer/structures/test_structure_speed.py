"""With thousands of residues the window stays alive."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import thread_time
from typing import Any

import pytest
from napari.layers import Layer
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QTimer

from mapscope.files import read
from mapscope.structure import Structure
from mapscope.viewer.docks.structure import StructureDock
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.structures.scene import structures_of

LONGEST_SELECTION = 0.15
"""Seconds of work of the window's own thread, apart from drawing."""

LONGEST_PICTURE = 1.0
"""The same with drawing: napari takes a mesh of over 100,000 vertices as a whole."""

TRIES = 4


@pytest.mark.slow
@pytest.mark.real_data
def test_window_when_eight_thousand_residues_are_shown_is_not_blocked(
    make_napari_viewer: Callable[..., Any], qtbot: QtBot, data_folder: Path
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.add_dock_widget(StructureDock(viewer), name="Structure")
    structure = read(data_folder / "structures" / "1aon.pdb.gz")
    assert isinstance(structure, Structure)
    for one in layers_from_noun(structure, "big"):
        viewer.add_layer(Layer.create(*one))
    scene = structures_of(viewer)
    figure = scene.figures[0]
    scene.show_atoms(figure, "none")

    def blocked(action: Callable[[], Any]) -> float:
        """Longest turn of the event loop until it is drawn, in seconds of its own thread."""
        qtbot.wait(300)
        longest, last = 0.0, thread_time()

        def beat() -> None:
            nonlocal longest, last
            longest, last = max(longest, thread_time() - last), thread_time()

        timer = QTimer()
        timer.timeout.connect(beat)
        timer.start(5)
        with qtbot.waitSignal(scene.drawn, timeout=30_000):
            action()
        qtbot.wait(200)
        timer.stop()
        return longest

    shown = [blocked(lambda: scene.show(figure, "ribbons"))]
    shown.append(blocked(lambda: scene.color_by(figure, "B-factor")))
    blocked(lambda: scene.go_to("A/100"))
    moves = []
    for k in range(101, 101 + TRIES):
        with qtbot.waitSignal(scene.drawn, timeout=30_000):
            moves.append(_seconds(partial(scene.go_to, f"B/{k}")))
        qtbot.wait(100)
    print(f"picture {1e3 * max(shown):.0f} ms, selection {1e3 * min(moves):.0f} ms")
    assert max(shown) <= LONGEST_PICTURE
    assert min(moves) <= LONGEST_SELECTION


def _seconds(action: Callable[[], Any]) -> float:
    """Time of its own thread that something takes."""
    begun = thread_time()
    action()
    return thread_time() - begun
