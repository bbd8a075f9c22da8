"""Nouns become napari layers in the right place, and layers become nouns again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from mapscope.density.pyramid import coarse_sample
from mapscope.depiction.palette import CHAIN_COLORS, ELEMENT_COLORS, OTHER_ELEMENT
from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.record import Noun, Record, checksum_of, record_of
from mapscope.structure import Structure
from mapscope.viewer.roles import look_of
from mapscope.volume import Array, Volume

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]

KEY = "mapscope"
SPACE: dict[str, Any] = {"units": "angstrom", "axis_labels": ("z", "y", "x")}
SEPARATOR = " · "
BEHIND = "behind"
"""Attribute of an array that is shown through a filter: the array that jobs get."""

PASSING = "passing"
"""Stands in a layer's metadata instead of a tag: it shows part of another one for a while."""

TOOL = "tool"
"""Stands there for what users drag, such as the sphere of the eraser: no list offers it."""

MAKING = "making"
"""Stands there as long as the job is at work whose result the layer shows."""

NO_VOXEL_SIZE = "no voxel size"
"""The one reason against a layer that a form can mend."""
IN_PLACE = (Structure, Mesh, Particles)
"""Nouns that are what their layer shows as long as nobody has moved anything in it."""

SEE_THROUGH = {"opacity": 0.6, "blending": "translucent_no_depth"}
"""How a map is drawn in which the structure that it was made of shall be seen."""

LARGE_BYTES = 256 * 2**20
"""From this size on a map is shown through coarser copies: 3D would need all of it at once."""

FIRST_LOOK = 128
"""Longest edge in voxels of the coarse copy that is there at once."""

DISPLAYABLE = ("f4", "f8", "i1", "i2", "i4", "u1", "u2", "u4")


@dataclass(frozen=True)
class Tag:
    """What a layer of Mapscope carries in its metadata.

    Parameters
    ----------
    noun : Noun
        What the layer shows.
    role : str
        What it is for: ``"map"``, ``"half map"``, ``"mask"``, or the name of a job's output.
    data : object
        The layer's data when it was made; a layer that holds other data has been edited.
    """

    noun: Noun
    role: str
    data: Any

    @property
    def record(self) -> Record | None:
        """The run that made the noun."""
        return record_of(self.noun)

    @property
    def checksum(self) -> str:
        """The noun's checksum."""
        return checksum_of(self.noun)


class Edited(Protocol):
    """What a layer under edit is a view of."""

    def snapshot(self) -> Any:
        """The noun as it is now."""

    def reason(self) -> str:
        """Why the layer does not show that noun, or an empty text where it does."""


edited: WeakKeyDictionary[Any, Edited] = WeakKeyDictionary()
"""The layers that are under edit."""


def layers_from_noun(
    noun: Any, name: str, role: str = "map", levels: Sequence[Volume] = ()
) -> list[LayerData]:
    """The layers that show a noun, as napari's (data, attributes, type) tuples.

    Parameters
    ----------
    noun : Volume, Labels, Structure, Mesh or Particles
        What to show. Other nouns have no layer and give an empty list.
    name : str
        Name of the layer.
    role : str
        What it is for.
    levels : sequence of Volume
        The pyramid that a map's own file brings, the finest first.
    """
    if isinstance(noun, Volume):
        return [_image(noun, name, role, levels)]
    if isinstance(noun, Labels):
        return [_labels(noun, name, role)]
    if isinstance(noun, Structure):
        return [_atoms(noun, name), *_backbone(noun, name)]
    if isinstance(noun, Mesh):
        return [_surface(noun, name, role)]
    if isinstance(noun, Particles):
        from mapscope.viewer.particles.layers import particles_layers  # it needs this module

        return particles_layers(noun, name)
    return []


def tag_of(layer: Any) -> Tag | None:
    """What Mapscope knows of a layer, or None for a layer of someone else."""
    tag = layer.metadata.get(KEY)
    return tag if isinstance(tag, Tag) else None


def role_of(layer: Any) -> str:
    """What a layer is for; a foreign image is a map."""
    if layer.metadata.get(KEY) == TOOL:
        return TOOL
    tag = tag_of(layer)
    return "map" if tag is None else tag.role


