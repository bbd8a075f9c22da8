"""What a comparison of two maps finds, as tables with the way to plot them."""

from __future__ import annotations

import numpy as np

from mapscope.density.shells import HalfMapCurves
from mapscope.scores.directional import DirectionalCurves
from mapscope.scores.spectra import distances_of
from mapscope.table import Plot, Table


def curve_table(curves: HalfMapCurves, resolution: float | None) -> Table:
    """FSC of two maps, one row for each shell.

    Parameters
    ----------
    curves : HalfMapCurves
        Unmasked, and with a mask masked, phase-randomised and corrected.
    resolution : float, optional
        Å at FSC 0.143, to mark; None says that they agree to Nyquist.
    """
    columns = {
        "frequency": curves.frequency,
        "resolution": distances_of(curves.frequency),
        "unmasked": curves.unmasked,
    }
    names = ("masked", "phase_randomised", "corrected")
    columns |= {name: v for name in names if (v := getattr(curves, name)) is not None}
    columns["coefficients"] = curves.count
    plot = Plot(
        x="frequency",
        y=tuple(name for name in ("unmasked", *names) if name in columns),
        x_label="spatial frequency (1/Å)",
        y_label="FSC",
        levels={"0.143": 0.143, "0.5": 0.5},
        marks={} if resolution is None else {f"{resolution:.2f} Å": 1 / resolution},
        reciprocal_x=True,
        headline="the maps agree to Nyquist"
        if resolution is None
        else f"{resolution:.2f} Å at FSC 0.143",
    )
    return Table(columns, {"frequency": "1/Å", "resolution": "Å"}, plot)


def directional_table(cones: DirectionalCurves | None) -> Table:
    """FSC over all directions and in the worst and the best cone; empty without cones."""
    units = {"frequency": "1/Å", "resolution": "Å"}
    names = ("all", "worst", "best")
    if cones is None:
        return Table({name: np.zeros(0) for name in (*units, *names)}, units)
    columns = {
        "frequency": cones.frequency,
        "resolution": distances_of(cones.frequency),
        "all": cones.whole,
        "worst": cones.fsc[cones.nearest(cones.worst_axis)],
        "best": cones.fsc[int(cones.area.argmax())],
    }
    plot = Plot(
        x="frequency",
        y=names,
        x_label="spatial frequency (1/Å)",
        y_label="FSC in a cone",
        levels={"0.143": 0.143},
        reciprocal_x=True,
        headline=f"worst direction {cones.anisotropy:.0%} of the best",
    )
    return Table(columns, units, plot)


def direction_table(cones: DirectionalCurves | None) -> Table:
    """Axis (z, y, x), mean FSC and resolution of each cone; empty without cones."""
    units = {"resolution": "Å"}
    if cones is None:
        return Table({name: np.zeros(0) for name in ("z", "y", "x", "mean_fsc", *units)}, units)
    z, y, x = cones.directions.T
    columns = {"z": z, "y": y, "x": x, "mean_fsc": cones.area, "resolution": cones.resolution()}
    return Table(columns, units)
