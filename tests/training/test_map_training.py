"""A network that says maps is trained, judged, shown and kept as one that says classes is."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from mapscope import cli
from mapscope.inference import load
from mapscope.inference.card import Training
from mapscope.jobs import evaluate, show_sample, show_training
from mapscope.networks.registry import build
from mapscope.training import loop
from mapscope.training.corpus import PackedEntry, write_corpus
from mapscope.training.data_tables import DataTable
from mapscope.training.entry import CorpusEntry
from mapscope.training.evaluation import best_network, samples_of_run
from mapscope.training.learner import Learner, optimiser_of
from mapscope.training.loader import CONDITIONS, MAPS, fixed_batches
from mapscope.training.loss_tables import MapLoss
from mapscope.training.map_losses import correlation
from mapscope.training.model import card_of
from mapscope.training.recipe import Optimiser, Recipe, parse_recipe, read_recipe
from mapscope.training.run_folder import MAP_SCORES, RunFolder
from mapscope.training.samples import Role, Sample
from mapscope.training.speed import expected_step
from mapscope.training.split import read_split
from mapscope.volume import Volume

pytest.importorskip("lightning")

RECIPE = """
name = "tiny_map"
about = "A recipe for tests."
seed = 3

[network]
name = "mullick_unet"
config = { widths = [6, 8] }

[data]
kind = "degraded_crystals"
size = 16

[[losses]]
kind = "map"
overlap = 1.0
shells = 0.2

[optimiser]
name = "adam"
rate = 5e-3
betas = [0.5, 0.999]

[schedule]
steps = 24
batch = 2
validate_every = 12
validation_samples = 3
workers = 0
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, bundle_entry: CorpusEntry) -> RunFolder:
    """A training of seconds."""
    folder = tmp_path_factory.mktemp("maps")
    split = read_split()
    names = [split.entries(part)[0] for part in ("training", "validation", "test")]
    corpus = folder / "corpus.safetensors"
    write_corpus(corpus, [PackedEntry(replace(bundle_entry, name=name)) for name in names])
    loop.start(RECIPE, corpus, folder / "run", device="cpu")
    return RunFolder(folder / "run")


def test_curves_have_correlations_beside_losses_and_the_loss_falls(run: RunFolder) -> None:
    judged = [row for row in run.rows() if "validation_loss" in row]
    assert [row["step"] for row in judged] == [12, 24]
    for row in judged:
        assert set(MAP_SCORES) < set(row)
        assert row["trivial_loss"] > 0
        assert "accuracy" not in row
    assert judged[1]["validation_loss"] < judged[0]["validation_loss"]
    curves = run.curves()
    assert set(MAP_SCORES) < set(curves.columns)
    last = curves["correlation"][-1]
    assert last == pytest.approx(judged[1]["correlation"])
    # What goes in is the same at each validation.
    assert judged[0]["input_correlation"] == judged[1]["input_correlation"]


def test_card_of_a_map_says_what_it_wants_and_gives(run: RunFolder) -> None:
    card = load(str(run.model)).card
    (output,) = card.outputs
    assert (output.name, output.kind, output.of, output.activation) == (
        "map", "map", "voxels", "none",
    )  # fmt: skip
    assert (card.input_channels, card.conditions, card.classes) == (("map",), (), ())
    assert (card.voxel_size, card.normalisation, card.window) == (1.0, "min_max", 16)
    # Tiles as large as what it learned from, of which a quarter lies over each neighbour.
    assert (card.tile, card.margin, card.multiple, card.blended) == (16, 4, 4, True)
    assert set(card.training.scores) == {"validation_loss", "trivial_loss", *MAP_SCORES}


def test_model_predicts_a_map_larger_than_its_windows_in_place(run: RunFolder) -> None:
    model = load(str(run.model))
    batch = next(iter(fixed_batches(samples_of_run(run), "test", seed=1, count=1, batch=1)))
    density = np.pad(batch[MAPS][0, 0].numpy(), 4)
    found = model.predict([Volume(density, (1.0,) * 3)], device="cpu", precision="fp32")
    said = found.prediction.outputs["map"]
    assert said.shape == (1, 24, 24, 24)
    assert 0 <= said.min() < said.max() <= 1
    assert found.grid.shape == density.shape


