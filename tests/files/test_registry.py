"""Files lead to the right reader and writer, and appear only when complete."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
import pytest

from mapscope import files
from mapscope.errors import UnknownFormatError
from mapscope.files import registry
from mapscope.labels import Labels
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Volume

VOLUME = Volume(np.zeros((2, 2, 2), np.float32))


class FailingWriter:
    suffixes: ClassVar[tuple[str, ...]] = (".mrc",)
    nouns: ClassVar[tuple[type, ...]] = (Volume,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002
        stream.write(b"half of it")
        raise OSError("disk full")


def test_suffixes_when_asked_then_each_noun_knows_its_own() -> None:
    assert set(files.readable_suffixes()) >= {".mrc", ".map", ".ccp4", ".rec", ".pdb", ".cif"}
    assert files.writable_suffixes(Volume)[0] == ".mrc"
    assert files.writable_suffixes(Labels)[0] == ".mrc"
    assert files.writable_suffixes(Structure)[0] == ".cif"
    assert set(files.writable_suffixes(Table)) == {".csv", ".tsv", ".json", ".xml"}
    assert files.writable_suffixes(int) == ()


def test_formats_when_all_are_listed_then_suffixes_are_lower_case_with_a_dot() -> None:
    readers, writers = registry._formats()
    suffixes = [s for r in readers for s in r.suffixes] + [s for w in writers for s in w.suffixes]
    assert all(s == s.lower() and s.startswith(".") and s.count(".") == 1 for s in suffixes)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.xyz", "no reader is known for '.xyz'"),
        ("a", "no suffix"),
        ("a.mrcs", "stacks of images"),
        ("a.st", "tilt series"),
        ("a.pkl", "pickled"),
        ("a.tloc.gz", "pickled"),
    ],
)
def test_read_when_no_reader_is_known_then_it_says_why_and_what_is_readable(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UnknownFormatError, match=rf"{reason}.*readable are .*\.mrc"):
        files.read(tmp_path / name)


def test_read_when_a_pickle_has_another_name_then_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picks.dat"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UnknownFormatError, match="pickled"):
        files.read(path)


def test_read_when_there_is_no_file_then_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*a\.mrc"):
        files.read(tmp_path / "a.mrc")


def test_read_when_the_name_hides_the_compression_then_it_is_looked_through(
    tmp_path: Path,
) -> None:
    zipped = files.write(tmp_path / "a.mrc.gz", VOLUME)
    assert files.read(zipped.rename(tmp_path / "b.MAP")).shape == (2, 2, 2)


def test_write_when_the_suffix_does_not_fit_the_noun_then_it_says_what_would(
    tmp_path: Path,
) -> None:
    with pytest.raises(UnknownFormatError, match=r"Volume cannot be written as \.pdb.*\.mrc"):
        files.write(tmp_path / "a.pdb", VOLUME)


def test_write_when_the_folder_is_missing_then_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        files.write(tmp_path / "no" / "a.mrc", VOLUME)
    assert not (tmp_path / "no").exists()


def test_write_when_the_writer_fails_then_the_older_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(tmp_path / "a.mrc", VOLUME)
    before = path.read_bytes()
    monkeypatch.setattr(registry, "_formats", lambda: ((), (FailingWriter(),)))
    with pytest.raises(OSError, match="disk full"):
        files.write(path, VOLUME)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mrc"]


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2"])
def test_write_when_done_twice_then_bytes_are_equal(tmp_path: Path, ending: str) -> None:
    one = files.write(tmp_path / f"one.mrc{ending}", VOLUME)
    two = files.write(tmp_path / f"two.mrc{ending}", VOLUME)
    assert one.read_bytes() == two.read_bytes()
