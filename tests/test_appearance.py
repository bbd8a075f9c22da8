"""How something is drawn is checked before anything is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mapscope.appearance import Appearance, ColorScale
from mapscope.errors import InputError
from mapscope.mesh import Mesh
from mapscope.volume import Volume

VOLUME = Volume(np.zeros((3, 3, 3)))
MESH = Mesh(np.zeros((4, 3), np.float32), np.array([(0, 1, 2)], np.int32))


def test_scale_when_asked_then_it_gives_colours_between_its_stops_and_holds_at_the_ends() -> None:
    scale = ColorScale(2, 4, ((0, 0, 0), (1, 0.5, 0)))
    found = scale.at(np.array([0, 2, 3, 4, 9, np.nan]))
    np.testing.assert_allclose(found[:, 0], [0, 0, 0.5, 1, 1, 0])
    np.testing.assert_allclose(found[:, 1], found[:, 0] / 2)


@pytest.mark.parametrize(
    ("low", "high", "colors", "why"),
    [
        (1, 1, ((0, 0, 0), (1, 1, 1)), "from a lower to a higher"),
        (2, 1, ((0, 0, 0), (1, 1, 1)), "from a lower to a higher"),
        (np.nan, 1, ((0, 0, 0), (1, 1, 1)), "from a lower to a higher"),
        (0, 1, ((0, 0, 0),), "two colours"),
        (0, 1, ((0, 0), (1, 1)), "a colour is"),
    ],
)
def test_scale_when_it_is_none_then_refused(low: float, high: float, colors: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        ColorScale(low, high, colors)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"levels": (np.inf,)}, "levels and radius are finite"),
        ({"opacity": 1.1}, "opacity runs from 0 to 1"),
        ({"radius": np.nan}, "levels and radius"),
        ({"color": (1, 0)}, "a colour is"),
        ({"sample": VOLUME}, "needs a colour scale"),
        ({"vertex_colors": np.zeros((2, 3))}, "need as many colours"),
        ({"label_colors": {1: "red"}}, "a colour is .* got 'red'"),
    ],
)
def test_appearance_when_a_setting_is_wrong_then_refused(
    settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        Appearance(MESH, "mesh", **settings)


def test_appearance_when_made_then_nobody_can_change_its_colours() -> None:
    item = Appearance(MESH, "mesh", vertex_colors=np.full((4, 4), 2.0), label_colors={1: (1, 0, 0)})
    assert item.vertex_colors is not None
    np.testing.assert_array_equal(item.vertex_colors, 1)
    with pytest.raises(ValueError, match="read-only"):
        item.vertex_colors[0] = 0
    with pytest.raises(TypeError):
        item.label_colors[2] = (0, 0, 0)  # type: ignore[index]
