"""Training samples made on the fly: a window of density and what is in it.

What is drawn at random (`sample_window`) stands apart from the arithmetic (`make_window`), and is
a pure function of seed and step, so that every sample can be recorded and made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.simulate.form_factors import Radiation
from mapscope.training.classes import kind_of
from mapscope.training.entry import CorpusEntry
from mapscope.training.targets import Targets, targets_of
from mapscope.training.window_density import window_density

if TYPE_CHECKING:
    import torch

Matrix = tuple[tuple[float, float, float], ...]

_UNIT: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class WindowRanges:
    """What windows are drawn from.

    Parameters
    ----------
    size : int
        Voxels along each edge.
    voxel_size : tuple of float
        Å, lowest and highest.
    resolution : tuple of float
        Å, lowest and highest; at least 2.5 voxels.
    resolution_step : float
        Å; a resolution is a whole number of steps, because what is common to all windows of one
        is computed once.
    shift : float
        Å along each axis by which the chosen residue may be off the window's middle.
    radiation : {"electrons", "x_rays"}
        What sees the atoms.
    """

    size: int = 64
    voxel_size: tuple[float, float] = (1.0, 1.0)
    resolution: tuple[float, float] = (2.5, 4.0)
    resolution_step: float = 0.1
    shift: float = 16.0
    radiation: Radiation = "electrons"


@dataclass(frozen=True)
class WindowParameters:
    """One window, as drawn: nothing about it is left to chance.

    Parameters
    ----------
    entry : str
        Name of the corpus entry.
    residue : int
        Which residue or nucleotide lies near the middle; counted round and round.
    rotation : 3 × 3 floats
        Proper, active, z, y, x: about the residue.
    shift : three floats
        Å from the middle of the window to the residue, z, y, x.
    size : int
        Voxels along each edge.
    voxel_size, resolution : float
        Å.
    radiation : str
        electrons or x_rays.
    """

    entry: str
    residue: int = 0
    rotation: Matrix = _UNIT
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    size: int = 64
    voxel_size: float = 1.0
    resolution: float = 3.0
    radiation: Radiation = "electrons"


@dataclass(frozen=True, eq=False)
class Window:
    """A training sample.

    Parameters
    ----------
    parameters : WindowParameters
        How it was made.
    density : float32 tensor (z, y, x)
        As `simulate_map` gives it.
    targets : Targets
        What every voxel is.
    """

    parameters: WindowParameters
    density: torch.Tensor = field(repr=False)
    targets: Targets = field(repr=False)


def sample_window(
    seed: int, step: int, groups: Sequence[Sequence[str]], ranges: WindowRanges | None = None
) -> WindowParameters:
    """The window of a step of a training run.

    A group is drawn first and one of its entries then, so that a protein of which there are
    hundred structures comes no more often than one of which there is one. The rotation is
    uniform over all proper ones.

    Parameters
    ----------
    seed, step : int
        Of the recipe and the run; equal ones give equal windows.
    groups : sequence of sequences of str
        Names of entries by cluster, as `Split.clusters` gives them.
    ranges : WindowRanges, optional
        What is drawn from.

    Raises
    ------
    InputError
        If there is no entry.
    """
    if not groups or not all(groups):
        raise InputError("there are no entries to draw windows from: look at the split")
    ranges = ranges or WindowRanges()
    random = np.random.default_rng([seed, step])
    group = groups[int(random.integers(len(groups)))]
    shift = random.uniform(-ranges.shift, ranges.shift, 3)
    return WindowParameters(
        entry=group[int(random.integers(len(group)))],
        residue=int(random.integers(2**31)),
        rotation=random_rotation(random),
        shift=(float(shift[0]), float(shift[1]), float(shift[2])),
        size=ranges.size,
        voxel_size=float(random.uniform(*ranges.voxel_size)),
        resolution=_in_steps(random.uniform(*ranges.resolution), ranges.resolution_step),
        radiation=ranges.radiation,
    )


def make_window(
    entry: CorpusEntry, parameters: WindowParameters, *, radius: float = 2.0, device: str = "cpu"
) -> Window:
    """Density and targets of a window.

    Parameters
    ----------
    entry : CorpusEntry
        The entry that the parameters name.
    parameters : WindowParameters
        Where and how.
    radius : float
        Å around a heavy atom in which a voxel belongs to its residue.
    device : str
        What computes; the tensors lie there.

    Raises
    ------
    InputError
        If it is another entry.
    GridError
        If the voxels are too coarse for the resolution.
    """
    if entry.name != parameters.entry:
        raise InputError(f"the window is of {parameters.entry}, not of {entry.name}")
    positions = positions_in_window(entry, parameters)
    size, voxel_size = parameters.size, parameters.voxel_size
    density = window_density(
        positions,
        entry.elements,
        entry.b_factors,
        entry.occupancies,
        size=size,
        voxel_size=voxel_size,
        resolution=parameters.resolution,
        radiation=parameters.radiation,
        device=device,
    )
    targets = targets_of(
        entry, positions, size=size, voxel_size=voxel_size, radius=radius, device=device
    )
    return Window(parameters, density, targets)


def positions_in_window(
    entry: CorpusEntry, parameters: WindowParameters
) -> npt.NDArray[np.float64]:
    """Positions of an entry's atoms in Å from the centre of voxel (0, 0, 0), (atoms, 3)."""
    chosen = _polymer(entry)
    centre = entry.centres[chosen[parameters.residue % len(chosen)]]
    middle = (parameters.size - 1) / 2 * parameters.voxel_size + np.array(parameters.shift)
    turned = (entry.positions - centre) @ np.array(parameters.rotation).T
    return np.asarray(turned + middle)


def _polymer(entry: CorpusEntry) -> npt.NDArray[np.intp]:
    """Indices of residues and nucleotides; of all there is where there are none."""
    names, which = np.unique(entry.residue_names, return_inverse=True)
    is_polymer = np.array([kind_of(str(name)) != "other" for name in names])[which]
    return np.flatnonzero(is_polymer if is_polymer.any() else ~is_polymer)


def _in_steps(value: float, step: float) -> float:
    """The nearest whole number of steps, without the noise of binary fractions."""
    return round(round(value / step) * step, 6)


def random_rotation(random: np.random.Generator) -> Matrix:
    """A proper rotation, uniform over all of them: that of a quaternion drawn in a ball."""
    quaternion = random.standard_normal(4)
    w, z, y, x = quaternion / np.linalg.norm(quaternion)
    return (
        (1 - 2 * (y * y + x * x), 2 * (z * y - w * x), 2 * (z * x + w * y)),
        (2 * (z * y + w * x), 1 - 2 * (z * z + x * x), 2 * (y * x - w * z)),
        (2 * (z * x - w * y), 2 * (y * x + w * z), 1 - 2 * (z * z + y * y)),
    )
