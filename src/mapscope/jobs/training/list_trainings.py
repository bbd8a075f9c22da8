"""The trainings in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np

from mapscope.errors import MapscopeError
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.table import Table

_NOTHING = float("nan")


@job()
def list_trainings(
    *,
    folder: Annotated[Path | None, Show(browse="folder")] = None,
    progress: Progress = silent,
) -> Table:
    """Every training in a folder, and how far it is.

    Parameters
    ----------
    folder : Path, optional
        Folder with one folder for each training. Auto is that of the preferences.
    progress : Progress
        Called once per training.

    Returns
    -------
    trainings : Table
        One row for each: name, recipe, state, steps, minutes, lowest validation loss, folder.
    """
    from mapscope.jobs.training.show_training import show_training
    from mapscope.preferences import trainings_folder

    place = trainings_folder() if folder is None else folder
    found = sorted(path.parent for path in place.glob("*/recipe.toml"))
    rows: list[dict[str, Any]] = []
    for done, path in enumerate(found):
        progress(done, len(found), path.name)
        try:
            shown = show_training(run_folder=path)
        except (MapscopeError, OSError, ValueError, KeyError) as error:
            rows.append({"name": path.name, "state": f"unreadable: {error}", "folder": str(path)})
            continue
        rows.append(
            {
                "name": path.name,
                "recipe": shown.recipe,
                "state": shown.state,
                "steps": shown.steps,
                "minutes": shown.minutes,
                "validation_loss": shown.validation_loss,
                "folder": str(path),
            }
        )
    texts = {name: _texts(rows, name) for name in ("name", "recipe", "state", "folder")}
    numbers = {name: _numbers(rows, name) for name in ("steps", "minutes", "validation_loss")}
    return Table(texts | numbers, {"minutes": "min"})


def _texts(rows: list[dict[str, Any]], name: str) -> Any:
    return np.array([row.get(name, "") for row in rows], dtype=np.str_)


def _numbers(rows: list[dict[str, Any]], name: str) -> Any:
    """One number of each row, NaN where there is none."""
    values = (row.get(name) for row in rows)
    return np.array([_NOTHING if value is None else value for value in values], dtype=np.float64)
