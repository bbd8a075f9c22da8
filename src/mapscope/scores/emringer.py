"""EMRinger: whether density around side chains peaks where side chains can be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import ResidueList
from mapscope.scores.chi1_scan import ANGLES, Chi1Scan

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

THRESHOLDS = 20
ROTAMERIC_SHARE = 39 / 72
"""Share of the angles within 30° of a rotamer, both ends included, that chance would give."""

WINDOW = 10

_FLAT = 1e-12


@dataclass(frozen=True)
class EMRingerScore:
    """How much more often than by chance side-chain density peaks at a rotamer.

    Parameters
    ----------
    score : float
        10 z / √residues at the best threshold. Above 1 is good for a map near 4 Å; a random
        placement gives 0.
    z_score : float
        z at that threshold.
    threshold : float
        Density above which peaks count there.
    rotameric : float
        Share of these peaks that are rotameric.
    residues : int
        Residues scanned.
    """

    score: float
    z_score: float
    threshold: float
    rotameric: float
    residues: int


@dataclass(frozen=True, eq=False)
class ThresholdScan:
    """The statistic at each threshold, arrays of shape (thresholds,).

    Parameters
    ----------
    threshold : float64 array
        From the mean density of all scans towards the highest.
    peaks : int64 array
        Peaks above it.
    rotameric : float64 array
        Share of them at a rotamer.
    z_score, score : float64 arrays
        Difference from chance in standard deviations, and 10 z / √residues.
    """

    threshold: Floats
    peaks: npt.NDArray[np.int64]
    rotameric: Floats
    z_score: Floats
    score: Floats


def is_rotameric(angles: npt.ArrayLike) -> Mask:
    """Whether χ1 angles in degrees lie within 30° of 60, 180 or 300: (30, 90] and so on.

    One end of each band belongs to it, as in cctbx, so that half of the circle does.

    Examples
    --------
    >>> is_rotameric([30, 35, 90, 95, 180, 300, 360]).tolist()
    [False, True, True, False, True, True, False]
    """
    within = np.mod(np.asarray(angles, dtype=np.float64), 120)
    return np.asarray((within > 30) & (within <= 90))


def scan_thresholds(density: npt.ArrayLike) -> ThresholdScan:
    """The EMRinger statistic at 20 thresholds, from the mean of all scans towards the highest.

    The highest point of each scan is its peak. It ends before the first threshold at which no
    peak is rotameric.

    Parameters
    ----------
    density : array (residues, 72)
        Density at `ANGLES`.

    Returns
    -------
    ThresholdScan
        Empty where there is no residue, all density is equal, or no peak is rotameric.

    References
    ----------
    Barad et al. (2015) Nat. Methods 12, 943-946.
    """
    scans = np.asarray(density, dtype=np.float64).reshape(-1, len(ANGLES))
    highest = scans.max(axis=1) if len(scans) else np.zeros(0)
    mean = float(scans.mean()) if len(scans) else 0.0
    rise = float(highest.max(initial=mean)) - mean
    is_flat = rise <= _FLAT * float(np.abs(scans).max(initial=0.0))
    threshold = mean + rise / THRESHOLDS * np.arange(0 if is_flat else THRESHOLDS)
    is_peak = scans == highest[:, None]
    in_scan = is_peak.sum(axis=1)
    rotameric_in_scan = (is_peak & is_rotameric(ANGLES)).sum(axis=1)
    above = highest > threshold[:, None]
    peaks = (above * in_scan).sum(axis=1)
    rotameric = (above * rotameric_in_scan).sum(axis=1)
    last = int(np.argmin(rotameric > 0)) if (rotameric == 0).any() else len(rotameric)
    peaks, rotameric, threshold = peaks[:last], rotameric[:last], threshold[:last]
    expected = ROTAMERIC_SHARE * peaks
    z_score = (rotameric - expected) / np.sqrt(expected * (1 - ROTAMERIC_SHARE))
    share = rotameric / np.maximum(peaks, 1)
    score = 10 * z_score / math.sqrt(max(len(scans), 1))
    curves = (np.asarray(v, dtype=np.float64) for v in (share, z_score, score))
    return ThresholdScan(np.asarray(threshold), peaks, *curves)


def emringer_score(density: npt.ArrayLike) -> EMRingerScore | None:
    """The EMRinger score of scans of χ1, at the best of 20 thresholds.

    Parameters
    ----------
    density : array (residues, 72)
        Density at `ANGLES`, as `scan_chi1` gives it.

    Returns
    -------
    EMRingerScore or None
        None where there is no residue, all density is equal, or no peak is rotameric.

    References
    ----------
    Barad et al. (2015) Nat. Methods 12, 943-946.
    """
    scan = scan_thresholds(density)
    if not len(scan.threshold):
        return None
    best = int(scan.z_score.argmax())
    return EMRingerScore(
        score=float(scan.score[best]),
        z_score=float(scan.z_score[best]),
        threshold=float(scan.threshold[best]),
        rotameric=float(scan.rotameric[best]),
        residues=len(np.asarray(density)),
    )


def rolling_rotameric(
    scan: Chi1Scan, residues: ResidueList, threshold: float, *, window: int = WINDOW
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """How rotameric the stretch of its chain around each scanned residue is.

    Parameters
    ----------
    scan : Chi1Scan
        Of n residues.
    residues : ResidueList
        The structure's.
    threshold : float
        Density above which a peak counts.
    window : int
        Residue numbers to either side.

    Returns
    -------
    scanned : int64 array (n,)
        Scanned residues within the window.
    above : float64 array (n,)
        Share of these whose peak is above the threshold.
    rotameric : float64 array (n,)
        Share of those that are rotameric, NaN where there are none.

    References
    ----------
    Barad et al. (2015) Nat. Methods 12, 943-946.
    """
    scanned = np.zeros(len(scan), dtype=np.int64)
    above, rotameric = np.zeros(len(scan)), np.zeros(len(scan))
    is_above = scan.peaks > threshold
    is_good = is_above & is_rotameric(scan.peak_angles)
    chains, numbers = residues.chains[scan.residues], residues.numbers[scan.residues]
    for chain in dict.fromkeys(chains.tolist()):
        members = np.flatnonzero(chains == chain)
        order = members[np.argsort(numbers[members], kind="stable")]
        place = numbers[order].astype(np.int64)
        first = np.searchsorted(place, place - window, side="left")
        last = np.searchsorted(place, place + window, side="right")
        scanned[order] = last - first
        for flags, sums in ((is_above, above), (is_good, rotameric)):
            running = np.concatenate([[0], np.cumsum(flags[order])])
            sums[order] = running[last] - running[first]
    share = np.divide(rotameric, above, out=np.full(len(scan), np.nan), where=above > 0)
    return scanned, np.divide(above, np.maximum(scanned, 1)), share
