"""A network on its device, in its precision, fused: what a batch of tiles is given to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mapscope.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

Precision: TypeAlias = Literal["auto", "fp32", "bf16"]
Outputs: TypeAlias = dict[str, "torch.Tensor"]
_MOST_KEPT = 2

ONLY = "output"
"""Name of the output of a network that gives one tensor and no names."""


@dataclass(frozen=True)
class ReadyNetwork:
    """A network that can be run.

    Parameters
    ----------
    network : nn.Module
        On its device, in evaluation mode.
    device : str
        cpu, cuda or mps.
    precision : str
        fp32 or bf16.
    conditions : sequence of float, optional
        What is known of the map, given to the network beside every tile.
    """

    network: nn.Module
    device: str
    precision: str
    conditions: tuple[float, ...] = ()

    def __call__(self, maps: torch.Tensor) -> Outputs:
        """Outputs by name, float32 on the device, of float32 maps (n, channels, z, y, x)."""
        import torch

        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
        with torch.inference_mode():
            there = maps.to(self.device, dtype, non_blocking=True)
            there = there.contiguous(memory_format=torch.channels_last_3d)
            more = (
                [there.new_tensor(self.conditions).expand(len(maps), -1)] if self.conditions else []
            )
            found = self.network(there, *more)
            by_name = found if isinstance(found, Mapping) else {ONLY: found}
            return {name: value.float() for name, value in by_name.items()}


_kept: OrderedDict[tuple[str, int, int, str, str], ReadyNetwork] = OrderedDict()
_lock = Lock()


def ready_network(
    network: nn.Module,
    *,
    channels: int,
    multiple: int = 1,
    device: str = "cpu",
    precision: str = "fp32",
    conditions: tuple[float, ...] = (),
    key: str | None = None,
) -> ReadyNetwork:
    """A network made ready to run on a device; the one given stays as it is.

    The last two that have a key are kept with their packed weights, so that a preview need not
    wait for them.

    Parameters
    ----------
    network : nn.Module
        On the CPU, float32.
    channels : int
        Maps that go in.
    multiple : int
        What it halves its input by, all in all.
    device : {"cpu", "cuda", "mps"}
        Where it shall run.
    precision : {"fp32", "bf16"}
        With which numbers.
    conditions : tuple of float
        As for `ReadyNetwork`.
    key : str, optional
        Checksum of the model: networks of one checksum are the same. None keeps nothing.
    """
    if key is None:
        found = _made_ready(network, channels, multiple, device, precision)
        return replace(found, conditions=conditions)
    place = (key, channels, multiple, device, precision)
    with _lock:
        kept = _kept.get(place)
    found = kept or _made_ready(network, channels, multiple, device, precision)
    with _lock:
        _kept[place] = found
        _kept.move_to_end(place)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return replace(found, conditions=conditions)


def _made_ready(
    network: nn.Module, channels: int, multiple: int, device: str, precision: str
) -> ReadyNetwork:
    """A copy of a network, fused, on a device, that is told nothing yet."""
    import torch

    from mapscope.inference.fusing import fused

    size = getattr(network, "size", None) or 4 * multiple * -(-16 // (4 * multiple))
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(1, channels, size, size, size, generator=generator)
    is_packed = device == "cpu" and precision == "fp32" and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    network = fused(network, probe, packed=is_packed)
    network.requires_grad_(False)
    if not is_packed:
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        network = network.to(device, dtype)
        network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return ReadyNetwork(network, device, precision)


def finish(values: torch.Tensor, activation: str) -> torch.Tensor:
    """What a network gave as what it means: values (n, features, z, y, x) or (n, features).

    Raises
    ------
    InputError
        If the activation is not one of `ACTIVATIONS`.
    """
    if activation not in ACTIVATIONS:
        raise InputError(f"there is no activation {activation!r}, but {', '.join(ACTIVATIONS)}")
    result: torch.Tensor = ACTIVATIONS[activation](values)
    return result


def _largest(values: torch.Tensor) -> torch.Tensor:
    import torch

    return values.argmax(dim=1, keepdim=True).to(torch.uint8)


def _softplus(values: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.softplus(values)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "none": lambda values: values,
    "sigmoid": lambda values: values.sigmoid(),
    "softmax": lambda values: values.softmax(dim=1),
    "softplus": _softplus,
    "exp": lambda values: values.exp(),
    "argmax": _largest,
}
"""What is done with each voxel's numbers; ``argmax`` gives the number of the class, uint8."""
