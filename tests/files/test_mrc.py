"""Maps come back where they were, as they were, and broken ones say what is wrong."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import gemmi
import mrcfile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapscope import files
from mapscope.errors import DataError, InputError, MapFormatError
from mapscope.files.mrc import read_mrc
from mapscope.labels import Labels
from mapscope.volume import MapHeader, Volume

MapMaker = Callable[..., Path]
AXIS_ORDERS = tuple(permutations((1, 2, 3)))
TYPES = ("i1", "i2", "u2", "f2", "f4")
SHAPES = st.tuples(*[st.integers(1, 5)] * 3)
SUFFIXES = st.sampled_from((".mrc", ".map", ".ccp4.gz", ".rec.bz2"))
COORDINATES = st.floats(-400, 400, allow_nan=False)
WORDS = {"N": 1, "mode": 4, "NSTART": 5, "M": 8, "MAPC": 17, "ispg": 23, "nsymbt": 24}


def numbers(shape: tuple[int, ...], kind: str, seed: int = 0) -> np.ndarray[Any, Any]:
    """Numbers of a type over much of its range."""
    dtype = np.dtype(kind)
    random = np.random.default_rng(seed)
    if dtype.kind == "f":
        return random.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def ramp(*shape: int) -> np.ndarray[Any, Any]:
    """0, 1, 2, … as float32."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("maps")


