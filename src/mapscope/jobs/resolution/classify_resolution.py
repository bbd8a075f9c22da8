"""The class of a map's resolution at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from mapscope.density.halves import map_or_mean
from mapscope.job import Show, job
from mapscope.parameter import Key
from mapscope.progress import Progress, silent
from mapscope.table import Plot, Table
from mapscope.volume import HalfMaps, Volume

if TYPE_CHECKING:
    from mapscope.inference.resolution_class import ResolutionClass

MODEL = "resolution_class"
"""The model that comes with Mapscope."""


def model_names() -> Sequence[str]:
    """The models to choose from, Mapscope's first."""
    from mapscope.inference.resolution_class import resolution_models

    return [model.name for model in resolution_models()]


@dataclass(frozen=True)
class ClassifiedResolution:
    """The class of a map's resolution, and who says so.

    Parameters
    ----------
    probabilities : Table
        One row for each class that the model knows; NaN where it was not asked.
    verdict : str
        The answer in words.
    note : str or None
        What was done to the map, where anything was.
    answered_by : str
        Model and version.
    resolution_class : str
        high, medium, low or outside.
    probability : float or None
        Of that class, 0 to 1. None where the answer is outside.
    model_checksum : str
        Of the model's file.
    """

    probabilities: Table
    verdict: str
    note: str | None
    answered_by: str
    resolution_class: Annotated[str, Key("class")]
    probability: float | None
    model_checksum: str


@job(menu="napari/layers/measure", memory=14.0)
def classify_resolution(
    volume: Volume | None = None,
    half_maps: HalfMaps | None = None,
    mask: Volume | None = None,
    *,
    model: Annotated[str, Show(choices=model_names)] = MODEL,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> ClassifiedResolution:
    """Class of a map's resolution at a glance: high, medium, low, or "outside what I know".

    A network looks at parts of the map where the molecule is, at the voxel size that it has
    learned from, and its answers are averaged. High is finer than 5 Å, low coarser than 10 Å.
    The answer is "outside what I know" for maps that are constant, inverted, noise or cut off
    at a contour level, and where the network cannot tell. It is no measurement: half maps have
    shell correlation for that.

    Parameters
    ----------
    volume : Volume, optional
        The map. None looks at the mean of the half maps.
    half_maps : HalfMaps, optional
        Two half maps, where there is no map.
    mask : Volume, optional
        Above 0.5 where the molecule is. Without one it is found in the map.
    model : str
        Name of the model that is asked, or its file.
    device : str
        What computes. Auto takes an accelerator where there is one.
    progress : Progress
        Called once per part of the map.

    Returns
    -------
    ClassifiedResolution
        The class, its probability and the model.

    Raises
    ------
    InputError
        If there is no map or no such model, or the model is for something else.
    GridError
        If the mask lies on another grid.
    DataError
        If the mask is empty.

    References
    ----------
    .. [1] Avramov et al. (2019) Molecules 24, 1181.
    """
    from mapscope.inference.model import load
    from mapscope.inference.resolution_class import OUTSIDE, class_of_resolution

    asked = load(model)
    found = class_of_resolution(
        asked, map_or_mean(volume, half_maps), mask, device=device, progress=progress
    )
    return ClassifiedResolution(
        probabilities=_table(found, asked.card.classes),
        verdict=found.in_words,
        note=" ".join(found.notes).removesuffix(".") or None,
        answered_by=f"the model {asked.card.name}, version {asked.card.version}",
        resolution_class=found.name,
        probability=None if found.name == OUTSIDE else found.probabilities[found.name],
        model_checksum=asked.checksum,
    )


def _table(found: ResolutionClass, names: Sequence[str]) -> Table:
    """Probabilities by class, with the answer as headline."""
    from mapscope.inference.resolution_class import RANGES, range_text

    chances = [found.probabilities.get(name, np.nan) for name in names]
    ranges = [range_text(name) if name in RANGES else "no map of molecules" for name in names]
    columns = {
        "number": np.arange(1, len(names) + 1),
        "class": np.array(names, dtype=str),
        "resolution": np.array(ranges, dtype=str),
        "probability": np.array(chances, dtype=float),
    }
    plot = Plot(
        x="number",
        y=("probability",),
        y_label="probability",
        headline=found.in_words,
        bars="class",
    )
    return Table(columns, plot=plot)
