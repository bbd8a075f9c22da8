"""OME-Zarr folders: pyramids, places, units, laziness, and refusals with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from mapscope import files
from mapscope.errors import InputError, MapFormatError, UnknownFormatError
from mapscope.files import ome_zarr
from mapscope.testing import example_noun
from mapscope.volume import LazyArray, Volume

Array = np.ndarray[Any, Any]
DATA = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)


def make_image(
    path: Path,
    data: Array = DATA,
    axes: str = "zyx",
    version: str = "0.5",
    unit: str | None = "nanometer",
    steps: tuple[Any, ...] = (),
    shared: tuple[Any, ...] = (),
) -> Path:
    """An image of one level, written by zarr after the specification."""
    group = zarr.create_group(path, zarr_format=3 if version == "0.5" else 2)
    array = group.create_array("0", shape=data.shape, dtype=data.dtype, chunks=data.shape)
    array[...] = data
    scale = [{"type": "scale", "scale": [2.0] * len(axes)}]
    described: list[dict[str, Any]] = []
    for name in axes:
        kind = {"t": "time", "c": "channel"}.get(name, "space")
        described.append({"name": name, "type": kind})
        if unit is not None and kind == "space":
            described[-1]["unit"] = unit
    image: dict[str, Any] = {"axes": described, "version": version}
    image["datasets"] = [{"path": "0", "coordinateTransformations": list(steps) or scale}]
    if shared:
        image["coordinateTransformations"] = list(shared)
    plain = {"multiscales": [image]}
    if version == "0.5":
        group.attrs["ome"] = {**plain, "version": version}
    else:
        group.attrs.update(plain)
    return path


def change(path: Path, edit: Any) -> None:
    """Apply `edit` to the pyramid's entry in the metadata of version 0.5."""
    described = json.loads((path / "zarr.json").read_text())
    edit(described["attributes"]["ome"])
    (path / "zarr.json").write_text(json.dumps(described))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("unit", "angstrom"), [("angstrom", 1.0), ("nanometer", 10.0), ("micrometer", 1e4)]
)
def test_read_when_the_unit_is_a_length_then_voxels_are_in_angstrom(
    tmp_path: Path, version: str, unit: str, angstrom: float
) -> None:
    volume = files.read(make_image(tmp_path / "a.zarr", version=version, unit=unit))
    np.testing.assert_array_equal(volume.data, DATA)
    assert volume.voxel_size == pytest.approx((2 * angstrom,) * 3)


@pytest.mark.parametrize("axes", ["xyz", "yxz", "tczyx", "czyx"])
def test_read_when_axes_stand_otherwise_then_z_y_x_come_out(tmp_path: Path, axes: str) -> None:
    stored = DATA.transpose([("zyx").index(n) for n in axes if n in "zyx"])
    stored = stored.reshape((1,) * (len(axes) - 3) + stored.shape)
    path = make_image(tmp_path / "a.zarr", stored, axes)
    np.testing.assert_array_equal(files.read(path).data, DATA)
    lazy = files.read_levels(path)[0].data
    assert isinstance(lazy, LazyArray)
    np.testing.assert_array_equal(lazy[1:3, 2, ::2], DATA[1:3, 2, ::2])


def test_read_when_scales_and_shifts_are_given_then_they_apply_in_their_order(
    tmp_path: Path,
) -> None:
    steps = (
        {"type": "scale", "scale": [1.0, 2.0, 3.0]},
        {"type": "translation", "translation": [10.0, 20.0, -30.0]},
    )
    shared = ({"type": "scale", "scale": [2.0, 2.0, 0.5]},)
    path = make_image(tmp_path / "a.zarr", steps=steps, shared=shared, unit="angstrom")
    volume = files.read(path)
    assert volume.voxel_size == (2.0, 4.0, 1.5)
    assert volume.origin == (20.0, 40.0, -15.0)


