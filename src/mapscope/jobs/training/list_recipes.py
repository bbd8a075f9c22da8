"""The recipes that there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mapscope.job import job
from mapscope.progress import Progress, silent
from mapscope.table import Table


@dataclass(frozen=True)
class ListedRecipes:
    """What can be trained.

    Parameters
    ----------
    recipes : Table
        One row for each recipe: name, network, minutes, most steps, what for.
    missing : str
        What has to be installed before anything can be trained; empty where nothing.
    """

    recipes: Table
    missing: str


@job()
def list_recipes(*, progress: Progress = silent) -> ListedRecipes:
    """Recipes that come with Mapscope: what each trains, and how long it takes.

    Parameters
    ----------
    progress : Progress
        Called once per recipe.

    Returns
    -------
    ListedRecipes
        A table of the recipes, and what is missing to train them.
    """
    from mapscope.training.extra import missing_packages
    from mapscope.training.recipe import read_recipe, recipe_names

    names = recipe_names()
    recipes = []
    for done, name in enumerate(names):
        progress(done, len(names), name)
        recipes.append(read_recipe(name))
    columns = {
        "recipe": np.array(names),
        "network": np.array([recipe.network.name for recipe in recipes]),
        "minutes": np.array([recipe.schedule.minutes or np.nan for recipe in recipes]),
        "steps": np.array([recipe.schedule.steps for recipe in recipes]),
        "about": np.array([recipe.about for recipe in recipes]),
    }
    return ListedRecipes(Table(columns, {"minutes": "min"}), missing_packages())
