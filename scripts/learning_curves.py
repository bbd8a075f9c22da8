"""Pictures of how trainings went, by their hours; needs no display.

``python scripts/learning_curves.py RUN_FOLDER ... [--folder docs/images]`` writes
``learning-NAME.png`` for each, after its recipe's name: the loss of training (a running
mean) and of validation, and as a line that of what goes in.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from first_light import draw_curve

from mapscope.table import Plot, Table
from mapscope.training.run_folder import RunFolder

IMAGES = Path(__file__).parents[1] / "docs" / "images"
REACH = 10
"""Noted steps before and after one whose mean is drawn."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("--folder", type=Path, default=IMAGES)
    arguments = parser.parse_args()
    for run in map(RunFolder, arguments.runs):
        name = run.recipe().name
        print(draw_curve(losses(run, name), arguments.folder / f"learning-{name}.png"))
    return 0


def losses(run: RunFolder, name: str) -> Table:
    """Losses of a training by the minutes that it took."""
    rows = list(run.rows())
    validated = [row for row in rows if "validation_loss" in row]
    minutes = np.array([row["seconds"] / 60 for row in rows])
    columns = {
        "minutes": minutes,
        "training": smoothed(np.array([row.get("loss", np.nan) for row in rows])),
        "validation": np.array([row.get("validation_loss", np.nan) for row in rows]),
    }
    best = min(validated, key=lambda row: float(row["validation_loss"]))
    print(name, {key: best[key] for key in best if key not in ("seconds", "rate")})
    plot = Plot(
        x="minutes",
        y=("validation", "training"),
        x_label="minutes",
        y_label="loss",
        levels={"what goes in": float(best["trivial_loss"])},
    )
    return Table(columns, plot=plot)


def smoothed(losses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Running means of those that are known."""
    known = np.flatnonzero(np.isfinite(losses))
    result = np.full_like(losses, np.nan)
    for place in range(len(known)):
        result[known[place]] = losses[known[max(0, place - REACH) : place + REACH + 1]].mean()
    return result


if __name__ == "__main__":
    sys.exit(main())
