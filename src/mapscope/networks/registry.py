"""Networks by name; `Network` says what all of them take and give."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mapscope.errors import InputError

if TYPE_CHECKING:
    from mapscope.networks.network import Network

ARCHITECTURES = {
    "dense_2019": "dense_2019",
    "cnn_2019": "cnn_2019",
    "residual_unet": "residual_unet",
    "mullick_unet": "mullick_unet",
}
"""Name of a network, and the module of this package whose ``build`` makes it."""


def build(name: str, **config: Any) -> Network:
    """A network with random weights.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    **config
        What its module's ``build`` takes: plain numbers, texts and tables.

    Raises
    ------
    InputError
        If there is no such network, or it takes no such configuration.
    """
    if name not in ARCHITECTURES:
        raise InputError(f"there is no network {name!r}: choose one of {sorted(ARCHITECTURES)}")
    module = import_module(f"mapscope.networks.{ARCHITECTURES[name]}")
    try:
        network: Network = module.build(**config)
    except TypeError as error:
        raise InputError(f"the network {name} cannot be built so: {error}") from error
    return network
