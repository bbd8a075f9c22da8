"""What maps are judged by is what its definitions say, for batches as for single maps."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mapscope.errors import InputError
from mapscope.training.loader import MAPS
from mapscope.training.loss_tables import Loss, MapLoss
from mapscope.training.losses import MapTerm, TotalLoss
from mapscope.training.map_losses import (
    absolute_error,
    correlation,
    overlap_error,
    peak_error,
    shell_correlations,
    shell_error,
    square_error,
    variance_error,
)
from mapscope.training.recipe import parse_recipe
from mapscope.training.run_folder import MAP_SCORES
from mapscope.training.validation import MapScores

Error = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
ERRORS = (square_error, absolute_error, overlap_error, shell_error)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    """White noise."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def cosine(period: float, size: int = 16) -> torch.Tensor:
    """A wave along z, (1, 1, size, size, size)."""
    wave = torch.cos(2 * math.pi * torch.arange(size) / period)
    return wave[None, None, :, None, None].expand(1, 1, size, size, size).contiguous()


@pytest.mark.parametrize("error", ERRORS)
def test_equal_maps_are_without_error_and_batches_are_as_single_maps(error: Error) -> None:
    maps, targets = noise(3, 1, 12, 10, 11).abs(), noise(3, 1, 12, 10, 11, seed=1).abs()
    torch.testing.assert_close(error(targets, targets), torch.zeros(3), atol=1e-5, rtol=0)
    apart = torch.cat([error(m[None], t[None]) for m, t in zip(maps, targets, strict=True)])
    together = error(maps, targets)
    torch.testing.assert_close(together, apart)
    assert bool((together > 0.05).all())


def test_square_and_absolute_errors_are_those_over_the_spread_of_the_target() -> None:
    target = noise(1, 1, 8, 8, 8)
    wrong = target + 2.0
    spread = float(target.std(correction=0))
    assert float(square_error(wrong, target)) == pytest.approx(4 / spread**2, rel=1e-4)
    assert float(absolute_error(wrong, target)) == pytest.approx(2 / spread, rel=1e-4)
    # Ten times the density is judged alike.
    assert float(square_error(10 * wrong, 10 * target)) == pytest.approx(4 / spread**2, rel=1e-4)


def test_a_constant_target_counts_errors_as_they_are_and_has_no_shells() -> None:
    target, said = torch.zeros(1, 1, 8, 8, 8), torch.full((1, 1, 8, 8, 8), 0.5)
    assert float(square_error(said, target)) == pytest.approx(0.25)
    assert float(absolute_error(said, target)) == pytest.approx(0.5)
    assert float(shell_error(noise(1, 1, 8, 8, 8), target)) == 0.0
    assert math.isnan(float(correlation(noise(1, 1, 8, 8, 8), target)))


def test_overlap_is_the_formula_of_the_paper_and_knows_the_scale() -> None:
    said, target = noise(1, 1, 6, 6, 6).abs(), noise(1, 1, 6, 6, 6, seed=2).abs()
    p, g = said.double().numpy(), target.double().numpy()
    expected = 1 - 2 * (p * g).sum() / ((p**2).sum() + (g**2).sum())
    assert float(overlap_error(said, target)) == pytest.approx(expected, rel=1e-4)
    assert float(overlap_error(2 * target, target)) == pytest.approx(1 - 4 / 5, rel=1e-4)


def test_shells_are_judged_one_by_one_and_only_where_the_target_has_power() -> None:
    target = cosine(8) + 0.01 * cosine(4)
    found, counts = shell_correlations(cosine(8) - 0.01 * cosine(4), target)
    assert counts[0].nonzero().flatten().tolist() == [1, 3]
    torch.testing.assert_close(found[0, [1, 3]], torch.tensor([1.0, -1.0]), atol=1e-3, rtol=0)
    assert float(shell_error(cosine(8) - 0.01 * cosine(4), target)) == pytest.approx(1.0, abs=1e-3)
    # A weak shell counts as much as a strong one, and the scale of a map counts not at all.
    assert float(shell_error(5 * target, target)) == pytest.approx(0.0, abs=1e-3)


