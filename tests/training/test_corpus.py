"""A corpus gives back what went into it, entry by entry, and notices damage."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import InputError, MapFormatError
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.training.corpus import Corpus, PackedEntry, write_corpus
from mapscope.training.entry import CorpusEntry, entry_from_structure
from mapscope.training.packing import pack, unpack

ARRAYS = [name for name, value in CorpusEntry.__annotations__.items() if "rray" in value]


def assert_same(one: CorpusEntry, other: CorpusEntry) -> None:
    """Every array is equal; positions to the last bit."""
    for name in ARRAYS:
        first, second = getattr(one, name), getattr(other, name)
        if name in ("b_factors", "occupancies"):
            np.testing.assert_allclose(first, second, atol=0.0051)
        else:
            np.testing.assert_array_equal(first, second, err_msg=name)


def test_unpack_gives_back_every_array_exactly(bundle_entry: CorpusEntry) -> None:
    data, size = pack(bundle_entry)
    again = unpack(data, size, "bundle", 2.5, "ELECTRON MICROSCOPY")
    assert_same(again, bundle_entry)
    assert (again.resolution, again.method) == (2.5, "ELECTRON MICROSCOPY")
    assert len(data) < 12 * len(bundle_entry)


def test_pack_when_a_residue_is_wide_keeps_positions_within_5_thousandths(
    bundle_entry: CorpusEntry,
) -> None:
    positions = bundle_entry.positions.copy()
    positions[1] += (90.0, 0.00213, 0.0)
    wide = replace(bundle_entry, positions=positions)
    error = unpack(*pack(wide), "wide").positions - positions
    assert 0 < np.abs(error).max() <= 0.005
    positions[1] += 200
    with pytest.raises(InputError, match="over 164 Å wide"):
        pack(replace(bundle_entry, positions=positions))


def test_structure_of_an_entry_is_the_structure_that_it_was_made_of(
    bundle: Structure, bundle_entry: CorpusEntry, tmp_path: Path
) -> None:
    again = unpack(*pack(bundle_entry), "bundle").structure()
    heavy = bundle.elements != "H"
    assert np.abs(again.positions - bundle.positions[heavy]).max() <= 0.0005
    for name in ("elements", "atom_names", "residue_names", "chains", "residue_numbers"):
        assert (getattr(again, name) == getattr(bundle, name)[heavy]).all()
    written = read(write(tmp_path / "a.cif", again))
    assert written.checksum() == again.checksum()
    assert Structure.from_gemmi(again.model).checksum() == again.checksum()


def test_entry_keeps_alternates_insertions_and_hetero_flags() -> None:
    structure = example_noun(Structure)
    model = structure.model.clone()
    residue = model[0][0][3]
    residue.seqid, residue.het_flag = gemmi.SeqId(4, "A"), "H"
    residue[0].altloc, residue[0].occ = "B", 0.35
    entry = entry_from_structure(Structure.from_gemmi(model), "a")
    again = unpack(*pack(entry), "a")
    assert_same(again, entry)
    assert chr(again.insertion_codes[3]) == "A"
    assert again.is_hetero.tolist() == [n == 3 for n in range(14)]
    built = again.structure().model[0][0][3]
    assert (built[0].altloc, built.het_flag, str(built.seqid)) == ("B", "H", "4A")
    assert built[0].occ == pytest.approx(0.35)


def test_corpus_is_read_entry_by_entry_and_does_not_depend_on_order(
    bundle_entry: CorpusEntry, tmp_path: Path
) -> None:
    other = entry_from_structure(example_noun(Structure), "a/helix", resolution=3.25)
    packed = [PackedEntry(bundle_entry), PackedEntry(other)]
    size = write_corpus(tmp_path / "one.safetensors", packed)
    write_corpus(tmp_path / "two.safetensors", packed[::-1])
    content = (tmp_path / "one.safetensors").read_bytes()
    assert content == (tmp_path / "two.safetensors").read_bytes()
    assert len(content) == size
    corpus = Corpus.open(tmp_path / "one.safetensors")
    assert list(corpus) == ["a/helix", "bundle"]
    assert corpus["a/helix"].resolution == corpus.index["a/helix"].resolution == 3.25
    assert_same(corpus["bundle"], bundle_entry)
    assert_same(pickle.loads(pickle.dumps(corpus))["bundle"], bundle_entry)
    assert [s.letters for s in corpus.index["a/helix"].sequences] == ["A" * 14]
    with pytest.raises(KeyError):
        corpus["missing"]


def test_write_corpus_when_names_repeat_or_none_come_is_refused(
    bundle_entry: CorpusEntry, tmp_path: Path
) -> None:
    for entries in ([], [PackedEntry(bundle_entry)] * 2):
        with pytest.raises(InputError, match="a name of its own"):
            write_corpus(tmp_path / "a.safetensors", entries)
    assert not list(tmp_path.iterdir())


def test_corpus_when_a_byte_is_damaged_names_the_entry(
    bundle_entry: CorpusEntry, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    write_corpus(path, [PackedEntry(bundle_entry)])
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(MapFormatError, match="entry bundle is damaged"):
        Corpus.open(path)["bundle"]
    with pytest.raises(MapFormatError, match="cannot be read"):
        unpack(bytes(content[-50:]), 1000, "bundle")


def test_open_when_it_is_no_corpus_says_what_to_do(
    bundle_entry: CorpusEntry, tmp_path: Path
) -> None:
    from safetensors.numpy import save

    path = tmp_path / "a.safetensors"
    with pytest.raises(FileNotFoundError, match="make one with build-corpus"):
        Corpus.open(path)
    for content in (
        b"",
        b"no corpus",
        save({"a": np.zeros(3)}),
        save({}, {"mapscope_corpus": "1"}),
    ):
        path.write_bytes(content)
        with pytest.raises(MapFormatError, match="is no corpus"):
            Corpus.open(path)
    later = json.dumps({"format_version": 2, "entries": []})
    path.write_bytes(save({}, {"mapscope_corpus": later}))
    with pytest.raises(MapFormatError, match="version 2"):
        Corpus.open(path)


@pytest.mark.real_data
def test_pack_when_structures_are_real_gives_back_what_files_state(data_folder: Path) -> None:
    for path in sorted((data_folder / "structures").glob("*.gz"))[::120]:
        entry = entry_from_structure(read(path), path.name)
        again = unpack(*pack(entry), path.name)
        assert_same(again, entry)
        assert np.abs(again.b_factors - entry.b_factors).max() <= 0.0051
