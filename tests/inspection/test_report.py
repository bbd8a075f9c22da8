"""Inspection of files: what they are, what is wrong, and that nothing in a file makes it raise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mrcfile.dtypes
import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import InputError, MapscopeError, UnknownFormatError
from mapscope.files.findings import FileWarning, noted_repairs
from mapscope.inspection import (
    Finding,
    Inspection,
    findings_of_noun,
    inspect,
    inspect_noun,
    settings_for,
    text_of,
)
from mapscope.inspection.catalogue import CATALOGUE
from mapscope.inspection.finding import Severity
from mapscope.job import Job
from mapscope.jobs import inspect_map, mend_map
from mapscope.record import record_of, source_of
from mapscope.replay import as_command, as_script
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.testing import EXAMPLE_GRID, example_noun
from mapscope.volume import HalfMaps, Volume

VOLUME: Volume = example_noun(Volume)


def with_words(path: Path, **fields: Any) -> Path:
    """The same file with other header words."""
    raw = path.read_bytes()
    words = np.frombuffer(raw[:1024], mrcfile.dtypes.HEADER_DTYPE.newbyteorder("<")).copy()[0]
    for name, value in fields.items():
        words[name] = value
    path.write_bytes(words.tobytes() + raw[1024:])
    return path


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    path: Path = write(tmp_path / "map.mrc", VOLUME)
    return path


@pytest.fixture
def without_size(map_file: Path) -> Path:
    """A map with a missing voxel size, which strict reading refuses."""
    return with_words(map_file, cella=(0, 0, 0))


def test_inspect_when_a_map_is_good_finds_nothing_and_says_where_it_lies(map_file: Path) -> None:
    found = inspect(map_file)
    assert (found.kind, found.findings, found.has_errors) == ("map", (), False)
    assert found.facts["voxels"] == VOLUME.shape
    assert found.facts["origin"] == pytest.approx(VOLUME.origin)
    assert found.facts["mean"] == pytest.approx(float(VOLUME.data.mean()), abs=1e-6)
    assert "nothing wrong was found" in text_of(found)


def test_inspect_when_strict_reading_refuses_gives_an_error_that_says_what_mends_it(
    without_size: Path,
) -> None:
    with pytest.raises(MapscopeError, match="voxel size is unknown"):
        read(without_size)
    found = inspect(without_size)
    assert found.has_errors
    (error,) = found.findings
    assert (error.code, error.mend) == ("voxel_size_missing", "voxel_size=")
    with pytest.raises(InputError, match="say which voxel size"):
        settings_for(error)
    assert f"mapscope mend-map {without_size} --voxel-size SIZE" in text_of(found)


@pytest.mark.parametrize(
    ("kind", "noun", "name"),
    [
        ("structure", example_noun(Structure), "a.cif"),
        ("table", example_noun(Table), "a.csv"),
        ("half map", VOLUME, "run_half1_class001.mrc"),
        ("tomogram", Volume(np.zeros((10, 40, 40), np.int8), (10.0,) * 3), "a.rec"),
    ],
)
def test_inspect_when_the_file_is_of_a_kind_says_which(
    kind: str, noun: Any, name: str, tmp_path: Path
) -> None:
    if kind == "tomogram":
        random = np.random.default_rng(0).normal(0, 20, noun.shape)
        noun = noun.with_data(np.rint(random).astype(np.int8))
    assert inspect(write(tmp_path / name, noun)).kind == kind


def test_inspect_when_values_are_a_mask_or_labels_says_so_and_nothing_of_density() -> None:
    inside = VOLUME.data > 0.5
    mask = Volume(inside.astype(np.float32), VOLUME.voxel_size)
    assert inspect_noun(mask).kind == "mask"
    labels = Volume(inside.astype(np.int16) * 3, VOLUME.voxel_size)
    assert inspect_noun(labels).kind == "labels"
    assert inspect_noun(mask).findings == inspect_noun(labels).findings == ()


def test_inspect_when_nothing_can_read_the_file_raises_what_read_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspect(tmp_path / "missing.mrc")
    (tmp_path / "a.xyzzy").write_bytes(b"abc")
    with pytest.raises(UnknownFormatError):
        inspect(tmp_path / "a.xyzzy")


@pytest.mark.parametrize("suffix", [".mrc", ".pdb", ".cif", ".csv", ".mrc.gz"])
def test_inspect_when_the_file_is_rubbish_reports_an_error(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rubbish{suffix}"
    path.write_bytes(bytes(range(256)) * 9)
    assert inspect(path).has_errors


def test_inspect_when_a_header_is_damaged_never_raises_and_agrees_with_strict_reading(
    map_file: Path,
) -> None:
    raw = map_file.read_bytes()
    random = np.random.default_rng(7)
    refused = 0
    for _ in range(200):
        damaged = bytearray(raw)
        for _ in range(int(random.integers(1, 4))):
            word = 4 * int(random.integers(0, 56))
            damaged[word : word + 4] = random.bytes(4)
        map_file.write_bytes(damaged)
        found = inspect(map_file)
        json.dumps(found.to_json(), allow_nan=False)
        errors = [f for f in found.findings if f.severity == "error"]
        try:
            read(map_file)
            assert not errors
        except MapscopeError:
            refused += 1
            assert errors
    assert 20 < refused < 200


def test_findings_of_noun_when_the_header_lies_says_what_inspect_says(map_file: Path) -> None:
    with_words(map_file, dmin=-99.0, nxstart=90, origin=(36.0, -24.0, 12.0))
    volume = read(map_file)
    expected = {"statistics_wrong", "origin_conflict"}
    assert {f.code for f in findings_of_noun(volume)} == expected
    assert set(inspect(map_file).codes) == expected
    assert findings_of_noun(example_noun(Structure)) == ()


def test_findings_of_noun_when_numbers_are_not_finite_counts_them() -> None:
    data = VOLUME.data.copy()
    data[3, 4, 5:9] = np.nan
    (found,) = findings_of_noun(VOLUME.with_data(data))
    assert found.code == "not_finite"
    assert found.meaning.startswith("4 of")
    mended = mend_map(VOLUME.with_data(data), **settings_for(found))
    np.testing.assert_array_equal(mended.mended.data, np.nan_to_num(data))


def test_findings_of_noun_when_contrast_is_known_to_be_dark_does_not_report_it() -> None:
    dark = Volume(-VOLUME.data, VOLUME.voxel_size, contrast=-1)
    assert not findings_of_noun(dark)
    bright = Volume(-VOLUME.data, VOLUME.voxel_size)
    assert [f.code for f in findings_of_noun(bright)] == ["contrast_inverted"]


def test_inspect_map_when_called_has_a_row_for_each_finding() -> None:
    halves = example_noun(HalfMaps)
    table = inspect_map(Volume(-VOLUME.data, (1.0, 1.0, 1.0)))
    assert table["code"].tolist() == ["voxel_size_one", "contrast_inverted"]
    assert table["mend"].tolist() == ["voxel_size=", "invert_contrast=true"]
    assert inspect_map(halves.first, halves.first)["code"].tolist() == ["halves_identical"]
    moved = Volume(halves.first.data, EXAMPLE_GRID.voxel_size)
    assert inspect_map(halves.first, moved)["code"].tolist() == ["halves_apart"]


def test_mend_map_when_nothing_is_wrong_changes_nothing() -> None:
    result = mend_map(VOLUME)
    assert result.changes == ""
    assert result.mended.checksum() == VOLUME.checksum()


def test_mend_map_when_the_place_is_chosen_moves_the_map_there(map_file: Path) -> None:
    volume = read(with_words(map_file, nxstart=5, nystart=6, nzstart=7, origin=(1.0, 2.0, 3.5)))
    assert volume.origin == (3.5, 2.0, 1.0)
    at_start = mend_map(volume, place="nstart").mended
    np.testing.assert_allclose(at_start.origin, (8.4, 7.2, 6.0))
    on_grid = mend_map(volume, place="grid").mended
    np.testing.assert_allclose(on_grid.origin, (3.6, 2.4, 1.2))
    larger = mend_map(volume, voxel_size=2.4).mended
    assert larger.origin == volume.origin
    assert larger.voxel_size == (2.4, 2.4, 2.4)
    again = read(write(map_file.with_name("b.mrc"), at_start))
    np.testing.assert_allclose(again.origin, at_start.origin, atol=1e-4)
    assert not findings_of_noun(again)


def test_mend_map_when_a_setting_does_not_fit_says_why() -> None:
    with pytest.raises(InputError, match="no header"):
        mend_map(VOLUME, place="nstart")
    with pytest.raises(InputError, match="float32"):
        mend_map(VOLUME, unsigned_bytes=True)


def test_record_when_the_file_was_repaired_says_so_and_replays(without_size: Path) -> None:
    with pytest.warns(FileWarning, match="voxel size is unknown"):
        volume = read(without_size, permissive=True)
    (repair,) = source_of(volume).repairs
    result = mend_map(volume, voxel_size=1.2)
    record = record_of(result.mended)
    assert record is not None
    assert record.to_json()["inputs"][0]["sources"][0]["repairs"] == [repair]
    assert "voxel size 1 to 1.2 Å" in record.answers["changes"]
    command = as_command(record, "out.mrc")
    assert command is not None
    assert command.startswith(f"mapscope mend-map --volume {without_size}")
    script = as_script(record, "out.mrc", lambda *_: "")
    assert f"read({str(without_size)!r}, permissive=True)" in script
    filtered = record_of(Job(_same)(volume))
    assert filtered is not None
    assert as_command(filtered, "out.mrc") is None


def _same(volume: Volume) -> Volume:
    """Map that came in.

    Parameters
    ----------
    volume : Volume
        The map.

    Returns
    -------
    same : Volume
        The map.
    """
    return volume


def test_noted_repairs_when_listening_takes_the_place_of_warnings(without_size: Path) -> None:
    with noted_repairs() as repairs:
        read(without_size, permissive=True)
    assert [repair.code for repair in repairs] == ["voxel_size_missing"]


def test_inspection_when_made_puts_the_gravest_first() -> None:
    ranks: tuple[Severity, ...] = ("note", "error", "warning")
    found = [Finding(rank, rank, "", "", "") for rank in ranks]
    assert Inspection(None, "map", {}, tuple(found)).codes == ("error", "warning", "note")


def test_catalogue_when_read_aloud_is_in_sentences() -> None:
    settings = {p.name for p in mend_map.parameters}
    for code, entry in CATALOGUE.items():
        assert code.islower()
        assert entry.title[0].isupper()
        assert entry.advice.endswith(".")
        name = (entry.mend or "automatic").partition("=")[0]
        assert name in settings
