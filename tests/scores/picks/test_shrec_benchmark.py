"""The benchmark: picks are chosen as the paper says, and its tables agree with themselves."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mapscope.labels import Labels
from mapscope.particles import Particles


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The benchmark's modules by name."""
    folder = str(Path(__file__).parents[3] / "benchmarks")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        names = ("shrec_paper", "shrec_ways", "shrec_templates", "shrec_benchmark")
        yield {name: importlib.import_module(name) for name in names}
        for name in names:
            sys.modules.pop(name)


def candidates() -> Particles:
    """Of two templates on one axis: the heavy one is good at 0 and 100, the light one at 100."""
    x = [0.0, 100.0, 300.0, 110.0, 200.0, 5.0]
    species = ("4cr2", "4cr2", "4cr2", "1s3x", "1s3x", "1s3x")
    places = np.zeros((6, 3))
    places[:, 2] = x
    columns = {
        "ccc": np.array([0.9, 0.8, 0.1, 0.7, 0.6, 0.5]),
        "radius": np.array([50.0, 50.0, 50.0, 20.0, 20.0, 20.0]),
    }
    return Particles(places, None, species, np.array([9.0, 2.0, 1.0, 7.0, 6.0, 1.5]), columns)


def places(picks: Particles) -> list[tuple[str, float]]:
    """Species and place of each pick."""
    assert picks.species is not None
    return list(zip(picks.species, picks.positions[:, 2].tolist(), strict=True))


def test_thresholded_takes_the_best_of_each_template_the_heaviest_first(
    modules: dict[str, ModuleType],
) -> None:
    found = places(modules["shrec_ways"].chosen(candidates(), "TM-T", 2))
    assert found == [("4cr2", 0), ("4cr2", 100), ("1s3x", 110), ("1s3x", 200)]


def test_filtered_leaves_out_what_is_nearer_than_the_sum_of_radii(
    modules: dict[str, ModuleType],
) -> None:
    found = places(modules["shrec_ways"].chosen(candidates(), "TM-F", 2))
    # 110 and 5 overlap with a heavy pick; 100 and 0 touch and do not overlap.
    assert found == [("4cr2", 0), ("4cr2", 100), ("1s3x", 200)]


def test_ours_takes_the_best_by_sigma_whatever_the_template(
    modules: dict[str, ModuleType],
) -> None:
    found = places(modules["shrec_ways"].chosen(candidates(), "ours", 2))
    assert found == [("4cr2", 0), ("1s3x", 110), ("1s3x", 200), ("4cr2", 300)]


def test_tables_of_the_paper_agree_where_one_follows_from_another(
    modules: dict[str, ModuleType],
) -> None:
    paper, groups = modules["shrec_paper"], (slice(0, 5), slice(5, 10), slice(10, 12))
    assert len(paper.TABLE_4) == len(paper.TABLE_6) == len(paper.TABLE_3) == 8
    for name, row in paper.TABLE_4.items():
        values = np.array(list(row.values()))
        means = [values[group].mean() for group in groups]
        np.testing.assert_allclose(means, paper.TABLE_6[name], atol=1e-3)
    for row in (*paper.TABLE_3.values(), *paper.TABLE_8.values()):
        assert row.f1 == pytest.approx(2 * row.found / (row.reported + 2782), abs=2e-3)
        assert row.recall == pytest.approx(row.found / 2782, abs=2e-3)
        assert row.precision == pytest.approx(row.found / row.reported, abs=2e-3)


def test_auroc_of_templates_is_that_of_counting_pairs(modules: dict[str, ModuleType]) -> None:
    templates = modules["shrec_templates"]
    data = np.zeros((3, 3, 40), np.int16)
    data[:, :, 0:3], data[:, :, 9:13], data[:, :, 19:22] = 1, 2, 3
    truth = Particles(np.array([[10.0, 10, 10], [10, 10, 100], [10, 10, 200]]), None,
                      ("4cr2", "1s3x", "1s3x"))  # fmt: skip
    scene = templates.Scene(Path(), truth, Labels(data, (10.0,) * 3))
    found = templates.Chances.of(candidates(), scene)
    # On the 4cr2 at 10 its own template has 9, the other 1.5; on the two 1s3x 7 against 2, and 6
    # against none, which is below all scores.
    assert found.right["4cr2"].tolist() == [9.0]
    assert found.wrong["4cr2"].tolist() == [1.5]
    assert sorted(found.right["1s3x"].tolist()) == [6.0, 7.0]
    assert sorted(found.wrong["1s3x"].tolist()) == [-1.0, 2.0]
    assert found.own["1s3x"].tolist() == [7.0, 6.0]
    assert found.foreign["1s3x"].tolist() == [1.5]
    rows = {name: (one, other) for name, one, other in found.rows()}
    assert rows == {"4cr2": (1.0, 1.0), "1s3x": (1.0, 1.0)}
    joined = templates.Chances.joined([found, found])
    assert len(joined.right["1s3x"]) == 4
    table = joined.table()
    assert np.asarray(table["1s3x"], float)[0] == 1.0
