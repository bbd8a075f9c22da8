"""A template made ready for a tomogram: its voxels, its mask, and its kernels when turned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import low_pass
from mapscope.density.frame import face_mean
from mapscope.density.resample import onto_grid
from mapscope.errors import DataError, InputError
from mapscope.picking.transfer import Transfer
from mapscope.volume import Array, Grid, Volume, checksum_of_arrays

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

OVERSAMPLING = 3
"""Voxels of the template for one of the tomogram: between them it is read linearly."""
_LEAST_DENSITY = 0.1  # of the highest, what belongs to the particle
_MASK_EDGE, _ROOM = 3.0, 1.0  # voxels: width of the mask's edge, and of what lies between
_LARGEST_EDGE = 192


@dataclass(frozen=True, eq=False)
class Template:
    """A template in the voxels of a tomogram.

    Parameters
    ----------
    name : str
        What it is.
    fine : float32 array (m, m, m)
        The density, dense positive, in voxels `OVERSAMPLING` times as fine, about voxel m // 2.
    mask : float32 array (n, n, n)
        Where it is compared, 0 to 1, about voxel n // 2.
    weights : float32 array (n, n, n // 2 + 1)
        What the microscope leaves of each coefficient, in the tomogram's frame.
    offset : float64 array (3,)
        Å, z, y, x: where the middle of these boxes lies in the template's own frame.
    radius : float
        Å, of a ball with its radius of gyration.
    fine_mask : float32 array (m, m, m), optional
        The mask as fine, if it is no ball: it turns with the template.
    transfer : Transfer, optional
        Of which `weights` are.
    """

    name: str
    fine: Singles
    mask: Singles
    weights: Singles
    offset: Floats
    radius: float
    fine_mask: Singles | None = None
    transfer: Transfer | None = None

    def checksum(self) -> str:
        """Hash of all that scores depend on."""
        arrays: list[Array] = [self.fine, self.mask, self.weights, self.offset]
        if self.fine_mask is not None:
            arrays.append(self.fine_mask)
        return checksum_of_arrays("template", self.name, *arrays)

    @property
    def edge(self) -> int:
        """Voxels along each side of its box."""
        return len(self.mask)

    def with_density(self, name: str, fine: Singles) -> Template:
        """A template of another name and density, with the same mask and transfer."""
        return replace(self, name=name, fine=np.ascontiguousarray(fine, dtype=np.float32))

    def masks(self, rotations: npt.ArrayLike, device: str) -> torch.Tensor:
        """The mask after each rotation (b, n, n, n); one for all (1, n, n, n) if it is a ball."""
        import torch

        if self.fine_mask is None:
            return torch.as_tensor(self.mask, device=device)[None]
        return turned(self.fine_mask, rotations, self.edge, device).clamp_(0.0, 1.0)

    def kernels(
        self, rotations: npt.ArrayLike, device: str = "cpu", *, is_rough: bool = False
    ) -> torch.Tensor:
        """The template after each rotation (b, n, n, n), ready to be correlated.

        It is turned, then filtered as the tomogram was, then its mean under the mask becomes 0
        and its deviation 1; it is cut by the mask and divided by the sum of the mask. The sum of
        its product with a part of the tomogram, over the deviation of that part under the mask,
        is a correlation coefficient. Rough ones are read from the nearest of the finer voxels.
        """
        import torch

        weights = torch.as_tensor(self.weights, device=device)
        boxes: torch.Tensor = turned(self.fine, rotations, self.edge, device, is_rough=is_rough)
        boxes = torch.fft.irfftn(
            torch.fft.rfftn(boxes, dim=(1, 2, 3)).mul_(weights), s=boxes.shape[1:], dim=(1, 2, 3)
        )
        mask = self.masks(rotations, device)
        size = mask.sum(dim=(1, 2, 3), keepdim=True)
        boxes -= (boxes * mask).sum(dim=(1, 2, 3), keepdim=True) / size
        spread = ((boxes**2 * mask).sum(dim=(1, 2, 3), keepdim=True) / size).sqrt_()
        boxes *= mask / (size * spread.clamp_min(1e-20))
        return boxes


def halved(template: Template, voxel_size: float) -> Template:
    """A template for the means of cubes of 2 × 2 × 2 voxels of the tomogram that it is ready for.

    Parameters
    ----------
    template : Template
        As `prepared` gives it.
    voxel_size : float
        Å, of the tomogram that it is ready for.
    """
    from scipy.fft import next_fast_len

    step = voxel_size / OVERSAMPLING
    edge = int(next_fast_len(2 * ((template.edge // 2 + 1) // 2) + 1, real=True))
    half = OVERSAMPLING * (edge // 2)
    smooth = low_pass(Volume(template.fine, (step,) * 3), 4 * voxel_size).data
    transfer = template.transfer or Transfer()
    weights = transfer.weights(edge, 2 * voxel_size)
    for k, shape in zip(
        (np.fft.fftfreq(edge), np.fft.fftfreq(edge), np.fft.rfftfreq(edge)),
        ((-1, 1, 1), (-1, 1), (-1,)),
        strict=True,
    ):
        # What a mean of two neighbours leaves of a frequency.
        weights = weights * np.cos(np.pi / 2 * k).reshape(shape)
    mask = template.fine_mask
    return replace(
        template,
        fine=_every_second(smooth, 2 * half + 1),
        mask=_every_second(template.mask, edge),
        weights=weights.astype(np.float32),
        fine_mask=None if mask is None else _every_second(mask, 2 * half + 1),
    )


def _every_second(box: Array, edge: int) -> Singles:
    """Every second voxel of a box about its middle, voxel ``n // 2`` before and after."""
    found = np.zeros((edge,) * 3, dtype=np.float32)
    old, new = len(box) // 2, edge // 2
    # Of those before the middle and from it on, as many as both boxes have.
    before, after = min(old // 2, new), min((len(box) - 1 - old) // 2, edge - 1 - new)
    source = slice(old - 2 * before, old + 2 * after + 1, 2)
    target = slice(new - before, new + after + 1)
    found[target, target, target] = box[source, source, source]
    return found


def turned(
    fine: Singles, rotations: npt.ArrayLike, edge: int, device: str, *, is_rough: bool = False
) -> torch.Tensor:
    """A box (m, m, m) after each rotation about its middle, on voxels of the tomogram.

    Parameters
    ----------
    fine : float32 array (m, m, m)
        In voxels `OVERSAMPLING` times as fine, the middle at m // 2; m is odd.
    rotations : array (b, 3, 3)
        Active, z, y, x.
    edge : int
        Voxels n along each side of what comes out, the middle at n // 2.
    device : str
        What computes.
    is_rough : bool
        Whether the nearest voxel does, for a third of the work.

    Returns
    -------
    float32 tensor (b, n, n, n)
        0 beyond the ball inside the box.
    """
    import torch

    source = torch.as_tensor(fine, device=device)
    matrices = torch.as_tensor(np.asarray(rotations), dtype=torch.float32, device=device)
    axis = torch.arange(edge, device=device, dtype=torch.float32) - edge // 2
    places = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)
    inside = torch.nonzero((places**2).sum(dim=1) <= ((edge - 1) // 2) ** 2)[:, 0]
    # The density at y after the turn R is what was at R^-1 y before. The axes are turned round,
    # as grid_sample wants places in x, y, z from -1 to 1; the middle of an odd box is 0.
    size, count = len(fine), len(matrices)
    scaled = matrices.flip(-1) * (2.0 * OVERSAMPLING / (size - 1))
    grid = torch.matmul(places[inside], scaled)[:, None, None]
    cubes = source[None, None].expand(count, -1, -1, -1, -1)
    mode = "nearest" if is_rough else "bilinear"
    found = torch.nn.functional.grid_sample(cubes, grid, mode, align_corners=True)
    boxes: torch.Tensor = source.new_zeros(count, edge**3)
    boxes[:, inside] = found[:, 0, 0, 0]
    return boxes.view(count, edge, edge, edge)


def prepared(
    volume: Volume,
    voxel_size: float,
    *,
    name: str = "particle",
    mask: Volume | None = None,
    diameter: float | None = None,
    transfer: Transfer | None = None,
) -> Template:
    """A template for a tomogram.

    The middle of its boxes is the centre of its squared density, wherever that lies, so that they
    are as small as can be; `Template.offset` keeps where.

    Parameters
    ----------
    volume : Volume
        Its density, about voxel ``n // 2``, in voxels of any size, with nothing else in the box.
    voxel_size : float
        Å, of the tomogram.
    name : str
        What it is.
    mask : Volume, optional
        Where it is compared, 0 to 1, in the frame of the template. None takes a soft ball.
    diameter : float, optional
        Of that ball in Å. None takes all that has a tenth of the highest density.
    transfer : Transfer, optional
        What the microscope left of it in the tomogram.

    Raises
    ------
    DataError
        If there is no density.
    InputError
        If it is too large for a template, or too small for the tomogram's voxels.
    """
    placed = _placed(volume)
    centre, reach, radius = _extent(placed)
    if mask is not None:
        placed_mask = _placed(mask, is_mask=True)
        inside = placed_mask.grid.world_from_index(np.argwhere(placed_mask.data > 1e-3))
        if not len(inside):
            raise DataError("the template's mask is empty")
        reach = float(np.linalg.norm(inside - centre, axis=1).max()) - _MASK_EDGE * voxel_size
    elif diameter is not None:
        reach = diameter / 2
    edge = _edge(max(reach, voxel_size) / voxel_size, name)
    step = voxel_size / OVERSAMPLING
    half = OVERSAMPLING * (edge // 2)
    z, y, x = centre - half * step
    grid = Grid((2 * half + 1,) * 3, (step,) * 3, (float(z), float(y), float(x)))
    # Finer detail than two voxels would come out as something else.
    resolution = (transfer.resolution if transfer else None) or 0.0
    dense = low_pass(placed, max(resolution, 2 * voxel_size))
    ball = _soft_ball(edge, reach / voxel_size + _ROOM + _MASK_EDGE / 2)
    fine_mask = None
    if mask is not None:
        fine_mask = np.array(onto_grid(placed_mask, grid).data, dtype=np.float32)
        every = slice(0, OVERSAMPLING * edge, OVERSAMPLING)
        ball = np.clip(fine_mask[every, every, every], 0.0, 1.0)
    return Template(
        name,
        np.array(onto_grid(dense, grid).data, dtype=np.float32),
        np.ascontiguousarray(ball),
        (transfer or Transfer()).weights(edge, voxel_size),
        centre,
        radius,
        fine_mask,
        transfer or Transfer(),
    )


def _placed(volume: Volume, *, is_mask: bool = False) -> Volume:
    """A template about voxel ``n // 2`` at position 0, dense positive above what is around."""
    z, y, x = (-(n // 2) * d for n, d in zip(volume.shape, volume.voxel_size, strict=True))
    data = volume.float32()
    if not is_mask:
        data = data * np.float32(volume.contrast)
        data = data - np.float32(face_mean(data))
    return Volume(data, volume.voxel_size, (z, y, x))


def _extent(volume: Volume) -> tuple[Floats, float, float]:
    """Centre (Å), reach from there, and radius of the ball with its radius of gyration."""
    highest = float(volume.data.max(initial=0.0))
    inside = np.argwhere(volume.data > _LEAST_DENSITY * highest)
    if not highest > 0 or not len(inside):
        raise DataError(
            "the template has no density above that on its faces: choose a particle in an "
            "otherwise empty box, and say if dark is dense"
        )
    places = volume.grid.world_from_index(inside)
    weight = np.asarray(volume.data[tuple(inside.T)], dtype=np.float64)
    centre = np.average(places, axis=0, weights=weight**2)
    away = ((places - centre) ** 2).sum(axis=1)
    gyration = float(np.average(away, weights=weight))
    return centre, float(np.sqrt(away.max())), float(np.sqrt(5 / 3 * gyration))


def _edge(reach: float, name: str) -> int:
    """Voxels along each side of a box for a particle that reaches so many voxels."""
    from scipy.fft import next_fast_len

    edge = int(next_fast_len(2 * int(np.ceil(reach + _ROOM + _MASK_EDGE)) + 1, real=True))
    if edge > _LARGEST_EDGE:
        raise InputError(
            f"the template {name} has {edge} voxels of the tomogram a side, {_LARGEST_EDGE} at "
            "most: bin the tomogram, or give the particle's diameter"
        )
    return edge


def _soft_ball(edge: int, radius: float) -> Singles:
    """1 inside a ball about voxel ``edge // 2``, half at its radius in voxels, a cosine between."""
    axis = np.arange(edge) - edge // 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    along = np.clip((distance - radius) / _MASK_EDGE + 0.5, 0.0, 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * along), dtype=np.float32)
