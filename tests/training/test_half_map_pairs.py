"""Pairs of half maps are what they were drawn to be, and hold the truth that they are judged by."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from mapscope.density.wiener import resolution_end, stated_fsc
from mapscope.inference.card import Card, Output
from mapscope.inference.model_input import input_for
from mapscope.simulate.half_maps import falling_curve
from mapscope.training.corpus import Corpus, PackedEntry, write_corpus
from mapscope.training.data_tables import HalfMapPairs
from mapscope.training.entry import CorpusEntry
from mapscope.training.half_map_imaging import (
    NOISES,
    ImagedPair,
    PairImaging,
    imaged_pair,
    sample_pair_imaging,
)
from mapscope.training.half_map_pairs import (
    DrawnPair,
    HalfMapPairSamples,
    atoms_in,
    scaled_pair,
    standard_b_factors,
)
from mapscope.training.map_losses import correlation, shell_correlations
from mapscope.training.split import read_split
from mapscope.training.unknown_density import SHAPES, Unknown, sample_unknown, unknown_atoms
from mapscope.training.windows import WindowParameters
from mapscope.volume import Volume

TABLE = HalfMapPairs(kind="half_map_pairs", size=32, border=4)
WINDOW = WindowParameters("bundle", residue=20, size=40, resolution=2.45)
CLEAN = PairImaging(resolution=1.5, told=1.5, ratio=1e7)
"""Next to no noise, and a resolution that these voxels cannot hold."""


@pytest.fixture(scope="module")
def samples(
    tmp_path_factory: pytest.TempPathFactory, bundle_entry: CorpusEntry
) -> HalfMapPairSamples:
    """Pairs of the sample's helices, under the names of entries of each part."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.safetensors"
    split = read_split()
    names = ["bundle", *split.entries("training")[:2], *split.entries("validation")[:2]]
    names += split.entries("test")[:2]
    write_corpus(path, [PackedEntry(replace(bundle_entry, name=name)) for name in names])
    return HalfMapPairSamples(TABLE, Corpus.open(path))


@pytest.fixture(scope="module")
def density(samples: HalfMapPairSamples) -> torch.Tensor:
    """The helices in a window, without noise."""
    return samples.densities(DrawnPair(WINDOW, CLEAN, b_spread=0.0))[1]


def correlated(a: torch.Tensor, b: torch.Tensor) -> float:
    """Correlation of two maps."""
    return float(correlation(a[None, None], b[None, None]))


def test_a_pair_depends_on_seed_and_number_alone(samples: HalfMapPairSamples) -> None:
    first, again = (samples.draw("training", 3, 7) for _ in range(2))
    assert first == again
    assert json.dumps(asdict(first))
    one, two = samples.make(first), samples.make(again)
    assert torch.equal(one.maps, two.maps)
    assert torch.equal(one.targets["map"], two.targets["map"])
    assert one.conditions is not None
    assert one.conditions.tolist() == pytest.approx([first.imaging.told])
    assert first not in (samples.draw("training", 3, 8), samples.draw("training", 4, 7))


def test_draws_keep_to_the_shares_of_the_recipe(samples: HalfMapPairSamples) -> None:
    drawn = [samples.draw("training", 0, n) for n in range(600)]
    images = [d.imaging for d in drawn]
    images = [i for i in images if not i.noise]
    singles = [i for i in images if i.is_single]
    shares = {
        "noise_only": 1 - len(images) / len(drawn),
        "single": len(singles) / len(images),
        "masked_single": np.mean([i.mask > 0 for i in singles]),
        "unknown": np.mean([bool(d.unknown) for d in drawn]),
        "removed": np.mean([bool(d.removed) for d in drawn]),
        "local": np.mean([i.blur > 0 for i in images]),
    }
    for name, share in shares.items():
        assert share == pytest.approx(getattr(TABLE, name), abs=0.08), name
    low, high = TABLE.resolution
    assert all(low <= i.resolution <= high for i in images)
    assert max(abs(i.told / i.resolution - 1) for i in images) <= TABLE.told_error


