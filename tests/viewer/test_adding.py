"""What of a result is seen at first, and how it is drawn beside its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tests.viewer.structures.conftest import mixed

from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.viewer.adding import add_layers, hide_what_covers
from mapscope.viewer.layers import SEE_THROUGH, LayerData, layers_from_noun
from mapscope.viewer.roles import role_of_output
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

SHAPE, VOXEL_SIZE = (8, 12, 12), (10.0,) * 3


def a_map() -> Volume:
    """Noise."""
    data = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    return Volume(data, VOXEL_SIZE)


def some_labels() -> Labels:
    """One region."""
    return Labels((a_map().data > 1).astype(np.int32), VOXEL_SIZE)


def result(**nouns: Any) -> list[LayerData]:
    """Layers of a result, in its order, those hidden that would cover others."""
    layers = []
    for name, noun in nouns.items():
        layers += layers_from_noun(noun, name, role_of_output(name))
    hide_what_covers(layers)
    return layers


def seen_of(layers: list[LayerData]) -> dict[str, bool]:
    """Whether each layer is seen at first, by name."""
    return {attributes["name"]: attributes.get("visible", True) for _, attributes, _ in layers}


def a_simulated_tomogram() -> list[LayerData]:
    """What comes of simulating one, in the order of the job."""
    return result(
        tomogram=a_map(),
        particles=Particles(np.full((2, 3), 40.0)),
        classes=some_labels(),
        occupancy=some_labels(),
        noise_free=a_map(),
        specimen=a_map(),
    )


def test_of_a_simulated_tomogram_are_seen_itself_its_particles_and_their_classes() -> None:
    seen = seen_of(a_simulated_tomogram())
    assert [name for name, is_seen in seen.items() if is_seen] == [
        "tomogram",
        "particles",
        "classes",
    ]


def test_of_a_result_are_seen_the_first_density_and_the_mask_but_no_map_of_trust() -> None:
    made = result(
        half_map_1=a_map(), confidence=a_map(), mask=a_map(), sharpened=a_map(), prior=a_map()
    )
    seen = seen_of(made)
    assert [name for name, is_seen in seen.items() if is_seen] == ["mask", "sharpened"]
    assert seen_of(result(picks=Particles(np.zeros((1, 3))), scores=a_map())) == {
        "picks": True,
        "scores": False,
    }


def test_a_tomogram_is_no_glass_for_the_structure_that_it_was_made_of(desk: Desk) -> None:
    structure = desk.add(mixed(), "model", "structure")
    (tomogram, *_) = add_layers(desk.viewer, a_simulated_tomogram(), structure, None)
    (density,) = add_layers(desk.viewer, result(simulated=a_map()), structure, None)
    assert (tomogram.opacity, tomogram.blending) != (density.opacity, density.blending)
    assert tomogram.opacity == 1
    assert density.opacity == SEE_THROUGH["opacity"]
    assert tomogram.rendering == "mip"
