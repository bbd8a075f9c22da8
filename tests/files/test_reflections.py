"""Maps of MTZ files: the right columns, the right density, and refusals with a reason."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import files
from mapscope.errors import InputError, MapFormatError
from mapscope.files.cell_series import values_on_orthogonal_grid
from mapscope.volume import Volume

Array = np.ndarray[Any, Any]
PairsOfDensity = Callable[[Volume, gemmi.FloatGrid], tuple[Array, Array]]
CELLS = {
    "P 1": gemmi.UnitCell(31, 37, 41, 82, 97, 106),
    "P 1 21 1": gemmi.UnitCell(30, 24, 36, 90, 104, 90),
    "P 21 21 21": gemmi.UnitCell(31, 37, 41, 90, 90, 90),
    "P 61 2 2": gemmi.UnitCell(40, 40, 55, 90, 90, 120),
}
PAIRS = (("FP", "PHIC"), ("FWT", "PHWT"), ("DELFWT", "PHDELWT"))


def make_mtz(
    group: str = "P 1 21 1",
    pairs: tuple[tuple[str, str], ...] = PAIRS,
    resolution: float = 2.5,
    seed: int = 0,
) -> gemmi.Mtz:
    """Random structure factors, the same amplitudes times 1, 2, 3 for each pair of columns."""
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup(group)
    mtz.set_cell_for_all(CELLS[group])
    mtz.add_dataset("test")
    for names in pairs:
        for name, kind in zip(names, "FP", strict=True):
            mtz.add_column(name, kind)
    hkl = gemmi.make_miller_array(mtz.cell, mtz.spacegroup, resolution)
    random = np.random.default_rng(seed)
    operations = mtz.spacegroup.operations()
    # The phases of centric reflections are not free: without them the map keeps its symmetry.
    is_free = [not operations.is_reflection_centric(h) for h in hkl.tolist()]
    amplitude = random.rayleigh(30, len(hkl)) * is_free
    phase = random.uniform(0, 360, len(hkl))
    columns: list[Array] = [hkl]
    for n in range(len(pairs)):
        columns += [amplitude[:, None] * (n + 1), phase[:, None]]
    mtz.set_data(np.concatenate(columns, axis=1).astype(np.float32))
    return mtz


def save(mtz: gemmi.Mtz, path: Path) -> Path:
    mtz.write_to_file(str(path))
    return path


def largest_difference(volume: Volume, grid: gemmi.FloatGrid, pairs: PairsOfDensity) -> float:
    """Largest difference from gemmi's grid at 1,000 points, in σ."""
    found, expected = pairs(volume, grid)
    return float(np.abs(found - expected).max() / np.asarray(grid.array).std())


def middle_box(cell: gemmi.UnitCell, half: float = 26.0) -> tuple[Any, Any]:
    """A box around a corner of the cell, so that it lies in eight of them."""
    corner = np.array(cell.orth.mat.tolist())[::-1].sum(axis=1)
    return tuple(corner - half), tuple(corner + half)


@pytest.mark.parametrize("group", CELLS)
def test_read_when_reflections_are_a_map_then_it_is_gemmis_between_the_voxels_too(
    tmp_path: Path, group: str, density_pairs: PairsOfDensity
) -> None:
    mtz = make_mtz(group)
    path = save(mtz, tmp_path / "a.mtz")
    volume = files.read(path, cover=middle_box(mtz.cell))
    fine = mtz.transform_f_phi_to_map("FWT", "PHWT", sample_rate=6)
    assert largest_difference(volume, fine, density_pairs) < 1e-3


