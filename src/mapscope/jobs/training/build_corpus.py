"""A corpus of structures for training."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from mapscope.errors import DataError, InputError
from mapscope.job import Show, job
from mapscope.progress import Progress, part, silent
from mapscope.table import Table
from mapscope.volume import Array

if TYPE_CHECKING:
    from mapscope.training.building import Judged


@dataclass(frozen=True)
class BuiltCorpus:
    """What went into a corpus, and what did not.

    Parameters
    ----------
    entries : Table
        One row for each model file: residues, nucleotides, atoms, chains, resolution, what was
        measured, whether it is kept, and the verdict: kept, or why not.
    residue_types : Table
        How often each residue name comes in the entries that are kept, and its class.
    kept : int
        Entries in the corpus.
    left_out : int
        Model files that are not in it.
    residues : int
        Amino acid residues in the corpus.
    nucleotides : int
        Nucleotides in the corpus.
    size_mb : float
        Size of the file in megabytes.
    """

    entries: Table
    residue_types: Table
    kept: int
    left_out: int
    residues: int
    nucleotides: int
    size_mb: float


@job(process=True, memory=1.0)
def build_corpus(
    *,
    folder: Annotated[Path, Show(browse="folder")],
    output: Annotated[Path, Show(browse="new file")],
    min_residues: Annotated[int, Field(ge=1)] = 50,
    max_resolution: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    min_side_chains: Annotated[float, Field(ge=0, le=1), Show(more=True)] = 0.9,
    max_unknown: Annotated[float, Field(ge=0, le=1), Show(more=True)] = 0.1,
    min_b_spread: Annotated[float, Field(ge=0), Show(unit="Å²", more=True)] = 0.1,
    max_absent: Annotated[float, Field(ge=0, le=1), Show(more=True)] = 0.05,
    max_clashes: Annotated[float, Field(ge=0, le=1), Show(more=True)] = 0.02,
    hydrogens: Annotated[bool, Show(more=True)] = False,
    progress: Progress = silent,
) -> BuiltCorpus:
    """Corpus: one small file of all good models in a folder, for training.

    Every PDB and mmCIF file in the folder and the folders in it is read and measured. The first
    model of each that passes goes into the file, with positions as the file states them. A
    resolution that a file does not state is taken from a table index.tsv beside the models
    (columns file, resolution and method), where there is one.

    Parameters
    ----------
    folder : Path
        Folder of the models.
    output : Path
        File to write; its name ends with .safetensors.
    min_residues : int
        Fewest residues and nucleotides of an entry.
    max_resolution : float, optional
        Coarsest resolution of an entry; those of unknown resolution pass. Auto lets all pass.
    min_side_chains : float
        Least share of amino acids that have all their heavy atoms.
    max_unknown : float
        Highest share of residues of unknown type.
    min_b_spread : float
        Least standard deviation of the B-factors; models with one B-factor have none.
    max_absent : float
        Highest share of atoms of occupancy 0.
    max_clashes : float
        Highest share of residues that clash with others.
    hydrogens : bool
        Keep hydrogens where a model has them.
    progress : Progress
        Called once per file.

    Returns
    -------
    BuiltCorpus
        A table of the entries, one of the residue types, and counts.

    Raises
    ------
    InputError
        If the folder holds no model, or the file's name does not end with .safetensors.
    DataError
        If no model passes.
    """
    from mapscope.training.building import judge_all
    from mapscope.training.corpus import SUFFIX, write_corpus
    from mapscope.training.quality import Limits
    from mapscope.training.structures import model_files

    if output.suffix != SUFFIX:
        raise InputError(f"the corpus is a {SUFFIX} file: call it {output.with_suffix(SUFFIX)}")
    if not output.parent.is_dir():
        raise FileNotFoundError(f"the folder {output.parent} does not exist: make it first")
    limits = Limits(
        min_residues=min_residues,
        max_resolution=max_resolution,
        min_side_chains=min_side_chains,
        max_unknown=max_unknown,
        min_b_spread=min_b_spread,
        max_absent=max_absent,
        max_clashes=max_clashes,
    )
    models = model_files(folder)
    found = judge_all(models, limits, hydrogens=hydrogens, progress=part(progress, 0, 99, 100))
    kept = [judged for judged in found if judged.packed is not None]
    if not kept:
        raise DataError(f"none of {len(found)} models passes; the first: {found[0].why}")
    size = write_corpus(output, [judged.packed for judged in kept if judged.packed is not None])
    progress(1, 1, "written")
    types: Counter[str] = sum((j.residue_types for j in kept if j.residue_types), Counter())
    qualities = [judged.quality for judged in kept if judged.quality]
    return BuiltCorpus(
        entries=_entries(found),
        residue_types=_residue_types(types),
        kept=len(kept),
        left_out=len(found) - len(kept),
        residues=sum(quality.residues for quality in qualities),
        nucleotides=sum(quality.nucleotides for quality in qualities),
        size_mb=size / 1e6,
    )


def _entries(found: list[Judged]) -> Table:
    """One row for each model file."""
    measured = {
        name: _measured(found, name)
        for name in ("resolution", "side_chains", "unknown", "b_spread", "absent", "clashes")
    }
    columns = {
        "entry": np.array([judged.name for judged in found]),
        "residues": np.array(
            [judged.quality.residues if judged.quality else 0 for judged in found]
        ),
        "nucleotides": np.array(
            [judged.quality.nucleotides if judged.quality else 0 for judged in found]
        ),
        "atoms": np.array([judged.atoms for judged in found]),
        "chains": np.array([judged.chains for judged in found]),
        **measured,
        "is_kept": np.array([judged.packed is not None for judged in found]),
        "verdict": np.array([judged.why or "kept" for judged in found]),
    }
    return Table(columns, {"resolution": "Å", "b_spread": "Å²"})


def _measured(found: list[Judged], name: str) -> Array:
    """One measure of each entry, NaN where there is none."""
    values = (getattr(judged.quality, name, None) for judged in found)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _residue_types(counts: Counter[str]) -> Table:
    """How often each residue name comes, the most frequent first."""
    from mapscope.training.classes import CLASSES, IGNORE, class_of, kind_of

    names = sorted(counts, key=lambda name: (-counts[name], name))
    classes = [class_of(name) for name in names]
    return Table(
        {
            "residue": np.array(names),
            "kind": np.array([kind_of(name) for name in names]),
            "class": np.array(["ignored" if c == IGNORE else CLASSES[c] for c in classes]),
            "count": np.array([counts[name] for name in names]),
        }
    )
