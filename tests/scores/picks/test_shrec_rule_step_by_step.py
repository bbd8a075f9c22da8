"""SHREC's rule against a plain account of what the organisers' script does, on random lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import generate_binary_structure
from skimage.morphology import dilation

from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.scores.picks.classification import confusion
from mapscope.scores.picks.localisation import localisation
from mapscope.scores.picks.occupancy_rule import occupancy_matches

VOXEL, SHAPE, SHIFT = 10.0, (24, 20, 22), 6
SPECIES = ("a", "b", "c")

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass
class Account:
    """What the script reports."""

    found: int
    precision: float
    recall: float
    distance: float
    false: int
    several: int
    table: dict[tuple[str, str], int]


def account(
    mask: Integers, centres: Floats, classes: list[str], picks: Floats, called: list[str]
) -> Account:
    """One pick after the other, with lists and loops."""
    whole = np.pad(
        dilation(mask, generate_binary_structure(3, 1)), ((SHIFT, SHIFT), (0, 0), (0, 0))
    )
    rows = [[round(float(c)) for c in place] for place in picks]
    heights = [z for z, _, _ in rows]
    if min(heights) < SHIFT or max(heights) > SHIFT + mask.shape[0]:
        rows = [[z + SHIFT, y, x] for z, y, x in rows]
    hits: dict[int, list[tuple[str, float]]] = {n: [] for n in range(1, len(centres) + 1)}
    false = 0
    for row, name in zip(rows, called, strict=True):
        z, y, x = (min(max(c, 0), n - 1) for c, n in zip(row, whole.shape, strict=True))
        number = int(whole[z, y, x])
        if not number:
            false += 1
            continue
        cz, cy, cx = centres[number - 1]
        away = ((z - SHIFT - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2) ** 0.5
        hits[number].append((name, away))
    first = {number: given[0] for number, given in hits.items() if given}
    table: dict[tuple[str, str], int] = {}
    for number, name in enumerate(classes, start=1):
        cell = (name, first[number][0] if number in first else "missed")
        table[cell] = table.get(cell, 0) + 1
    return Account(
        found=len(first),
        precision=len(first) / len(rows),
        recall=len(first) / len(centres),
        distance=sum(away for _, away in first.values()) / len(first),
        false=false,
        several=sum(len(given) > 1 for given in hits.values()),
        table=table,
    )


def scene(random: np.random.Generator) -> tuple[Integers, Floats, list[str]]:
    """Balls that touch and cut each other off, their centres and species."""
    mask = np.zeros(SHAPE, dtype=np.int64)
    centres = np.round(random.uniform(0, np.array(SHAPE) - 1, (25, 3)) * 4) / 4
    for number, (centre, radius) in enumerate(
        zip(centres, random.uniform(1.0, 4.0, 25), strict=True), start=1
    ):
        offset = np.indices(SHAPE).T - centre
        ball = (np.sqrt((offset**2).sum(axis=-1)) <= radius).T
        ball[tuple(np.rint(centre).astype(int))] = True
        mask[ball & (mask == 0)] = number
    return mask, centres, [SPECIES[n] for n in random.integers(0, 3, 25)]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("counts_from", ["tomogram", "specimen"])
def test_scores_are_those_of_the_script(seed: int, counts_from: str) -> None:
    random = np.random.default_rng(seed)
    mask, centres, classes = scene(random)
    # Some near particles, some anywhere, also outside; quarters of voxels, so halves as well.
    near = centres[random.integers(0, 25, 40)] + random.normal(0, 1.5, (40, 3))
    anywhere = random.uniform(-3, np.array(SHAPE) + 2, (20, 3))
    places = np.round(np.concatenate([near, anywhere]) * 4) / 4
    if counts_from == "tomogram":
        places[:, 0] = np.clip(places[:, 0] + SHIFT, SHIFT, SHIFT + SHAPE[0])
    called = [SPECIES[n] for n in random.integers(0, 3, 60)]

    expected = account(mask, centres, classes, places, called)
    truth = Particles(centres * VOXEL, None, tuple(classes))
    picks = Particles(places * VOXEL, None, tuple(called), random.normal(size=60))
    occupancy = Labels(mask.astype(np.int32), (VOXEL,) * 3)
    matches = occupancy_matches(picks, truth, occupancy, shift=SHIFT, order="list")
    found, table = localisation(matches), confusion(matches, picks, truth)

    assert 5 < expected.found < 25
    assert (found.found, found.false_picks, found.multiple) == (
        expected.found,
        expected.false,
        expected.several,
    )
    assert found.precision == pytest.approx(expected.precision)
    assert found.recall == pytest.approx(expected.recall)
    assert found.distance == pytest.approx(VOXEL * expected.distance)
    columns = (*table.species, "missed")
    ours = {
        (row, column): int(table.counts[r, c])
        for r, row in enumerate(table.species)
        for c, column in enumerate(columns)
        if table.counts[r, c]
    }
    assert ours == expected.table
