"""A set of tomograms with their truth, as a folder of files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.errors import InputError
from mapscope.files import read, write
from mapscope.particles import TOMOGRAM, Particles
from mapscope.progress import Progress, part, silent
from mapscope.simulate.tomogram.simulation import Recipe, Simulated, simulate
from mapscope.simulate.tomogram.species import Species
from mapscope.table import Table

SETTINGS = "settings.json"
_SEEDS = 1000


@dataclass(frozen=True, eq=False)
class TomogramSet:
    """Which tomograms a folder is to hold.

    Parameters
    ----------
    recipe : Recipe
        Of each; the number of particles is drawn anew.
    tomograms : int
        How many, at most 1000.
    fewest, most : int
        Particles of each, both included and equally likely.
    seed : int
        Where chance begins.
    settings : mapping
        What says, in plain numbers and words, how they are made; kept beside them, so that a
        folder is not continued in another way.
    """

    recipe: Recipe
    tomograms: int
    fewest: int
    most: int
    seed: int
    settings: dict[str, Any]

    def number(self, which: int) -> int:
        """Particles of one tomogram."""
        random = np.random.default_rng([self.seed, which])
        return int(random.integers(self.fewest, self.most + 1))

    def seed_of(self, which: int) -> int:
        """Seed of one tomogram."""
        return self.seed * _SEEDS + which


def write_set(
    wanted: TomogramSet, folder: Path, *, device: str = "cpu", progress: Progress = silent
) -> Particles:
    """Simulate and write what the folder lacks; all particles of all tomograms.

    Each tomogram is a folder of its own, ``tomogram_0`` and so on, that appears when it is whole:
    ``tomogram.mrc``, ``noise_free.mrc``, ``specimen.mrc``, ``classes.mrc``, ``occupancy.mrc``,
    ``particles.star`` and ``tilts.csv``. Beside them are ``templates/NAME.mrc``, the densities
    that were placed, and ``species.csv``.

    Parameters
    ----------
    wanted : TomogramSet
        What to make.
    folder : Path
        Where to; made where it is not there. What it holds of the same set is kept.
    device : str
        What computes.
    progress : callable
        Called often.

    Raises
    ------
    InputError
        If the folder holds a set that was made otherwise, or particles find no room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder / SETTINGS, wanted.settings)
    _write_species(wanted.recipe.kinds, folder)
    lists = []
    for which in range(wanted.tomograms):
        name = f"tomogram_{which}"
        step = part(progress, which, which + 1, wanted.tomograms)
        step(0, 1, name)
        if not (folder / name).is_dir():
            recipe = replace(wanted.recipe, number=wanted.number(which))
            made = simulate(recipe, seed=wanted.seed_of(which), device=device, progress=step)
            _write_tomogram(made, name, folder)
        lists.append(_read_list(folder / name / "particles.star"))
    return _joined(lists)


def _claim(path: Path, settings: dict[str, Any]) -> None:
    """Keep how a set is made, or compare it with what is kept.

    Raises
    ------
    InputError
        If it differs.
    """
    text = json.dumps(settings, indent=1, sort_keys=True)
    if not path.exists():
        path.write_text(text + "\n")
        return
    known = json.loads(path.read_text())
    other = sorted(name for name in settings if settings[name] != known.get(name))
    if other:
        raise InputError(
            f"{path.parent} holds tomograms that were made with another {', '.join(other)}: take "
            "another folder, or the same settings"
        )


def _write_species(kinds: Sequence[Species], folder: Path) -> None:
    """Densities as they were placed, and a table of the species."""
    (folder / "templates").mkdir(exist_ok=True)
    for kind in kinds:
        write(folder / "templates" / f"{kind.name}.mrc", kind.template())
    columns = {
        "species": np.array([kind.name for kind in kinds]),
        "class": np.arange(1, len(kinds) + 1),
        "kda": np.array([kind.kda for kind in kinds]).round(2),
        "radius": np.array([kind.radius for kind in kinds]).round(2),
    }
    write(folder / "species.csv", Table(columns, {"radius": "Å"}))


def _write_tomogram(made: Simulated, name: str, folder: Path) -> None:
    """All files of one tomogram, in a folder that appears when they are whole."""
    unfinished = folder / f".{name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    named = {**made.particles.columns, TOMOGRAM: np.full(len(made.particles), name)}
    nouns = {
        "tomogram.mrc": made.tomogram,
        "noise_free.mrc": made.noise_free,
        "specimen.mrc": made.specimen,
        "classes.mrc": made.classes,
        "occupancy.mrc": made.occupancy,
        "particles.star": replace(made.particles, columns=named),
        "tilts.csv": made.series.table(),
    }
    for file, noun in nouns.items():
        write(unfinished / file, noun)
    unfinished.rename(folder / name)


def _read_list(path: Path) -> Particles:
    """The particles of a file.

    Raises
    ------
    InputError
        If it holds none.
    """
    found = read(path)
    if not isinstance(found, Particles):
        raise InputError(f"{path} holds no particles: delete its folder to have it made again")
    return found


def _joined(lists: Sequence[Particles]) -> Particles:
    """The particles of several tomograms as one list."""
    shared = set.intersection(*(set(one.columns) for one in lists))
    return Particles(
        np.concatenate([one.positions for one in lists]),
        np.concatenate([one.rotations for one in lists if one.rotations is not None]),
        tuple(name for one in lists for name in one.species or ()),
        columns={name: np.concatenate([one.columns[name] for one in lists]) for name in shared},
    )
