"""Crystals' maps become orthogonal grids that hold the same density everywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import files
from mapscope.errors import GridError, MapFormatError
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

Array = np.ndarray[Any, Any]
MapMaker = Callable[..., Path]
WAVES = np.array([[1, 0, 0], [0, 1, 2], [2, 1, 0], [1, -1, 1], [0, 3, 1], [3, 0, -2]])
MONOCLINIC = gemmi.UnitCell(30, 24, 36, 90, 104, 90)
HEXAGONAL = gemmi.UnitCell(30, 30, 24, 90, 90, 120)
ORTHOGONAL = gemmi.UnitCell(20, 24, 30, 90, 90, 90)


def density(cell: gemmi.UnitCell, group: str, positions: Array) -> Array:
    """A smooth density with the group's symmetry at positions (n, 3) in Å, x, y, z."""
    fractions = positions @ np.array(cell.frac.mat.tolist()).T
    total = np.zeros(len(positions))
    operations = list(gemmi.SpaceGroup(group).operations())
    for operation in operations:
        rotation, shift = np.array(operation.rot) / 24, np.array(operation.tran) / 24
        phases = (fractions @ rotation.T + shift) @ WAVES.T * 2 * np.pi
        total += np.cos(phases + np.arange(len(WAVES))).sum(axis=1)
    return total / len(operations)


def write_crystal(
    path: Path,
    cell: gemmi.UnitCell,
    group: str,
    sampling: tuple[int, int, int],
    extent: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None,
) -> Path:
    """A map of that density, written by gemmi: the cell, or a box given in fractions."""
    grid = gemmi.FloatGrid(*sampling)
    grid.set_unit_cell(cell)
    grid.spacegroup = gemmi.SpaceGroup(group)
    fractions = np.stack(np.meshgrid(*[np.arange(n) / n for n in sampling], indexing="ij"), -1)
    positions = fractions.reshape(-1, 3) @ np.array(cell.orth.mat.tolist()).T
    np.array(grid, copy=False)[...] = density(cell, group, positions).reshape(sampling)
    out = gemmi.Ccp4Map()
    out.grid = grid
    out.update_ccp4_header(2, True)
    if extent is not None:
        box = gemmi.FractionalBox()
        box.minimum, box.maximum = (gemmi.Fractional(*corner) for corner in extent)
        out.set_extent(box)
    out.write_ccp4_map(str(path))
    return path


def expected_in(volume: Volume, cell: gemmi.UnitCell, group: str) -> Array:
    """The density at each voxel of a volume."""
    index = np.moveaxis(np.indices(volume.shape), 0, -1).reshape(-1, 3)
    positions = volume.grid.world_from_index(index)[:, ::-1]
    return density(cell, group, positions).reshape(volume.shape)


def box_of(volume: Volume) -> tuple[Array, Array]:
    last = volume.grid.world_from_index(np.array(volume.shape) - 1)
    return np.array(volume.origin), last


def model_at(*positions: tuple[float, float, float]) -> Structure:
    """Atoms at positions x, y, z."""
    text = "".join(
        f"HETATM{i:5d}  O   HOH A{i:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00 20.00           O\n"
        for i, (x, y, z) in enumerate(positions, 1)
    )
    return Structure.from_gemmi(gemmi.read_pdb_string(text))


@pytest.mark.parametrize(
    ("cell", "group", "sampling", "extent"),
    [
        (MONOCLINIC, "P 1 21 1", (60, 48, 72), None),
        (MONOCLINIC, "P 1 21 1", (60, 48, 72), ((0, 0, 0), (1, 0.5, 1))),
        (MONOCLINIC, "P 1 21 1", (60, 48, 72), ((-0.2, -0.5, 0.1), (0.9, 0.6, 1.4))),
        (HEXAGONAL, "P 31 2 1", (60, 60, 48), ((0, 0, 0), (1, 1, 0.17))),
        (MONOCLINIC, "P 1", (60, 48, 72), None),
    ],
)
def test_read_when_a_skewed_cell_is_known_then_every_voxel_holds_its_density(
    tmp_path: Path,
    cell: gemmi.UnitCell,
    group: str,
    sampling: tuple[int, int, int],
    extent: Any,
) -> None:
    volume = files.read(write_crystal(tmp_path / "a.map", cell, group, sampling, extent))
    assert volume.header is None
    assert volume.voxel_size == pytest.approx((0.5, 0.5, 0.5))
    expected = expected_in(volume, cell, group)
    np.testing.assert_allclose(volume.data, expected, atol=0.01 * expected.std())
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    inside = corners @ np.array(cell.orth.mat.tolist()).T
    lower, upper = box_of(volume)
    assert (lower <= inside[:, ::-1].min(axis=0) + 1e-4).all()
    assert (upper >= inside[:, ::-1].max(axis=0) - 1e-4).all()


