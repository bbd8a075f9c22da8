"""Which device computes."""

from __future__ import annotations

from typing import Literal, TypeAlias

from mapscope.errors import InputError

Device: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]


def chosen_device(device: Device) -> str:
    """The device that is meant: for "auto" cuda, then mps, then cpu.

    Raises
    ------
    InputError
        If this machine does not have it.
    """
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there[device]:
        known = ", ".join(name for name, is_there in there.items() if is_there)
        raise InputError(f"this machine computes on {known}, not on {device}: choose auto")
    return device
