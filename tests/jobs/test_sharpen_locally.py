"""Local sharpening gives each place back what it lost, and leaves noise where it is."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.fourier import Shells, filter_radial, transform
from mapscope.density.frame import flip_hand, invert_contrast
from mapscope.density.shells import correlate_shells
from mapscope.density.signal_curves import power_by_shells
from mapscope.errors import DataError, GridError, InputError
from mapscope.jobs import all_jobs
from mapscope.structure import Structure
from mapscope.volume import HalfMaps, Region, Volume

SHARPEN = all_jobs()["sharpen_locally"]
SIZE = 60
RADIUS = 19.0
Floats = npt.NDArray[np.float32]


def points(seed: int = 0, number: int = 900, *, filled: bool = False) -> npt.NDArray[np.intp]:
    """Voxels of atoms, (n, 3), in a ball in the middle of the box or all over it."""
    random = np.random.default_rng(seed)
    if filled:
        return random.integers(0, SIZE, (6 * number, 3))
    found = random.normal(0, 1, (number, 3))
    found *= (RADIUS * random.random(number) ** (1 / 3) / np.linalg.norm(found, axis=1))[:, None]
    return np.round(found + SIZE / 2).astype(np.intp)


def density(places: npt.NDArray[np.intp], b_factor: float, size: int = SIZE) -> Volume:
    """Atoms as Gaussians of a B-factor."""
    data = np.zeros((size,) * 3, dtype=np.float32)
    np.add.at(data, tuple(places.T), 10.0)
    return blurred(Volume(data), b_factor)


def blurred(volume: Volume, b_factor: float) -> Volume:
    return filter_radial(volume, lambda f: np.exp(-b_factor * f**2 / 4))


def noisy(signal: Volume, level: float, seed: int = 1) -> HalfMaps:
    """Half maps of white noise of that standard deviation, times the signal's."""
    random = np.random.default_rng(seed)
    deviation = level * float(signal.data.std())
    first, second = (
        signal.with_data(signal.data + random.normal(0, deviation, signal.shape).astype(np.float32))
        for _ in range(2)
    )
    return HalfMaps(first, second)


def side(sharp: Volume, soft: Volume) -> Volume:
    """One map where x is low, the other where it is high."""
    share = 1 / (1 + np.exp((np.arange(SIZE) - SIZE / 2) / 1.5))
    return sharp.with_data((sharp.data * share + soft.data * (1 - share)).astype(np.float32))


def ball() -> npt.NDArray[np.bool_]:
    """Voxels well inside the molecule."""
    offset = np.indices((SIZE,) * 3) - SIZE / 2
    return np.asarray((offset**2).sum(axis=0) < (RADIUS - 3) ** 2)


def mean_fsc(volume: Volume, truth: Volume, finest: float) -> float:
    """Mean over all shells of the FSC of two maps inside the molecule."""
    shells, offset = Shells(truth.grid), np.indices(truth.shape) - SIZE / 2
    distance = np.sqrt((offset**2).sum(axis=0))
    window = 1 / (1 + np.exp((distance - RADIUS - 4) / 1.5))
    first, second = (transform(v.data * window) for v in (volume, truth))
    fsc = correlate_shells(first, second, shells).fsc
    return float(fsc[(shells.frequency > 0) & (shells.frequency < 1 / finest)].mean())


def detail(volume: Volume) -> Volume:
    return filter_radial(volume, lambda f: (f > 0.2).astype(float))


