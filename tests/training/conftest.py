"""Small proteins with known sequences, and the sample's helices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gemmi
import numpy as np
import pytest

from mapscope import read
from mapscope.structure import Structure
from mapscope.training.entry import CorpusEntry, entry_from_structure

Backbone = Callable[..., Structure]


def backbone(*sequences: str, kind: gemmi.ResidueKind = gemmi.ResidueKind.AA) -> Structure:
    """One chain for each sequence, its atoms N, CA, C and O (or P) along a line."""
    model = gemmi.Model(1)
    atoms = ("N", "CA", "C", "O") if kind == gemmi.ResidueKind.AA else ("P",)
    for number, letters in enumerate(sequences):
        chain = gemmi.Chain("ABCDEFGH"[number])
        for place, name in enumerate(gemmi.expand_one_letter_sequence(letters, kind)):
            residue = gemmi.Residue()
            residue.name, residue.seqid = name, gemmi.SeqId(str(place + 1))
            for step, atom_name in enumerate(atoms):
                atom = gemmi.Atom()
                atom.name, atom.element = atom_name, gemmi.Element(atom_name[0])
                atom.pos = gemmi.Position(3.8 * place + 0.9 * step, 12.0 * number, 0.25 * step)
                atom.b_iso, atom.occ = 20.0 + place % 7, 1.0
                residue.add_atom(atom)
            chain.add_residue(residue)
        model.add_chain(chain)
    structure = gemmi.Structure()
    structure.name = "made"
    structure.add_model(model)
    structure.setup_entities()
    return Structure.from_gemmi(structure)


def protein(seed: int, length: int = 80) -> str:
    """Letters of a made-up protein; different seeds have nothing in common."""
    return "".join(np.random.default_rng(seed).choice(list("ACDEFGHIKLMNPQRSTVWY"), length))


def mutated(letters: str, share: float, seed: int = 0) -> str:
    """A protein with a share of its residues exchanged."""
    random = np.random.default_rng([seed, 1])
    others = random.choice(list("ACDEFGHIKLMNPQRSTVWY"), len(letters))
    change = random.random(len(letters)) < share
    return "".join(b if c else a for a, b, c in zip(letters, others, change, strict=True))


@pytest.fixture(scope="session")
def bundle(sample_folder: Path) -> Structure:
    """The sample's four helices."""
    found = read(sample_folder / "four_helix_bundle.cif")
    assert isinstance(found, Structure)
    return found


@pytest.fixture(scope="session")
def bundle_entry(bundle: Structure) -> CorpusEntry:
    """The same as an entry of a corpus."""
    return entry_from_structure(bundle, "bundle")
