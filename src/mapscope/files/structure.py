"""Atomic models as PDB and mmCIF, through gemmi."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import gemmi
import numpy as np

from mapscope.errors import InputError, MapFormatError
from mapscope.files.findings import Findings
from mapscope.files.format import Choice, Cover, Reader, Writer
from mapscope.files.stream import format_suffix, read_text
from mapscope.preferences import free_memory, memory_limit
from mapscope.structure import Structure

PDB_SUFFIXES = (".pdb", ".ent")
CIF_SUFFIXES = (".cif", ".mmcif")
_MAX_ASSEMBLY_ATOMS = 5_000_000
_MEMORY_PER_BYTE = {".pdb": 6.0, ".ent": 6.0, ".cif": 10.0, ".mmcif": 10.0}
_ALWAYS_READ = 64 * 2**20
_MAX_PDB_ATOMS = 99_999
_MAX_PDB_RESIDUE_NUMBER = 9_999
_MAX_PDB_COORDINATE = 9_999.999
_MIN_PDB_COORDINATE = -999.999


class StructureReader:
    """Reads the atomic models of PDB and mmCIF files; `permissive` changes nothing here."""

    suffixes: ClassVar[tuple[str, ...]] = (*PDB_SUFFIXES, *CIF_SUFFIXES)
    noun: ClassVar[type] = Structure

    def choices(self, path: Path) -> tuple[Choice, ...]:
        """Biological assemblies that the file describes."""
        assemblies = _model_of(path, Findings(path)).assemblies
        texts: dict[str | int | None, str] = {None: "as deposited"}
        texts |= {a.name: _title(a) for a in assemblies}
        return (
            Choice(
                "assembly",
                "Assembly",
                (None, *(a.name for a in assemblies)),
                texts=texts,
                help="The deposited atoms, or a biological assembly built of copies of them.",
                reason="" if assemblies else "the file describes no assembly",
            ),
        )

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,  # noqa: ARG002  a model needs no cover
        assembly: str | None = None,
    ) -> Structure:
        """The structure that the file holds, with its entities set up.

        Parameters
        ----------
        path : Path
            The file.
        permissive : bool
            Changes nothing here.
        cover : Cover or None
            Changes nothing here.
        assembly : str, optional
            Name of the biological assembly to build of it; None keeps it as deposited.

        Raises
        ------
        MapFormatError
            If the text is neither PDB nor mmCIF, or holds no atom or no finite position.
        InputError
            If the file names no such assembly, it is too large, or memory is too short.
        """
        findings = Findings(path, permissive)
        model = _model_of(path, findings)
        if len(model) == 0 or model[0].count_atom_sites() == 0:
            raise findings.refuse("expected an atomic model, found no atoms in the file")
        if not model.name:
            model.name = path.name.split(".")[0]
        if assembly is not None:
            _build_assembly(model, assembly, path.name)
        try:
            structure = Structure.from_gemmi(model)
        except UnicodeDecodeError as error:
            raise findings.refuse(f"a name in the file is no text ({error.reason})") from error
        bad = int((~np.isfinite(structure.positions).all(axis=1)).sum())
        if bad:
            raise findings.refuse(f"{bad} of {len(structure)} atoms have no finite position")
        return structure


def _title(assembly: gemmi.Assembly) -> str:
    """An assembly's name with what the file calls it."""
    details = assembly.oligomeric_details.lower()
    return f"{assembly.name} ({details})" if details else assembly.name


def _model_of(path: Path, findings: Findings) -> gemmi.Structure:
    """The model in a file's text."""
    _require_memory(path, path.stat().st_size)
    text = read_text(path)
    _require_memory(path, len(text))
    try:
        return _from_pdb(text) if format_suffix(path) in PDB_SUFFIXES else _from_cif(text)
    except (RuntimeError, ValueError) as error:
        raise findings.refuse(f"this is no atomic model ({error})") from error


def _require_memory(path: Path, size: int) -> None:
    """Raise where a text of `size` bytes needs more memory than there is for its model."""
    if size < _ALWAYS_READ:
        return
    needed = size * _MEMORY_PER_BYTE[format_suffix(path)]
    limit, free = memory_limit(), free_memory()
    if limit is not None and needed > limit:
        raise InputError(
            f"{path.name}: reading this model needs about {needed / 1e9:.1f} GB of memory and the "
            f"preferences allow {limit / 1e9:.3g} GB: allow more (memory_gb), or open a file with "
            "fewer of its chains"
        )
    if free is not None and needed > free:
        raise InputError(
            f"{path.name}: reading this model needs about {needed / 1e9:.1f} GB of memory and "
            f"{free / 1e9:.1f} GB are free: close other programs, or open a file with fewer of its "
            "chains"
        )


