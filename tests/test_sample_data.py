"""The sample is what its README says, and its script makes it again."""

from __future__ import annotations

import runpy
from itertools import combinations
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from mapscope import files
from mapscope.density.fourier import band_pass
from mapscope.jobs import all_jobs
from mapscope.structure import Structure
from mapscope.volume import Volume

NAME = "four_helix_bundle"
UNEVEN = ("_uneven_half_1", "_uneven_half_2", "_uneven_local_resolution")
MAPS = ("", "_half_1", "_half_2", "_mask", *UNEVEN)
Floats = npt.NDArray[np.floating[Any]]


@pytest.fixture(scope="module")
def structure(sample_folder: Path) -> Structure:
    found: Structure = files.read(sample_folder / f"{NAME}.cif")
    return found


@pytest.fixture(scope="module")
def maps(sample_folder: Path) -> dict[str, Volume]:
    return {part: files.read(sample_folder / f"{NAME}{part}.mrc.gz") for part in MAPS}


def test_script_when_run_again_makes_the_same_files(
    tmp_path: Path, sample_folder: Path, structure: Structure, maps: dict[str, Volume]
) -> None:
    script = runpy.run_path(str(sample_folder / "make_samples.py"))
    script["main"](tmp_path)
    # Transforms differ in their last digits from processor to processor, so that a number may
    # fall on the other side of a rounding step.
    again = files.read(tmp_path / f"{NAME}.cif")
    np.testing.assert_allclose(again.positions, structure.positions, atol=0.002)
    assert again.atom_names.tolist() == structure.atom_names.tolist()
    for part, volume in maps.items():
        made = files.read(tmp_path / f"{NAME}{part}.mrc.gz")
        assert made.grid == volume.grid
        step = script["RESOLUTION_STEP" if part.endswith("resolution") else "STEP"]
        np.testing.assert_allclose(made.data, volume.data, atol=1.01 * step)


def test_maps_through_gemmi_lie_in_a_frame_with_three_different_shifts(
    sample_folder: Path, maps: dict[str, Volume]
) -> None:
    for part, volume in maps.items():
        seen = gemmi.read_ccp4_map(str(sample_folder / f"{NAME}{part}.mrc.gz"))
        assert [seen.header_i32(word) for word in (5, 6, 7)] == [30, -20, 10]
        assert volume.origin == pytest.approx((12.0, -24.0, 36.0))
        assert volume.voxel_size == pytest.approx((1.2, 1.2, 1.2))


@pytest.mark.parametrize("part", ["", "_half_1", "_half_2", "_mask"])
def test_density_at_ca_atoms_is_above_that_of_the_model_shifted(
    part: str, structure: Structure, maps: dict[str, Volume]
) -> None:
    trace = structure.positions[structure.atom_names == "CA"]
    assert len(trace) == 72
    steps = 1.5 * np.vstack([np.eye(3), -np.eye(3)])
    here = mean_density(maps[part], trace)
    there = [mean_density(maps[part], trace + step) for step in steps]
    if part == "_mask":
        assert here == 1.0
    else:
        assert here > 1.15 * max(there)


def test_half_maps_agree_to_a_resolution_between_3_and_4_angstrom(maps: dict[str, Volume]) -> None:
    curve = shell_correlation(maps["_half_1"].float32(), maps["_half_2"].float32())
    first_below = int(np.argmax(curve < 0.143))
    assert 3.0 < 72.0 / first_below < 4.0
    assert curve[1:8].min() > 0.85


def test_noise_of_the_half_maps_is_independent(maps: dict[str, Volume]) -> None:
    first, second = (maps[h].float32() - maps[""].float32() for h in ("_half_1", "_half_2"))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02
    assert np.std(first) == pytest.approx(np.std(second), rel=0.01)


def test_uneven_half_maps_are_what_degrade_map_makes_with_the_options_of_the_readme(
    maps: dict[str, Volume],
) -> None:
    made = all_jobs()["degrade_map"](
        maps[""], maps["_mask"], resolution=3.0, coarsest=6.0, feature_size=24.0, seed=20
    )
    pairs = zip((made.half_map_1, made.half_map_2, made.local_resolution), UNEVEN, strict=True)
    for volume, part in pairs:
        np.testing.assert_allclose(volume.data, maps[part].data, atol=0.01)


