"""The densest place near a click."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.picking.boxes import Singles, cut_box
from mapscope.picking.peaks import refined
from mapscope.volume import Volume

Floats = npt.NDArray[np.float64]

_DEVIATIONS = 3.0
_STRETCH = 64  # half voxels


def local_maximum(
    volume: Volume, position: npt.ArrayLike, radius: float, *, blur: float = 0.0
) -> Floats:
    """The densest place within a distance of a position, finer than voxels.

    Parameters
    ----------
    volume : Volume
        The tomogram, of which only a box is read. Dark is dense where its contrast is -1.
    position : three floats
        Å, z, y, x.
    radius : float
        How far to look, in Å.
    blur : float
        Standard deviation in Å of a Gaussian that the density is blurred with before; a third
        of a particle's radius finds its middle in noise.

    Returns
    -------
    float64 array (3,)
        Å, z, y, x; the position itself where no voxel of the tomogram is so near.

    Raises
    ------
    InputError
        If the radius is not positive.
    """
    if not radius > 0 or blur < 0:
        raise InputError(f"give a radius above 0 Å and a blur of at least 0, got {radius}, {blur}")
    start = np.asarray(position, dtype=np.float64)
    size = np.asarray(volume.voxel_size)
    centre = np.rint(volume.grid.index_from_world(start)).astype(np.int64)
    reach = np.ceil(radius / size).astype(np.int64) + 1
    density = _blurred(volume, centre - reach, centre + reach + 1, blur)
    index = np.moveaxis(np.indices(density.shape), 0, -1) + (centre - reach)
    places = volume.grid.world_from_index(index)
    is_near = ((places - start) ** 2).sum(axis=-1) <= radius**2
    is_near &= ((index >= 0) & (index < np.asarray(volume.shape))).all(axis=-1)
    if not is_near.any():
        return start
    best = np.unravel_index(np.argmax(np.where(is_near, density, -np.inf)), density.shape)
    found, _ = refined(density, np.array([best]))
    return np.asarray(volume.grid.world_from_index(found[0] + centre - reach))


def maximum_along_ray(
    volume: Volume,
    start: npt.ArrayLike,
    direction: npt.ArrayLike,
    *,
    radius: float = 0.0,
    blur: float = 0.0,
) -> Floats | None:
    """The densest place on a ray through a tomogram, such as under the cursor in 3D.

    Parameters
    ----------
    volume : Volume
        The tomogram; boxes around the ray are read.
    start, direction : three floats
        Where the ray begins in Å and where it goes, z, y, x.
    radius : float
        Å around the place on the ray in which the densest is then looked for; 0 stays on the ray.
    blur : float
        As in `local_maximum`.

    Returns
    -------
    float64 array (3,) or None
        Å, z, y, x; None where the ray misses the tomogram.

    Raises
    ------
    InputError
        If the direction has no length.
    """
    path = _path(volume, start, direction)
    if path is None:
        return None
    # Stretch by stretch: the box around all of an oblique ray may be the whole tomogram.
    parts = [path[n : n + _STRETCH] for n in range(0, len(path), _STRETCH)]
    along = np.concatenate([_density_along(volume, part, blur) for part in parts])
    best = np.asarray(path[int(np.argmax(along))])
    return local_maximum(volume, best, radius, blur=blur) if radius > 0 else best


def _density_along(volume: Volume, places: Floats, blur: float) -> Singles:
    """Density (n,) at places that lie together, by linear interpolation."""
    from scipy.ndimage import map_coordinates

    index = volume.grid.index_from_world(places)
    lower = np.floor(index.min(axis=0)).astype(np.int64) - 1
    density = _blurred(volume, lower, np.ceil(index.max(axis=0)).astype(np.int64) + 2, blur)
    found = map_coordinates(density, (index - lower).T, np.float32, order=1, mode="nearest")
    return np.asarray(found)


def _path(volume: Volume, start: npt.ArrayLike, direction: npt.ArrayLike) -> Floats | None:
    """Places every half voxel along the part of a ray inside a tomogram, (n, 3) in Å."""
    origin, towards = (np.asarray(a, dtype=np.float64) for a in (start, direction))
    length = float(np.linalg.norm(towards))
    if not length > 0:
        raise InputError("a ray needs a direction: got three zeros")
    towards = towards / length
    ends = volume.grid.world_from_index([np.zeros(3), np.asarray(volume.shape) - 1.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = (ends - origin) / towards
    is_inside = (origin >= ends[0]) & (origin <= ends[1])
    parallel = np.where(is_inside, np.array([[-np.inf], [np.inf]]), np.array([[np.inf], [-np.inf]]))
    crossings = np.where(towards == 0, parallel, np.sort(crossings, axis=0))
    first, last = max(0.0, float(crossings[0].max())), float(crossings[1].min())
    if last < first:
        return None
    steps = np.arange(first, last + 1e-9, 0.5 * min(volume.voxel_size))
    return np.asarray(origin + steps[:, None] * towards)


def _blurred(volume: Volume, lower: npt.ArrayLike, upper: npt.ArrayLike, blur: float) -> Singles:
    """A box of density, dense positive, blurred with what lies around it."""
    from scipy.ndimage import gaussian_filter

    deviation = blur / np.asarray(volume.voxel_size)
    margin = np.ceil(_DEVIATIONS * deviation).astype(np.int64)
    first = np.asarray(lower) - margin
    z, y, x = (int(n) for n in np.asarray(upper) + margin - first)
    data = cut_box(volume.data, first, (z, y, x)).data * np.float32(volume.contrast)
    if blur:
        data = gaussian_filter(data, deviation, truncate=_DEVIATIONS)
    inner = tuple(slice(int(m), n - int(m)) for m, n in zip(margin, data.shape, strict=True))
    return np.ascontiguousarray(data[inner])