def test_read_when_mrcfile_wrote_the_map_then_data_size_and_origin_agree(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    with mrcfile.new(path) as file:
        file.set_data(ramp(2, 3, 4))
        file.voxel_size = (1.5, 2.0, 2.5)
        file.header.origin = (10.0, 20.0, 30.0)
    volume = files.read(path)
    np.testing.assert_array_equal(volume.data, ramp(2, 3, 4))
    assert volume.voxel_size == (2.5, 2.0, 1.5)
    assert volume.origin == (30.0, 20.0, 10.0)
    assert not volume.data.flags.writeable


@pytest.mark.parametrize("axes", AXIS_ORDERS)
def test_read_when_axes_are_permuted_then_data_and_start_are_zyx(
    make_map: MapMaker, axes: tuple[int, int, int]
) -> None:
    in_xyz = ramp(2, 3, 4)
    start_xyz = (5, -6, 7)
    stored = in_xyz.transpose(axes[2] - 1, axes[1] - 1, axes[0] - 1)
    c, r, s = (start_xyz[axis - 1] for axis in axes)
    path = make_map(
        np.ascontiguousarray(stored),
        **dict(zip(("mapc", "mapr", "maps"), axes, strict=True)),
        nxstart=c,
        nystart=r,
        nzstart=s,
        cella=(2.0 * 2, 3.0 * 3, 4.0 * 4),
    )
    volume = files.read(path)
    np.testing.assert_array_equal(volume.data, in_xyz.transpose(2, 1, 0))
    assert volume.voxel_size == (4.0, 3.0, 2.0)
    assert volume.origin == (7 * 4.0, -6 * 3.0, 5 * 2.0)
    reference = gemmi.read_ccp4_map(str(path))
    reference.setup(np.nan, gemmi.MapSetup.ReorderOnly)
    np.testing.assert_array_equal(np.array(reference.grid.array), in_xyz)


def test_read_when_axis_words_are_zero_then_they_are_taken_as_xyz(make_map: MapMaker) -> None:
    volume = files.read(make_map(ramp(2, 3, 4), mapc=0, mapr=0, maps=0))
    np.testing.assert_array_equal(volume.data, ramp(2, 3, 4))
    assert volume.header.axis_order == (1, 2, 3)


def test_read_when_origin_words_are_set_then_nstart_does_not_count(make_map: MapMaker) -> None:
    path = make_map(ramp(2, 2, 2), nxstart=-5, origin=(0.0, 3.5, 0.0))
    assert files.read(path).origin == (0.0, 3.5, 0.0)


def test_read_when_origin_words_are_not_finite_then_nstart_counts(make_map: MapMaker) -> None:
    path = make_map(ramp(2, 2, 2), nxstart=-5, origin=(np.nan, 3.5, 0.0))
    assert files.read(path).origin == (0.0, 0.0, -5.0)


@pytest.mark.parametrize("stamp", [(0x44, 0x44, 0, 0), (0x11, 0x11, 0, 0), (0, 0, 0, 0)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_read_when_stamp_is_wrong_or_missing_then_byte_order_is_found(
    make_map: MapMaker, order: str, stamp: tuple[int, ...]
) -> None:
    volume = files.read(make_map(ramp(2, 3, 4), order=order, machst=stamp, map=b""))
    np.testing.assert_array_equal(volume.data, ramp(2, 3, 4))
    assert volume.data.dtype.isnative


@pytest.mark.parametrize(("flags", "expected"), [(0, 200), (1, -56)])
def test_read_when_imod_wrote_bytes_then_its_flag_says_whether_they_are_signed(
    make_map: MapMaker, flags: int, expected: int
) -> None:
    extra = bytearray(84)
    extra[40:48] = b"IMOD" + flags.to_bytes(4, "little")
    stored = np.full((1, 2, 2), 200, dtype=np.uint8)
    assert files.read(make_map(stored, extra2=bytes(extra))).data[0, 0, 0] == expected


def test_read_when_mapmode2to0_made_bytes_then_density_has_its_own_range(
    make_map: MapMaker,
) -> None:
    extra = bytearray(84)
    extra[44:52] = np.array([-128, 127], "<i4").tobytes()
    stored = np.array([-128, 0, 127], dtype=np.int8).reshape(1, 1, 3)
    data = files.read(make_map(stored, extra2=bytes(extra), dmin=-1.0, dmax=1.55)).data
    np.testing.assert_allclose(data.ravel(), [-1.0, 0.28, 1.55], atol=1e-6)


@pytest.mark.parametrize("mode", [3, 4, 16])
def test_read_when_mode_is_no_density_then_it_is_refused(make_map: MapMaker, mode: int) -> None:
    with pytest.raises(MapFormatError, match=f"mode {mode} .*convert"):
        files.read(make_map(ramp(2, 2, 2), mode=mode))


@pytest.mark.parametrize("field", ["nx", "ny", "nz", "mode"])
@pytest.mark.parametrize("value", [-1, 2**31 - 1])
def test_read_when_sizes_make_no_sense_then_no_array_is_made(
    make_map: MapMaker, field: str, value: int
) -> None:
    with pytest.raises(MapFormatError, match="not an MRC or CCP4 map"):
        files.read(make_map(ramp(2, 2, 2), **{field: value}))


@pytest.mark.parametrize("name", ["cut.mrc", "cut.mrc.gz"])
def test_read_when_header_promises_terabytes_then_missing_bytes_are_named(
    make_map: MapMaker, tmp_path: Path, name: str
) -> None:
    plain = make_map(ramp(2, 2, 2), nx=2**20, ny=2**20, nz=2**20)
    content = plain.read_bytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(MapFormatError, match=f"expected {1024 + 4 * 2**60} bytes.*found 1056"):
        files.read(path)


@pytest.mark.parametrize("cut", [1, 32, 33, 1000, 1056])
def test_read_when_the_file_is_cut_off_then_it_says_so(make_map: MapMaker, cut: int) -> None:
    with pytest.raises(MapFormatError, match="cut off"):
        files.read(make_map(ramp(2, 2, 2), cut=cut))


def test_read_when_a_mapped_file_is_cut_off_then_it_says_so(make_map: MapMaker) -> None:
    path = make_map(ramp(2, 2, 2), cut=1)
    with pytest.raises(MapFormatError, match=r"expected 1056 bytes.*found 1055"):
        read_mrc(path, map_above_bytes=0)


def test_read_when_compressed_bytes_end_early_then_it_says_so(
    tmp_path: Path, map_bytes: Callable[..., bytes]
) -> None:
    path = tmp_path / "a.map.gz"
    path.write_bytes(gzip.compress(map_bytes(numbers((9, 9, 9), "f4")))[:-300])
    with pytest.raises(MapFormatError, match="damaged or end early"):
        files.read(path)


def test_read_when_bytes_follow_the_data_then_permissive_leaves_them_out(
    make_map: MapMaker,
) -> None:
    path = make_map(ramp(2, 2, 2), cut=-7)
    with pytest.raises(MapFormatError, match="beyond the 1056 expected"):
        files.read(path)
    with pytest.warns(files.FileWarning, match="leave them out"):
        volume = files.read(path, permissive=True)
    np.testing.assert_array_equal(volume.data, ramp(2, 2, 2))


@pytest.mark.parametrize(
    "fields", [{"mx": 0}, {"mz": -2}, {"cella": (0, 0, 0)}, {"cella": (np.nan, 4, 4)}]
)
def test_read_when_voxel_size_is_unknown_then_permissive_takes_one(
    make_map: MapMaker, fields: dict[str, Any]
) -> None:
    path = make_map(ramp(2, 3, 4), **fields)
    with pytest.raises(MapFormatError, match="voxel size is unknown"):
        files.read(path)
    with pytest.warns(files.FileWarning, match="1.0 Å"):
        assert files.read(path, permissive=True).voxel_size == (1.0, 1.0, 1.0)


def test_read_when_angles_are_zero_then_they_are_right_angles(make_map: MapMaker) -> None:
    volume = files.read(make_map(ramp(2, 2, 2), cellb=(0, 0, 0)))
    assert volume.header.cell[3:] == (90.0, 90.0, 90.0)


def test_read_when_angles_make_no_cell_then_it_is_reported(make_map: MapMaker) -> None:
    with pytest.raises(MapFormatError, match="no cell has the angles"):
        files.read(make_map(ramp(2, 2, 2), cellb=(30.0, 30.0, 120.0)))


def test_read_when_numbers_are_not_finite_then_they_are_counted_or_set_to_zero(
    make_map: MapMaker,
) -> None:
    stored = ramp(2, 2, 2)
    stored[0, 0, 1:] = np.nan
    stored[1, 0, 0] = np.inf
    path = make_map(stored)
    with pytest.raises(MapFormatError, match="2 of 8 numbers are not finite"):
        files.read(path)
    with pytest.warns(files.FileWarning, match="set them to 0"):
        data = files.read(path, permissive=True).data
    np.testing.assert_array_equal(data.ravel(), [0, 0, 2, 3, 0, 5, 6, 7])


def test_read_when_it_is_a_stack_of_images_then_it_is_refused(make_map: MapMaker) -> None:
    with pytest.raises(MapFormatError, match="stack of 3 images"):
        files.read(make_map(ramp(3, 2, 2), ispg=0, mz=1))


def test_read_when_it_is_a_stack_of_volumes_then_one_must_be_chosen(make_map: MapMaker) -> None:
    path = make_map(ramp(6, 2, 2), ispg=401, mz=2, cella=(2.0, 2.0, 2.0))
    with pytest.raises(MapFormatError, match="of volumes, 3 of them: choose one with index=0"):
        files.read(path)
    for index in range(3):
        volume = files.read(path, index=index)
        np.testing.assert_array_equal(volume.data, ramp(6, 2, 2)[2 * index : 2 * index + 2])
        assert volume.voxel_size == (1.0, 1.0, 1.0)
    assert (volume.header.space_group, volume.header.sampling) == (1, (2, 2, 2))
    with pytest.raises(InputError, match="holds 3 volumes, counted from 0; got index=3"):
        files.read(path, index=3)


def test_read_when_a_volume_of_a_stack_is_chosen_then_mrcfile_has_the_same(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).standard_normal((4, 3, 5, 6)).astype(np.float32)
    with mrcfile.new(tmp_path / "a.mrc", stack) as out:
        out.voxel_size = (2.0, 3.0, 4.0)
    volume = files.read(tmp_path / "a.mrc", index=2)
    np.testing.assert_array_equal(volume.data, stack[2])
    assert volume.voxel_size == (4.0, 3.0, 2.0)
    mapped = read_mrc(tmp_path / "a.mrc", index=2, map_above_bytes=1)
    assert isinstance(mapped.data, np.memmap)
    assert mapped.checksum() == volume.checksum()
    again = files.read(files.write(tmp_path / "b.mrc", volume))
    assert again.checksum() == volume.checksum()


def test_read_when_one_map_is_asked_for_by_index_then_only_zero_is_right(
    make_map: MapMaker,
) -> None:
    path = make_map(ramp(2, 2, 2))
    np.testing.assert_array_equal(files.read(path, index=0).data, ramp(2, 2, 2))
    with pytest.raises(InputError, match="holds 1 volumes"):
        files.read(path, index=1)


def test_read_when_a_stack_holds_no_whole_number_of_volumes_then_it_is_refused(
    make_map: MapMaker,
) -> None:
    with pytest.raises(MapFormatError, match="no whole number of volumes of 2 sections"):
        files.read(make_map(ramp(5, 2, 2), ispg=401, mz=2), index=0)


@pytest.mark.parametrize("columns", [4, 5])
def test_read_when_numbers_have_four_bits_then_each_comes_out_as_a_byte(
    tmp_path: Path, make_map: MapMaker, columns: int
) -> None:
    numbers = np.random.default_rng(0).integers(0, 16, (3, 2, columns)).astype(np.uint8)
    even = np.pad(numbers, ((0, 0), (0, 0), (0, columns % 2)))
    packed = even[..., 0::2] | (even[..., 1::2] << 4)
    path = make_map(packed, mode=101, nx=columns, mx=columns, cella=(columns, 2.0, 3.0))
    volume = files.read(path)
    np.testing.assert_array_equal(volume.data, numbers)
    again = files.read(files.write(tmp_path / "b.mrc", volume))
    np.testing.assert_array_equal(again.data, numbers)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(MapFormatError, match="cut off"):
        files.read(path)


def test_read_when_imod_flags_say_bytes_are_packed_then_it_is_refused(make_map: MapMaker) -> None:
    extra = bytearray(84)
    extra[40:48] = b"IMOD" + (17).to_bytes(4, "little")
    stored = np.zeros((2, 2, 2), dtype=np.int8)
    with pytest.raises(MapFormatError, match="each byte holds two numbers"):
        files.read(make_map(stored, extra2=bytes(extra)))


@pytest.mark.parametrize(("flags", "sign"), [(1, -1), (5, 1)])
def test_read_when_imod_wrote_the_origin_then_its_flag_says_the_sign(
    make_map: MapMaker, flags: int, sign: int
) -> None:
    extra = bytearray(84)
    extra[40:48] = b"IMOD" + flags.to_bytes(4, "little")
    volume = files.read(make_map(ramp(2, 2, 2), extra2=bytes(extra), origin=(1.0, 2.0, 3.0)))
    assert volume.origin == (3.0 * sign, 2.0 * sign, 1.0 * sign)


def test_read_when_space_group_is_zero_and_mz_fits_then_it_is_a_volume(
    make_map: MapMaker,
) -> None:
    np.testing.assert_array_equal(files.read(make_map(ramp(3, 2, 2), ispg=0)).data, ramp(3, 2, 2))


def test_read_when_the_file_is_large_then_it_is_a_memory_map(make_map: MapMaker) -> None:
    stored = ramp(2, 3, 4)
    path = make_map(stored, order=">", extended=b"X" * 80, mapc=3, maps=1, cella=(2.0, 3.0, 4.0))
    volume = read_mrc(path, map_above_bytes=95)
    assert isinstance(volume.data, np.memmap)
    assert not volume.data.flags.writeable
    np.testing.assert_array_equal(volume.data, stored.transpose(2, 1, 0))
    np.testing.assert_array_equal(volume.float32(), read_mrc(path).data)


def test_write_when_the_source_is_a_memory_map_of_the_same_file_then_nothing_is_lost(
    make_map: MapMaker,
) -> None:
    path = make_map(ramp(2, 3, 4))
    files.write(path, read_mrc(path, map_above_bytes=0))
    np.testing.assert_array_equal(files.read(path).data, ramp(2, 3, 4))


@settings(max_examples=60, deadline=None)
@given(
    shape=SHAPES,
    kind=st.sampled_from(TYPES),
    axes=st.sampled_from(AXIS_ORDERS),
    start=st.tuples(*[st.integers(-300, 300)] * 3),
    origin=st.one_of(st.just((0.0, 0.0, 0.0)), st.tuples(*[COORDINATES] * 3)),
    order=st.sampled_from("<>"),
    suffix=SUFFIXES,
)
def test_write_when_a_read_map_is_written_twice_then_frame_and_bytes_stay(
    folder: Path,
    map_bytes: Callable[..., bytes],
    shape: tuple[int, int, int],
    kind: str,
    axes: tuple[int, int, int],
    start: tuple[int, int, int],
    origin: tuple[float, float, float],
    order: str,
    suffix: str,
) -> None:
    stored = numbers(shape, kind)
    words: dict[str, Any] = dict(zip(("mapc", "mapr", "maps"), axes, strict=True))
    words |= dict(zip(("nxstart", "nystart", "nzstart"), start, strict=True))
    content = map_bytes(stored, order, b"X, Y, Z".ljust(80), origin=origin, **words)
    packs: dict[str, Callable[[bytes], bytes]] = {"z": gzip.compress, "2": bz2.compress}
    pack = packs.get(suffix[-1], bytes)
    source, first, second = (folder / f"{name}{suffix}" for name in ("source", "first", "second"))
    source.write_bytes(pack(content))
    volume = files.read(source)
    again = files.read(files.write(first, volume))
    assert files.write(second, again).read_bytes() == first.read_bytes()
    np.testing.assert_array_equal(again.data, volume.data)
    assert again.data.dtype == np.dtype(kind)
    assert (again.voxel_size, again.origin) == (volume.voxel_size, volume.origin)
    expected = replace(
        volume.header, extended_type=b"CCP4", labels=(*volume.header.labels, b"Mapscope")
    )
    assert again.header == expected
    assert mrcfile.validate(first)


@settings(max_examples=60, deadline=None)
@given(
    shape=SHAPES,
    kind=st.sampled_from((*TYPES, "u1", "i4", "f8", "?")),
    voxel_size=st.tuples(*[st.floats(0.3, 20)] * 3),
    origin=st.tuples(*[COORDINATES] * 3),
    is_on_grid=st.booleans(),
    suffix=SUFFIXES,
)
def test_write_when_a_volume_has_no_header_then_it_comes_back_in_place(
    folder: Path,
    shape: tuple[int, int, int],
    kind: str,
    voxel_size: tuple[float, float, float],
    origin: tuple[float, float, float],
    is_on_grid: bool,
    suffix: str,
) -> None:
    data = np.random.default_rng(1).integers(0, 100, shape).astype(kind)
    if is_on_grid:
        z, y, x = np.rint(np.array(origin) / voxel_size) * voxel_size
        origin = (float(z), float(y), float(x))
    volume = Volume(data, voxel_size, origin)
    first = files.write(folder / f"one{suffix}", volume)
    again = files.read(first)
    np.testing.assert_array_equal(again.data, data)
    np.testing.assert_allclose(again.voxel_size, voxel_size, rtol=1e-6)
    np.testing.assert_allclose(again.origin, origin, atol=1e-4, rtol=0)
    if is_on_grid:
        assert not any(again.header.origin_words)
    assert files.write(folder / f"two{suffix}", again).read_bytes() == first.read_bytes()
    # mrcfile sums the squares of half-precision data in half precision, which overflows.
    assert kind == "f2" or mrcfile.validate(first)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("f4", 2), ("f8", 2), ("f2", 12), ("i2", 1), ("i1", 0), ("u2", 6), ("?", 0), ("u1", 0)],
)
def test_write_when_there_is_no_header_then_the_mode_follows_the_type(
    tmp_path: Path, kind: str, mode: int
) -> None:
    path = files.write(tmp_path / "a.mrc", Volume(np.ones((2, 2, 2), kind)))
    assert files.read(path).header.mode == mode


@pytest.mark.parametrize(
    ("values", "mode"),
    [((-1, 127), 0), ((-1, 128), 1), ((0, 40_000), 6), ((-1, 40_000), 2), ((0, 2**24), 2)],
)
def test_write_when_it_is_labels_then_the_smallest_mode_holds_them_exactly(
    tmp_path: Path, values: tuple[int, int], mode: int
) -> None:
    data = np.array(values, dtype=np.int64).reshape(1, 1, 2)
    path = files.write(tmp_path / "a.mrc", Labels(data, (2.0, 2.0, 2.0), (2.0, 0.0, 0.0)))
    volume = files.read(path, kind="volume")
    np.testing.assert_array_equal(volume.data, data)
    assert (volume.header.mode, volume.origin) == (mode, (2.0, 0.0, 0.0))


def test_write_when_labels_are_too_large_then_they_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="renumber"):
        files.write(tmp_path / "a.mrc", Labels(np.array([[[0, 2**24 + 1]]])))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_write_when_numbers_do_not_fit_then_nothing_is_written(
    tmp_path: Path, value: float
) -> None:
    with pytest.raises(DataError, match="finite"):
        files.write(tmp_path / "a.mrc", Volume(np.array([[[0.0, value]]])))
    assert list(tmp_path.iterdir()) == []


