from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.files import read
from mapscope.particles import Particles
from mapscope.scores.picks.evaluation import by_occupancy
from mapscope.scores.picks.localisation import localisation
from mapscope.simulate.tomogram.exposure import Exposure, Noise
from mapscope.simulate.tomogram.simulation import Recipe, Simulated, simulate
from mapscope.simulate.tomogram.species import BODY, Species, species_of_structure
from mapscope.simulate.tomogram.specimen import Vesicles
from mapscope.simulate.tomogram.tomogram_set import TomogramSet, write_set
from mapscope.structure import Structure

FEW = Exposure(np.linspace(-60, 60, 5))


@pytest.fixture
def recipe(species: Species, small: Species) -> Recipe:
    return Recipe([species, small], 9, FEW, shape=(40, 48, 56), thickness=300.0)


def test_simulate_when_done_agrees_with_itself(recipe: Recipe) -> None:
    """Lists, labels and specimen speak of the same particles in the same places."""
    made = simulate(recipe, seed=5)
    _check_truth(made, recipe)
    ice = np.asarray(made.specimen.data)
    assert (ice[:5] == 0).all()
    assert (ice[-5:] == 0).all()
    assert made.tomogram.grid.matches(made.occupancy.grid)
    assert made.tomogram.voxel_size == (10.0, 10.0, 10.0)


def _check_truth(made: Simulated, recipe: Recipe) -> None:
    """Each particle drawn again from its line of the list is where the labels have it."""
    listed = made.particles
    assert listed.rotations is not None
    assert listed.species is not None
    kinds = {kind.name: kind for kind in recipe.kinds}
    ice = np.asarray(made.specimen.data)
    for row, name in enumerate(listed.species):
        index = listed.positions[row] / 10.0
        place = np.floor(index + 0.5).astype(int)
        density = kinds[name].turned(listed.rotations[row], index - place)
        body = kinds[name].body(density, index - place)
        where = np.argwhere(body) - len(density) // 2 + place
        mine = np.asarray(made.occupancy.data) == row + 1
        assert set(map(tuple, where.tolist())) == set(map(tuple, np.argwhere(mine).tolist()))
        classes = np.unique(np.asarray(made.classes.data)[mine & (ice > BODY)])
        assert [made.classes.names[c] for c in classes.tolist()] == [name]
        assert listed.columns["weight_kda"][row] == kinds[name].kda
    is_inside = np.asarray(made.occupancy.data) > 0
    np.testing.assert_array_equal(np.asarray(made.classes.data) > 0, is_inside & (ice > BODY))


def test_true_list_when_scored_in_its_own_occupancy_is_perfect(
    species: Species, small: Species, hollow: Species
) -> None:
    """Also where a chaperonin's centre is empty, and vesicles and gold have numbers."""
    things = Vesicles(1, 1, radii=(110.0, 120.0), bead_diameter=60.0)
    recipe = Recipe([species, small, hollow], 12, FEW, shape=(48, 64, 64), vesicles=things)
    made = simulate(recipe, seed=8)
    evaluation = by_occupancy(made.particles, made.particles, made.occupancy)
    found = localisation(evaluation.matches)
    assert found.found == found.reported == 12
    assert (found.f1, found.false_picks, found.multiple) == (1.0, 0, 0)
    # Picks are rounded to voxels, centres lie between them.
    assert found.distance is not None
    assert found.distance < 10.0 * np.sqrt(3) / 2
    assert evaluation.confusion.strict_f1.tolist() == [1.0, 1.0, 1.0]


def test_simulate_when_run_twice_with_one_seed_gives_identical_results(recipe: Recipe) -> None:
    first, again, other = (simulate(recipe, seed=s) for s in (1, 1, 2))
    for name in ("tomogram", "noise_free", "specimen", "particles", "occupancy", "classes"):
        assert getattr(first, name).checksum() == getattr(again, name).checksum()
    assert first.tomogram.checksum() != other.tomogram.checksum()
    assert first.particles.checksum() != other.particles.checksum()


def test_simulate_when_only_the_noise_changes_keeps_the_specimen(recipe: Recipe) -> None:
    """So that one set at two levels of noise has one truth."""
    cleaner = replace(FEW, noise=Noise(signal_to_noise=0.02))
    noisy, clean = (simulate(replace(recipe, exposure=e), seed=1) for e in (FEW, cleaner))
    assert noisy.particles.checksum() == clean.particles.checksum()
    assert noisy.noise_free.checksum() == clean.noise_free.checksum()
    ratio = noisy.series.noise.mean() / clean.series.noise.mean()
    assert ratio == pytest.approx(5.0, rel=1e-3)


def test_tomogram_without_noise_when_compared_is_the_specimen_with_the_wedge_and_ctf(
    recipe: Recipe,
) -> None:
    """Particles are bright where they are, and a mirrored specimen fits worse."""
    many = replace(FEW, tilts=np.linspace(-60, 60, 41), defocus=15000.0)
    made = simulate(replace(recipe, exposure=many, thickness=None), seed=3)
    clean, truth = (np.asarray(v.data) for v in (made.noise_free, made.specimen))
    right = np.corrcoef(clean.ravel(), truth.ravel())[0, 1]
    assert right > 0.5
    for axis in range(3):
        assert np.corrcoef(clean.ravel(), np.flip(truth, axis).ravel())[0, 1] < 0.3 * right
    inside = np.asarray(made.occupancy.data) > 0
    assert clean[inside].mean() > 5 * abs(clean[~inside].mean())


