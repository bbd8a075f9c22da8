"""A training's folder: all that there is of it, and all that it needs to go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.errors import InputError
from mapscope.table import Plot, Table
from mapscope.training.recipe import Recipe, parse_recipe

FORMAT_VERSION = 1

MAP_SCORES = (
    "correlation",
    "input_correlation",
    "shell_correlation",
    "input_shell_correlation",
)
"""Scores of a validation of maps, beside its losses."""


@dataclass(frozen=True)
class RunFolder:
    """Where everything of a training lies.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    @property
    def recipe_file(self) -> Path:
        """The recipe, as it was given."""
        return self.path / "recipe.toml"

    @property
    def facts_file(self) -> Path:
        """What the run depends on beside the recipe: corpus, cache, precision, hardware."""
        return self.path / "run.json"

    @property
    def curves_file(self) -> Path:
        """One JSON object a line: loss and rate of steps, scores of validations."""
        return self.path / "curves.jsonl"

    @property
    def last(self) -> Path:
        """Where the training stands."""
        return self.path / "state" / "last.safetensors"

    @property
    def next(self) -> Path:
        """Where the training stands after a validation whose best weights are not yet written."""
        return self.path / "state" / "next.safetensors"

    @property
    def best(self) -> Path:
        """The weights of the lowest validation loss so far."""
        return self.path / "state" / "best.safetensors"

    @property
    def model(self) -> Path:
        """The best weights as a model, to be used and passed on."""
        return self.path / "best.safetensors"

    @property
    def samples(self) -> Path:
        """What the network says of a few validation samples."""
        return self.path / "samples"

    @property
    def log_file(self) -> Path:
        """What happened, in words."""
        return self.path / "log.txt"

    def create(self, recipe_text: str, facts: Mapping[str, Any]) -> None:
        """Make the folder of a new run; one of the same recipe and corpus stays as it is.

        Raises
        ------
        InputError
            If the folder holds another run.
        """
        if self.recipe_file.exists():
            known = self.recipe_file.read_text(encoding="utf-8")
            if known == recipe_text and self.facts()["corpus"] == facts["corpus"]:
                return
            raise InputError(
                f"{self.path} holds another training already: name a new folder, or go on with "
                "that one by resume-training"
            )
        for folder in (self.last.parent, self.samples):
            folder.mkdir(parents=True, exist_ok=True)
        self.write_facts(facts)
        # Last, because a folder with a recipe is a training.
        self.recipe_file.write_text(recipe_text, encoding="utf-8")

    def recipe(self) -> Recipe:
        """Its recipe.

        Raises
        ------
        InputError
            If the folder holds no training.
        """
        if not self.recipe_file.is_file():
            raise InputError(f"{self.path} holds no training: there is no {self.recipe_file.name}")
        return parse_recipe(self.recipe_file.read_text(encoding="utf-8"), str(self.recipe_file))

    def facts(self) -> dict[str, Any]:
        """What is in `facts_file`."""
        content: dict[str, Any] = json.loads(self.facts_file.read_text(encoding="utf-8"))
        return content

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Write `facts_file`, whole or not at all."""
        new = self.facts_file.with_suffix(".new")
        content = {"format_version": FORMAT_VERSION, **facts}
        new.write_text(json.dumps(content, indent=1), encoding="utf-8")
        os.replace(new, self.facts_file)  # noqa: PTH105  the same as Path.replace, atomic

    def note_kept(self, name: str) -> None:
        """Note that the model as it is now is among the user's models, under a name."""
        changed = self.model.stat().st_mtime_ns
        self.write_facts(self.facts() | {"kept": {"name": name, "changed": changed}})

    def kept(self) -> str:
        """Under which name the model as it is now is among the user's; empty where it is not."""
        noted = self.facts().get("kept", {})
        is_same = self.model.is_file() and noted.get("changed") == self.model.stat().st_mtime_ns
        return str(noted["name"]) if is_same else ""

    def note(self, row: Mapping[str, Any]) -> None:
        """Add a line to the curves."""
        with self.curves_file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def rows(self) -> Iterator[dict[str, Any]]:
        """The lines of the curves; one that was not finished is left out."""
        if not self.curves_file.is_file():
            return
        for line in self.curves_file.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue

    def forget_after(self, step: int) -> None:
        """Take off the curves what came after a step, which a resumed run does again."""
        kept = [json.dumps(row) + "\n" for row in self.rows() if row["step"] <= step]
        new = self.curves_file.with_suffix(".new")
        new.write_text("".join(kept), encoding="utf-8")
        new.replace(self.curves_file)

    def curves(self) -> Table:
        """Loss by step, and where it was validated the validation's; NaN where it was not.

        Of networks that say maps also how they correlate with the truth.
        """
        rows: dict[int, dict[str, Any]] = {}
        for row in self.rows():
            rows.setdefault(row["step"], {}).update(row)
        listed = [rows[step] for step in sorted(rows)]

        def column(name: str) -> Any:
            return np.array([row.get(name, np.nan) for row in listed], dtype=np.float64)

        names = ["loss", "rate", "validation_loss", "trivial_loss", "accuracy"]
        names += [name for name in MAP_SCORES if any(name in row for row in listed)]
        columns = {"step": np.array(sorted(rows), dtype=np.int64)}
        columns |= {name: column(name) for name in names}
        return Table(columns, plot=Plot("step", ("loss", "validation_loss")))
