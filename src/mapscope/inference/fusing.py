"""Networks made ready for prediction: convolution, normalisation and activation in one step.

A batch normalisation with fixed statistics is a scale and a shift of each channel and folds into
the convolution before it. On a CPU the convolutions are oneDNN's with packed weights, the
activation done while their result is still in the cache; they need no compiler. Which
layers follow each other is seen by running the network once and looking at what is handed on, so
that any network will do; a fold that would change the answer is not made.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

_LARGEST_CHANGE = 1e-4
_MOST_SHAPES = 4
_Conv = nn.Conv3d | nn.ConvTranspose3d


@dataclass
class _Chain:
    """A convolution, and what alone takes its result."""

    conv: str
    norm: str | None = None
    act: str | None = None


@dataclass
class _Flow:
    """Which module gave and took which tensor during one run."""

    given: dict[int, str] = field(default_factory=dict)
    taken: list[tuple[int, str]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    alive: list[Any] = field(default_factory=list)


class PackedConvolution(nn.Module):
    """A convolution of oneDNN with packed weights and an activation, on a CPU.

    Weights are packed anew for each shape of input, of which tiles have one or two.

    Parameters
    ----------
    conv : nn.Conv3d or nn.ConvTranspose3d
        Where the weights come from.
    activation : nn.Module, optional
        ReLU, LeakyReLU or PReLU with one slope.
    """

    def __init__(self, conv: _Conv, activation: nn.Module | None = None) -> None:
        super().__init__()
        ops: Any = torch.ops.mkldnn
        is_up = isinstance(conv, nn.ConvTranspose3d)
        self._pack = getattr(ops, f"_reorder_convolution{'_transpose' * is_up}_weight")
        run = getattr(ops, f"_convolution{'_transpose' * is_up}_pointwise")
        self._run = run.default
        more = [list(conv.output_padding)] if is_up else []
        steps = [list(conv.stride), list(conv.dilation), conv.groups]
        self._numbers = [list(conv.padding), *more, *steps]
        self._activation = _activation_words(activation)
        self.weight = conv.weight.detach()
        self.bias = None if conv.bias is None else conv.bias.detach()
        self._packed: dict[tuple[int, ...], torch.Tensor] = {}

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (n, channels, z, y, x), channels last in memory."""
        maps = maps.contiguous(memory_format=torch.channels_last_3d)
        shape = tuple(maps.shape)
        packed = self._packed.get(shape)
        if packed is None:
            if len(self._packed) >= _MOST_SHAPES:
                self._packed.clear()
            packed = self._pack(self.weight, *self._numbers, list(shape))
            self._packed[shape] = packed
        act, slope = self._activation
        result: torch.Tensor = self._run(maps, packed, self.bias, *self._numbers, act, slope, "")
        return result

    def _apply(self, *_args: Any, **_kwargs: Any) -> PackedConvolution:
        raise RuntimeError("a packed network stays where and how precise it is")


def fused(network: nn.Module, probe: torch.Tensor, *, packed: bool) -> nn.Module:
    """A copy of a network that gives the same in fewer steps.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode, on the CPU, float32.
    probe : tensor (1, channels, z, y, x)
        A small input.
    packed : bool
        Whether the copy shall run on this CPU by oneDNN.

    Returns
    -------
    nn.Module
        The copy, or a plain copy where the folded one gives something else for the probe.
    """
    plain = copy.deepcopy(network).eval()
    if not any(isinstance(m, _Conv) for m in plain.modules()):
        return plain
    try:
        chains = _chains(plain, probe)
        folded = _folded(copy.deepcopy(plain), chains, packed=packed)
        with torch.inference_mode():
            is_same = _change(plain(probe), folded(probe)) <= _LARGEST_CHANGE
    except (RuntimeError, NotImplementedError):  # a layer that oneDNN or the fold does not know
        is_same = False
    return folded if is_same else plain


