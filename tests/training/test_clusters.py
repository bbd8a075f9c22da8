"""Chains that are alike put their structures into one cluster, chance does not."""

from __future__ import annotations

import gemmi
import pytest
from tests.training.conftest import backbone, mutated, protein

from mapscope.training.clusters import (
    ChainSequence,
    cluster,
    sequences_of,
    similarity_of,
    words_of,
)
from mapscope.training.entry import entry_from_structure


def member(*letters: str, kind: str = "protein") -> tuple[ChainSequence, ...]:
    """A structure with these chains."""
    return tuple(ChainSequence("A", kind, one) for one in letters)  # type: ignore[arg-type]


def test_sequences_of_take_modified_residues_as_their_parents_and_split_mixed_chains() -> None:
    model = backbone("MKVLAAGX").model.clone()
    chain = model[0][0]
    chain[0].name = "MSE"
    for place, name in enumerate(("DA", "DT", "DG", "HOH", "NAG")):
        residue = chain[0].clone()
        residue.name, residue.seqid = name, gemmi.SeqId(str(100 + place))
        chain.add_residue(residue)
    from mapscope.structure import Structure

    found = sequences_of(entry_from_structure(Structure.from_gemmi(model), "a"))
    assert [(s.chain, s.kind, s.letters) for s in found] == [
        ("A", "protein", "MKVLAAGX"),
        ("A", "nucleic", "AUG"),
    ]


def test_words_of_leave_out_unknown_letters() -> None:
    assert words_of("AXBCDE", 3) == {"BCD", "CDE"}
    assert words_of("AB", 3) == frozenset()


def test_cluster_ties_copies_fragments_and_close_relatives_together() -> None:
    whole = protein(1, 200)
    found = cluster(
        {
            "whole": member(whole),
            "fragment": member(whole[60:140]),
            "relative": member(mutated(whole, 0.2)),
            "complex": member(protein(2), whole[:150]),
            "partner": member(protein(2)),
            "other": member(protein(3, 200)),
        }
    )
    assert found == {
        "whole": 0,
        "fragment": 0,
        "relative": 0,
        "complex": 0,
        "partner": 0,
        "other": 1,
    }


def test_cluster_when_words_are_too_few_aligns() -> None:
    whole = protein(1, 200)
    distant = mutated(whole, 0.5)
    members = {"one": member(whole), "other": member(distant), "third": member(protein(4, 200))}
    assert len(words_of(whole, 4) & words_of(distant, 4)) < 0.25 * 197
    assert similarity_of(whole, distant) > 0.3 > similarity_of(whole, protein(4, 200))
    assert cluster(members) == {"one": 0, "other": 0, "third": 1}
    assert cluster(members, similarity=1.0) == {"one": 0, "other": 1, "third": 2}


def test_cluster_when_chains_say_little_does_not_tie_by_chance() -> None:
    members = {
        "helix": member("AAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        "rich": member("AAAAAAA" + protein(5)),
        "unknown": member("X" * 60),
        "also unknown": member("X" * 60),
        "nothing": member(),
        "peptide": member("GKAELLKQ"),
        "same peptide": member("GKAELLKQ"),
    }
    found = cluster(members)
    assert found["peptide"] == found["same peptide"]
    assert len(set(found.values())) == 6


def test_cluster_compares_nucleic_acids_by_longer_words() -> None:
    strand = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
    found = cluster(
        {
            "trna": member(strand, kind="nucleic"),
            "part": member(strand[20:60], kind="nucleic"),
            "other": member(strand[::-1], kind="nucleic"),
            "protein": member(protein(1)),
        }
    )
    assert found == {"trna": 0, "part": 0, "other": 1, "protein": 2}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_similarity_is_1_for_equal_and_about_0_for_unrelated_proteins(share: float) -> None:
    one = protein(7, 150)
    found = similarity_of(one, mutated(one, share, seed=3))
    assert found == 1.0 if share == 0 else found < 0.1
