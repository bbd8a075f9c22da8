"""The mirror image of a map."""

from __future__ import annotations

from typing import Literal

from mapscope.density import frame
from mapscope.job import job
from mapscope.volume import Volume


@job(menu="napari/layers/transform", memory=2.0)
def flip_hand(volume: Volume, *, axis: Literal["z", "y", "x"] = "z") -> Volume:
    """Map of the other hand, mirrored within its box.

    Parameters
    ----------
    volume : Volume
        A map of the wrong hand: its helices turn left.
    axis : str
        Axis across which it is mirrored; the results differ by a rotation only.

    Returns
    -------
    flipped : Volume
        The map, on its grid.
    """
    return frame.flip_hand(volume, axis)
