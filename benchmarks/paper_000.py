"""What the network of Mullick et al. makes of 20 crystal maps that it has never seen.

``python benchmarks/paper_000.py [--model NAME_OR_FILE] [--data DIR] [--table FILE]`` reads crystals
of the data folder (default: ``MAPSCOPE_DATA``) that belong to the test part of the split, brings
the map around each model onto a cubic grid of 1 Å, degrades it by
``mapscope.simulate.dilation.MULLICK`` as ``paper_000_degradation.py`` does, and gives it to the
model (default: ``paper_000_narrow``).

The table: EMRinger scores of the model in the degraded map, in what the network makes of it and in
the map as it was, the gain, how the degraded map and the output correlate with the map within 2 Å
of the model and everywhere, and how far the output lies off the map. Limits: 20 crystals; in the
mean the output's EMRinger score is at least twice that of the degraded map, and at least nine in
ten maps have a higher one. The exit status is 1 where one is missed. ``--table`` writes the rows as
JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from paper_000_degradation import (  # type: ignore[import-not-found]
    NUMBER,
    VOXEL_SIZE,
    Crystal,
    chosen,
    emringer,
    map_of,
    near,
)

from mapscope.density.fourier import transform
from mapscope.inference import load
from mapscope.inference.model import Model
from mapscope.simulate.dilation import MULLICK, dilate_and_blur
from mapscope.training.split import read_split
from mapscope.volume import Array, Volume

MODEL = "paper_000_narrow"
LEAST_GAIN, LEAST_SHARE = 2.0, 0.9
_CUT = 0.2
"""1/Å up to which maps are compared to find how far they are off each other."""


@dataclass(frozen=True)
class Row:
    """What became of one map."""

    crystal: str
    resolution: float
    emringer_input: float
    emringer_output: float
    emringer_truth: float
    correlation_input: float
    correlation_output: float
    near_input: float
    near_output: float
    off: float

    @property
    def is_better(self) -> bool:
        """Whether the model fits the output better than the input."""
        return self.emringer_output > self.emringer_input


def held_out(data: Path) -> list[Crystal]:
    """Crystals of the test part of the split, best resolution first."""
    split = read_split()
    found = chosen(data, lambda c: split.part_of("reflections", c.name) == "test")
    return list(found)


def enhanced(model: Model, degraded: Volume) -> Volume:
    """What a network makes of a map."""
    found = model.predict([degraded], precision="fp32")
    return Volume(found.prediction.outputs["map"][0], degraded.voxel_size, degraded.origin)


def correlation(first: Array, second: Array) -> float:
    """Pearson's."""
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def distance_off(first: Volume, second: Volume) -> float:
    """Å by which the second map lies off the first, from the phases of their transforms."""
    a, b = transform(first.data), transform(second.data)
    z, y, x = first.shape
    turns = np.fft.fftfreq(z), np.fft.fftfreq(y), np.fft.rfftfreq(x)
    radius = np.sqrt(turns[0][:, None, None] ** 2 + turns[1][:, None] ** 2 + turns[2] ** 2)
    cross = (a * np.conj(b)) * ((radius > 0) & (radius < _CUT * VOXEL_SIZE))
    return float(VOXEL_SIZE * np.linalg.norm(_steepest(cross, turns)))


def _steepest(
    cross: npt.NDArray[np.complex64], turns: tuple[Array, Array, Array]
) -> npt.NDArray[np.float64]:
    """Voxels by which the phases of a cross spectrum say that a map is shifted.

    Least squares of the phases, each counted by its amplitude: for shifts below a voxel.
    """
    grids = np.broadcast_arrays(turns[0][:, None, None], turns[1][:, None], turns[2])
    rows = 2 * math.pi * np.stack([g[np.abs(cross) > 0] for g in grids], axis=1)
    kept = cross[np.abs(cross) > 0]
    weights = np.abs(kept).astype(np.float64)
    left = (rows * weights[:, None]).T @ rows
    # sin of the phase: an estimate that few phases beyond a half turn do not spoil.
    right = rows.T @ (weights * np.sin(np.angle(kept)))
    return np.asarray(np.linalg.solve(left, right))


