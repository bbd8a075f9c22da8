"""Colours stand for what they say, and missing numbers are grey."""

from __future__ import annotations

import numpy as np
import pytest
from tests.depiction.conftest import peptide, structure_of

from mapscope.depiction.coloring import (
    CATEGORIES,
    Category,
    coloring_by,
    coloring_by_values,
    colors_of,
    limits_of,
    scores_of,
    values_of,
)
from mapscope.depiction.palette import (
    CHAIN_COLORS,
    ELEMENT_COLORS,
    NO_VALUE,
    SECONDARY_COLORS,
    rgba,
)
from mapscope.depiction.residues import residues_of
from mapscope.depiction.secondary import HELIX
from mapscope.depiction.sticks import sticks
from mapscope.depiction.tube import tubes
from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.table import Table

TWO_COLORS = np.array([[0.0, 0, 0], [1.0, 0.5, 0]])


def test_chains_when_there_are_two_have_two_colours_and_a_legend() -> None:
    both = structure_of(peptide(3, -57, -47), peptide(3, -57, -47, chain="B"))
    coloring = coloring_by(both, "chain")
    assert np.allclose(coloring.residues[:3], rgba(CHAIN_COLORS[0]))
    assert np.allclose(coloring.residues[3:], rgba(CHAIN_COLORS[1]))
    assert coloring.legend == (("A", CHAIN_COLORS[0]), ("B", CHAIN_COLORS[1]))
    oxygen = both.elements == "O"
    assert np.allclose(coloring.atoms[oxygen], rgba(ELEMENT_COLORS["O"]))


def test_elements_when_asked_colour_each_atom(helix: Structure) -> None:
    coloring = coloring_by(helix, "element")
    for element in "CNO":
        assert np.allclose(coloring.atoms[helix.elements == element], rgba(ELEMENT_COLORS[element]))
    assert [name for name, _ in coloring.legend] == ["C", "N", "O"]


def test_secondary_structure_when_asked_colours_the_helix(helix: Structure) -> None:
    assert np.allclose(
        coloring_by(helix, "secondary structure").residues[9], rgba(SECONDARY_COLORS[HELIX])
    )


@pytest.mark.parametrize("category", CATEGORIES)
def test_colours_when_looked_up_for_pictures_fit_every_vertex(
    helix: Structure, category: Category
) -> None:
    coloring = coloring_by(helix, category)
    tube, rods = tubes(helix), sticks(helix)
    assert rods.atoms is not None
    assert np.array_equal(coloring.of(tube), coloring.residues[tube.residues])
    assert np.array_equal(coloring.of(rods), coloring.atoms[rods.atoms])


def test_numbers_when_on_a_ramp_are_interpolated_clipped_and_grey_where_missing() -> None:
    colors = colors_of(np.array([0.0, 5.0, 10.0, -99, 99, np.nan]), (0, 10), TWO_COLORS)
    wanted = np.array([[0, 0, 0], [0.5, 0.25, 0], [1, 0.5, 0], [0, 0, 0], [1, 0.5, 0]])
    assert np.allclose(colors[:5, :3], wanted)
    assert np.allclose(colors[5], rgba(NO_VALUE))
    assert np.allclose(colors[:, 3], 1)


def test_values_of_atoms_when_shown_on_residues_are_their_means(helix: Structure) -> None:
    values = np.arange(len(helix), dtype=float)
    coloring = coloring_by_values(helix, values, limits=(0, 71), ramp=TWO_COLORS)
    means = residues_of(helix).mean(values)
    assert np.allclose(means, 1.5 + 4 * np.arange(18))
    assert np.allclose(coloring.residues[:, 0], means / 71, atol=1e-6)
    assert np.allclose(coloring.atoms[:, 0], values / 71, atol=1e-6)
    assert (values_of(helix, "B-factor") == 20).all()


def test_values_when_of_another_length_are_refused(helix: Structure) -> None:
    with pytest.raises(InputError, match="72 atoms or 18 residues, got 5"):
        coloring_by_values(helix, np.zeros(5))


def test_limits_when_values_are_equal_still_have_a_width_and_need_a_number() -> None:
    assert limits_of(np.full(9, 3.0)) == (2.5, 3.5)
    with pytest.raises(InputError, match="no number"):
        limits_of(np.full(3, np.nan))


def test_scores_when_from_a_table_go_to_their_residues(helix: Structure) -> None:
    table = Table(
        {
            "chain": np.array(["A", "A", "Z"]),
            "number": np.array([3, 5, 1]),
            "q_score": np.array([0.1, 0.9, 0.5]),
        }
    )
    scores = scores_of(helix, table)
    assert np.isfinite(scores).sum() == 2
    assert (scores[2], scores[4]) == (0.1, 0.9)


@pytest.mark.parametrize(
    ("columns", "column", "reason"),
    [
        ({"residue": [1]}, None, "needs columns chain and number"),
        ({"chain": ["A"], "number": [1]}, None, "no column of numbers"),
        ({"chain": ["A"], "number": [1], "q": [1.0]}, "z", "no column of numbers named 'z'"),
        ({"chain": ["Q"], "number": [1], "q": [1.0]}, None, "no row of the table"),
    ],
)
def test_scores_when_the_table_does_not_fit_say_why(
    helix: Structure, columns: dict[str, list[object]], column: str | None, reason: str
) -> None:
    table = Table({name: np.array(values) for name, values in columns.items()})
    with pytest.raises(InputError, match=reason):
        scores_of(helix, table, column)
