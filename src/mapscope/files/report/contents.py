"""What the maps, models and surfaces of a result are, in a line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mapscope.files.report.markup import Markup, element, joined
from mapscope.files.report.words import label_of, number_text, sentence
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.volume import HalfMaps, Volume


def contents_of(nouns: Mapping[str, Any], texts: Mapping[str, str]) -> Markup:
    """Everything in a result that is neither a number nor a table, by name."""
    rows = [
        element(
            "tr",
            element("th", label_of(name), scope="row"),
            element("td", line_of(noun)),
            element("td", sentence(texts[name]) if texts.get(name) else ""),
        )
        for name, noun in nouns.items()
    ]
    if not rows:
        return joined()
    table = element("div", element("table", *rows, class_="facts"), class_="scroll")
    return element("section", element("h2", "Maps and models"), table, id="contents")


def line_of(noun: Any) -> str:
    """What a noun is, with its size."""
    if isinstance(noun, HalfMaps):
        return f"two half maps, each {line_of(noun.first)}"
    if isinstance(noun, Volume | Labels):
        kind = "map" if isinstance(noun, Volume) else "labels"
        size = " × ".join(str(n) for n in noun.data.shape)
        grid = noun.grid
        step = " × ".join(number_text(s) for s in dict.fromkeys(grid.voxel_size))
        return f"{kind} of {size} voxels (z, y, x), {step} Å"
    if isinstance(noun, Structure):
        return f"model of {len(noun):,} atoms"
    if isinstance(noun, Mesh):
        return f"surface of {len(noun.faces):,} triangles"
    if isinstance(noun, Particles):
        return f"{len(noun.positions):,} particles"
    return type(noun).__name__.lower()
