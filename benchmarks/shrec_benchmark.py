"""Template matching on simulated tomograms, scored by SHREC's rule beside the paper's tables.

``python benchmarks/shrec_benchmark.py FOLDER [--out DIR] [--tomograms 1] [--device auto]`` takes a
set that ``mapscope simulate-tomograms`` made (``tomogram_0`` and so on, each with its tomogram,
``particles.star`` and ``occupancy.mrc``, and ``templates``), matches all templates to the last
tomograms and prints localisation, F1 of each species and of the size groups in the two ways of the
paper and in ours, each beside what the paper reports for them:

* TM-T: of each template the N picks with the highest correlation, the heaviest species first in
  the list; the first hit on a particle says what it is.
* TM-F: the same without picks that overlap with one taken before: their centres are nearer than
  the sum of their radii.
* ours: the picks of all templates by σ, overlaps resolved by σ.

The row *truth* is that of the true list itself: a hollow particle whose middle is empty is not hit
there. N is the number of particles of the other tomograms over the number of species. Then, how
well templates tell species apart: AUROC of the template of a species against the eleven others on
that species' particles, and of its particles against all other picks of its template.
``--out DIR`` keeps the candidates, from which a second run scores at once, and writes F1 against
molecular weight and the ROC curves as pages. Exits with 1 where ours finds fewer than TM-F.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import shrec_paper as paper  # type: ignore[import-not-found]
from shrec_templates import Chances, Scene  # type: ignore[import-not-found]
from shrec_ways import WAYS, chosen, weight_of  # type: ignore[import-not-found]

from mapscope.files import read, write, write_report
from mapscope.particles import Particles
from mapscope.scores.picks.classification import Confusion
from mapscope.scores.picks.evaluation import Evaluation, by_occupancy
from mapscope.scores.picks.localisation import Localisation, localisation
from mapscope.scores.picks.size_groups import SHREC_2020_WEIGHTS, group_means
from mapscope.table import Plot, Table

CANDIDATES = 300
"""Places of each template that are made finer and chosen from."""
PAPERS = ("TM-T", "TM-F")
"""Ways that are the paper's."""
TABLES = {3: paper.TABLE_3, 8: paper.TABLE_8}
"""Of localisation, by their number."""


def main() -> int:
    given = arguments()
    folders = sorted(given.folder.glob("tomogram_*"), key=lambda p: int(p.name.split("_")[1]))
    tested, others = folders[-given.tomograms :], folders[: -given.tomograms]
    number = given.number or usual_number(others or tested)
    print(f"{len(tested)} of {len(folders)} tomograms, {number} picks of each template\n")
    results: dict[str, list[Evaluation]] = {way: [] for way in WAYS}
    chances, ceiling = [], []
    for folder in tested:
        scene = scene_of(folder)
        true = by_occupancy(scene.truth, scene.truth, scene.occupancy, order="list")
        ceiling.append(localisation(true.matches))
        candidates = candidates_of(scene, given)
        for way in WAYS:
            picks = chosen(candidates, way, number)
            results[way].append(by_occupancy(picks, scene.truth, scene.occupancy, order="list"))
        chances.append(Chances.of(candidates, scene))
    tables = {way: summed(found) for way, found in results.items()}
    print_localisation("truth", ceiling)
    for way, found in results.items():
        print_localisation(way, [localisation(one.matches) for one in found])
    print_species(tables)
    curves = Chances.joined(chances)
    curves.print()
    if given.out is not None:
        for name, table in (("weight", weight_table(tables)), ("roc", curves.table())):
            print(f"written: {write_report(given.out / f'{name}.html', table)}")
    ours, theirs = (
        sum(int(one.matches.is_found.sum()) for one in results[way]) for way in ("ours", "TM-F")
    )
    return 0 if ours >= theirs else 1


def arguments() -> argparse.Namespace:
    """What the command was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--tomograms", type=int, default=1, help="how many of the last ones")
    parser.add_argument("--number", type=int, help="picks of each template")
    parser.add_argument("--angle", type=float, help="degrees between orientations")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--to-first-zero", action="store_true", help="as the paper's templates")
    given = parser.parse_args()
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
    return given


def scene_of(folder: Path) -> Scene:
    """A tomogram's particles and their occupancy."""
    occupancy = read(folder / "occupancy.mrc", kind="labels")
    tomogram = read(folder / "tomogram.mrc")
    return Scene(folder, read(folder / "particles.star", tomogram=tomogram), occupancy)


def usual_number(folders: list[Path]) -> int:
    """Particles of a tomogram over the number of species, from tomograms that are not tested."""
    lists = [scene_of(folder).truth for folder in folders]
    species = {name for one in lists for name in one.species or ()}
    return round(float(np.mean([len(one) for one in lists])) / len(species))


