"""A corpus entry as few bytes: small integers, one compressed block without pickle."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError, MapFormatError
from mapscope.training.entry import CorpusEntry
from mapscope.volume import Array

STEPS_PER_ANGSTROM = (1000, 200)
"""Positions are whole numbers of the first, which model files are written in, or of the second
where a residue is wider than 32 Å."""

_B_QUANTUM = 0.01
_OCCUPANCY_QUANTUM = 0.005
_LEVEL = 9


def pack(entry: CorpusEntry) -> tuple[bytes, int]:
    """An entry as compressed bytes, and how many they are uncompressed; `unpack` gives it back.

    Positions come back within 0.0025 Å. They are kept as integers from the first atom of their
    residue, names as places in a list, B-factors and occupancies in steps of 0.01 Å² and 0.005;
    low and high bytes lie apart, because that compresses better. B-factors over 655 Å² are kept
    in wider steps.

    Raises
    ------
    InputError
        If a residue is over 160 Å wide, or a number is out of range.
    """
    from safetensors.numpy import save

    first = _first_atoms(entry.residue_of_atom, len(entry.residue_names))
    steps, grid, offsets = _on_grid(entry, first)
    highest = float(entry.b_factors.max(initial=0.0))
    b_quantum = max(_B_QUANTUM, highest / np.iinfo(np.uint16).max)
    atom_names, atom_codes = np.unique(entry.atom_names, return_inverse=True)
    names, codes = np.unique(entry.residue_names, return_inverse=True)
    arrays: dict[str, Array] = {
        "scales": np.array([steps, b_quantum], dtype=np.float64),
        "references": grid[first],
        "offsets": _planes(offsets),
        "elements": entry.elements,
        "atom_names": _text(atom_names),
        "atom_codes": _planes(atom_codes.astype(np.uint16)),
        "b_factors": _planes(np.rint(np.maximum(entry.b_factors, 0) / b_quantum).astype(np.uint16)),
        "occupancies": np.rint(entry.occupancies / _OCCUPANCY_QUANTUM).astype(np.uint8),
        "alternates": entry.alternates,
        "atoms_of_residue": np.bincount(entry.residue_of_atom).astype(np.int32),
        "residue_names": _text(names),
        "residue_codes": codes.astype(np.uint16),
        "residue_numbers": entry.residue_numbers,
        "insertion_codes": entry.insertion_codes,
        "is_hetero": entry.is_hetero,
        "residues_of_chain": np.bincount(entry.chain_of_residue).astype(np.int32),
        "chains": _text(entry.chains),
    }
    plain = save({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    return zlib.compress(plain, _LEVEL), len(plain)


def unpack(
    data: bytes, size: int, name: str, resolution: float | None = None, method: str = ""
) -> CorpusEntry:
    """The entry that `pack` made bytes of.

    Parameters
    ----------
    data : bytes
        What `pack` gave.
    size : int
        How many bytes they are uncompressed.
    name, resolution, method
        What the entry is called and known of it.

    Raises
    ------
    MapFormatError
        If the bytes are no entry.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        plain = zlib.decompressobj().decompress(data, size)
        return _entry(load(plain), name, resolution, method)
    except (zlib.error, SafetensorError, KeyError, ValueError, IndexError) as error:
        raise MapFormatError(f"entry {name} of the corpus cannot be read ({error})") from error


def _entry(
    stored: Mapping[str, Any], name: str, resolution: float | None, method: str
) -> CorpusEntry:
    """An entry from the arrays of its packed form."""
    steps, b_quantum = stored["scales"].tolist()
    residues = np.arange(len(stored["atoms_of_residue"]), dtype=np.int32)
    residue_of_atom = np.repeat(residues, stored["atoms_of_residue"])
    chains = np.arange(len(stored["residues_of_chain"]), dtype=np.int32)
    offsets = _joined(stored["offsets"], np.int16).astype(np.int32)
    b_factors = _joined(stored["b_factors"], np.uint16) * b_quantum
    occupancies = stored["occupancies"] * _OCCUPANCY_QUANTUM
    entry = CorpusEntry(
        name=name,
        positions=(stored["references"][residue_of_atom] + offsets) / steps,
        elements=stored["elements"],
        atom_names=_names(stored["atom_names"])[_joined(stored["atom_codes"], np.uint16)],
        b_factors=b_factors.astype(np.float32),
        occupancies=occupancies.astype(np.float32),
        alternates=stored["alternates"],
        residue_of_atom=residue_of_atom,
        residue_names=_names(stored["residue_names"])[stored["residue_codes"]],
        residue_numbers=stored["residue_numbers"],
        insertion_codes=stored["insertion_codes"],
        is_hetero=stored["is_hetero"],
        chain_of_residue=np.repeat(chains, stored["residues_of_chain"]),
        chains=_names(stored["chains"]),
        resolution=resolution,
        method=method,
    )
    lengths = {len(a) for a in (entry.positions, entry.elements, entry.atom_names, residue_of_atom)}
    if len(lengths) != 1 or len(entry.chain_of_residue) != len(entry.residue_names):
        raise ValueError("its arrays differ in length")
    return entry


def _first_atoms(residue_of_atom: Array, residues: int) -> Array:
    """Index of the first atom of each residue."""
    return np.searchsorted(residue_of_atom, np.arange(residues))


def _on_grid(entry: CorpusEntry, first: Array) -> tuple[int, Array, Array]:
    """Steps per Å, positions in steps (int32), and those from their residue's first atom."""
    limit = np.iinfo(np.int16).max
    for steps in STEPS_PER_ANGSTROM:
        grid = np.rint(entry.positions * steps)
        if np.abs(grid).max() > np.iinfo(np.int32).max // 2:
            raise InputError(f"{entry.name}: atoms lie over 100 µm off, which no model is")
        whole = grid.astype(np.int32)
        offsets = whole - whole[first][entry.residue_of_atom]
        if np.abs(offsets).max() <= limit:
            return steps, whole, offsets.astype(np.int16)
    raise InputError(
        f"{entry.name}: a residue is over {limit / STEPS_PER_ANGSTROM[-1]:.0f} Å wide, which no "
        "residue is: look at its residue numbers and positions"
    )


def _planes(values: Array) -> Array:
    """Bytes of 16-bit integers with the low ones first, then the high ones: (2, ...) uint8."""
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    split = little.view(np.uint8).reshape(*values.shape, 2)
    return np.moveaxis(split, -1, 0)


def _joined(planes: Array, dtype: npt.DTypeLike) -> Array:
    """16-bit integers from their low and high bytes."""
    split = np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    little = np.dtype(dtype).newbyteorder("<")
    return split.view(little)[..., 0].astype(dtype)


def _text(names: Array) -> npt.NDArray[np.uint8]:
    """Names as the bytes of a text, one on each line."""
    return np.frombuffer("\n".join(map(str, names)).encode(), dtype=np.uint8)


def _names(text: Array) -> Array:
    """Names from the bytes of a text."""
    return np.array(text.tobytes().decode().split("\n"))
