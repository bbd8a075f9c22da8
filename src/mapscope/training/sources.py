"""What the split is made of: corpus, maps, reflections and tomogram species with their models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from mapscope.errors import InputError, MapscopeError
from mapscope.files.stream import COMPRESSIONS, format_suffix
from mapscope.progress import Progress, silent
from mapscope.training.clusters import ChainSequence, sequences_of
from mapscope.training.corpus import Corpus
from mapscope.training.structures import ModelFile, model_files

Source: TypeAlias = Literal["structures", "maps", "reflections", "tomography"]

_MODELS = "models"
_TEMPLATES = ("templates", "masks")
_MAP_SUFFIXES = (".mrc", ".map", ".em")


@dataclass(frozen=True)
class Member:
    """One entry of a source.

    Parameters
    ----------
    source : str
        structures, maps, reflections or tomography.
    entry : str
        Its name there.
    sequences : tuple of ChainSequence
        Of all models of it, wherever they are placed; empty where there is none.
    note : str
        Why there are no sequences.
    """

    source: Source
    entry: str
    sequences: tuple[ChainSequence, ...]
    note: str = ""


def from_corpus(path: Path) -> list[Member]:
    """The entries of a corpus."""
    return [Member("structures", n, e.sequences) for n, e in Corpus.open(path).index.items()]


def from_folders(source: Source, folder: Path, progress: Progress = silent) -> list[Member]:
    """One member for each folder in a folder, with all models in it.

    A model that is not placed in its map has the same sequence as one that is.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    InputError
        If it holds no folders.
    """
    names = sorted(path.name for path in _listed(folder) if path.is_dir())
    if not names:
        raise InputError(f"{folder} holds no folders: expected one for each of the {source}")
    found = []
    for number, name in enumerate(names):
        progress(number, len(names), f"reading models of {source}")
        found.append(_member(source, name, _models(folder / name)))
    return found


def from_species(folder: Path, progress: Progress = silent) -> list[Member]:
    """One member for each species of particles in tomograms.

    Those with a model in the folder ``models``, and those of which there is only a template or a
    mask, in folders whose names begin so.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    listed = _listed(folder)
    models = {m.name: m for m in _models(folder / _MODELS)} if (folder / _MODELS).is_dir() else {}
    maps = {_stem(p) for f in listed if f.name.startswith(_TEMPLATES) for p in _maps_in(f)}
    names = sorted({*models, *maps})
    found = []
    for number, name in enumerate(names):
        progress(number, len(names), "reading models of tomography")
        found.append(_member("tomography", name, [models[name]] if name in models else []))
    return found


def _listed(folder: Path) -> list[Path]:
    """What is in a folder."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    return sorted(folder.iterdir())


def _models(folder: Path) -> list[ModelFile]:
    """The models in a folder, possibly none."""
    try:
        return model_files(folder)
    except InputError:
        return []


def _member(source: Source, name: str, models: list[ModelFile]) -> Member:
    """A member with the sequences of its models.

    A file that cannot be read, such as structure factors in mmCIF, is passed over where another
    one can.
    """
    found: list[tuple[ChainSequence, ...]] = []
    for model in models:
        try:
            found.append(sequences_of(model.entry()))
        except MapscopeError as error:
            failure = error
    if models and not found:
        raise InputError(f"{source}/{name}: no model can be read ({failure})") from failure
    sequences = tuple(sequence for one in found for sequence in one)
    is_known = any(sequence.letters.strip("X") for sequence in sequences)
    note = "its model has no residues that are known" if models else "no model here"
    return Member(source, name, sequences, "" if is_known else note)


def _maps_in(folder: Path) -> Iterator[Path]:
    """The maps in a folder."""
    return (p for p in folder.iterdir() if p.is_file() and format_suffix(p) in _MAP_SUFFIXES)


def _stem(path: Path) -> str:
    """A file's name without its suffixes."""
    name = path.name
    for ending in COMPRESSIONS:
        name = name.removesuffix(ending)
    return Path(name).stem
