"""Words that select atoms: ``A/127``, ``A/120-130``, ``A:LYS``, ``near 5 A/127``."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import residues_of
from mapscope.errors import InputError
from mapscope.structure import Structure

Mask = npt.NDArray[np.bool_]

EXAMPLES = "A/127, A/120-130, A, /127, A:LYS, :HEM, near 5 A/127"
_NEAR = re.compile(r"near\s+([0-9.]+)\s*(?:Å|A(?=\s))?\s+(.+)", re.IGNORECASE)
_NUMBER = re.compile(r"(-?\d+)([A-Za-z]?)(?:-(-?\d+)([A-Za-z]?))?")
_SHOWN = 12
_CODES = 1000
"""More than there are insertion codes."""


@dataclass(frozen=True)
class _Term:
    """One part of a selection: a chain, residues of it by number or by name, or both."""

    chain: str
    residue: str


def select(structure: Structure, text: str) -> Mask:
    """The atoms that a text names, true for each (atoms,).

    Parameters
    ----------
    structure : Structure
        The model.
    text : str
        ``A`` is a chain, ``A/127`` a residue, ``A/52A`` one with an insertion code,
        ``A/120-130`` a range, ``/127`` that residue of every chain, ``A:LYS`` and ``:HEM``
        residues by name. Parts are joined by commas; numbers keep the chain before them.
        ``near 5 A/127`` is every residue that comes within 5 Å of these. ``/A:127``, as
        ChimeraX writes it, is the same as ``A/127``. ``all`` is everything.

    Raises
    ------
    InputError
        If the text is not understood or names nothing in the structure.
    """
    text = text.strip()
    if not text:
        raise InputError(f"nothing is named: write a residue, such as {EXAMPLES}")
    near = _NEAR.fullmatch(text)
    if near:
        return near_atoms(structure, select(structure, near[2]), _distance(near[1]))
    if text.lower() == "all":
        return np.ones(len(structure), dtype=np.bool_)
    mask = np.zeros(len(structure), dtype=np.bool_)
    chain = ""
    for part in text.split(","):
        term = _term(structure, part.strip(), chain)
        mask |= _atoms_of(structure, term)
        chain = term.chain
    return mask


def near_atoms(structure: Structure, mask: Mask, distance: float) -> Mask:
    """All atoms of the residues that come within a distance in Å of selected atoms."""
    from scipy.spatial import cKDTree

    if not mask.any():
        return mask.copy()
    apart, _ = cKDTree(structure.positions[mask]).query(
        structure.positions, distance_upper_bound=np.nextafter(distance, np.inf)
    )
    owners = residues_of(structure).of_atoms
    return np.isin(owners, owners[np.isfinite(apart)])


def selected_residues(structure: Structure, mask: Mask) -> npt.NDArray[np.int64]:
    """Indices of the residues that have a selected atom, in order."""
    return np.unique(residues_of(structure).of_atoms[mask])


def _distance(text: str) -> float:
    """A distance in Å.

    Raises
    ------
    InputError
        If it is no number.
    """
    try:
        return float(text)
    except ValueError:
        raise InputError(f"expected a distance in Å after near, got {text!r}") from None


def _term(structure: Structure, text: str, chain_before: str) -> _Term:
    """One part of a selection, in either way of writing it.

    Raises
    ------
    InputError
        If it is empty or not understood.
    """
    if not text or text.count("/") > 1 or text.count(":") > 1:
        raise InputError(f"{text!r} is not understood: write {EXAMPLES}")
    if "/" in text and ":" in text:
        before, _, rest = text.partition("/")
        chain, _, residue = rest.partition(":")
        if before:
            raise InputError(f"{text!r} is not understood: write {EXAMPLES}")
        return _Term(chain.strip(), residue.strip())
    if ":" in text:
        chain, _, residue = text.partition(":")
        return _Term(chain.strip(), residue.strip())
    if "/" in text:
        chain, _, residue = text.partition("/")
        is_chain = not chain and _NUMBER.fullmatch(residue.strip()) is None
        return _Term(residue.strip(), "") if is_chain else _Term(chain.strip(), residue.strip())
    chains = set(structure.chains.tolist())
    if _NUMBER.fullmatch(text) and (chain_before or text not in chains):
        return _Term(chain_before, text)
    return _Term(text, "")


def _atoms_of(structure: Structure, term: _Term) -> Mask:
    """Atoms of one part of a selection.

    Raises
    ------
    InputError
        If there is no such chain or residue.
    """
    residues = residues_of(structure)
    chosen = np.ones(len(residues), dtype=np.bool_)
    if term.chain:
        chosen = residues.chains == term.chain
        if not chosen.any():
            raise InputError(
                f"chain {term.chain} is not there: {_listed(residues.chains.tolist())}"
            )
    if not term.residue:
        return np.asarray(chosen[residues.of_atoms])
    match = _NUMBER.fullmatch(term.residue)
    if match is None:
        named = residues.names == term.residue.upper()
        wanted, there = named, residues.names[chosen].tolist()
    else:
        wanted, there = _numbered(structure, match), []
    found = chosen & wanted
    if not found.any():
        where = f"chain {term.chain}" if term.chain else "the structure"
        listed = _listed(there) if there else _span(residues.numbers[chosen])
        raise InputError(f"no residue {term.residue} in {where}: {listed}")
    return np.asarray(found[residues.of_atoms])


def _numbered(structure: Structure, match: re.Match[str]) -> Mask:
    """Residues whose number is that of a match, or lies in its range, in any chain.

    Raises
    ------
    InputError
        If a range runs backwards.
    """
    residues = residues_of(structure)
    codes = residues.insertion_codes.tolist()
    places = residues.numbers.astype(np.int64) * _CODES + [_code(code) for code in codes]
    first = int(match[1]) * _CODES + _code(match[2])
    if match[3] is None:
        return np.asarray(places == first)
    last = int(match[3]) * _CODES + (_code(match[4]) if match[4] else _CODES - 1)
    if last < first:
        raise InputError(f"the range {match[0]} runs backwards: write the lower number first")
    return np.asarray((places >= first) & (places <= last))


def _code(insertion_code: str) -> int:
    """Rank of an insertion code behind its number: 0 for none."""
    return ord(insertion_code.upper()) % _CODES if insertion_code else 0


def _listed(names: list[str]) -> str:
    """Names without repeats, in order, the first dozen."""
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _SHOWN} more" if len(unique) > _SHOWN else ""
    return ", ".join(unique[:_SHOWN]) + more


def _span(numbers: npt.NDArray[np.int32]) -> str:
    """From which number to which residues run."""
    return f"numbers run from {numbers.min()} to {numbers.max()}"
