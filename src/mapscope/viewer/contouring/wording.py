"""What the colours of a surface show, in words and with the unit, for its colour bar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mapscope.errors import InputError
from mapscope.viewer.contouring.making import By
from mapscope.viewer.contouring.surface import Coloring
from mapscope.viewer.inputs import reason_for_kind
from mapscope.viewer.layers import SEPARATOR, noun_from_layer, role_of
from mapscope.viewer.roles import CHANCE_COLORS, CHANCES
from mapscope.volume import Volume

PLACES: dict[By, str] = {
    "constant": "",
    "height": "height z (Å)",
    "radial": "distance from the centre (Å)",
}
CHANCE_LIMITS = (0.0, 1.0)
LOCAL_RESOLUTION = "local resolution (Å)"
QUANTITIES = {
    "local resolution": LOCAL_RESOLUTION,
    "resolution": LOCAL_RESOLUTION,
    "locres": LOCAL_RESOLUTION,
    "b factor": "B-factor (Å²)",
    "local b factor": "local B-factor (Å²)",
}
"""Words and unit of what maps hold, by the role or the name of their layers."""


def caption_of(layer: Any) -> str:
    """What the values of a map layer are, with their unit where it is known."""
    role = _plain(role_of(layer))
    if role in QUANTITIES:
        return QUANTITIES[role]
    if role in CHANCES:
        return role
    name = _plain(layer.name)
    found = [words for key, words in QUANTITIES.items() if key in name]
    if found:
        return found[0]
    return str(layer.name).split(SEPARATOR)[-1]


def _plain(text: str) -> str:
    return text.lower().replace("_", " ").replace("-", " ")


def coloring_by(source: Any, before: Coloring) -> Coloring:
    """A surface's colours by a second map's layer, or by ``"height"`` or ``"radial"`` distance.

    Chances get colours that are even to the eye, from 0 to 1; other values are spread over what
    the surface holds.

    Raises
    ------
    InputError
        If the layer is no map; the message says why.
    """
    if isinstance(source, str):
        if source not in PLACES:
            raise InputError(f"a surface is coloured by {', '.join(PLACES)} or a map: {source!r}")
        words = PLACES[source]
        return replace(before, by=source, source=None, source_name="", caption=words, limits=None)
    reason = reason_for_kind(source, Volume)
    if reason:
        raise InputError(f"{source.name}: {reason}")
    noun = noun_from_layer(source)
    of_chances = {"limits": CHANCE_LIMITS, "colormap": CHANCE_COLORS, "is_inverted": False}
    return replace(
        before,
        by="map",
        source=noun,
        source_name=source.name,
        caption=caption_of(source),
        **(of_chances if role_of(source) in CHANCES else {"limits": None}),
    )
