"""Probe jobs: a click in the view gives a position, the job gives a curve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mapscope.viewer.forms import JobForm

STEPS = 200


class Probe:
    """Runs a form's probe job at every point that is clicked while it listens.

    Parameters
    ----------
    form : JobForm
        The form of a probe job.
    """

    def __init__(self, form: JobForm) -> None:
        self.form = form

    def listen(self, on: bool) -> None:
        """Start or stop taking clicks."""
        callbacks = self.form.viewer.mouse_drag_callbacks
        if on and self._clicked not in callbacks:
            callbacks.append(self._clicked)
        elif not on and self._clicked in callbacks:
            callbacks.remove(self._clicked)

    def _clicked(self, viewer: Any, event: Any) -> Iterator[None]:
        """Run the job where the mouse went down and came up without moving."""
        moved = False
        yield
        while event.type == "mouse_move":
            moved = True
            yield
        layers = self.form.chosen_layers()
        if moved or not layers:
            return
        position = position_of_click(layers[0], event, viewer.dims.ndisplay)
        if position is not None:
            self.form.run(position=position)


def position_of_click(layer: Any, event: Any, ndisplay: int) -> tuple[float, float, float] | None:
    """World position in Å, z, y, x, of a click; in 3D the densest point under the cursor.

    None where the click missed the layer.
    """
    if ndisplay == 2:
        z, y, x = event.position[-3:]
        return (float(z), float(y), float(x))
    near, far = layer.get_ray_intersections(event.position, event.view_direction, [0, 1, 2])
    if near is None or far is None:
        return None
    ray = np.linspace(near, far, STEPS)
    index = np.clip(np.round(ray).astype(int), 0, np.asarray(layer.data.shape) - 1)
    densest = ray[int(np.argmax(layer.data[tuple(index.T)]))]
    z, y, x = layer.data_to_world(densest)
    return (float(z), float(y), float(x))
