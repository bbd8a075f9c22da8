"""Wrong templates: what a search finds with one of these, it did not find because of the shape."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import inverse, transform
from mapscope.picking.template import OVERSAMPLING, Template
from mapscope.progress import silent

Control: TypeAlias = Literal["scrambled", "mirrored", "sphere"]
Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


def control_of(template: Template, kind: Control, voxel_size: float, seed: int = 0) -> Template:
    """A wrong template with the mask, the size and the transfer of the right one.

    Parameters
    ----------
    template : Template
        The right one.
    kind : {"scrambled", "mirrored", "sphere"}
        As dense and as uneven at each distance from its middle, but with random phases, so that
        it has no shape; of the other hand; or a ball as large as the particle.
    voxel_size : float
        Of the tomogram in Å.
    seed : int
        Of the random phases.
    """
    name = f"{template.name} {kind}"
    if kind == "mirrored":
        fine = template.fine[::-1]
    elif kind == "sphere":
        fine = _ball(len(template.fine), template.radius * OVERSAMPLING / voxel_size)
    else:
        fine = _scrambled(template.fine, np.random.default_rng(seed))
    return template.with_density(name, fine)


def _scrambled(fine: Singles, random: np.random.Generator) -> Singles:
    """A box whose shells keep mean and deviation, with the phases of noise for what is in them.

    All phases at random would leave less density in the middle, and so find less of all else
    that is dense than the template does by chance.
    """
    # The phases of a real box keep the symmetry that the transform of a real box has.
    noise = transform(random.standard_normal(fine.shape), silent)
    size = np.abs(noise)
    phases = np.divide(noise, size, out=np.ones_like(noise), where=size > 0)
    shell = _shells(len(fine))
    mean, deviation = _of_shells(fine, shell)
    rest = inverse(np.abs(transform(fine - mean[shell], silent)) * phases, fine.shape)
    other_mean, other = _of_shells(rest, shell)
    scale = np.divide(deviation, other, out=np.zeros_like(other), where=other > 0)
    return np.asarray(mean[shell] + (rest - other_mean[shell]) * scale[shell], dtype=np.float32)


def _shells(edge: int) -> npt.NDArray[np.int64]:
    """Distance of each voxel of a box from its middle, in whole voxels."""
    axis = np.arange(edge) - edge // 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    return np.asarray(np.rint(distance), dtype=np.int64)


def _of_shells(data: Singles, shell: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each shell."""
    rows = shell.ravel()
    count = np.maximum(np.bincount(rows), 1)
    mean = np.bincount(rows, data.ravel()) / count
    square = np.bincount(rows, data.ravel().astype(np.float64) ** 2) / count
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def _ball(edge: int, radius: float) -> Singles:
    """1 inside a ball in the middle, with an edge as soft as a voxel of the tomogram."""
    axis = np.arange(edge) - edge // 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    return np.asarray(np.clip((radius - distance) / OVERSAMPLING + 0.5, 0, 1), dtype=np.float32)
