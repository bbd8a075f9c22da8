"""The network of a model file, with its weights, and whether it is the one that its card describes.

A card is believed in nothing: its network is laid out without memory and compared with the weights
in the file before any of its numbers sizes an array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapscope.errors import InputError, ModelFormatError
from mapscope.inference.card import Card
from mapscope.inference.model_file import ModelFile

if TYPE_CHECKING:
    from mapscope.networks.network import Network

_UNBUILDABLE = (InputError, TypeError, ValueError, RuntimeError, OverflowError)
_PROBE = 16


def network_of(file: ModelFile) -> Network:
    """The network of a model file with its weights, float32, in evaluation mode.

    Raises
    ------
    ModelFormatError
        If there is no such network, the weights do not fit it, or it takes other maps than the
        card says.
    """
    import torch

    from mapscope.networks.registry import build

    card = file.card
    try:
        with torch.device("meta"):  # sizes without memory
            sizes = {
                n: v.shape for n, v in build(card.architecture, **card.config).state_dict().items()
            }
    except _UNBUILDABLE as error:
        raise ModelFormatError(f"the network of {card.name} cannot be built: {error}") from error
    if sizes != {n: v.shape for n, v in file.state.items()}:
        raise ModelFormatError(
            f"the weights of {card.name} do not fit the network {card.architecture} of its card"
        )
    network = build(card.architecture, **card.config)
    network.load_state_dict(file.state)
    _require_inputs(network, card)
    return network.float().eval()


def _require_inputs(network: Network, card: Card) -> None:
    """Raise unless a network takes the maps and conditions that its card names."""
    for what, taken, named in (
        ("maps", network.channels, card.input_channels),
        ("conditions", network.conditions, card.conditions),
    ):
        if taken != len(named):
            raise ModelFormatError(
                f"the network of {card.name} takes {taken} {what}, and its card names {len(named)}"
            )
    speaks_of_voxels = any(o.of == "voxels" for o in card.outputs)
    if speaks_of_voxels and card.multiple % network.multiple:
        raise ModelFormatError(
            f"the network of {card.name} needs tiles that begin at multiples of "
            f"{network.multiple}, and its card says {card.multiple}"
        )


def require_outputs(network: Network, card: Card) -> None:
    """Raise unless a network says what its card says that it does; it is asked for that.

    Raises
    ------
    ModelFormatError
        If an output is missing, or is of other features.
    """
    import torch

    edge = network.size or network.multiple * -(-_PROBE // network.multiple)
    # Twice as long, because there is no spread of the single voxel that might be left of a cube.
    shape = (edge, edge, edge) if network.size else (2 * edge, edge, edge)
    with torch.inference_mode():
        found = network(torch.zeros(1, network.channels, *shape))
    for output in card.outputs:
        wanted = (1, output.features, *(shape if output.of == "voxels" else ()))
        given = tuple(found[output.name].shape) if output.name in found else None
        if given != wanted:
            raise ModelFormatError(
                f"the card of {card.name} speaks of {output.features} features of each "
                f"{output.of.removesuffix('s')} called {output.name!r}, which its network does "
                f"not give"
            )