def error(found: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> float:
    """Largest difference over the standard deviation of what was wanted."""
    return float(np.abs(found - wanted).max() / wanted.std())


HALVES = noisy(density(points(), 120.0), 0.3)


def test_sharpen_a_constant_gives_it_back() -> None:
    constant = Volume(np.full((24, 30, 28), 7.5, dtype=np.float32), origin=(3.0, 4.0, 5.0))
    for result in (SHARPEN(constant), SHARPEN(half_maps=HalfMaps(constant, constant))):
        np.testing.assert_allclose(result.sharpened.data, 7.5, rtol=1e-5)
        assert result.sharpened.grid.matches(constant.grid)


def test_sharpen_an_even_map_is_sharpening_it_globally() -> None:
    even = density(points(filled=True), 150.0)
    result = SHARPEN(half_maps=HalfMaps(even, even))
    table = result.gain
    globally = filter_radial(even, lambda f: np.interp(f, table["frequency"], table["whole"]))
    middle = (slice(10, -10),) * 3
    got, wanted = result.sharpened.data[middle].ravel(), globally.data[middle].ravel()
    assert np.corrcoef(got, wanted)[0, 1] > 0.98
    assert np.polyfit(wanted, got, 1)[0] == pytest.approx(1.0, abs=0.12)
    assert table["whole"][20] > 3 * table["whole"][6]


def test_sharpen_brings_a_blurred_map_to_the_same_spectrum_as_a_sharper_one() -> None:
    results = [SHARPEN(half_maps=HalfMaps(v, v)) for v in (density(points(), b) for b in (60, 160))]
    assert results[1].b_factor - results[0].b_factor == pytest.approx(100.0, abs=3.0)
    shells = Shells(results[0].sharpened.grid, "full")
    first, second = (power_by_shells(transform(r.sharpened.data), shells)[0] for r in results)
    used = (shells.frequency > 1 / 8) & (shells.frequency < 0.35)
    ratio = second[used] / first[used]
    np.testing.assert_allclose(ratio / np.median(ratio), 1.0, atol=0.2)


def test_sharpen_a_map_in_other_units_gives_the_same_in_those_units() -> None:
    whole = SHARPEN(half_maps=HALVES)
    scaled = HalfMaps(
        *(v.with_data(v.data * np.float32(2e4)) for v in (HALVES.first, HALVES.second))
    )
    other = SHARPEN(half_maps=scaled)
    assert error(other.sharpened.data / np.float32(2e4), whole.sharpened.data) < 1e-3
    np.testing.assert_allclose(other.gain["mean"], whole.gain["mean"], rtol=1e-3)


@pytest.mark.parametrize(("shift", "allowed"), [((3, 0, -3), 0.1), ((1, -1, 2), 0.15)])
def test_sharpen_a_moved_map_moves_the_result(shift: tuple[int, ...], allowed: float) -> None:
    moved = HalfMaps(
        *(v.with_data(np.roll(v.data, shift, (0, 1, 2))) for v in (HALVES.first, HALVES.second))
    )
    wanted = np.roll(SHARPEN(half_maps=HALVES).sharpened.data, shift, (0, 1, 2))
    got = SHARPEN(half_maps=moved).sharpened.data
    middle = (slice(6, -6),) * 3
    assert error(got[middle], wanted[middle]) < allowed


def test_sharpen_a_mirrored_map_mirrors_the_result() -> None:
    mirrored = HalfMaps(flip_hand(HALVES.first), flip_hand(HALVES.second))
    wanted = flip_hand(SHARPEN(half_maps=HALVES).sharpened).data
    assert error(SHARPEN(half_maps=mirrored).sharpened.data, wanted) < 0.15


def test_sharpen_where_dark_is_dense_gives_the_negative_with_its_contrast() -> None:
    dark = replace(invert_contrast(HALVES.first), contrast=-1)
    wanted, got = SHARPEN(HALVES.first).sharpened, SHARPEN(dark).sharpened
    assert got.contrast == -1
    assert error(-got.data, wanted.data) < 1e-3


def on_longer_voxels(volume: Volume) -> Volume:
    """The map on voxels of 1.5 Å along x, cropped in Fourier space."""
    cropped = transform(volume.data)[:, :, :21] / 1.5
    data = np.fft.irfftn(cropped, s=(SIZE, SIZE, 40), axes=(0, 1, 2))
    return Volume(data.astype(np.float32), (1.0, 1.0, 1.5))


def test_sharpen_on_other_voxels_gives_the_same_density() -> None:
    coarse = HalfMaps(on_longer_voxels(HALVES.first), on_longer_voxels(HALVES.second))
    wanted = on_longer_voxels(SHARPEN(half_maps=HALVES, resolution=4.0).sharpened).data
    got = SHARPEN(half_maps=coarse, resolution=4.0).sharpened.data
    assert np.corrcoef(got.ravel(), wanted.ravel())[0, 1] > 0.99


def test_sharpen_a_map_blurred_on_one_side_sharpens_that_side_more() -> None:
    truth, soft = density(points(), 40.0), density(points(), 220.0)
    mixed = side(truth, soft)
    result = SHARPEN(half_maps=HalfMaps(mixed, mixed))
    inside, x = ball(), np.arange(SIZE)
    # A window is 10 Å wide and sees what is strong from further away.
    left, right = inside & (x < SIZE / 2 - 5), inside & (x > SIZE / 2 + 11)
    blur = result.local_b_factor.data
    assert np.median(blur[right]) - np.median(blur[left]) > 50
    before, after = detail(mixed).data, detail(result.sharpened).data
    assert before[right].std() < 0.2 * before[left].std()
    assert after[right].std() > 0.5 * after[left].std()


def test_sharpen_half_maps_is_nearer_to_the_truth_than_their_mean() -> None:
    truth = density(points(), 40.0)
    halves = noisy(side(truth, density(points(), 260.0)), 3.0)
    mean = halves.first.with_data(0.5 * (halves.first.data + halves.second.data))
    scores = {m: SHARPEN(half_maps=halves, method=m) for m in ("half_maps", "profile")}
    raw = mean_fsc(mean, truth, 3.0)
    for result in scores.values():
        assert mean_fsc(result.sharpened, truth, 3.0) > raw + 0.005


def test_sharpen_takes_noise_away_where_there_is_most_of_it() -> None:
    truth, random = density(points(), 60.0), np.random.default_rng(5)
    level = np.where(np.arange(SIZE) < SIZE / 2, 0.3, 4.0).astype(np.float32)
    noises = [
        (random.normal(0, 1, truth.shape) * level * truth.data.std()).astype(np.float32)
        for _ in range(2)
    ]
    halves = HalfMaps(*(truth.with_data(truth.data + n) for n in noises))
    result = SHARPEN(half_maps=halves, method="half_maps").sharpened
    mean = truth.with_data(0.5 * (halves.first.data + halves.second.data))
    inside, x = ball(), np.arange(SIZE)
    kept = [
        detail(result).data[inside & part].std() / detail(mean).data[inside & part].std()
        for part in (x < SIZE / 2 - 5, x > SIZE / 2 + 5)
    ]
    assert kept[0] > 0.8
    assert kept[1] < 0.4
    assert result.data[:6, :, -6:].std() < 0.2 * mean.data[:6, :, -6:].std()


def test_sharpen_pure_noise_amplifies_none_of_it() -> None:
    random = np.random.default_rng(3)
    halves = HalfMaps(
        *(Volume(random.normal(0, 1, (SIZE,) * 3).astype(np.float32)) for _ in range(2))
    )
    mean = Volume(0.5 * (halves.first.data + halves.second.data))
    shells = Shells(mean.grid, "full")
    before, _ = power_by_shells(transform(mean.data), shells)
    for result in (SHARPEN(half_maps=halves), SHARPEN(mean)):
        after, _ = power_by_shells(transform(result.sharpened.data), shells)
        assert (after[1:] <= 1.001 * before[1:]).all()
        assert result.sharpened.data.std() < 0.6 * mean.data.std()


def test_sharpen_a_map_alone_keeps_the_solvent_quieter_than_the_molecule() -> None:
    result = SHARPEN(HALVES.first).sharpened.data
    gains = [
        result[part].std() / HALVES.first.data[part].std()
        for part in ((slice(0, 5),), (slice(25, 35),) * 3)
    ]
    assert gains[0] < 0.5 * gains[1]


def test_sharpen_on_a_region_gives_nearly_that_part_of_the_whole() -> None:
    region = Region((18, 20, 16), (38, 36, 40))
    whole, part = SHARPEN(half_maps=HALVES), SHARPEN(half_maps=HALVES, region=region)
    for name in ("sharpened", "local_b_factor", "local_resolution"):
        assert getattr(part, name).grid.matches(HALVES.grid.cropped(region))
    wanted = whole.sharpened.data[region.slices]
    assert error(part.sharpened.data, wanted) < 0.05
    assert part.resolution == whole.resolution
    np.testing.assert_array_equal(part.gain["whole"], whole.gain["whole"])


def test_sharpen_with_a_resolution_leaves_nothing_beyond_it() -> None:
    result = SHARPEN(half_maps=HALVES, resolution=5.0)
    power, _ = power_by_shells(transform(result.sharpened.data), Shells(HALVES.grid, "full"))
    beyond = Shells(HALVES.grid).frequency > 1.25 / 5.0
    assert power[beyond].max() < 1e-3 * power[~beyond][1:].max()
    assert result.resolution == 5.0
    assert result.window == 12.5


def test_sharpen_to_a_higher_b_factor_gives_a_softer_map() -> None:
    soft, sharp = (SHARPEN(half_maps=HALVES, b_factor=b).sharpened for b in (120.0, 20.0))
    assert detail(sharp).data.std() > 1.5 * detail(soft).data.std()


def test_sharpen_in_a_mask_measures_there_and_does_not_mask() -> None:
    offset = np.sqrt(((np.indices((SIZE,) * 3) - SIZE / 2) ** 2).sum(axis=0))
    mask = HALVES.first.with_data(np.clip((RADIUS + 8 - offset) / 5, 0, 1).astype(np.float32))
    with_mask, without = SHARPEN(half_maps=HALVES, mask=mask), SHARPEN(half_maps=HALVES)
    assert with_mask.sharpened.data[:4].std() > 0
    same = np.corrcoef(with_mask.sharpened.data.ravel(), without.sharpened.data.ravel())[0, 1]
    assert same > 0.98
    empty = mask.with_data(np.zeros(mask.shape, np.float32))
    with pytest.raises(DataError, match="mask is 0 everywhere"):
        SHARPEN(half_maps=HALVES, mask=empty)
    with pytest.raises(GridError):
        SHARPEN(half_maps=HALVES, mask=replace(mask, origin=(9.0, 0.0, 0.0)))


def model_of(b_factors: tuple[float, float]) -> Structure:
    """Carbon atoms in the places of the map, with one B-factor at low x, the other at high x."""
    chain = gemmi.Chain("A")
    for number, (z, y, x) in enumerate(points(), start=1):
        residue, atom = gemmi.Residue(), gemmi.Atom()
        residue.name, residue.seqid = "ALA", gemmi.SeqId(str(number))
        atom.name, atom.element = "CA", gemmi.Element("C")
        atom.pos, atom.b_iso = gemmi.Position(x, y, z), b_factors[int(x > SIZE / 2)]
        residue.add_atom(atom)
        chain.add_residue(residue)
    model, whole = gemmi.Model(1), gemmi.Structure()
    model.add_chain(chain)
    whole.add_model(model)
    return Structure.from_gemmi(whole)


def test_sharpen_to_a_model_leaves_soft_what_is_soft_in_the_model() -> None:
    inside, x = ball(), np.arange(SIZE)
    right, left = inside & (x > SIZE / 2 + 8), inside & (x < SIZE / 2 - 8)
    ratios = []
    for b_factors in ((60.0, 60.0), (30.0, 130.0)):
        result = SHARPEN(half_maps=HALVES, structure=model_of(b_factors))
        assert result.method == "model"
        fine = detail(result.sharpened).data
        ratios.append(fine[right].std() / fine[left].std())
    assert ratios[1] < 0.8 * ratios[0]


def test_sharpen_when_something_is_missing_says_what() -> None:
    with pytest.raises(InputError, match="needs a map, or two half maps"):
        SHARPEN()
    with pytest.raises(InputError, match="'model' needs a structure"):
        SHARPEN(HALVES.first, method="model")
    with pytest.raises(InputError, match="'half_maps' needs two half maps"):
        SHARPEN(HALVES.first, method="half_maps")
    elsewhere = replace(HALVES.first, origin=(5.0, 0.0, 0.0))
    with pytest.raises(GridError):
        SHARPEN(elsewhere, HALVES)


def test_sharpen_a_masked_map_of_known_resolution_holds_back_what_must_be_noise() -> None:
    distance = np.sqrt(((np.indices((SIZE,) * 3) - SIZE / 2) ** 2).sum(axis=0))
    window = np.clip((RADIUS + 6 - distance) / 3, 0, 1).astype(np.float32)
    masked = HALVES.first.with_data(HALVES.first.data * window)
    tables = [SHARPEN(masked, resolution=d).gain for d in (3.5, 5.0)]
    mean, whole = (
        [float(np.interp(0.19, t["frequency"], t[name])) for t in tables]
        for name in ("mean", "whole")
    )
    shares = np.array(mean) / whole
    assert shares[0] > 0.5
    assert shares[1] < 0.5 * shares[0]
