"""The scores of a whole model as a few numbers, and in words what to know about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from mapscope.parameter import Key
from mapscope.scores.chi1_scan import Chi1Scan
from mapscope.scores.emringer import emringer_score
from mapscope.scores.model_agreement import ModelAgreement, resolution_of_agreement
from mapscope.scores.q_score import expected_q_score
from mapscope.scores.residue_scores import AtomScores

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class EMRingerSummary:
    """Whether density around side chains peaks where rotamers are.

    Parameters
    ----------
    score : float
        10 z / √residues at the best threshold; above 1 is good for a map near 4 Å, chance is 0.
    z_score : float
        Standard deviations above chance there.
    threshold : float
        Density above which peaks count there.
    rotameric : float
        Share of these peaks that are rotameric.
    residues : int
        Side chains scanned.
    first_half : float or None
        Score in the first half map, where there is one.
    second_half : float or None
        Score in the second half map.

    References
    ----------
    .. [1] Barad et al. (2015) Nat. Methods 12, 943-946.
    """

    score: Annotated[float, Key("EMRinger")]
    z_score: float
    threshold: float
    rotameric: float
    residues: int
    first_half: float | None
    second_half: float | None


@dataclass(frozen=True)
class QScoreSummary:
    """How much density around atoms looks like atoms.

    Parameters
    ----------
    mean : float
        Over the scored atoms inside the map, from -1 to 1.
    protein : float or None
        Over those of amino acids, where there are any.
    nucleic : float or None
        Over those of nucleotides.
    expected : float or None
        Mean that is usual at the map's resolution for what most residues are; None beyond 6 Å.
    atoms : int
        Atoms scored.
    first_half : float or None
        Mean in the first half map, where there is one.
    second_half : float or None
        Mean in the second half map.

    References
    ----------
    .. [1] Pintilie et al. (2020) Nat. Methods 17, 328-334.
    """

    mean: Annotated[float, Key("mean Q")]
    protein: float | None
    nucleic: float | None
    expected: Annotated[float | None, Key("usual Q")]
    atoms: int
    first_half: float | None
    second_half: float | None


@dataclass(frozen=True)
class AgreementSummary:
    """How the map correlates with the map that the model would give.

    Parameters
    ----------
    cc_mask : float or None
        Correlation with the model's map inside the molecule.
    cc_box : float or None
        Over the whole box.
    cc_volume : float or None
        Over as many voxels as the molecule has, the densest of the model's map.
    cc_peaks : float or None
        Over the densest voxels of either map.
    resolution : float or None
        Å at which both were compared; where the FSC last crosses 0.5 if none was given.
    d_fsc_half : float or None
        Å where the map–model FSC around the model last crosses 0.5; Nyquist where it stays above.
    d_fsc_0143 : float or None
        Å where it last crosses 0.143.
    prior_gain : float or None
        Mean by which that FSC exceeds what the half maps allow, where there are any.

    References
    ----------
    .. [1] Afonine et al. (2018) Acta Cryst. D74, 814-840.
    .. [2] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    """

    cc_mask: Annotated[float | None, Key("CC_mask")]
    cc_box: float | None
    cc_volume: float | None
    cc_peaks: float | None
    resolution: float | None
    d_fsc_half: Annotated[float | None, Key("d_FSC 0.5", "Å")]
    d_fsc_0143: float | None
    prior_gain: float | None


def emringer_summary(scan: Chi1Scan, halves: list[Chi1Scan]) -> EMRingerSummary | None:
    """The EMRinger score in the map and in its half maps; None where the map gives none.

    Parameters
    ----------
    scan : Chi1Scan
        In the map.
    halves : list of Chi1Scan
        In both half maps, or none.
    """
    score = emringer_score(scan.density)
    if score is None:
        return None
    found = [emringer_score(half.density) for half in halves] or [None, None]
    first, second = (None if half is None else half.score for half in found)
    return EMRingerSummary(**vars(score), first_half=first, second_half=second)


def q_score_summary(
    atoms: AtomScores, halves: list[Floats], resolution: float | None
) -> QScoreSummary:
    """Mean Q-scores in the map and in its half maps, beside what is usual.

    Parameters
    ----------
    atoms : AtomScores
        With the Q-scores in the map.
    halves : list of float64 arrays (atoms,)
        In both half maps, or none.
    resolution : float, optional
        Å.
    """
    known = np.isfinite(atoms.q)
    kinds = atoms.residues.kinds[atoms.residues.of_atoms]
    means = {kind: _mean(atoms.q[known & (kinds == kind)]) for kind in ("protein", "nucleic")}
    first, second = (_mean(half[np.isfinite(half)]) for half in halves) if halves else (None, None)
    return QScoreSummary(
        mean=float(atoms.q[known].mean()),
        protein=means["protein"],
        nucleic=means["nucleic"],
        expected=usual_q_score(atoms, resolution),
        atoms=int(known.sum()),
        first_half=first,
        second_half=second,
    )


def usual_q_score(atoms: AtomScores, resolution: float | None) -> float | None:
    """Mean Q-score that is usual at a resolution in Å for what most scored atoms are of.

    None where the line through deposited models has fallen to 0: coarser than 6 to 7 Å.
    """
    if resolution is None:
        return None
    kinds = atoms.residues.kinds[atoms.residues.of_atoms][atoms.chosen]
    most = "nucleic" if (kinds == "nucleic").sum() > (kinds == "protein").sum() else "protein"
    usual = expected_q_score(resolution, most)
    return usual if usual > 0 else None


def agreement_summary(agreement: ModelAgreement | None) -> AgreementSummary | None:
    """The numbers of a comparison with the model's map."""
    if agreement is None:
        return None
    found, gain = agreement.correlations, agreement.gain
    return AgreementSummary(
        resolution=agreement.resolution,
        cc_mask=None if found is None else found.cc_mask,
        cc_box=None if found is None else found.cc_box,
        cc_volume=None if found is None else found.cc_volume,
        cc_peaks=None if found is None else found.cc_peaks,
        d_fsc_half=resolution_of_agreement(agreement.curves, 0.5),
        d_fsc_0143=resolution_of_agreement(agreement.curves, 0.143),
        prior_gain=None if gain is None else gain.mean,
    )