def test_without_noise_both_halves_are_the_truth(density: torch.Tensor) -> None:
    pair = imaged_pair(density, density, 1.0, CLEAN)
    assert correlated(pair.first, pair.truth) > 0.999
    assert correlated(pair.second, pair.truth) > 0.999
    ratio = pair.first.std() / pair.truth.std()
    assert float(ratio) == pytest.approx(1, abs=0.01)


def test_noise_of_many_pairs_has_the_wanted_ratio_to_the_signal(density: torch.Tensor) -> None:
    wanted = PairImaging(resolution=4.0, told=4.0, ratio=50.0)
    frequency = np.arange(1, 21) / 40
    sums = torch.zeros(20)
    for seed in range(8):
        pair = imaged_pair(density, density, 1.0, replace(wanted, seed=seed))
        found, _ = shell_correlations(pair.first[None, None], pair.second[None, None])
        sums += found[0]
    share = _inside(density)
    ratio = falling_curve(frequency, 4.0, 50.0)
    ratio = share * ratio / (1 - ratio)
    expected = ratio / (1 + ratio)
    chosen = (frequency > 0.09) & (frequency < 0.26)
    np.testing.assert_allclose((sums / 8).numpy()[chosen], expected[chosen], atol=0.05)


def _inside(density: torch.Tensor) -> float:
    """Share of the window that the molecule fills, as noise is measured against."""
    from mapscope.training.half_map_imaging import _mask

    return float(_mask(torch.fft.rfftn(density), 1.0, 0.1).mean())


def test_spectrum_of_the_mean_is_the_truths_times_c_ref(density: torch.Tensor) -> None:
    imaging = PairImaging(resolution=3.5, told=3.5, ratio=100.0)
    frequency = np.arange(1, 21) / 40
    found = torch.zeros(20)
    for seed in range(6):
        pair = imaged_pair(density, density, 1.0, replace(imaging, seed=seed))
        found += _amplitude((pair.first + pair.second) / 2) / _amplitude(pair.truth) / 6
    fsc = falling_curve(frequency, 3.5, 100.0)
    # Noise within the molecule and the solvent beside it: the mean is above what one alone has.
    lowest = 2 * fsc / (1 + fsc) * resolution_end(frequency, 1 / 3.5)
    chosen = (frequency > 0.09) & (frequency < 0.28)
    assert (found.numpy()[chosen] > 0.95 * lowest[chosen]).all()
    beyond = frequency > 1.15 / 3.5
    assert float(found.numpy()[beyond].max()) < 1e-3


