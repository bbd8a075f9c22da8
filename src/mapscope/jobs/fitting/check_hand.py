"""Whether a map of a protein has the right hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Volume


@dataclass(frozen=True)
class CheckedHand:
    """The hand of a map, and what it was told by.

    Parameters
    ----------
    compared : Table
        What was compared: each place that looks like a helix, or the model, with its
        correlation in the map as it is (right) and mirrored (left).
    hand : str
        "right", "wrong" (mirror the map) or "cannot tell".
    score : float
        Right minus left: for helices in standard errors of the mean, at least 6 are needed;
        for a model in correlation.
    verdict : str
        The same in words.
    """

    compared: Table
    hand: str
    score: float
    verdict: str


@job(menu="napari/layers/measure", memory=16.0)
def check_hand(
    volume: Volume,
    structure: Structure | None = None,
    *,
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å", more=True)] = None,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> CheckedHand:
    """Hand of a map of a protein: right, wrong, or "cannot tell".

    Alpha helices turn right. Without a model, places that look like a helix are sought in the
    map and in its mirror image, and at the best of them helices of both hands are refined: the
    hand is told where one fits better by at least 6 standard errors. With a model, it is fitted
    globally into the map and into its mirror image, wherever it is: the hand is told where it
    truly fits one and its correlation there is at least a tenth higher.

    Parameters
    ----------
    volume : Volume
        A map of a protein better than about 4.5 Å.
    structure : Structure, optional
        A model of the protein or of a part of it, anywhere. Without one helices decide.
    resolution : float, optional
        Detail at which a model is compared. Auto: what the map holds, but at least 4 Å and three
        voxels.
    device : str
        What computes. Auto takes an accelerator where there is one.
    progress : Progress
        Called once per batch of orientations and of places.

    Returns
    -------
    checked : CheckedHand
        The hand, and what was compared.

    Raises
    ------
    InputError
        If this machine does not have the device.
    DataError
        If the voxels are too coarse to show how helices turn, or the map is constant.
    """
    from mapscope.simulate.device import chosen_device

    on = chosen_device(device)
    if structure is None:
        return _by_helices(volume, on, progress)
    return _by_model(volume, structure, resolution, on, progress)


def _by_helices(volume: Volume, device: str, progress: Progress) -> CheckedHand:
    """What the places that look like helices say."""
    from mapscope.scores.hand import find_helices

    found = find_helices(volume, device=device, progress=progress)
    columns = {axis: found.positions[:, k] for k, axis in enumerate("zyx")}
    table = Table({**columns, "right": found.right, "left": found.left}, dict.fromkeys("zyx", "Å"))
    better = int((found.right > found.left).sum())
    verdict = (
        f"{_in_words(found.hand)}: right-handed helices fit better at {better} of "
        f"{len(found.right)} places, by {found.score:.1f} standard errors"
    )
    return CheckedHand(table, found.hand, found.score, verdict)


def _by_model(
    volume: Volume,
    structure: Structure,
    resolution: float | None,
    device: str,
    progress: Progress,
) -> CheckedHand:
    """What a model says."""
    from mapscope.density.detail import finest_detail
    from mapscope.scores.hand import hand_by_model
    from mapscope.simulate.rigid_body import body_of_structure

    detail = finest_detail(volume) if resolution is None else resolution
    body = body_of_structure(structure, device=device)
    hand, here, there = hand_by_model(body, volume, detail, device=device, progress=progress)
    right, left = float(here.correlations[0]), float(there.correlations[0])
    columns = {axis: here.poses.positions[:1, k] for k, axis in enumerate("zyx")}
    table = Table(
        {**columns, "right": np.array([right]), "left": np.array([left])},
        dict.fromkeys("zyx", "Å"),
    )
    verdict = (
        f"{_in_words(hand)}: the model's correlation is {right:.2f} ({here.significance:.1f} "
        f"standard deviations above wrong fits) in the map as it is, {left:.2f} "
        f"({there.significance:.1f}) in its mirror image"
    )
    return CheckedHand(table, hand, right - left, verdict)


def _in_words(hand: str) -> str:
    """How the verdict begins."""
    words = {"right": "the hand is right", "wrong": "the hand is wrong, mirror the map"}
    return words.get(hand, "cannot tell the hand")