def test_read_when_a_model_is_to_be_covered_then_the_box_reaches_five_angstrom_around_it(
    tmp_path: Path,
) -> None:
    path = write_crystal(tmp_path / "a.map", MONOCLINIC, "P 1 21 1", (60, 48, 72))
    volume = files.read(path, cover=model_at((70, -40, 10), (75, -38, 18)))
    lower, upper = box_of(volume)
    assert (np.abs(lower - [5, -45, 65]) <= 0.5).all()
    assert (np.abs(upper - [23, -33, 80]) <= 0.5).all()
    expected = expected_in(volume, MONOCLINIC, "P 1 21 1")
    np.testing.assert_allclose(volume.data, expected, atol=0.01 * expected.std())


def test_read_when_only_a_box_of_a_skewed_cell_is_known_then_the_rest_is_zero(
    tmp_path: Path,
) -> None:
    extent = ((0.2, 0.3, -0.1), (0.6, 0.8, 0.5))
    path = write_crystal(tmp_path / "a.map", MONOCLINIC, "P 1", (60, 48, 72), extent)
    volume = files.read(path)
    assert np.isfinite(volume.data).all()
    index = np.moveaxis(np.indices(volume.shape), 0, -1).reshape(-1, 3)
    positions = volume.grid.world_from_index(index)[:, ::-1]
    fractions = positions @ np.array(MONOCLINIC.frac.mat.tolist()).T
    low, high = np.array(extent)
    is_inside = ((fractions >= low + 0.03) & (fractions <= high - 0.03)).all(axis=1)
    is_outside = ((fractions < low - 0.02) | (fractions > high + 0.02)).any(axis=1)
    expected = expected_in(volume, MONOCLINIC, "P 1").ravel()
    difference = np.abs(volume.data.ravel() - expected)[is_inside]
    assert is_inside.sum() > 5000
    assert difference.max() < 0.03 * expected.std()
    assert is_outside.sum() > 1000
    assert not volume.data.ravel()[is_outside].any()


def test_read_when_a_right_angled_file_is_an_asymmetric_unit_then_the_cell_is_filled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    extent = ((0, 0, 0), (0.5, 0.5, 1))
    path = write_crystal(tmp_path / "a.map", ORTHOGONAL, "P 21 21 21", (40, 48, 60), extent)
    with caplog.at_level(logging.INFO, "mapscope"):
        volume = files.read(path)
    assert "resampled" in caplog.text
    assert (volume.shape, volume.header) == ((60, 48, 40), None)
    expected = expected_in(volume, ORTHOGONAL, "P 21 21 21")
    np.testing.assert_allclose(volume.data, expected, atol=1e-5)


def test_read_when_a_right_angled_file_is_cut_out_elsewhere_then_it_stays_a_box(
    tmp_path: Path,
) -> None:
    extent = ((0.1, 0.2, -0.3), (0.7, 0.7, 0.7))
    path = write_crystal(tmp_path / "a.map", ORTHOGONAL, "P 21 21 21", (40, 48, 60), extent)
    volume = files.read(path)
    assert volume.header is not None
    assert max(volume.shape) < 62
    expected = expected_in(volume, ORTHOGONAL, "P 21 21 21")
    np.testing.assert_allclose(volume.data, expected, atol=1e-5)


@pytest.mark.parametrize("is_box", [True, False])
def test_read_when_a_box_beyond_a_right_angled_file_is_to_be_covered_then_it_is_continued(
    tmp_path: Path, is_box: bool
) -> None:
    path = write_crystal(tmp_path / "a.map", ORTHOGONAL, "P 21 21 21", (40, 48, 60))
    cover = (
        ((-10.0, 3.0, 25.0), (8.0, 20.0, 41.0))
        if is_box
        else Grid((37, 35, 33), (0.5, 0.5, 0.5), (-10, 3, 25))
    )
    volume = files.read(path, cover=cover)
    assert (volume.shape, volume.origin) == ((37, 35, 33), (-10.0, 3.0, 25.0))
    expected = expected_in(volume, ORTHOGONAL, "P 21 21 21")
    np.testing.assert_allclose(volume.data, expected, atol=1e-5)


def test_read_when_the_file_already_covers_the_box_then_it_stays_as_it_is(
    tmp_path: Path,
) -> None:
    path = write_crystal(tmp_path / "a.map", ORTHOGONAL, "P 21 21 21", (40, 48, 60))
    volume = files.read(path, cover=((5.0, 5.0, 5.0), (10.0, 10.0, 10.0)))
    assert volume.shape == (60, 48, 40)
    assert volume.header is not None


