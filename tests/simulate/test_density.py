"""Density is what structure factors and programs' formulas make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.simulate import form_factors
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.density import fixed_density, is_local, physical_density
from mapscope.simulate.hydrogens import BOND_LENGTHS, nuclei_and_clouds
from mapscope.simulate.point_spread import POINT_SPREADS
from mapscope.simulate.scattering import Scattering
from mapscope.simulate.solvent import Solvent
from mapscope.volume import Grid, Region

BOX = Grid((32, 36, 40), (1.0, 1.0, 0.9))
Compare = Callable[[Any, Any], float]


def waves_of(data: Any, grid: Grid) -> tuple[Any, Any]:
    """Coefficients of a periodic map, and their frequency vectors in 1/Å."""
    waves = np.fft.fftn(np.asarray(data, dtype=np.float64)) * np.prod(grid.voxel_size)
    axes = [np.fft.fftfreq(n, v) for n, v in zip(grid.shape, grid.voxel_size, strict=True)]
    return waves, np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def literal_waves(atoms: Atoms, vectors: Any, radiation: str) -> Any:
    """Structure factors written out."""
    s = np.sqrt((vectors**2).sum(axis=-1))
    a, b = getattr(form_factors, radiation)(atoms.elements)
    total = np.zeros(s.shape, dtype=complex)
    for place, heights, widths, b_factor, occupancy in zip(
        atoms.positions, a, b, atoms.b_factors, atoms.occupancies, strict=True
    ):
        exponent = -(widths + b_factor) * s[..., None] ** 2 / 4
        scattered = occupancy * (heights * np.exp(exponent)).sum(axis=-1)
        total += scattered * np.exp(-2j * np.pi * (vectors @ place))
    return total


@pytest.mark.parametrize("radiation", ["electrons", "x_rays"])
@pytest.mark.parametrize("resolution", [2.2, 3.0, 7.0])
def test_physical_density_when_transformed_back_has_the_literal_structure_factors(
    some_atoms: Atoms, relative_rms: Compare, radiation: Any, resolution: float
) -> None:
    scattering = Scattering(radiation, resolution)
    data = physical_density(some_atoms, BOX, scattering, is_periodic=True)
    waves, vectors = waves_of(data, BOX)
    s = np.sqrt((vectors**2).sum(axis=-1))
    # The Nyquist planes, where both signs share one coefficient, are left out.
    inside = (s <= scattering.highest) & (np.abs(vectors) < 0.499 / np.array(BOX.voxel_size)).all(
        -1
    )
    chosen = np.random.default_rng(1).permutation(np.argwhere(inside))[:400]
    here = tuple(chosen.T)
    expected = literal_waves(some_atoms, vectors[here], radiation) * scattering.gain(s[here])
    assert relative_rms(waves[here], expected) < 1e-4
    beyond = np.abs(waves[s > scattering.highest * 1.0001])
    assert beyond.max() < 1e-4 * np.abs(expected).max()


def test_physical_density_when_b_runs_from_0_to_500_has_the_literal_structure_factors(
    some_atoms: Atoms, relative_rms: Compare
) -> None:
    b_factors = some_atoms.b_factors.copy()
    b_factors[:6] = [0.0, 500.0, 0.0, 250.0, 120.0, 499.0]
    atoms = replace(some_atoms, b_factors=b_factors)
    scattering = Scattering("electrons", 2.5)
    data = physical_density(atoms, BOX, scattering, is_periodic=True)
    waves, vectors = waves_of(data, BOX)
    s = np.sqrt((vectors**2).sum(axis=-1))
    here = tuple(np.random.default_rng(2).permutation(np.argwhere(s < 0.45))[:300].T)
    expected = literal_waves(atoms, vectors[here], "electrons") * scattering.gain(s[here])
    assert relative_rms(waves[here], expected) < 1e-4


def gemmi_density(atoms: Atoms, grid: Grid, radiation: str, resolution: float) -> Any:
    """gemmi's unblurred density, cut at a resolution, on the same periodic grid."""
    model, chain, residue = gemmi.Model(1), gemmi.Chain("A"), gemmi.Residue()
    for place, element, b, occupancy in zip(
        atoms.positions.tolist(), atoms.elements, atoms.b_factors, atoms.occupancies, strict=True
    ):
        atom = gemmi.Atom()
        atom.name, atom.element = str(element), gemmi.Element(str(element))
        atom.pos, atom.b_iso, atom.occ = gemmi.Position(*place[::-1]), float(b), float(occupancy)
        residue.add_atom(atom)
    chain.add_residue(residue)
    model.add_chain(chain)
    calculators = {"electrons": gemmi.DensityCalculatorE, "x_rays": gemmi.DensityCalculatorX}
    calculator: Any = calculators[radiation]()
    calculator.d_min, calculator.rate, calculator.cutoff = resolution, 1.5, 1e-5
    calculator.grid.spacegroup = gemmi.SpaceGroup("P 1")
    calculator.grid.set_unit_cell(gemmi.UnitCell(*grid.extent[::-1], 90, 90, 90))
    calculator.grid.set_size(*grid.shape[::-1])
    calculator.put_model_density_on_grid(model)
    waves = gemmi.transform_map_to_f_phi(calculator.grid, half_l=True)
    cut = waves.prepare_asu_data(dmin=resolution, with_000=True)
    size = list(grid.shape[::-1])
    return np.asarray(cut.transform_f_phi_to_map(exact_size=size).array).transpose(2, 1, 0)


