"""No two alike are in two parts: computed again here, from the sequences and not from the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import gemmi
import numpy as np
import pytest
from tests.training.conftest import mutated, protein

from mapscope import read
from mapscope.errors import InputError, MapFormatError
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.training.clusters import ChainSequence
from mapscope.training.sources import Member, Source
from mapscope.training.split import COLUMNS, PARTS, Shares, Split, read_split, split_table

FOLDERS = {
    "structures": "structures/*.gz",
    "maps": "maps/*/*.gz",
    "reflections": "reflections/*/*.gz",
    "tomography": "tomography/models/*.gz",
}


def member(source: Source, entry: str, *letters: str) -> Member:
    """A member with proteins; without any, one of which nothing is known."""
    chains = tuple(ChainSequence("A", "protein", one) for one in letters)
    return Member(source, entry, chains, "" if letters else "no model here")


def made_up() -> list[Member]:
    """Forty structures, relatives of twenty of them, and real data of ten."""
    found = [member("structures", f"s{n}", protein(n)) for n in range(40)]
    found += [member("structures", f"r{n}", mutated(protein(n), 0.15)) for n in range(20)]
    found += [member("maps", f"m{n}", protein(n)[10:70]) for n in range(5)]
    found += [member("reflections", f"x{n}", protein(n)) for n in range(5, 8)]
    found += [member("tomography", f"t{n}", protein(n), protein(n + 60)) for n in range(8, 10)]
    return [*found, member("maps", "alone")]


def rows(table: Table) -> dict[tuple[str, str], tuple[str, str]]:
    """Cluster and part of each source and entry."""
    return {
        (str(r["source"]), str(r["entry"])): (str(r["cluster"]), str(r["part"]))
        for r in table.records()
    }


def test_split_keeps_relatives_together_and_real_data_out_of_training() -> None:
    found = rows(split_table(made_up()))
    part = {key: value[1] for key, value in found.items()}
    for n in range(20):
        assert found["structures", f"s{n}"] == found["structures", f"r{n}"]
    for n in range(10):
        source = "maps" if n < 5 else "reflections" if n < 8 else "tomography"
        assert found["structures", f"s{n}"] == found[source, f"{source[0].replace('r', 'x')}{n}"]
        assert part["structures", f"s{n}"] in ("test", "fine-tuning")
    others = {part["structures", f"s{n}"] for n in range(10, 40)}
    assert others == {"training", "validation"}
    assert part["maps", "alone"] == "test"


def test_split_says_why_and_does_not_depend_on_order() -> None:
    table = split_table(made_up())
    assert split_table(made_up()[::-1]).checksum() == table.checksum()
    why = {(r["source"], r["entry"]): str(r["why"]) for r in table.records()}
    assert why["maps", "m1"] == "real data (maps)"
    assert why["structures", "s1"] == "in one cluster with maps/m1"
    assert why["structures", "s30"] == "no real data in its cluster"
    assert why["maps", "alone"] == "no model here: its sequence is not known"


def test_split_when_entries_are_added_leaves_most_of_the_others_where_they_were() -> None:
    before = rows(split_table(made_up()))
    more = [member("structures", f"n{n}", protein(100 + n)) for n in range(20)]
    more += [member("structures", f"q{n}", mutated(protein(n), 0.1, seed=9)) for n in range(30, 40)]
    after = rows(split_table([*made_up(), *more]))
    moved = [key for key, (_, part) in before.items() if after[key][1] != part]
    assert len(moved) <= 4
    unrelated = [key for key in before if not key[1].startswith("s3")]
    assert all(after[key] == before[key] for key in unrelated)


def test_shares_are_kept_by_large_and_small_clusters_alike() -> None:
    small = [member("structures", f"s{n}", protein(n, 40)) for n in range(150)]
    large = [
        member("structures", f"l{n}-{k}", mutated(protein(1000 + n, 40), 0.05, seed=k))
        for n in range(60)
        for k in range(6)
    ]
    table = split_table([*small, *large], shares=Shares(validation=0.3), similarity=1.0)
    split = Split(table)
    names = split.clusters("validation")
    sizes = [len(entries) for entries in names.values()]
    assert 0.2 < sum(size == 1 for size in sizes) / 150 < 0.4
    assert 0.15 < sum(size > 1 for size in sizes) / 60 < 0.45


def test_split_when_the_seed_differs_draws_otherwise() -> None:
    one = rows(split_table(made_up()))
    other = rows(split_table(made_up(), shares=Shares(seed=1)))
    assert {k: v[0] for k, v in one.items()} == {k: v[0] for k, v in other.items()}
    assert one != other


def test_split_answers_for_entries_and_refuses_a_broken_table() -> None:
    table = split_table(made_up())
    split = Split(table)
    training = split.entries("training")
    assert training
    assert all(split.part_of("structures", name) == "training" for name in training)
    listed = [name for names in split.clusters("training").values() for name in names]
    assert sorted(listed) == training
    with pytest.raises(InputError, match="knows no structures/none"):
        split.part_of("structures", "none")
    columns = dict(table.columns)
    with pytest.raises(MapFormatError, match="missing"):
        Split(Table({"entry": columns["entry"]}))
    with pytest.raises(MapFormatError, match="not \\['holdout'\\]"):
        Split(Table(columns | {"part": np.full(len(table), "holdout")}))
    parts = columns["part"].copy()
    parts[columns["entry"] == "s3"] = "training"
    with pytest.raises(MapFormatError, match="in two parts"):
        Split(Table(columns | {"part": parts}))


def test_bundled_split_is_whole() -> None:
    table = read_split().table
    assert tuple(table.columns) == COLUMNS
    assert set(table["part"].tolist()) == set(PARTS)
    assert len({(r["source"], r["entry"]) for r in table.records()}) == len(table)
    for source in ("maps", "reflections", "tomography"):
        assert not read_split().entries("training", source)
        assert not read_split().entries("validation", source)
    assert len(read_split().entries("training")) > 500


def observed(path: Path) -> Iterator[tuple[str, str]]:
    """Kind and letters of each chain of a model file, as gemmi alone tells them."""
    for chain in gemmi.read_structure(str(path))[0]:
        for kind in ("protein", "nucleic"):
            letters = []
            for residue in chain.first_conformer():
                found = gemmi.find_tabulated_residue(residue.name)
                is_kind = found.is_amino_acid() if kind == "protein" else found.is_nucleic_acid()
                if is_kind:
                    letters.append(found.one_letter_code.upper().replace(" ", "X"))
            yield kind, "".join(letters)


def words(letters: str, length: int) -> set[str]:
    """Every word of a sequence that is known."""
    every = {letters[i : i + length] for i in range(len(letters) - length + 1)}
    return {word for word in every if "X" not in word}


def chains_by_part(data_folder: Path) -> dict[str, dict[tuple[str, str], set[str]]]:
    """Owners of each chain, by part of the bundled split."""
    split = read_split()
    known = {(r["source"], r["entry"]): str(r["part"]) for r in split.table.records()}
    found: dict[str, dict[tuple[str, str], set[str]]] = {part: {} for part in PARTS}
    for source, pattern in FOLDERS.items():
        for path in sorted(data_folder.glob(pattern)):
            is_model = path.name.split(".")[1] in ("pdb", "cif")
            own = path.name.split(".")[0]
            entry = path.parent.name if source in ("maps", "reflections") else own
            if is_model and (source, entry) in known:
                for chain in observed(path):
                    owners = found[known[source, entry]].setdefault(chain, set())
                    owners.add(f"{source}/{entry}")
    return found


def crossing(one: Iterable[str], other: Iterable[str], length: int) -> Iterator[tuple[str, str]]:
    """Pairs of sequences, one of each part, that share a quarter of the shorter one's words."""
    first, second = ([(s, w) for s in p if len(w := words(s, length)) >= 16] for p in (one, other))
    for a, words_a in first:
        for b, words_b in second:
            if len(words_a & words_b) >= 0.25 * min(len(words_a), len(words_b)):
                yield a, b