def test_write_when_data_no_longer_fit_the_mode_then_floats_are_written(tmp_path: Path) -> None:
    volume = Volume(ramp(2, 2, 2), header=MapHeader((0, 0, 0), (2, 2, 2), (2, 2, 2, 90, 90, 90)))
    for mode, data, expected in [(1, ramp(2, 2, 2), 1), (1, ramp(2, 2, 2) / 3, 2)]:
        header = replace(volume.header or MapHeader(), mode=mode)
        written = replace(volume, data=data, header=header)
        again = files.read(files.write(tmp_path / "a.mrc", written))
        assert again.header.mode == expected
        np.testing.assert_array_equal(again.data, data)


def test_write_when_the_noun_was_moved_then_the_noun_wins_over_its_header(
    make_map: MapMaker, tmp_path: Path
) -> None:
    label = np.zeros(10, "S80")
    label[0] = b"from elsewhere"
    path = make_map(
        ramp(2, 3, 4), origin=(5.0, 6.0, 7.0), label=label, nlabl=1, ispg=4, extended=b" " * 80
    )
    moved = replace(files.read(path), voxel_size=(2.0, 2.0, 2.0), origin=(4.0, -8.0, 0.5))
    again = files.read(files.write(tmp_path / "moved.mrc", moved))
    assert (again.voxel_size, again.origin) == ((2.0, 2.0, 2.0), (4.0, -8.0, 0.5))
    assert again.header.labels == (b"from elsewhere", b"Mapscope")
    assert (again.header.space_group, again.header.extended) == (1, b"")


