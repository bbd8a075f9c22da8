"""Structures that no training has seen, to judge what a method makes of their maps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.training.corpus import Corpus
from mapscope.training.entry import CorpusEntry
from mapscope.training.split import Part, read_split
from mapscope.training.structures import model_files


def held_out(
    part: Part, number: int, *, corpus: Path | None = None, folder: Path | None = None
) -> Iterator[tuple[str, Structure]]:
    """Structures of a part of the split with their names, in the same order every time.

    The first of every cluster comes first, then the second of those that have one, and so on;
    when all have come, they come again.

    Parameters
    ----------
    part : str
        Of the split.
    number : int
        How many.
    corpus : Path, optional
        A corpus that holds them.
    folder : Path, optional
        A folder of models that holds them, where there is no corpus.

    Raises
    ------
    InputError
        If neither is given, or none of the part is there.
    """
    if corpus is not None:
        opened = Corpus.open(corpus)
        known, entry = set(opened), opened.__getitem__
    elif folder is not None:
        files = {model.name: model for model in model_files(folder)}
        known = set(files)

        def entry(name: str) -> CorpusEntry:
            return files[name].entry()

    else:
        raise InputError("held-out structures come from a corpus or a folder of models: give one")
    names = _in_turn(part, known)
    if not names:
        raise InputError(f"no structure of the {part} part of the split is there")
    for name in itertools.islice(itertools.cycle(names), number):
        yield name, entry(name).structure()


def _in_turn(part: Part, known: set[str]) -> list[str]:
    """Known entries of a part: one of each cluster, then the next of each."""
    groups = [[n for n in names if n in known] for names in read_split().clusters(part).values()]
    rounds = itertools.zip_longest(*groups)
    return [name for names in rounds for name in names if name is not None]