def _chains(network: nn.Module, probe: torch.Tensor) -> list[_Chain]:
    """Convolutions that run once, with the normalisation and activation that follow."""
    flow = _Flow()
    modules = {name: m for name, m in network.named_modules() if not list(m.children())}
    with _watched(modules, flow), torch.inference_mode():
        network(probe)
    takers: dict[str, list[str]] = {}
    for tensor, name in flow.taken:
        if tensor in flow.given:
            takers.setdefault(flow.given[tensor], []).append(name)

    def follower(name: str, fits: Callable[[nn.Module], bool]) -> str | None:
        after = takers.get(name, [])
        is_alone = len(after) == 1 and flow.calls[after[0]] == 1
        return after[0] if is_alone and fits(modules[after[0]]) else None

    chains = []
    for name, module in modules.items():
        if isinstance(module, _Conv) and flow.calls.get(name) == 1:
            norm = follower(name, _is_fixed_norm)
            chains.append(_Chain(name, norm, follower(norm or name, _is_activation)))
    return chains


@contextmanager
def _watched(modules: dict[str, nn.Module], flow: _Flow) -> Iterator[None]:
    """Note what each module takes and gives; the tensors live on, so that none is mistaken."""

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def note(_module: nn.Module, given: Any, result: Any) -> None:
            flow.calls[name] = flow.calls.get(name, 0) + 1
            flow.alive += [given, result]
            if any(result is t for t in given):  # a dropout at prediction hands on what it got
                return
            flow.taken += [(id(t), name) for t in given if isinstance(t, torch.Tensor)]
            if isinstance(result, torch.Tensor):
                flow.given[id(result)] = name

        return note

    handles = [m.register_forward_hook(hook(name)) for name, m in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_fixed_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.BatchNorm3d) and module.running_mean is not None


def _is_activation(module: nn.Module) -> bool:
    is_one_slope = isinstance(module, nn.PReLU) and module.weight.numel() == 1
    return is_one_slope or isinstance(module, nn.ReLU | nn.LeakyReLU)


def _activation_words(module: nn.Module | None) -> tuple[str, list[float]]:
    """Name and numbers by which oneDNN knows an activation."""
    if isinstance(module, nn.PReLU):
        return "leaky_relu", [float(module.weight.detach())]
    if isinstance(module, nn.LeakyReLU):
        return "leaky_relu", [float(module.negative_slope)]
    return ("none" if module is None else "relu"), []


def _folded(network: nn.Module, chains: list[_Chain], *, packed: bool) -> nn.Module:
    """The network with its chains in one step each."""
    for chain in chains:
        conv = network.get_submodule(chain.conv)
        assert isinstance(conv, nn.Conv3d | nn.ConvTranspose3d)
        if chain.norm is not None:
            _fold_norm(conv, network.get_submodule(chain.norm))
            _put(network, chain.norm, nn.Identity())
        if not packed or isinstance(conv.padding, str) or conv.padding_mode != "zeros":
            continue
        act = None if chain.act is None else network.get_submodule(chain.act)
        _put(network, chain.conv, PackedConvolution(conv, act))
        if chain.act is not None:
            _put(network, chain.act, nn.Identity())
    return network


def _fold_norm(conv: _Conv, norm: nn.Module) -> None:
    """Scale and shift a convolution's weights as the normalisation behind it would its result."""
    assert isinstance(norm, nn.BatchNorm3d)
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    weight, bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        mean,
        variance,
        norm.eps,
        norm.weight,
        norm.bias,
        transpose=isinstance(conv, nn.ConvTranspose3d),
    )
    conv.weight, conv.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())


def _put(network: nn.Module, name: str, module: nn.Module) -> None:
    """Exchange a module of a network, by its dotted name."""
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)


def _change(one: Any, other: Any) -> float:
    """Largest difference between two answers, relative to the largest number of the first."""
    if isinstance(one, dict):
        return max((_change(one[key], other[key]) for key in one), default=0.0)
    scale = float(one.abs().max().clamp(min=1e-12))
    return float((one - other).abs().max()) / scale