def test_simulate_when_there_are_vesicles_and_gold_numbers_them_after_the_particles(
    recipe: Recipe,
) -> None:
    things = Vesicles(1, 2, radii=(120.0, 140.0), bead_diameter=60.0)
    made = simulate(replace(recipe, number=3, vesicles=things, thickness=None), seed=1)
    occupancy, classes = (np.asarray(n.data) for n in (made.occupancy, made.classes))
    assert set(np.unique(occupancy)) == set(range(7))
    assert made.classes.names == {1: "lobes", 2: "ball", 3: "membrane", 4: "gold"}
    assert (classes[occupancy == 4] == 3).all()
    assert (classes[occupancy > 4] == 4).all()
    assert (classes[(occupancy > 0) & (occupancy < 4)] < 3).all()
    assert len(made.particles) == 3


def test_recipe_when_species_are_for_other_voxels_is_refused(
    recipe: Recipe, lobes: Structure
) -> None:
    other = species_of_structure(lobes, "other", 8.0)
    with pytest.raises(InputError, match="one voxel size"):
        simulate(replace(recipe, kinds=[*recipe.kinds, other]))
    with pytest.raises(InputError, match="none"):
        simulate(replace(recipe, kinds=[]))


@pytest.fixture
def wanted(recipe: Recipe) -> TomogramSet:
    return TomogramSet(recipe, 2, 4, 8, seed=7, settings={"seed": 7, "particles": [4, 8]})


def test_set_when_stopped_and_asked_for_again_goes_on(wanted: TomogramSet, tmp_path: Path) -> None:
    write_set(replace(wanted, tomograms=1), tmp_path / "set")
    first = tmp_path / "set" / "tomogram_0" / "tomogram.mrc"
    written = first.stat().st_mtime_ns
    (tmp_path / "set" / ".tomogram_1").mkdir()
    particles = write_set(wanted, tmp_path / "set")
    assert first.stat().st_mtime_ns == written
    assert sorted(p.name for p in (tmp_path / "set").iterdir()) == [
        "settings.json",
        "species.csv",
        "templates",
        "tomogram_0",
        "tomogram_1",
    ]
    whole = write_set(wanted, tmp_path / "other")
    assert whole.checksum() == particles.checksum()
    for which in range(2):
        a, b = (tmp_path / s / f"tomogram_{which}" / "tomogram.mrc" for s in ("set", "other"))
        assert a.read_bytes() == b.read_bytes()


def test_set_when_read_back_is_what_was_simulated(wanted: TomogramSet, tmp_path: Path) -> None:
    particles = write_set(wanted, tmp_path)
    count = [wanted.number(k) for k in range(2)]
    assert all(4 <= n <= 8 for n in count)
    names = np.asarray(particles.columns["tomogram"]).tolist()
    assert names == ["tomogram_0"] * count[0] + ["tomogram_1"] * count[1]
    made = simulate(replace(wanted.recipe, number=count[1]), seed=wanted.seed_of(1))
    folder = tmp_path / "tomogram_1"
    listed = read(folder / "particles.star")
    assert isinstance(listed, Particles)
    np.testing.assert_allclose(listed.positions, made.particles.positions, atol=1e-3)
    assert listed.species == made.particles.species
    assert read(folder / "tomogram.mrc").checksum() == made.tomogram.checksum()
    np.testing.assert_array_equal(read(folder / "occupancy.mrc").data, made.occupancy.data)
    template = read(tmp_path / "templates" / "lobes.mrc")
    np.testing.assert_array_equal(template.data, wanted.recipe.kinds[0].template().data)
    tilts = read(folder / "tilts.csv")
    np.testing.assert_allclose(tilts.columns["tilt"], FEW.tilts)


def test_set_when_the_folder_holds_another_is_refused(wanted: TomogramSet, tmp_path: Path) -> None:
    write_set(replace(wanted, tomograms=1), tmp_path)
    other = replace(wanted, settings=wanted.settings | {"seed": 8})
    with pytest.raises(InputError, match="made with another seed"):
        write_set(other, tmp_path)


@pytest.mark.real_data
@pytest.mark.slow
def test_simulate_at_the_size_of_the_benchmark_holds_every_species_in_the_noise_asked_for(
    data_folder: Path,
) -> None:
    from mapscope.simulate.tomogram.species_list import listed_species, read_species

    path = Path(__file__).parents[3] / "benchmarks" / "shrec_species.csv"
    kinds = read_species(listed_species(path, data_folder / "tomography"), 10.0)
    recipe = Recipe(kinds, 650, Exposure(np.linspace(-60, 60, 40)))
    made = simulate(recipe, seed=1)
    assert made.tomogram.shape == (200, 256, 256)
    assert len(np.unique(made.occupancy.data)) == 651
    assert np.bincount([kinds_of(made).index(s) for s in made.particles.species or ()]).min() >= 54
    series = made.series
    assert series.signal.mean() / series.noise.mean() == pytest.approx(0.4, rel=0.05)


def kinds_of(made: Simulated) -> list[str]:
    """Names of the species in the order of their numbers."""
    return [made.classes.names[k] for k in sorted(made.classes.names)]
