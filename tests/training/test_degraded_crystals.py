"""Windows of crystals: what goes in is a degraded map of what should come out."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mapscope.simulate.dilation import Dilation
from mapscope.training.augmentation import PROPER
from mapscope.training.corpus import Corpus, PackedEntry, write_corpus
from mapscope.training.data_tables import DegradedCrystals
from mapscope.training.degraded_crystals import (
    DegradedCrystalSamples,
    b_factors_about,
    crystal_density,
    from_nought_to_one,
    packed,
)
from mapscope.training.entry import CorpusEntry
from mapscope.training.map_losses import correlation
from mapscope.training.samples import samples_of
from mapscope.training.split import read_split

TABLE = DegradedCrystals(kind="degraded_crystals", size=24)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, bundle_entry: CorpusEntry) -> Corpus:
    """The sample's helices under the names of an entry of each part."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.safetensors"
    split = read_split()
    names = [split.entries(part)[0] for part in ("training", "validation", "test")]
    write_corpus(path, [PackedEntry(replace(bundle_entry, name=name)) for name in names])
    return Corpus.open(path)


@pytest.fixture(scope="module")
def samples(corpus: Corpus) -> DegradedCrystalSamples:
    """Windows of 24 voxels."""
    made = samples_of(TABLE, corpus, Path())
    assert isinstance(made, DegradedCrystalSamples)
    return made


def test_a_sample_depends_on_seed_and_number_alone(samples: DegradedCrystalSamples) -> None:
    first, again = (samples.draw("training", 3, 7) for _ in range(2))
    assert first == again
    assert json.loads(json.dumps(asdict(first)))["dilation"]["radius"] == first.dilation.radius
    one, two = samples.make(first), samples.make(again)
    assert torch.equal(one.maps, two.maps)
    assert torch.equal(one.targets["map"], two.targets["map"])
    assert samples.draw("training", 4, 7) != first
    assert samples.draw("training", 3, 8) != first


def test_what_is_drawn_keeps_to_the_table_and_turns_keep_the_hand(
    samples: DegradedCrystalSamples,
) -> None:
    drawn = [samples.draw("training", 1, n) for n in range(40)]
    ends = {name: getattr(TABLE, name) for name in ("radius", "blur", "noise")}
    for name, (low, high) in ends.items():
        values = [getattr(d.dilation, name) for d in drawn]
        assert low <= min(values) < max(values) <= high
    assert {round(d.window.resolution, 3) for d in drawn} <= {1.4, 1.6, 1.8, 2.0, 2.2}
    assert max(d.turn for d in drawn) < PROPER
    part = read_split().part_of
    assert {part("structures", d.window.entry) for d in drawn} == {"training"}


def test_flips_are_drawn_only_where_the_recipe_says_so(corpus: Corpus) -> None:
    made = samples_of(TABLE.model_copy(update={"flips": True}), corpus, Path())
    turns = [made.draw("training", 1, n).turn for n in range(40)]
    assert min(turns) < PROPER <= max(turns)


def test_maps_lie_between_0_and_1_and_the_input_is_a_worse_copy_in_place(
    samples: DegradedCrystalSamples,
) -> None:
    for number in range(3):
        sample = samples.make(samples.draw("training", 2, number))
        maps, target = sample.maps[None], sample.targets["map"][None]
        assert maps.shape == target.shape == (1, 1, 24, 24, 24)
        assert (float(maps.min()), float(maps.max())) == (0.0, 1.0)
        assert (float(target.min()), float(target.max())) == (0.0, 1.0)
        here = float(correlation(maps, target))
        assert 0.1 < here < 0.95
        for axis in (2, 3, 4):
            assert float(correlation(maps.roll(2, axis), target)) < here


def test_without_degradation_the_input_is_the_density(samples: DegradedCrystalSamples) -> None:
    drawn = samples.draw("training", 5, 0)
    left = replace(drawn, error=0.0, dilation=Dilation(0.0, 0.0, 0.0))
    sample = samples.make(left)
    assert float(correlation(sample.maps[None].clamp(min=0), sample.maps[None])) > 0.9
    whole = crystal_density(samples._corpus[drawn.window.entry], left)
    scaled = sample.maps * (whole[3:-3, 3:-3, 3:-3].max() - whole[3:-3, 3:-3, 3:-3].min())
    found = float(scaled.std() / whole[3:-3, 3:-3, 3:-3].std())
    assert found == pytest.approx(1.0, abs=1e-3)