def test_read_when_axes_have_no_unit_then_permissive_takes_angstrom(tmp_path: Path) -> None:
    path = make_image(tmp_path / "a.zarr", unit=None)
    with pytest.raises(MapFormatError, match=r"no unit.*would take Å"):
        files.read(path)
    with pytest.warns(files.FileWarning, match="no unit: take Å"):
        assert files.read(path, permissive=True).voxel_size == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "second"}, "the unit 'second' of its axes is no length"),
        ({"axes": "zyc"}, "expected axes z, y, x"),
        ({"axes": "czyx", "data": np.ones((2, 3, 4, 5), np.float32)}, "axis 'c' has 2 entries"),
        ({"data": np.ones((3, 4, 5), np.complex64)}, "complex64 are not density"),
        ({"steps": ({"type": "scale", "scale": [1.0, 2.0]},)}, "for 3 axes"),
        ({"steps": ({"type": "affine", "affine": []},)}, "of type 'affine'"),
        ({"steps": ({"type": "scale", "scale": [0.0, 1.0, 1.0]},)}, "make no sense"),
        ({"data": np.full((3, 4, 5), np.nan, np.float32)}, "60 of 60 numbers are not finite"),
    ],
)
def test_read_when_the_image_is_no_map_then_the_reason_is_given(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(MapFormatError, match=message):
        files.read(make_image(tmp_path / "a.zarr", **options))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda ome: ome.pop("multiscales"), "no 'multiscales'"),
        (lambda ome: ome.update(multiscales=ome["multiscales"] * 2), "one image"),
        (lambda ome: ome.update(version="0.9"), "another version"),
        (lambda ome: ome["multiscales"][0].pop("axes"), "incomplete or damaged.*axes"),
        (lambda ome: ome["multiscales"][0]["datasets"][0].update(path="1"), "damaged"),
        (lambda ome: ome["multiscales"][0]["datasets"][0].update(path="../b"), "outside"),
        (lambda ome: ome["multiscales"][0].update(datasets=[]), "expected 1 to 32 levels"),
        (lambda ome: ome["multiscales"][0].update(datasets=[3]), "damaged"),
        (lambda ome: ome.update(multiscales=["x"]), "damaged"),
    ],
)
def test_read_when_metadata_are_broken_then_it_is_refused(
    tmp_path: Path, edit: Any, message: str
) -> None:
    path = make_image(tmp_path / "a.zarr")
    change(path, edit)
    with pytest.raises(MapFormatError, match=message):
        files.read(path)


def test_read_when_the_folder_is_no_image_then_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(MapFormatError, match=r"zarr\.json"):
        files.read(tmp_path / "a.zarr")
    (tmp_path / "b.zarr").write_bytes(b"PK")
    with pytest.raises(MapFormatError, match=r"zarr\.json"):
        files.read(tmp_path / "b.zarr")
    (tmp_path / "a.zarr" / "zarr.json").write_text("[[[")
    with pytest.raises(MapFormatError, match="damaged"):
        files.read(tmp_path / "a.zarr")