def test_write_when_ten_labels_exist_then_none_is_lost(make_map: MapMaker, tmp_path: Path) -> None:
    texts = tuple(f"label {i}".encode() for i in range(10))
    path = make_map(ramp(2, 2, 2), label=np.array(texts, "S80"), nlabl=10)
    again = files.read(files.write(tmp_path / "a.mrc", files.read(path)))
    assert again.header.labels == texts


def test_write_when_data_changed_then_statistics_are_those_of_the_data(
    make_map: MapMaker, tmp_path: Path
) -> None:
    volume = files.read(make_map(ramp(3, 4, 5), dmin=-9, dmax=9, dmean=0, rms=1))
    data = np.random.default_rng(3).normal(1000, 2, (3, 4, 5))
    path = files.write(tmp_path / "a.mrc", volume.with_data(data.astype(np.float32)))
    words = [gemmi.read_ccp4_map(str(path)).header_float(i) for i in (20, 21, 22, 55)]
    expected = [data.min(), data.max(), data.mean(), data.std()]
    np.testing.assert_allclose(words, expected, rtol=1e-6)


def test_read_when_big_endian_extended_header_is_binary_then_it_is_not_passed_on(
    make_map: MapMaker,
) -> None:
    binary = bytes(range(256)) * 3
    for order, kept in (("<", binary), (">", b"")):
        path = make_map(ramp(2, 2, 2), order=order, extended=binary, exttyp=b"FEI1")
        assert files.read(path).header.extended == kept