def test_read_when_an_em_map_is_smaller_than_the_cover_then_nothing_is_invented(
    make_map: MapMaker,
) -> None:
    stored = np.ones((4, 4, 4), np.float32)
    volume = files.read(make_map(stored), cover=((-50.0,) * 3, (50.0,) * 3))
    assert volume.shape == (4, 4, 4)


def test_read_when_origin_words_move_a_skewed_map_then_the_volume_moves(make_map: MapMaker) -> None:
    stored = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    skewed = {"cellb": (90.0, 100.0, 90.0), "cella": (8.0, 8.0, 8.0)}
    box = ((0.0, 0.0, 0.0), (6.0, 6.0, 6.0))
    here = files.read(make_map(stored, "a.map", **skewed), cover=box)
    moved_box = ((3.0, 2.0, 1.0), (9.0, 8.0, 7.0))
    moved = files.read(make_map(stored, "b.map", origin=(1, 2, 3), **skewed), cover=moved_box)
    assert moved.origin == (3.0, 2.0, 1.0)
    np.testing.assert_allclose(moved.data, here.data, atol=1e-5)


@pytest.mark.parametrize(
    "cover", [((0.0, 0.0, 0.0), (0.0, 5.0, 5.0)), ((-1e6, -1e6, -1e6), (1e6, 1e6, 1e6))]
)
def test_read_when_the_box_to_cover_makes_no_sense_then_it_is_refused(
    tmp_path: Path, cover: Any
) -> None:
    path = write_crystal(tmp_path / "a.map", MONOCLINIC, "P 1", (60, 48, 72))
    with pytest.raises(GridError, match="box"):
        files.read(path, cover=cover)


def test_read_when_the_cell_grid_is_huge_then_it_is_refused(make_map: MapMaker) -> None:
    path = make_map(
        np.ones((2, 2, 2), np.float32),
        mx=10**6,
        my=10**6,
        mz=10**6,
        cella=(1e6, 1e6, 1e6),
        cellb=(90, 100, 90),
    )
    with pytest.raises(MapFormatError, match="too large"):
        files.read(path)


def test_read_when_the_grid_does_not_fit_the_symmetry_then_permissive_leaves_it_unused(
    make_map: MapMaker,
) -> None:
    stored = np.ones((6, 3, 6), np.float32)
    path = make_map(stored, ispg=4, cellb=(90, 100, 90), my=7, cella=(6.0, 7.0, 6.0))
    with pytest.raises(MapFormatError, match="does not fit the space group"):
        files.read(path)
    with pytest.warns(files.FileWarning, match="unused"):
        assert np.isfinite(files.read(path, permissive=True).data).all()


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "tolerance"), [("xray_1mru", 1e-3), ("xray_4un4", 0.05)])
def test_read_when_a_real_map_fills_the_cell_then_gemmi_finds_the_same_between_the_voxels(
    data_folder: Path, name: str, tolerance: float, density_pairs: Any
) -> None:
    # 4un4 is stored as bytes: the rounding is noise up to the finest wave that a grid can hold,
    # and no interpolation between voxels follows that; what lies on them is exact.
    model = files.read(data_folder / "maps" / name / "model.pdb.gz")
    path = data_folder / "maps" / name / "map.mrc.gz"
    volume = files.read(path, cover=model)
    assert volume.grid.contains(model.positions).all()
    source = gemmi.read_ccp4_map(str(path))
    source.setup(np.nan)
    waves = gemmi.transform_map_to_f_phi(source.grid).prepare_asu_data(dmin=0)
    fine = waves.transform_f_phi_to_map(exact_size=[2 * n for n in source.grid.shape])
    found, expected = density_pairs(volume, fine)
    # gemmi leaves out the mean, and the scale of maps stored as bytes.
    slope, offset = np.polyfit(expected, found, 1)
    difference = np.abs(found - slope * expected - offset).max()
    assert difference < tolerance * slope * np.asarray(fine.array).std()


@pytest.mark.real_data
def test_read_when_a_real_map_leaves_gaps_then_gemmi_interpolates_the_same(
    data_folder: Path,
) -> None:
    folder = data_folder / "maps" / "xray_3pqr"
    model = files.read(folder / "model.pdb.gz")
    volume = files.read(folder / "map.mrc.gz", cover=model)
    assert volume.grid.contains(model.positions).all()
    source = gemmi.read_ccp4_map(str(folder / "map.mrc.gz"))
    source.setup(np.nan)
    index = np.random.default_rng(0).integers(0, volume.shape, (1000, 3))
    voxels = volume.grid.world_from_index(index)[:, ::-1].copy()
    there = source.grid.interpolate_position_array(voxels, 3)
    known = np.isfinite(there)
    assert known.sum() > 300
    difference = np.abs(volume.data[tuple(index.T)] - there)[known]
    assert difference.max() < 1e-3 * volume.data.std()
