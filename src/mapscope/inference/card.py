"""What a model file says of itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from mapscope.errors import ModelFormatError
from mapscope.inference.normalise import Normalisation

FORMAT_VERSION = 1

Kind: TypeAlias = Literal["map", "variance", "classes", "vectors", "values"]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text: TypeAlias = Annotated[str, Field(max_length=2000)]
_Activation: TypeAlias = Literal["none", "sigmoid", "softmax", "softplus", "exp", "argmax"]


class _Part(BaseModel):
    """Frozen, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Output(_Part):
    """One thing that a model says.

    Parameters
    ----------
    name : str
        The network's name for it.
    kind : {"map", "variance", "classes", "vectors", "values"}
        What its numbers are.
    features : int
        How many numbers.
    of : {"voxels", "map"}
        Whether of each voxel or of the whole map.
    activation : str
        What is done with the network's numbers; ``argmax`` leaves the number of the class.
    """

    name: Name
    kind: Kind
    features: int = Field(ge=1, le=4096)
    of: Literal["voxels", "map"] = "voxels"
    activation: _Activation = "none"


class Training(_Part):
    """How a model was trained.

    Parameters
    ----------
    recipe, data, split : str
        The recipe, what it was trained on, and which part of the split.
    command : str
        That trains it anew.
    seed, steps : int
        Of its samples, and how many.
    minutes : float
        How long it took.
    hardware : str
        On what.
    scores : dict of str to float
        By name, each with the command that gives it again in `commands`.
    commands : dict of str to str
        By score.
    """

    recipe: Text = ""
    data: Text = ""
    split: Text = ""
    command: Text = ""
    seed: int = 0
    steps: int = Field(default=0, ge=0)
    minutes: float = Field(default=0.0, ge=0)
    hardware: Text = ""
    scores: dict[str, float] = {}
    commands: dict[str, Text] = {}


class Tolerance(_Part):
    """How far bfloat16 may be from float32.

    Parameters
    ----------
    relative_rms : float
        Of maps: root mean square difference over root mean square.
    equal_classes : float
        Of classes: share of voxels that keep theirs.
    """

    relative_rms: float = Field(default=1e-2, gt=0)
    equal_classes: float = Field(default=0.999, gt=0, le=1)


class Card(_Part):
    """What a model is, what it wants and what it gives.

    Parameters
    ----------
    name, version, summary : str
        What to call it, which one of that name it is, and what it does in a sentence.
    architecture : str
        Name of its network.
    config : dict
        What that network is built with.
    voxel_size : float, optional
        In Å, which maps are brought to; None takes any.
    normalisation : {"none", "min_max", "standard"}
        What makes of a map what it has learned from.
    input_channels : tuple of str
        The maps that it wants, in their order.
    conditions : tuple of str
        What it must be told of a map, in this order, as ``voxel_size`` and ``resolution`` in Å.
    scaled_together : bool
        Whether all its maps are scaled by one shift and factor, those of their mean.
    window : int
        Voxels along the edge of the windows that it has learned from, by which maps are scaled;
        0 where the whole map counts.
    tile, margin, multiple : int
        Voxels along a tile's edge, those around what is kept of it, and the steps that tiles
        begin at. For a model of whole maps `tile` is the edge of the cubes that it has learned
        from, 0 where that is not known.
    blended : bool
        Whether what tiles share is averaged.
    outputs : tuple of Output
        What it says.
    classes : tuple of str
        Names of its classes by number.
    least_probability : float
        A class less probable than this is more often wrong than right.
    confidence : tuple of (float, float)
        Of a model of maps that says their variance: rows of variance, rising, and the chance that
        a voxel is right, falling, as measured where the truth is known. Empty where it was not.
    tolerance : Tolerance
        How far bfloat16 may be off.
    training : Training
        How it came to be.
    cite : tuple of str
        What to cite.
    licence : str
        Of its weights.
    """

    format_version: Literal[1] = 1
    name: Name
    version: str = Field(default="1", pattern=r"^[0-9A-Za-z.+-]{1,40}$")
    summary: Text = ""
    architecture: Name
    config: dict[str, JsonValue] = {}
    voxel_size: float | None = Field(default=None, gt=0, le=1000)
    normalisation: Normalisation = "standard"
    input_channels: tuple[Name, ...] = Field(default=("map",), min_length=1, max_length=16)
    conditions: tuple[Name, ...] = ()
    scaled_together: bool = False
    window: int = Field(default=0, ge=0, le=2048)
    tile: int = Field(default=0, ge=0, le=2048)
    margin: int = Field(default=0, ge=0, le=512)
    multiple: int = Field(default=1, ge=1, le=256)
    blended: bool = False
    outputs: tuple[Output, ...] = Field(min_length=1)
    classes: tuple[Text, ...] = ()
    least_probability: float = Field(default=0.0, ge=0, le=1)
    confidence: tuple[tuple[float, float], ...] = ()
    tolerance: Tolerance = Tolerance()
    training: Training = Training()
    cite: tuple[Text, ...] = ()
    licence: Text = "BSD-3-Clause"

    @model_validator(mode="after")
    def _fits_together(self) -> Card:
        if len({o.name for o in self.outputs}) < len(self.outputs):
            raise ValueError("two outputs have one name")
        speaks_of_voxels = any(o.of == "voxels" for o in self.outputs)
        if speaks_of_voxels and self.tile // self.multiple * self.multiple <= 2 * self.margin:
            raise ValueError(f"tiles of {self.tile} with a margin of {self.margin} keep nothing")
        if self.blended and any(o.activation == "argmax" for o in self.outputs):
            raise ValueError("numbers of classes cannot be blended")
        _require_falling(self.confidence)
        counts = {o.features for o in self.outputs if o.kind == "classes"}
        if self.classes and counts - {len(self.classes)}:
            raise ValueError(f"{len(self.classes)} names for {sorted(counts)} classes")
        return self

    def to_json(self) -> dict[str, Any]:
        """The card as JSON can hold it."""
        content: dict[str, Any] = self.model_dump(mode="json")
        return content

    @classmethod
    def from_json(cls, content: object) -> Card:
        """The card that a JSON document describes.

        Raises
        ------
        ModelFormatError
            If it is of another version, or anything in it is missing, unknown or out of range.
        """
        version = content.get("format_version") if isinstance(content, dict) else None
        if version != FORMAT_VERSION:
            raise ModelFormatError(
                f"the card is of version {version!r}, and this Mapscope reads {FORMAT_VERSION}: "
                f"a newer Mapscope may know it"
            )
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the card"
            raise ModelFormatError(f"the card is not valid: {where}: {first['msg']}") from error


def _require_falling(rows: tuple[tuple[float, float], ...]) -> None:
    """Raise unless variances rise from 0 on and chances, 0 to 1, never do.

    Raises
    ------
    ValueError
        Saying so.
    """
    variances, chances = [v for v, _ in rows], [c for _, c in rows]
    rises = all(a < b for a, b in pairwise([-1e-300, *variances]))
    falls = all(a >= b for a, b in pairwise([1.0, *chances, 0.0]))
    if not rises or not falls:
        raise ValueError("confidence has variances that rise and chances from 1 to 0 that fall")