@pytest.mark.parametrize("group", CELLS)
@pytest.mark.parametrize("is_whole", [True, False])
def test_read_when_a_map_file_holds_a_cell_or_its_asymmetric_unit_then_gemmi_agrees_between_voxels(
    tmp_path: Path, group: str, is_whole: bool, density_pairs: PairsOfDensity
) -> None:
    mtz = make_mtz(group)
    stored = gemmi.Ccp4Map()
    stored.grid = mtz.transform_f_phi_to_map("FWT", "PHWT", sample_rate=3)
    stored.update_ccp4_header(2, True)
    if not is_whole:
        stored.set_extent(gemmi.find_asu_brick(mtz.spacegroup).get_extent())
    stored.write_ccp4_map(str(tmp_path / "a.ccp4"))
    volume = files.read(tmp_path / "a.ccp4", cover=middle_box(mtz.cell))
    fine = mtz.transform_f_phi_to_map("FWT", "PHWT", sample_rate=6)
    assert largest_difference(volume, fine, density_pairs) < 1e-3


@pytest.mark.parametrize("group", CELLS)
def test_read_when_no_cover_is_given_then_the_grid_covers_the_cell(
    tmp_path: Path, group: str
) -> None:
    volume = files.read(save(make_mtz(group), tmp_path / "a.mtz"))
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    corners = corners @ np.array(CELLS[group].orth.mat.tolist()).T
    size = np.array(volume.voxel_size)
    last = volume.grid.world_from_index(np.array(volume.shape) - 1) + size
    assert (np.array(volume.origin) <= corners.min(axis=0)[::-1] + 1e-6).all()
    assert (last >= corners.max(axis=0)[::-1] - 1e-6).all()
    assert (size <= 2.5 / 3 + 1e-6).all()


def test_series_when_a_cell_of_even_and_odd_counts_is_put_on_itself_then_nothing_changes() -> None:
    density = np.random.default_rng(0).standard_normal((9, 8, 10)).astype(np.float32)
    cell = gemmi.UnitCell(9, 8, 10, 90, 90, 90)
    found = values_on_orthogonal_grid(density, cell, (-10.0, 0.0, 9.0), 1.0, (20, 8, 9))
    np.testing.assert_allclose(found[:10].transpose(2, 1, 0), density, atol=1e-5)
    np.testing.assert_array_equal(found[10:], found[:10])


def test_map_columns_when_there_are_several_pairs_then_the_weighted_map_comes_first(
    tmp_path: Path,
) -> None:
    path = save(make_mtz(), tmp_path / "a.mtz")
    assert files.map_columns(path) == ("FWT,PHWT", "FP,PHIC", "DELFWT,PHDELWT")


@pytest.mark.parametrize(
    ("pairs", "best"),
    [
        ((("FWT", "PHWT"), ("2FOFCWT", "PH2FOFCWT")), "2FOFCWT,PH2FOFCWT"),
        ((("FC_ALL", "PHIC_ALL"), ("FP", "PHIC")), "FP,PHIC"),
        ((("F", "PHI"),), "F,PHI"),
        ((("FC_ALL", "PHIC_ALL"), ("mine", "its_phase")), "mine,its_phase"),
        ((("FC_ALL", "PHIC_ALL"),), "FC_ALL,PHIC_ALL"),
        ((("FOFCWT", "PHFOFCWT"), ("FC", "PHIC")), "FC,PHIC"),
    ],
)
def test_map_columns_when_names_differ_then_the_best_is_first(
    tmp_path: Path, pairs: tuple[tuple[str, str], ...], best: str
) -> None:
    assert files.map_columns(save(make_mtz(pairs=pairs), tmp_path / "a.mtz"))[0] == best


def test_read_when_columns_are_named_then_that_map_comes(tmp_path: Path) -> None:
    path = save(make_mtz(), tmp_path / "a.mtz")
    first = files.read(path)
    np.testing.assert_array_equal(first.data, files.read(path, columns="FWT,PHWT").data)
    other = files.read(path, columns="DELFWT, PHDELWT")
    np.testing.assert_allclose(other.data, 1.5 * first.data, atol=1e-3 * first.data.std())


@pytest.mark.parametrize("columns", ["FWT", "FWT,FP", "no,PHWT", "FWT,PHWT,PHWT", ""])
def test_read_when_the_columns_are_none_of_the_file_then_they_are_listed(
    tmp_path: Path, columns: str
) -> None:
    path = save(make_mtz(), tmp_path / "a.mtz")
    with pytest.raises(InputError, match="there are: FWT,PHWT; FP,PHIC; DELFWT,PHDELWT"):
        files.read(path, columns=columns)


