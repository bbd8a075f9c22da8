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
from mapscope.files.cell_series import values_on_orthogonal_grid
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

Array = np.ndarray[Any, Any]
MapMaker = Callable[..., Path]
PairsOfDensity = Callable[[Volume, gemmi.FloatGrid], tuple[Array, Array]]
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
    stored = np.cos(np.indices((8, 8, 8)).sum(axis=0) * np.pi / 4).astype(np.float32)
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


def on_finer_grid(source: gemmi.FloatGrid) -> gemmi.FloatGrid:
    """The Fourier series of a cell on twice as many grid points along its edge a.

    Not by gemmi's structure factors, which leave out the waves at the Nyquist frequency of an
    even grid: of a map of bytes these are 2e-3 σ (rms) of the numbers in the file.
    """
    waves = np.fft.rfft(np.array(source.array), axis=0)
    if source.nu % 2 == 0:
        waves[-1] /= 2
    finer: Array = np.fft.irfft(2 * waves, 2 * source.nu, axis=0)
    return gemmi.FloatGrid(finer.astype(np.float32), source.unit_cell, gemmi.SpaceGroup("P 1"))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["xray_1mru", pytest.param("xray_4un4", marks=pytest.mark.slow)])
def test_read_when_a_real_map_fills_the_cell_then_gemmi_finds_the_same_between_the_voxels(
    data_folder: Path, name: str, density_pairs: PairsOfDensity
) -> None:
    model = files.read(data_folder / "maps" / name / "model.pdb.gz")
    path = data_folder / "maps" / name / "map.mrc.gz"
    volume = files.read(path, cover=model)
    assert volume.grid.contains(model.positions).all()
    source = gemmi.read_ccp4_map(str(path))
    source.setup(np.nan)
    found, expected = density_pairs(volume, on_finer_grid(source.grid))
    # gemmi leaves out the scale of maps stored as bytes.
    slope, offset = np.polyfit(expected, found, 1)
    difference = np.abs(found - slope * expected - offset).max()
    assert difference < 1e-3 * slope * np.asarray(source.grid.array).std()


def random_waves(cell: gemmi.UnitCell, shape: tuple[int, int, int], resolution: float) -> Array:
    """A random cell (u, v, w) of σ 1 without waves beyond the resolution."""
    random = np.random.default_rng(3)
    waves = np.fft.rfftn(random.standard_normal(shape))
    index = np.stack(np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in shape), indexing="ij"), -1)
    vectors = index[:, :, : waves.shape[2]] @ np.array(cell.frac.mat.tolist())
    waves[(vectors**2).sum(axis=-1) > 1 / resolution**2] = 0
    waves[0, 0, 0] = 0
    values: Array = np.fft.irfftn(waves, shape, axes=(0, 1, 2)).astype(np.float32)
    values /= values.std()
    return values


def test_read_when_a_skewed_map_was_rounded_to_bytes_then_voxels_are_fine_enough_for_the_rounding(
    tmp_path: Path, density_pairs: PairsOfDensity
) -> None:
    smooth = random_waves(MONOCLINIC, (36, 30, 44), 2.5)
    voxel_sizes = []
    for name, values in (("smooth.map", smooth), ("rounded.map", np.rint(smooth * 18))):
        out = gemmi.Ccp4Map()
        out.grid = gemmi.FloatGrid(values.astype(np.float32), MONOCLINIC, gemmi.SpaceGroup("P 1"))
        out.update_ccp4_header(2, True)
        out.write_ccp4_map(str(tmp_path / name))
        box = ((8.0, -2.0, 10.0), (43.0, 33.0, 45.0))
        volume = files.read(tmp_path / name, cover=box)
        voxel_sizes.append(volume.voxel_size[0])
        found, expected = density_pairs(volume, on_finer_grid(out.grid))
        assert np.abs(found - expected).max() < 1e-3 * values.std()
    assert voxel_sizes[0] == pytest.approx(24 / 30)
    assert 0.4 < voxel_sizes[1] < 0.6


@pytest.mark.real_data
def test_read_when_part_of_a_real_skewed_cell_is_cut_out_then_it_is_the_whole_ones_deep_inside(
    tmp_path: Path, data_folder: Path
) -> None:
    source = gemmi.read_ccp4_map(str(data_folder / "maps" / "xray_1mru" / "map.mrc.gz"))
    source.setup(np.nan)
    cell, whole = source.grid.unit_cell, np.array(source.grid.array)
    part = gemmi.Ccp4Map()
    part.grid = gemmi.FloatGrid(whole, cell, gemmi.SpaceGroup("P 1"))
    part.update_ccp4_header(2, True)
    box = gemmi.FractionalBox()
    box.minimum, box.maximum = gemmi.Fractional(0.02, 0.02, 0.02), gemmi.Fractional(0.6, 0.95, 0.5)
    part.set_extent(box)
    part.write_ccp4_map(str(tmp_path / "part.map"))
    volume = files.read(tmp_path / "part.map")
    voxel = volume.voxel_size[0]
    expected = values_on_orthogonal_grid(whole, cell, volume.origin, voxel, volume.shape)
    error = np.abs(volume.data - expected) / whole.std()
    index = np.moveaxis(np.indices(volume.shape), 0, -1)
    positions = volume.grid.world_from_index(index.reshape(-1, 3))[:, ::-1]
    fractions = (positions @ np.array(cell.frac.mat.tolist()).T).reshape(*volume.shape, 3)
    low, high = (np.array(corner.tolist()) for corner in (box.minimum, box.maximum))
    for taps, largest in ((24, 2e-4), (16, 1e-3), (12, 1e-2), (8, 0.1)):
        room = taps / 2 / np.array(whole.shape)
        is_deep = ((fractions > low + room) & (fractions < high - room)).all(axis=-1)
        assert is_deep.sum() > 2000
        assert error[is_deep].max() < largest


@pytest.mark.real_data
def test_read_when_symmetry_leaves_gaps_in_a_real_cell_then_nothing_is_invented_in_them(
    data_folder: Path,
) -> None:
    folder = data_folder / "maps" / "xray_3pqr"
    model = files.read(folder / "model.pdb.gz")
    volume = files.read(folder / "map.mrc.gz", cover=model)
    assert volume.grid.contains(model.positions).all()
    source = gemmi.read_ccp4_map(str(folder / "map.mrc.gz"))
    source.setup(np.nan)
    index = np.moveaxis(np.indices(volume.shape), 0, -1).reshape(-1, 3)
    voxels = np.ascontiguousarray(volume.grid.world_from_index(index)[:, ::-1])
    cubic = source.grid.interpolate_position_array(voxels, 3)
    values = volume.data.ravel()
    # A little aside, since some voxels lie on the last known plane of grid points but for rounding.
    aside = [source.grid.interpolate_position_array(voxels + d, 1) for d in (1e-3, -1e-3)]
    is_gap = np.isnan(aside).all(axis=0)
    assert is_gap.sum() > 1000
    assert not values[is_gap].any()
    # The error of tricubic interpolation at this sampling is several hundredths of σ.
    is_known = np.isfinite(cubic)
    assert np.corrcoef(values[is_known], cubic[is_known])[0, 1] > 0.998
    assert np.abs(values - cubic)[is_known].max() < 0.5 * volume.data.std()
