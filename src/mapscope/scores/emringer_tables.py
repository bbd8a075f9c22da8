"""What EMRinger finds, as tables with the way to plot them."""

from __future__ import annotations

import numpy as np

from mapscope.depiction.residues import ResidueList
from mapscope.scores.chi1_scan import ANGLES, Chi1Scan
from mapscope.scores.emringer import (
    WINDOW,
    emringer_score,
    is_rotameric,
    rolling_rotameric,
    scan_thresholds,
)
from mapscope.table import Plot, Table

ROTAMERS = {"60°": 60.0, "180°": 180.0, "300°": 300.0}


def threshold_table(scan: Chi1Scan) -> Table:
    """The statistic at each threshold; the plot marks the best one."""
    thresholds, score = scan_thresholds(scan.density), emringer_score(scan.density)
    columns = {
        "threshold": thresholds.threshold,
        "peaks": thresholds.peaks,
        "rotameric": thresholds.rotameric,
        "z_score": thresholds.z_score,
        "score": thresholds.score,
    }
    headline = "no EMRinger score" if score is None else f"EMRinger score {score.score:.2f}"
    plot = Plot(
        x="threshold",
        y=("score", "rotameric"),
        x_label="density above which peaks count",
        y_label="EMRinger score, share of rotameric peaks",
        title="EMRinger",
        marks={} if score is None else {"best": score.threshold},
        headline=headline,
    )
    return Table(columns, {}, plot)


def rolling_table(scan: Chi1Scan, residues: ResidueList) -> Table:
    """How rotameric each stretch of the chains is, one row for each scanned residue.

    Peaks count where their density is above the threshold of the EMRinger score.

    Parameters
    ----------
    scan : Chi1Scan
        The scans.
    residues : ResidueList
        The structure's.
    """
    score = emringer_score(scan.density)
    threshold = np.inf if score is None else score.threshold
    scanned, above, rotameric = rolling_rotameric(scan, residues, threshold)
    columns = {
        "position": scan.residues + 1,
        "chain": residues.chains[scan.residues],
        "number": residues.numbers[scan.residues],
        "scanned": scanned,
        "above_threshold": above,
        "rotameric": rotameric,
    }
    known = rotameric[np.isfinite(rotameric)]
    low = f", {np.mean(known < 0.5):.0%} of stretches below one half" if len(known) else ""
    plot = Plot(
        x="position",
        y=("rotameric", "above_threshold"),
        x_label="residue, counted through the model",
        y_label=f"share within {WINDOW} residues",
        title="EMRinger along the chains",
        levels={"one half": 0.5},
        headline=f"{len(scan):,} side chains scanned{low}",
    )
    return Table(columns, {}, plot)


def chi1_table(scan: Chi1Scan, residues: ResidueList, which: int) -> Table:
    """Density around χ1 of one scanned residue, with its rotamers, the model and the peak marked.

    Parameters
    ----------
    scan : Chi1Scan
        The scans.
    residues : ResidueList
        The structure's.
    which : int
        Row of the scan.
    """
    angle, peak = float(scan.angles[which]), float(scan.peak_angles[which])
    marks = {**ROTAMERS, "model": angle}
    verdict = "density is the same all around"
    if np.isfinite(peak):
        marks["peak"] = peak
        verdict = f"peak at {peak:.0f}°, {'' if is_rotameric(peak) else 'not '}rotameric"
    plot = Plot(
        x="chi1",
        y=("density",),
        x_label="χ1 (°)",
        y_label="density",
        title="Density around a side chain",
        marks=marks,
        headline=f"{residues.label(int(scan.residues[which]))}: {verdict}",
    )
    columns = {"chi1": ANGLES, "density": scan.density[which], "rotameric": is_rotameric(ANGLES)}
    return Table(columns, {"chi1": "°"}, plot)


def no_chi1_table(reason: str) -> Table:
    """A curve of χ1 without points, whose headline says why there are none."""
    columns = {
        "chi1": np.zeros(0),
        "density": np.zeros(0),
        "rotameric": np.zeros(0, dtype=np.bool_),
    }
    plot = Plot(x="chi1", y=("density",), x_label="χ1 (°)", y_label="density", headline=reason)
    return Table(columns, {"chi1": "°"}, plot)