def _from_pdb(text: str) -> gemmi.Structure:
    """Model in PDB format."""
    model = gemmi.read_pdb_string(text)
    if model.name == "string":  # gemmi's name for what has no HEADER
        model.name = ""
    model.setup_entities()
    return model


def _from_cif(text: str) -> gemmi.Structure:
    """Model of the first block that holds atoms."""
    document = gemmi.cif.read_string(text)
    for block in document:
        if block.find_loop("_atom_site.id") or block.find_value("_atom_site.id"):
            model = gemmi.make_structure_from_block(block)
            model.setup_entities()
            return model
    if any(block.find_loop("_refln.index_h") for block in document):
        raise ValueError(
            "it holds reflections: open map coefficients as .mtz, made by a refinement program"
        )
    raise ValueError("no block of it has an _atom_site category")


def _build_assembly(model: gemmi.Structure, name: str, file_name: str) -> None:
    """Replace a model by one of its biological assemblies; copies of a chain get new names."""
    known = {assembly.name: assembly for assembly in model.assemblies}
    if name not in known:
        offered = ", ".join(known) or "none: it names no assembly"
        raise InputError(f"{file_name}: there is no assembly {name!r}; there are {offered}")
    copies = sum(len(generator.operators) for generator in known[name].generators)
    atoms = copies * model[0].count_atom_sites()
    if atoms > _MAX_ASSEMBLY_ATOMS:
        raise InputError(
            f"{file_name}: assembly {name!r} would have up to {atoms} atoms, at most "
            f"{_MAX_ASSEMBLY_ATOMS} are built"
        )
    model.transform_to_assembly(name, gemmi.HowToNameCopiedChain.Short)


class StructureWriter:
    """Writes structures as mmCIF or, where it fits, as PDB."""

    suffixes: ClassVar[tuple[str, ...]] = (".cif", ".pdb", ".mmcif", ".ent")
    nouns: ClassVar[tuple[type, ...]] = (Structure,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:
        """Write a structure.

        Raises
        ------
        MapFormatError
            If the PDB format has no room for it.
        """
        structure: Structure = noun
        if suffix in PDB_SUFFIXES:
            _check_fits_pdb(structure)
            text = structure.model.make_pdb_string()
        else:
            text = structure.model.make_mmcif_document().as_string()
        stream.write(text.encode())


def _check_fits_pdb(structure: Structure) -> None:
    """Raise where a column of the PDB format is too narrow."""
    model = structure.model
    atoms = max(one.count_atom_sites() + len(one) for one in model)
    residues = [r for one in model for chain in one for r in chain]
    chains = sorted({c.name for one in model for c in one if len(c.name) > 1})
    names = sorted({r.name for r in residues if len(r.name) > 3})
    numbers = [r.seqid.num for r in residues if r.seqid.num is not None] or [0]
    low, high = structure.positions.min(), structure.positions.max()
    reasons = {
        f"{atoms} atoms and chain ends, at most {_MAX_PDB_ATOMS}": atoms > _MAX_PDB_ATOMS,
        f"chain names of one letter, got {chains[:5]}": bool(chains),
        f"residue names of three letters, got {names[:5]}": bool(names),
        f"residue numbers from -999 to {_MAX_PDB_RESIDUE_NUMBER}": (
            max(numbers) > _MAX_PDB_RESIDUE_NUMBER or min(numbers) < -999
        ),
        f"positions from {_MIN_PDB_COORDINATE} to {_MAX_PDB_COORDINATE} Å": (
            low < _MIN_PDB_COORDINATE or high > _MAX_PDB_COORDINATE
        ),
    }
    broken = [reason for reason, is_broken in reasons.items() if is_broken]
    if broken:
        raise MapFormatError(
            f"the PDB format has no room for this model ({'; '.join(broken)}): write .cif"
        )


READERS: tuple[Reader, ...] = (StructureReader(),)
WRITERS: tuple[Writer, ...] = (StructureWriter(),)
