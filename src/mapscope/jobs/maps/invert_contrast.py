"""Density of the other sign."""

from __future__ import annotations

from mapscope.density import frame
from mapscope.job import job
from mapscope.volume import Volume


@job(menu="napari/layers/filter", memory=2.0)
def invert_contrast(volume: Volume) -> Volume:
    """Map with the sign of its density changed, so that bright is dense.

    Parameters
    ----------
    volume : Volume
        A map in which dark is dense.

    Returns
    -------
    inverted : Volume
        The map, on its grid.
    """
    return frame.invert_contrast(volume)
