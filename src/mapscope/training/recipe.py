"""Recipes: what is trained on what, and how, as small TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationError, model_validator

from mapscope.errors import InputError
from mapscope.training.data_tables import Data, RecipeTable
from mapscope.training.loss_tables import AnyLoss, Loss

SUFFIX = ".toml"
_BUNDLED = "recipes"

Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Precision: TypeAlias = Literal["auto", "fp32", "bf16"]


class NetworkChoice(RecipeTable):
    """Which network learns.

    Parameters
    ----------
    name : str
        A key of ``networks.registry.ARCHITECTURES``.
    config : dict
        What its ``build`` takes.
    """

    name: str
    config: dict[str, Any] = Field(default_factory=dict)


class Optimiser(RecipeTable):
    """How weights are changed.

    Parameters
    ----------
    name : str
        sgd, adam or adamw.
    rate : float
        Learning rate, at its highest.
    momentum : float
        Of sgd.
    betas : two floats
        Of adam and adamw: how slowly the means of the gradient and of its square forget.
    weight_decay : float
        Share of a weight taken off, times the rate.
    warm_up : int
        Steps in which the rate grows from 0.
    decay : str
        constant, or cosine: falls to 0 at the end, be that the last step or the last minute.
    largest_gradient : float, optional
        Longer gradients are cut to this norm.
    """

    name: Literal["sgd", "adam", "adamw"] = "adamw"
    rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    betas: tuple[Share, Share] = (0.9, 0.999)
    weight_decay: float = Field(default=0.0, ge=0)
    warm_up: int = Field(default=0, ge=0)
    decay: Literal["constant", "cosine"] = "constant"
    largest_gradient: float | None = Field(default=None, gt=0)


class Schedule(RecipeTable):
    """How long, how many at once, and how often one looks.

    Parameters
    ----------
    steps : int
        Most steps.
    minutes : float, optional
        Most minutes, validations and what ran before a resumption included.
    batch : int
        Samples of a step on each device.
    validate_every : int
        Steps between two validations.
    validation_samples : int
        Samples of a validation; the same each time.
    patience : int, optional
        Validations without a lower loss after which it ends.
    save_every : int
        Steps between two savings of where it stands.
    average : float
        Decay of the moving average of the weights, which is what is validated and kept; 0 for
        none.
    precision : str
        auto measures whether bfloat16 is faster on the machine.
    workers : int
        Processes that make samples; 0 makes them in between.
    """

    steps: int = Field(default=10_000, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    batch: int = Field(default=8, ge=1)
    validate_every: int = Field(default=200, ge=1)
    validation_samples: int = Field(default=128, ge=1)
    patience: int | None = Field(default=None, ge=1)
    save_every: int = Field(default=100, ge=1)
    average: float = Field(default=0.0, ge=0, lt=1)
    precision: Precision = "fp32"
    workers: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _is_validated(self) -> Schedule:
        if self.validate_every > self.steps:
            raise ValueError(
                f"validate_every ({self.validate_every}) must be at most steps ({self.steps}), "
                "because the weights of the best validation are what is kept"
            )
        return self


class Recipe(RecipeTable):
    """Everything that a training depends on but the corpus and the machine.

    Parameters
    ----------
    name : str
        Of the recipe and of the model that it gives.
    about : str
        What the model is for, in a sentence or two.
    cite : tuple of str
        What to cite.
    seed : int
        Equal seeds give equal weights and equal samples.
    network, data, losses, optimiser, schedule
        The tables above.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    about: str
    cite: tuple[str, ...] = ()
    seed: int = Field(default=0, ge=0)
    network: NetworkChoice
    data: Data
    losses: tuple[AnyLoss, ...] = Field(default=(Loss(),), min_length=1)
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with Mapscope."""
    folder = files("mapscope.training") / _BUNDLED
    found = [Path(item.name) for item in folder.iterdir()]
    return tuple(sorted(path.stem for path in found if path.suffix == SUFFIX))


def recipe_text(name_or_path: str | Path) -> str:
    """The text of a recipe: of a file, or of one that comes with Mapscope.

    Raises
    ------
    InputError
        If there is neither.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path.read_text(encoding="utf-8")
    if str(name_or_path) in recipe_names():
        bundled = files("mapscope.training") / _BUNDLED / f"{name_or_path}{SUFFIX}"
        return bundled.read_text(encoding="utf-8")
    raise InputError(
        f"there is no recipe {name_or_path}: name a {SUFFIX} file, or one of {recipe_names()}"
    )


def read_recipe(name_or_path: str | Path) -> Recipe:
    """The recipe of a file, or one that comes with Mapscope, by name.

    Raises
    ------
    InputError
        If there is none, or it is not TOML, or a key is missing, unknown or out of range.
    """
    return parse_recipe(recipe_text(name_or_path), str(name_or_path))


def parse_recipe(text: str, name: str = "the recipe") -> Recipe:
    """The recipe of a text; see `read_recipe`."""
    try:
        return Recipe.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not TOML: {error}") from error
    except ValidationError as error:
        raise InputError(f"{name}: {'; '.join(_fault(one) for one in error.errors())}") from error


def _fault(error: Mapping[str, Any]) -> str:
    """One of pydantic's findings as a phrase."""
    place = ".".join(str(part) for part in error["loc"])
    what = error["msg"].removeprefix("Value error, ").lower()
    given = "" if isinstance(error["input"], Mapping) else f", got {error['input']!r:.60}"
    return f"{place}: {what}{given}"