def test_uneven_half_maps_between_6_and_5_angstrom_agree_where_the_planted_resolution_is_finer(
    maps: dict[str, Volume],
) -> None:
    first, second = (band_pass(maps[p], 6.0, 5.0, edge_shells=4.0).data for p in UNEVEN[:2])
    truth, inside = maps[UNEVEN[2]].data, maps["_mask"].data >= 0.5
    assert truth[inside].min() == pytest.approx(3.0, abs=0.01)
    assert truth[inside].max() == pytest.approx(6.0, abs=0.01)
    fine, middle, coarse = (
        np.corrcoef(first[inside & place], second[inside & place])[0, 1]
        for place in (truth < 3.6, (truth > 4.2) & (truth < 4.8), truth > 5.6)
    )
    assert fine > 0.65
    assert fine > middle + 0.1
    assert middle > coarse + 0.4
    assert coarse < 0.2


def test_atoms_that_are_not_bonded_keep_apart(structure: Structure) -> None:
    pairs = cKDTree(structure.positions).query_pairs(2.9, output_type="ndarray")
    residue, chain = structure.residue_index[pairs], structure.chains[pairs]
    assert (chain[:, 0] == chain[:, 1]).all()
    assert (np.abs(residue[:, 0] - residue[:, 1]) <= 1).all()


def test_amino_acids_are_left_handed(structure: Structure) -> None:
    n, ca, c, cb = (structure.positions[structure.atom_names == a] for a in ("N", "CA", "C", "CB"))
    # In z, y, x the sense of a triple product is the opposite of that in x, y, z.
    volume = np.einsum("ij,ij->i", np.cross(n - ca, c - ca), cb - ca)
    assert (volume < -2.0).all()


def test_helices_lie_side_by_side(structure: Structure) -> None:
    middles = [
        structure.positions[(structure.chains == c) & (structure.atom_names == "CA")].mean(axis=0)
        for c in "ABCD"
    ]
    distances = sorted(float(np.linalg.norm(a - b)) for a, b in combinations(middles, 2))
    assert distances == pytest.approx([10.8] * 4 + [10.8 * 2**0.5] * 2, abs=0.3)


def mean_density(volume: Volume, positions: Floats) -> float:
    """Mean of the density at positions in Å, read between voxels."""
    index = volume.grid.index_from_world(positions).T
    return float(map_coordinates(volume.float32(), index, order=1).mean())


def shell_correlation(first: Floats, second: Floats) -> Floats:
    """FSC on integer shells of a cube, one term after the other as in the definition."""
    size = first.shape[0]
    a, b = np.fft.fftn(first), np.fft.fftn(second)
    axis = np.fft.fftfreq(size, 1.0 / size)
    radius = np.rint(np.sqrt(sum(k**2 for k in np.meshgrid(axis, axis, axis, indexing="ij"))))
    curve = np.empty(size // 2)
    for shell in range(size // 2):
        inside = radius == shell
        cross = (a[inside] * b[inside].conj()).sum().real
        power = (np.abs(a[inside]) ** 2).sum() * (np.abs(b[inside]) ** 2).sum()
        curve[shell] = cross / np.sqrt(power)
    return curve


def test_tomogram_when_made_again_is_the_same_and_holds_its_particles(
    tmp_path: Path, sample_folder: Path
) -> None:
    script = runpy.run_path(str(sample_folder / "make_tomogram.py"))
    script["main"](tmp_path)
    volume = files.read(sample_folder / "tomogram.mrc.gz")
    truth = files.read(sample_folder / "tomogram_particles.star")
    template = files.read(sample_folder / "tomogram_template.mrc.gz")
    again = files.read(tmp_path / "tomogram.mrc.gz")
    # One grey value more or less where a transform's last digit decides.
    assert np.abs(again.float32() - volume.float32()).max() <= 1
    np.testing.assert_allclose(
        files.read(tmp_path / "tomogram_particles.star").positions, truth.positions, atol=1e-6
    )
    assert (truth.species.count("ring"), truth.species.count("rod")) == (60, 30)
    assert truth.rotations is not None
    # The template, put where each ring is and as it lies, falls on bright voxels; a template that
    # lies otherwise does not so much.
    index = np.argwhere(template.data > 0.5) - 16
    rings = [n for n, kind in enumerate(truth.species) if kind == "ring"]
    means = []
    for turns in (truth.rotations, truth.rotations.transpose(0, 2, 1)):
        found = [
            volume.data[
                tuple(np.rint((index * 10.0 @ turns[n].T + truth.positions[n]) / 10).astype(int).T)
            ].mean()
            for n in rings
        ]
        means.append(np.mean(found))
    assert means[0] > 3.0
    assert means[0] > 1.5 * means[1]