@pytest.mark.real_data
@pytest.mark.slow
def test_bundled_split_when_all_chains_are_compared_has_nothing_alike_in_two_parts(
    data_folder: Path,
) -> None:
    parts = chains_by_part(data_folder)
    assert all(parts[part] for part in PARTS)
    for one, other in combinations(PARTS, 2):
        for kind, length in (("protein", 4), ("nucleic", 10)):
            first, second = ([s for k, s in parts[p] if k == kind] for p in (one, other))
            assert not list(crossing(first, second, length)), (one, other, kind)


@pytest.mark.real_data
@pytest.mark.slow
def test_bundled_split_when_likely_pairs_are_aligned_has_none_of_40_percent_identity(
    data_folder: Path,
) -> None:
    parts = chains_by_part(data_folder)
    blosum = gemmi.AlignmentScoring("b")
    for one, other in combinations(PARTS, 2):
        proteins = [
            [s for k, s in parts[p] if k == "protein" and len(s) >= 40] for p in (one, other)
        ]
        seen = [[words(s, 3) for s in part] for part in proteins]
        for a, words_a in zip(proteins[0], seen[0], strict=True):
            for b, words_b in zip(proteins[1], seen[1], strict=True):
                shorter, longer = sorted((len(a), len(b)))
                common = len(words_a & words_b) / max(min(len(words_a), len(words_b)), 1)
                if shorter < 0.7 * longer or common < 0.15:
                    continue
                first, second = (
                    gemmi.expand_one_letter_sequence(s, gemmi.ResidueKind.AA) for s in (a, b)
                )
                found = gemmi.align_string_sequences(first, second, [], blosum)
                assert found.match_count / longer < 0.4, (one, other, a, b)


@pytest.mark.real_data
def test_bundled_split_knows_every_real_map_and_crystal(data_folder: Path) -> None:
    split = read_split()
    for source in ("maps", "reflections"):
        listed = {p.name for p in (data_folder / source).iterdir() if p.is_dir()}
        known = {str(r["entry"]) for r in split.table.records() if r["source"] == source}
        assert listed == known
    assert isinstance(read(next((data_folder / "structures").glob("*.gz"))), Structure)
