"""How well the scores of templates tell species apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from shrec_ways import weight_of  # type: ignore[import-not-found]

from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.scores.picks.occupancy_rule import occupancy_matches
from mapscope.scores.picks.roc import auroc, roc
from mapscope.table import Plot, Table

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scene:
    """A tomogram of the set with what is in it.

    Parameters
    ----------
    folder : Path
        Its files.
    truth : Particles
        Its particles, with their radii.
    occupancy : Labels
        Number of the particle in each voxel.
    """

    folder: Path
    truth: Particles
    occupancy: Labels


@dataclass(frozen=True, eq=False)
class Chances:
    """Scores of right and of wrong templates, by species.

    Parameters
    ----------
    right, wrong : dict of str to float array
        Best score of the species' own template, and of each other one, on each of its particles;
        below all others where none of its candidates hits the particle.
    own, foreign : dict of str to float array
        Scores of the candidates of the species' template that hit one of its particles, and of
        its other candidates.
    """

    right: dict[str, Floats]
    wrong: dict[str, Floats]
    own: dict[str, Floats]
    foreign: dict[str, Floats]

    @classmethod
    def of(cls, candidates: Particles, scene: Scene) -> Chances:
        """Scores of all candidates in a tomogram."""
        assert candidates.score is not None
        truth, score = np.asarray(scene.truth.species, dtype=str), candidates.score
        template = np.asarray(candidates.species, dtype=str)
        names = sorted(set(truth.tolist()) & set(template.tolist()))
        hit = occupancy_matches(candidates, scene.truth, scene.occupancy).particle
        best = np.full((len(names), len(truth)), score.min(initial=0.0) - 1)
        own, foreign = {}, {}
        for row, name in enumerate(names):
            is_own_template = template == name
            hits = is_own_template & (hit >= 0)
            np.maximum.at(best[row], hit[hits], score[hits])
            is_right = np.zeros(len(hit), dtype=np.bool_)
            is_right[hits] = truth[hit[hits]] == name
            own[name] = score[is_own_template & is_right]
            foreign[name] = score[is_own_template & ~is_right]
        right = {name: best[row, truth == name] for row, name in enumerate(names)}
        wrong = {
            name: np.delete(best[:, truth == name], row, axis=0).ravel()
            for row, name in enumerate(names)
        }
        return cls(right, wrong, own, foreign)

    @classmethod
    def joined(cls, parts: list[Chances]) -> Chances:
        """Scores of several tomograms together."""
        fields = [[getattr(one, f) for one in parts] for f in ("right", "wrong", "own", "foreign")]
        return cls(*({n: np.concatenate([d[n] for d in f]) for n in f[0]} for f in fields))

    def rows(self) -> Iterator[tuple[str, float, float]]:
        """Species, AUROC of templates on its particles and of particles for its template."""
        for name in sorted(self.right, key=weight_of):
            yield (
                name,
                auroc(self.right[name], self.wrong[name]),
                auroc(self.own[name], self.foreign[name]),
            )

    def print(self) -> None:
        """AUROC of each species, both ways."""
        print("\nAUROC                right template against wrong   own particles against others")
        for name, templates, particles in self.rows():
            print(f"{name:20s} {templates:28.3f} {particles:30.3f}")

    def table(self) -> Table:
        """ROC of right against wrong templates: a column of true rates for each species."""
        false_rate = np.linspace(0, 1, 201)
        columns = {"false_rate": false_rate}
        for name in sorted(self.right, key=weight_of):
            columns[name] = np.interp(false_rate, *roc(self.right[name], self.wrong[name]))
        plot = Plot(
            x="false_rate",
            y=tuple(columns)[1:],
            x_label="share of wrong templates above the threshold",
            y_label="share of right ones",
            title="Right against wrong templates",
        )
        return Table(columns, plot=plot)