def test_read_when_a_chunk_is_damaged_then_it_is_refused(tmp_path: Path) -> None:
    path = make_image(tmp_path / "a.zarr")
    chunk = next(p for p in (path / "0" / "c").rglob("*") if p.is_file())
    chunk.write_bytes(b"\x28\xb5\x2f\xfd" + b"\xff" * 40)
    with pytest.raises(MapFormatError, match="chunk"):
        files.read(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("shape", [2**20, 2**20, 2**20], "cannot hold"),
        ("shape", [-1, 4, 5], "damaged|impossible"),
        ("codecs", [{"name": "numcodecs.pickle"}], "pickle.*not known or not safe"),
    ],
)
def test_read_when_an_arrays_metadata_lie_then_nothing_is_allocated(
    tmp_path: Path, key: str, value: Any, message: str
) -> None:
    path = make_image(tmp_path / "a.zarr")
    described = json.loads((path / "0" / "zarr.json").read_text())
    described[key] = value
    (path / "0" / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(MapFormatError, match=message):
        files.read(path)


def test_write_when_read_back_then_the_volume_is_the_same_and_bytes_repeat(
    tmp_path: Path,
) -> None:
    volume = example_noun(Volume)
    path = files.write(tmp_path / "a.ome.zarr", volume)
    again = files.read(path)
    assert again.checksum() == volume.checksum()
    second = files.write(tmp_path / "b.zarr", again)
    names = sorted(p.relative_to(path) for p in path.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    assert all((path / n).read_bytes() == (second / n).read_bytes() for n in names)


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_write_when_a_map_packs_better_than_a_bomb_then_it_can_still_be_read(
    tmp_path: Path, value: float
) -> None:
    data = np.full((96, 96, 96), value, np.float32)
    data[40:42, 3, 7] = 1.0
    path = files.write(tmp_path / "sparse.zarr", Volume(data))
    np.testing.assert_array_equal(np.asarray(files.read(path).data), data)


def test_write_when_the_map_is_large_then_each_level_is_the_mean_of_the_finer_in_its_place(
    tmp_path: Path,
) -> None:
    z, y, x = np.indices((70, 131, 64))
    data = (3.0 * z + 2.0 * y + x).astype(np.float32)
    volume = Volume(data, (1.2, 1.3, 1.4), (10.0, -20.0, 30.0))
    levels = files.read_levels(files.write(tmp_path / "a.zarr", volume))
    assert [level.shape for level in levels] == [(70, 131, 64), (35, 66, 32), (18, 33, 16)]
    np.testing.assert_array_equal(levels[0].data, data)
    half = data[:, :130].reshape(35, 2, 65, 2, 32, 2).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(levels[1].data[:, :65], half, rtol=1e-6)
    # A linear density has the value of its place at every level, away from an odd end.
    for level in levels:
        place = level.grid.world_from_index([3, 4, 5])
        index = volume.grid.index_from_world(place)
        assert level.data[3, 4, 5] == pytest.approx(index @ [3.0, 2.0, 1.0], rel=1e-5)


def test_read_when_the_image_is_larger_than_the_limit_then_only_what_is_asked_for_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ome_zarr, "LAZY_ABOVE_BYTES", 1000)
    data = np.random.default_rng(0).standard_normal((130, 70, 66)).astype(np.float32)
    path = files.write(tmp_path / "a.zarr", Volume(data))
    for chunk in (path / "0" / "c" / "2").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"x")
    volume = files.read(path)
    assert isinstance(volume.data, LazyArray)
    np.testing.assert_array_equal(volume.data[100], data[100])
    np.testing.assert_array_equal(volume.data[100:110:2, 3:5, 7], data[100:110:2, 3:5, 7])
    with pytest.raises(MapFormatError, match="chunk"):
        volume.data[129]


def test_lazy_array_when_used_like_an_array_then_it_is_one() -> None:
    calls: list[Any] = []

    def load(box: tuple[slice, ...]) -> Array:
        calls.append(box)
        return DATA[box]

    lazy: Any = LazyArray(DATA.shape, DATA.dtype, load)
    for index in (1, -1, slice(2, 0, -1), (slice(1, 3), 2), (0, slice(3, 1), 1), (2, 3, 4)):
        np.testing.assert_array_equal(lazy[index], DATA[index])
    assert (lazy.shape, lazy.ndim, len(lazy), lazy.nbytes) == ((3, 4, 5), 3, 3, 240)
    np.testing.assert_array_equal(np.stack(list(lazy)), DATA)
    assert (slice(0, 3), slice(0, 4), slice(0, 5)) not in calls
    np.testing.assert_array_equal(lazy * 2 + lazy, DATA * 3)
    assert lazy.std() == DATA.std()
    np.testing.assert_array_equal(lazy[DATA > 0], DATA[DATA > 0])
    assert calls.count((slice(0, 3), slice(0, 4), slice(0, 5))) == 1
    volume = Volume(lazy)
    assert volume.checksum() == Volume(DATA).checksum()
    np.testing.assert_array_equal(volume.float32(), DATA)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(lazy)[0, 0, 0] = 1


def test_lazy_array_when_a_large_box_is_cut_out_or_no_attribute_exists_then_nothing_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mapscope.arrays._LARGE_PART_BYTES", 8)
    calls: list[Any] = []

    def load(box: tuple[slice, ...]) -> Array:
        calls.append(box)
        return DATA[box]

    lazy: Any = LazyArray(DATA.shape, DATA.dtype, load)
    part = lazy[1:, 1:3]
    assert isinstance(part, LazyArray)
    assert not hasattr(lazy, "chunks")
    assert calls == []
    np.testing.assert_array_equal(part[1], DATA[2, 1:3])
    assert calls == [(slice(2, 3), slice(1, 3), slice(0, 5))]
    np.testing.assert_array_equal(part, DATA[1:, 1:3])


