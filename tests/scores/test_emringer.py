"""EMRinger finds the angle at which density was planted, and scores as its formula says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import files
from mapscope.depiction.residues import residues_of
from mapscope.scores.chi1_scan import ANGLES, scan_chi1
from mapscope.scores.emringer import (
    emringer_score,
    is_rotameric,
    rolling_rotameric,
    scan_thresholds,
)
from mapscope.scores.emringer_tables import chi1_table, rolling_table, threshold_table
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

GRID = Grid((48, 52, 90), (0.25, 0.25, 0.5), (1.0, 11.5, 11.0))
MIDDLE = (7.0, 18.0)
APART = 8.0


def side_chain(name: str, chi: float, x: float, leave_out: str = "") -> gemmi.Residue:
    """N, CA, CB and γ with bonds of 1.5 Å about an axis along x, γ at an angle χ1."""
    z, y = MIDDLE
    radians = math.radians(chi)
    residue = gemmi.Residue()
    residue.name = name
    gamma = {"SER": "OG", "CYS": "SG"}.get(name, "CG")
    turned = (1.4 * math.cos(radians), 1.4 * math.sin(radians))
    places = {
        "N": (-0.5, 1.4, 0.0),
        "CA": (0.0, 0.0, 0.0),
        "CB": (1.5, 0.0, 0.0),
        gamma: (2.1, *turned),
    }
    for atom_name, (dx, dy, dz) in places.items():
        if atom_name == leave_out:
            continue
        atom = gemmi.Atom()
        atom.name, atom.element = atom_name, gemmi.Element(atom_name[0])
        atom.pos = gemmi.Position(x + dx, y + dy, z + dz)
        residue.add_atom(atom)
    return residue


def structure_of(residues: Sequence[gemmi.Residue]) -> Structure:
    whole, model, chain = gemmi.Structure(), gemmi.Model(1), gemmi.Chain("A")
    for number, residue in enumerate(residues, start=1):
        residue.seqid = gemmi.SeqId(str(number))
        chain.add_residue(residue)
    model.add_chain(chain)
    whole.add_model(model)
    return Structure.from_gemmi(whole)


def density_of(structure: Structure, names: Sequence[str] = ("CG", "OG", "SG")) -> Volume:
    """A Gaussian of 0.7 Å at each atom of these names."""
    index = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), axis=-1)
    voxels = GRID.world_from_index(index)
    data = np.zeros(GRID.shape, dtype=np.float32)
    for place in structure.positions[np.isin(structure.atom_names, names)]:
        data += np.exp(-0.5 * ((voxels - place) ** 2).sum(axis=-1) / 0.7**2)
    return Volume(data, GRID.voxel_size, GRID.origin)


def literal_score(density: Any) -> tuple[float, float] | None:
    """The statistic written out residue by residue: best score, and its threshold."""
    mean = float(np.mean(density))
    highest = max(max(scan) for scan in density)
    best = None
    for n in range(20):
        threshold = mean + n * (highest - mean) / 20
        good = total = 0
        for scan in density:
            for angle, value in zip(ANGLES, scan, strict=True):
                if value == max(scan) and value > threshold:
                    total += 1
                    good += any(low < angle <= low + 60 for low in (30, 150, 270))
        if good == 0:
            break
        z = (good - 39 / 72 * total) / math.sqrt(39 / 72 * 33 / 72 * total)
        score = 10 * z / math.sqrt(len(density))
        if best is None or score > best[0]:
            best = (score, threshold)
    return best


@pytest.mark.parametrize("chi", [5.0, 60.0, 125.0, 180.0, 300.0, 355.0])
def test_scan_of_density_at_a_planted_angle_peaks_there(chi: float) -> None:
    structure = structure_of([side_chain("LEU", chi, 20.0)])
    scan = scan_chi1(structure, density_of(structure))
    np.testing.assert_allclose(scan.angles, chi, atol=1e-6)
    away = abs(float(scan.peak_angles[0]) - chi)
    assert min(away, 360 - away) <= 5.0
    assert float(scan.density[0, chi == ANGLES][0]) == pytest.approx(1.0, abs=0.1)


def test_scan_when_a_map_is_moved_with_its_model_or_turned_dark_is_the_same() -> None:
    structure = structure_of([side_chain("LYS", 65.0, 20.0)])
    volume = density_of(structure)
    first = scan_chi1(structure, volume)
    dark = Volume(-volume.data, volume.voxel_size, volume.origin, contrast=-1)
    np.testing.assert_array_equal(first.density, scan_chi1(structure, dark).density)
    for atom in structure.model[0].all():
        atom.atom.pos += gemmi.Position(3.0, 2.0, 1.0)
    moved = Volume(volume.data, volume.voxel_size, (2.0, 13.5, 14.0))
    again = scan_chi1(Structure.from_gemmi(structure.model), moved)
    np.testing.assert_allclose(first.density, again.density, atol=1e-6)


def test_scan_of_some_residues_is_the_same_rows_as_that_of_all() -> None:
    chain = [side_chain(n, 40.0 * i, 16 + APART * i) for i, n in enumerate(("SER", "PHE", "CYS"))]
    structure = structure_of(chain)
    volume = density_of(structure)
    whole = scan_chi1(structure, volume)
    assert whole.residues.tolist() == [0, 1, 2]
    for number in range(3):
        alone = scan_chi1(structure, volume, residues_of(structure).of_atoms == number)
        assert alone.residues.tolist() == [number]
        np.testing.assert_array_equal(alone.density, whole.density[[number]])


def test_scan_leaves_out_what_has_no_gamma_atom_or_lies_outside_and_counts_it() -> None:
    chain = [
        side_chain("LEU", 60.0, 16.0, leave_out="CG"),
        side_chain("ALA", 60.0, 24.0),
        side_chain("THR", 60.0, 24.0),
        side_chain("LEU", 60.0, 32.0),
        side_chain("LEU", 60.0, 200.0),
    ]
    structure = structure_of(chain)
    scan = scan_chi1(structure, density_of(structure))
    assert scan.residues.tolist() == [3]
    assert (scan.without_side_chain, scan.outside) == (1, 1)


def test_scan_when_there_are_conformers_takes_the_first() -> None:
    residue, other = side_chain("LEU", 60.0, 20.0), side_chain("LEU", 180.0, 20.0)
    residue[3].altloc = "B"
    second = other[3].clone()
    second.altloc = "A"
    residue.add_atom(second)
    structure = structure_of([residue])
    scan = scan_chi1(structure, density_of(structure))
    np.testing.assert_allclose(scan.angles, 60.0)


def test_rotameric_angles_are_half_of_the_circle() -> None:
    assert is_rotameric(ANGLES).sum() == len(ANGLES) // 2
    assert is_rotameric([60, 180, 300]).all()
    assert not is_rotameric([120, 240, 360]).any()


@pytest.mark.parametrize("seed", range(5))
def test_score_of_random_density_is_as_the_formula_says(seed: int) -> None:
    random = np.random.default_rng(seed)
    density = random.normal(size=(40, len(ANGLES))) + random.exponential(size=(40, 1))
    density[:, is_rotameric(ANGLES)] += 0.1 * seed
    expected = literal_score(density)
    score = emringer_score(density)
    assert expected is not None
    assert score is not None
    assert (score.score, score.threshold) == pytest.approx(expected)
    assert score.z_score == pytest.approx(score.score * math.sqrt(40) / 10)
    assert score.residues == 40


def test_score_when_every_peak_is_rotameric_is_the_largest_there_is() -> None:
    density = np.zeros((25, len(ANGLES)))
    density[:, ANGLES == 180.0] = 1.0
    score = emringer_score(density)
    assert score is not None
    assert score.score == pytest.approx(10 * math.sqrt(33 / 39))
    assert score.rotameric == 1.0


def test_score_of_nothing_of_flat_density_and_of_no_rotamer_is_none() -> None:
    between = np.zeros((5, len(ANGLES)))
    between[:, ANGLES == 120.0] = 1.0
    for density in (np.zeros((0, 72)), np.full((5, 72), 0.3), between):
        assert emringer_score(density) is None
        assert len(scan_thresholds(density).threshold) == 0


def test_rolling_share_counts_the_residues_of_a_window_of_its_chain() -> None:
    angles = [60.0, 120.0, 180.0, 60.0]
    structure = structure_of([side_chain("LEU", a, 16 + APART * i) for i, a in enumerate(angles)])
    scan = scan_chi1(structure, density_of(structure))
    scanned, above, rotameric = rolling_rotameric(scan, residues_of(structure), 0.5, window=1)
    assert scanned.tolist() == [2, 3, 3, 2]
    assert above.tolist() == [1, 1, 1, 1]
    np.testing.assert_allclose(rotameric, [1 / 2, 2 / 3, 2 / 3, 1])
    _, none_above, unknown = rolling_rotameric(scan, residues_of(structure), np.inf)
    assert not none_above.any()
    assert np.isnan(unknown).all()


def test_tables_mark_the_peak_the_model_and_the_best_threshold() -> None:
    angles = [60.0, 175.0, 300.0, 120.0]
    structure = structure_of([side_chain("LEU", a, 16 + APART * i) for i, a in enumerate(angles)])
    scan = scan_chi1(structure, density_of(structure))
    score = emringer_score(scan.density)
    assert score is not None
    curve = chi1_table(scan, residues_of(structure), 1).plot
    assert curve is not None
    peak = scan.peak_angles[1]
    assert curve.headline == f"LEU A/2: peak at {peak:.0f}°, rotameric"
    assert curve.marks["peak"] == peak
    assert curve.marks["model"] == pytest.approx(175.0)
    thresholds = threshold_table(scan).plot
    assert thresholds is not None
    assert dict(thresholds.marks) == {"best": score.threshold}
    assert len(rolling_table(scan, residues_of(structure))) == 4


def test_peak_of_flat_density_is_unknown_and_the_curve_says_so() -> None:
    structure = structure_of([side_chain("LEU", 60.0, 16.0)])
    volume = density_of(structure)
    scan = scan_chi1(structure, volume.with_data(np.zeros(volume.shape, dtype=np.float32)))
    assert np.isnan(scan.peak_angles).tolist() == [True]
    curve = chi1_table(scan, residues_of(structure), 0).plot
    assert curve is not None
    assert curve.headline == "LEU A/1: density is the same all around"
    assert "peak" not in curve.marks


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "score"),
    [("emd4413_6i5a", 3.94841), ("emd20026_3ajo", 7.23695), ("emd6272_3j9s", 3.17048)],
)
def test_score_of_a_real_pair_is_that_of_cctbx(data_folder: Path, name: str, score: float) -> None:
    folder = data_folder / "maps" / name
    model = next(folder.glob("model*"))
    found = emringer_score(scan_chi1(files.read(model), files.read(folder / "map.mrc.gz")).density)
    assert found is not None
    assert found.score == pytest.approx(score, rel=0.01)
