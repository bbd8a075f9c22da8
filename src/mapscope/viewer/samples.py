"""The sample data of ``File > Open Sample``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from mapscope.viewer.layers import LayerData
from mapscope.viewer.reader import read_layers

SAMPLE = (
    "four_helix_bundle_half_1.mrc.gz",
    "four_helix_bundle_half_2.mrc.gz",
    "four_helix_bundle.cif",
)


UNEVEN = (
    "four_helix_bundle_uneven_half_1.mrc.gz",
    "four_helix_bundle_uneven_half_2.mrc.gz",
    "four_helix_bundle_uneven_local_resolution.mrc.gz",
    "four_helix_bundle.cif",
)

TOMOGRAM = ("tomogram.mrc.gz", "tomogram_particles.star", "tomogram_template.mrc.gz")


def sample_folder() -> Path:
    """Where the sample files are: in the package, or in a checkout beside ``src``."""
    inside = Path(str(files("mapscope"))) / "sample_data"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "sample_data"


def four_helix_bundle() -> list[LayerData]:
    """Half maps of a small simulated protein, and the structure that they were made from."""
    return read_layers([str(sample_folder() / name) for name in SAMPLE])


def uneven_four_helix_bundle() -> list[LayerData]:
    """Half maps of that protein that are better in some places than in others, and how good.

    The true local resolution lies over the half maps and is hidden at first.
    """
    layers = read_layers([str(sample_folder() / name) for name in UNEVEN])
    for _, attributes, _ in layers:
        if attributes["name"].endswith("local_resolution"):
            attributes["visible"] = False
    return layers


def simulated_tomogram() -> list[LayerData]:
    """A small tomogram of two kinds of particles, where they are, and the template of one.

    The template, which lies in a corner of the tomogram, is hidden at first.
    """
    layers = read_layers([str(sample_folder() / name) for name in TOMOGRAM])
    for _, attributes, _ in layers:
        if attributes["name"].endswith("template"):
            attributes["visible"] = False
    return layers
