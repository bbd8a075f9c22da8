"""Recipes of trainings that take seconds."""

from __future__ import annotations

SAYS_VARIANCE = 'variance = 0.5\nvariance_output = "variance"'
"""Keys of a loss by which the variance of a map is learned."""


def recipe_of_an_enhancer(judged: str = SAYS_VARIANCE, *, steps: int = 2, samples: int = 2) -> str:
    """The text of a recipe, validated at its end, with more keys of its loss."""
    return f"""
name = "tiny_enhancer"
about = "A recipe for tests."
seed = 3

[network]
name = "residual_unet"

[network.config]
channels = 2
widths = [4, 6]
voxel_heads = {{ map = 1, variance = 1 }}
conditions = 1
adds_input = "map"

[data]
kind = "half_map_pairs"
size = 16
border = 4

[[losses]]
kind = "map"
square = 1.0
{judged}

[schedule]
steps = {steps}
batch = 2
validate_every = {steps}
validation_samples = {samples}
workers = 0
"""
