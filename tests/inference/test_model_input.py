"""Maps of one model are scaled each by its own numbers, or all by those of their mean."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.inference.card import Card, Output
from mapscope.inference.model_input import input_for
from mapscope.inference.normalise import scaling_of
from mapscope.volume import Volume


def card(*, together: bool, window: int = 0) -> Card:
    """Of a model of two maps."""
    return Card(
        name="pair",
        architecture="residual_unet",
        input_channels=("half_map_1", "half_map_2"),
        scaled_together=together,
        window=window,
        tile=64,
        outputs=(Output(name="map", kind="map", features=1),),
    )


def halves() -> list[Volume]:
    """Two maps with a signal in common."""
    random = np.random.default_rng(1)
    signal = random.standard_normal((20, 18, 22)) * 3 + 7
    noisy = [signal + random.normal(0, size, signal.shape) for size in (1.0, 2.0)]
    return [Volume(map_.astype(np.float32)) for map_ in noisy]


@pytest.mark.parametrize("window", [0, 8])
def test_maps_scaled_together_have_the_scaling_of_their_mean(window: int) -> None:
    given = halves()
    ready = input_for(card(together=True, window=window), given)
    mean = (given[0].data + given[1].data) / 2
    wanted = scaling_of(mean, "standard", window=window)
    for found in ready.scalings:
        assert found.shift == pytest.approx(wanted.shift, rel=1e-5)
        assert found.factor == pytest.approx(wanted.factor, rel=1e-5)
    assert ready.scaled()[1].std() > ready.scaled()[0].std()


def test_maps_scaled_each_have_their_own_scaling() -> None:
    ready = input_for(card(together=False), halves())
    assert ready.scalings[0].factor > ready.scalings[1].factor
    np.testing.assert_allclose(ready.scaled().std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_one_map_twice_is_scaled_alike_both_ways() -> None:
    one = halves()[0]
    together, each = (input_for(card(together=t), [one, one]) for t in (True, False))
    assert together.scalings == each.scalings


def test_dark_maps_scaled_together_are_turned_over() -> None:
    given = halves()
    dark = [Volume(-volume.data, contrast=-1) for volume in given]
    wanted, found = (input_for(card(together=True), maps) for maps in (given, dark))
    np.testing.assert_allclose(found.scaled(), wanted.scaled(), atol=1e-4)
