"""A training's weights among the user's models."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Set
from itertools import chain, count
from pathlib import Path
from typing import Annotated

import numpy as np

from mapscope.errors import InputError
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.table import Table

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@job()
def keep_model(
    *,
    run_folder: Annotated[Path, Show(browse="folder")],
    name: str | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Table:
    """Put a training's best weights among your own models, where every list finds them.

    Parameters
    ----------
    run_folder : Path
        Folder of the training.
    name : str, optional
        What to call it: small letters, digits and underscores. Auto is the folder's name, with
        a number where a model that this training did not make has that name.
    replace : bool
        Overwrite your own model of that name, though another training made it.
    progress : Progress
        Called at the beginning and at the end.

    Returns
    -------
    models : Table
        Every model that there is now.

    Raises
    ------
    InputError
        If there are no weights yet, a model of that name came with Mapscope, or one of yours
        has it and shall not be replaced.
    """
    from mapscope.inference.model_file import SUFFIX, read_model, write_model
    from mapscope.inference.model_list import import_model, list_models, model_rows
    from mapscope.training.run_folder import RunFolder

    run = RunFolder(run_folder)
    run.recipe()
    origins = {model.name: model.origin for model in list_models()}
    # What this training put there before may be replaced by what it has learned since.
    taken = origins.keys() - {run.facts().get("kept", {}).get("name")}
    called = name or _free_name(model_name(run_folder.resolve().name), taken)
    if not _NAME.fullmatch(called):
        raise InputError(f"a model cannot be called {called!r}: small letters, digits and _ only")
    if origins.get(called) == "bundled":
        raise InputError(f"a model {called} comes with Mapscope: choose another name")
    if called in taken and not replace:
        raise InputError(
            f"you have a model {called} that this training did not make: choose another name, or "
            "replace it"
        )
    if not run.model.is_file():
        raise InputError(
            f"{run.path.name} has no model yet: one is written when a training that was validated "
            "at least once ends or is stopped"
        )
    progress(0, 1, "verifying")
    file = read_model(run.model)
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / f"{called}{SUFFIX}"
        write_model(named, file.card.model_copy(update={"name": called}), file.state)
        import_model(named, replace=True)
    run.note_kept(called)
    progress(1, 1, "kept")
    rows = model_rows(list_models())
    titles = ("name", "origin", "megabytes", "about")
    return Table({title: np.array([row[title] for row in rows]) for title in titles})


def _free_name(name: str, taken: Set[str]) -> str:
    """A name that is not taken: the one given, or that with a number."""
    numbered = (f"{name}_{n}" for n in count(2))
    return next(called for called in chain([name], numbered) if called not in taken)


def model_name(text: str) -> str:
    """The name of a model that is nearest to a text.

    Examples
    --------
    >>> model_name("My run-2"), model_name("2nd try")
    ('my_run_2', 'model_2nd_try')
    """
    found = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:50]
    return found if found[:1].isalpha() else f"model_{found}".rstrip("_")
