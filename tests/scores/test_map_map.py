"""Correlations and SSIM of maps are those of scipy, scikit-image and the literal formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr
from skimage.metrics import structural_similarity as skimage_ssim

from mapscope.errors import DataError, GridError
from mapscope.scores.map_map import (
    correlation,
    correlation_about_mean,
    densest_tenth,
    pearson,
    scaled_to_one,
    structural_similarity,
)

RANDOM = np.random.default_rng(3)
FIRST = (RANDOM.standard_normal((41, 20, 17)) + 3).astype(np.float32)
SECOND = (0.4 * FIRST + RANDOM.standard_normal(FIRST.shape) - 1).astype(np.float32)
INSIDE = RANDOM.random(FIRST.shape) > 0.6


def literal_ssim(a: Any, b: Any) -> float:
    """The formula window by window, in double precision."""
    c1, c2, values = 0.01**2, 0.03**2, []
    for z, y, x in np.ndindex(*(n - 6 for n in a.shape)):
        p, q = (m[z : z + 7, y : y + 7, x : x + 7].astype(np.float64).ravel() for m in (a, b))
        spread = np.cov(p, q)
        top = (2 * p.mean() * q.mean() + c1) * (2 * spread[0, 1] + c2)
        below = (p.mean() ** 2 + q.mean() ** 2 + c1) * (spread[0, 0] + spread[1, 1] + c2)
        values.append(top / below)
    return float(np.mean(values))


def test_correlation_equals_the_literal_formula() -> None:
    a, b = FIRST.astype(np.float64), SECOND.astype(np.float64)
    expected = (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
    assert correlation(FIRST, SECOND) == pytest.approx(expected, abs=1e-9)
    c, d = a[INSIDE], b[INSIDE]
    within = c @ d / np.linalg.norm(c) / np.linalg.norm(d)
    assert correlation(FIRST, SECOND, INSIDE) == pytest.approx(within, abs=1e-9)


def test_correlation_about_mean_and_pcc_equal_scipy_and_the_literal_formula() -> None:
    a, b = FIRST.astype(np.float64), SECOND.astype(np.float64)
    x, y = a - a.mean(), b - b.mean()
    literal = (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum())
    scipys = pearsonr(a.ravel(), b.ravel()).statistic
    assert correlation_about_mean(FIRST, SECOND) == pytest.approx(literal, abs=1e-9)
    assert pearson(FIRST, SECOND) == pytest.approx(scipys, abs=1e-9)
    within = pearsonr(a[INSIDE], b[INSIDE]).statistic
    assert pearson(FIRST, SECOND, INSIDE) == pytest.approx(within, abs=1e-9)


def test_correlation_about_mean_of_a_map_on_a_high_level_loses_no_digits() -> None:
    a, b = FIRST.astype(np.float64) + 1e5, SECOND.astype(np.float64) - 1e5
    expected = pearsonr(FIRST.ravel(), SECOND.ravel()).statistic
    assert correlation_about_mean(a, b) == pytest.approx(expected, abs=1e-6)


def test_ssim_equals_scikit_image_and_the_literal_formula() -> None:
    a, b = (scaled_to_one(m) for m in (FIRST, SECOND))
    whole = skimage_ssim(a.astype(np.float64), b.astype(np.float64), data_range=1.0)
    assert structural_similarity(FIRST, SECOND) == pytest.approx(whole, abs=1e-6)
    part = (slice(0, 12), slice(0, 11), slice(0, 10))
    p, q = FIRST[part], SECOND[part]
    literal = literal_ssim(scaled_to_one(p), scaled_to_one(q))
    assert structural_similarity(p, q) == pytest.approx(literal, abs=1e-6)


def test_ssim_in_a_mask_is_the_mean_of_scikit_images_map_there() -> None:
    a, b = (scaled_to_one(m).astype(np.float64) for m in (FIRST, SECOND))
    _, values = skimage_ssim(a, b, data_range=1.0, full=True)
    core = (slice(3, -3),) * 3
    expected = values[core][INSIDE[core]].mean()
    assert structural_similarity(FIRST, SECOND, INSIDE) == pytest.approx(expected, abs=1e-6)


def test_percentile_rule_equals_what_its_words_say_literally() -> None:
    a, b = FIRST.copy(), SECOND.copy()
    a[:5], b[:4] = 0, 0
    made = []
    for m in (a, b):
        kept = m.astype(np.float64)
        kept[kept < np.percentile(m[m != 0], 90)] = 0
        made.append((kept - kept.min()) / (kept.max() - kept.min()))
    scipys = pearsonr(made[0].ravel(), made[1].ravel()).statistic
    assert pearson(a, b, voxels="percentile_90") == pytest.approx(scipys, abs=1e-6)
    skimages = skimage_ssim(made[0], made[1], data_range=1.0)
    found = structural_similarity(a, b, voxels="percentile_90")
    assert found == pytest.approx(skimages, abs=1e-6)
    assert np.count_nonzero(densest_tenth(a)) == pytest.approx(0.1 * a[5:].size, rel=0.01)


def test_scores_of_a_map_with_itself_are_one_and_with_its_negative_minus_one() -> None:
    for score in (correlation, correlation_about_mean, pearson):
        assert score(FIRST, FIRST) == pytest.approx(1, abs=1e-12)
        assert score(FIRST, -FIRST) == pytest.approx(-1, abs=1e-12)
    assert structural_similarity(FIRST, FIRST) == pytest.approx(1, abs=1e-12)


def test_scores_when_a_map_is_constant_or_shapes_differ_say_so() -> None:
    flat = np.ones_like(FIRST)
    with pytest.raises(DataError, match="constant"):
        correlation_about_mean(FIRST, flat)
    with pytest.raises(DataError, match="constant"):
        structural_similarity(FIRST, flat)
    with pytest.raises(DataError, match="0 everywhere"):
        densest_tenth(np.zeros_like(FIRST))
    with pytest.raises(GridError, match="cannot be compared"):
        correlation(FIRST, FIRST[:-1])
    with pytest.raises(GridError, match="7 voxels"):
        structural_similarity(FIRST[:6], SECOND[:6])
    with pytest.raises(DataError, match="rim"):
        structural_similarity(FIRST, SECOND, np.zeros(FIRST.shape, dtype=bool))
