"""Models of a folder, judged one by one; those that pass are packed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mapscope.errors import MapscopeError
from mapscope.progress import Progress, silent
from mapscope.training.corpus import PackedEntry
from mapscope.training.entry import CorpusEntry
from mapscope.training.quality import Limits, Quality, quality_of
from mapscope.training.structures import ModelFile

_WORKERS = 2
_AHEAD = 8


@dataclass(frozen=True)
class Judged:
    """What became of one model file.

    Parameters
    ----------
    name : str
        Name of the entry.
    why : str
        Why it is left out; empty where it is kept.
    atoms, chains : int
        How many there are; 0 where the file could not be read.
    quality : Quality or None
        What was measured.
    residue_types : Counter of str
        How often each residue name comes.
    fingerprint : str
        Equal for equal atoms.
    packed : PackedEntry or None
        The entry, where it is kept.
    """

    name: str
    why: str
    atoms: int = 0
    chains: int = 0
    quality: Quality | None = None
    residue_types: Counter[str] | None = None
    fingerprint: str = ""
    packed: PackedEntry | None = None


def judge_all(
    models: list[ModelFile],
    limits: Limits,
    *,
    hydrogens: bool = False,
    progress: Progress = silent,
) -> list[Judged]:
    """What becomes of each model, in their order; a broken file is left out, with the reason.

    Of files with one name, and of entries with the same atoms, the first is kept.

    Parameters
    ----------
    models : list of ModelFile
        The files.
    limits : Limits
        What an entry must keep to.
    hydrogens : bool
        Whether hydrogens are kept.
    progress : callable
        Called once per file; the models still to be read are dropped when it cancels.
    """
    found: list[Judged] = []
    first_with: dict[str, str] = {}
    names: set[str] = set()
    for number, judged in enumerate(_each(models, limits, hydrogens)):
        progress(number, len(models), "reading models")
        earlier = first_with.setdefault(judged.fingerprint or judged.name, judged.name)
        if judged.name in names:
            judged = Judged(judged.name, "an earlier file has this name")
        elif judged.packed is not None and earlier != judged.name:
            judged = _left_out(judged, f"the same atoms as {earlier}")
        names.add(judged.name)
        found.append(judged)
    return found


def _each(models: list[ModelFile], limits: Limits, hydrogens: bool) -> Iterator[Judged]:
    """Judge models in two threads, a few ahead of whoever takes the results."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting = [pool.submit(_judge, m, limits, hydrogens) for m in models[:_AHEAD]]
        try:
            for number in range(len(models)):
                following = models[number + _AHEAD : number + _AHEAD + 1]
                waiting += [pool.submit(_judge, m, limits, hydrogens) for m in following]
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def _judge(model: ModelFile, limits: Limits, hydrogens: bool) -> Judged:
    """Read, measure and, where it passes, pack one model."""
    try:
        entry = model.entry(hydrogens=hydrogens)
        quality = quality_of(entry)
        why = limits.objection(quality)
        packed = None if why else PackedEntry(entry)
    except (MapscopeError, OSError) as error:
        return Judged(model.name, " ".join(str(error).split()))
    return Judged(
        name=model.name,
        why=why,
        atoms=len(entry),
        chains=len(entry.chains),
        quality=quality,
        residue_types=Counter(entry.residue_names.tolist()),
        fingerprint=_fingerprint(entry),
        packed=packed,
    )


def _left_out(judged: Judged, why: str) -> Judged:
    """The same, left out after all."""
    return Judged(judged.name, why, judged.atoms, judged.chains, judged.quality)


def _fingerprint(entry: CorpusEntry) -> str:
    """Hash of what an entry's atoms are and where, names of entry and chains aside."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\n".join(entry.residue_names.tolist()).encode())
    digest.update(entry.elements.tobytes())
    digest.update(np.round(entry.positions, 2).astype(np.float32).tobytes())
    return digest.hexdigest()
