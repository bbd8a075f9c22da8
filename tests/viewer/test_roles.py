"""How maps of each role look at first; tomograms are noise, and look otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.viewer.roles import is_tomogram, look_of
from mapscope.volume import Volume


def tomogram(contrast: int = 1) -> Volume:
    """Noise with gold and an empty margin, in whole numbers of one byte."""
    random = np.random.default_rng(0)
    data = np.clip(np.round(10 * random.standard_normal((20, 60, 60))), -120, 120).astype(np.int8)
    data[5:8, 5:8, 5:8] = -120
    data[:, :, -6:] = 0
    return Volume(data, (10.0,) * 3, contrast=contrast)


def test_tomogram_is_known_by_its_numbers_box_and_voxels() -> None:
    assert is_tomogram(tomogram())
    assert not is_tomogram(Volume(tomogram().float32()[:, :20, :20], (1.0,) * 3))


def test_contrast_of_a_tomogram_does_not_follow_gold_and_what_is_empty() -> None:
    low, high = look_of(tomogram(), "map")["contrast_limits"]
    assert low == pytest.approx(-23.3, abs=1.5)
    assert high == pytest.approx(23.3, abs=1.5)


def test_tomogram_when_dark_is_dense_then_it_is_drawn_inverted() -> None:
    bright, dark = look_of(tomogram(), "map"), look_of(tomogram(-1), "map")
    assert (bright["colormap"], bright["rendering"]) == ("gray", "mip")
    assert (dark["colormap"], dark["rendering"]) == ("gray_r", "minip")
    assert bright["contrast_limits"] == dark["contrast_limits"]


def test_map_looks_as_before() -> None:
    z, y, x = np.indices((24, 24, 24)) - 12
    volume = Volume(np.exp(-(z**2 + y**2 + x**2) / 30.0).astype(np.float32), (1.5,) * 3)
    look = look_of(volume, "map")
    assert look["colormap"] == "gray"
    assert "rendering" not in look
