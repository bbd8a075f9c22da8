"""Structures come from the part of the split that was asked for, in turn, and always the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapscope.errors import InputError
from mapscope.files import read
from mapscope.training import held_out as module
from mapscope.training.corpus import PackedEntry, write_corpus
from mapscope.training.entry import entry_from_structure
from mapscope.training.held_out import held_out


class FewClusters:
    """A split of two clusters, one of them with two entries."""

    def clusters(self, part: str) -> dict[str, list[str]]:
        return {"c1": ["one", "two"], "c2": ["three"]} if part == "test" else {"c3": ["four"]}


@pytest.fixture
def corpus(tmp_path: Path, sample_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    structure = read(sample_folder / "four_helix_bundle.cif")
    names = ("one", "two", "three", "four")
    entries = [PackedEntry(entry_from_structure(structure, name)) for name in names]
    path = tmp_path / "corpus.safetensors"
    write_corpus(path, entries)
    monkeypatch.setattr(module, "read_split", FewClusters)
    return path


def test_one_of_each_cluster_comes_first_then_the_others_then_all_again(corpus: Path) -> None:
    names = [name for name, _ in held_out("test", 5, corpus=corpus)]
    assert names == ["one", "three", "two", "one", "three"]
    assert [name for name, _ in held_out("validation", 2, corpus=corpus)] == ["four", "four"]


def test_structures_are_those_of_the_corpus(corpus: Path) -> None:
    ((_, structure),) = held_out("test", 1, corpus=corpus)
    assert len(structure.positions) == 605


def test_structures_of_a_folder_are_the_same_as_of_a_corpus(
    corpus: Path, tmp_path: Path, sample_folder: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "three.cif").write_bytes((sample_folder / "four_helix_bundle.cif").read_bytes())
    ((name, structure),) = held_out("test", 1, folder=folder)
    ((_, packed),) = held_out("test", 1, corpus=corpus)
    assert name == "three"
    assert abs(structure.positions - packed.positions).max() < 0.01


def test_nothing_to_take_from_says_so(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="corpus or a folder"):
        next(held_out("test", 1))
    with pytest.raises(InputError, match="fine-tuning"):
        next(held_out("fine-tuning", 1, folder=_with_other(tmp_path, corpus)))


def _with_other(tmp_path: Path, corpus: Path) -> Path:
    folder = tmp_path / "others"
    folder.mkdir()
    ((_, structure),) = held_out("test", 1, corpus=corpus)
    structure.model.make_mmcif_document().write_file(str(folder / "five.cif"))
    return folder