def test_the_density_does_not_depend_on_the_window_that_it_is_seen_through(
    samples: DegradedCrystalSamples,
) -> None:
    drawn = replace(samples.draw("training", 6, 1), solvent=0.0)
    entry = samples._corpus[drawn.window.entry]
    z, y, x = drawn.window.shift
    moved = replace(drawn, window=replace(drawn.window, shift=(z + 4.0, y, x)))
    here, there = crystal_density(entry, drawn), crystal_density(entry, moved)
    difference = (there[4:] - here[:-4])[4:-4, 4:-4, 4:-4]
    assert float(difference.abs().max()) < 0.02 * float(here.max())


def test_a_finer_crystal_with_lower_b_factors_is_sharper(samples: DegradedCrystalSamples) -> None:
    drawn = replace(samples.draw("training", 6, 1), solvent=0.0)
    entry = samples._corpus[drawn.window.entry]
    sharp, blurred = (crystal_density(entry, replace(drawn, b_factor=b)) for b in (6.0, 30.0))
    assert float(sharp.max()) > 1.5 * float(blurred.max())
    coarse = replace(drawn, b_factor=6.0, window=replace(drawn.window, resolution=2.2))
    fine = replace(drawn, b_factor=6.0, window=replace(drawn.window, resolution=1.4))
    assert float(crystal_density(entry, fine).max()) > float(crystal_density(entry, coarse).max())


def test_solvent_takes_what_is_smooth(samples: DegradedCrystalSamples) -> None:
    drawn = samples.draw("training", 6, 1)
    entry = samples._corpus[drawn.window.entry]
    dry, wet = (crystal_density(entry, replace(drawn, solvent=s)) for s in (0.0, 0.8))
    assert float(wet.mean()) == pytest.approx(0.2 * float(dry.mean()), rel=1e-3)


def test_a_molecule_is_packed_by_copies_that_fill_the_window_and_do_not_touch() -> None:
    random = np.random.default_rng(0)
    molecule = 10.0 + random.uniform(0, 8, (40, 3))
    positions, which = packed(molecule, 40.0)
    assert set(which) == set(range(40))
    steps = (positions - molecule[which]) / (np.ptp(molecule, axis=0) + 3.0)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    copies = np.unique(np.round(steps), axis=0)
    assert len(copies) > 30
    assert (positions > -6.0).all()
    assert (positions < 46.0).all()
    other = positions[np.any(np.round(steps) != 0, axis=1)]
    nearest = np.linalg.norm(other[:, None] - molecule, axis=-1).min()
    assert nearest >= 3.0 - 1e-9


def test_a_molecule_larger_than_the_window_is_taken_as_it_is() -> None:
    molecule = np.random.default_rng(0).uniform(-60, 80, (500, 3))
    positions, which = packed(molecule, 20.0)
    inside = np.flatnonzero(((molecule > -6) & (molecule < 26)).all(axis=1))
    assert which.tolist() == inside.tolist()
    np.testing.assert_array_equal(positions, molecule[inside])


def test_b_factors_are_scaled_to_a_median_and_those_that_are_not_known_are_it() -> None:
    found = b_factors_about(np.array([10.0, 20.0, 30.0, 1000.0, 0.0]), 8.0)
    np.testing.assert_allclose(found, [4.8, 8.0, 12.0, 40.0, 4.8])
    assert b_factors_about(np.zeros(4), 8.0).tolist() == [8.0] * 4


def test_targets_are_0_below_0_and_1_from_the_999th_thousandth() -> None:
    density = torch.linspace(-1.0, 9.0, 10_001)
    found = from_nought_to_one(density)
    assert float(found[:1000].max()) == 0.0
    assert float((found == 1.0).float().mean()) == pytest.approx(0.001, abs=2e-4)
    middle = int((density < 4.495).sum())
    assert float(found[middle]) == pytest.approx(0.5, abs=1e-3)
    assert float(from_nought_to_one(torch.zeros(9)).abs().max()) == 0.0
