"""A folder of model files, as entries of a corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mapscope.errors import InputError
from mapscope.files import read
from mapscope.files.stream import COMPRESSIONS, format_suffix
from mapscope.files.structure import CIF_SUFFIXES, PDB_SUFFIXES
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.training.entry import CorpusEntry, entry_from_structure

INDEX = "index.tsv"
"""A table beside the models: columns file, resolution, method; any other column may be there."""


@dataclass(frozen=True)
class ModelFile:
    """A model in a folder.

    Parameters
    ----------
    name : str
        Its path from the folder, without the suffixes.
    path : Path
        The file.
    resolution : float or None
        Å, as the table beside it says.
    method : str
        The experiment, as that table says.
    """

    name: str
    path: Path
    resolution: float | None = None
    method: str = ""

    def entry(self, *, hydrogens: bool = False) -> CorpusEntry:
        """The structure in the file.

        Raises
        ------
        MapscopeError
            If it cannot be read.
        """
        structure = read(self.path)
        if not isinstance(structure, Structure):
            raise InputError(f"{self.path.name} holds no atomic model")
        return entry_from_structure(
            structure,
            self.name,
            hydrogens=hydrogens,
            resolution=self.resolution,
            method=self.method,
        )


def model_files(folder: Path) -> list[ModelFile]:
    """Every PDB and mmCIF file of a folder and the folders in it, by name.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    InputError
        If it holds no model.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder: name one that holds models")
    known = _index(folder)
    found = [
        ModelFile(_name(path, folder), path, *known.get(path.name, (None, "")))
        for path in sorted(folder.rglob("*"))
        if format_suffix(path) in (*PDB_SUFFIXES, *CIF_SUFFIXES) and path.is_file()
    ]
    if not found:
        raise InputError(f"{folder} holds no model: expected files .pdb or .cif, maybe .gz")
    return sorted(found, key=lambda model: model.name)


def _name(path: Path, folder: Path) -> str:
    """A file's path from the folder without its suffixes, parts joined by slashes."""
    inner = path.relative_to(folder)
    stem = inner.name
    for ending in COMPRESSIONS:
        stem = stem.removesuffix(ending)
    return inner.with_name(Path(stem).stem).as_posix()


def _index(folder: Path) -> Mapping[str, tuple[float | None, str]]:
    """Resolution and method by file name, from the table in the folder where there is one."""
    path = folder / INDEX
    table = read(path) if path.is_file() else None
    if not isinstance(table, Table) or "file" not in table.columns:
        return {}
    return {
        str(row["file"]): (_positive(row.get("resolution")), str(row.get("method") or ""))
        for row in table.records()
    }


def _positive(value: object) -> float | None:
    """A number above 0, or None."""
    return float(value) if isinstance(value, int | float) and value > 0 else None
