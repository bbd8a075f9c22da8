"""Which jobs are offered for the layers that are open."""

from __future__ import annotations

import numpy as np
from napari.layers import Layer
from tests.viewer.structures.conftest import density, mixed

from mapscope.jobs import all_jobs, make_template
from mapscope.viewer.docks.jobs import suggested_jobs
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.roles import TEMPLATE
from mapscope.volume import Volume

JOBS = list(all_jobs().values())


def test_structure_and_map_when_open_lead_to_their_scores_and_to_the_fit() -> None:
    structure = mixed()
    model = [Layer.create(*data) for data in layers_from_noun(structure, "model")]
    density_map = [Layer.create(*data) for data in layers_from_noun(density(structure), "map")]
    names = [job.name for job in suggested_jobs(JOBS, [*density_map, *model])]
    assert names == ["score_model_in_map", "fit_structure"]
    assert suggested_jobs(JOBS, density_map) == []
    assert [job.name for job in suggested_jobs(JOBS, model)] == ["simulate_map"]


def test_structure_and_tomogram_when_open_lead_to_looking_for_one_in_the_other() -> None:
    structure = mixed()
    random = np.random.default_rng(0)
    tomogram = Volume(random.normal(size=(20, 60, 60)).astype(np.float32), (10.0,) * 3)
    layers = [Layer.create(*data) for data in layers_from_noun(tomogram, "TS_01")]
    layers += [Layer.create(*data) for data in layers_from_noun(structure, "model")]
    assert suggested_jobs(JOBS, layers)[0].name == "match_template"
    # The template that was made of it meanwhile changes nothing.
    template = make_template(structure)
    layers += [Layer.create(*data) for data in layers_from_noun(template, "t", TEMPLATE)]
    assert suggested_jobs(JOBS, layers)[0].name == "match_template"
