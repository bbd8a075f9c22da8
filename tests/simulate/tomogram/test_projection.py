from __future__ import annotations

import numpy as np
import pytest
import torch

from mapscope.density.ctf import ctf, first_zero
from mapscope.errors import InputError
from mapscope.simulate.tomogram.projection import (
    Frame,
    Method,
    Microscope,
    contrast,
    slab_potentials,
)
from mapscope.simulate.tomogram.turned_plane import TiltedPlane, spline_coefficients

SHAPE = (30, 16, 41)
PIXEL = 5.0


def ball(z: float, x: float, *, height: float = 2.0) -> np.ndarray:
    """A Gaussian ball of 2 voxels at a place counted from voxel n // 2, in V."""
    axes = [np.arange(n) - n // 2 for n in SHAPE]
    oz, oy, ox = np.meshgrid(*axes, indexing="ij")
    square = (oz - z) ** 2 + oy**2 + (ox - x) ** 2
    return (height * np.exp(-square / 8)).astype(np.float32)


def seen(
    volume: np.ndarray, tilt: float, slab: float | None = None
) -> tuple[torch.Tensor, np.ndarray, Frame]:
    """Slab potentials of a volume, their heights and the frame."""
    frame = Frame.around(volume.shape, PIXEL, [tilt])
    plane = TiltedPlane((volume.shape[0], volume.shape[2]), tilt, frame.columns)
    flat = spline_coefficients(volume, (0, 2)).transpose(0, 2, 1).reshape(-1, volume.shape[1])
    sums, heights = slab_potentials(torch.from_numpy(flat.copy()), plane, frame, slab)
    return sums, heights, frame


@pytest.mark.parametrize("tilt", [-60.0, -17.0, 0.0, 43.0, 60.0])
def test_projection_when_tilted_puts_a_point_at_x_cos_plus_z_sin(tilt: float) -> None:
    sums, _, frame = seen(ball(-5, 9), tilt)
    profile = sums[0].sum(dim=1).numpy()
    column = np.arange(frame.columns) - frame.columns // 2
    angle = np.deg2rad(tilt)
    middle = (profile * column).sum() / profile.sum()
    assert middle == pytest.approx(9 * np.cos(angle) - 5 * np.sin(angle), abs=0.01)
    # The whole profile is that of the projected Gaussian.
    expected = PIXEL * 2 * (8 * np.pi) * np.exp(-((column - middle) ** 2) / 8)
    np.testing.assert_allclose(profile, expected, atol=0.01 * expected.max())


@pytest.mark.parametrize("tilt", [-40.0, 0.0, 55.0])
def test_slabs_when_added_up_are_the_projection_and_hold_a_point_at_its_height(
    tilt: float,
) -> None:
    whole, _, _ = seen(ball(-5, 9), tilt)
    slabs, heights, _ = seen(ball(-5, 9), tilt, slab=15.0)
    np.testing.assert_allclose(slabs.sum(dim=0), whole[0], atol=1e-3)
    amount = slabs.sum(dim=(1, 2)).numpy()
    angle = np.deg2rad(tilt)
    expected = PIXEL * (-5 * np.cos(angle) - 9 * np.sin(angle))
    assert (amount * heights).sum() / amount.sum() == pytest.approx(expected, abs=0.5)
    assert np.allclose(np.diff(heights), 15.0)


def transfer(slab: int, heights: np.ndarray, frame: Frame, microscope: Microscope) -> np.ndarray:
    """What becomes of each frequency of a weak point in a slab, at a defocus of 2 µm.

    Half the difference of a point and its negative, which has nothing of second order.
    """
    point = torch.zeros(len(heights), frame.columns, frame.rows)
    point[slab, frame.columns // 2, frame.rows // 2] = 40.0
    plus, minus = (contrast(p, heights, frame, microscope, 20000.0) for p in (point, -point))
    image = ((plus - minus) / 80.0).numpy()
    return np.asarray(np.fft.fft2(np.fft.ifftshift(image)).real)


@pytest.mark.parametrize("method", ["projection", "multislice"])
def test_image_of_a_weak_point_when_transformed_is_the_ctf(method: Method) -> None:
    """And so has its zeros where the formula has them."""
    frame = Frame(256, 256, PIXEL)
    microscope = Microscope(decay=None, method=method)
    spectrum = transfer(0, np.zeros(1), frame, microscope)
    np.testing.assert_allclose(spectrum, ctf(frame.frequency, 20000.0), atol=2e-3)
    crossing = np.flatnonzero(np.diff(np.sign(spectrum[0, :128])))[0]
    zero = first_zero(20000.0)
    assert frame.frequency[0, crossing] <= zero <= frame.frequency[0, crossing + 1]


def test_interaction_at_300_kv_is_that_of_the_tables() -> None:
    assert Microscope().interaction == pytest.approx(6.526e-4, rel=1e-3)


@pytest.mark.parametrize("slab", [2, 5, 9])
def test_multislice_when_a_point_lies_off_the_axis_has_the_defocus_of_its_height(
    slab: int,
) -> None:
    heights = np.arange(-5000.0, 5001.0, 1000.0)
    frame = Frame(128, 128, PIXEL)
    spectrum = transfer(slab, heights, frame, Microscope(decay=None))
    expected = ctf(frame.frequency, 20000.0 + heights[slab])
    np.testing.assert_allclose(spectrum, expected, atol=3e-3)


def test_multislice_when_the_specimen_is_strong_loses_contrast_that_projection_keeps() -> None:
    frame = Frame(64, 64, PIXEL)
    strong = torch.zeros(1, 64, 64)
    strong[0, 24:40, 24:40] = 3000.0
    images = [
        contrast(strong, np.zeros(1), frame, Microscope(method=m), 20000.0)
        for m in ("multislice", "projection")
    ]
    assert images[0].std() < 0.9 * images[1].std()


def test_frame_when_the_specimen_is_tilted_holds_all_of_it() -> None:
    tilts = np.linspace(-60, 60, 40)
    frame = Frame.around((200, 256, 256), 10.0, tilts)
    assert frame.columns >= np.hypot(200, 256) - 1
    for tilt in (-60.0, 38.0):
        sums, _, _ = seen(np.ones(SHAPE, dtype=np.float32), tilt)
        # All of it is there: the mean height of the shadow times its width.
        assert float(sums.sum()) == pytest.approx(np.prod(SHAPE) * PIXEL, rel=0.02)


def test_contrast_when_the_method_is_unknown_is_refused() -> None:
    wrong = Microscope(method="ray tracing")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="multislice or projection"):
        contrast(torch.zeros(1, 16, 16), np.zeros(1), Frame(16, 16, PIXEL), wrong, 0.0)
