"""A folder of models becomes a corpus and a split, in Python and by command."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import cli, read, write
from mapscope.errors import Cancelled, DataError, InputError, MapFormatError
from mapscope.jobs import build_corpus, make_split, train
from mapscope.jobs.training import measure_recipe
from mapscope.record import record_of
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.training.corpus import Corpus
from mapscope.training.split import PARTS, Split


@pytest.fixture
def folder(tmp_path: Path, sample_folder: Path) -> Path:
    """Models good and bad: two good ones, a copy, a broken and a truncated file, a short one."""
    models = tmp_path / "models"
    (models / "deeper").mkdir(parents=True)
    sample = sample_folder / "four_helix_bundle.cif"
    shutil.copy(sample, models / "bundle.cif")
    structure = read(sample)
    assert isinstance(structure, Structure)
    write(models / "copy.pdb.gz", structure)
    model = structure.model.clone()
    for chain in model[0]:
        for residue in chain:
            residue.seqid = gemmi.SeqId((residue.seqid.num or 0) + 100, " ")
            for atom in residue:
                atom.pos = gemmi.Position(atom.pos.x + 5, atom.pos.y, atom.pos.z)
    write(models / "deeper" / "moved.cif.gz", Structure.from_gemmi(model))
    (models / "broken.pdb").write_text("no model\n")
    packed = gzip.compress(sample.read_bytes())
    (models / "cut_short.cif.gz").write_bytes(packed[: len(packed) // 2])
    short = structure.model.clone()
    while len(short[0][0]) > 9:
        del short[0][0][-1]
    while len(short[0]) > 1:
        short[0].remove_chain(short[0][-1].name)
    write(models / "short.cif", Structure.from_gemmi(short))
    (models / "notes.txt").write_text("not a model")
    (models / "index.tsv").write_text("file\tresolution\nbundle.cif\t2.5\ncopy.pdb.gz\t9\n")
    return models


def rows(table: Table) -> dict[str, dict[str, Any]]:
    """A table's rows by entry."""
    return {str(row["entry"]): row for row in table.records()}


def test_build_corpus_keeps_good_models_and_says_why_not_of_the_others(folder: Path) -> None:
    output = folder.parent / "corpus.safetensors"
    built = build_corpus(folder=folder, output=output)
    found = rows(built.entries)
    assert list(found) == ["broken", "bundle", "copy", "cut_short", "deeper/moved", "short"]
    assert [n for n, row in found.items() if row["is_kept"]] == ["bundle", "deeper/moved"]
    assert "this is no atomic model" in found["broken"]["verdict"] or (
        "no atoms" in found["broken"]["verdict"]
    )
    assert "damaged or end early" in found["cut_short"]["verdict"]
    assert found["copy"]["verdict"] == "the same atoms as bundle"
    assert "9 residues, fewer than 50" in found["short"]["verdict"]
    assert found["bundle"]["resolution"] == 2.5
    corpus = Corpus.open(output)
    assert list(corpus) == ["bundle", "deeper/moved"]
    assert corpus["bundle"].resolution == 2.5
    assert (built.kept, built.left_out) == (2, 4)
    counts = {str(r["residue"]): r["count"] for r in built.residue_types.records()}
    names, each = np.unique(corpus["bundle"].residue_names, return_counts=True)
    assert counts == {str(n): 2 * int(c) for n, c in zip(names, each, strict=True)}
    assert built.residues == sum(counts.values())
    assert built.size_mb == pytest.approx(output.stat().st_size / 1e6)
    record = record_of(built.entries)
    assert record is not None
    assert record.parameters["folder"] == str(folder)


def test_build_corpus_when_no_model_passes_says_why_and_writes_nothing(folder: Path) -> None:
    output = folder.parent / "corpus.safetensors"
    with pytest.raises(DataError, match="none of 6 models passes"):
        build_corpus(folder=folder, output=output, min_residues=10_000)
    assert not output.exists()


def test_build_corpus_when_cancelled_writes_nothing(folder: Path) -> None:
    def stop(done: int, total: int, message: str = "") -> None:
        if done:
            raise Cancelled

    output = folder.parent / "corpus.safetensors"
    with pytest.raises(Cancelled):
        build_corpus(folder=folder, output=output, progress=stop)
    assert sorted(p.name for p in folder.parent.iterdir()) == ["models"]


