"""A structure becomes a map: in its place, on the grid that was announced, or an answer why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import cli, read, write
from mapscope.errors import Cancelled, GridError, InputError
from mapscope.jobs import all_jobs
from mapscope.jobs.simulation import simulate_map as module
from mapscope.record import record_of
from mapscope.structure import Structure
from mapscope.testing import EXAMPLE_GRID, check_job, example_noun
from mapscope.volume import Region, Volume

SIMULATE = all_jobs()["simulate_map"]
STRUCTURE: Structure = example_noun(Structure)
KERNELS = next(p.choices for p in SIMULATE.parameters if p.name == "kernel")


def mean_at_atoms(volume: Volume, structure: Structure) -> float:
    """Mean density at the voxels nearest to the atoms, in standard deviations above the mean."""
    index = np.round(volume.grid.index_from_world(structure.positions)).astype(int)
    return float((volume.data[tuple(index.T)].mean() - volume.data.mean()) / volume.data.std())


def altered(change: Callable[[Any, int], None]) -> Structure:
    """The example with something done to each atom."""
    model = STRUCTURE.model.clone()
    for number, site in enumerate(model[0].all()):
        change(site.atom, number)
    return Structure.from_gemmi(model)


@pytest.mark.parametrize("kernel", KERNELS)
def test_simulate_map_of_any_kernel_puts_density_where_the_atoms_are(kernel: str) -> None:
    found = SIMULATE(STRUCTURE, kernel=kernel, resolution=4.0)
    assert found.data.dtype == np.float32
    assert mean_at_atoms(found, STRUCTURE) > 4
    record = record_of(found)
    assert record is not None
    assert record.parameters["kernel"] == kernel


def test_simulate_map_keeps_the_contract_and_is_live() -> None:
    check_job(SIMULATE)
    assert SIMULATE.live
    assert SIMULATE.grid is module.grid_of_simulated


@pytest.mark.parametrize(
    "settings",
    [{}, {"voxel_size": 0.8, "padding": 4.0}, {"volume": example_noun(Volume)}],
)
@pytest.mark.parametrize("kernel", ["electrons", "chimerax"])
def test_simulate_map_when_a_region_is_given_is_that_part_of_the_announced_grid(
    settings: dict[str, Any], kernel: str
) -> None:
    values = SIMULATE.check(STRUCTURE, kernel=kernel, **settings)
    grid = module.grid_of_simulated(values)
    whole = SIMULATE(STRUCTURE, kernel=kernel, **settings)
    assert whole.grid.matches(grid)
    region = Region((5, 6, 7), (21, 20, 24))
    part = SIMULATE(STRUCTURE, kernel=kernel, region=region, **settings)
    assert part.grid.matches(grid.cropped(region))
    difference = part.data - whole.data[region.slices]
    # Fourteen atoms in much empty space; in a protein it is a tenth of this.
    assert np.sqrt((difference**2).mean()) < 2e-3 * whole.data.std()


@pytest.mark.parametrize(
    "settings", [{"soft_edge": 0.0}, {"voxel_size": 1.5}, {"hydrogens": "mott_bethe"}]
)
def test_simulate_map_when_density_reaches_far_a_region_is_still_part_of_the_whole(
    settings: dict[str, Any],
) -> None:
    def every_third_a_hydrogen(atom: Any, number: int) -> None:
        atom.element = gemmi.Element("H" if number % 3 == 0 else "C")

    structure = altered(every_third_a_hydrogen)
    whole = SIMULATE(structure, **settings)
    region = Region((4, 5, 6), (14, 15, 16))
    part = SIMULATE(structure, region=region, **settings)
    np.testing.assert_array_equal(part.data, whole.data[region.slices])


def test_simulate_map_when_hydrogens_are_there_treats_them_as_asked() -> None:
    structure = altered(lambda atom, n: setattr(atom, "element", gemmi.Element("CH"[n % 2])))
    maps = {
        how: SIMULATE(structure, hydrogens=how).data
        for how in ("mott_bethe", "as_atoms", "left_out")
    }
    # Nearly the same scattering altogether (a bound hydrogen's electrons are closer to it than
    # those of a free one), and none where they are left out.
    sums = {how: float(data.sum(dtype=np.float64)) for how, data in maps.items()}
    assert sums["mott_bethe"] == pytest.approx(sums["as_atoms"], rel=0.06)
    assert sums["left_out"] < 0.9 * sums["as_atoms"]


def test_simulate_map_when_a_map_gives_the_grid_lies_on_it() -> None:
    volume: Volume = example_noun(Volume)
    found = SIMULATE(STRUCTURE, volume, resolution=5.0)
    assert found.grid.matches(EXAMPLE_GRID)
    assert mean_at_atoms(found, STRUCTURE) > 4


def test_simulate_map_when_b_factors_rise_is_blurrer() -> None:
    sharp, blurred = (SIMULATE(STRUCTURE, b_factor=b).data for b in (0.0, 500.0))
    assert sharp.max() > 5 * blurred.max()
    assert float(sharp.sum(dtype=float)) == pytest.approx(float(blurred.sum(dtype=float)), rel=0.02)


def test_simulate_map_when_the_solvent_is_on_is_lower_around_the_atoms() -> None:
    wide: dict[str, Any] = {"resolution": 6.0, "solvent_radius": 8.0}
    bare, wet = (SIMULATE(STRUCTURE, solvent=on, **wide).data for on in (False, True))
    assert (bare - wet).max() == pytest.approx(0.0946, rel=0.15)
    with pytest.raises(InputError, match="a Gaussian of chimerax has no solvent"):
        SIMULATE(STRUCTURE, kernel="chimerax", solvent=True)


def test_simulate_map_when_input_makes_no_sense_says_what_and_what_to_do() -> None:
    unknown = altered(
        lambda atom, n: setattr(atom, "element", gemmi.Element("X" if n < 3 else "C"))
    )
    with pytest.raises(InputError, match=r"element X \(3 atoms\)"):
        SIMULATE(unknown)
    with pytest.raises(InputError, match="chain Q is not there"):
        SIMULATE(STRUCTURE, selection="Q")
    with pytest.raises(InputError, match="assembly '7' is not in the file"):
        SIMULATE(STRUCTURE, assembly="7")
    with pytest.raises(InputError, match="occupancy 0"):
        SIMULATE(altered(lambda atom, _: setattr(atom, "occ", 0.0)))
    with pytest.raises(InputError, match="too coarse"):
        SIMULATE(STRUCTURE, voxel_size=2.0)
    with pytest.raises(GridError, match="outside a map"):
        SIMULATE(STRUCTURE, region="900:910,0:5,0:5")
    far = Volume(np.zeros((8, 8, 8), np.float32), 1.0, (900.0, 0.0, 0.0))  # type: ignore[arg-type]
    with pytest.raises(GridError, match="no atom lies in the map"):
        SIMULATE(STRUCTURE, far)


def test_simulate_map_when_unknown_residues_have_known_elements_shows_them() -> None:
    model = STRUCTURE.model.clone()
    for chain in model[0]:
        for residue in chain:
            residue.name = "UNK"
    renamed = Structure.from_gemmi(model)
    np.testing.assert_array_equal(SIMULATE(renamed).data, SIMULATE(STRUCTURE).data)


def test_simulate_map_when_memory_is_too_small_refuses_before_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "free_memory", lambda: 1e8)
    with pytest.raises(InputError, match=r"voxels needs about .* GB .* take larger voxels"):
        SIMULATE(STRUCTURE, voxel_size=0.05)
    monkeypatch.setattr(module, "memory_limit", lambda: 1e6)
    with pytest.raises(InputError, match=r"preferences allow 0\.001 GB"):
        SIMULATE(STRUCTURE, voxel_size=0.2, kernel="chimerax")


def test_simulate_map_when_the_device_is_not_there_says_which_are() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(InputError, match=r"computes on .*cpu, not on cuda"):
        SIMULATE(STRUCTURE, device="cuda")


def test_simulate_map_when_cancelled_stops() -> None:
    def cancel(done: int, total: int, message: str = "") -> None:
        raise Cancelled

    for kernel in ("electrons", "chimerax"):
        with pytest.raises(Cancelled):
            SIMULATE(STRUCTURE, kernel=kernel, progress=cancel)


def test_command_of_simulate_map_writes_what_python_gives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "model.cif", STRUCTURE)
    out = tmp_path / "x.mrc"
    words = ["simulate-map", str(source), "--resolution", "4", "--out", str(out), "--json"]
    assert cli.main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["record"]["parameters"]["resolution"] == 4.0
    expected = SIMULATE(read(source), resolution=4.0)
    written = read(out)
    np.testing.assert_array_equal(written.data, expected.data)
    assert written.grid.matches(expected.grid)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["1fix", "1gid", "101m"])
def test_simulate_map_of_real_structures_shows_nucleotides_ligands_and_ions(
    data_folder: Path, name: str
) -> None:
    structure = read(data_folder / "structures" / f"{name}.pdb.gz")
    found = SIMULATE(structure, resolution=4.0)
    assert mean_at_atoms(found, structure) > 2.0
