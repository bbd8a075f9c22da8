"""Each program's Euler angles turn a chiral body as that program does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope import read
from mapscope.files.particles import angles
from mapscope.files.particles.check import angle_between

Array = npt.NDArray[np.float64]

BODY = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0, 0.0, 3.0]])
"""Arms of 10, 6 and 3 Å along x, y and z: its mirror image is another body."""
SETS = np.array([[30.0, 50.0, 70.0], [-160.0, 91.0, 12.0], [0.0, 0.0, 45.0], [10.0, 180.0, -20.0]])


def turned(points: Array, axis: str, degrees: float) -> Array:
    """Points turned about an axis, counter-clockwise for who looks against it."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    first, second = {"x": (1, 2), "z": (0, 1)}[axis]
    result = points.copy()
    result[:, first] = c * points[:, first] - s * points[:, second]
    result[:, second] = s * points[:, first] + c * points[:, second]
    return result


def by_tom(points: Array, phi: float, theta: float, psi: float) -> Array:
    """The body as TOM's tom_rotate turns it: about z, x and z again, axes fixed."""
    return turned(turned(turned(points, "z", phi), "x", theta), "z", psi)


def by_dynamo(points: Array, tdrot: float, tilt: float, narot: float) -> Array:
    """The body as Dynamo turns a template to a particle: the inverse of tdrot, tilt, narot."""
    return turned(turned(turned(points, "z", -narot), "x", -tilt), "z", -tdrot)


def by_relion(points: Array, rot: float, tilt: float, psi: float) -> Array:
    """The body as RELION maps it to the tomogram: A of Euler_angles2matrix, written out."""
    ca, cb, cg = np.cos(np.deg2rad([rot, tilt, psi]))
    sa, sb, sg = np.sin(np.deg2rad([rot, tilt, psi]))
    matrix = np.array(
        [
            [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
            [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
            [sb * ca, sb * sa, cb],
        ]
    )
    turned: Array = points @ matrix.T
    return turned


PROGRAMS = [
    pytest.param(angles.from_relion, angles.to_relion, by_relion, id="relion"),
    pytest.param(angles.from_tom, angles.to_tom, by_tom, id="tom"),
    pytest.param(angles.from_dynamo, angles.to_dynamo, by_dynamo, id="dynamo"),
]


@pytest.mark.parametrize(("rotations_of", "_angles_of", "program"), PROGRAMS)
@pytest.mark.parametrize("triple", SETS.tolist())
def test_rotations_turn_the_body_as_the_program_does(
    rotations_of: Callable[[Array], Array],
    _angles_of: Callable[[Array], Array],
    program: Callable[..., Array],
    triple: list[float],
) -> None:
    (rotation,) = rotations_of(np.array([triple]))
    expected = program(BODY, *triple)
    np.testing.assert_allclose(BODY @ rotation.T, expected, atol=1e-12)
    mirrored = program(BODY * (1, 1, -1), *triple) * (1, 1, -1)
    assert np.abs(mirrored - expected).max() > 0.5 or triple[1] in (0.0, 180.0)
    arms = expected[1:] - expected[0]
    np.testing.assert_allclose(np.linalg.det(arms), 180.0)


@pytest.mark.parametrize(("rotations_of", "_angles_of", "program"), PROGRAMS)
def test_rotations_in_z_y_x_put_the_body_where_density_of_it_lies(
    rotations_of: Callable[[Array], Array],
    _angles_of: Callable[[Array], Array],
    program: Callable[..., Array],
) -> None:
    """A template's volume, resampled by the noun's definition, has its arms where they belong."""
    from scipy.ndimage import affine_transform

    size, middle = 31, 15
    template = np.zeros((size,) * 3)
    for n, (x, y, z) in enumerate(BODY.astype(int).tolist(), start=1):
        template[middle + z, middle + y, middle + x] = n
    triple = (90.0, 90.0, 180.0)
    rotation = angles.swapped(rotations_of(np.array([triple])))[0]
    offset = middle - rotation.T @ np.full(3, middle)
    turned_map = affine_transform(template, rotation.T, offset, order=1)
    for n, (x, y, z) in enumerate(program(BODY, *triple).round().astype(int).tolist(), start=1):
        assert turned_map[middle + z, middle + y, middle + x] == pytest.approx(n, abs=1e-6)


@pytest.mark.parametrize(("rotations_of", "angles_of", "_program"), PROGRAMS)
@given(
    outer=st.tuples(st.floats(-180, 180), st.floats(-180, 180)),
    middle=st.one_of(
        st.floats(0, 180),
        st.sampled_from([0.0, 180.0, 90.0]),
        st.floats(-16, -3).map(lambda p: 10**p),
        st.floats(-12, -3).map(lambda p: 180 - 10**p),
    ),
)
def test_angles_of_a_rotation_give_it_back_also_where_two_turns_are_one(
    rotations_of: Callable[[Array], Array],
    angles_of: Callable[[Array], Array],
    _program: object,
    outer: tuple[float, float],
    middle: float,
) -> None:
    rotation = rotations_of(np.array([[outer[0], middle, outer[1]]]))
    found = angles_of(rotation)
    assert angle_between(rotations_of(found), rotation).max() < 3e-13
    assert 0 <= found[0, 1] <= 180
    assert (np.abs(found) <= 180).all()


def test_rotations_when_many_are_the_same_as_one_at_a_time() -> None:
    many = angles.from_relion(SETS)
    for n, triple in enumerate(SETS):
        np.testing.assert_array_equal(angles.from_relion(triple[None])[0], many[n])
    np.testing.assert_array_equal(angles.to_relion(many)[1], angles.to_relion(many[1:2])[0])
    assert angles.to_tom(np.empty((0, 3, 3))).shape == (0, 3)


@pytest.mark.real_data
def test_axes_of_real_filaments_lie_along_them(data_folder: Path) -> None:
    """Neighbouring picks of a microtubule lie along the z axis that RELION's angles give it."""
    picks = read(data_folder / "tomography/picks/mtfit_raw_vs_cleaned/CCDC147C_001_particles.star")
    assert picks.rotations is not None
    positions, axes = picks.positions, picks.rotations[:, :, 0]
    along = []
    for n in range(len(picks)):
        steps = positions - positions[n]
        distance = np.linalg.norm(steps, axis=1)
        near = (distance > 0) & (distance < 120)
        if near.any():
            directions = steps[near] / distance[near, None]
            along.append(np.abs(directions @ axes[n]).max())
    assert np.median(along) > 0.97


@pytest.mark.real_data
def test_axes_of_real_dynamo_filaments_lie_along_them(data_folder: Path) -> None:
    """Picks cropped along a filament turn about its axis, which is z of Dynamo's template."""
    picks = read(data_folder / "tomography/picks/cryocat/crop.tbl", voxel_size=1.0)
    assert picks.rotations is not None
    filament = np.array([s == picks.columns["dynamo.reg"][0] for s in picks.columns["dynamo.reg"]])
    first = np.flatnonzero(filament)[:30]
    steps = picks.positions[first[5:]] - picks.positions[first[:-5]]
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    axes = picks.rotations[first[2:-3], :, 0]
    assert np.abs((steps * axes).sum(axis=1)).min() > 0.97
