from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.files import write
from mapscope.simulate.tomogram.species import PER_KDA, Species
from mapscope.simulate.tomogram.species_list import Listed, listed_species, read_species
from mapscope.structure import Structure

SHREC_KDA = {
    "1s3x": 42.75,
    "3qm1": 62.62,
    "3gl1": 84.61,
    "3h84": 158.08,
    "2cg9": 188.73,
    "3d2f": 236.11,
    "1u6g": 238.82,
    "3cf3": 541.74,
    "1bxn": 559.96,
    "1qvr": 593.36,
    "4cr2": 1309.28,
    "4d8q": 1952.74 / 2,
}
SHREC_VOLUME = {
    "1s3x": 104.1,
    "3qm1": 139.1,
    "3gl1": 207,
    "3h84": 375.3,
    "2cg9": 394.2,
    "3d2f": 521.9,
    "1u6g": 498.5,
    "3cf3": 1123,
    "1bxn": 978.9,
    "1qvr": 1255,
    "4cr2": 3085,
    "4d8q": 2152,
}


@pytest.fixture
def folder(tmp_path: Path, lobes: Structure, species: Species) -> Path:
    """A structure and a map in a folder, and a list of both."""
    write(tmp_path / "first.pdb", lobes)
    write(tmp_path / "second.mrc", species.template())
    (tmp_path / "list.csv").write_text(
        "file,species,assembly,kda\nfirst.pdb,,,\nsecond.mrc,other,,55.5\n"
    )
    return tmp_path


def test_list_when_it_names_structure_and_map_gives_both(folder: Path) -> None:
    listed = listed_species(folder / "list.csv")
    assert listed == [
        Listed(folder / "first.pdb", "first"),
        Listed(folder / "second.mrc", "other", kda=55.5),
    ]
    kinds = read_species(listed, 10.0)
    assert [kind.name for kind in kinds] == ["first", "other"]
    assert [kind.voxel_size for kind in kinds] == [10.0, 10.0]
    total = kinds[1].density.data.sum(dtype=float) * 5.0**3
    assert total == pytest.approx(55.5 * PER_KDA, rel=1e-4)


def test_list_when_its_files_lie_elsewhere_finds_them_by_root(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "list.csv").write_text("file,assembly\nfirst.pdb,1\n")
    assert listed_species(other / "list.csv", folder) == [
        Listed(folder / "first.pdb", "first", "1")
    ]
    with pytest.raises(InputError, match="is not there"):
        listed_species(other / "list.csv")


def test_folder_when_it_holds_structures_gives_them_all(folder: Path, tmp_path: Path) -> None:
    assert listed_species(folder) == [Listed(folder / "first.pdb", "first")]
    assert listed_species(folder / "first.pdb") == [Listed(folder / "first.pdb", "first")]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no structure"):
        listed_species(empty)


def test_list_when_something_is_missing_says_what(folder: Path) -> None:
    (folder / "bare.csv").write_text("name\nx\n")
    with pytest.raises(InputError, match="needs the column file"):
        listed_species(folder / "bare.csv")
    with pytest.raises(InputError, match="must say its mass"):
        read_species([Listed(folder / "second.mrc", "second")], 10.0)
    twice = [Listed(folder / "first.pdb", "a"), Listed(folder / "first.pdb", "a")]
    with pytest.raises(InputError, match="two species are called 'a'"):
        read_species(twice, 10.0)
    with pytest.raises(InputError, match="neither a structure nor a density map"):
        read_species([Listed(folder / "list.csv", "a")], 10.0)


def test_assembly_when_asked_for_multiplies_the_mass(
    tmp_path: Path, structure_of: Callable[..., Structure]
) -> None:
    one = structure_of(
        [("C", *p, 20.0, 1.0) for p in np.random.default_rng(0).normal(0, 9, (99, 3))]
    )
    write(tmp_path / "one.pdb", one)
    text = (tmp_path / "one.pdb").read_text()
    remark = (
        "REMARK 350 BIOMOLECULE: 1\n"
        "REMARK 350 APPLY THE FOLLOWING TO CHAINS: A\n"
        "REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000\n"
        "REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000\n"
        "REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000\n"
        "REMARK 350   BIOMT1   2 -1.000000  0.000000  0.000000       60.00000\n"
        "REMARK 350   BIOMT2   2  0.000000 -1.000000  0.000000        0.00000\n"
        "REMARK 350   BIOMT3   2  0.000000  0.000000  1.000000        0.00000\n"
    )
    first = next(k for k, line in enumerate(text.splitlines()) if line.startswith("ATOM"))
    lines = text.splitlines(keepends=True)
    (tmp_path / "one.pdb").write_text("".join([*lines[:first], remark, *lines[first:]]))
    plain = Listed(tmp_path / "one.pdb", "one")
    named = Listed(tmp_path / "one.pdb", "one", "1")
    alone = read_species([plain], 10.0)[0].kda
    assert read_species([named], 10.0)[0].kda == pytest.approx(2 * alone)
    assert read_species([plain], 10.0, assembly="first")[0].kda == pytest.approx(2 * alone)
    assert read_species([named], 10.0, assembly="asymmetric_unit")[0].kda == pytest.approx(alone)


@pytest.mark.real_data
def test_species_of_the_benchmark_have_the_masses_and_volumes_of_the_paper(
    data_folder: Path,
) -> None:
    """Table 1; 4D8Q is one of the two complexes of its asymmetric unit, from 4V94."""
    path = Path(__file__).parents[3] / "benchmarks" / "shrec_species.csv"
    kinds = read_species(listed_species(path, data_folder / "tomography"), 10.0)
    assert [kind.name for kind in kinds] == list(SHREC_KDA)
    for kind in kinds:
        assert kind.kda == pytest.approx(SHREC_KDA[kind.name], rel=0.12)
        body = (kind.template().data > 0.4).sum()
        assert body == pytest.approx(SHREC_VOLUME[kind.name], rel=0.2)
