"""The model file of a training: its best weights, and a card that says how they came to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mapscope.inference.card import Card, Output, Training
from mapscope.inference.model_file import write_model
from mapscope.training.calibration import LEAST
from mapscope.training.loss_tables import AnyLoss, MapLoss
from mapscope.training.recipe import Recipe, recipe_names
from mapscope.training.run_folder import RunFolder
from mapscope.training.samples import Samples

if TYPE_CHECKING:
    from mapscope.networks.network import Network

_SMALLEST_TILE = 64
_MARGINS = 5
_KEPT = 112
"""Voxels along the edge of what is kept of a tile whose margin was measured."""

_PROBES = 12
"""Validation samples in which the margin of a trained network is measured."""

_BLENDED_SHARE = 4
"""A tile shares this part of its edge with each neighbour where tiles are blended, twice over."""


def write_model_of(run: RunFolder, samples: Samples, *, minutes: float) -> Path:
    """Write the best weights of a training as a model, and give its path.

    Parameters
    ----------
    run : RunFolder
        A training that has weights.
    samples : Samples
        What it learned from.
    minutes : float
        How long it took so far.
    """
    from mapscope.networks.registry import build
    from mapscope.training.checkpoint import read_state

    best = read_state(run.best)
    recipe = run.recipe()
    network = build(recipe.network.name, **recipe.network.config)
    network.load_state_dict(best["weights"])
    scores = dict(best["scores"])
    least = scores.pop(LEAST, 0.0)
    command = (
        "mapscope evaluate --run-folder RUN_FOLDER --role validation "
        f"--samples {recipe.schedule.validation_samples}"
    )
    training = Training(
        recipe=recipe.name,
        data="structures of a corpus made by build-corpus",
        split="training part of the split; validation part for the scores",
        command=_command(recipe, run.facts().get("minutes")),
        seed=recipe.seed,
        steps=best["step"],
        minutes=round(minutes, 1),
        hardware=run.facts().get("hardware", ""),
        scores={name: round(value, 5) for name, value in scores.items()},
        commands=dict.fromkeys(scores, command),
    )
    card = card_of(recipe, network, samples, training)
    card = card.model_copy(update={"least_probability": round(least, 4)})
    if isinstance(recipe.losses[0], MapLoss) and not card.blended:
        card = _with_felt_margin(card, recipe, network, samples)
    return write_model(run.model, card, best["weights"])


def _with_felt_margin(card: Card, recipe: Recipe, network: Network, samples: Samples) -> Card:
    """The card with tiles that overlap by what the trained network feels of its surroundings."""
    from mapscope.training.felt_margin import felt_margin

    drawn = (samples.draw("validation", recipe.seed, number) for number in range(_PROBES))
    margin = felt_margin(network, (samples.make(one) for one in drawn), _KEPT)
    tile = _KEPT + 2 * margin
    tile -= tile % -card.multiple
    return card if tile >= card.tile else card.model_copy(update={"tile": tile, "margin": margin})


def _command(recipe: Recipe, minutes: float | None) -> str:
    """What trains a recipe anew; one that does not come with Mapscope is a file of the user's."""
    name = recipe.name if recipe.name in recipe_names() else "RECIPE.toml"
    limit = "" if minutes is None else f" --minutes {minutes:g}"
    return f"mapscope train --recipe {name} --corpus CORPUS --run-folder RUN_FOLDER{limit}"


def card_of(recipe: Recipe, network: Network, samples: Samples, training: Training) -> Card:
    """The card of a recipe's network.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    network : nn.Module
        Its network.
    samples : Samples
        What it learns from.
    training : Training
        How it came to be.
    """
    of_voxels, size = recipe.data.of_voxels, recipe.data.size
    outputs = tuple(o for loss in recipe.losses for o in _outputs(loss, recipe, samples))
    margin, multiple = network.margin, network.multiple
    tile = max(_SMALLEST_TILE, _MARGINS * margin)
    tile -= tile % -multiple
    if network.knows_whole:
        # What it says depends on all that it is shown: tiles are as what it learned from.
        tile, margin = size, size // _BLENDED_SHARE // multiple * multiple
    return Card(
        name=recipe.name,
        summary=recipe.about,
        architecture=recipe.network.name,
        config=recipe.network.config,
        voxel_size=voxel_size_of(recipe),
        normalisation=recipe.data.normalisation,
        input_channels=recipe.data.input_channels,
        conditions=recipe.data.conditions,
        scaled_together=recipe.data.scaled_together,
        window=size if of_voxels else 0,
        tile=tile if of_voxels else size,
        margin=margin if of_voxels else 0,
        multiple=multiple,
        blended=of_voxels and network.knows_whole,
        outputs=outputs,
        classes=samples.classes,
        training=training,
        cite=recipe.cite,
    )


def _outputs(loss: AnyLoss, recipe: Recipe, samples: Samples) -> list[Output]:
    """What a network says that one of a recipe's losses judges."""
    if isinstance(loss, MapLoss):
        said = [Output(name=loss.output, kind="map", features=1)]
        if loss.variance_output is not None:
            named = loss.variance_output
            said += [Output(name=named, kind="variance", features=1, activation="exp")]
        return said
    return [
        Output(
            name=loss.output,
            kind="classes",
            features=len(samples.classes),
            of="voxels" if recipe.data.of_voxels else "map",
            activation="softmax",
        )
    ]


def voxel_size_of(recipe: Recipe) -> float | None:
    """The voxel size in Å that a recipe's maps have, or None where they have many."""
    size = recipe.data.voxel_size
    if isinstance(size, tuple):
        return size[0] if size[0] == size[1] else None
    return size
