"""Half maps, or a map, enhanced by a network: what is from the data, and what is not."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mapscope.cache import shared
from mapscope.density import blend as blending
from mapscope.density.frame import crop
from mapscope.errors import InputError, Partial
from mapscope.job import Show, job
from mapscope.jobs.sharpening.blend import gain_table
from mapscope.parameter import Key
from mapscope.progress import Progress, part, silent
from mapscope.record import checksum_of
from mapscope.table import Table
from mapscope.volume import Array, HalfMaps, Region, Volume

if TYPE_CHECKING:
    from mapscope.inference.enhancer_input import EnhancerInput, Given
    from mapscope.inference.enhancing import Enhancement
    from mapscope.inference.model import Model
    from mapscope.inference.prediction import Prediction

SHARES = {"gentle": 0.35, "medium": 0.65, "strong": 1.0}
"""How far each strength goes from the data to the prior."""

_NO_MODEL = (
    "There is no enhancer yet: train one (Train dock), or import one (mapscope models import)."
)
_AROUND = 8  # voxels by which a region goes on as its mirror image when shells are weighted


def model_names() -> Sequence[str]:
    """The models that enhance half maps."""
    from mapscope.inference.enhancing import enhancers

    return [model.name for model in enhancers()]


@dataclass(frozen=True)
class Enhanced:
    """An enhanced map, and what it is made of.

    Parameters
    ----------
    enhanced : Volume
        Between data and prior, as far as the strength says.
    data : Volume
        What the data say: the mean of the half maps, weighted by their agreement and brought to
        a standard spectrum.
    prior : Volume
        What the network makes of that, in the same units.
    confidence : Volume or None
        Chance that the prior is right in each voxel, 0 to 1; None where the model cannot say.
    shells : Table
        By Fourier shell: the share of signal in the data (C_ref), the correlation of the enhanced
        map with the data, and the share of its power that the data do not carry.
    resolution : float
        Å, of the data.
    strength : str
        As asked for.
    prior_share : float
        What that is on the way from the data, 0, to the prior, 1.
    note : str or None
        What is odd about the input, and what was done to it.
    computed : str
        How it was computed, in words.
    model_name : str
        The model's name.
    model_version : str
        Which one of that name.
    model_checksum : str
        Of the model's file.
    """

    enhanced: Volume
    data: Volume
    prior: Volume
    confidence: Volume | None
    shells: Table
    resolution: Annotated[float, Key("resolution", "Å")]
    strength: str
    prior_share: float
    note: str | None
    computed: str
    model_name: Annotated[str, Key("model")]
    model_version: str
    model_checksum: str

    @property
    def captions(self) -> dict[str, str]:
        """What the layers are called; only one of the maps depends on the strength."""
        fields = ("data", "prior", "confidence")
        return {"enhanced": f"enhanced ({self.strength})"} | {name: name for name in fields}


@job(menu="napari/layers/filter", memory=20.0)
def enhance(
    half_maps: HalfMaps | None = None,
    volume: Volume | None = None,
    mask: Volume | None = None,
    *,
    strength: Annotated[Literal["gentle", "medium", "strong"], Show(preview=True)] = "medium",
    region: Region | None = None,
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    model: Annotated[str, Show(choices=model_names, if_none=_NO_MODEL, more=True)] = "enhancer",
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    precision: Annotated[Literal["auto", "fp32", "bf16"], Show(more=True)] = "auto",
    batch: Annotated[int | None, Field(ge=1), Show(more=True)] = None,
    progress: Progress = silent,
) -> Enhanced:
    """Map made sharper by a network, with what is from the data apart from what is not.

    Half maps are weighted by their agreement in every shell and brought to the spectrum of a
    standard molecule: the data. A network that has learned from simulated half maps of known truth
    makes the prior of them, and says how far it is to be believed. The job *blend* goes from one to
    the other without a new run. Detail that the half maps do not hold is the network's
    expectation: look at maps with it, but refine and measure resolution without. Cancel keeps
    the tiles that are done.

    Parameters
    ----------
    half_maps : HalfMaps, optional
        Two half maps as refinement gave them, neither sharpened nor masked.
    volume : Volume, optional
        A map, where there are no half maps; then say its resolution.
    mask : Volume, optional
        0 to 1 with a soft edge, where agreement and amplitudes are measured; the result is not
        masked. Without one, around what stands out from the noise.
    strength : str
        How far from the data to the prior: 35 %, 65 % or all the way.
    region : Region, optional
        Give only this box of voxels (z0:z1,y0:y1,x0:x1); what is measured is that of the whole map.
    resolution : float, optional
        Resolution of the map. Auto takes that of the half maps at FSC 0.143.
    model : str
        Name of the model that is asked, or its file.
    device : str
        What computes. Auto takes an accelerator where there is one.
    precision : str
        Numbers that it computes with. Auto takes bf16 where that is faster and good enough.
    batch : int, optional
        Most tiles at once. Auto: as many as fit into memory.
    progress : Progress
        Called once per plane and batch of tiles.

    Returns
    -------
    Enhanced
        The map, data and prior, their curves and the model.

    Raises
    ------
    InputError
        If there is no map, no resolution for a map alone or no such model, or the model is for
        something else.
    GridError
        If the mask lies on another grid, or the region outside the map.
    DataError
        If the map is constant, or the half maps are identical or agree nowhere.
    Partial
        If it was stopped: what was done until then.

    References
    ----------
    .. [1] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    .. [2] Frank & Al-Ali (1975) Nature 256, 376-379.
    .. [3] Sindelar & Grigorieff (2012) J. Struct. Biol. 180, 26-38.
    .. [4] He, Li & Huang (2023) Nat. Commun. 14, 3217.
    .. [5] Seitzer, Tavakoli, Antic & Martius (2022) International Conference on Learning
       Representations.
    """
    from mapscope.inference.enhancer_input import Given, odd_input

    _require_input(half_maps, volume, resolution)
    asked = _asked(model)
    source = half_maps.first if half_maps is not None else volume
    assert source is not None
    box = None if region is None else region.clipped(source.shape)
    given = Given(half_maps, None if half_maps is not None else volume, mask, resolution)
    nouns = (given.half_maps, given.volume, given.mask)
    key = (*(n and checksum_of(n) for n in nouns), source.grid, resolution, asked.checksum)
    note = shared.get(
        ("enhance findings", *key[:2], box is None),
        lambda: odd_input(given.half_maps, given.volume, is_quick=box is not None),
    )
    standard = _input(asked, given, key, box=box, progress=part(progress, 0, 4, 20))

    def answered() -> _Answer:
        return _answered(
            *(asked, standard, box, part(progress, 4, 18, 20)),
            device=device,
            precision=precision,
            batch=batch,
        )

    try:
        answer = shared.get(("enhance", *key, box, device, precision, batch), answered)
    except _Unfinished as stop:
        result = _result(asked, source, standard, stop.answer, strength=strength, note=note)
        raise Partial(result, stop.answer.share) from stop
    end = part(progress, 18, 20, 20)
    return _result(asked, source, standard, answer, strength=strength, note=note, tell=end)


def _input(
    asked: Model,
    given: Given,
    key: tuple[Hashable, ...],
    *,
    box: Region | None,
    progress: Progress,
) -> EnhancerInput:
    """What the model is given: the whole, or what counts for a region of it."""
    from mapscope.inference.enhancer_input import (
        enhancer_input,
        input_around,
        measured,
        surroundings,
    )

    source = given.half_maps or given.volume
    assert source is not None
    where = None if box is None else surroundings(asked.card, source.grid, box)
    if where is None:
        return shared.get(("enhance input", *key), lambda: enhancer_input(asked, given, progress))
    found, scalings = shared.get(
        ("enhance measured", *key),
        lambda: measured(asked, given, part(progress, 0, 3, 4)),
    )
    return shared.get(
        ("enhance input", *key, where),
        lambda: input_around(*(asked, given, where, found, scalings, part(progress, 3, 4, 4))),
    )


def _asked(model: str) -> Model:
    """The enhancer of a name or file.

    Raises
    ------
    InputError
        If there is none, or it is for something else.
    """
    from mapscope.inference.enhancing import BUNDLED, enhancers, require_enhancer
    from mapscope.inference.model import load

    try:
        asked = load(model)
    except InputError as error:
        if model == BUNDLED and not enhancers():
            raise InputError(_NO_MODEL) from error
        raise
    require_enhancer(asked.card)
    return asked


def _require_input(
    half_maps: HalfMaps | None, volume: Volume | None, resolution: float | None
) -> None:
    """Raise where there is too little to begin with.

    Raises
    ------
    InputError
        If there is no map, or a map alone has no resolution.
    """
    if half_maps is None and volume is None:
        raise InputError("Enhance needs two half maps, or a map and its resolution")
    if half_maps is None and resolution is None:
        raise InputError(
            "Enhance needs the resolution of a map that comes without half maps: half maps would "
            "say it, and how much to believe in each shell"
        )


@dataclass(frozen=True, eq=False)
class _Answer:
    """What the network said of the map or a region of it, and what it was said of."""

    data: Volume
    said: Enhancement
    computed: str
    share: float


def _answered(
    asked: Model, standard: EnhancerInput, region: Region | None, progress: Progress, **how: Any
) -> _Answer:
    """The network's answer.

    Raises
    ------
    _Unfinished
        If it was stopped; it holds what was done.
    """
    from mapscope.inference.enhancing import enhancement_of, told_resolution
    from mapscope.inference.prediction import Stopped

    region = None if region is None else standard.box_of(region)
    data = standard.data if region is None else crop(standard.data, region)

    def answer(found: Prediction, tell: Progress) -> _Answer:
        said = enhancement_of(asked.card, standard.ready, found, data, progress=tell)
        computed = (
            f"on {found.device} in {found.precision}, by tiles of {found.tile} voxels with a "
            f"margin of {found.margin}"
        )
        return _Answer(data, said, computed, found.share)

    try:
        output = asked.predict(
            standard.ready,
            known={"resolution": told_resolution(standard.found.resolution)[0]},
            region=region,
            progress=part(progress, 0, 9, 10),
            **how,
        )
    except Stopped as stop:
        if not stop.prediction.finished:
            raise
        raise _Unfinished(answer(stop.prediction, silent)) from stop
    return answer(output.prediction, part(progress, 9, 10, 10))


class _Unfinished(Exception):  # noqa: N818  no error: the user stopped it
    """The network was stopped, and what it said until then is here."""

    def __init__(self, answer: _Answer) -> None:
        super().__init__()
        self.answer = answer


def _result(
    asked: Model,
    source: Volume,
    standard: EnhancerInput,
    answer: _Answer,
    *,
    strength: str,
    note: str,
    tell: Progress = silent,
) -> Enhanced:
    """The blend at a strength, with all that goes with it."""
    from mapscope.inference.enhancing import told_resolution

    data, prior, share = answer.data, answer.said.prior, SHARES[strength]
    parts = blending.components(
        *(data, prior, standard.found.share_of_signal()),
        around=0 if data.shape == source.shape else _AROUND,
        progress=tell,
    )
    mixed = prior.data if share == 1 else blending.blend(data.float32(), parts, share)
    confidence = answer.said.confidence

    def own(volume: Volume, values: Array) -> Volume:
        """A noun of this result's own: others share what is cached, and have other records."""
        header = source.header if volume.shape == source.shape else None
        return replace(volume, data=values, header=header)

    said = (note, told_resolution(standard.found.resolution)[1], *standard.ready.notes)
    notes = " ".join(text for text in said if text)
    return Enhanced(
        enhanced=own(data, mixed),
        data=own(data, data.data),
        prior=own(prior, prior.data),
        confidence=None if confidence is None else own(confidence, confidence.data),
        shells=gain_table(blending.prior_gain(parts, share)),
        resolution=standard.found.resolution,
        strength=strength,
        prior_share=share,
        note=notes.removesuffix(".") or None,
        computed=answer.computed,
        model_name=asked.card.name,
        model_version=asked.card.version,
        model_checksum=asked.checksum,
    )
