"""The tables of a recipe that say what an output is judged by: classes, or a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from mapscope.training.data_tables import RecipeTable


class Loss(RecipeTable):
    """Weighted sum of losses of one output of classes.

    Parameters
    ----------
    kind : str
        classes
    output : str
        Which of the network's outputs; the target has the same name.
    cross_entropy, dice : float
        Weight of each.
    class_weights : tuple of float, optional
        Of each class in the cross entropy.
    """

    kind: Literal["classes"] = "classes"
    output: str = "class"
    cross_entropy: float = Field(default=1.0, ge=0)
    dice: float = Field(default=0.0, ge=0)
    class_weights: tuple[float, ...] | None = None


class MapLoss(RecipeTable):
    """Weighted sum of losses of one output that is a map; see `training.map_losses`.

    Parameters
    ----------
    kind : str
        map
    output : str
        Which of the network's outputs; the target has the same name.
    variance_output : str, optional
        The output that says the logarithm of the map's variance; only `variance` judges it.
    square, absolute : float
        Weight of the squared error over the target's variance, and of the error's size over the
        target's standard deviation.
    shells : float
        Weight of what is missing to a correlation of 1 in each Fourier shell.
    variance : float
        Weight of the Gaussian likelihood that the variance is learned by.
    overlap : float
        Weight of what is missing to full overlap, of maps between 0 and 1.
    peaks : float
        Weight of the highest voxels of what is said of windows of noise.

    Raises
    ------
    ValueError
        If all weights are 0, or one of `variance_output` and `variance` is missing.
    """

    kind: Literal["map"]
    output: str = "map"
    variance_output: str | None = None
    square: float = Field(default=0.0, ge=0)
    absolute: float = Field(default=0.0, ge=0)
    shells: float = Field(default=0.0, ge=0)
    variance: float = Field(default=0.0, ge=0)
    overlap: float = Field(default=0.0, ge=0)
    peaks: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _judges_something(self) -> MapLoss:
        if not (self.square or self.absolute or self.shells or self.overlap):
            raise ValueError("one of square, absolute, shells and overlap must be above 0")
        if (self.variance_output is None) != (self.variance == 0):
            raise ValueError("variance_output and a weight of variance above 0 go together")
        return self


def _kind_of(table: Any) -> str:
    """Which table of losses it is; one without a kind is of classes."""
    kind = table.get("kind", "classes") if isinstance(table, Mapping) else table.kind
    return str(kind)


AnyLoss: TypeAlias = Annotated[
    Annotated[Loss, Tag("classes")] | Annotated[MapLoss, Tag("map")], Discriminator(_kind_of)
]
