"""Structures whose chains are alike in sequence, grouped."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from mapscope.progress import Progress, silent
from mapscope.training.classes import Kind, kind_of, letter_of

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet

    from mapscope.training.entry import CorpusEntry

Key = TypeVar("Key", bound=Hashable)
Pair: TypeAlias = tuple[int, int]

WORD_LENGTH: dict[Kind, int] = {"protein": 4, "nucleic": 10}
"""Letters of the words that are compared; four nucleotides say too little for four letters."""

FEWEST_WORDS = 16
"""Chains with fewer different words are only compared whole: they match by chance."""

_SHORTEST = 8
_SCREEN_LENGTH = 3
_SCREEN_SHARE = 0.12
_SCREEN_RATIO = 0.5
_UNKNOWN = "X"


@dataclass(frozen=True)
class ChainSequence:
    """The residues of a chain that are there, as letters.

    Parameters
    ----------
    chain : str
        Name of the chain.
    kind : str
        ``"protein"`` or ``"nucleic"``; a chain with both has two sequences.
    letters : str
        One for each residue, of a modified one its parent's, X where unknown; T is U.
    """

    chain: str
    kind: Kind
    letters: str


def sequences_of(entry: CorpusEntry) -> tuple[ChainSequence, ...]:
    """The sequences of an entry's chains, as far as their residues are in the model.

    Neither the sequence that a file states nor purification tags that nobody saw count.
    """
    found: dict[tuple[str, Kind], list[str]] = {}
    seen: set[tuple[int, int, int]] = set()
    rows = zip(
        entry.chain_of_residue.tolist(),
        entry.residue_names.tolist(),
        entry.residue_numbers.tolist(),
        entry.insertion_codes.tolist(),
        strict=True,
    )
    for chain, name, number, code in rows:
        kind = kind_of(name)
        if kind == "other" or (chain, number, code) in seen:
            continue
        seen.add((chain, number, code))
        letter = letter_of(name)
        found.setdefault((str(entry.chains[chain]), kind), []).append(
            "U" if kind == "nucleic" and letter == "T" else letter
        )
    return tuple(ChainSequence(c, k, "".join(letters)) for (c, k), letters in found.items())


def words_of(letters: str, length: int) -> frozenset[str]:
    """The different words of `length` letters in a sequence, without those of unknown letters.

    Examples
    --------
    >>> sorted(words_of("ABCXABC", 3))
    ['ABC']
    """
    words = (letters[i : i + length] for i in range(len(letters) - length + 1))
    return frozenset(word for word in words if _UNKNOWN not in word)


def cluster(
    members: Mapping[Key, Iterable[ChainSequence]],
    *,
    shared: float = 0.25,
    similarity: float = 0.3,
    progress: Progress = silent,
) -> dict[Key, int]:
    """Number of the cluster of each member, 0 and up in the order of the members.

    Two members are of one cluster where a chain of one and a chain of the other share at least
    `shared` of the words of the one with fewer (a quarter of the words of four amino acids are
    equal at 70 % identity), or where two proteins align with at least `similarity`; and where
    others tie them together.

    Parameters
    ----------
    members : mapping of key to sequences
        The sequences of each structure.
    shared : float
        Least share of common words, over 0 and up to 1.
    similarity : float
        Least `similarity_of` two proteins; with 1 and more nothing is aligned.
    progress : callable
        Called once per pair of proteins to align.
    """
    from scipy.cluster.hierarchy import DisjointSet

    keys = list(members)
    owners: dict[tuple[Kind, str], list[int]] = {}
    for number, key in enumerate(keys):
        for sequence in members[key]:
            owners.setdefault((sequence.kind, sequence.letters), []).append(number)
    groups = DisjointSet(range(len(keys)))
    for (_, letters), same in owners.items():
        if len(letters.replace(_UNKNOWN, "")) >= _SHORTEST:
            for number in same[1:]:
                groups.merge(same[0], number)
    for kind, length in WORD_LENGTH.items():
        texts = [letters for k, letters in owners if k == kind]
        first = [owners[kind, letters][0] for letters in texts]
        for one, other in _alike(texts, length, shared):
            groups.merge(first[one], first[other])
        if kind == "protein" and similarity < 1:
            _join_aligned(groups, texts, first, similarity, progress)
    counted: dict[int, int] = {}
    return {key: counted.setdefault(groups[n], len(counted)) for n, key in enumerate(keys)}


def _join_aligned(
    groups: DisjointSet, texts: list[str], first: list[int], similarity: float, progress: Progress
) -> None:
    """Join the owners of proteins that align well, among those of like length and short words."""
    pairs = [
        (one, other)
        for one, other in _alike(texts, _SCREEN_LENGTH, _SCREEN_SHARE)
        if _SCREEN_RATIO <= len(texts[one]) / len(texts[other]) <= 1 / _SCREEN_RATIO
    ]
    for turn, (one, other) in enumerate(pairs):
        progress(turn, len(pairs), "aligning sequences")
        a, b = first[one], first[other]
        is_apart = not groups.connected(a, b)
        if is_apart and similarity_of(texts[one], texts[other]) >= similarity:
            groups.merge(a, b)


def similarity_of(one: str, other: str) -> float:
    """Score of a global alignment of two proteins, over that of the lower with itself.

    BLOSUM62 with gemmi's gap penalties. Equal sequences have 1, unrelated ones less than 0.1;
    0.3 is about 40 % identity over the whole length.

    References
    ----------
    Henikoff & Henikoff (1992) PNAS 89, 10915.
    """
    import gemmi

    scoring = gemmi.AlignmentScoring("b")
    a, b = _three_letters(one), _three_letters(other)
    alone = min(_own_score(one), _own_score(other))
    return float(gemmi.align_string_sequences(a, b, [], scoring).score) / max(alone, 1)


@lru_cache(maxsize=4096)
def _own_score(letters: str) -> int:
    """Score of a protein aligned with itself."""
    import gemmi

    names = _three_letters(letters)
    scoring = gemmi.AlignmentScoring("b")
    return int(gemmi.align_string_sequences(names, names, [], scoring).score)


@lru_cache(maxsize=4096)
def _three_letters(letters: str) -> list[str]:
    """Residue names of a protein."""
    import gemmi

    return list(gemmi.expand_one_letter_sequence(letters, gemmi.ResidueKind.AA))


def _alike(letters: list[str], length: int, share: float) -> Iterator[Pair]:
    """Pairs of sequences that share words, by their places in the list."""
    from scipy.sparse import coo_array

    words = [words_of(text, length) for text in letters]
    usable = [n for n, found in enumerate(words) if len(found) >= FEWEST_WORDS]
    places = {word: n for n, word in enumerate(sorted(set().union(*(words[n] for n in usable))))}
    if not places:
        return
    counts = np.array([len(words[n]) for n in usable])
    columns = np.array([places[word] for n in usable for word in words[n]])
    rows = np.repeat(np.arange(len(usable)), counts)
    ones = np.ones(len(rows), dtype=np.int32)
    table = coo_array((ones, (rows, columns)), shape=(len(usable), len(places))).tocsr()
    common = (table @ table.T).tocoo()
    i, j = common.coords
    is_alike = (i < j) & (common.data >= share * np.minimum(counts[i], counts[j]))
    for one, other in zip(i[is_alike].tolist(), j[is_alike].tolist(), strict=True):
        yield usable[one], usable[other]
