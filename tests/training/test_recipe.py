"""Recipes are checked key by key, and those that come with Mapscope are good."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mapscope.errors import GridError, InputError
from mapscope.networks.registry import build
from mapscope.training.data_tables import FINEST, ClassMaps
from mapscope.training.recipe import parse_recipe, read_recipe, recipe_names, recipe_text
from mapscope.training.window_density import window_density

LEAST = """
name = "least"
about = "The least."
[network]
name = "cnn_2019"
[data]
kind = "class_maps"
"""


@pytest.mark.parametrize("name", recipe_names())
def test_every_bundled_recipe_can_be_read_and_its_network_built(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    with torch.device("meta"):
        network = build(recipe.network.name, **recipe.network.config)
    assert network.size in (None, recipe.data.size)


def test_what_is_left_out_has_its_default() -> None:
    recipe = parse_recipe(LEAST)
    assert isinstance(recipe.data, ClassMaps)
    assert recipe.data.resolutions == (2.5, 7.5, 12.5)
    assert recipe.losses[0].output == "class"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('about = "The least."', "", "about: field required"),
        ('about = "The least."', 'about = ""\ncolour = 3', "colour: extra inputs"),
        ('kind = "class_maps"', 'kind = "photographs"', "photographs"),
        ('kind = "class_maps"', 'kind = "class_maps"\nsize = 2', "size: input should be"),
        (
            'kind = "class_maps"',
            'kind = "voxel_classes"\nresolution = [4, 2.5]',
            "lowest comes first",
        ),
        ('kind = "class_maps"', 'kind = "voxel_classes"\nvoxel_size = [0, 1]', "greater than 0"),
        (
            'kind = "class_maps"',
            'kind = "voxel_classes"\nvoxel_size = [1, 1.1]',
            "1.1 å cannot hold 2.5",
        ),
        ("[data]", "[data", "is not TOML"),
        (
            "[data]",
            "[schedule]\nsteps = 9\n[data]",
            "schedule: validate_every (200) must be at most steps (9)",
        ),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_key_that_is_wrong(
    old: str, new: str, says: str
) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        parse_recipe(LEAST.replace(old, new))


def test_voxels_as_coarse_as_a_recipe_may_have_them_hold_their_resolution() -> None:
    def density(voxel_size: float) -> torch.Tensor:
        atom = np.full((1, 3), 10.0)
        element, one = np.array([6], np.uint8), np.ones(1)
        return window_density(
            atom, element, 20 * one, one, size=16, voxel_size=voxel_size, resolution=FINEST
        )

    assert int(density(1.0).argmax()) == np.ravel_multi_index((10, 10, 10), (16, 16, 16))
    with pytest.raises(GridError, match="too coarse"):
        density(1.1)


def test_a_recipe_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(LEAST)
    assert read_recipe(tmp_path / "mine.toml").name == "least"


HEADS = ("", 'name = "maps"\nabout = "Maps."\n')


def test_the_recipes_in_the_manual_are_good() -> None:
    page = Path(__file__).parents[2] / "docs" / "train.md"
    texts = re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    # The second shows what a recipe of maps has in place of the first one's tables.
    of_classes, of_maps = (
        parse_recipe(f"{head}{text}") for head, text in zip(HEADS, texts, strict=True)
    )
    assert of_classes.data.kind == "voxel_classes"
    assert of_classes.data.imaging is not None
    assert of_maps.losses[0].output == "map"
    for recipe in (of_classes, of_maps):
        assert build(recipe.network.name, **recipe.network.config).parameters_learned > 0


def test_an_unknown_recipe_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="paper_001_cnn"):
        recipe_text("alchemy")