@pytest.mark.parametrize("radiation", ["electrons", "x_rays"])
def test_physical_density_when_sampled_without_blur_is_gemmis(
    some_atoms: Atoms, relative_rms: Compare, radiation: Any
) -> None:
    # gemmi takes these voxels for 3 Å, and no coefficient lies exactly on the cut.
    grid = Grid((32, 40, 40))
    scattering = Scattering(radiation, 3.0, soft_edge=0.0, blur=0.0)
    ours = physical_density(some_atoms, grid, scattering, is_periodic=True)
    theirs = gemmi_density(some_atoms, grid, radiation, 3.0)
    assert theirs.shape == grid.shape
    assert relative_rms(ours, theirs) < 1e-3


def test_physical_density_when_blurred_on_the_way_is_the_band_limited_one(
    some_atoms: Atoms, relative_rms: Compare
) -> None:
    exact = physical_density(some_atoms, BOX, Scattering("electrons", 4.0), is_periodic=True)
    blurred = Scattering("electrons", 4.0, blur=150.0)
    sampled = physical_density(some_atoms, BOX, blurred, is_periodic=True)
    assert relative_rms(sampled, exact) < 1e-3


@pytest.mark.parametrize(("resolution", "voxel"), [(3.0, 1.0), (6.0, 2.0), (2.5, 0.8)])
def test_physical_density_when_a_part_is_asked_for_is_that_part_of_the_whole(
    random: np.random.Generator, resolution: float, voxel: float
) -> None:
    count = 3000
    atoms = Atoms(
        random.uniform(0, 60, (count, 3)),
        random.choice(["C", "N", "O"], count),
        random.uniform(15, 60, count),
        np.ones(count),
    )
    grid = Grid((int(80 / voxel),) * 3, (voxel,) * 3, (-10.0,) * 3)
    scattering = Scattering("electrons", resolution)
    assert is_local(atoms, grid, scattering)
    whole = physical_density(atoms, grid, scattering)
    lower = int(25 / voxel)
    region = Region((lower,) * 3, (lower + 16,) * 3)
    part = physical_density(atoms, grid.cropped(region), scattering)
    difference = part - whole[region.slices]
    assert np.sqrt((difference**2).mean()) < 1e-3 * whole.std()


def test_physical_density_when_the_grid_ends_at_an_atom_has_nothing_on_the_other_side() -> None:
    atom = Atoms(np.zeros((1, 3)), np.array(["C"]), np.array([30.0]), np.ones(1))
    small = Grid((24, 24, 24), (1.0, 1.0, 1.0), (0.0, -12.0, -12.0))
    large = Grid((72, 24, 24), (1.0, 1.0, 1.0), (-24.0, -12.0, -12.0))
    scattering = Scattering("electrons", 3.0)
    cut = physical_density(atom, large, scattering)[24:48]
    here = physical_density(atom, small, scattering)
    np.testing.assert_allclose(here, cut, atol=2e-3 * float(cut.max()))
    assert abs(float(here[-4:, 12, 12].max())) < 1e-3 * float(here.max())


