"""Each flaw of a structure is measured, and each limit keeps the flawed ones out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mapscope.training.entry import CorpusEntry
from mapscope.training.quality import Limits, Quality, quality_of


def test_quality_of_the_sample_is_faultless(bundle_entry: CorpusEntry) -> None:
    quality = quality_of(bundle_entry)
    assert quality.residues == len(bundle_entry.residue_names)
    assert quality.nucleotides == quality.unknown == quality.absent == quality.clashes == 0
    assert quality.side_chains == 1.0
    assert quality.resolution is None


def without(entry: CorpusEntry, keep: Any) -> CorpusEntry:
    """The entry with some of its atoms only; every residue keeps one."""
    per_atom = ("positions", "elements", "atom_names", "b_factors", "occupancies")
    names = (*per_atom, "alternates", "residue_of_atom")
    return replace(entry, **{name: getattr(entry, name)[keep] for name in names})


def test_side_chains_count_residues_that_miss_an_atom(bundle_entry: CorpusEntry) -> None:
    is_cb = (bundle_entry.atom_names == "CB") & (bundle_entry.residue_of_atom < 5)
    quality = quality_of(without(bundle_entry, ~is_cb))
    missing = int(is_cb.sum())
    assert missing > 0
    assert quality.side_chains == pytest.approx(1 - missing / quality.residues)


def test_clashes_count_both_residues_and_neighbours_do_not(bundle_entry: CorpusEntry) -> None:
    positions = bundle_entry.positions.copy()
    last = len(positions) - 1
    positions[last] = positions[0] + 0.5
    quality = quality_of(replace(bundle_entry, positions=positions))
    assert quality.clashes == pytest.approx(2 / quality.residues)
    assert quality_of(bundle_entry).clashes == 0


def test_unknown_absent_and_equal_factors_are_measured(bundle_entry: CorpusEntry) -> None:
    names = bundle_entry.residue_names.copy()
    names[:4] = "UNK"
    occupancies = bundle_entry.occupancies.copy()
    occupancies[:10] = 0
    quality = quality_of(
        replace(
            bundle_entry,
            residue_names=names,
            occupancies=occupancies,
            b_factors=np.full_like(bundle_entry.b_factors, 30),
        )
    )
    assert quality.unknown == pytest.approx(4 / quality.residues)
    assert quality.absent == pytest.approx(10 / len(bundle_entry))
    assert quality.b_spread == 0


GOOD = Quality(200, 0, 2.0, 1.0, 0.0, 10.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ({"residues": 40, "nucleotides": 9}, "49 residues, fewer than 50"),
        ({"resolution": 4.5}, "resolution 4.5 Å, coarser than 4 Å"),
        ({"side_chains": 0.85}, "85% of the side chains"),
        ({"unknown": 0.2}, "20% of the residues are unknown"),
        ({"b_spread": 0.0}, "B-factors are all the same"),
        ({"absent": 0.3}, "30% of the atoms have occupancy 0"),
        ({"clashes": 0.25}, "25% of the residues clash"),
    ],
)
def test_objection_names_the_flaw_and_the_limit(flaw: dict[str, Any], reason: str) -> None:
    limits = Limits(max_resolution=4.0)
    assert limits.objection(GOOD) == ""
    assert reason in limits.objection(replace(GOOD, **flaw))


def test_objection_lets_pass_what_is_not_known() -> None:
    limits = Limits(max_resolution=4.0)
    assert limits.objection(replace(GOOD, resolution=None)) == ""
    assert limits.objection(replace(GOOD, residues=0, nucleotides=80, side_chains=None)) == ""
