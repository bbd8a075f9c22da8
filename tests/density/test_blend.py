"""Blends: exact at both ends, by the share of signal between, and nothing where it is protected."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.blend import (
    Components,
    blend,
    components,
    prior_gain,
    protection,
)
from mapscope.density.fourier import Shells, apply_radial, inverse, transform
from mapscope.density.shells import correlate_shells
from mapscope.errors import GridError
from mapscope.labels import Labels
from mapscope.volume import Region, Volume

Floats = npt.NDArray[np.float64]

SHAPE = (40, 36, 44)
VOXEL_SIZE = (1.0, 1.1, 0.9)


def noise(seed: int, scale: float = 1.0) -> Volume:
    data = np.random.default_rng(seed).standard_normal(SHAPE, dtype=np.float32)
    return Volume(np.float32(scale) * data, VOXEL_SIZE, (3.0, 4.0, 5.0))


def falling(frequency: Floats) -> Floats:
    """A share of signal that falls from 1 to 0 at 1/3 Å."""
    return np.asarray(np.clip(1 - 3 * frequency, 0, 1))


DATA = noise(1)
PRIOR = noise(1).with_data(0.6 * DATA.data + 0.8 * noise(2).data)
PARTS = components(DATA, PRIOR, falling)


def test_share_0_is_the_data_and_share_1_the_prior() -> None:
    np.testing.assert_array_equal(blend(DATA.data, PARTS, 0.0), DATA.data)
    np.testing.assert_allclose(blend(DATA.data, PARTS, 1.0), PRIOR.data, atol=1e-6)


@pytest.mark.parametrize("share", [0.2, 0.65, 0.9])
def test_blend_is_the_rule_in_each_shell(share: float) -> None:
    def weight(frequency: Floats) -> Floats:
        c = falling(frequency)
        return np.asarray(share * (1 - c) + share**2 * c)

    added = apply_radial(transform(PRIOR.data - DATA.data), DATA.grid, weight)
    expected = DATA.data + inverse(added, SHAPE)
    np.testing.assert_allclose(blend(DATA.data, PARTS, share), expected, atol=2e-6)


def test_more_of_the_prior_is_taken_with_each_step_and_less_where_data_say_more() -> None:
    shares = np.linspace(0, 1, 11)
    weights = np.array([share - share * (1 - share) * PARTS.c_ref for share in shares])
    assert (np.diff(weights, axis=0) > 0).all()
    assert (np.diff(weights[5]) >= 0).all()
    distance = [np.abs(blend(DATA.data, PARTS, s) - PRIOR.data).mean() for s in shares]
    assert (np.diff(distance) < 0).all()


def test_region_is_that_part_of_the_whole() -> None:
    region = Region((3, 5, 7), (20, 30, 33))
    part = blend(DATA.data[region.slices], PARTS, 0.4, region=region)
    np.testing.assert_array_equal(part, blend(DATA.data, PARTS, 0.4)[region.slices])


def painted(box: Region) -> Labels:
    data = np.zeros(SHAPE, np.uint8)
    data[box.slices] = 3
    return Labels(data, VOXEL_SIZE, DATA.origin)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_protected_voxels_are_the_data_and_those_further_off_are_as_if_nothing_were(
    share: float,
) -> None:
    box = Region((10, 10, 10), (20, 22, 24))
    kept = protection(painted(box))
    free, held = blend(DATA.data, PARTS, share), blend(DATA.data, PARTS, share, kept)
    np.testing.assert_array_equal(held[box.slices], DATA.data[box.slices])
    far = np.ones(SHAPE, bool)
    far[7:23, 7:25, 7:27] = False
    np.testing.assert_array_equal(held[far], free[far])
    edge = ~far
    edge[box.slices] = False
    assert ((kept[edge] > 0) & (kept[edge] < 1)).any()
    assert (np.abs(held - DATA.data)[edge] <= np.abs(free - DATA.data)[edge] + 1e-6).all()


def test_mask_protects_as_labels_do_and_ignored_voxels_do_not() -> None:
    box = Region((10, 10, 10), (20, 22, 24))
    labels = painted(box)
    mask = Volume((labels.data > 0).astype(np.float32), VOXEL_SIZE, DATA.origin)
    np.testing.assert_array_equal(protection(mask), protection(labels))
    ignored = Labels(-np.sign(labels.data.astype(np.int8)), VOXEL_SIZE, DATA.origin)
    assert not protection(ignored).any()


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_prior_gain_is_what_the_blend_has_that_the_data_do_not_carry(share: float) -> None:
    gain = prior_gain(PARTS, share)
    shells = Shells(DATA.grid, "full")
    blended = transform(blend(DATA.data, PARTS, share))
    fsc = correlate_shells(blended, transform(DATA.data), shells).fsc
    # The weight varies a little within a shell.
    np.testing.assert_allclose(gain.fsc_with_data[1:], fsc[1:], atol=0.01)
    np.testing.assert_allclose(gain.prior_gain[1:], 1 - fsc[1:] ** 2, atol=0.02)
    if share == 0:
        assert gain.prior_gain.max() < 1e-6


def test_amplitudes_restored_are_no_prior_gain() -> None:
    parts = components(DATA, DATA.with_data(2 * DATA.data), falling)
    gain = prior_gain(parts, 0.7)
    np.testing.assert_allclose(gain.fsc_with_data, 1.0, atol=1e-6)
    assert gain.prior_gain.max() < 1e-5


def test_without_a_curve_the_amplitudes_say_how_much_the_data_say() -> None:
    weak = DATA.with_data(inverse(apply_radial(transform(DATA.data), DATA.grid, falling), SHAPE))
    parts: Components = components(weak, DATA)
    inner = (parts.frequency > 0.05) & (parts.frequency < 0.3)
    np.testing.assert_allclose(parts.c_ref[inner], falling(parts.frequency[inner]), atol=0.02)
    loud = components(DATA.with_data(3 * DATA.data), DATA)
    np.testing.assert_allclose(loud.c_ref, 1.0)


def test_box_of_a_larger_map_goes_on_as_its_mirror_image() -> None:
    box = Region((8, 6, 8), (32, 30, 36))
    data, prior = (Volume(v.data[box.slices], VOXEL_SIZE) for v in (DATA, PRIOR))
    whole = blend(DATA.data, PARTS, 0.5)[box.slices]
    with_margin = blend(data.data, components(data, prior, falling, around=8), 0.5)
    inner = (slice(6, -6),) * 3
    assert np.abs(with_margin - whole)[inner].max() < 0.02 * whole.std()
    assert with_margin.shape == whole.shape


def test_maps_on_different_grids_are_refused() -> None:
    with pytest.raises(GridError, match="the data and the prior"):
        components(DATA, Volume(PRIOR.data, VOXEL_SIZE))
