"""Words select the atoms that they name, in either way of writing, or say why not."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from tests.depiction.conftest import atom, peptide, structure_of

from mapscope.depiction.residues import residues_of
from mapscope.depiction.selection import near_atoms, select, selected_residues
from mapscope.errors import InputError
from mapscope.structure import Structure


@pytest.fixture
def pair() -> Structure:
    """Chain A from −2 to 9 with 5A inserted, chain B from 101, and a haem far away in B."""
    first, second = peptide(12, -57.8, -47, first=-2), peptide(4, -57.8, -47, "B", first=101)
    first[8].seqid = gemmi.SeqId(5, "A")
    for k in range(9, 12):
        first[k].seqid = gemmi.SeqId(k - 3, " ")
    second[2].name = "LYS"
    haem = gemmi.Residue()
    haem.name, haem.seqid = "HEM", gemmi.SeqId(200, " ")
    haem.add_atom(atom("FE", "Fe", (50, 50, 50)))
    second.add_residue(haem)
    return structure_of(first, second)


def names(structure: Structure, text: str) -> list[str]:
    """Addresses of the residues that a text selects; each is selected whole."""
    mask = select(structure, text)
    residues = residues_of(structure)
    chosen = selected_residues(structure, mask)
    assert mask.sum() == sum(np.diff(residues.first_atoms)[chosen])
    return [residues.address(k) for k in chosen]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A/4", ["A/4"]),
        ("A/-2", ["A/-2"]),
        ("A/-2-0", ["A/-2", "A/-1", "A/0"]),
        ("A/5", ["A/5"]),
        ("A/5A", ["A/5A"]),
        ("A/5a", ["A/5A"]),
        ("A/4-6", ["A/4", "A/5", "A/5A", "A/6"]),
        ("A/5-5A", ["A/5", "A/5A"]),
        ("A/3,4", ["A/3", "A/4"]),
        ("A/3, B/102", ["A/3", "B/102"]),
        ("B", ["B/101", "B/102", "B/103", "B/104", "B/200"]),
        ("/B", ["B/101", "B/102", "B/103", "B/104", "B/200"]),
        ("/103", ["B/103"]),
        ("103", ["B/103"]),
        ("/B:103-104", ["B/103", "B/104"]),
        ("/A:4", ["A/4"]),
        ("B:LYS", ["B/103"]),
        (":lys", ["B/103"]),
        (":HEM", ["B/200"]),
        ("near 3 :HEM", ["B/200"]),
        (" A/4 ", ["A/4"]),
    ],
)
def test_selection_when_written_so_names_these_residues(
    pair: Structure, text: str, wanted: list[str]
) -> None:
    assert names(pair, text) == wanted


def test_selection_when_all_is_named_is_everything(pair: Structure) -> None:
    assert select(pair, "all").all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("C", "chain C is not there: A, B"),
        ("C/1", "chain C is not there: A, B"),
        ("A/99", "no residue 99 in chain A: numbers run from -2 to 8"),
        ("A:LYS", "no residue LYS in chain A: ALA"),
        (":XYZ", "no residue XYZ in the structure: ALA, LYS, HEM"),
        ("", "write a residue, such as A/127"),
        ("A/1/2", "not understood"),
        ("A/1,", "not understood"),
        ("x/A:1", "not understood"),
        ("A/9-3", "runs backwards"),
        ("near 1.2.3 A/4", "expected a distance"),
    ],
)
def test_selection_when_it_names_nothing_says_what_is_there(
    pair: Structure, text: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        select(pair, text)


def test_near_when_asked_gives_whole_residues_within_the_distance(helix: Structure) -> None:
    mask = select(helix, "A/9")
    found = near_atoms(helix, mask, 4.0)
    owners = residues_of(helix).of_atoms
    apart = np.linalg.norm(helix.positions[:, None] - helix.positions[mask], axis=2).min(axis=1)
    assert set(owners[found]) == set(owners[apart <= 4.0])
    assert np.array_equal(found, select(helix, "near 4 Å A/9"))
    assert np.array_equal(found, select(helix, "near 4 A/9"))
    assert all(found[owners == k].all() for k in set(owners[found]))
