"""A template from a structure: centred, as coarse as the tomogram, with room to turn."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.jobs.picking.make_template import make_template
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.volume import Volume

STRUCTURE: Structure = example_noun(Structure)
TOMOGRAM = Volume(np.zeros((20, 20, 20), np.float32), (4.0,) * 3, (100.0, 0.0, 0.0))


def test_the_centre_of_the_atoms_is_voxel_half_of_the_cube() -> None:
    template = make_template(STRUCTURE, TOMOGRAM)
    n, *others = template.shape
    assert others == [n, n]
    # All atoms are carbon: their centre is the mean place.
    middle = template.grid.world_from_index([n // 2] * 3)
    np.testing.assert_allclose(middle, STRUCTURE.positions.mean(axis=0), atol=1e-6)
    index = np.indices(template.shape).reshape(3, -1)
    data = np.clip(template.data.ravel(), 0, None)
    mass = (index * data).sum(axis=1) / data.sum()
    np.testing.assert_allclose(mass, n // 2, atol=0.1)


def test_voxels_are_a_quarter_of_the_resolution_that_the_tomogram_or_the_user_gives() -> None:
    assert make_template(STRUCTURE, TOMOGRAM).voxel_size == (2.0,) * 3
    assert make_template(STRUCTURE, TOMOGRAM, resolution=12.0).voxel_size == (3.0,) * 3
    assert make_template(STRUCTURE).voxel_size == (5.0,) * 3


def test_density_is_positive_cut_off_at_the_resolution_and_falls_off_to_every_side() -> None:
    template = make_template(STRUCTURE, resolution=8.0)
    data = np.asarray(template.data, float)
    assert data.max() > 3 * abs(data.min())
    faces = np.concatenate([np.take(data, k, axis=a).ravel() for a in range(3) for k in (0, -1)])
    assert np.abs(faces).max() < 0.03 * data.max()
    power = np.abs(np.fft.fftn(data)) ** 2
    axes = [np.fft.fftfreq(n, 2.0) for n in data.shape]
    radius = np.sqrt(sum(f**2 for f in np.meshgrid(*axes, indexing="ij")))
    assert power[radius > 1.2 / 8.0].sum() < 1e-4 * power.sum()


def test_every_orientation_fits_into_the_cube() -> None:
    template = make_template(STRUCTURE, resolution=8.0)
    centre = STRUCTURE.positions.mean(axis=0)
    reach = np.linalg.norm(STRUCTURE.positions - centre, axis=1).max()
    assert template.voxel_size[0] * (template.shape[0] // 2 - 1) >= reach


def test_a_huge_cube_is_refused() -> None:
    with pytest.raises(InputError, match="take a coarser resolution"):
        make_template(STRUCTURE, resolution=0.1)