def _amplitude(density: torch.Tensor) -> torch.Tensor:
    """Root mean square amplitude in each shell, (n // 2,)."""
    size = density.shape[0]
    waves = torch.fft.fftn(density).abs().square()
    along = torch.fft.fftfreq(size) * size
    radius = (along[:, None, None] ** 2 + along[:, None] ** 2 + along**2).sqrt().round().long()
    sums = torch.zeros(size).index_add(0, radius.flatten(), waves.flatten())
    counts = torch.zeros(size).index_add(0, radius.flatten(), torch.ones(size**3))
    return (sums / counts).sqrt()[1 : size // 2 + 1]


def test_single_map_goes_in_twice_with_the_noise_of_both_halves(density: torch.Tensor) -> None:
    imaging = PairImaging(resolution=4.0, told=4.0, ratio=20.0, seed=3)
    single = imaged_pair(density, density, 1.0, replace(imaging, is_single=True))
    assert torch.equal(single.first, single.second)
    pair = imaged_pair(density, density, 1.0, imaging)
    one, mean = correlated(pair.first, pair.truth), (pair.first + pair.second) / 2
    assert correlated(single.first, single.truth) > one + 0.02
    assert correlated(single.first, single.truth) == pytest.approx(
        correlated(mean, pair.truth), abs=0.03
    )


def test_stated_resolution_weights_a_map_alone(density: torch.Tensor) -> None:
    imaging = replace(CLEAN, is_single=True, told=5.0)
    pair = imaged_pair(density, density, 1.0, imaging)
    frequency = np.arange(1, 21) / 40
    fsc = stated_fsc(frequency, 5.0)
    wanted = np.sqrt(2 * fsc / (1 + fsc)) * resolution_end(frequency, 1 / 5.0)
    chosen = frequency < 0.19
    found = (_amplitude(pair.first) / _amplitude(pair.truth)).numpy()
    np.testing.assert_allclose(found[chosen], wanted[chosen], atol=0.05)


@pytest.mark.parametrize("is_hard", [False, True])
def test_mask_leaves_nothing_far_from_the_molecule(
    density: torch.Tensor,
    is_hard: bool,
) -> None:
    imaging = replace(CLEAN, mask=0.2, is_hard=is_hard, is_single=True)
    pair = imaged_pair(density, density, 1.0, imaging)
    far = pair.truth == 0
    assert 0.2 < float(far.float().mean()) < 0.95
    assert float(pair.first[far].square().mean()) < 1e-2 * float(pair.first[~far].square().mean())


@pytest.mark.parametrize("noise", NOISES)
def test_noise_alone_has_nothing_of_the_molecule_and_a_truth_of_zero(
    density: torch.Tensor, noise: str
) -> None:
    imaging = PairImaging(resolution=3.0, told=3.0, noise=noise, noise_b=100.0)  # type: ignore[arg-type]
    pair = imaged_pair(density, density, 1.0, imaging)
    assert float(pair.truth.abs().max()) == 0
    assert abs(correlated(pair.first, density)) < 0.15
    assert abs(correlated(pair.first, pair.second)) < 0.3
    maps, truth = scaled_pair(pair, imaging)
    assert float(truth.abs().max()) == 0
    assert float(maps.mean(0).std(correction=0)) == pytest.approx(1, abs=1e-4)


def test_blurred_here_and_there_is_worse_than_sharp_but_of_the_same_spectrum(
    density: torch.Tensor,
) -> None:
    sharp = imaged_pair(density, density, 1.0, CLEAN)
    blurred = imaged_pair(density, density, 1.0, replace(CLEAN, blur=120.0, seed=5))
    assert correlated(blurred.first, blurred.truth) < correlated(sharp.first, sharp.truth) - 0.005
    ratio = (_amplitude(blurred.first) / _amplitude(sharp.first))[4:14]
    assert float((ratio - 1).abs().max()) < 0.15


def test_scale_is_that_of_prediction(samples: HalfMapPairSamples, density: torch.Tensor) -> None:
    imaging = PairImaging(resolution=4.0, told=4.0, ratio=50.0, seed=1)
    pair = imaged_pair(density, density, 1.0, imaging)
    maps, truth = scaled_pair(pair, imaging)
    card = Card(
        name="enhancer",
        architecture="residual_unet",
        input_channels=TABLE.input_channels,
        scaled_together=TABLE.scaled_together,
        window=48,
        tile=64,
        outputs=(Output(name="map", kind="map", features=1),),
    )
    ready = input_for(card, [Volume(half.numpy()) for half in (pair.first, pair.second)])
    assert ready.scalings[0] == ready.scalings[1]
    np.testing.assert_allclose(ready.scaled(), maps.numpy(), atol=1e-4)
    scaling = ready.scalings[0]
    np.testing.assert_allclose(scaling(pair.truth.numpy()), truth.numpy(), atol=1e-4)


def test_atoms_as_a_whole_have_the_standard_b_factor() -> None:
    b_factors = np.random.default_rng(0).gamma(3.0, 15.0, 2000)
    found = standard_b_factors(b_factors, 40.0, 0.5)
    whole = -np.log(np.exp(-found / 64).mean()) * 64
    assert whole == pytest.approx(40, abs=0.5)
    assert np.corrcoef(found, b_factors)[0, 1] > 0.95
    assert np.ptp(standard_b_factors(b_factors, 40.0, 0.0)) == 0


def drawn(**changes: object) -> DrawnPair:
    """A clean pair of the window with changes."""
    return replace(DrawnPair(WINDOW, CLEAN, b_spread=0.0), **changes)  # type: ignore[arg-type]


def test_what_is_removed_is_absent_from_maps_and_truth(
    samples: HalfMapPairSamples, bundle_entry: CorpusEntry
) -> None:
    whole = atoms_in(bundle_entry, drawn(), 40.0, 0.0)
    less = drawn(removed="residues", residues=8)
    left = atoms_in(bundle_entry, less, 40.0, 0.0)
    gone = {tuple(p) for p in whole.positions.round(3)} - {
        tuple(p) for p in left.positions.round(3)
    }
    assert 20 < len(gone) < 120
    places = np.array(sorted(gone))
    inside = places[((places > 6) & (places < 33)).all(axis=1)].round().astype(int) - TABLE.border
    full, without = (samples.make(d) for d in (drawn(), less))
    for one, other in (
        (full.maps[0], without.maps[0]),
        (full.targets["map"][0], without.targets["map"][0]),
    ):
        before, after = (values[tuple(inside.T)].median() for values in (one, other))
        assert float(before) > 1.0
        assert float(after) < 0.5 * float(before)


def test_a_window_is_never_left_with_next_to_nothing(bundle_entry: CorpusEntry) -> None:
    kept = atoms_in(bundle_entry, drawn(removed="residues", residues=1000), 40.0, 0.0)
    assert len(kept.positions) == len(bundle_entry)


@pytest.mark.parametrize("shape", SHAPES)
def test_unknown_density_is_in_maps_and_truth(samples: HalfMapPairSamples, shape: str) -> None:
    entry, plain = samples._corpus["bundle"], drawn()
    positions = atoms_in(entry, plain, 40.0, 0.0).positions
    within = positions[(np.abs(positions - 19.5) <= 19.5).all(axis=1)]
    nearest = int(((within - 19.5) ** 2).sum(axis=1).argmin())
    piece = Unknown(shape, nearest, 6.0, 0.0, 1.0, seed=4)  # type: ignore[arg-type]
    more = replace(plain, unknown=(piece,))
    added = atoms_in(entry, more, 40.0, 0.0).positions[len(entry) :]
    assert len(added) >= 5
    free = samples.densities(more)[1] - samples.densities(plain)[1]
    pair, bare = (imaged_pair(*samples.densities(d), 1.0, CLEAN) for d in (more, plain))
    inside = added[((added > 3) & (added < 36)).all(axis=1)].round().astype(int)
    assert len(inside) >= 3
    for one, other in ((pair.first, bare.first), (pair.truth, bare.truth)):
        rise = (one - other)[tuple(inside.T)]
        assert float(rise.median()) > 0.3 * float(free[tuple(inside.T)].median()) > 0


def test_bonds_of_a_random_walk_are_as_long_as_bonds() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        piece = replace(sample_unknown(random), shape="walk")
        positions, elements = unknown_atoms(piece, np.zeros(3))
        bonds = np.linalg.norm(np.diff(positions, axis=0), axis=1)
        np.testing.assert_allclose(bonds, 1.5, atol=1e-6)
        assert 5 <= len(positions) <= 41
        assert set(elements.tolist()) <= {6, 7, 8}
        middle = np.linalg.norm(positions.mean(axis=0))
        assert middle == pytest.approx(piece.distance, abs=1e-6)


def test_molecule_is_where_atoms_are_near(samples: HalfMapPairSamples) -> None:
    one = drawn()
    inside = samples.molecule(one)
    positions = atoms_in(samples._corpus["bundle"], one, 40.0, 0.0).positions - TABLE.border
    fits = ((positions >= 0) & (positions <= TABLE.size - 1)).all(axis=1)
    assert inside[tuple(positions[fits].round().astype(int).T)].all()
    z, y, x = np.unravel_index(inside.argmin(), inside.shape)
    nearest = np.linalg.norm(positions - np.array([z, y, x]), axis=1).min()
    assert not inside[z, y, x]
    assert nearest > 3


def test_pair_without_a_border_is_the_middle_of_the_one_with(samples: HalfMapPairSamples) -> None:
    sizes = [
        values.shape
        for values in vars(samples._inner(ImagedPair(*[torch.zeros(40, 40, 40)] * 3))).values()
    ]
    assert sizes == [(32, 32, 32)] * 3


def test_shares_of_one_and_none_are_kept_exactly() -> None:
    table = TABLE.model_copy(update={"single": 1.0, "masked_single": 0.0, "noise_only": 0.0})
    found = [sample_pair_imaging(np.random.default_rng(n), table) for n in range(50)]
    assert all(one.is_single and not one.mask and not one.noise for one in found)
    assert len({one.seed for one in found}) == 50
