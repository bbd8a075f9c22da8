"""Particles come back from every format as they went in, whatever they are."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapscope.errors import FileFormatError, InputError
from mapscope.files import write
from mapscope.files.findings import noted_repairs
from mapscope.files.particles import format_named, format_names, self_check
from mapscope.files.particles.check import checked_content
from mapscope.particles import TOMOGRAM, Particles, in_tomogram
from mapscope.volume import Grid

SINGLE_PRECISION = {"imod": 1e-3}
"""Of a voxel; every other format keeps places to 1e-9."""
WITHOUT_ROTATIONS = {"box", "cbox", "coords", "eman2", "imod", "shrec", "xyz"}
ONE_TOMOGRAM = {"box", "cbox", "coords", "copick", "eman2", "imod", "ndjson", "shrec", "xyz"}
HOLD_NO_EMPTY_LIST = {"box", "coords", "dynamo", "motl", "ndjson", "shrec"}
CODES = ("1bxn", "4v94")
RELION = ("relion5", "relion4", "relion3.1", "relion3.0", "warp")

sizes = st.integers(1, 500)
numbers = st.floats(-300, 900).map(lambda x: round(x, 3))


@st.composite
def particles(draw: st.DrawFn, *, name: str = "TS_1", of: str = "") -> Particles:
    """Particles in a tomogram of any size, inside and outside it, as far as a format holds them."""
    count = draw(st.integers(1, 5))
    edge = draw(st.sampled_from([1.0, 1.971, 7.88, 13.48, 1 / 3, 25.0]))
    origin = draw(st.tuples(numbers, numbers, numbers))
    grid = Grid((draw(sizes), draw(sizes), draw(sizes)), (edge,) * 3, origin)
    index = np.array(
        draw(st.lists(st.tuples(numbers, numbers, numbers), min_size=count, max_size=count))
    )
    if of == "box":  # which has no z
        index[:, 0] = 0
    seed = draw(st.integers(0, 999))
    turns = _turns(count, seed) if draw(st.booleans()) else None
    score = np.random.default_rng(seed).random(count).round(4) if draw(st.booleans()) else None
    codes = CODES[:1] if of == "copick" else CODES  # one species in a file
    species = tuple(draw(st.sampled_from(codes)) for _ in range(count))
    noun = Particles(grid.world_from_index(index), turns, species, score)
    noun = in_tomogram(noun, grid, name)
    if of == "shrec":  # which tells x from z by the size of the tomogram
        large = {"tomogram_shape": np.full((count, 3), 2000)}
        noun = replace(noun, columns={**noun.columns, **large})
    return noun


def _turns(count: int, seed: int) -> Any:
    """Random rotations; the first two nearly those where Euler angles fail."""
    random = np.random.default_rng(seed)
    left, _, right = np.linalg.svd(random.standard_normal((count, 3, 3)))
    turns = left @ right
    turns[np.linalg.det(turns) < 0] *= -1
    special = [np.eye(3), np.diag([-1.0, 1.0, -1.0])]
    turns[: len(special)] = special[:count]
    return turns


@pytest.mark.parametrize("name", format_names())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_format_gives_back_places_and_orientations(name: str, data: st.DataObject) -> None:
    noun = data.draw(particles(of=name))
    check = self_check(noun, name)
    edge = float(noun.columns["voxel_size"][0])
    assert check.displacement <= SINGLE_PRECISION.get(name, 1e-9) * edge
    assert check.rotation < 1e-11
    has_turns = noun.rotations is not None and np.abs(noun.rotations - np.eye(3)).max() > 1e-6
    assert ("rotations" in check.lost) == (has_turns and name in WITHOUT_ROTATIONS)


SHIFTS = {
    "dynamo": ("dynamo.dx", "dynamo.dy", "dynamo.dz"),
    "motl": ("motl.shift_x", "motl.shift_y", "motl.shift_z"),
    "stopgap": ("stopgap.x_shift", "stopgap.y_shift", "stopgap.z_shift"),
    "pytom": ("pytom.shift_x", "pytom.shift_y", "pytom.shift_z"),
    "relion3.0": ("rlnOriginX", "rlnOriginY", "rlnOriginZ"),
} | dict.fromkeys(RELION[:3], ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst"))
TURNS = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")


@pytest.mark.parametrize("name", sorted(SHIFTS))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_shifts_turned_subtomograms_and_optics_groups_come_back_and_move_nothing(
    name: str, data: st.DataObject
) -> None:
    noun = data.draw(particles(of=name))
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    count = len(noun)
    columns = dict(noun.columns) | {label: random.normal(0, 5, count) for label in SHIFTS[name]}
    has_groups = name in RELION and data.draw(st.booleans())
    if has_groups:
        group = random.integers(1, 3, count)
        columns |= {
            "rlnOpticsGroup": group,
            "optics.rlnVoltage": np.where(group == 1, 300.0, 200.0),
        }
    if name in ("relion4", "relion5") and noun.rotations is not None:
        columns |= {label: random.uniform(-180, 180, count) for label in TURNS}
    shifted = replace(noun, columns=columns)
    check = self_check(shifted, name)
    edge = float(noun.columns["voxel_size"][0])
    assert check.displacement <= 1e-9 * max(edge, 1)
    assert check.rotation < 1e-11
    added = {*SHIFTS[name], *TURNS, *({"optics.rlnVoltage"} if name != "relion3.0" else ())}
    assert not added & set(check.lost)
    again = _read_back(shifted, name)
    for label in SHIFTS[name]:
        np.testing.assert_allclose(again.columns[label], columns[label], atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(format_names()) - ONE_TOMOGRAM - {"pytom"}))
@settings(max_examples=20)
@given(data=st.data())
def test_formats_of_many_tomograms_keep_each_particle_in_its_own(
    name: str, data: st.DataObject
) -> None:
    first, second = (data.draw(particles(name=n)) for n in ("7", "12"))
    shift = np.array(second.columns["voxel_size"][0]) / first.columns["voxel_size"][0]
    if name not in (*RELION, "csv", "dynamo"):  # which count in voxels of one size
        second = _in_voxels_of(second, first, float(shift))
    both = _joined(first, second)
    check = self_check(both, name)
    assert check.displacement < 1e-8
    names = [str(n).removesuffix(".tomostar") for n in _read_back(both, name).columns[TOMOGRAM]]
    assert names == ["7"] * len(first) + ["12"] * len(second)


def _in_voxels_of(noun: Particles, other: Particles, shift: float) -> Particles:
    """The same list in a tomogram with the voxels of another one."""
    edge = np.full(len(noun), other.columns["voxel_size"][0])
    return replace(
        noun, positions=noun.positions / shift, columns={**noun.columns, "voxel_size": edge}
    )


def _joined(first: Particles, second: Particles) -> Particles:
    """Two lists as one, with what both know."""
    pairs = [(first.columns[k], second.columns[k]) for k in first.columns if k in second.columns]
    names = [k for k in first.columns if k in second.columns]
    columns = dict(zip(names, map(np.concatenate, pairs), strict=True))
    origin = "tomogram_origin"
    for noun in (first, second):
        if origin in noun.columns and origin not in columns:
            blank = [n.columns.get(origin, np.zeros((len(n), 3))) for n in (first, second)]
            columns[origin] = np.concatenate(blank)
    positions = np.concatenate([first.positions, second.positions])
    species = (first.species or ()) + (second.species or ())
    return Particles(positions, None, species, None, columns)


def _read_back(noun: Particles, name: str) -> Particles:
    """What a format's reader makes of its own file."""
    chosen = format_named(name)
    content, _ = checked_content(noun, chosen)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{chosen.suffixes[0]}"
        path.write_bytes(content)
        is_said = chosen.holds_voxel_size or not len(noun)
        size = None if is_said else float(noun.columns["voxel_size"][0])
        return chosen.read(path, voxel_size=size)