def noun_from_layer(layer: Any) -> Any:
    """The noun that a layer shows: the very one it was made from while nobody changed it.

    Raises
    ------
    InputError
        If the layer cannot stand for a noun; the message says why.
    """
    reason = reason_against(layer)
    if reason:
        raise InputError(f"{layer.name}: {reason}")
    if layer in edited:
        return edited[layer].snapshot()
    tag = tag_of(layer)
    voxel_size, origin = place_of(layer)
    if tag is not None and (isinstance(tag.noun, IN_PLACE) or _is_unchanged(layer, tag)):
        return tag.noun
    if type(layer).__name__ == "Labels":
        return Labels(np.asarray(layer.data), voxel_size, origin)
    contrast = tag.noun.contrast if tag and isinstance(tag.noun, Volume) else 1
    own = as_given(layer.data)
    return Volume(own[0] if layer.multiscale else own, voxel_size, origin, contrast=contrast)


def reason_against(layer: Any) -> str:
    """Why a layer cannot be used by a job, or an empty text where it can."""
    kind = type(layer).__name__
    tag = tag_of(layer)
    if layer.metadata.get(KEY) == PASSING:
        return "only a part of another layer, shown for a while"
    if layer.metadata.get(KEY) == MAKING:
        return "still in the making: wait until its job is over"
    if role_of(layer) == TOOL:
        return "a tool that marks a place in a map"
    if layer in edited:
        return edited[layer].reason()
    if kind not in ("Image", "Labels") and tag is None:
        return "not a map or a structure that Mapscope opened"
    is_foreign_pyramid = tag is None and getattr(layer, "multiscale", False)
    if layer.ndim != 3 or getattr(layer, "rgb", False) or is_foreign_pyramid:
        return "not a three-dimensional map"
    linear, _ = _world_from_data(layer)
    if not np.allclose(linear, np.diag(np.diag(linear))) or not (np.diag(linear) > 0).all():
        return "rotated, sheared or mirrored: use the job on the layer before it was turned"
    if angstroms_per_unit(layer) is None:
        return NO_VOXEL_SIZE
    if tag is not None and isinstance(tag.noun, IN_PLACE):
        return "" if _is_in_place(layer, tag.noun) else "moved or edited by hand"
    return ""


def angstroms_per_unit(layer: Any) -> tuple[float, ...] | None:
    """Å in one world unit of a layer along z, y, x, or None where it counts pixels."""
    factors = []
    for unit in layer.units:
        factor = _angstroms(unit)
        if factor is None:
            return None
        factors.append(factor)
    return tuple(factors)


@cache
def _angstroms(unit: Any) -> float | None:
    """Å in a unit, or None where it is not a length; kept, as every list of layers asks for it."""
    if unit.dimensionality != {"[length]": 1}:
        return None
    return float((1 * unit).to("angstrom").magnitude)


def place_of(layer: Any) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Voxel size and origin of a layer in Å, z, y, x."""
    factors = np.asarray(angstroms_per_unit(layer))
    linear, origin = _world_from_data(layer)
    z, y, x = np.diag(linear) * factors
    oz, oy, ox = origin * factors
    return (float(z), float(y), float(x)), (float(oz), float(oy), float(ox))


def _world_from_data(layer: Any) -> tuple[Array, Array]:
    """Matrix (3, 3) and shift (3,) from a layer's data coordinates to its world units."""
    shift = np.asarray(layer.data_to_world((0, 0, 0)))
    columns = [np.asarray(layer.data_to_world(axis)) - shift for axis in np.eye(3)]
    return np.stack(columns, axis=1), shift


def _is_unchanged(layer: Any, tag: Tag) -> bool:
    """Whether a map or labels still show their noun, in the noun's place."""
    noun = tag.noun
    if not isinstance(noun, Volume | Labels) or not _holds(layer, tag.data):
        return False
    return np.allclose(place_of(layer), (noun.voxel_size, noun.origin))


def _holds(layer: Any, data: Any) -> bool:
    """Whether a layer's data, or the finest level of them, are these very data."""
    own = as_given(layer.data)
    if getattr(layer, "multiscale", False):
        return isinstance(data, list) and own[0] is data[0]
    return own is data


def as_given(data: Any) -> Any:
    """A layer's data, or each level of them, without what is done to them for the eye only."""
    if isinstance(data, Sequence):
        return [as_given(level) for level in data]
    return getattr(data, BEHIND, data)


def _is_in_place(layer: Any, noun: Structure | Mesh | Particles) -> bool:
    """Whether points or a surface are where their noun has them, none moved or deleted."""
    if not np.allclose(place_of(layer), ((1, 1, 1), (0, 0, 0))):
        return False
    if type(layer).__name__ != "Points" or isinstance(noun, Mesh):
        return True
    return np.array_equal(layer.data, noun.positions)


