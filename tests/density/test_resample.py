"""Maps on other grids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.resample import (
    Order,
    interpolate,
    onto_grid,
    resample_fourier,
    shape_for_voxel_size,
)
from mapscope.errors import Cancelled, GridError
from mapscope.progress import Progress
from mapscope.volume import Grid, Volume

MakeMap = Callable[..., npt.NDArray[np.float32]]
MakeGaussian = Callable[[Grid, tuple[float, float, float], float], npt.NDArray[np.float64]]


@pytest.mark.parametrize("shape", [(20, 20, 20), (21, 18, 15), (16, 25, 22)])
@pytest.mark.parametrize("larger", [(28, 27, 24), (30, 31, 33)])
def test_resample_fourier_there_and_back_gives_the_map_again(
    shape: tuple[int, int, int], larger: tuple[int, int, int], smooth_noise: MakeMap
) -> None:
    volume = Volume(smooth_noise(shape, below=2.0), (1.0, 1.2, 0.8), (3.0, 4.0, 5.0))
    there = resample_fourier(volume, larger)
    assert there.origin == volume.origin
    assert there.grid.extent == pytest.approx(volume.grid.extent)
    back = resample_fourier(there, shape)
    assert back.data == pytest.approx(volume.data, abs=1e-5)
    assert back.voxel_size == pytest.approx(volume.voxel_size)


def test_resample_fourier_to_twice_the_voxels_keeps_every_old_one(smooth_noise: MakeMap) -> None:
    volume = Volume(smooth_noise((12, 10, 14), below=2.0))
    fine = resample_fourier(volume, (24, 20, 28))
    assert fine.data[::2, ::2, ::2] == pytest.approx(volume.data, abs=1e-5)


def test_resample_fourier_to_half_of_a_band_limited_map_takes_every_other_voxel(
    smooth_noise: MakeMap,
) -> None:
    volume = Volume(smooth_noise((24, 20, 28), below=0.45))
    coarse = resample_fourier(volume, (12, 10, 14))
    assert coarse.data == pytest.approx(volume.data[::2, ::2, ::2], abs=1e-5)


@pytest.mark.parametrize("shape", [(7, 6, 9), (11, 13, 8)])
def test_resample_fourier_of_a_constant_is_constant(shape: tuple[int, int, int]) -> None:
    volume = Volume(np.full((8, 9, 10), 2.5, np.float32))
    assert resample_fourier(volume, shape).data == pytest.approx(2.5, abs=1e-5)


def test_shape_for_voxel_size_comes_nearest() -> None:
    assert shape_for_voxel_size(Grid((10, 20, 30), (1.0, 1.0, 2.0)), 1.5) == (7, 13, 40)
    with pytest.raises(GridError, match="positive"):
        shape_for_voxel_size(Grid((4, 4, 4)), 0.0)


@pytest.mark.parametrize(("order", "tolerance"), [(1, 0.05), (3, 0.001)])
def test_interpolate_of_a_gaussian_is_the_gaussian(
    order: Order, tolerance: float, gaussian: MakeGaussian
) -> None:
    grid = Grid((28, 30, 26), (1.0, 0.9, 1.1), (-5.0, 2.0, 8.0))
    centre = (9.0, 15.0, 22.0)
    volume = Volume(gaussian(grid, centre, 2.5).astype(np.float32), grid.voxel_size, grid.origin)
    positions = np.random.default_rng(0).uniform(-4, 4, (5, 40, 3)) + centre
    wanted = np.exp(-0.5 * ((positions - centre) ** 2).sum(-1) / 2.5**2)
    found = interpolate(volume, positions, order=order)
    assert found.shape == (5, 40)
    assert found == pytest.approx(wanted, abs=tolerance)


@pytest.mark.parametrize("order", [1, 3])
def test_interpolate_at_voxel_centres_is_the_voxel_and_outside_what_was_asked(
    order: Order,
) -> None:
    data = np.random.default_rng(1).random((6, 7, 8)).astype(np.float32)
    volume = Volume(data, (1.1, 1.2, 1.3), (10.0, 20.0, 30.0))
    places = np.array([[0, 0, 0], [5, 6, 7], [2, 3, 4], [5.2, 0, 0]])
    corners = volume.grid.world_from_index(places)
    found = interpolate(volume, corners, order=order, outside=-9.0)
    assert found == pytest.approx([data[0, 0, 0], data[5, 6, 7], data[2, 3, 4], -9], abs=1e-5)


@pytest.mark.parametrize("order", [1, 3])
def test_onto_grid_equals_interpolation_at_its_voxels(order: Order) -> None:
    data = np.random.default_rng(2).random((9, 10, 11)).astype(np.float32)
    volume = Volume(data, (1.0, 1.1, 1.2), (0.0, 5.0, -3.0))
    grid = Grid((12, 11, 13), (0.9, 1.0, 1.15), (-1.3, 5.2, -3.0))
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), -1)
    wanted = interpolate(volume, grid.world_from_index(index), order=order, outside=7.0)
    result = onto_grid(volume, grid, order=order, outside=7.0)
    assert result.data == pytest.approx(wanted, abs=1e-5)
    assert (result.data == 7.0).any()
    assert result.grid == grid


def test_onto_grid_when_grid_is_a_crop_copies_the_voxels() -> None:
    data = np.random.default_rng(3).random((9, 10, 11)).astype(np.float32)
    volume = Volume(data, (1.37, 1.37, 1.37), (0.1, 0.2, 0.3))
    grid = Grid((4, 5, 6), volume.voxel_size, tuple(volume.grid.world_from_index([5, 5, 5])))
    assert onto_grid(volume, grid).data == pytest.approx(data[5:, 5:, 5:], abs=1e-5)


def test_onto_grid_when_coarser_does_not_alias() -> None:
    x = np.arange(64)
    slow, fast = np.cos(2 * np.pi * 4 * x / 64), np.cos(2 * np.pi * 27 * x / 64)
    data = np.broadcast_to(slow + fast, (8, 8, 64)).astype(np.float32)
    grid = Grid((8, 8, 32), (1.0, 1.0, 2.0))
    coarse = onto_grid(Volume(data), grid).data
    inner = slice(4, -4)
    assert coarse[:, :, inner] == pytest.approx(
        np.broadcast_to(slow[::2], (8, 8, 32))[:, :, inner], abs=0.01
    )


def test_onto_grid_when_grids_do_not_meet_is_all_outside() -> None:
    volume = Volume(np.ones((4, 4, 4), np.float32))
    assert (onto_grid(volume, Grid((3, 3, 3), (1.0,) * 3, (50.0,) * 3)).data == 0).all()


def test_onto_grid_when_grid_is_the_same_returns_the_map() -> None:
    volume = Volume(np.ones((4, 4, 4), np.float32))
    assert onto_grid(volume, volume.grid) is volume


@pytest.mark.parametrize("at", [2, 8, 9])
def test_onto_grid_when_cancelled_stops(at: int, cancel: Callable[[int], Progress]) -> None:
    volume = Volume(np.random.default_rng(4).random((8, 8, 8)).astype(np.float32))
    with pytest.raises(Cancelled):
        onto_grid(volume, Grid((4, 4, 4), (2.0, 2.0, 2.0)), progress=cancel(at))


def test_interpolate_of_few_points_equals_that_of_many() -> None:
    data = np.random.default_rng(5).random((50, 52, 54)).astype(np.float32)
    volume = Volume(data)
    places = np.random.default_rng(6).uniform(0, 49, (40, 3))
    together = interpolate(volume, places)
    assert [float(interpolate(volume, p)) for p in places] == pytest.approx(together, abs=1e-6)
    assert interpolate(volume, [[-3.0, 0.0, 0.0]], outside=2.0).tolist() == [2.0]