@pytest.mark.parametrize("name", format_names())
def test_an_empty_list_comes_back_empty_or_is_refused_with_another_way(name: str) -> None:
    empty = Particles(np.empty((0, 3)))
    if name in HOLD_NO_EMPTY_LIST:
        with pytest.raises(InputError, match=r"\.csv"):
            self_check(empty, name)
        return
    assert self_check(empty, name).displacement == 0
    assert len(_read_back(empty, name)) == 0


@pytest.mark.parametrize("name", format_names())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_never_anything_else(
    name: str, data: st.DataObject
) -> None:
    noun = data.draw(particles(of=name))
    chosen = format_named(name)
    content = bytearray(checked_content(noun, chosen)[0])
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    with tempfile.TemporaryDirectory() as folder, noted_repairs():
        path = Path(folder) / f"a{chosen.suffixes[-1]}"
        path.write_bytes(bytes(content[:end]))
        for permissive in (False, True):
            try:
                found = chosen.read(path, permissive=permissive)
            except FileFormatError:
                continue
            assert isinstance(found, Particles)
            assert np.isfinite(found.positions).all()


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
def test_a_compressed_list_is_looked_through(suffix: str, picks: Particles, tmp_path: Path) -> None:
    from mapscope import read

    path = write(tmp_path / f"a.relion5.star{suffix}", picks)
    np.testing.assert_allclose(read(path).positions, picks.positions - (16, -24, 4), atol=1e-9)


def test_two_writes_of_equal_lists_are_the_same_bytes(picks: Particles) -> None:
    for name in set(format_names()) - {"box", "shrec"}:
        first = checked_content(picks, format_named(name))[0]
        second = checked_content(replace(picks), format_named(name))[0]
        assert first == second, name
