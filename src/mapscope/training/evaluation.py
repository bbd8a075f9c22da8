"""What a trained network is worth on structures that it has never seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.table import Plot, Table
from mapscope.training.class_maps import ClassMapSamples
from mapscope.training.corpus import Corpus
from mapscope.training.run_folder import RunFolder
from mapscope.training.samples import Role, Samples, normalised, samples_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from mapscope.training.confusion import Confusion

RESOLUTIONS = tuple(np.arange(1.5, 15.25, 0.5).tolist())
"""The 28 resolutions in Å of Avramov et al. (2019), table 1."""

_BATCH = 8


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of a network.

    Parameters
    ----------
    confusion : Confusion, optional
        What is taken for what, where it says classes.
    loss : float
        Mean, as in training.
    scores : dict of str to float
        As a validation gives them: accuracies, or correlations of maps with the truth.
    """

    confusion: Confusion | None
    loss: float
    scores: dict[str, float]

    @property
    def trivial_loss(self) -> float:
        """Of who only knows how often each class comes, or of the input itself."""
        return self.scores["trivial_loss"]


def best_network(run: RunFolder) -> nn.Module:
    """The network of a training with its best weights, in evaluation mode.

    Raises
    ------
    InputError
        If there are none yet.
    """
    from mapscope.networks.registry import build
    from mapscope.training.checkpoint import read_state

    recipe = run.recipe()
    if not run.best.is_file():
        raise InputError(f"{run.path} has no weights yet: they come with its first validation")
    network = build(recipe.network.name, **recipe.network.config)
    network.load_state_dict(read_state(run.best)["weights"])
    return network.eval()


def samples_of_run(run: RunFolder) -> Samples:
    """The samples of a training."""
    facts = run.facts()
    return samples_of(run.recipe().data, Corpus.open(facts["corpus"]), Path(facts["cache"]))


def evaluate(
    run: RunFolder, role: Role = "test", *, count: int = 1000, progress: Progress = silent
) -> Evaluation:
    """Scores of a training's best weights.

    Parameters
    ----------
    run : RunFolder
        The training.
    role : str
        training, validation or test.
    count : int
        Most samples.
    progress : callable
        Called once a batch.

    Raises
    ------
    InputError
        If there are no weights yet.
    """
    import torch

    from mapscope.training.loader import CONDITIONS, MAPS, fixed_batches
    from mapscope.training.losses import TotalLoss
    from mapscope.training.validation import scores_for

    recipe, network, samples = run.recipe(), best_network(run), samples_of_run(run)
    samples.prepare(role, progress)
    losses, total, counted = TotalLoss(recipe.losses), 0.0, 0
    scores = scores_for(recipe.losses[0], samples)
    batches = fixed_batches(samples, role, seed=recipe.seed, count=count, batch=_BATCH)
    with torch.inference_mode():
        for number, batch in enumerate(batches):
            progress(number, -(-count // _BATCH), f"judging {role} samples")
            told = [batch[CONDITIONS]] if CONDITIONS in batch else []
            outputs = network(batch[MAPS], *told)
            total += float(losses(outputs, batch)) * len(batch[MAPS])
            counted += len(batch[MAPS])
            scores.add(outputs, batch)
    return Evaluation(scores.confusion, total / counted, scores.values())


def class_table(
    classify: Callable[[torch.Tensor], list[int]],
    classes: Sequence[str],
    samples: ClassMapSamples,
    *,
    resolutions: Sequence[float] = RESOLUTIONS,
    chains: int = 10,
    progress: Progress = silent,
) -> Table:
    """Which class test chains are given at each resolution, the first of them and most of them.

    Parameters
    ----------
    classify : callable
        Gives the number of the class of each of the maps (n, size, size, size), normalised.
    classes : sequence of str
        Their names.
    samples : ClassMapSamples
        Makes the maps.
    resolutions : sequence of float
        Å.
    chains : int
        How many test chains.
    progress : callable
        Called once a chain.

    References
    ----------
    Avramov et al. (2019) Molecules 24, 1181, table 1: one protein at 28 resolutions.
    """
    found = []
    for number, maps in enumerate(_series(samples, resolutions, chains)):
        progress(number, chains, "judging chains")
        found.append(classify(normalised(maps, samples.data.normalisation)))
    columns = np.array(found)
    most = [Counter(column.tolist()).most_common(1)[0] for column in columns.T]
    names = np.array(classes)
    return Table(
        {
            "resolution": np.asarray(resolutions),
            "first_chain": names[columns[0]],
            "most_chains": names[[label for label, _ in most]],
            "share": np.array([count / len(columns) for _, count in most]),
        },
        plot=Plot("resolution", ("share",)),
    )


def _series(
    samples: ClassMapSamples, resolutions: Sequence[float], chains: int
) -> Iterator[torch.Tensor]:
    """Maps of test chains at each resolution, (resolutions, n, n, n) a chain."""
    import torch

    for atoms in samples.test_chains(chains):
        maps = [samples.simulated(atoms, np.eye(3), resolution) for resolution in resolutions]
        yield torch.from_numpy(np.stack(maps))
