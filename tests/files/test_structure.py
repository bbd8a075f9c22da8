"""Atomic models come back atom by atom, and what PDB cannot hold is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import files
from mapscope.errors import InputError, MapFormatError
from mapscope.structure import Structure


def model(atoms: int = 3, chain: str = "A", residue: str = "ALA", **place: Any) -> gemmi.Structure:
    """Atoms of one residue, 1.5 Å apart, made with gemmi."""
    structure = gemmi.Structure()
    structure.name = "test"
    structure.cell = gemmi.UnitCell(50, 60, 70, 90, 90, 90)
    part = gemmi.Residue()
    part.name = residue
    part.seqid = gemmi.SeqId(str(place.get("number", 7)))
    for i in range(atoms):
        atom = gemmi.Atom()
        atom.name, atom.element = "CA", gemmi.Element("C")
        atom.pos = gemmi.Position(1.5 * i, place.get("y", 2.0), 3.25)
        atom.b_iso, atom.occ = 12.5, 0.75
        part.add_atom(atom)
    one = gemmi.Model(1)
    line = gemmi.Chain(chain)
    line.add_residue(part)
    one.add_chain(line)
    structure.add_model(one)
    structure.setup_entities()
    return structure


@pytest.mark.parametrize("suffix", [".pdb", ".ent.gz", ".cif", ".mmcif.gz", ".cif.bz2"])
def test_write_when_read_back_then_atoms_are_the_same(tmp_path: Path, suffix: str) -> None:
    source = Structure.from_gemmi(model())
    path = files.write(tmp_path / f"a{suffix}", source)
    again = files.read(path)
    np.testing.assert_allclose(again.positions, [[3.25, 2, 0], [3.25, 2, 1.5], [3.25, 2, 3]])
    assert again.checksum() == source.checksum()
    assert again.model.cell.parameters == (50, 60, 70, 90, 90, 90)
    assert files.write(tmp_path / f"b{suffix}", again).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["a.pdb", "a.cif", "a.pdb.gz"])
@pytest.mark.parametrize("text", ["", "nothing here\n", "data_x\n_cell.length_a 1\n"])
def test_read_when_it_holds_no_atoms_then_it_is_refused(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(MapFormatError, match="atom"):
        files.read(tmp_path / name)


def test_read_when_a_position_is_not_finite_then_it_is_refused(tmp_path: Path) -> None:
    path = files.write(tmp_path / "a.cif", Structure.from_gemmi(model()))
    path.write_text(path.read_text().replace("3.25", "?"))
    with pytest.raises(MapFormatError, match="3 of 3 atoms have no finite position"):
        files.read(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"atoms": 100_000}, "100001 atoms"),
        ({"chain": "AB"}, "chain names of one letter"),
        ({"residue": "A1BCD"}, "residue names"),
        ({"number": 10_000}, "residue numbers"),
        ({"y": 10_000.0}, "positions from"),
    ],
)
def test_write_when_pdb_has_no_room_then_mmcif_is_proposed(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    structure = Structure.from_gemmi(model(**changes))
    with pytest.raises(MapFormatError, match=rf"{reason}.*write \.cif"):
        files.write(tmp_path / "a.pdb", structure)
    again = files.read(files.write(tmp_path / "a.cif", structure))
    assert again.checksum() == structure.checksum()


def with_assembly(copies: int = 2) -> gemmi.Structure:
    """The model with assembly "1": itself and copies moved by 10 Å along x each."""
    structure = model()
    assembly = gemmi.Assembly("1")
    generator = gemmi.Assembly.Gen()
    generator.chains = ["A"]
    for n in range(copies):
        operator = gemmi.Assembly.Operator()
        operator.transform.vec.fromlist([10.0 * n, 0.0, 0.0])
        generator.operators.append(operator)
    assembly.generators.append(generator)
    structure.assemblies.append(assembly)
    return structure


@pytest.mark.parametrize("suffix", [".pdb", ".cif"])
def test_read_when_an_assembly_is_asked_for_then_its_copies_are_built(
    tmp_path: Path, suffix: str
) -> None:
    path = files.write(tmp_path / f"a{suffix}", Structure.from_gemmi(with_assembly()))
    assert len(files.read(path)) == 3
    built = files.read(path, assembly="1")
    expected = [[3.25, 2, x] for x in (0, 1.5, 3, 10, 11.5, 13)]
    np.testing.assert_allclose(built.positions, expected)
    assert len(set(built.chains)) == 2
    assert files.read(files.write(tmp_path / "b.cif", built)).checksum() == built.checksum()


def test_read_when_the_assembly_is_unknown_then_the_known_ones_are_named(tmp_path: Path) -> None:
    path = files.write(tmp_path / "a.cif", Structure.from_gemmi(with_assembly()))
    with pytest.raises(InputError, match="there is no assembly '7'; there are 1"):
        files.read(path, assembly="7")
    plain = files.write(tmp_path / "b.cif", Structure.from_gemmi(model()))
    with pytest.raises(InputError, match="none: it names no assembly"):
        files.read(plain, assembly="1")


def test_read_when_the_assembly_is_huge_then_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mapscope.files.structure._MAX_ASSEMBLY_ATOMS", 8)
    path = files.write(tmp_path / "a.cif", Structure.from_gemmi(with_assembly(3)))
    with pytest.raises(InputError, match="would have up to 9 atoms, at most 8"):
        files.read(path, assembly="1")


def test_read_when_a_cif_holds_reflections_then_it_says_what_to_open(tmp_path: Path) -> None:
    path = tmp_path / "a.sf.cif"
    path.write_text("data_a\nloop_\n_refln.index_h\n_refln.index_k\n1 2\n")
    with pytest.raises(
        MapFormatError, match=r"it holds reflections: open map coefficients as \.mtz"
    ):
        files.read(path)


@pytest.mark.real_data
def test_read_when_models_are_real_then_gemmi_counts_the_same_atoms(data_folder: Path) -> None:
    paths = sorted(data_folder.glob("maps/*/*.pdb.gz")) + sorted(
        data_folder.glob("maps/*/*.cif.gz")
    )
    assert len(paths) > 20
    for path in paths:
        reference = gemmi.read_structure(str(path))
        assert len(files.read(path)) == reference[0].count_atom_sites(), path


def test_structure_when_a_name_is_no_text_is_refused(tmp_path: Path, sample_folder: Path) -> None:
    good = files.read(sample_folder / "four_helix_bundle.cif")
    path = files.write(tmp_path / "a.pdb", good)
    content = path.read_bytes().replace(b"  CA  ", b"  CA\xc2 ", 1)
    path.write_bytes(content)
    with pytest.raises(MapFormatError, match="no text"):
        files.read(path)


def test_text_when_it_grows_a_thousandfold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.cif.gz"
    path.write_bytes(gzip.compress(bytes(8 * 2**20)))
    with pytest.raises(MapFormatError, match="do not trust"):
        files.read(path)


@pytest.mark.parametrize("suffix", [".cif", ".cif.gz", ".pdb"])
def test_model_when_memory_is_too_small_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = files.write(tmp_path / f"large{suffix}", Structure.from_gemmi(model(2000)))
    monkeypatch.setattr("mapscope.files.structure._ALWAYS_READ", 1000)
    monkeypatch.setattr("mapscope.files.structure.free_memory", lambda: 2e5)
    with pytest.raises(InputError, match=r"about .* GB of memory and 0\.0 GB are free: close"):
        files.read(path)
    monkeypatch.setattr("mapscope.files.structure.free_memory", lambda: None)
    assert len(files.read(path)) == 2000
    monkeypatch.setenv("MAPSCOPE_MEMORY_GB", "0.0001")
    with pytest.raises(InputError, match=r"the preferences allow 0\.0001 GB"):
        files.read(path)
