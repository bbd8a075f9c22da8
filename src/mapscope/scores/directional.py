"""Fourier shell correlation by direction, and whether a map is as good along every axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, frequencies, transform
from mapscope.density.shells import first_below, resolution_interpolated
from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Volume, require_same_grid

Floats = npt.NDArray[np.float64]

PREFERRED_BELOW = 0.5
"""Ratio of the areas of worst and best cone below which orientations are called preferred."""

REPEATED_ABOVE = 0.5
"""Correlation over the cones of areas from some shells and from others: below it is noise."""

_PIXEL = 3.0
_DIRECTIONS = 400
_LEAST_COEFFICIENTS = 20
_LEAST_SHELLS = 3
_BLOCK = 3


@dataclass(frozen=True, eq=False)
class DirectionalCurves:
    """FSC of two maps in cones about many directions.

    Parameters
    ----------
    frequency : float64 array (shells,)
        1/Å; the first is 0.
    whole : float64 array (shells,)
        FSC over all directions.
    directions : float64 array (directions, 3)
        Axes of the cones, unit vectors z, y, x, on half a sphere.
    fsc : float64 array (directions, shells)
        FSC in each cone; NaN where it holds fewer than 20 coefficients.
    used : bool array (shells,)
        Shells that areas are taken over: every cone has 20 coefficients, and the whole FSC has
        not yet fallen below 0.143.
    """

    frequency: Floats
    whole: Floats
    directions: Floats
    fsc: Floats
    used: npt.NDArray[np.bool_]

    @property
    def area(self) -> Floats:
        """Mean FSC of each cone over the shells used, (directions,)."""
        return np.asarray(self.fsc[:, self.used].mean(axis=1))

    @property
    def anisotropy(self) -> float:
        """Area of the worst cone over that of the best: 1 is the same all around, 0 nothing."""
        area = self.area
        return float(max(area.min(), 0.0) / area.max()) if area.max() > 0 else 0.0

    @property
    def repeatability(self) -> float:
        """How alike the areas of two sets of shells are over the cones, -1 to 1.

        Blocks of three shells go to one set and the other in turn, since neighbours depend on
        each other. Near 0 what differs between directions is noise.
        """
        used = np.flatnonzero(self.used)
        size = _BLOCK if len(used) >= 4 * _BLOCK else 1
        is_odd = (np.arange(len(used)) // size) % 2 == 1
        odd, even = (self.fsc[:, used[which]].mean(axis=1) for which in (is_odd, ~is_odd))
        odd, even = odd - odd.mean(), even - even.mean()
        norm = math.sqrt(float((odd**2).sum() * (even**2).sum()))
        return float((odd * even).sum() / norm) if norm > 0 else 0.0

    @property
    def is_preferred(self) -> bool:
        """Whether so much lacks along a direction, beyond noise, that views must be missing."""
        return self.anisotropy < PREFERRED_BELOW and self.repeatability > REPEATED_ABOVE

    @property
    def worst_axis(self) -> tuple[float, float, float]:
        """Unit vector z, y, x about which the FSC is lowest.

        The principal axis of what cones lack of the middle one, beyond half of the most that one
        lacks: finer than the spacing of the directions. Shells count by the FSC over all
        directions and by their coefficients, so that noise matters least.
        """
        weight = np.maximum(self.whole, 0) * self.frequency**2 * self.used
        found = np.nan_to_num(self.fsc) @ weight
        lack = np.median(found) - found
        lack = np.maximum(lack - lack.max() / 2, 0)
        tensor = (self.directions * lack[:, None]).T @ self.directions
        axis = np.linalg.eigh(tensor)[1][:, -1]
        z, y, x = axis * (1.0 if axis[np.abs(axis).argmax()] > 0 else -1.0)
        return float(z), float(y), float(x)

    def resolution(self, threshold: float = 0.143) -> Floats:
        """Å where each cone's FSC first crosses a threshold, NaN where it does not."""
        found = [
            resolution_interpolated(self.frequency, np.nan_to_num(curve, nan=1.0), threshold)
            for curve in self.fsc
        ]
        values = [np.nan if value is None else value for value in found]
        return np.where(np.isfinite(values), values, np.nan)

    def nearest(self, axis: npt.ArrayLike) -> int:
        """Index of the cone whose axis is nearest to a direction z, y, x."""
        return int(np.abs(self.directions @ np.asarray(axis, dtype=np.float64)).argmax())