def test_is_local_when_ringing_or_fields_reach_far_is_false(some_atoms: Atoms) -> None:
    assert is_local(some_atoms, BOX, Scattering("electrons", 3.0))
    assert not is_local(some_atoms, BOX, Scattering("electrons", 3.0, soft_edge=0.0))
    assert not is_local(some_atoms, BOX, Scattering("electrons", 2.0))
    with_hydrogen = replace(some_atoms, elements=np.array(["H"] * len(some_atoms)))
    split = Scattering("electrons", 3.0, splits_hydrogens=True)
    assert not is_local(with_hydrogen, BOX, split)
    assert is_local(with_hydrogen, BOX, replace(split, radiation="x_rays"))


@pytest.mark.parametrize("program", list(POINT_SPREADS))
def test_fixed_density_when_summed_literally_is_the_same(
    some_atoms: Atoms, literal_gaussians: Any, relative_rms: Compare, program: str
) -> None:
    spread, resolution = POINT_SPREADS[program], 5.0
    elements = [gemmi.Element(str(e)) for e in some_atoms.elements]
    is_number = spread.weight == "atomic number"
    weights = [e.atomic_number if is_number else e.weight for e in elements]
    amplitudes = (some_atoms.occupancies * weights)[:, None]
    sigma = spread.factor * resolution
    b = np.full_like(amplitudes, 8 * np.pi**2 * sigma**2)
    expected = literal_gaussians(some_atoms.positions, amplitudes, b, BOX)
    ours = fixed_density(some_atoms, BOX, program, resolution)
    assert relative_rms(ours, expected) < 1e-5


def test_point_spreads_have_the_factors_that_the_programs_state() -> None:
    factors = {name: round(spread.factor, 3) for name, spread in POINT_SPREADS.items()}
    assert factors == {
        "chimerax": 0.225,
        "eman": 0.225,
        "tempy": 0.356,
        "situs": 0.289,
        "situs_1999": 0.187,
        "flex_em": 0.425,
    }


def test_fixed_density_of_chimerax_is_the_formula_of_molmap(some_atoms: Atoms) -> None:
    atoms, resolution = replace(some_atoms, occupancies=np.ones(len(some_atoms))), 4.0
    sigma = resolution / (np.pi * np.sqrt(2))
    expected = np.zeros(BOX.shape)
    axes = [np.arange(n) * v for n, v in zip(BOX.shape, BOX.voxel_size, strict=True)]
    for place, element in zip(atoms.positions, atoms.elements, strict=True):
        number = gemmi.Element(str(element)).atomic_number
        z, y, x = (
            np.exp(-0.5 * ((axis - p) / sigma) ** 2) for axis, p in zip(axes, place, strict=True)
        )
        scale = number * (2 * np.pi) ** -1.5 * sigma**-3
        expected += scale * z[:, None, None] * y[:, None] * x
    ours = fixed_density(atoms, BOX, "chimerax", resolution)
    np.testing.assert_allclose(ours, expected, atol=1e-5 * expected.max())


