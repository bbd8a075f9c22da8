"""Voxels of a network's maps, whether they are right, and how sure the network was of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.scores.reliability import Tally, is_right, tally
from mapscope.training.confidence import Counts, Rows, chances_of, confidence_rows, counted
from mapscope.training.evaluation import best_network, samples_of_run
from mapscope.training.half_map_pairs import HalfMapPairSamples
from mapscope.training.loss_tables import MapLoss
from mapscope.training.run_folder import RunFolder
from mapscope.training.samples import Role


@dataclass(frozen=True, eq=False)
class Judged:
    """One sample's voxels, arrays (z, y, x) each.

    Parameters
    ----------
    variance : float32 array
        What the network said of its map, in units of the scaled map.
    is_right : bool array
        Whether the map is within half the standard deviation of the truth in the molecule.
    inside : bool array
        The molecule.
    """

    variance: npt.NDArray[np.float32]
    is_right: npt.NDArray[np.bool_]
    inside: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Reliability:
    """How far a confidence can be believed.

    Parameters
    ----------
    everywhere, inside : Tally
        Of all voxels, and of those of molecules.
    """

    everywhere: Tally
    inside: Tally


def confidence_of(run: RunFolder, count: int, progress: Progress = silent) -> Rows:
    """Rows of variance and chance for a training's best weights, from its validation samples.

    Raises
    ------
    InputError
        As for `judged_voxels`.
    """
    total = Counts()
    for one in judged_voxels(run, "validation", count, progress):
        total += counted(one.variance, one.is_right)
    return confidence_rows(total)


def reliability_of(
    run: RunFolder, rows: Rows, role: Role, count: int, progress: Progress = silent
) -> Reliability:
    """How far rows of variance and chance can be believed on samples of a role.

    Raises
    ------
    InputError
        As for `judged_voxels`.
    """
    nothing = np.zeros(0)
    everywhere = inside = tally(nothing, nothing > 0)
    for one in judged_voxels(run, role, count, progress):
        chances = chances_of(rows, one.variance)
        everywhere += tally(chances, one.is_right)
        inside += tally(chances[one.inside], one.is_right[one.inside])
    return Reliability(everywhere, inside)


def judged_voxels(
    run: RunFolder, role: Role, count: int, progress: Progress = silent
) -> Iterator[Judged]:
    """The first samples of a role as a training's best weights answer them; noise is left out.

    Parameters
    ----------
    run : RunFolder
        A training on pairs of half maps whose network says a variance.
    role : str
        training, validation or test.
    count : int
        How many samples, noise counted.
    progress : callable
        Called once per sample.

    Raises
    ------
    InputError
        If it is another training, or has no weights yet.
    """
    import torch

    recipe, samples = run.recipe(), samples_of_run(run)
    loss = recipe.losses[0]
    has_variance = isinstance(loss, MapLoss) and loss.variance_output is not None
    if not isinstance(samples, HalfMapPairSamples) or not has_variance:
        raise InputError(
            f"{run.path.name} is a training of {recipe.name}: a confidence is that of a network "
            "that says a map and its variance, and learned from pairs of half maps"
        )
    assert isinstance(loss, MapLoss)
    network = best_network(run)
    for number in range(count):
        progress(number, count, f"judging {role} samples")
        drawn = samples.draw(role, recipe.seed, number)
        inside = samples.molecule(drawn)
        if drawn.imaging.noise or not inside.any():
            continue
        sample = samples.make(drawn)
        told = [] if sample.conditions is None else [sample.conditions[None]]
        with torch.inference_mode():
            said = network(sample.maps[None], *told)
        map_, truth = said[loss.output][0, 0].numpy(), sample.targets[loss.output][0].numpy()
        variance = said[str(loss.variance_output)][0, 0].exp().numpy()
        yield Judged(variance, is_right(map_, truth, inside), inside)
