"""A slab: slices that show some ångströms of depth, projected onto one plane."""

from __future__ import annotations

from typing import Any

from mapscope.viewer.views.look import look_of
from mapscope.viewer.views.reach import reach_of
from mapscope.viewer.views.seen import Projection


class Slab:
    """The slab of a viewer, off at first.

    Maps are projected, atoms and picks that the slab cuts are shown. When it is switched off,
    all is as it was. napari's own thick slices are not used: they have one depth for maps and
    for points, and would blur maps wherever picks are to be seen in more than their own slice.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._look, self._reach = look_of(viewer), reach_of(viewer)

    @property
    def thickness(self) -> float:
        """Depth in Å."""
        return self._look.looking.depth

    @property
    def is_on(self) -> bool:
        """Whether slices show depth."""
        return self.thickness > 0

    def show(self, thickness: float, projection: Projection = "mean") -> list[str]:
        """Let slices show some depth.

        Parameters
        ----------
        thickness : float
            Depth in Å.
        projection : str
            What of the depth is drawn: its mean, its highest or its lowest density.

        Returns
        -------
        list of str
            Maps that stay thin because so much of them cannot be read for each slice.
        """
        self._reach.widen(thickness)
        self._look.project(thickness, projection)
        return self._look.thin

    def off(self) -> None:
        """Show slices as they were."""
        self._reach.widen(0.0)
        self._look.project(0.0)
