"""Fourier coefficients of atoms that scatter electrons or X-rays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import low_pass_gain
from mapscope.errors import InputError
from mapscope.progress import Progress
from mapscope.simulate import form_factors
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.form_factors import Radiation
from mapscope.simulate.gridding import Box, Gain, band_of, coefficients, cut, radius_of
from mapscope.simulate.hydrogens import nuclei_and_clouds
from mapscope.simulate.radial import radial_basis
from mapscope.simulate.solvent import Solvent
from mapscope.simulate.splat import splat

if TYPE_CHECKING:
    import torch

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scattering:
    """How atoms become density.

    Parameters
    ----------
    radiation : {"electrons", "x_rays"}
        Gives density of electron scattering in Å⁻² (times 47.878 V Å² it is the potential in
        volts), or electrons per Å³.
    resolution : float
        Å; detail finer than this is cut away in Fourier space.
    soft_edge : float
        Width of the cut's raised cosine, as a share of its frequency. 0 is a sharp cut.
    splits_hydrogens : bool
        Whether, for electrons, the nucleus and the electron of a hydrogen are apart and scatter
        as Mott and Bethe have it.
    solvent : Solvent, optional
        Density then counts from that of the solvent.
    blur : float, optional
        Å². None: atoms are what they are, band-limited. A number: Gaussians of that much more
        B are sampled on the map's own voxels, and it is taken away again in Fourier space; with
        0 this is what gemmi gives without blur, aliases included.

    References
    ----------
    Mott (1930) Proc. R. Soc. Lond. A127, 658; Bethe (1930) Ann. Phys. 397, 325: electrons
    scatter by ``m e² / (2π² ħ² · 4πε₀) (Z - f_x) / s²``.
    """

    radiation: Radiation
    resolution: float
    soft_edge: float = 0.3
    splits_hydrogens: bool = False
    solvent: Solvent | None = None
    blur: float | None = None

    @property
    def splits(self) -> bool:
        """Whether nucleus and electrons of hydrogens are apart."""
        return self.splits_hydrogens and self.radiation == "electrons"

    @property
    def highest(self) -> float:
        """1/Å beyond which nothing is left."""
        return (1 + self.soft_edge / 2) / self.resolution

    @property
    def gain(self) -> Gain:
        """What the cut leaves at each frequency in 1/Å."""
        return low_pass_gain(self.resolution, self.soft_edge / self.resolution)


def waves_of(
    atoms: Atoms, box: Box, scattering: Scattering, device: str, progress: Progress
) -> torch.Tensor:
    """Fourier coefficients of atoms within the box's band; positions count from its corner."""
    if scattering.blur is not None:
        return _sampled_waves(atoms, box, scattering, device, progress)
    splits = scattering.splits
    round_ones = atoms.chosen(~atoms.is_hydrogen) if splits else atoms
    split_ones = atoms.chosen(atoms.is_hydrogen) if splits else atoms.chosen(atoms.occupancies < 0)
    total: torch.Tensor | None = None
    if len(round_ones):
        a, b, kinds = form_factors.of_kinds(round_ones.elements, scattering.radiation)
        forms = partial(form_factors.at_frequencies, a, b)
        total = _of(round_ones, forms, kinds, box, scattering.gain, device, progress)
    if len(split_ones):
        nuclei, clouds = nuclei_and_clouds(atoms)
        split = _hydrogen_waves(split_ones, nuclei, clouds, box, scattering.gain, device, progress)
        total = split if total is None else total.add_(split)
    assert total is not None
    return total


def _of(
    atoms: Atoms,
    forms: form_factors.Forms,
    kinds: npt.NDArray[np.intp],
    box: Box,
    gain: Gain,
    device: str,
    progress: Progress,
) -> torch.Tensor:
    """Coefficients of atoms that scatter by `forms`, times occupancies."""
    basis = radial_basis(forms, kinds, atoms.b_factors, box.highest)
    weights = basis.weights * atoms.occupancies[:, None].astype(np.float32)
    basis = replace(basis, weights=weights)
    return coefficients(atoms.positions, basis, gain, box, device=device, progress=progress)


def _hydrogen_waves(
    atoms: Atoms,
    nuclei: Floats,
    clouds: Floats,
    box: Box,
    gain: Gain,
    device: str,
    progress: Progress,
) -> torch.Tensor:
    """Coefficients of hydrogens by Mott and Bethe's formula.

    A hydrogen is a neutral atom where its electrons are, and a pair of charges, its nucleus here
    and the opposite there. At frequency 0 pairs have no say: their mean is that of a field that
    is odd about their middle.
    """
    import torch

    kinds = np.zeros(len(atoms), dtype=np.intp)
    neutral = replace(atoms, positions=clouds)
    waves = _of(neutral, form_factors.mott_bethe_of_hydrogen, kinds, box, gain, device, progress)
    pairs = Atoms(
        np.concatenate([nuclei, clouds]),
        np.concatenate([atoms.elements, atoms.elements]),
        np.concatenate([atoms.b_factors, atoms.b_factors]),
        np.concatenate([atoms.occupancies, -atoms.occupancies]),
    )
    twice = np.zeros(len(pairs), dtype=np.intp)
    charges = _of(pairs, _of_charge, twice, box, gain, device, progress)
    squares = radius_of(box).to(device).square()
    factor = torch.where(squares > 0, form_factors.MOTT_BETHE / squares, 0.0)
    return waves.add_(charges.mul_(factor))


def _of_charge(s: Floats) -> Floats:
    """A point charge at all frequencies, (1, points)."""
    return np.ones((1, len(s)))


def _sampled_waves(
    atoms: Atoms, box: Box, scattering: Scattering, device: str, progress: Progress
) -> torch.Tensor:
    """Coefficients of blurred Gaussians sampled on the box's voxels, without their blur.

    Raises
    ------
    InputError
        If hydrogens are to be split, which have no Gaussians.
    """
    import torch

    blur = scattering.blur or 0.0
    if scattering.splits_hydrogens and atoms.is_hydrogen.any():
        raise InputError("hydrogens by Mott and Bethe have no Gaussians to sample: give no blur")
    a, b = getattr(form_factors, scattering.radiation)(atoms.elements)
    amplitudes = torch.as_tensor(a * atoms.occupancies[:, None])
    widths = torch.as_tensor(b + atoms.b_factors[:, None] + blur)
    places = on_device(torch.as_tensor(atoms.positions), device)
    data = splat(
        places,
        on_device(amplitudes, device),
        on_device(widths, device),
        box.shape,
        box.voxel_size,
        progress=progress,
    )
    factor = torch.as_tensor(gain_in(box, scattering)).to(device)
    factor = factor * torch.exp(blur / 4 * radius_of(box).to(device).square())
    return cut(band_of(data, box).mul_(factor), box)


def gain_in(box: Box, scattering: Scattering) -> npt.NDArray[np.float32]:
    """What the cut leaves of each coefficient of a box's band."""
    radius = np.minimum(radius_of(box).double().numpy(), box.highest)
    return np.asarray(scattering.gain(radius), dtype=np.float32)


def on_device(values: torch.Tensor, device: str) -> torch.Tensor:
    """Values on a device, in single precision where it has no other."""
    import torch

    return values.to(device, torch.float32) if device == "mps" else values.to(device)