def remarks(atoms: AtomScores, scan: Chi1Scan, has_score: bool, models: int, number: int) -> str:
    """What to know about the scores: what was left out, and why a score is missing.

    Parameters
    ----------
    atoms, scan
        What was scored.
    has_score : bool
        Whether there is an EMRinger score.
    models, number : int
        Models in the file, and which was scored.
    """
    told = []
    if models > 1:
        told.append(f"model {number} of {models} was scored")
    outside, every = int(np.isnan(atoms.density[atoms.chosen]).sum()), int(atoms.chosen.sum())
    if outside:
        told.append(f"{outside:,} of {every:,} atoms lie outside the map and were left out")
    if has_score and scan.without_side_chain:
        told.append(f"{scan.without_side_chain:,} residues lack side-chain atoms for EMRinger")
    if not has_score:
        told.append(f"no EMRinger score: {_why_no_score(atoms, scan)}")
    return "; ".join(told)


def _why_no_score(atoms: AtomScores, scan: Chi1Scan) -> str:
    """Why EMRinger says nothing."""
    residues = atoms.residues
    kinds = set(residues.kinds[np.unique(residues.of_atoms[atoms.chosen])].tolist())
    if len(scan):
        return "no side chain's density peaks at a rotamer, or all of it is equal"
    if scan.outside:
        return "the side chains lie outside the map or at its edge"
    if scan.without_side_chain:
        return "the model has no side chains"
    if "protein" not in kinds:
        return "there is no protein"
    return "no residue has a χ1 that it scans"


def _mean(values: Floats) -> float | None:
    """Mean, or None of nothing."""
    return float(values.mean()) if len(values) else None