def test_evaluation_gives_the_scores_of_the_card_again(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    training = load(str(run.model)).card.training
    command = training.commands["validation_loss"].replace("RUN_FOLDER", str(run.path))
    assert cli.main([*command.split()[1:], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for name, score in (("loss", "validation_loss"), ("correlation",) * 2):
        assert found[name] == pytest.approx(training.scores[score], abs=1e-4)
    assert found["input_correlation"] == pytest.approx(
        training.scores["input_correlation"], abs=1e-4
    )
    assert found["accuracy"] is None
    assert [row["map"] for row in found["scores"]] == ["input", "output"]
    assert found["scores"][1]["correlation"] == pytest.approx(found["correlation"])


def test_evaluation_is_the_mean_over_its_samples(run: RunFolder) -> None:
    found = evaluate(run_folder=run.path, role="test", samples=2)
    batch = next(iter(fixed_batches(samples_of_run(run), "test", seed=3, count=2, batch=2)))
    with torch.inference_mode():
        said = best_network(run)(batch[MAPS])["map"]
    expected = float(correlation(said, batch["map"]).mean())
    assert found.correlation == pytest.approx(expected, abs=1e-5)
    given = float(correlation(batch[MAPS], batch["map"]).mean())
    assert found.input_correlation == pytest.approx(given, abs=1e-5)


def test_a_sample_is_shown_as_three_maps_with_their_correlations(run: RunFolder) -> None:
    shown = show_sample(run_folder=run.path, sample=2)
    assert (shown.samples, shown.step) == (2, 24)
    assert shown.said is None
    assert shown.said_map is not None
    assert shown.true_map is not None
    assert shown.map.grid == shown.said_map.grid == shown.true_map.grid
    made = samples_of_run(run)
    sample = made.make(made.draw("validation", 3, 1))
    np.testing.assert_allclose(shown.map.data, sample.maps[0], atol=2e-3)
    np.testing.assert_allclose(shown.true_map.data, sample.targets["map"][0], atol=2e-3)
    with torch.inference_mode():
        said = best_network(run)(sample.maps[None])["map"][0, 0]
    np.testing.assert_allclose(shown.said_map.data, said, atol=2e-3)
    expected = np.corrcoef(said.numpy().ravel(), sample.targets["map"].numpy().ravel())[0, 1]
    assert shown.correlation == pytest.approx(expected, abs=2e-3)


def test_show_training_says_how_maps_correlate(run: RunFolder) -> None:
    shown = show_training(run_folder=run.path)
    last = [row for row in run.rows() if "validation_loss" in row][-1]
    assert shown.accuracy is None
    assert shown.correlation == last["correlation"]
    assert shown.input_correlation == last["input_correlation"]
    assert shown.curves.plot is not None
    assert shown.curves.plot.levels == {"trivial": last["trivial_loss"]}


def test_a_recipe_of_maps_is_measured(run: RunFolder) -> None:
    assert 0 < expected_step(run.recipe(), "cpu") < 60


class _Pairs(DataTable):
    """A table as the half maps' is: two channels and a condition."""

    input_channels: ClassVar[tuple[str, ...]] = ("half_map_1", "half_map_2")
    conditions: ClassVar[tuple[str, ...]] = ("resolution",)
    size: int = 8
    voxel_size: float = 1.0
    normalisation: str = "standard"


@dataclass(frozen=True)
class _Drawn:
    number: int


class _PairSamples:
    """Two copies of a map, and how dense it is as a condition."""

    classes: tuple[str, ...] = ()

    def count(self, _role: Role) -> int | None:
        """There is no end."""
        return None

    def draw(self, _role: Role, _seed: int, number: int) -> _Drawn:
        """A number."""
        return _Drawn(number)

    def make(self, drawn: _Drawn) -> Sample:
        """A map in which one plane is denser."""
        truth = torch.full((1, 8, 8, 8), float(drawn.number))
        truth[0, 0] += 1.0
        return Sample(torch.cat([truth, truth]), {"map": truth}, torch.tensor([3.0 + drawn.number]))


PAIRS = """
name = "pairs"
about = "For tests."
data = { kind = "degraded_crystals" }
[network]
name = "residual_unet"
[network.config]
channels = 2
widths = [4, 6]
conditions = 1
voxel_heads = { map = 1, variance = 1 }
[[losses]]
kind = "map"
square = 1.0
variance = 0.5
variance_output = "variance"
"""


def _pairs_recipe() -> Recipe:
    """A recipe whose table is that of pairs."""
    return parse_recipe(PAIRS).model_copy(update={"data": _Pairs()})


def test_card_of_a_map_with_variance_names_channels_and_conditions() -> None:
    recipe = _pairs_recipe()
    network = build(recipe.network.name, **recipe.network.config)
    card = card_of(recipe, network, _PairSamples(), Training())  # type: ignore[arg-type]
    assert [(o.name, o.kind, o.activation) for o in card.outputs] == [
        ("map", "map", "none"),
        ("variance", "variance", "exp"),
    ]
    assert card.input_channels == ("half_map_1", "half_map_2")
    assert card.conditions == ("resolution",)
    assert (card.blended, card.margin, card.window) == (False, network.margin, 8)
    assert card.tile >= 5 * network.margin


def test_conditions_of_samples_reach_the_network() -> None:
    recipe = _pairs_recipe()
    samples: Any = _PairSamples()
    learner = Learner(recipe, samples, lambda: 0.0).eval()
    batch = next(iter(fixed_batches(samples, "training", seed=0, count=2, batch=2)))
    assert batch[CONDITIONS].tolist() == [[3.0], [4.0]]
    seen: list[Any] = []
    learner.network.register_forward_pre_hook(lambda _, given: seen.extend(given))
    found = learner.answer(batch)
    assert torch.equal(seen[1], batch[CONDITIONS])
    assert found["variance"].shape == (2, 1, 8, 8, 8)
    assert bool(torch.isfinite(learner.training_step(batch)))


def test_adam_of_the_paper_has_its_rate_and_betas() -> None:
    recipe = read_recipe("paper_000")
    found = optimiser_of(recipe.optimiser, torch.nn.Linear(2, 2))
    assert type(found) is torch.optim.Adam
    assert found.defaults["betas"] == (0.5, 0.999)
    assert found.defaults["lr"] == 2e-4
    assert type(optimiser_of(Optimiser(), torch.nn.Linear(2, 2))) is torch.optim.AdamW


def test_recipe_of_the_paper_is_the_papers_and_the_narrow_one_fits_into_8_mb() -> None:
    whole, narrow = read_recipe("paper_000"), read_recipe("paper_000_narrow")
    with torch.device("meta"):
        sizes = [
            build(r.network.name, **r.network.config).parameters_learned for r in (whole, narrow)
        ]
    assert sizes[0] == 137_900_033
    assert 2 * sizes[1] < 8e6
    assert (whole.data.size, whole.schedule.batch) == (128, 4)
    assert whole.losses == narrow.losses == (MapLoss(kind="map", overlap=1.0),)
    assert whole.data.flips  # type: ignore[union-attr]
    assert not narrow.data.flips  # type: ignore[union-attr]