def test_write_when_the_folder_is_something_else_then_it_stays(tmp_path: Path) -> None:
    mine = tmp_path / "a.zarr"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no Zarr folder"):
        files.write(mine, Volume(DATA))
    assert (mine / "thesis.txt").read_text() == "years of work"


def test_write_when_an_older_image_is_there_then_it_is_replaced_or_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path / "a.zarr", Volume(DATA))
    files.write(path, Volume(2 * DATA))
    np.testing.assert_array_equal(files.read(path).data, 2 * DATA)

    def fail(*_: Any) -> Array:
        raise OSError(28, "no space left")

    monkeypatch.setattr(ome_zarr, "_written", fail)
    with pytest.raises(OSError, match="no space"):
        files.write(path, Volume(DATA))
    np.testing.assert_array_equal(files.read(path).data, 2 * DATA)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_write_when_a_folder_is_to_be_compressed_then_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError):
        files.write(tmp_path / "a.zarr.gz", Volume(DATA))


def test_write_when_validated_by_ome_zarr_models_then_it_is_valid(tmp_path: Path) -> None:
    pytest.importorskip("ome_zarr_models", reason="ome-zarr-models is not installed")
    path = files.write(tmp_path / "a.zarr", Volume(DATA, (1.0, 2.0, 3.0)))
    command = [str(Path(sys.executable).parent / "ome-zarr-models"), "validate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_read_when_most_chunks_are_absent_then_they_are_the_fill_value(tmp_path: Path) -> None:
    """As tomograms are that were written sparsely: 1 GB of voxels in a few thousand bytes."""
    path = make_image(tmp_path / "a.zarr")
    group = zarr.open_group(path)
    array = group.create_array(
        "0", shape=(256, 1024, 1024), chunks=(32,) * 3, dtype=np.float32, overwrite=True
    )
    values = np.random.default_rng(0).standard_normal((32, 32, 32)).astype(np.float32)
    array[64:96, 512:544, 0:32] = values
    volume = files.read(path)
    assert volume.shape == (256, 1024, 1024)
    np.testing.assert_array_equal(volume.data[70, 512:544, :32], values[6])
    assert not volume.data[100].any()
    # One chunk that would unpack to far more than it holds is refused as before.
    described = json.loads((path / "0" / "zarr.json").read_text())
    described["chunk_grid"]["configuration"]["chunk_shape"] = [128, 1024, 1024]
    (path / "0" / "zarr.json").write_text(json.dumps(described))
    for file in (path / "0" / "c").rglob("*"):
        if file.is_file():
            file.write_bytes(b"x" * 100)
    with pytest.raises(MapFormatError, match="cannot hold"):
        files.read(path)


@pytest.mark.parametrize("kept", [1, 10**4, 10**9])
def test_parts_of_a_lazy_image_are_right_whatever_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    data = np.random.default_rng(1).standard_normal((20, 22, 24)).astype(np.float32)
    data[3, 4, 5], data[7, 8, 9] = np.nan, -np.inf
    path = make_image(tmp_path / "a.zarr", data)
    array = zarr.open_group(path).create_array(
        "0", shape=data.shape, chunks=(8, 8, 8), dtype=np.float32, overwrite=True
    )
    array[...] = data
    monkeypatch.setattr(ome_zarr, "_KEPT_BYTES", kept)
    lazy = files.read_levels(path)[0].data
    wanted = np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)
    for key in np.s_[5, :, 3:20], np.s_[:, 21], np.s_[2:19, 3:5, :], np.s_[6:6], np.s_[7:10, ::-3]:
        np.testing.assert_array_equal(lazy[key], wanted[key])
        np.testing.assert_array_equal(lazy[key], wanted[key])  # from what is kept
    assert isinstance(lazy, LazyArray)
    assert lazy.block_shape == (8, 8, 8)
