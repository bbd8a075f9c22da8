"""Where a training computes."""

from __future__ import annotations

from typing import Literal

from mapscope.errors import InputError
from mapscope.inference.device import machine_name

TrainingDevice = Literal["cpu", "cuda"]


def training_device(device: str) -> TrainingDevice:
    """The device that is meant: for "auto" cuda, then cpu.

    Raises
    ------
    InputError
        If there is no such device, or none to train on.
    """
    import torch

    is_there = torch.cuda.is_available()
    if device == "cpu" or (device == "auto" and not is_there):
        return "cpu"
    if device not in ("auto", "cuda") or not is_there:
        raise InputError(f"this machine cannot train on {device}: choose auto")
    return "cuda"


def hardware(device: TrainingDevice) -> str:
    """What computes, in words, for the card."""
    import torch

    count = torch.cuda.device_count() if device == "cuda" else 1
    return f"{count} × {machine_name(device)}" if count > 1 else machine_name(device)
