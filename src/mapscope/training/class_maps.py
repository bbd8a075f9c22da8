"""Noise-free maps of single chains, simulated once and kept as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.density import fixed_density
from mapscope.training.augmentation import PROPER, turned
from mapscope.training.claim import claimed
from mapscope.training.classes import kind_of
from mapscope.training.corpus import Corpus
from mapscope.training.data_tables import ClassMaps
from mapscope.training.entry import CorpusEntry
from mapscope.training.samples import Role, Sample, normalised, stream
from mapscope.training.split import read_split
from mapscope.training.windows import random_rotation
from mapscope.volume import Grid


@dataclass(frozen=True)
class DrawnClassMap:
    """One map, as drawn.

    Parameters
    ----------
    role : str
        Whose maps.
    entry : str
        Name of the corpus entry.
    orientation : int
        Which of the free rotations; 0 is that of the file.
    label : int
        Which class.
    turn : int
        Which of the 24 proper rotations of the cube comes on top.
    """

    role: Role
    entry: str
    orientation: int
    label: int
    turn: int


class ClassMapSamples:
    """Whole chains in a box, each at the resolution of every class.

    Validation and test have each chain once, as the file has it, at every resolution.

    Parameters
    ----------
    data : ClassMaps
        The recipe's table.
    corpus : Corpus
        The structures.
    folder : Path
        Where the maps are kept, a file of half-precision numbers for each role.

    Raises
    ------
    InputError
        If there are not as many resolutions as classes.
    """

    def __init__(self, data: ClassMaps, corpus: Corpus, folder: Path) -> None:
        if len(data.classes) != len(data.resolutions):
            raise InputError(
                f"{len(data.classes)} classes need as many resolutions, got {data.resolutions}"
            )
        self.data = data
        self._corpus, self._folder = corpus, folder

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class."""
        return self.data.classes

    def prepare(self, role: Role, progress: Progress = silent) -> None:
        """Simulate all maps of a role, unless that was done; what is finished is not lost."""
        path, done = self._paths(role)
        names = self._entries[role]
        finished = json.loads(done.read_text()) if done.is_file() else 0
        if finished == len(names):
            return
        with claimed(path):
            self._simulate(role, finished, progress)

    def _simulate(self, role: Role, finished: int, progress: Progress) -> None:
        """Simulate the maps of a role from a certain one on."""
        path, done = self._paths(role)
        names = self._entries[role]
        mode: Literal["r+", "w+"] = "r+" if path.is_file() and finished else "w+"
        maps = np.memmap(path, np.float16, mode, shape=self._shape(role))
        for number in range(finished, len(names)):
            progress(number, len(names), f"simulating maps for {role}")
            maps[number] = self._maps(names[number], maps.shape[1])
            if number % 20 == 19 or number == len(names) - 1:
                maps.flush()
                done.write_text(json.dumps(number + 1))
        progress(1, 1, f"simulated maps for {role}")

    def draw(self, role: Role, seed: int, number: int) -> DrawnClassMap:
        """A map drawn at random for training; the one of this number, over and over, else."""
        names, labels = self._entries[role], len(self.classes)
        if role != "training":
            place, label = divmod(number % (len(names) * labels), labels)
            return DrawnClassMap(role, names[place], 0, label, 0)
        random = stream(seed, role, number)
        return DrawnClassMap(
            role=role,
            entry=names[int(random.integers(len(names)))],
            orientation=int(random.integers(self.data.orientations)),
            # Every class comes equally often in whatever few samples a step has.
            label=number % labels,
            turn=int(random.integers(PROPER)),
        )

    def make(self, drawn: DrawnClassMap) -> Sample:
        """The map that was drawn, and its class."""
        import torch

        role = drawn.role
        place = self._entries[role].index(drawn.entry)
        kept = _opened(self._paths(role)[0], self._shape(role))[
            place, drawn.orientation, drawn.label
        ]
        maps = torch.from_numpy(np.asarray(kept, dtype=np.float32))[None]
        label = torch.tensor(drawn.label)
        return Sample(turned(maps, drawn.turn), {"class": label})

    def count(self, role: Role) -> int | None:
        """Chains times classes, but for training, which has no end."""
        return None if role == "training" else len(self._entries[role]) * len(self.classes)

    def test_chains(self, count: int) -> Iterator[Atoms]:
        """Atoms of the first chains that test."""
        for name in self._entries["test"][:count]:
            yield longest_chain(self._corpus[name])

    @cached_property
    def _entries(self) -> dict[Role, tuple[str, ...]]:
        """Names of the entries of each role that have a chain long enough."""
        split = read_split()
        roles: tuple[Role, ...] = ("training", "validation", "test")
        found = {}
        for role in roles:
            names = [n for n in split.entries(role) if n in self._corpus]
            found[role] = tuple(n for n in names if self._longest(n) >= self.data.min_residues)
            if not found[role]:
                raise InputError(f"the corpus has no entries for {role}: build a larger one")
        return found

    def _longest(self, name: str) -> int:
        """Residues of an entry's longest chain."""
        return max((len(s.letters) for s in self._corpus.index[name].sequences), default=0)

    def _maps(self, name: str, orientations: int) -> npt.NDArray[np.float16]:
        """Maps of an entry, (orientations, classes, size, size, size)."""
        import torch

        atoms = longest_chain(self._corpus[name])
        random = np.random.default_rng(int(blake2b(name.encode(), digest_size=8).hexdigest(), 16))
        found = []
        for number in range(orientations):
            rotation = np.eye(3) if number == 0 else np.array(random_rotation(random))
            for resolution in self.data.resolutions:
                density = torch.from_numpy(self.simulated(atoms, rotation, resolution))
                found.append(normalised(density, self.data.normalisation).half().numpy())
        return np.stack(found).reshape(orientations, len(self.classes), *found[0].shape)

    def simulated(
        self, atoms: Atoms, rotation: npt.NDArray[np.float64], resolution: float
    ) -> npt.NDArray[np.float32]:
        """Density of atoms turned about their middle, which is the middle of the box."""
        size, step = self.data.size, self.data.voxel_size
        centred = (atoms.positions - atoms.positions.mean(axis=0)) @ rotation.T
        placed = replace(atoms, positions=centred + (size - 1) / 2 * step)
        grid = Grid((size,) * 3, (step,) * 3, (0.0, 0.0, 0.0))
        return fixed_density(placed, grid, self.data.program, resolution)

    def _paths(self, role: Role) -> tuple[Path, Path]:
        """File of a role's maps, and of how many of them are finished.

        Their names follow from what is in them, so that another recipe makes others.
        """
        content = f"{self.data.model_dump_json()}{self._entries[role]}"
        key = blake2b(content.encode(), digest_size=6).hexdigest()
        return self._folder / f"{role}-{key}.f16", self._folder / f"{role}-{key}.json"

    def _shape(self, role: Role) -> tuple[int, ...]:
        """Entries, orientations, classes and voxels of a role's maps."""
        orientations = self.data.orientations if role == "training" else 1
        return len(self._entries[role]), orientations, len(self.classes), *(self.data.size,) * 3


@lru_cache(maxsize=8)
def _opened(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.float16]:
    """A file of half-precision numbers as an array, opened once in each process."""
    return np.memmap(path, np.float16, "r", shape=shape)


def longest_chain(entry: CorpusEntry) -> Atoms:
    """Atoms of the polymer in an entry's longest chain; water and ligands are left out.

    Raises
    ------
    InputError
        If it has no polymer.
    """
    names, which = np.unique(entry.residue_names, return_inverse=True)
    is_polymer = np.array([kind_of(str(name)) != "other" for name in names])[which]
    counts = np.bincount(entry.chain_of_residue[is_polymer], minlength=len(entry.chains))
    if not counts.any():
        raise InputError(f"{entry.name} has no residues or nucleotides")
    chosen = is_polymer & (entry.chain_of_residue == int(counts.argmax()))
    atoms = Atoms(
        entry.positions,
        entry.symbols,
        entry.b_factors.astype(np.float64),
        entry.occupancies.astype(np.float64),
    )
    is_known = (entry.occupancies > 0) & (entry.elements > 0)
    return atoms.chosen(chosen[entry.residue_of_atom] & is_known)