def test_correlations_of_shells_are_those_of_the_numpy_transform() -> None:
    first, second = noise(1, 1, 9, 8, 10), noise(1, 1, 9, 8, 10, seed=3)
    second = second + 0.5 * first
    found, _ = shell_correlations(first, second)
    a, b = (np.fft.fftn(m[0, 0].numpy()) for m in (first, second))
    frequencies = np.meshgrid(*(np.fft.fftfreq(n) for n in (9, 8, 10)), indexing="ij")
    shell = np.round(np.sqrt(sum(f**2 for f in frequencies)) * 8).astype(int)
    for number in (1, 2, 3, 4):
        here = shell == number
        power = (np.abs(a[here]) ** 2).sum() * (np.abs(b[here]) ** 2).sum()
        expected = (a[here] * b[here].conj()).sum().real / np.sqrt(power)
        assert float(found[0, number - 1]) == pytest.approx(expected, abs=1e-4)


def test_errors_of_shells_can_be_learned_from_an_empty_map_too() -> None:
    said = torch.zeros(1, 1, 8, 8, 8, requires_grad=True)
    shell_error(said, noise(1, 1, 8, 8, 8)).sum().backward()  # type: ignore[no-untyped-call]
    assert said.grad is not None
    assert bool(torch.isfinite(said.grad).all())


def test_variance_is_best_where_it_is_the_squared_error_and_the_map_learns_nothing() -> None:
    said = torch.zeros(1, 1, 4, 4, 4, requires_grad=True)
    target = torch.full((1, 1, 4, 4, 4), 3.0)
    log_variance = torch.full_like(target, math.log(9.0)).requires_grad_()
    error = variance_error(said, target, log_variance)
    assert error.item() == pytest.approx(0.5 * (math.log(9.0) + 1))
    error.sum().backward()  # type: ignore[no-untyped-call]
    assert said.grad is None
    assert log_variance.grad is not None
    assert float(log_variance.grad.abs().max()) == pytest.approx(0.0, abs=1e-6)
    for other in (math.log(8.0), math.log(10.0)):
        worse = variance_error(said, target, torch.full_like(target, other))
        assert worse.item() > error.item()


def test_peaks_count_the_highest_voxels_and_only_of_noise() -> None:
    target, low = torch.zeros(2, 1, 8, 8, 8), noise(2, 1, 8, 8, 8)
    high = low.clone()
    high[1, 0, 4, 4, 4] = 30.0
    low.requires_grad_(True)
    first, second = peak_error(low, target)
    first.backward()
    assert low.grad is not None
    highest = low.detach()[0].abs().flatten().argmax()
    assert int(low.grad[0].abs().flatten().argmax()) == int(highest)
    assert float(peak_error(high, target)[1]) > 50 * float(second)
    assert float(square_error(high, target)[1]) < 4 * float(square_error(low, target)[1])
    assert peak_error(high, noise(2, 1, 8, 8, 8, seed=4)).tolist() == [0.0, 0.0]
    assert peak_error(torch.zeros_like(target), target).max() < 1e-6


def test_the_loss_of_a_map_is_the_weighted_sum_of_its_terms() -> None:
    said, target = noise(2, 1, 8, 8, 8).abs(), noise(2, 1, 8, 8, 8, seed=4).abs()
    target[1] = 0.0
    log_variance = noise(2, 1, 8, 8, 8, seed=5)
    table = MapLoss(
        kind="map", square=2.0, shells=0.5, overlap=3.0, absolute=0.25, peaks=0.1,
        variance=0.75, variance_output="variance",
    )  # fmt: skip
    parts = (
        2.0 * square_error(said, target) + 0.5 * shell_error(said, target)
        + 3.0 * overlap_error(said, target) + 0.25 * absolute_error(said, target)
        + 0.75 * variance_error(said, target, log_variance) + 0.1 * peak_error(said, target)
    )  # fmt: skip
    outputs = {"map": said, "variance": log_variance}
    total = TotalLoss([table])(outputs, {"map": target})
    torch.testing.assert_close(total, parts.mean())