def test_read_when_another_format_is_given_columns_then_it_says_whose_they_are(
    tmp_path: Path,
) -> None:
    path = files.write(tmp_path / "a.mrc", Volume(np.ones((4, 4, 4), np.float32)))
    with pytest.raises(InputError, match=r"columns is an option of \.mtz, not of \.mrc"):
        files.read(path, columns="F,PHI")


def test_read_when_the_file_is_compressed_then_the_map_is_the_same(tmp_path: Path) -> None:
    path = save(make_mtz(), tmp_path / "a.mtz")
    zipped = tmp_path / "b.mtz.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(files.read(path).data, files.read(zipped).data)


def test_read_when_there_are_only_amplitudes_then_it_says_what_to_do(tmp_path: Path) -> None:
    mtz = make_mtz(pairs=(("FP", "x"),))
    mtz.remove_column(4)
    with pytest.raises(MapFormatError, match=r"no phases.*columns H, K, L, FP.*refine"):
        files.read(save(mtz, tmp_path / "a.mtz"))


def test_read_when_reflections_are_unmerged_then_it_says_what_to_do(tmp_path: Path) -> None:
    mtz = make_mtz()
    mtz.add_column("M/ISYM", "Y")
    with pytest.raises(MapFormatError, match="not merged and have no phases: merge them"):
        files.read(save(mtz, tmp_path / "a.mtz"))


@pytest.mark.parametrize("keep", [0, 3, 79, 80, 200, -2000, -800])
def test_read_when_the_file_is_cut_off_then_it_is_refused(tmp_path: Path, keep: int) -> None:
    path = save(make_mtz(), tmp_path / "a.mtz")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(MapFormatError, match=r"a\.mtz"):
        files.read(path)
    zipped = tmp_path / "b.mtz.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(MapFormatError, match=r"b\.mtz\.gz"):
        files.read(zipped)


def test_read_when_more_reflections_are_declared_than_fit_then_it_is_refused(
    tmp_path: Path,
) -> None:
    path = save(make_mtz(), tmp_path / "a.mtz")
    content = path.read_bytes()
    place = content.index(b"NCOL ")
    line = b"NCOL        9   2000000000        0".ljust(80)
    path.write_bytes(content[:place] + line + content[place + 80 :])
    with pytest.raises(MapFormatError, match="expected 2000000000 reflections of 9 columns"):
        files.read(path)


@pytest.mark.parametrize("index", [3000.0, 1e9, np.inf])
def test_read_when_an_index_is_absurd_then_no_giant_map_is_made(
    tmp_path: Path, index: float
) -> None:
    mtz = make_mtz()
    data = np.array(mtz.array)
    data[5, :3] = index
    mtz.set_data(data)
    with pytest.raises(MapFormatError, match="Miller indices"):
        files.read(save(mtz, tmp_path / "a.mtz"))


@pytest.mark.real_data
def test_read_when_real_crystals_are_given_then_their_maps_are_gemmis_to_a_thousandth(
    data_folder: Path, density_pairs: PairsOfDensity
) -> None:
    groups: dict[str, float] = {}
    for folder in sorted((data_folder / "reflections").iterdir()):
        for path in folder.glob("*.mtz.gz"):
            mtz = gemmi.read_mtz_file(str(path))
            if mtz.spacegroup.hm in groups or len(mtz.batches):
                continue
            amplitude, phase = files.map_columns(path)[0].split(",")
            half = 17 * mtz.resolution_high() / 3 + 8
            volume = files.read(path, cover=middle_box(mtz.cell, half))
            fine = mtz.transform_f_phi_to_map(amplitude, phase, sample_rate=6)
            groups[mtz.spacegroup.hm] = largest_difference(volume, fine, density_pairs)
    assert len(groups) >= 15
    assert {name: worst for name, worst in groups.items() if worst >= 1e-3} == {}