def hydrogens_on(parents: Any, random: np.random.Generator) -> Atoms:
    """An amide nitrogen, carbons and oxygens with one hydrogen each, and one alone."""
    elements = ["C", "N", "O", "S", "C", "Fe"]
    direction = random.standard_normal((len(elements), 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    places = np.concatenate([parents, parents + 1.05 * direction, [[16.0, 30.0, 18.0]]])
    names = np.array([*elements, *["H"] * (len(elements) + 1)])
    count = len(names)
    return Atoms(places, names, random.uniform(10, 40, count), random.uniform(0.5, 1, count))


def test_nuclei_and_clouds_when_bound_lie_on_the_bond_at_their_own_lengths(
    random: np.random.Generator,
) -> None:
    parents = np.array([[8.0 + 3 * n, 12.0, 16.0] for n in range(6)])
    atoms = hydrogens_on(parents, random)
    nuclei, clouds = nuclei_and_clouds(atoms)
    for n, element in enumerate(["C", "N", "O", "S", "C"]):
        to_nucleus, to_cloud = nuclei[n] - parents[n], clouds[n] - parents[n]
        lengths = np.linalg.norm(to_nucleus), np.linalg.norm(to_cloud)
        np.testing.assert_allclose(lengths, BOND_LENGTHS[element])
        np.testing.assert_allclose(np.cross(to_nucleus, to_cloud), 0, atol=1e-12)
    for n in (5, 6):
        np.testing.assert_array_equal(nuclei[n], atoms.positions[6 + n])
        np.testing.assert_array_equal(clouds[n], atoms.positions[6 + n])


def test_physical_density_when_hydrogens_are_split_is_the_literal_sum_of_mott_and_bethe(
    random: np.random.Generator, relative_rms: Compare
) -> None:
    atoms = hydrogens_on(np.array([[8.0 + 3 * n, 12.0, 16.0] for n in range(6)]), random)
    scattering = Scattering("electrons", 3.0, splits_hydrogens=True)
    only_hydrogens = atoms.chosen(atoms.is_hydrogen)
    whole = physical_density(atoms, BOX, scattering, is_periodic=True)
    heavy = atoms.chosen(~atoms.is_hydrogen)
    rest = physical_density(heavy, BOX, Scattering("electrons", 3.0), is_periodic=True)
    waves, vectors = waves_of(whole - rest, BOX)
    s = np.sqrt((vectors**2).sum(axis=-1))
    a, b = form_factors.x_rays(["H"])
    a = a / a.sum()
    here = (s <= scattering.highest) & (s > 0)
    vectors, s = vectors[here], s[here]
    expected = np.zeros(len(s), dtype=complex)
    x_rays = form_factors.at_frequencies(a, b, s)[0]
    places = zip(*nuclei_and_clouds(atoms), strict=True)
    own = zip(places, only_hydrogens.b_factors, only_hydrogens.occupancies, strict=True)
    for (nucleus, cloud), b_factor, occupancy in own:
        charge = np.exp(-2j * np.pi * (vectors @ nucleus))
        charge = charge - x_rays * np.exp(-2j * np.pi * (vectors @ cloud))
        expected += occupancy * np.exp(-b_factor * s**2 / 4) * charge / s**2
    expected *= form_factors.MOTT_BETHE * scattering.gain(s)
    # Beside heavier atoms, whose own rounding is in the difference.
    assert relative_rms(waves[here], expected) < 5e-4
    limit = form_factors.MOTT_BETHE * float((a * b).sum()) / 4 * only_hydrogens.occupancies.sum()
    assert (whole - rest).sum(dtype=np.float64) * 0.9 == pytest.approx(limit, rel=1e-3)


def test_physical_density_when_split_hydrogens_are_to_be_sampled_says_that_they_cannot() -> None:
    atom = Atoms(np.full((1, 3), 15.0), np.array(["H"]), np.array([30.0]), np.ones(1))
    scattering = Scattering("electrons", 3.0, splits_hydrogens=True, blur=50.0)
    with pytest.raises(InputError, match="no Gaussians"):
        physical_density(atom, BOX, scattering)


def test_physical_density_when_in_solvent_counts_from_it(some_atoms: Atoms) -> None:
    grid = Grid((48, 48, 48), 1.0, -8.0)  # type: ignore[arg-type]
    bare = physical_density(some_atoms, grid, Scattering("electrons", 4.0))
    solvent = Solvent(level=0.2, radius=3.0, edge=4.0)
    wet = physical_density(some_atoms, grid, Scattering("electrons", 4.0, solvent=solvent))
    displaced = (bare - wet) / 0.2
    middle = np.array([16, 16, 16]) + 8
    assert displaced[tuple(middle)] == pytest.approx(1.0, abs=0.05)
    assert np.abs(displaced[:4]).max() < 0.02
    default = Scattering("x_rays", 4.0, solvent=Solvent())
    vacuum = physical_density(some_atoms, grid, Scattering("x_rays", 4.0))
    level = (vacuum - physical_density(some_atoms, grid, default))[tuple(middle)]
    assert level == pytest.approx(0.334, rel=0.05)
