"""How well a model and a map fit each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from mapscope.depiction.selection import select
from mapscope.errors import DataError
from mapscope.job import Show, job
from mapscope.progress import Progress, part, silent
from mapscope.scores.chi1_scan import scan_chi1
from mapscope.scores.emringer_tables import rolling_table, threshold_table
from mapscope.scores.model_agreement import agreement_or_reason, gain_table
from mapscope.scores.model_fsc import model_curve_table
from mapscope.scores.q_score import is_heavy, q_scores
from mapscope.scores.residue_scores import (
    AtomScores,
    atom_table,
    chain_table,
    model_of,
    residue_table,
)
from mapscope.scores.sampling import density_at
from mapscope.scores.summaries import (
    AgreementSummary,
    EMRingerSummary,
    QScoreSummary,
    agreement_summary,
    emringer_summary,
    q_score_summary,
    remarks,
    usual_q_score,
)
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import HalfMaps, Volume, require_same_grid


@dataclass(frozen=True)
class ModelScores:
    """How well a model and a map fit each other.

    Parameters
    ----------
    residues : Table
        One row for each residue: Q-score, correlation, density, χ1 of model and peak.
    chains : Table
        One row for each chain: mean Q-score, EMRinger score of the chain alone, correlation.
    shells : Table or None
        Map–model FSC, one row for each shell. None where the model could not be simulated.
    gain : Table or None
        Map–model FSC beside what the half maps allow, where there are any.
    atoms : Table
        One row for each atom: density and Q-score.
    thresholds : Table
        EMRinger's statistic at each of its thresholds.
    rolling : Table
        How rotameric the stretch of 21 residues around each side chain is.
    emringer : EMRingerSummary or None
        None without side chains; the note says why.
    q_score : QScoreSummary
        Q-scores over the whole model.
    agreement : AgreementSummary or None
        Correlation with the model's map. None where that could not be simulated.
    atoms_outside : int
        Scored atoms that lie outside the map; they count nowhere.
    note : str
        What to know about the scores, in words; empty where there is nothing.
    """

    residues: Table
    chains: Table
    shells: Table | None
    gain: Table | None
    atoms: Table
    thresholds: Table
    rolling: Table
    emringer: EMRingerSummary | None
    q_score: QScoreSummary
    agreement: AgreementSummary | None
    atoms_outside: int
    note: str


@job(title="Score model in map", menu="napari/layers/measure", memory=12.0)
def score_model_in_map(
    structure: Structure,
    volume: Volume,
    half_maps: HalfMaps | None = None,
    *,
    resolution: Annotated[float | None, Field(gt=0, le=100), Show(unit="Å")] = None,
    selection: str = "all",
    model: Annotated[int, Field(ge=1), Show(more=True)] = 1,
    radiation: Annotated[Literal["electrons", "x_rays"], Show(more=True)] = "electrons",
    progress: Progress = silent,
) -> ModelScores:
    """EMRinger, Q-scores and correlations of a model in a map, residue by residue and as a whole.

    EMRinger asks whether density around side chains peaks where rotamers are; Q-scores, whether
    density around atoms looks like atoms; the correlations, whether the map is that of the
    model. Hydrogens are left out, and of alternate conformers EMRinger takes the first. What
    lies outside the map is counted and left out. Without side chains, as in poly-alanine or
    nucleic acid, there is no EMRinger score, and the note says so.

    Parameters
    ----------
    structure : Structure
        The model, in its place in the map.
    volume : Volume
        The map, neither masked tightly nor filtered below its resolution.
    half_maps : HalfMaps, optional
        Its half maps, on the same grid. The scores are then given in each of them as well, and
        the model's agreement is held against what they allow.
    resolution : float, optional
        That of the map, for the correlations and the usual Q-score. Auto: where map and model
        agree to an FSC of 0.5.
    selection : str
        Which atoms are scored: all, a chain (A), residues (A/120-130, A:HEM), near 5 A/127.
        Correlations over the whole map are those of the whole model.
    model : int
        Which model of a file with several, counted from 1.
    radiation : str
        What made the map, for the correlations.
    progress : Progress
        Called once per 512 atoms, plane or batch of atoms.

    Returns
    -------
    ModelScores
        Tables of atoms, residues and chains, curves, and scores of the whole.

    Raises
    ------
    InputError
        If the selection names nothing, or there is no such model.
    GridError
        If the half maps lie on another grid.
    DataError
        If no selected atom lies in the map.

    References
    ----------
    .. [1] Barad et al. (2015) Nat. Methods 12, 943-946.
    .. [2] Pintilie et al. (2020) Nat. Methods 17, 328-334.
    .. [3] Afonine et al. (2018) Acta Cryst. D74, 814-840.
    """
    if half_maps is not None:
        require_same_grid(volume, half_maps.first, "the map", "its half maps")
    one = model_of(structure, model)
    chosen = select(one, selection) & is_heavy(one)
    density = density_at(volume, one.positions)
    _require_overlap(density[chosen], selection)
    halves = [] if half_maps is None else [half_maps.first, half_maps.second]
    steps = [part(progress, n, n + 1, 2 + len(halves)) for n in range(2 + len(halves))]
    q, *q_halves = (
        q_scores(one, map_, chosen, progress=step)
        for map_, step in zip((volume, *halves), steps, strict=False)
    )
    atoms = AtomScores(one, chosen, q, density)
    scan, *scan_halves = (scan_chi1(one, map_, chosen) for map_ in (volume, *halves))
    agreement, reason = agreement_or_reason(
        one, volume, half_maps, resolution, radiation=radiation, progress=steps[-1]
    )
    shown = resolution if agreement is None else agreement.resolution
    by_residue = None if agreement is None else agreement.by_residue
    emringer = emringer_summary(scan, scan_halves)
    note = remarks(atoms, scan, emringer is not None, len(structure.model), model)
    return ModelScores(
        residues=residue_table(
            atoms, scan, by_residue, tuple(q_halves), usual_q_score(atoms, shown)
        ),
        chains=chain_table(atoms, scan, by_residue),
        shells=None if agreement is None else model_curve_table(agreement.curves),
        gain=gain_table(agreement),
        atoms=atom_table(atoms),
        thresholds=threshold_table(scan),
        rolling=rolling_table(scan, atoms.residues),
        emringer=emringer,
        q_score=q_score_summary(atoms, q_halves, shown),
        agreement=agreement_summary(agreement),
        atoms_outside=int(np.isnan(density[chosen]).sum()),
        note="; ".join(text for text in (note, reason) if text),
    )


def _require_overlap(density: npt.NDArray[np.float64], selection: str) -> None:
    """Raise unless density is known at one atom at least.

    Raises
    ------
    DataError
        Saying what to do.
    """
    if not len(density):
        raise DataError(f"nothing but hydrogens is in {selection!r}, and they are left out")
    if np.isnan(density).all():
        raise DataError(
            f"none of the {len(density):,} atoms lies in the map: the model belongs to another "
            "map, or has to be fitted into this one first"
        )
