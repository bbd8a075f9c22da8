"""The models that there are: those that come with Mapscope, and the user's own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path

from mapscope.errors import FileFormatError, InputError
from mapscope.inference.card import Card
from mapscope.inference.model_file import SUFFIX, ModelFile, read_card, read_model
from mapscope.inference.model_network import network_of, require_outputs

VARIABLE = "MAPSCOPE_MODELS"
"""Environment variable that names the folder of the user's own models."""


@dataclass(frozen=True)
class ListedModel:
    """A model that can be used by its name.

    Parameters
    ----------
    path : Path
        Where it is.
    origin : {"bundled", "own"}
        Whether it came with Mapscope or the user brought it.
    card : Card, optional
        What it says of itself; None where it cannot be read.
    problem : str
        Why it cannot.
    """

    path: Path
    origin: Literal["bundled", "own"]
    card: Card | None
    problem: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.name.removesuffix(SUFFIX)


def bundled_folder() -> Path:
    """Folder of the models that come with Mapscope."""
    return Path(__file__).parent.parent / "weights"


def own_folder() -> Path:
    """Folder of the user's own models, which need not exist."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    return user_data_path("mapscope", appauthor=False) / "models"


def list_models() -> tuple[ListedModel, ...]:
    """Every model by name; of two with one name the user's own."""
    found = {m.name: m for m in _in_folder(bundled_folder(), "bundled")}
    found |= {m.name: m for m in _in_folder(own_folder(), "own")}
    return tuple(found[name] for name in sorted(found))


def model_rows(models: tuple[ListedModel, ...]) -> list[dict[str, Any]]:
    """What a list shows of each model: plain numbers and texts by title."""
    return [
        {
            "name": model.name,
            "version": model.card.version if model.card else "",
            "origin": model.origin,
            "megabytes": round(model.path.stat().st_size / 1e6, 1),
            "about": model.card.summary if model.card else model.problem,
        }
        for model in models
    ]


def _in_folder(folder: Path, origin: Literal["bundled", "own"]) -> list[ListedModel]:
    """Models in a folder; those that cannot be read with the reason."""
    models = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            models.append(ListedModel(path, origin, read_card(path)))
        except (FileFormatError, OSError) as error:
            models.append(ListedModel(path, origin, None, str(error)))
    return models


def find_model(name_or_path: str | os.PathLike[str]) -> Path:
    """Where a model is that is named, or that lies at a path.

    Raises
    ------
    InputError
        If there is none.
    """
    text = os.fspath(name_or_path)
    if text.endswith(SUFFIX) or os.sep in text:
        if Path(text).is_file():
            return Path(text)
        raise InputError(f"there is no model at {text}")
    models = {m.name: m.path for m in list_models()}
    if text not in models:
        known = f"choose one of {', '.join(models)}" if models else "none is installed"
        raise InputError(f"there is no model {text!r}: {known}, or give a {SUFFIX} file")
    return models[text]


def verify(name_or_path: str | os.PathLike[str]) -> ModelFile:
    """A model, read whole, its checksum compared and its weights tried in its network.

    Raises
    ------
    InputError
        If there is none.
    ModelFormatError
        If anything about it is wrong.
    """
    file = read_model(find_model(name_or_path))
    require_outputs(network_of(file), file.card)
    return file


def import_model(path: str | os.PathLike[str], *, replace: bool = False) -> ListedModel:
    """Copy a model into the user's folder, under the name on its card, once it is verified.

    Parameters
    ----------
    path : path
        A model file.
    replace : bool
        Whether another model of that name may be overwritten.

    Raises
    ------
    InputError
        If there is no such file, or another model has that name.
    ModelFormatError
        If it is not as it should be.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"there is no file {source}")
    file = verify(source.absolute())
    target = own_folder() / f"{file.card.name}{SUFFIX}"
    origin = {m.name: m.origin for m in list_models()}.get(file.card.name)
    if not replace and origin is not None:
        advice = "remove it first, or replace it"
        if origin == "bundled":
            advice = "it came with Mapscope; with replace yours is used instead"
        raise InputError(f"there is a model {file.card.name} already: {advice}")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return ListedModel(target, "own", file.card)


def remove_model(name: str) -> Path:
    """Delete one of the user's own models; gives its path.

    Raises
    ------
    InputError
        If there is none of that name, or it came with Mapscope.
    """
    own = {m.name: m for m in _in_folder(own_folder(), "own")}
    if name not in own:
        is_bundled = any(m.name == name for m in list_models())
        why = "came with Mapscope and stays" if is_bundled else "is none of your own models"
        raise InputError(f"{name} {why}")
    own[name].path.unlink()
    return own[name].path
