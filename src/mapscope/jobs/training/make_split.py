"""The split into training, validation, fine-tuning and test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mapscope.job import Show, job
from mapscope.progress import Progress, part, silent
from mapscope.table import Table


@job()
def make_split(
    *,
    corpus: Path,
    maps: Annotated[Path | None, Show(browse="folder")] = None,
    reflections: Annotated[Path | None, Show(browse="folder")] = None,
    tomography: Annotated[Path | None, Show(browse="folder")] = None,
    validation: Annotated[float, Field(ge=0, le=1)] = 0.1,
    test: Annotated[float, Field(ge=0, le=1)] = 0.6,
    shared_words: Annotated[float, Field(gt=0, le=1), Show(more=True)] = 0.25,
    similarity: Annotated[float, Field(gt=0, le=1), Show(more=True)] = 0.3,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> Table:
    """Which structures train and which test, with no two alike in sequence apart.

    The structures of a corpus, real maps, crystals and the species of tomograms are grouped by
    the sequences of their chains, all together. A group with real data tests or may fine-tune,
    with all its structures; any other one trains or validates. The draw follows from the
    sequences themselves, so that new entries rarely move old ones.

    Parameters
    ----------
    corpus : Path
        File made by Build corpus.
    maps : Path, optional
        Folder with one folder for each real map, its models in it.
    reflections : Path, optional
        Folder with one folder for each crystal, its models in it.
    tomography : Path, optional
        Folder with the species of tomograms: models in the folder models, and templates.
    validation : float
        Share of the groups without real data that validate; the others train.
    test : float
        Share of the groups with real data that test; the others may fine-tune.
    shared_words : float
        Two chains are alike where they share so much of the words of 4 amino acids, or of 10
        nucleotides, of the one with fewer.
    similarity : float
        Two proteins are also alike where the score of their alignment reaches so much of the
        score of the lower one with itself: 0.3 is about 40 % identity. 1 aligns nothing.
    seed : int
        Another seed draws otherwise.
    progress : Progress
        Called once per model and per alignment.

    Returns
    -------
    split : Table
        One row for each entry: source, entry, cluster, part and why.

    Raises
    ------
    MapFormatError
        If the corpus is none.
    InputError
        If a folder holds nothing, or a model cannot be read.
    """
    from mapscope.training.sources import from_corpus, from_folders, from_species
    from mapscope.training.split import Shares, split_table

    members = from_corpus(corpus)
    if maps is not None:
        members += from_folders("maps", maps, part(progress, 0, 1, 10))
    if reflections is not None:
        members += from_folders("reflections", reflections, part(progress, 1, 2, 10))
    if tomography is not None:
        members += from_species(tomography, part(progress, 2, 3, 10))
    return split_table(
        members,
        shares=Shares(validation, test, seed),
        shared=shared_words,
        similarity=similarity,
        progress=part(progress, 3, 10, 10),
    )
