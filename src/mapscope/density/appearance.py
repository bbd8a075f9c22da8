"""What a result looks like before anybody chose: the contour level that suits each map."""

from __future__ import annotations

from mapscope.appearance import Appearance, ColorScale, Shown
from mapscope.density.level import first_contour_level
from mapscope.errors import DataError
from mapscope.mesh import Mesh
from mapscope.structure import Structure
from mapscope.volume import Triple, Volume

MASK = "mask"
MASK_COLOR: Triple = (0.09, 0.47, 0.95)


def first_appearance(noun: Shown, name: str) -> Appearance:
    """How a noun is drawn at first.

    Parameters
    ----------
    noun : Volume, Labels, Mesh, Structure, Particles or Table
        What to show.
    name : str
        Its name, as of a job's output; a volume called ``"mask"`` is drawn as one.

    Returns
    -------
    Appearance
        A volume at the level of `first_contour_level` (a constant one at none), a mask
        half transparent at 0.5, a mesh in the colours of its values.
    """
    if isinstance(noun, Volume):
        return _volume(noun, name)
    if isinstance(noun, Structure):
        return Appearance(noun, name, style="cartoon")
    if isinstance(noun, Mesh):
        return Appearance(noun, name, scale=_scale_of_values(noun, name))
    return Appearance(noun, name)


def _volume(volume: Volume, name: str) -> Appearance:
    """A map at its first level."""
    if name == MASK:
        return Appearance(volume, name, levels=(0.5,), color=MASK_COLOR, opacity=0.4)
    try:
        return Appearance(volume, name, levels=(first_contour_level(volume),))
    except DataError:
        return Appearance(volume, name)  # a constant map has no surface at any level


def _scale_of_values(mesh: Mesh, name: str) -> ColorScale | None:
    """Colours from the lowest to the highest value of a mesh, if these differ."""
    if mesh.values is None or mesh.values.size == 0:
        return None
    low, high = float(mesh.values.min()), float(mesh.values.max())
    return ColorScale(low, high, label=name) if low < high else None
