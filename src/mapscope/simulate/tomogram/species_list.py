"""Which species a tomogram is to hold, from files: one, a folder of them, or a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mapscope.errors import InputError
from mapscope.files import read
from mapscope.files.stream import format_suffix
from mapscope.files.structure import CIF_SUFFIXES, PDB_SUFFIXES
from mapscope.progress import Progress, part, silent
from mapscope.simulate.tomogram.species import Species, species_of_map, species_of_structure
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Volume

Assembly: TypeAlias = Literal["listed", "asymmetric_unit", "first"]

_LISTS = (".csv", ".tsv")
_COLUMNS = ("file", "species", "assembly", "kda")


@dataclass(frozen=True)
class Listed:
    """One species as it stands in a list.

    Parameters
    ----------
    path : Path
        A structure or a density map.
    name : str
        What it is called.
    assembly : str
        Biological assembly in the file; empty for the atoms as they stand there.
    kda : float, optional
        Mass, which a map needs.
    """

    path: Path
    name: str
    assembly: str = ""
    kda: float | None = None


def listed_species(path: Path, root: Path | None = None) -> list[Listed]:
    """The species that a path names.

    Parameters
    ----------
    path : Path
        A structure; a folder, all of whose structures are meant; or a table (.csv, .tsv) with
        the column ``file`` and, where they matter, ``species``, ``assembly`` and ``kda``.
    root : Path, optional
        Folder that the table's files are looked for in. None: that of the table.

    Raises
    ------
    InputError
        If the folder holds none, the table lacks its column or a file is not there.
    """
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if _is_structure(p))
        if not found:
            raise InputError(
                f"{path} holds no structure: give PDB or mmCIF files, or a list (.csv) with the "
                "columns file, species, assembly, kda"
            )
        return [Listed(p, _stem(p)) for p in found]
    if format_suffix(path) not in _LISTS:
        return [Listed(path, _stem(path))]
    table = read(path)
    if not isinstance(table, Table) or "file" not in table.columns:
        raise InputError(f"{path.name} needs the column file; known are {', '.join(_COLUMNS)}")
    columns = {name: table.columns[name].tolist() for name in _COLUMNS if name in table.columns}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [_listed(row, root or path.parent) for row in rows]


def _listed(row: dict[str, Any], root: Path) -> Listed:
    """One row of a list."""
    path = root / str(row["file"])
    if not path.is_file():
        raise InputError(
            f"{path} is not there: the list's files are looked for in its own folder, or in root"
        )
    kda = row.get("kda")
    return Listed(
        path,
        _text(row.get("species")) or _stem(path),
        _text(row.get("assembly")),
        None if kda is None or kda != kda or kda == "" else float(kda),
    )


def _text(value: Any) -> str:
    """A field as text; whole numbers without a point, nothing for what is empty."""
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _stem(path: Path) -> str:
    """A file's name up to its first dot."""
    return path.name.partition(".")[0]


def _is_structure(path: Path) -> bool:
    """Whether a file is an atomic model, by its name."""
    return path.is_file() and format_suffix(path) in (*PDB_SUFFIXES, *CIF_SUFFIXES)


def read_species(
    listed: Sequence[Listed],
    voxel_size: float,
    *,
    assembly: Assembly = "listed",
    device: str = "cpu",
    progress: Progress = silent,
) -> list[Species]:
    """The species of a list, for a tomogram of a voxel size in Å.

    Parameters
    ----------
    listed : sequence of Listed
        Which.
    voxel_size : float
        Å.
    assembly : {"listed", "asymmetric_unit", "first"}
        Which assembly of structures: that of the list, none, or the first of every file that
        has one.
    device : str
        What computes.
    progress : callable
        Called several times for each.

    Raises
    ------
    InputError
        If names repeat, a file is neither structure nor map, a map comes without its mass, or
        an assembly is not there.
    """
    names = [one.name for one in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two species are called {twice[0]!r}: give each its name in the list")
    return [
        _species(one, voxel_size, assembly, device, part(progress, k, k + 1, len(listed)))
        for k, one in enumerate(listed)
    ]


def _species(
    one: Listed, voxel_size: float, assembly: Assembly, device: str, progress: Progress
) -> Species:
    """One species from its file."""
    progress(0, 1, f"density of {one.name}")
    noun = read(one.path)
    if isinstance(noun, Volume):
        if one.kda is None:
            raise InputError(f"{one.path.name} is a map: the list must say its mass in kda")
        return species_of_map(noun, one.name, voxel_size, kda=one.kda)
    if not isinstance(noun, Structure):
        raise InputError(f"{one.path.name} holds neither a structure nor a density map")
    return species_of_structure(
        noun,
        one.name,
        voxel_size,
        assembly=assembly_of(noun, one.assembly, assembly),
        device=device,
        progress=progress,
    )


def assembly_of(structure: Structure, listed: str, wanted: Assembly) -> str:
    """Name of the assembly to build; empty for the atoms as they stand in the file."""
    if wanted == "listed":
        return listed
    known = [found.name for found in structure.model.assemblies]
    return known[0] if wanted == "first" and known else ""