def candidates_of(scene: Scene, given: argparse.Namespace) -> Particles:
    """The best picks of every template, those kept from an earlier run or found now."""
    from mapscope.jobs.picking.match_template import match_template

    kept = None if given.out is None else given.out / f"{scene.folder.name}.star"
    tomogram = read(scene.folder / "tomogram.mrc")
    if kept is not None and kept.exists():
        found = read(kept, tomogram=tomogram)
        assert isinstance(found, Particles)
        return found
    began = time.perf_counter()
    result = match_template(
        tomogram,
        tilts=read(scene.folder / "tilts.csv"),
        templates=given.folder / "templates",
        angle=given.angle,
        overlaps="keep",
        most=CANDIDATES,
        threshold=0.0,
        control="none",
        to_first_zero=given.to_first_zero,
        device=given.device,
    )
    seconds = time.perf_counter() - began
    share = np.prod(tomogram.shape) / (512 * 512 * 200)
    print(
        f"{scene.folder.name}: {len(result.picks):,} candidates in {seconds:.0f} s; the paper's "
        f"{paper.HOURS:g} h for its size would be {3600 * paper.HOURS * share:.0f} s for this one"
    )
    candidates: Particles = result.picks
    if kept is not None:
        write(kept, candidates)
    return candidates


def summed(found: list[Evaluation]) -> Confusion:
    """The confusion of several tomograms."""
    tables = [one.confusion for one in found]
    if len({table.species for table in tables}) > 1:
        raise ValueError("the tomograms do not have the same species")
    counts = np.sum([table.counts for table in tables], axis=0)
    reported = np.sum([table.reported for table in tables], axis=0)
    return replace(tables[0], counts=counts, reported=reported)


def row_of(parts: list[Localisation]) -> paper.Localised:
    """A row of Table 3 from one or several tomograms."""
    reported, particles, found = (
        sum(getattr(one, name) for one in parts) for name in ("reported", "particles", "found")
    )
    away = [one.distance / 10 for one in parts if one.distance is not None]
    return paper.Localised(
        reported,
        found,
        sum(one.false_picks for one in parts),
        sum(one.multiple for one in parts),
        float(np.mean(away)) if away else float("nan"),
        found / particles,
        found / reported if reported else 0.0,
        2 * found / (reported + particles),
    )


def print_localisation(way: str, parts: list[Localisation]) -> None:
    """A row of Table 3, and what the paper has there."""
    rows = {way: row_of(parts)}
    rows |= {f"  Table {n}": table[way] for n, table in TABLES.items() if way in table}
    for name, row in rows.items():
        print(
            f"{name:10s} RR {row.reported:5d}  TP {row.found:5d}  FP {row.false_picks:5d}  "
            f"MH {row.multiple:4d}  AD {row.distance:5.3f}  recall {row.recall:.3f}  "
            f"precision {row.precision:.3f}  F1 {row.f1:.3f}"
        )


def print_species(tables: dict[str, Confusion]) -> None:
    """F1 of each species and size group, beside Tables 4, 6 and 9."""
    rows = {way: f1_of(table) for way, table in tables.items()}
    rows |= {f"{way} (Table 4)": paper.TABLE_4[way] for way in PAPERS}
    rows |= {f"{way} (Table 9)": paper.TABLE_9[way] for way in PAPERS}
    rows["UMC (Table 4)"] = paper.TABLE_4["UMC"]
    print("\nF1 of species        " + "  ".join(f"{name:>5s}" for name in paper.SPECIES))
    for name, row in rows.items():
        values = "  ".join(f"{row.get(species, np.nan):5.3f}" for species in paper.SPECIES)
        print(f"{name:20s} {values}")
    print("\nmean F1              small  medium  large")
    for name, row in rows.items():
        means = group_means(row, SHREC_2020_WEIGHTS)
        print(f"{name:20s} " + "  ".join(f"{value:6.3f}" for value in means.values()))


def f1_of(table: Confusion) -> dict[str, float]:
    """F1 of each species by SHREC's rule."""
    return dict(zip(table.species, table.f1.tolist(), strict=True))


def weight_table(tables: dict[str, Confusion]) -> Table:
    """F1 of each species against its molecular weight, in each way and in the paper."""
    weights = np.array([weight_of(name) for name in paper.SPECIES])
    columns = {"log10_weight": np.log10(weights), "weight": weights}
    for way, table in tables.items():
        row = f1_of(table)
        columns[way] = np.array([row.get(name, np.nan) for name in paper.SPECIES])
    for name in (*PAPERS, "UMC"):
        columns[f"paper {name}"] = np.array(list(paper.TABLE_4[name].values()))
    plot = Plot(
        x="log10_weight",
        y=tuple(columns)[2:],
        x_label="log10 of the molecular weight in kDa",
        y_label="F1",
        title="F1 against molecular weight",
        marks={f"{limit:.0f} kDa": float(np.log10(limit)) for limit in (200, 600)},
    )
    return Table(columns, {"weight": "kDa"}, plot)


if __name__ == "__main__":
    sys.exit(main())
