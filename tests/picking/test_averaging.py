"""Averages of simulated particles: the template comes back, and only with the right conventions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial.transform import Rotation

from mapscope.arrays import LazyArray
from mapscope.density.symmetry import matrix_of_turn, rotations_of_group
from mapscope.errors import Cancelled, DataError, GridError, InputError
from mapscope.jobs import average_particles
from mapscope.particles import REJECTED, TOMOGRAM, VERDICT, Particles
from mapscope.picking.averaging import average, soft_ball, turned_back
from mapscope.picking.wedge import TiltRange
from mapscope.volume import Volume

Floats = npt.NDArray[np.float64]

FOUR = (4.0, 4.0, 4.0)
ORIGIN = (10.0, 20.0, -30.0)
EDGE = 28
CHIRAL = np.array([[0.0, 0, 0], [0, 0, 7], [0, 5, 0], [6, 0, 0], [3, -5, -4]])
"""Places of Gaussians in voxels, z, y, x: no rotation gives its mirror image."""
WEIGHTS = np.array([1.0, 1.2, 0.8, 1.5, 1.0])
LATTICE = rotations_of_group("O")


def density(shape: tuple[int, int, int], places: Floats, weights: Floats) -> Floats:
    """Gaussians of 1.8 voxels."""
    index = np.moveaxis(np.indices(shape), 0, -1).astype(np.float64)
    total = np.zeros(shape)
    for place, weight in zip(places, weights, strict=True):
        lower = np.clip(np.floor(place).astype(int) - 9, 0, shape)
        upper = np.clip(np.ceil(place).astype(int) + 10, 0, shape)
        box = tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))
        total[box] += weight * np.exp(-((index[box] - place) ** 2).sum(axis=-1) / (2 * 1.8**2))
    return total


def template(body: Floats = CHIRAL, weights: Floats = WEIGHTS) -> Volume:
    data = density((EDGE,) * 3, body + EDGE // 2, weights)
    return Volume(data.astype(np.float32), FOUR)


def scene(
    turns: Floats, body: Floats = CHIRAL, weights: Floats = WEIGHTS, *, whole_voxels: bool = False
) -> tuple[Volume, Particles]:
    """A black-on-white tomogram of particles on a lattice, half a box apart from all faces."""
    count = len(turns)
    steps = np.stack(np.unravel_index(np.arange(count), (2, 3, -(-count // 6))), axis=1)
    places = 16.0 + 27.0 * steps
    if not whole_voxels:
        places += np.random.default_rng(1).uniform(0, 1, (count, 3))
    shape = (60, 87, 16 + 27 * (-(-count // 6)) + 6)
    centres = (places[:, None] + body @ turns.transpose(0, 2, 1)).reshape(-1, 3)
    data = -3.0 - density(shape, centres, np.tile(weights, count))
    volume = Volume(data.astype(np.float32), FOUR, ORIGIN, contrast=-1)
    return volume, Particles(volume.grid.world_from_index(places), turns)


def likeness(found: Volume, wanted: Volume) -> float:
    """Correlation within the ball that holds the particle."""
    inside = soft_ball(EDGE, 11.0, 1.0) > 0.5
    return float(np.corrcoef(found.data[inside], wanted.data[inside])[0, 1])


@pytest.fixture(scope="module")
def random_turns() -> Floats:
    return np.asarray(Rotation.random(12, random_state=4).as_matrix())


def test_turned_back_by_lattice_rotations_is_the_template_voxel_by_voxel() -> None:
    """All 24 rotations of a cube move voxels onto voxels, so nothing is interpolated."""
    volume, particles = scene(LATTICE, whole_voxels=True)
    wanted = template().data
    inside = soft_ball(EDGE, 11.0, 1.0) == 1
    for position, turn in zip(particles.positions, LATTICE, strict=True):
        found = turned_back(volume, position, turn, EDGE)
        difference = found[inside] - wanted[inside]
        assert np.ptp(difference) < 2e-3 * wanted.max()


def test_average_of_a_chiral_body_is_that_body_and_not_its_mirror_image(
    random_turns: Floats,
) -> None:
    volume, particles = scene(random_turns)
    found = average_particles(volume, particles, box=EDGE * 4.0)
    assert likeness(found.average, template()) > 0.9999
    assert likeness(found.average, template(-CHIRAL)) < 0.8
    assert likeness(found.average, template(CHIRAL[:, ::-1])) < 0.8
    assert found.number == 12
    assert found.average.contrast == 1
    np.testing.assert_allclose(found.average.grid.world_from_index([EDGE // 2] * 3), 0.0)
    level = found.average.data[EDGE // 2 + 6, EDGE // 2, EDGE // 2] - found.average.data[0, 0, 0]
    assert level > 0.5 * template().data.max()


@pytest.mark.parametrize("wrong", ["transposed", "swapped", "flipped", "half a voxel off"])
def test_average_with_a_wrong_convention_is_not_the_template(
    random_turns: Floats, wrong: str
) -> None:
    volume, particles = scene(random_turns)
    flip = np.diag([-1.0, -1.0, 1.0])
    turns = {
        "transposed": random_turns.transpose(0, 2, 1),
        "swapped": np.roll(random_turns, 1, axis=0),
        "flipped": flip @ random_turns @ flip,
        "half a voxel off": random_turns,
    }[wrong]
    shift = 2.0 if wrong == "half a voxel off" else 0.0
    found = average_particles(volume, Particles(particles.positions + shift, turns), box=EDGE * 4.0)
    right = average_particles(volume, particles, box=EDGE * 4.0)
    limit = 0.8 if shift == 0 else 0.995
    assert likeness(found.average, template()) < limit < likeness(right.average, template())


def test_average_halves_are_of_different_particles_and_follow_the_seed(
    random_turns: Floats,
) -> None:
    volume, particles = scene(random_turns)
    noise = np.random.default_rng(0).standard_normal(volume.shape).astype(np.float32)
    volume = volume.with_data(volume.data + noise)
    settings = {"box": EDGE * 4.0}
    found = average_particles(volume, particles, **settings)
    mean = 0.5 * (found.half_map_1.data + found.half_map_2.data)
    np.testing.assert_allclose(mean, found.average.data, atol=1e-5)
    again = average_particles(volume, particles, **settings)
    np.testing.assert_array_equal(again.half_map_1.data, found.half_map_1.data)
    other = average_particles(volume, particles, seed=1, **settings)
    assert np.abs(other.half_map_1.data - found.half_map_1.data).max() > 0.1
    np.testing.assert_allclose(other.average.data, found.average.data, atol=1e-5)


def test_average_of_pure_noise_has_halves_that_do_not_agree() -> None:
    noise = np.random.default_rng(0).standard_normal((60, 90, 90)).astype(np.float32)
    volume = Volume(noise, FOUR)
    places = np.random.default_rng(1).uniform(60, 170, (40, 3))
    turns = Rotation.random(40, random_state=1).as_matrix()
    found = average_particles(volume, Particles(places, turns), box=80.0)
    shells = np.asarray(found.curves["corrected"])[3:]
    assert abs(float(np.mean(shells))) < 0.15


def test_average_of_duplicates_says_that_their_halves_are_not_independent() -> None:
    noise = np.random.default_rng(0).standard_normal((60, 90, 90)).astype(np.float32)
    volume = Volume(noise, FOUR)
    places = 4.0 * np.stack(np.meshgrid([15, 45], [15, 45, 75], [15, 45, 75]), -1).reshape(-1, 3)
    alone = average_particles(volume, Particles(places), box=80.0)
    assert "FSC too good" not in alone.note
    twice = Particles(np.concatenate([places, places + 0.4]))
    found = average_particles(volume, twice, box=80.0)
    assert "36 lie within 20 Å of another" in found.note
    # Noise alone, and yet they agree: half of the pairs lie in both halves.
    agreement = [
        float(np.corrcoef(f.half_map_1.data.ravel(), f.half_map_2.data.ravel())[0, 1])
        for f in (alone, found)
    ]
    assert abs(agreement[0]) < 0.06
    assert agreement[1] > 0.12


def test_average_with_a_wedge_divides_by_what_was_measured(random_turns: Floats) -> None:
    """Where a tomogram lacks frequencies, the plain mean is stretched and the weighted is not."""
    tilts = TiltRange(-50.0, 50.0)
    volume, particles = scene(random_turns)
    kept = _without_wedge(volume, tilts)
    settings = {"box": EDGE * 4.0}
    plain = average_particles(kept, particles, **settings)
    weighted = average_particles(kept, particles, lowest_tilt=-50.0, highest_tilt=50.0, **settings)
    assert likeness(weighted.average, template()) > 0.99
    assert likeness(weighted.average, template()) > likeness(plain.average, template()) + 0.002
    ratio = np.ptp(weighted.average.data) / np.ptp(template().data)
    assert ratio == pytest.approx(1.0, abs=0.08)
    assert np.ptp(plain.average.data) < 0.85 * np.ptp(template().data)


def _without_wedge(volume: Volume, tilts: TiltRange) -> Volume:
    """The tomogram without the frequencies that its tilts do not measure."""
    low, high = (np.tan(np.deg2rad(a)) for a in (tilts.lowest, tilts.highest))
    z, x = np.fft.fftfreq(volume.shape[0])[:, None, None], np.fft.fftfreq(volume.shape[2])
    slope = np.where(x < 0, -z, z)
    measured = (slope >= low * np.abs(x)) & (slope <= high * np.abs(x))
    measured[0] = True
    data = np.fft.ifftn(np.fft.fftn(volume.data) * measured).real
    return volume.with_data(data.astype(np.float32))


def test_wedge_lies_about_the_tilt_axis_and_turns_with_the_particle() -> None:
    edge = 16
    plain = TiltRange(-60.0, 60.0).weights(edge, np.eye(3))
    assert plain.shape == (16, 16, 9)
    assert plain[0, 0, 0] == 1
    assert (plain[0] == 1).sum() == plain[0].size - 15  # beside k_x = 0 all of k_z = 0
    assert plain[6, 0, 0] == 0  # along the beam
    assert plain[0, 0, 6] == plain[0, 6, 3] == 1
    # Half of the circle but for 60 of 180 degrees.
    assert plain[:, 0].mean() == pytest.approx(120 / 180, abs=0.12)
    # A quarter turn about y lays the template's x along the beam.
    turn = matrix_of_turn([0.0, 90.0, 0.0])
    moved = TiltRange(-60.0, 60.0).weights(edge, turn)
    assert abs(turn[0, 2]) == pytest.approx(1)
    assert moved[0, 0, 6] == pytest.approx(0, abs=1e-6)
    assert moved[6, 0, 0] == 1
    # Tilts of one sign: x cos θ + z sin θ.
    one_sided = TiltRange(0.0, 60.0).weights(edge, np.eye(3))
    assert one_sided[4, 0, 5] == 1
    assert one_sided[-4, 0, 5] == 0


def test_average_with_symmetry_is_of_all_copies(random_turns: Floats) -> None:
    group = rotations_of_group("C3")
    body = np.concatenate([CHIRAL[1:] @ turn.T for turn in group])
    weights = np.tile(WEIGHTS[1:], 3)
    volume, particles = scene(random_turns, body, weights)
    # Which of the three a picker took is chance.
    choice = group[np.random.default_rng(2).integers(0, 3, 12)]
    chosen = replace(particles, rotations=random_turns @ choice)
    noise = 2.0 * np.random.default_rng(0).standard_normal(volume.shape).astype(np.float32)
    noisy = volume.with_data(volume.data + noise)
    settings = {"box": EDGE * 4.0}
    whole = template(body, weights)
    plain = average_particles(noisy, chosen, **settings)
    threefold = average_particles(noisy, chosen, symmetry="C3", **settings)
    assert likeness(threefold.average, whole) > likeness(plain.average, whole) + 0.1
    clean = average_particles(volume, chosen, symmetry="C3", **settings)
    assert likeness(clean.average, whole) > 0.999
    both = average_particles(
        volume, chosen, symmetry="C3", lowest_tilt=-89.0, highest_tilt=89.0, **settings
    )
    assert likeness(both.average, whole) > 0.99


def test_average_against_a_template_on_another_grid(random_turns: Floats) -> None:
    volume, particles = scene(random_turns)
    fine = density((2 * EDGE + 8,) * 3, 2 * CHIRAL + EDGE + 4, WEIGHTS)
    double = np.zeros_like(fine)
    index = np.moveaxis(np.indices(fine.shape), 0, -1)
    for place, weight in zip(2 * CHIRAL + EDGE + 4, WEIGHTS, strict=True):
        double += weight * np.exp(-((index - place) ** 2).sum(axis=-1) / (2 * 3.6**2))
    other = Volume((-double).astype(np.float32), (2.0, 2.0, 2.0), (7.0, 8.0, 9.0), contrast=-1)
    found = average_particles(volume, particles, other, box=EDGE * 4.0)
    assert found.template is not None
    assert found.template.grid.matches(found.average.grid)
    assert likeness(found.template, template()) > 0.999
    curve = np.asarray(found.curves["template"])
    frequency = np.asarray(found.curves["frequency"])
    assert np.isnan(curve[0])
    assert curve[1:][frequency[1:] < 1 / 16].min() > 0.99
    mirrored = replace(other, data=other.data[::-1].copy())
    wrong = average_particles(volume, particles, mirrored, box=EDGE * 4.0)
    assert np.asarray(wrong.curves["template"])[1:].mean() < 0.6


def test_average_at_the_faces_pads_or_leaves_out(random_turns: Floats) -> None:
    volume, particles = scene(random_turns)
    places = particles.positions.copy()
    low = volume.grid.world_from_index([0, 0, 0])
    places[3] = low + np.array([8.0, 100.0, 100.0])
    places[7] = low - 200.0
    moved = replace(particles, positions=places)
    padded = average_particles(volume, moved, box=80.0)
    assert (padded.number, padded.left_out) == (11, 1)
    assert "1 reach beyond" in padded.note
    assert "1 lie outside" in padded.note
    fewer = average_particles(volume, moved, box=80.0, leave_out_cut=True)
    assert (fewer.number, fewer.left_out) == (10, 2)
    assert "reach beyond" not in fewer.note
    with pytest.raises(DataError, match="12"):
        average_particles(volume, replace(particles, positions=places - 9e4), box=80.0)


def test_average_of_a_lazy_tomogram_reads_only_boxes(random_turns: Floats, tmp_path: Path) -> None:
    volume, particles = scene(random_turns)
    largest = 0

    def load(box: tuple[slice, ...]) -> npt.NDArray[np.float32]:
        nonlocal largest
        largest = max(largest, *(b.stop - b.start for b in box))
        return np.asarray(volume.data[box])

    data = LazyArray(volume.shape, np.float32, load)
    lazy = Volume(data, FOUR, ORIGIN, None, -1)  # type: ignore[arg-type]
    settings = (particles.positions, particles.rotations, 16)
    np.testing.assert_array_equal(
        average(lazy, *settings).whole.data, average(volume, *settings).whole.data
    )
    assert largest < 35


def test_average_wants_to_know_which_particles(random_turns: Floats) -> None:
    volume, particles = scene(random_turns)
    names = np.array(["one"] * 6 + ["two"] * 6)
    mixed = replace(particles, species=("a",) * 4 + ("b",) * 8, columns={TOMOGRAM: names})
    with pytest.raises(InputError, match="one, two"):
        average_particles(volume, mixed, box=80.0)
    assert average_particles(volume, mixed, tomogram="two", box=80.0).number == 6
    assert average_particles(volume, mixed, tomogram="one", species="b", box=80.0).number == 2
    verdicts = np.array([REJECTED] * 3 + [""] * (len(particles) - 3))
    judged = replace(particles, columns={**particles.columns, VERDICT: verdicts})
    assert average_particles(volume, judged, box=80.0).number == len(particles) - 3
    with pytest.raises(InputError, match="no particle"):
        average_particles(volume, mixed, tomogram="three", box=80.0)
    with pytest.raises(InputError, match="two ends"):
        average_particles(volume, particles, lowest_tilt=-60.0)
    with pytest.raises(InputError, match="voxels a side"):
        average_particles(volume, particles, box=9000.0)
    flat = Volume(volume.data, (4.0, 4.0, 8.0))
    with pytest.raises(GridError, match="cubic"):
        average_particles(flat, particles)


def test_average_box_follows_the_template_or_the_radius(random_turns: Floats) -> None:
    volume, particles = scene(random_turns)
    sized = replace(particles, columns={"radius": np.full(12, 25.0)})
    assert average_particles(volume, sized).average.shape == (26, 26, 26)
    assert average_particles(volume, sized, template()).average.shape == (EDGE,) * 3
    unturned = average_particles(volume, replace(sized, rotations=None))
    assert "no orientations" in unturned.note


def test_average_stops_when_it_is_told_to(random_turns: Floats) -> None:
    volume, particles = scene(random_turns)
    seen = []

    def stop(done: int, total: int, message: str) -> None:
        seen.append(message)
        if len(seen) == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        average_particles(volume, particles, box=80.0, progress=stop)
    assert set(seen) == {"averaging"}