def test_a_map_beside_classes_is_judged_by_its_own_loss() -> None:
    losses = TotalLoss([Loss(), MapLoss(kind="map", square=1.0)])
    target = noise(1, 1, 4, 4, 4)
    outputs = {"class": torch.zeros(1, 2), "map": target + 1}
    found = losses(outputs, {"class": torch.zeros(1).long(), "map": target})
    variance = float(target.var(correction=0))
    assert float(found) == pytest.approx(math.log(2) + 1 / variance, rel=1e-4)


def test_what_does_not_fit_is_refused_with_what_it_is() -> None:
    term = MapTerm(MapLoss(kind="map", square=1.0))
    with pytest.raises(InputError, match=r"\(1, 2, 4, 4, 4\).*\(1, 1, 4, 4, 4\)"):
        term(noise(1, 2, 4, 4, 4), noise(1, 1, 4, 4, 4))
    table = MapLoss(kind="map", square=1.0, variance=1.0, variance_output="variance")
    with pytest.raises(InputError, match="'variance'"):
        TotalLoss([table])({"map": noise(1, 1, 4, 4, 4)}, {"map": noise(1, 1, 4, 4, 4)})


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "must be above 0"),
        ({"square": 1.0, "variance": 0.5}, "go together"),
        ({"square": 1.0, "variance_output": "variance"}, "go together"),
        ({"square": -1.0}, "greater than or equal to 0"),
        ({"square": 1.0, "cross_entropy": 1.0}, "Extra inputs"),
    ],
)
def test_a_table_that_judges_nothing_or_halves_is_refused(
    table: dict[str, float | str], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        MapLoss.model_validate({"kind": "map", **table})


def test_a_recipe_says_by_kind_what_a_loss_is_of() -> None:
    text = """
name = "mixed"
about = "Both."
network = { name = "mullick_unet" }
data = { kind = "degraded_crystals" }
[[losses]]
kind = "map"
overlap = 1.0
[[losses]]
output = "class"
dice = 1.0
"""
    first, second = parse_recipe(text).losses
    assert first == MapLoss(kind="map", overlap=1.0)
    assert second == Loss(dice=1.0)


def test_scores_of_maps_leave_noise_out_and_compare_with_what_went_in() -> None:
    truth = torch.cat([noise(1, 1, 8, 8, 8), torch.zeros(1, 1, 8, 8, 8)])
    given = torch.cat([truth, truth], dim=1) + torch.cat(
        [noise(2, 1, 8, 8, 8, seed=6), -noise(2, 1, 8, 8, 8, seed=6)], dim=1
    )
    scores = MapScores(MapLoss(kind="map", square=1.0))
    scores.add({"map": 0.5 * truth}, {MAPS: given, "map": truth})
    values = scores.values()
    assert set(values) == {"trivial_loss", *MAP_SCORES}
    # The mean of the two channels is the truth, because their noise is opposite.
    assert values["correlation"] == pytest.approx(1.0, abs=1e-5)
    assert values["input_correlation"] == pytest.approx(1.0, abs=1e-5)
    assert values["shell_correlation"] == pytest.approx(1.0, abs=1e-4)
    assert values["trivial_loss"] == pytest.approx(0.0, abs=1e-5)
    other = MapScores(MapLoss(kind="map", square=1.0))
    other.add({"map": truth}, {MAPS: noise(2, 1, 8, 8, 8, seed=7), "map": truth})
    assert abs(other.values()["input_correlation"]) < 0.2
    assert other.values()["trivial_loss"] > 0.9


def test_trivial_loss_of_a_variance_is_that_of_who_knows_the_error_of_the_input() -> None:
    truth = noise(1, 1, 8, 8, 8)
    table = MapLoss(kind="map", square=1.0, variance=1.0, variance_output="variance")
    scores = MapScores(table)
    given = truth + 0.5
    scores.add({"map": truth}, {MAPS: given, "map": truth})
    spread = float(truth.var(correction=0))
    expected = 0.25 / spread + 0.5 * (math.log(0.25) + 1)
    assert scores.values()["trivial_loss"] == pytest.approx(expected, rel=1e-3)