def directional_correlation(
    first: Volume,
    second: Volume,
    mask: Volume | None = None,
    *,
    half_angle: float = 20.0,
    progress: Progress = silent,
) -> DirectionalCurves:
    """FSC of two maps in cones about directions all around.

    A cone holds the coefficients within an angle of its axis, on both sides. Coefficients are
    first summed in pixels of 3° on the sphere, so that the time does not grow with the number
    of cones.

    Parameters
    ----------
    first, second : Volume
        Half maps, or a map and a reference, on one grid.
    mask : Volume, optional
        0 to 1 with a soft edge, round if it can be: a mask with a shape blurs the directions.
    half_angle : float
        Degrees, 5 to 60. Smaller cones tell directions better apart and are noisier.
    progress : callable
        Called once per z plane.

    Raises
    ------
    InputError
        If the angle is out of range.
    GridError
        If a grid differs.
    DataError
        If the mask is 0 everywhere, or the maps agree in fewer than three shells.

    References
    ----------
    Tan et al. (2017) Nat. Methods 14, 793: FSC in cones of 20° and what preferred orientations
    do to it. The ratio of areas follows the conical FSC area ratio (cFAR) of cryoSPARC, which
    calls values below 0.5 a sign of preferred orientation.
    """
    if not 5 <= half_angle <= 60:
        raise InputError(f"the half angle of a cone must be 5 to 60 degrees, got {half_angle}")
    require_same_grid(first, second)
    fts = [
        transform(_masked(volume, mask, part(progress, number, number + 1, 4)))
        for number, volume in enumerate((first, second))
    ]
    shells = Shells(first.grid, "full")
    pixels = _Pixels(_PIXEL)
    sums = _sums_over_pixels(fts[0], fts[1], shells, pixels, part(progress, 2, 4, 4))
    whole = _correlation(sums.sum(axis=1))
    directions = directions_on_half_sphere(_DIRECTIONS)
    in_cone = np.abs(directions @ pixels.centres.T) >= math.cos(math.radians(half_angle))
    of_cones = np.einsum("dp,kps->kds", in_cone.astype(np.float64), sums, optimize=True)
    fsc = np.where(of_cones[3] >= _LEAST_COEFFICIENTS, _correlation(of_cones), np.nan)
    drop = first_below(whole, 0.143)
    used = np.isfinite(fsc).all(axis=0) & (np.arange(shells.number) < (drop or shells.number))
    if used.sum() < _LEAST_SHELLS:
        raise DataError(
            f"the maps agree in {int(used.sum())} shells with enough coefficients, too few to "
            "compare directions: check that both show the same thing in the same place, or take "
            "wider cones"
        )
    return DirectionalCurves(shells.frequency, whole, directions, fsc, used)


def directions_on_half_sphere(number: int) -> Floats:
    """Unit vectors z, y, x, evenly spread over the half sphere of positive x, (number, 3).

    References
    ----------
    González (2010) Math. Geosci. 42, 49: Fibonacci's lattice.
    """
    index = np.arange(number)
    x = (index + 0.5) / number
    turn = index * math.pi * (3 - math.sqrt(5))
    across = np.sqrt(1 - x**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), x], axis=-1)


class _Pixels:
    """The half sphere of positive x in bands of equal width, each cut into pixels as wide."""

    def __init__(self, size: float) -> None:
        self.bands = round(90 / size)
        middle = np.radians((np.arange(self.bands) + 0.5) * 90 / self.bands)
        self.per_band = np.maximum(1, np.rint(np.degrees(2 * np.pi * np.sin(middle)) / size))
        self.per_band = self.per_band.astype(np.intp)
        self.first = np.concatenate([[0], np.cumsum(self.per_band)])
        band = np.repeat(np.arange(self.bands), self.per_band)
        within = np.arange(len(self)) - self.first[band]
        turn = 2 * np.pi * (within + 0.5) / self.per_band[band]
        across = np.sin(middle)[band]
        self.centres = np.stack(
            [across * np.cos(turn), across * np.sin(turn), np.cos(middle)[band]], axis=-1
        )

    def __len__(self) -> int:
        return int(self.first[-1])

    def index(self, z: Array, y: Array, x: Array) -> npt.NDArray[np.intp]:
        """Pixel of each vector, whose x is not negative."""
        polar = np.arctan2(np.hypot(z, y), x)
        band = np.minimum((polar * (2 * self.bands / np.pi)).astype(np.intp), self.bands - 1)
        share = np.mod(np.arctan2(y, z) / (2 * np.pi), 1.0)
        within = np.minimum((share * self.per_band[band]).astype(np.intp), self.per_band[band] - 1)
        return np.asarray(self.first[band] + within)


def _masked(volume: Volume, mask: Volume | None, progress: Progress) -> Array:
    """The map under a mask.

    Raises
    ------
    DataError
        If the mask is 0 everywhere.
    """
    progress(0, 1, "Fourier transform")
    if mask is None:
        return volume.float32()
    require_same_grid(volume, mask, "the map", "the mask")
    window = mask.float32()
    if not window.any():
        raise DataError("the mask is 0 everywhere: make one that covers the particle")
    return volume.float32() * window


def _sums_over_pixels(
    first: Array, second: Array, shells: Shells, pixels: _Pixels, progress: Progress
) -> Floats:
    """Cross term, both powers and the count of each pixel and shell, (4, pixels, shells)."""
    planes, size = shells.grid.shape[0], shells.grid.shape[2]
    z, y, x = frequencies(shells.grid)
    weight = np.where((np.arange(size // 2 + 1) > 0) & (np.arange(size // 2 + 1) * 2 < size), 2, 1)
    number = shells.number
    total = np.zeros((4, len(pixels) * (number + 1)))
    for plane in range(planes):
        progress(plane, planes, "directional correlation")
        shell = shells.index(plane)
        place = pixels.index(*np.broadcast_arrays(z[plane], y, np.abs(x)))
        a, b = (ft[plane].astype(np.complex128) for ft in (first, second))
        terms = ((a * b.conj()).real, np.abs(a) ** 2, np.abs(b) ** 2, np.ones(a.shape))
        where = (place * (number + 1) + shell).ravel()
        for row, term in zip(total, terms, strict=True):
            row += np.bincount(where, (weight * term).ravel(), row.size)
    progress(planes, planes, "directional correlation")
    return total.reshape(4, len(pixels), number + 1)[..., :number]


def _correlation(sums: Floats) -> Floats:
    """Correlation from cross term and both powers, along the first axis; 0 without amplitude."""
    norm = np.sqrt(sums[1] * sums[2])
    return np.asarray(np.divide(sums[0], norm, out=np.zeros_like(norm), where=norm > 0))
