"""Whether a confidence can be believed: how often what is called right is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.table import Plot, Table
from mapscope.volume import Array

LEVELS = 1000
"""Steps of confidence that are told apart."""

BINS = 10


@dataclass(frozen=True, eq=False)
class Tally:
    """How often answers of each confidence were right; tallies of several maps can be added.

    Parameters
    ----------
    right, wrong : int64 arrays (1001,)
        Answers whose confidence was nearest to 0, 0.001 and so on to 1.
    total : float64 array (1001,)
        Sum of their confidences.
    """

    right: npt.NDArray[np.int64]
    wrong: npt.NDArray[np.int64]
    total: npt.NDArray[np.float64]

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.right + other.right, self.wrong + other.wrong, self.total + other.total)

    def __len__(self) -> int:
        return int((self.right + self.wrong).sum())

    @property
    def share_right(self) -> float:
        """Share of all answers that were right; NaN of none."""
        return float(self.right.sum() / len(self)) if len(self) else float("nan")

    def calibration_error(self, bins: int = BINS) -> float:
        """Expected calibration error, 0 to 1; NaN of no answers.

        Mean distance of the share of right answers from their mean confidence, over bins of
        confidence of equal width, each weighted by its answers.

        References
        ----------
        Guo, Pleiss, Sun & Weinberger (2017) ICML, PMLR 70, 1321, equation 3.
        """
        counts, shares, means = self.binned(bins)
        known = counts > 0
        if not known.any():
            return float("nan")
        distance = np.abs(shares[known] - means[known])
        return float((distance * counts[known]).sum() / counts.sum())

    def binned(
        self, bins: int = BINS
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Answers, share of right ones and mean confidence of each bin, (bins,); NaN of none."""
        which = np.minimum(np.arange(LEVELS + 1) * bins // LEVELS, bins - 1)
        right, wrong, total = (
            np.bincount(which, v, minlength=bins) for v in (self.right, self.wrong, self.total)
        )
        counts = right + wrong
        shares, means = (
            np.divide(v, counts, out=np.full(bins, np.nan), where=counts > 0)
            for v in (right, total)
        )
        return counts.astype(np.int64), shares, means

    def detection(self) -> float:
        """AUROC of "this is wrong": the chance that a wrong answer is less sure than a right one.

        Equal confidences count half. 0.5 is a confidence that says nothing; NaN where all
        answers are right, or all wrong.

        References
        ----------
        Fawcett (2006) Pattern Recognit. Lett. 27, 861, section 7.
        """
        pairs = float(self.right.sum()) * float(self.wrong.sum())
        if not pairs:
            return float("nan")
        surer = self.right[::-1].cumsum()[::-1] - self.right
        return float((self.wrong * (surer + 0.5 * self.right)).sum() / pairs)

    def table(self, bins: int = BINS) -> Table:
        """The reliability diagram: share of right answers against confidence, with its plot."""
        counts, shares, means = self.binned(bins)
        known = counts > 0
        columns = {
            "confidence": means[known],
            "right": shares[known],
            "perfect": means[known],
            "voxels": counts[known],
        }
        error, detected = self.calibration_error(bins), self.detection()
        plot = Plot(
            x="confidence",
            y=("right", "perfect"),
            x_label="confidence",
            y_label="share that is right",
            title="Reliability of the confidence",
            headline=f"calibration error {error:.3f}, wrong voxels told at AUROC {detected:.2f}",
        )
        return Table(columns, {}, plot)


def tally(confidence: Array, is_right: Array) -> Tally:
    """How often answers of each confidence were right.

    Parameters
    ----------
    confidence : float array
        Chance that each answer is right, 0 to 1.
    is_right : bool array of the same shape
        Whether it is.

    Raises
    ------
    InputError
        If the shapes differ, or a confidence is no chance.

    Examples
    --------
    >>> found = tally(np.array([0.9, 0.9, 0.2, 0.1]), np.array([True, True, False, False]))
    >>> found.share_right, found.detection(), round(found.calibration_error(), 3)
    (0.5, 1.0, 0.125)
    """
    chances = np.asarray(confidence, dtype=np.float64).ravel()
    right = np.asarray(is_right, dtype=np.bool_).ravel()
    if chances.shape != right.shape:
        raise InputError(f"{chances.size} confidences do not fit {right.size} answers")
    if not (np.isfinite(chances).all() and (chances >= 0).all() and (chances <= 1).all()):
        raise InputError("a confidence is a chance, 0 to 1, and some are not")
    level = np.rint(chances * LEVELS).astype(np.int64)
    counts = [np.bincount(level[flags], minlength=LEVELS + 1) for flags in (right, ~right)]
    total = np.bincount(level, chances, minlength=LEVELS + 1).astype(np.float64)
    return Tally(counts[0], counts[1], total)


def is_right(volume: Array, truth: Array, inside: Array) -> npt.NDArray[np.bool_]:
    """Whether each voxel is within half the truth's standard deviation in the molecule of it.

    Parameters
    ----------
    volume, truth : arrays (z, y, x)
        In the same units.
    inside : bool array (z, y, x)
        The molecule.

    Raises
    ------
    InputError
        If the truth is constant there.
    """
    spread = float(np.asarray(truth)[inside].std(dtype=np.float64)) if inside.any() else 0.0
    if not spread > 0:
        raise InputError("the truth is constant in the molecule: nothing there is right or wrong")
    return np.asarray(np.abs(np.asarray(volume) - np.asarray(truth)) < spread / 2)
