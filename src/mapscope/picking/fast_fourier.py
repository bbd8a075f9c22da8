"""Transforms of many small boxes in larger ones, which leave out what is 0 or not wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mapscope.volume import Shape

if TYPE_CHECKING:
    import torch


def forward(boxes: torch.Tensor, shape: Shape, out: torch.Tensor | None = None) -> torch.Tensor:
    """Coefficients (b, Z, Y, X // 2 + 1) of boxes (b, z, y, x) in the corner of larger, empty ones.

    Lines that hold nothing are not transformed. On the CPU it is done by pocketfft, which works
    in place, and is the faster one for boxes of these sizes.

    Parameters
    ----------
    boxes : float32 tensor (b, z, y, x)
        The boxes.
    shape : tuple of int
        Z, Y, X.
    out : complex64 tensor (at least b, Z, Y, X // 2 + 1), optional
        Memory to use, on the CPU.
    """
    import torch

    if boxes.device.type != "cpu":
        waves: torch.Tensor = torch.fft.rfft(boxes, shape[2], dim=3)
        for axis in (2, 1):
            waves = torch.fft.fft(waves, shape[axis - 1], dim=axis)
        return waves
    from scipy.fft import fft, rfft

    workers, (count, z, y, _) = torch.get_num_threads(), boxes.shape
    if out is None:
        out = torch.empty((count, *shape[:2], shape[2] // 2 + 1), dtype=torch.complex64)
    whole = out[:count].numpy()
    whole[:, z:] = 0
    planes = whole[:, :z]
    planes[:, :, y:] = 0
    planes[:, :, :y] = rfft(boxes.numpy(), shape[2], axis=3, workers=workers)
    for part, axis in ((planes, 2), (whole, 1)):
        found = fft(part, axis=axis, workers=workers, overwrite_x=True)
        if not np.shares_memory(found, part):
            part[:] = found
    return out[:count]


def backward(waves: torch.Tensor, shape: Shape, kept: tuple[slice, slice, slice]) -> torch.Tensor:
    """A part (b, z, y, x) of real boxes (b, Z, Y, X) from their coefficients, which are lost.

    Parameters
    ----------
    waves : complex64 tensor (b, Z, Y, X // 2 + 1)
        Coefficients.
    shape : tuple of int
        Z, Y, X.
    kept : three slices
        The part; lines beyond it are not transformed.
    """
    import torch

    if waves.device.type != "cpu":
        planes = torch.fft.ifft(waves, dim=1)[:, kept[0]]
        lines = torch.fft.ifft(planes, dim=2)[:, :, kept[1]]
        whole: torch.Tensor = torch.fft.irfft(lines, shape[2], dim=3)
        return whole[..., kept[2]]
    from scipy.fft import ifft, irfft

    workers = torch.get_num_threads()
    planes = ifft(waves.numpy(), axis=1, workers=workers, overwrite_x=True)[:, kept[0]]
    lines = ifft(planes, axis=2, workers=workers, overwrite_x=True)[:, :, kept[1]]
    boxes = irfft(lines, shape[2], axis=3, workers=workers)[..., kept[2]]
    part: torch.Tensor = torch.from_numpy(boxes)
    return part
