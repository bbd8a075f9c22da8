"""A file says what can be chosen about it; whole numbers are labels where they are meant so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gemmi
import numpy as np
import pytest

from mapscope.errors import DataError, InputError
from mapscope.files import choices, choices_of_noun, cover_that_helps, read, write
from mapscope.files.label_map import MARK
from mapscope.inspection import inspect
from mapscope.labels import Labels
from mapscope.record import source_of
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.volume import Volume

MapMaker = Callable[..., Path]
REGIONS = np.repeat(np.arange(4, dtype=np.int32), 54).reshape(6, 6, 6)


def test_choices_of_reflections_are_their_columns_and_cover(reflections_file: Path) -> None:
    columns, cover = choices(reflections_file)
    assert columns.values == ("FWT,PHWT", "DELFWT,PHDELWT")
    assert (columns.current, columns.reason, columns.must_be_made) == ("FWT,PHWT", "", False)
    assert (cover.name, cover.values, cover.current) == ("cover", (None,), None)
    chosen = choices_of_noun(read(reflections_file, columns="DELFWT, PHDELWT"))[0]
    assert chosen.current == "DELFWT,PHDELWT"
    assert chosen.values == columns.values
    beside = choices_of_noun(read(reflections_file, columns="FWT,PHDELWT"))[0]
    assert beside.values == (*columns.values, "FWT,PHDELWT")


def test_choices_of_a_stack_are_its_volumes(make_map: MapMaker) -> None:
    data = np.random.default_rng(0).standard_normal((6, 3, 4)).astype(np.float32)
    path = make_map(data, ispg=401, mz=2)
    (index,) = choices(path)
    assert (index.values, index.must_be_made) == ((0, 1, 2), True)
    (chosen,) = choices_of_noun(read(path, index=1))
    assert (chosen.current, chosen.must_be_made) == (1, False)
    assert choices(make_map(data, name="single.mrc")) == ()


def test_choices_of_a_model_are_its_assemblies(tmp_path: Path) -> None:
    model = example_noun(Structure).model.clone()
    (none,) = choices(write(tmp_path / "plain.cif", Structure.from_gemmi(model)))
    assert (none.values, none.current) == ((None,), None)
    assert none.reason == "the file describes no assembly"
    assembly = gemmi.Assembly("1")
    assembly.oligomeric_details = "TRIMERIC"
    assembly.generators.append(gemmi.Assembly.Gen())
    assembly.generators[0].chains = [chain.name for chain in model[0]]
    assembly.generators[0].operators.append(gemmi.Assembly.Operator())
    model.assemblies.append(assembly)
    path = write(tmp_path / "a.cif", Structure.from_gemmi(model))
    (found,) = choices(path)
    assert found.values == (None, "1")
    assert [found.text_of(v) for v in found.values] == ["as deposited", "1 (trimeric)"]
    (chosen,) = choices_of_noun(read(path, assembly="1"))
    assert chosen.current == "1"


def test_choices_when_a_noun_was_made_are_none() -> None:
    assert choices_of_noun(example_noun(Volume)) == ()
    assert choices_of_noun(example_noun(Structure)) == ()


def test_cover_that_helps_when_the_model_lies_beyond_its_cell_only(
    make_map: MapMaker, model_far_away: Callable[..., Path]
) -> None:
    cell = (30.0, 32.0, 34.0, 90.0, 105.0, 90.0)
    path = make_map(np.ones((17, 16, 15), np.float32), cella=cell[:3], cellb=cell[3:])
    volume, model = read(path), read(model_far_away(cell))
    assert cover_that_helps(volume, model)
    assert not cover_that_helps(read(path, cover=model), model)
    assert not cover_that_helps(read(path, cover=((0, 0, 0), (9, 9, 9))), model)
    moved = model.model.clone()
    moved.cell = gemmi.UnitCell(30, 32, 36, 90, 105, 90)
    assert not cover_that_helps(volume, Structure.from_gemmi(moved))
    moved.cell = gemmi.UnitCell()
    assert not cover_that_helps(volume, Structure.from_gemmi(moved))
    assert not cover_that_helps(example_noun(Volume), model)
    em = make_map(np.ones((17, 16, 15), np.float32), name="em.mrc", cella=(30.0, 32.0, 34.0))
    assert not cover_that_helps(read(em), model)


@pytest.mark.parametrize("kind", ["i1", "i4", "u2", "i8"])
def test_labels_when_written_as_a_map_come_back_as_labels(tmp_path: Path, kind: str) -> None:
    labels = Labels(
        REGIONS.astype(kind),
        (2.0,) * 3,
        (4.0, -2.0, 0.5),
        {1: "helix", 2: "strand of A", 3: "#3"},
        {1: (1.0, 128 / 255, 0.0), 0: (0.0, 0.0, 0.0)},
    )
    path = write(tmp_path / "a.mrc", labels)
    again = read(path)
    assert type(again) is Labels
    assert again.checksum() == labels.checksum()
    assert again.names == labels.names
    assert again.colors == labels.colors
    assert source_of(again).options == {}
    assert write(tmp_path / "b.mrc", again).read_bytes() == path.read_bytes()
    found = inspect(path)
    assert (found.kind, found.facts["voxels"]) == ("labels", (6, 6, 6))


def test_labels_when_their_numbers_need_floats_come_back_as_integers(tmp_path: Path) -> None:
    labels = Labels(np.array([[[-1, 70_000], [0, 2**24]]]))
    again = read(write(tmp_path / "a.mrc", labels))
    np.testing.assert_array_equal(again.data, labels.data)
    assert again.checksum() == labels.checksum()


@pytest.mark.parametrize(
    "names",
    [
        dict.fromkeys(range(10), "x"),
        {1: "y" * 80},
        {1: "hélice"},
        {1: "two\nlines"},
        {1: " blank"},
        {1: ""},
    ],
)
def test_names_when_they_do_not_fit_are_left_out_and_labels_stay(
    tmp_path: Path, names: dict[int, str]
) -> None:
    again = read(write(tmp_path / "a.mrc", Labels(REGIONS, names=names)))
    assert type(again) is Labels
    assert again.names == {}
    np.testing.assert_array_equal(again.data, REGIONS)


def test_labels_when_read_as_a_volume_are_written_as_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mrc", Labels(REGIONS, names={1: "helix"}))
    volume = read(path, kind="volume")
    assert isinstance(volume, Volume)
    assert volume.header is not None
    assert MARK in volume.header.labels
    assert type(read(write(tmp_path / "b.mrc", volume))) is Volume
    assert [c.current for c in choices_of_noun(volume)] == ["volume"]
    assert [c.current for c in choices_of_noun(read(path))] == ["labels"]


def test_marked_file_when_another_program_put_density_into_it_is_a_volume(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mrc", Labels(REGIONS.astype(np.int16) + 200))
    raw = bytearray(path.read_bytes())
    raw[1024:1026] = np.array(-7, "<i2").tobytes()
    path.write_bytes(raw)
    assert isinstance(read(path), Volume)
    with pytest.raises(DataError, match=r"a\.mrc: labels are numbers from -1"):
        read(path, kind="labels")


def test_foreign_map_when_its_numbers_are_whole_and_few_may_be_labels(make_map: MapMaker) -> None:
    path = make_map(REGIONS.astype(np.float32))
    volume = read(path)
    assert isinstance(volume, Volume)
    (kind,) = choices_of_noun(volume)
    assert (kind.name, kind.values, kind.current) == ("kind", ("volume", "labels"), "volume")
    labels = read(path, kind="labels")
    assert type(labels) is Labels
    np.testing.assert_array_equal(labels.data, REGIONS)
    assert source_of(labels).options == {"kind": "labels"}
    for other in (REGIONS - 1.0, REGIONS + 0.5, np.arange(216).reshape(6, 6, 6)):
        density = read(make_map(other.astype(np.float32), name="other.mrc"))
        assert choices_of_noun(density) == ()
    with pytest.raises(DataError, match=r"half\.mrc: labels are whole numbers"):
        read(make_map((REGIONS + 0.5).astype(np.float32), name="half.mrc"), kind="labels")


def test_kind_when_the_file_holds_no_volume_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.cif", example_noun(Structure))
    with pytest.raises(InputError, match=r"kind is an option of .*\.mrc"):
        read(path, kind="labels")


@pytest.mark.real_data
def test_choices_of_real_files_are_read_without_error(data_folder: Path) -> None:
    found = choices(data_folder / "reflections" / "1dur" / "data.mtz.gz")
    assert found[0].values[:2] == ("FWT,PHWT", "FP,PHIC")
    assert found[0].values[-1] == "DELFWT,PHDELWT"
    volume = read(data_folder / "maps" / "xray_1mru" / "map.mrc.gz")
    model = read(data_folder / "maps" / "xray_1mru" / "model.pdb.gz")
    assert cover_that_helps(volume, model)
