"""What a model says of every voxel of a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mapscope.density.halves import map_or_mean
from mapscope.errors import Partial
from mapscope.job import Show, job
from mapscope.labels import Labels
from mapscope.parameter import Key
from mapscope.progress import Progress, part, show_so_far, silent
from mapscope.volume import HalfMaps, Region, Volume

if TYPE_CHECKING:
    from mapscope.inference.model import Model
    from mapscope.inference.prediction import Prediction
    from mapscope.inference.voxel_answer import VoxelAnswer

_NO_MODEL = (
    "There is no model of voxels yet: train one (Train dock), or import one "
    "(mapscope models import)."
)


def model_names() -> Sequence[str]:
    """The models that speak of voxels."""
    from mapscope.inference.voxel_answer import voxel_models

    return [model.name for model in voxel_models()]


@dataclass(frozen=True)
class AppliedModel:
    """What a model says of every voxel of a map, on the voxels that it has learned from.

    Parameters
    ----------
    classes : Labels or None
        The likeliest class of each voxel, for a model of classes. -1 where it was not asked.
    probability : Volume or None
        Of that class, 0 to 1.
    predicted : Volume or None
        The map that it makes, for a model of maps. 0 where it was not asked.
    variance : Volume or None
        Expected squared error of that map, where the model says it.
    content : str or None
        How much of the voxels each class takes, in words.
    note : str or None
        What was done to the map, where anything was.
    computed : str
        How it was computed, in words.
    model_name : str
        The model's name.
    model_version : str
        Which one of that name.
    model_checksum : str
        Of the model's file.
    """

    classes: Labels | None
    probability: Volume | None
    predicted: Volume | None
    variance: Volume | None
    content: str | None
    note: str | None
    computed: str
    model_name: Annotated[str, Key("model")]
    model_version: str
    model_checksum: str

    @property
    def caption(self) -> str:
        """Whose answer it is, for the names of layers."""
        return self.model_name


@job(menu="napari/layers/classify", by_parts=True)
def apply_model(
    volume: Volume | None = None,
    half_maps: HalfMaps | None = None,
    *,
    model: Annotated[str, Show(choices=model_names, if_none=_NO_MODEL)],
    region: Region | None = None,
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å", more=True)] = None,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    precision: Annotated[Literal["auto", "fp32", "bf16"], Show(more=True)] = "auto",
    batch: Annotated[int | None, Field(ge=1), Show(more=True)] = None,
    progress: Progress = silent,
) -> AppliedModel:
    """What a model says of every voxel of a map: a class with its probability, or a new map.

    The model goes over the map in tiles. Where the voxel size is not the one that it has learned
    from, the map is resampled, the result lies on the voxels of the resampled map, and the note
    says so. Cancel keeps the tiles that are done.

    Parameters
    ----------
    volume : Volume, optional
        The map. None looks at the mean of the half maps.
    half_maps : HalfMaps, optional
        Two half maps, where there is no map, or for a model that looks at them.
    model : str
        Name of the model that is asked, or its file.
    region : Region, optional
        Look only at this box of voxels (z0:z1,y0:y1,x0:x1).
    resolution : float, optional
        Resolution of the map, for a model that must be told.
    device : str
        What computes. Auto takes an accelerator where there is one.
    precision : str
        Numbers that it computes with. Auto takes bf16 where that is faster and good enough.
    batch : int, optional
        Most tiles at once. Auto: as many as fit into memory.
    progress : Progress
        Called once per batch of tiles.

    Returns
    -------
    AppliedModel
        Classes and their probability, or a map, and the model.

    Raises
    ------
    InputError
        If there is no map or no such model, the model speaks of something else, or it wants half
        maps or a resolution.
    GridError
        If the region lies outside the map.
    DataError
        If the map is constant.
    Partial
        If it was stopped: what was done until then.
    """
    from mapscope.inference.model import load
    from mapscope.inference.prediction import Stopped
    from mapscope.inference.voxel_answer import VoxelAnswer, maps_for

    asked, whole = load(model), map_or_mean(volume, half_maps)
    region = None if region is None else region.clipped(whole.shape)
    ready = asked.prepare(maps_for(asked.card, whole, half_maps), progress=part(progress, 0, 1, 20))
    answer = VoxelAnswer(asked.card, ready, region, whole.header)
    notes = " ".join(ready.notes)

    def show(prediction: Prediction) -> None:
        if prediction.finished:
            show_so_far(progress, lambda: _result(asked, answer, prediction, notes))

    try:
        found = asked.predict(
            ready,
            known={} if resolution is None else {"resolution": resolution},
            device=device,
            precision=precision,
            batch=batch,
            region=region,
            into=answer.into,
            preview=show,
            progress=part(progress, 1, 20, 20),
        )
    except Stopped as stop:
        done = stop.prediction
        if not done.finished:
            raise
        raise Partial(_result(asked, answer, done, notes, is_last=True), done.share) from stop
    return _result(asked, answer, found.prediction, notes, is_last=True)


def _result(
    asked: Model, answer: VoxelAnswer, found: Prediction, notes: str, *, is_last: bool = False
) -> AppliedModel:
    """The answer as far as it is there; what is in it is counted in the end only."""
    from mapscope.inference.voxel_answer import unsaid

    nouns, left_out = answer.nouns(found), unsaid(asked.card)
    note = " ".join(text for text in (notes, left_out) if text)
    return AppliedModel(
        classes=nouns.classes,
        probability=nouns.probability,
        predicted=nouns.predicted,
        variance=nouns.variance,
        content=answer.content() if is_last else None,
        note=note.removesuffix(".") or None,
        computed=f"on {found.device} in {found.precision}, by tiles of {found.tile} voxels with a "
        f"margin of {found.margin}",
        model_name=asked.card.name,
        model_version=asked.card.version,
        model_checksum=asked.checksum,
    )
