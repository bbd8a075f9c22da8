"""What the numbers of a map say, from an even sample of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mapscope.density.level import first_contour_level, sample
from mapscope.errors import DataError
from mapscope.inspection.catalogue import finding
from mapscope.inspection.finding import Finding, Kind
from mapscope.volume import Array, Volume

# Real maps, EM and crystal, whole and cut out, have a skewness from 0.87 up, a subtomogram
# average of 20³ voxels -0.03, tomograms and noise -0.3 to 0.3.
INVERTED_BELOW = -0.5
# A background without noise: 39 to 98 % of the voxels of masked maps lie within 1e-3 standard
# deviations of one value, at most 5 % of others.
_BACKGROUND_WITHIN = 1e-3
_BACKGROUND_SHARE = 0.3
# Median density beside the background over that inside: 0.01 to 0.12 behind soft edges (a
# raised cosine of 6 Å, and those of Phenix), 0.16 to 0.85 behind hard ones.
_SOFT_BELOW = 0.14
# Share of a face above the contour level: 0 in whole and masked maps, 0.05 to 0.1 in cut ones.
_CUT_ABOVE = 0.02
_CLIPPED_SHARE = 0.001
_CLIPPED_NUMBER = 20
_LEAST_EDGE = 8
_PLANES = 24
_FACE = 512


@dataclass(frozen=True)
class Values:
    """Statistics of a sample of a map's numbers.

    Parameters
    ----------
    number, bad : int
        Numbers looked at, and how many of them are not finite.
    low, high, mean, deviation : float
        Of those that are finite.
    skewness, kurtosis : float
        Third and fourth standardised moment; 0 and 3 for noise.
    low_share, high_share : float
        Share of the numbers that are exactly the lowest, and the highest.
    background : float or None
        The value that 30 % of the voxels or more share, where there is one.
    background_share : float
        How many do.
    one_share : float
        Share of numbers that are exactly 1.
    is_whole : bool
        Whether all are whole numbers.
    is_exact : bool
        Whether these are all numbers of the map.
    """

    number: int
    bad: int
    low: float
    high: float
    mean: float
    deviation: float
    skewness: float
    kurtosis: float
    low_share: float
    high_share: float
    background: float | None
    background_share: float
    one_share: float
    is_whole: bool
    is_exact: bool

    @property
    def is_constant(self) -> bool:
        """Whether all numbers are equal."""
        return not self.high > self.low


def values_of(data: Array, most: int = 2_000_000) -> Values:
    """Statistics of at most about `most` voxels of an array (z, y, x), evenly spread."""
    taken = sample(data, most)
    good = taken[np.isfinite(taken)]
    bad, number = taken.size - good.size, taken.size
    if not good.size:
        good = np.zeros(1, np.float32)
    mean = float(good.mean(dtype=np.float64))
    centred = good - np.float32(mean)
    square = centred * centred
    deviation = float(np.sqrt(square.mean(dtype=np.float64)))
    scale = deviation or 1.0
    low, high = float(good.min()), float(good.max())
    background, share = _background(data, good, deviation)
    return Values(
        number=number,
        bad=bad,
        low=low,
        high=high,
        mean=mean,
        deviation=deviation,
        skewness=float((square * centred).mean(dtype=np.float64)) / scale**3,
        kurtosis=float((square * square).mean(dtype=np.float64)) / scale**4,
        low_share=_share(good, low),
        high_share=_share(good, high),
        background=background,
        background_share=share,
        one_share=_share(good, 1.0),
        is_whole=bool((np.rint(good[:10_000]) == good[:10_000]).all())
        and bool((np.rint(good) == good).all()),
        is_exact=number == data.size,
    )


def _share(values: npt.NDArray[np.float32], value: float) -> float:
    """Share of values that are exactly `value`."""
    return float((values == np.float32(value)).mean())


def _background(
    data: Array, values: npt.NDArray[np.float32], deviation: float
) -> tuple[float | None, float]:
    """The value of a background without noise and its share, or None and the largest share.

    Looked for are 0 and the values of the corners, as in
    :func:`mapscope.density.level.is_cut_out`, but a masked map may have been filtered since.
    """
    corners = {float(data[corner]) for corner in itertools.product((0, -1), repeat=3)}
    within = np.float32(_BACKGROUND_WITHIN * deviation)
    best, most = 0.0, 0.0
    for value in sorted({0.0} | {c for c in corners if np.isfinite(c)}):
        share = float((np.abs(values - np.float32(value)) <= within).mean())
        if share > most:
            best, most = value, share
    is_noise = data.dtype.kind in "iu" and _has_neighbours(values, best, most)
    return (None if is_noise or most < _BACKGROUND_SHARE else best), most


def _has_neighbours(values: npt.NDArray[np.float32], value: float, share: float) -> bool:
    """Whether the whole numbers beside a value are nearly as frequent, as noise makes them."""
    beside = max(_share(values, value - 1), _share(values, value + 1))
    return beside > share / 3


def some_planes(data: Array) -> list[npt.NDArray[np.float32]]:
    """At most 24 planes (y, x) of an array, evenly spread over its height."""
    chosen = np.unique(np.linspace(0, len(data) - 1, _PLANES).astype(int))
    return [np.asarray(data[z], dtype=np.float32) for z in chosen]


def has_flat_parts(data: Array) -> bool:
    """Whether four in five neighbours along x are equal, as in labels and not in density."""
    equal = [float((p[:, 1:] == p[:, :-1]).mean()) for p in some_planes(data) if p.shape[1] > 1]
    return bool(equal) and float(np.mean(equal)) > 0.8


def value_findings(
    volume: Volume, values: Values, kind: Kind, *, is_crystal: bool = False
) -> Iterator[Finding]:
    """What is wrong with the numbers of a volume.

    Parameters
    ----------
    volume : Volume
        The map.
    values : Values
        Statistics of its numbers.
    kind : str
        What it holds; masks and labels are left alone.
    is_crystal : bool
        Density of a crystal fills its box, and is never masked or inverted.
    """
    if values.bad:
        of = "" if values.is_exact else "an even sample of "
        yield finding(
            "not_finite",
            f"{values.bad:,} of {of}{values.number:,} numbers are NaN or infinite: filters and "
            "sums over the map give nothing else.",
        )
    if values.is_constant:
        yield finding("constant", f"All numbers are {values.low:g}: there is no density in it.")
        return
    if kind in ("map", "half map", "tomogram"):
        yield from _range_findings(volume, values, kind)
    if kind not in ("map", "half map") or is_crystal:
        return
    is_inverted = volume.contrast > 0 and values.skewness < INVERTED_BELOW
    if is_inverted:
        yield finding("contrast_inverted", inverted_meaning(values.skewness))
    yield from _mask_findings(volume, values, kind)
    if min(volume.shape) >= _LEAST_EDGE:
        yield from _cut_findings(replace(volume, contrast=-1) if is_inverted else volume)


def inverted_meaning(skewness: float) -> str:
    """What an inverted map means."""
    return (
        f"The long tail of the densities lies below zero (skewness {skewness:.2f}; maps have "
        "above 0.8): dark is dense, so that contours show solvent and models do not fit."
    )


def _range_findings(volume: Volume, values: Values, kind: Kind) -> Iterator[Finding]:
    """Clipped values, and few steps."""
    ends = {
        f"the lowest, {values.low:g}": (values.low_share, values.low),
        f"the highest, {values.high:g}": (values.high_share, values.high),
    }
    for name, (share, end) in ends.items():
        is_background = values.background is not None and end == values.background
        enough = share > _CLIPPED_SHARE and share * values.number >= _CLIPPED_NUMBER
        if enough and not is_background and values.background_share < 0.99:
            yield finding(
                "clipped",
                f"{100 * share:.2g} % of the voxels hold exactly {name}: density beyond was cut "
                "off when the file was made.",
            )
    if kind != "tomogram" and volume.header is not None and volume.header.mode == 0:
        step = (values.high - values.low) / 255
        yield finding(
            "coarse",
            f"The file stores one byte per voxel, in steps of {step / values.deviation:.2g} "
            "standard deviations.",
        )


def _mask_findings(volume: Volume, values: Values, kind: Kind) -> Iterator[Finding]:
    """A background without noise, and how sharply it begins."""
    if values.background is None:
        return
    edge = _edge_height(volume.data, values)
    code = "soft_mask" if edge < _SOFT_BELOW else "hard_mask"
    height = f"density beside it is {100 * edge:.0f} % as strong as inside"
    text = (
        f"{100 * values.background_share:.0f} % of the voxels hold {values.background:.3g} and no "
        f"noise; {height}. "
    )
    if kind == "half map":
        text += "The FSC of masked half maps is too high."
        yield finding(code, text, severity="warning")
    else:
        yield finding(code, text + "Noise and Guinier slope cannot be measured in it.")


def _edge_height(data: Array, values: Values) -> float:
    """Median density of the voxels beside the background over that of all inside."""
    beside, inside = [], []
    tolerance = np.float32(_BACKGROUND_WITHIN * values.deviation)
    for plane in some_planes(data):
        height = np.abs(plane - np.float32(values.background or 0.0))
        empty = height <= tolerance
        near = np.zeros_like(empty)
        near[:, 1:] |= empty[:, :-1]
        near[:, :-1] |= empty[:, 1:]
        beside.append(height[near & ~empty])
        inside.append(height[~empty])
    edges, rest = np.concatenate(beside), np.concatenate(inside)
    return float(np.median(edges) / np.median(rest)) if edges.size else 1.0


def _cut_findings(volume: Volume) -> Iterator[Finding]:
    """Density above the contour level on a face of the box."""
    try:
        level = first_contour_level(volume)
    except DataError:
        return
    names = ("first z", "last z", "first y", "last y", "first x", "last x")
    ends = itertools.product(range(3), (0, -1))
    shares = {n: _share_above(volume, level, *e) for n, e in zip(names, ends, strict=True)}
    cut = {name: share for name, share in shares.items() if share > _CUT_ABOVE}
    if cut:
        which = ", ".join(f"{name} {100 * share:.0f} %" for name, share in cut.items())
        yield finding(
            "density_cut",
            f"Above the contour level {level:.3g} lie, of the faces of the box: {which}. The "
            "molecule goes on beyond it; Fourier filters will carry it over to the other side.",
        )


def _share_above(volume: Volume, level: float, axis: int, end: int) -> float:
    """Share of one face of the box above a level."""
    index: list[int | slice] = [slice(None, None, max(n // _FACE, 1)) for n in volume.shape]
    index[axis] = end
    face = np.asarray(volume.data[tuple(index)], dtype=np.float32)
    return float((face * volume.contrast > level * volume.contrast).mean())
