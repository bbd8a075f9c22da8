"""Gaussians on a grid are what a literal sum makes them, however they are split up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from mapscope.errors import Cancelled, GridError, InputError
from mapscope.simulate import blocks
from mapscope.simulate.splat import splat
from mapscope.volume import Grid

Compare = Callable[[Any, Any], float]


def summed(gaussians: Any, *grid: Any, **options: Any) -> torch.Tensor:
    """Positions, integrals and widths on a grid."""
    positions, amplitudes, b = gaussians
    return splat(positions, amplitudes, b, *grid, **options)


@pytest.fixture
def gaussians(random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Positions, integrals and widths of 60 times 3 Gaussians, narrow and wide, in and out."""
    positions = torch.as_tensor(random.uniform(-4, 30, (60, 3)))
    amplitudes = torch.as_tensor(random.uniform(-1, 3, (60, 3)))
    return positions, amplitudes, torch.as_tensor(random.uniform(30, 500, (60, 3)))


def test_splat_when_voxels_are_anisotropic_is_the_literal_sum(
    gaussians: Any, literal_gaussians: Any, relative_rms: Compare
) -> None:
    grid = Grid((24, 22, 30), (1.1, 1.3, 0.9))
    ours = summed(gaussians, grid.shape, grid.voxel_size)
    assert ours.dtype == torch.float32
    expected = literal_gaussians(*(g.numpy() for g in gaussians), grid)
    assert relative_rms(ours.numpy(), expected) < 1e-5


def test_splat_when_gaussians_are_inside_keeps_their_integral(random: np.random.Generator) -> None:
    positions = torch.as_tensor(random.uniform(12, 28, (30, 3)))
    amplitudes = torch.as_tensor(random.uniform(1, 5, (30, 2)))
    b = torch.as_tensor(random.uniform(60, 200, (30, 2)))
    total = splat(positions, amplitudes, b, (40, 40, 40), 1.0).double().sum()
    assert float(total) == pytest.approx(float(amplitudes.sum()), rel=3e-5)


def test_splat_when_atoms_move_by_whole_voxels_moves_with_them(gaussians: Any) -> None:
    positions, amplitudes, b = gaussians
    whole = splat(positions, amplitudes, b, (40, 40, 40), 1.0)
    shift = torch.tensor([3.0, 5.0, 2.0], dtype=torch.float64)
    moved = splat(positions + shift, amplitudes, b, (40, 40, 40), 1.0)
    scale = float(whole.abs().max())
    difference = moved[3:, 5:, 2:] - whole[:-3, :-5, :-2]
    assert float(difference.abs().max()) < 1e-6 * scale


def test_splat_when_several_maps_are_asked_for_gives_each_as_if_alone(gaussians: Any) -> None:
    stacked = [torch.stack([g, g.flip(0) * 0.9, g[torch.randperm(60)]]) for g in gaussians]
    together = summed(stacked, (20, 24, 28), 1.2)
    assert together.shape == (3, 20, 24, 28)
    for number in range(3):
        alone = summed([g[number] for g in stacked], (20, 24, 28), 1.2)
        assert torch.allclose(together[number], alone, atol=1e-6 * float(alone.abs().max()))


@pytest.mark.parametrize(("blobs", "floats"), [(3, 2**20), (512, 1), (1, 1)])
def test_splat_when_done_in_smaller_parts_gives_the_same(
    gaussians: Any, blobs: int, floats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = summed(gaussians, (20, 24, 28), 1.2)
    monkeypatch.setattr(blocks, "_MOST_BLOBS", blobs)
    monkeypatch.setattr(blocks, "_FLOATS_AT_ONCE", {"cpu": floats, "other": floats})
    parts = summed(gaussians, (20, 24, 28), 1.2)
    assert torch.allclose(parts, whole, atol=1e-6 * float(whole.abs().max()))


def test_splat_when_blocks_are_added_as_on_an_accelerator_gives_the_same(
    gaussians: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = summed(gaussians, (20, 24, 28), 1.2)
    monkeypatch.setattr(blocks, "_add_one_by_one", blocks._add_at_once)
    at_once = summed(gaussians, (20, 24, 28), 1.2)
    assert torch.allclose(at_once, whole, atol=1e-6 * float(whole.abs().max()))


def test_splat_when_atoms_are_far_outside_or_weigh_nothing_is_empty() -> None:
    far = torch.full((5, 3), 500.0, dtype=torch.float64)
    assert float(splat(far, torch.ones(5, 1), torch.full((5, 1), 50.0), (8, 8, 8), 1.0).sum()) == 0
    near, zero = torch.full((5, 3), 4.0), torch.zeros(5, 1)
    assert float(splat(near, zero, zero, (8, 8, 8), 1.0).sum()) == 0


def test_splat_when_an_atom_is_just_outside_keeps_its_tail(literal_gaussians: Any) -> None:
    place, one, b = torch.tensor([[-2.0, 4.0, 4.0]]), torch.ones(1, 1), torch.full((1, 1), 80.0)
    ours = splat(place, one, b, (9, 9, 9), 1.0)
    expected = literal_gaussians(place.numpy(), one.numpy(), b.numpy(), Grid((9, 9, 9)))
    assert float(ours[0, 4, 4]) == pytest.approx(expected[0, 4, 4], rel=1e-4)


def test_splat_when_input_makes_no_sense_says_so(gaussians: Any) -> None:
    positions, amplitudes, b = gaussians
    with pytest.raises(InputError, match="B = 0 is a point"):
        splat(positions, amplitudes, b * 0, (8, 8, 8), 1.0)
    with pytest.raises(InputError, match="do not fit together"):
        splat(positions[:5], amplitudes, b, (8, 8, 8), 1.0)
    with pytest.raises(InputError, match="between 0 and 1"):
        splat(positions, amplitudes, b, (8, 8, 8), 1.0, cutoff=0.0)
    with pytest.raises(GridError, match="positive sizes"):
        splat(positions, amplitudes, b, (8, 0, 8), 1.0)


def test_splat_when_cancelled_stops(gaussians: Any) -> None:
    def cancel(done: int, total: int, message: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        summed(gaussians, (20, 20, 20), 1.0, progress=cancel)
