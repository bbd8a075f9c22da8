"""What an enhanced map is worth, on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.density.half_map_mask import measured_filter
from mapscope.density.halves import mean_map
from mapscope.density.level import first_contour_level
from mapscope.density.shells import resolution_interpolated
from mapscope.errors import MapscopeError
from mapscope.job import Key, Show, job
from mapscope.progress import Progress, part, silent
from mapscope.record import record_of
from mapscope.scores.enhancement import (
    NoiseSummary,
    agreement_table,
    noise_summary,
    share_of_prior,
)
from mapscope.scores.model_changes import ModelChange, model_change, worst_first
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import HalfMaps, Volume, require_same_grid

if TYPE_CHECKING:
    from mapscope.inference.model import Model

_OF_HALVES = "noise of the half maps' spectrum"
_OF_DATA = "the data with random phases"


def model_names() -> Sequence[str]:
    """The models that enhance half maps."""
    from mapscope.inference.enhancing import enhancers

    return [model.name for model in enhancers()]


@dataclass(frozen=True)
class EnhancementReport:
    """How much of an enhanced map is data, and what it does to a model.

    Parameters
    ----------
    shells : Table
        By Fourier shell: FSC of the enhanced map with the data and with the mean of the half
        maps, the share of signal in that mean (C_ref), and the share of the map's power that the
        data do not carry.
    residues : Table or None
        Q-score of each residue before and after. None without a model.
    worse : Table
        The residues whose Q-score fell by more than 0.05, the worst first. Empty without a model.
    change : ModelChange or None
        EMRinger and Q-scores of the model before and after. None without a model.
    noise : NoiseSummary or None
        What the network makes of noise. None where it was left out; the note says so where it
        could not be asked.
    prior : float
        Share of the power of the enhanced map that the data do not carry, 0 to 1.
    agreement : float or None
        Å, where the FSC of the enhanced map with the data falls to 0.5; None where it never does.
    confidence : float or None
        Mean chance that the prior is right, inside the contour. None where none was given.
    level : float
        Contour level at which this was measured.
    cite : str
        What to cite for the map: the model's papers, and those of the jobs that made it.
    note : str
        What to know about it; empty where there is nothing.
    """

    shells: Table
    residues: Table | None
    worse: Table
    change: ModelChange | None
    noise: NoiseSummary | None
    prior: Annotated[float, Key("prior")]
    agreement: Annotated[float | None, Key("agrees with the data to", "Å")]
    confidence: float | None
    level: float
    cite: str
    note: str


@job(title="Report enhancement", menu="napari/layers/measure", memory=16.0)
def report_enhancement(
    enhanced: Volume,
    data: Volume,
    half_maps: HalfMaps | None = None,
    structure: Structure | None = None,
    confidence: Volume | None = None,
    mask: Volume | None = None,
    *,
    noise: Literal["asked", "left_out"] = "asked",
    model: Annotated[str, Show(choices=model_names, more=True)] = "enhancer",
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å", more=True)] = None,
    level: Annotated[float | None, Show(more=True)] = None,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> EnhancementReport:
    """How much of an enhanced map is data, what it does to a model, and what noise becomes.

    The enhanced map is held against the data shell by shell; a model is scored in both, residue
    by residue; and the network is asked what it makes of noise alone. A report page holds all of
    it (--out report.html).

    Parameters
    ----------
    enhanced : Volume
        The map, as *enhance* or *blend* gives it.
    data : Volume
        What of it the data say, as *enhance* gives it; or the map that it was made of.
    half_maps : HalfMaps, optional
        The half maps, for what they allow, and for the noise.
    structure : Structure, optional
        A model in its place in the map, to be scored before and after.
    confidence : Volume, optional
        Chance that the prior is right, as *enhance* gives it.
    mask : Volume, optional
        0 to 1 with a soft edge: where the maps are compared shell by shell.
    noise : str
        Whether the network is asked about noise. Noise has the spectrum of that of the half maps;
        without them it is the data with random phases, as strong as the map itself.
    model : str
        Name of the model that made the map, or its file.
    resolution : float, optional
        Resolution that the model is told. Auto: that of the half maps; without them there is no
        noise to ask about.
    level : float, optional
        Contour level. Auto: the one at which the enhanced map is first shown.
    device : str
        What computes.
    progress : Progress
        Called once per plane, 512 atoms or batch of tiles.

    Returns
    -------
    EnhancementReport
        Curves, residues, numbers and what to cite.

    Raises
    ------
    GridError
        If the maps lie on different grids.
    DataError
        If a map is constant, or no atom of the model lies in it.

    References
    ----------
    .. [1] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    .. [2] Pintilie et al. (2020) Nat. Methods 17, 328-334.
    .. [3] Barad et al. (2015) Nat. Methods 12, 943-946.
    .. [4] Chen et al. (2013) Ultramicroscopy 135, 24-35.
    """
    shells = agreement_table(enhanced, data, half_maps, mask, progress=part(progress, 0, 1, 3))
    contour = first_contour_level(enhanced) if level is None else level
    change, residues = None, None
    if structure is not None:
        told = part(progress, 1, 2, 3)
        change, residues = model_change(structure, data, enhanced, progress=told)
    cite: tuple[str, ...] = ()
    asked, note = None, ""
    if noise == "asked":
        asking = _Noise(data, half_maps, mask, resolution, device)
        asked, cite, note = asking.answer(model, contour, part(progress, 2, 3, 3))
    return EnhancementReport(
        shells=shells,
        residues=residues,
        worse=worst_first(residues),
        change=change,
        noise=asked,
        prior=share_of_prior(shells),
        agreement=_finite(
            resolution_interpolated(
                np.asarray(shells["frequency"]), np.asarray(shells["with_data"]), 0.5
            )
        ),
        confidence=None if confidence is None else _inside(confidence, enhanced, contour),
        level=contour,
        cite="; ".join(dict.fromkeys((*cite, *_papers_behind(enhanced)))),
        note=note,
    )


@dataclass(frozen=True)
class _Noise:
    """What there is to make noise of."""

    data: Volume
    half_maps: HalfMaps | None
    mask: Volume | None
    resolution: float | None
    device: Literal["auto", "cpu", "cuda", "mps"]

    def answer(
        self, name: str, level: float, progress: Progress
    ) -> tuple[NoiseSummary | None, tuple[str, ...], str]:
        """What the model makes of noise, what it wants cited, and why it was not asked."""
        from mapscope.inference.enhancing import require_enhancer
        from mapscope.inference.model import load

        try:
            model = load(name)
            require_enhancer(model.card)
        except MapscopeError as error:
            return None, (), f"The model was not asked about noise: {error}"
        if self.half_maps is None and self.resolution is None:
            why = "The model was not asked about noise: give half maps, or the resolution"
            return None, model.card.cite, why
        if not level > 0:
            why = f"The model was not asked about noise: the contour level is {level:g}"
            return None, model.card.cite, why
        return self._summary(model, level, progress), model.card.cite, ""

    def _summary(self, model: Model, level: float, progress: Progress) -> NoiseSummary:
        from mapscope.inference.noise_answer import (
            answer_to_noise,
            middle_of,
            noise_of_data,
            noise_of_halves,
        )

        kind, resolution = _OF_DATA, self.resolution
        if self.half_maps is None:
            both = noise_of_data(self.data)
        else:
            kind = _OF_HALVES
            found = measured_filter(self.half_maps, self.mask, resolution)
            resolution, both = found.resolution, noise_of_halves(self.half_maps, found)
        assert resolution is not None
        box = middle_of(both)
        made = answer_to_noise(model, box, resolution, device=self.device, progress=progress)
        return noise_summary(made, mean_map(box), level, kind)


def _papers_behind(enhanced: Volume) -> tuple[str, ...]:
    """What to cite for the runs that a map came from."""
    record = record_of(enhanced)
    return () if record is None else tuple(p for step in record.chain() for p in step.cite)


def _inside(confidence: Volume, enhanced: Volume, level: float) -> float | None:
    """Mean confidence where the map reaches the contour; None where it nowhere does."""
    require_same_grid(enhanced, confidence, "the enhanced map", "the confidence")
    inside = np.asarray(enhanced.data) >= level
    return float(np.asarray(confidence.data)[inside].mean(dtype=float)) if inside.any() else None


def _finite(value: float | None) -> float | None:
    """None for a resolution that could not be read."""
    return value if value is not None and math.isfinite(value) else None