def measure(crystal: Crystal, model: Model) -> Row:
    """Degrade one crystal's map, enhance it and compare."""
    truth, structure = map_of(crystal)
    degraded = dilate_and_blur(truth, MULLICK)
    output = enhanced(model, degraded)
    here = near(truth, structure)
    return Row(
        crystal.name,
        round(crystal.resolution, 2),
        emringer(degraded, structure),
        emringer(output, structure),
        emringer(truth, structure),
        correlation(degraded.data, truth.data),
        correlation(output.data, truth.data),
        correlation(degraded.data[here], truth.data[here]),
        correlation(output.data[here], truth.data[here]),
        distance_off(truth, output),
    )


def line(row: Row) -> str:
    """One line of the table."""
    return (
        f"{row.crystal:<16} {row.resolution:5.2f}   {row.emringer_input:6.2f} "
        f"{row.emringer_output:6.2f} {row.emringer_truth:6.2f} "
        f"{row.emringer_output / row.emringer_input:6.2f}   {row.near_input:6.3f} "
        f"{row.near_output:6.3f}   {row.correlation_input:6.3f} {row.correlation_output:6.3f}   "
        f"{row.off:5.2f}"
    )


@dataclass(frozen=True)
class Verdict:
    """Means over the maps, and whether the limits are kept."""

    maps: int
    emringer_input: float
    emringer_output: float
    emringer_truth: float
    gain: float
    share_better: float
    near_input: float
    near_output: float

    @property
    def is_kept(self) -> bool:
        """Whether all limits are."""
        return self.maps == NUMBER and self.gain >= LEAST_GAIN and self.share_better >= LEAST_SHARE


def verdict(rows: Sequence[Row]) -> Verdict:
    """What the rows come to; the gain is that of the means, which no single low score decides."""

    def mean(name: str) -> float:
        return float(np.mean([getattr(row, name) for row in rows]))

    before, after = mean("emringer_input"), mean("emringer_output")
    return Verdict(
        maps=len(rows),
        emringer_input=before,
        emringer_output=after,
        emringer_truth=mean("emringer_truth"),
        gain=after / before,
        share_better=float(np.mean([row.is_better for row in rows])),
        near_input=mean("near_input"),
        near_output=mean("near_output"),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--table", type=Path)
    parser.add_argument("--most", type=int, default=NUMBER, help="only so many crystals")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("no data: give --data or set MAPSCOPE_DATA")
    model = load(options.model)
    print(f"{model.card.name}; {MULLICK}; cubic grid of {VOXEL_SIZE} Å")
    print(
        f"{'crystal':<16} {'d/Å':>5}   {'EMRinger: input output  truth   gain':>27}   "
        f"{'CC near: in':>6} {'out':>6}   {'CC: in':>6} {'out':>6}   {'off/Å':>5}"
    )
    rows = []
    for crystal in held_out(Path(options.data))[: options.most]:
        rows.append(measure(crystal, model))
        print(line(rows[-1]), flush=True)
    found = verdict(rows)
    print(
        f"{found.maps} maps: EMRinger {found.emringer_input:.2f} -> {found.emringer_output:.2f} "
        f"(truth {found.emringer_truth:.2f}), {found.gain:.2f}-fold (at least {LEAST_GAIN:g}); "
        f"better on {found.share_better:.0%} (at least {LEAST_SHARE:.0%}); correlation with the "
        f"truth {found.near_input:.3f} -> {found.near_output:.3f}"
    )
    print("kept" if found.is_kept else "missed")
    if options.table is not None:
        content = {"rows": [asdict(row) for row in rows], "means": asdict(found)}
        options.table.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0 if found.is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
