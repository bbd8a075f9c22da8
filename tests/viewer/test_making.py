"""A template is made from a structure by one click in the form that wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tests.viewer.structures.conftest import mixed

from mapscope.jobs import all_jobs
from mapscope.particles import Particles
from mapscope.record import record_of
from mapscope.viewer.layers import noun_from_layer, role_of
from mapscope.viewer.making import maker_of
from mapscope.viewer.roles import FIT, TEMPLATE
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

SOON = 60_000


def tomogram() -> Volume:
    """Noise in voxels of 10 Å."""
    data = np.random.default_rng(0).normal(size=(24, 60, 60)).astype(np.float32)
    return Volume(data, (10.0,) * 3)


def choice_of(form: Any, name: str) -> Any:
    """The choice of an input."""
    return next(c for c in form.inputs if c.parameter.name == name)


def test_a_template_is_made_by_one_click_chosen_and_hidden(desk: Desk) -> None:
    volume = desk.add(tomogram(), "TS_01")
    form: Any = desk.form("average_particles")
    (maker,) = form.makers
    assert maker.isHidden()
    desk.add(mixed(), "model", "structure")
    assert not maker.isHidden()
    assert maker.text() == "Make template from model"
    choice_of(form, "volume").choose(volume)
    maker.click()
    desk.qtbot.waitUntil(lambda: maker.entry.state != "running", timeout=SOON)
    assert maker.entry.state == "done", maker.entry.message
    (layer,) = choice_of(form, "template").layers
    assert role_of(layer) == TEMPLATE
    assert not layer.visible
    assert maker.isHidden()
    assert choice_of(form, "volume").layers == [volume]
    assert desk.viewer.layers.selection.active is volume
    template = noun_from_layer(layer)
    assert template.voxel_size == (5.0,) * 3
    record = record_of(template)
    assert record is not None
    assert record.job == "make_template"
    assert {i.parameter for i in record.inputs} == {"structure", "volume"}


def test_inputs_that_a_structure_alone_can_give_have_a_maker() -> None:
    inputs = {p.name: p for p in all_jobs()["average_particles"].inputs}
    assert maker_of(inputs["template"]) is all_jobs()["make_template"]
    assert maker_of(inputs["volume"]) is None
    assert maker_of(inputs["particles"]) is None


def test_a_template_is_never_taken_for_the_map_and_goes_where_one_is_wanted(desk: Desk) -> None:
    volume = desk.add(tomogram(), "TS_01")
    picks = desk.add(Particles(np.full((3, 3), 100.0)), "picks")
    template = desk.add(Volume(np.ones((8, 8, 8), np.float32), (5.0,) * 3), "t", TEMPLATE)
    scores = desk.add(tomogram(), "TS_01 · scores", FIT)
    desk.viewer.layers.selection.active = picks
    form: Any = desk.form("average_particles")
    assert choice_of(form, "volume").layers == [volume]
    assert choice_of(form, "template").layers == [template]
    assert scores not in form.chosen_layers()


def test_two_lists_of_picks_fill_two_inputs(desk: Desk) -> None:
    truth = desk.add(Particles(np.full((3, 3), 100.0)), "truth")
    picks = desk.add(Particles(np.full((2, 3), 100.0)), "picks")
    desk.viewer.layers.selection.active = picks
    form: Any = desk.form("score_picks")
    assert choice_of(form, "picks").layers == [picks]
    assert choice_of(form, "truth").layers == [truth]