def shares_grid(layer: Any, other: Any) -> bool:
    """Whether two maps or labels have as many voxels in the same places."""
    shapes = [
        (la.data[0] if getattr(la, "multiscale", False) else la.data).shape for la in (layer, other)
    ]
    return shapes[0] == shapes[1] and np.allclose(place_of(layer), place_of(other))


def base_name(name: str) -> str:
    """A layer's name without what jobs have added to it."""
    return name.split(SEPARATOR)[0]


def _image(volume: Volume, name: str, role: str, levels: Sequence[Volume]) -> LayerData:
    """A map as an image layer with a contour level; a huge one through coarser copies."""
    data: Any = volume.data
    if volume.data.nbytes > LARGE_BYTES and len(levels) > 1:
        data = [level.data for level in levels]
    elif volume.data.nbytes > LARGE_BYTES:
        data = [volume.data, coarse_sample(volume.data, FIRST_LOOK)]
    elif data.dtype.newbyteorder("=").str[1:] not in DISPLAYABLE or not data.dtype.isnative:
        data = volume.float32()
    attributes = {
        "name": name,
        "scale": volume.voxel_size,
        "translate": volume.origin,
        "rendering": "iso",
        "projection_mode": "none",
        "multiscale": isinstance(data, list),
        "metadata": {KEY: Tag(volume, role, data)},
        **look_of(_first_seen(volume, levels), role),
        **SPACE,
    }
    return data, attributes, "image"


def _first_seen(volume: Volume, levels: Sequence[Volume]) -> Volume:
    """What contrast and contour are measured on: a coarser level where the file brings one."""
    small = [level for level in levels if level.data.nbytes <= LARGE_BYTES // 4]
    return small[0] if small else volume


def _labels(labels: Labels, name: str, role: str) -> LayerData:
    """Labels as a labels layer, in their own colours, which names their numbers."""
    attributes: dict[str, Any] = {
        "name": name,
        "scale": labels.voxel_size,
        "translate": labels.origin,
        "metadata": {KEY: Tag(labels, role, labels.data)},
        **SPACE,
    }
    if labels.colors:
        attributes["colormap"] = {None: "transparent", **labels.colors}
    if labels.names:
        numbers = sorted(labels.names)
        names = [labels.names[number] for number in numbers]
        attributes["features"] = {"index": numbers, "name": names}
    return labels.data, attributes, "labels"


def _atoms(structure: Structure, name: str) -> LayerData:
    """All atoms as points, coloured by element."""
    colors = [ELEMENT_COLORS.get(str(e), OTHER_ELEMENT) for e in structure.elements]
    attributes = {
        "name": f"{name}{SEPARATOR}atoms",
        "size": 1.2,
        "face_color": colors,
        "border_width": 0.0,
        "shading": "spherical",
        "visible": len(structure) <= 2000,
        "features": {
            "chain": structure.chains,
            "residue": structure.residue_names,
            "number": structure.residue_numbers,
            "atom": structure.atom_names,
            "b_factor": structure.b_factors,
        },
        "metadata": {KEY: Tag(structure, "structure", structure.positions)},
        **SPACE,
    }
    return np.array(structure.positions), attributes, "points"


def _backbone(structure: Structure, name: str) -> list[LayerData]:
    """Cα and P atoms joined into a path for each unbroken stretch of each chain."""
    paths, colors = [], []
    chosen = np.flatnonzero(structure.is_backbone)
    for n, chain in enumerate(dict.fromkeys(structure.chains[chosen])):
        positions = structure.positions[chosen[structure.chains[chosen] == chain]]
        steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
        breaks = np.flatnonzero(steps > 8.0) + 1
        pieces = [p for p in np.split(positions, breaks) if len(p) > 1]
        paths += pieces
        colors += [CHAIN_COLORS[n % len(CHAIN_COLORS)]] * len(pieces)
    if not paths:
        return []
    attributes = {
        "name": f"{name}{SEPARATOR}backbone",
        "shape_type": "path",
        "edge_color": colors,
        "edge_width": 0.8,
        "opacity": 1.0,
        "metadata": {KEY: Tag(structure, "backbone", structure.positions)},
        **SPACE,
    }
    return [(paths, attributes, "shapes")]


def _surface(mesh: Mesh, name: str, role: str) -> LayerData:
    """A mesh as a surface layer."""
    parts = [np.array(mesh.vertices), np.array(mesh.faces)]
    if mesh.values is not None:
        parts.append(np.array(mesh.values))
    tag = Tag(mesh, role, parts)
    return tuple(parts), {"name": name, "metadata": {KEY: tag}, **SPACE}, "surface"
