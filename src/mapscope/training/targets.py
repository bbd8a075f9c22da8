"""What every voxel of a window is: the residue of its nearest heavy atom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.training.classes import kind_of
from mapscope.training.entry import CorpusEntry

if TYPE_CHECKING:
    import torch

_HYDROGEN = 1
_BACKBONE = ("CA", "P")
_CARBON, _PHOSPHORUS = 6, 15
_STEPS_PER_SQUARE_ANGSTROM = 2**16
_BITS = 2**32


@dataclass(frozen=True, eq=False)
class Targets:
    """What is where in a window of n voxels along each edge.

    Parameters
    ----------
    residue_class : int8 tensor (n, n, n)
        Class of the residue whose heavy atom is nearest: 0 where none is within the radius,
        1 to 20 amino acids, 21 to 24 nucleotides (``classes.CLASSES``); -1, to be ignored, at
        unknown residues, ligands, sugars, ions and water.
    instance : int32 tensor (n, n, n)
        Index of that residue in the entry plus 1; 0 in the background and at what is no residue
        of a chain.
    distance : float32 tensor (n, n, n)
        Å to that atom; the radius in the background.
    backbone : float32 tensor (m, 3)
        Positions of the Cα and P atoms in the window in Å from the centre of voxel (0, 0, 0),
        z, y, x.
    backbone_class : int8 tensor (m,)
        Class of their residues.
    backbone_instance : int32 tensor (m,)
        Index of their residues in the entry plus 1.
    """

    residue_class: torch.Tensor
    instance: torch.Tensor
    distance: torch.Tensor
    backbone: torch.Tensor
    backbone_class: torch.Tensor
    backbone_instance: torch.Tensor

    @property
    def mask(self) -> torch.Tensor:
        """True where a heavy atom is within the radius, (n, n, n); ignored voxels included."""
        return self.residue_class != 0


def targets_of(
    entry: CorpusEntry,
    positions: npt.NDArray[np.float64],
    *,
    size: int,
    voxel_size: float,
    radius: float = 2.0,
    device: str = "cpu",
) -> Targets:
    """The targets of a window on an entry.

    Atoms of occupancy 0 are not there; of atoms equally near, the first in the file counts.

    Parameters
    ----------
    entry : CorpusEntry
        The entry.
    positions : float64 array (atoms, 3)
        Where its atoms are, in Å from the centre of voxel (0, 0, 0), z, y, x.
    size : int
        Voxels along each edge.
    voxel_size : float
        Å.
    radius : float
        Å around an atom that belong to it.
    device : str
        What computes.
    """
    import torch

    classes, instances = _of_residues(entry)
    is_there = (entry.elements != _HYDROGEN) & (entry.occupancies > 0)
    high = (size - 1) * voxel_size
    near = ((positions > -radius) & (positions < high + radius)).all(axis=1) & is_there
    index = torch.as_tensor(positions[near] / voxel_size).to(device, torch.float32)
    owner, distance = _nearest(index, size, voxel_size, radius)
    of_atom = entry.residue_of_atom[near]
    inside = ((positions >= 0) & (positions <= high)).all(axis=1) & is_there & _backbone(entry)
    of_backbone = entry.residue_of_atom[inside]

    def on_voxels(values: npt.NDArray[np.generic]) -> torch.Tensor:
        of_atoms = np.append(values[of_atom], np.zeros(1, values.dtype))
        return torch.as_tensor(of_atoms).to(device)[owner]

    return Targets(
        residue_class=on_voxels(classes),
        instance=on_voxels(instances),
        distance=distance,
        backbone=torch.as_tensor(positions[inside].astype(np.float32)).to(device),
        backbone_class=torch.as_tensor(classes[of_backbone]).to(device),
        backbone_instance=torch.as_tensor(instances[of_backbone]).to(device),
    )


def _nearest(
    index: torch.Tensor, size: int, voxel_size: float, radius: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Number of the nearest atom of each voxel, as many as there are where there is none.

    And the distance in Å, the radius where there is none.
    """
    import torch

    offsets = torch.as_tensor(_ball(radius / voxel_size)).to(index.device)
    room = int(offsets.max()) + math.ceil(radius / voxel_size)
    edge = size + 2 * room
    middle = index.round()
    strides = offsets.new_tensor([edge * edge, edge, 1])
    first = ((middle.long() + room) * strides).sum(dim=1)
    voxels = first[:, None] + (offsets * strides).sum(dim=1)
    rest, steps = index - middle, offsets.float()
    squares = rest.square().sum(dim=1)[:, None] + steps.square().sum(dim=1)
    squares = torch.addmm(squares, rest, steps.T, alpha=-2).clamp_(min=0)
    # Distance in the high bits and atom in the low ones: one minimum finds both, on any device
    # the same.
    number = torch.arange(len(index), device=index.device)[:, None]
    key = squares.mul_(voxel_size**2 * _STEPS_PER_SQUARE_ANGSTROM).long().mul_(_BITS).add_(number)
    limit = round(radius**2 * _STEPS_PER_SQUARE_ANGSTROM)
    best = key.new_full((edge**3,), (limit + 1) * _BITS + len(index))
    best.scatter_reduce_(0, voxels.reshape(-1), key.reshape(-1), "amin")
    inner = slice(room, room + size)
    best = best.reshape(edge, edge, edge)[inner, inner, inner]
    steps_away, owner = best >> 32, best & (_BITS - 1)
    owner = owner.masked_fill(steps_away > limit, len(index))
    distance = steps_away.float().div_(_STEPS_PER_SQUARE_ANGSTROM).sqrt_().clamp_(max=radius)
    return owner, distance


@lru_cache(maxsize=8)
def _ball(radius: float) -> npt.NDArray[np.int64]:
    """Offsets of the voxels that may lie within a radius of a point, by its nearest voxel."""
    reach = int(np.ceil(radius + 0.5))
    along = np.arange(-reach, reach + 1)
    offsets = np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1).reshape(-1, 3)
    nearest = np.maximum(np.abs(offsets) - 0.5, 0)
    return np.asarray(offsets[(nearest**2).sum(axis=1) <= radius**2])


def _of_residues(entry: CorpusEntry) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    """Class and instance number of each residue; what is no residue of a chain has number 0."""
    names, which = np.unique(entry.residue_names, return_inverse=True)
    is_polymer = np.array([kind_of(str(name)) != "other" for name in names])[which]
    numbers = np.arange(1, len(is_polymer) + 1, dtype=np.int32)
    return entry.residue_classes, np.where(is_polymer, numbers, 0).astype(np.int32)


def _backbone(entry: CorpusEntry) -> npt.NDArray[np.bool_]:
    """True for Cα and P atoms of residues and nucleotides, (atoms,)."""
    _, instances = _of_residues(entry)
    is_one = np.isin(entry.atom_names, _BACKBONE) & np.isin(entry.elements, (_CARBON, _PHOSPHORUS))
    return np.asarray(is_one & (instances[entry.residue_of_atom] > 0))
