"""Colours of a structure by the scores that a run gave to its residues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mapscope.depiction.coloring import limits_of, scores_of
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.look import BLUE_TO_RED
from mapscope.viewer.tables.cells import plotted_score
from mapscope.viewer.workspace import Entry

if TYPE_CHECKING:
    from mapscope.viewer.structures.scene import StructureScene

MODEL = "model"
"""Parameter that says which model of a file with several was scored."""

POLYMERS = ("protein", "nucleic")
"""Kinds of residues that ribbons show: the ramp spans their scores, not those of water."""


def scored_figure(scene: StructureScene, entry: Entry) -> Figure | None:
    """The open structure that went into a run; only the first model of a file is shown."""
    structure = entry.input_of(Structure)
    if structure is None or entry.parameters.get(MODEL, 1) != 1:
        return None
    return next((f for f in scene.figures if f.structure is structure), None)


def scores_to_show(entry: Entry) -> tuple[Table, str] | None:
    """The first table of a run that plots a score of each residue, and that score's column."""
    for noun in entry.nouns.values():
        score = plotted_score(noun) if isinstance(noun, Table) else None
        if score is not None:
            return noun, score
    return None


def show_scores(scene: StructureScene, entry: Entry) -> None:
    """Colour the structure that a run scored, red for the lowest, blue for the highest score.

    Raises
    ------
    InputError
        If no residue has a score.
    """
    figure, found = scored_figure(scene, entry), scores_to_show(entry)
    if figure is None or found is None:
        return
    table, column = found
    assert table.plot is not None
    of_polymer = np.isin(figure.residues.kinds, POLYMERS)
    values = scores_of(figure.structure, table, column)
    shown = values[of_polymer & np.isfinite(values)]
    if figure.style == "backbone path":  # a path has one colour for each chain
        figure.style = "ribbons"
    scene.color_by_score(
        figure,
        table,
        column,
        name=table.plot.y_label or None,
        colormap=BLUE_TO_RED,
        is_inverted=True,
        limits=limits_of(shown) if len(shown) else None,
    )