def test_build_corpus_when_a_path_is_wrong_says_what_to_do(folder: Path) -> None:
    output = folder.parent / "corpus.safetensors"
    with pytest.raises(NotADirectoryError, match="is no folder"):
        build_corpus(folder=folder / "none", output=output)
    empty = folder.parent / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no model"):
        build_corpus(folder=empty, output=output)
    with pytest.raises(InputError, match=r"call it .*corpus\.safetensors"):
        build_corpus(folder=folder, output=folder.parent / "corpus.npz")
    with pytest.raises(FileNotFoundError, match="make it first"):
        build_corpus(folder=folder, output=folder.parent / "none" / "a.safetensors")


def test_commands_build_and_split_as_python_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = (folder.parent / f"{n}.safetensors" for n in ("here", "there"))
    build_corpus(folder=folder, output=here)
    command = ["build-corpus", "--folder", str(folder), "--output", str(there)]
    assert cli.main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["kept"], len(answer["entries"])) == (2, 6)
    assert here.read_bytes() == there.read_bytes()
    maps = folder.parent / "maps"
    (maps / "with_model").mkdir(parents=True)
    shutil.copy(folder / "bundle.cif", maps / "with_model" / "model.cif")
    shutil.copy(folder / "broken.pdb", maps / "with_model" / "unreadable.pdb")
    (maps / "without_model").mkdir()
    tomography = folder.parent / "tomography"
    (tomography / "models").mkdir(parents=True)
    (tomography / "templates_10A").mkdir()
    shutil.copy(folder / "short.cif", tomography / "models" / "helix.cif")
    for name in ("helix.mrc", "4cr2.mrc.gz"):
        (tomography / "templates_10A" / name).write_bytes(b"")
    expected = make_split(corpus=there, maps=maps, tomography=tomography)
    words = ["make-split", "--corpus", str(there), "--maps", str(maps)]
    out = folder.parent / "split.tsv"
    assert cli.main([*words, "--tomography", str(tomography), "--out", str(out)]) == 0
    assert read(out).checksum() == expected.checksum()
    found = {f"{r['source']}/{r['entry']}": r for r in expected.records()}
    assert list(found) == [
        "maps/with_model",
        "maps/without_model",
        "structures/bundle",
        "structures/deeper/moved",
        "tomography/4cr2",
        "tomography/helix",
    ]
    assert found["maps/without_model"]["part"] == found["tomography/4cr2"]["part"] == "test"
    tied = {found[k]["cluster"] for k in ("maps/with_model", "structures/bundle")}
    assert tied == {found["structures/deeper/moved"]["cluster"]}
    assert Split(expected).part_of("structures", "bundle") in ("test", "fine-tuning")


def test_train_when_there_is_no_corpus_says_so_and_leaves_no_folder(tmp_path: Path) -> None:
    given: dict[str, Any] = {"recipe": "voxel_kind", "run_folder": tmp_path / "run"}
    with pytest.raises(FileNotFoundError, match="there is no corpus"):
        train(**given, corpus=tmp_path / "nothing.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"not a corpus")
    with pytest.raises(MapFormatError, match="is no corpus"):
        train(**given, corpus=tmp_path / "broken.safetensors")
    assert not (tmp_path / "run").exists()


def test_measured_recipes_when_they_cannot_be_written_are_kept_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPSCOPE_CACHE_FOLDER", str(tmp_path))
    measure_recipe._remember("one", {"parameters": 1})
    whole = Path.write_text

    def broken_off(path: Path, text: str, **how: Any) -> None:
        whole(path, text[: len(text) // 2], **how)
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_text", broken_off)
    with pytest.raises(OSError, match="full"):
        measure_recipe._remember("two", {"parameters": 2})
    assert measure_recipe._known() == {"one": {"parameters": 1}}


def test_make_split_when_there_is_no_real_data_trains_and_validates(folder: Path) -> None:
    output = folder.parent / "corpus.safetensors"
    build_corpus(folder=folder, output=output)
    for share, part in ((0.0, "training"), (1.0, "validation")):
        split = Split(make_split(corpus=output, validation=share))
        assert split.entries(part) == ["bundle", "deeper/moved"]  # type: ignore[arg-type]


@pytest.mark.real_data
@pytest.mark.slow
def test_real_structures_make_a_corpus_under_40_mb_and_the_bundled_split(
    data_folder: Path, tmp_path: Path
) -> None:
    from mapscope.training.split import read_split

    output = tmp_path / "corpus.safetensors"
    built = build_corpus(folder=data_folder / "structures", output=output)
    assert len(built.entries) == 958
    assert built.size_mb < 40
    assert built.kept > 900
    assert built.residues > 440_000
    folders = {name: data_folder / name for name in ("maps", "reflections", "tomography")}
    made = make_split(corpus=output, **folders)
    assert made.checksum() == read_split().table.checksum()
    assert set(made["part"].tolist()) == set(PARTS)
