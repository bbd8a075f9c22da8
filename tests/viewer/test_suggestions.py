"""Which jobs are offered for the layers that are open."""

from __future__ import annotations

from napari.layers import Layer
from tests.viewer.structures.conftest import density, mixed

from mapscope.jobs import all_jobs
from mapscope.viewer.docks.jobs import suggested_jobs
from mapscope.viewer.layers import layers_from_noun

JOBS = list(all_jobs().values())


def test_structure_and_map_when_open_lead_to_their_scores_and_to_the_fit() -> None:
    structure = mixed()
    model = [Layer.create(*data) for data in layers_from_noun(structure, "model")]
    density_map = [Layer.create(*data) for data in layers_from_noun(density(structure), "map")]
    names = [job.name for job in suggested_jobs(JOBS, [*density_map, *model])]
    assert names == ["score_model_in_map", "fit_structure"]
    assert suggested_jobs(JOBS, density_map) == []
    assert [job.name for job in suggested_jobs(JOBS, model)] == ["simulate_map"]