@pytest.mark.real_data
def test_write_when_real_maps_are_written_then_gemmi_finds_the_same_frame_and_data(
    data_folder: Path, tmp_path: Path
) -> None:
    paths = sorted(data_folder.glob("maps/*/*.mrc.gz"))
    assert len(paths) >= 30
    kept = 0
    for path in paths:
        volume = files.read(path)
        copy = files.write(tmp_path / "copy.map", volume)
        assert mrcfile.validate(copy), path
        source, written = gemmi.read_ccp4_map(str(path)), gemmi.read_ccp4_map(str(copy))
        if volume.header is None:
            assert {source.header_float(word) for word in (14, 15, 16)} != {90.0}
            continue
        kept += 1
        for first in (WORDS["N"], WORDS["NSTART"], WORDS["M"], WORDS["MAPC"]):
            for word in range(first, first + 3):
                assert written.header_i32(word) == source.header_i32(word), (path, word)
        for word in (*range(11, 17), 50, 51, 52):
            assert written.header_float(word) == source.header_float(word), (path, word)
        assert written.header_i32(WORDS["mode"]) == source.header_i32(WORDS["mode"])
        assert written.header_i32(WORDS["nsymbt"]) == source.header_i32(WORDS["nsymbt"])
        assert written.header_i32(WORDS["ispg"]) == max(source.header_i32(WORDS["ispg"]), 1)
        np.testing.assert_array_equal(np.array(written.grid.array), np.array(source.grid.array))
    assert kept == len(paths) - 5
