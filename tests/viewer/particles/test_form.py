"""The Particles form of the View dock: real widgets, and each acts on the whole list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from tests.viewer.particles.conftest import show, some_particles

from mapscope.viewer.docks.view import ViewDock
from mapscope.viewer.particles.axes import axes_of
from mapscope.volume import Volume


@pytest.fixture
def dock(make_napari_viewer: Callable[..., Any], qtbot: QtBot) -> ViewDock:
    """The View dock in a window with a noisy tomogram and a list of particles."""
    viewer = make_napari_viewer()
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View", area="right")
    noise = np.random.default_rng(0).standard_normal((20, 30, 30)).astype(np.float32)
    show(viewer, Volume(noise, (10.0,) * 3), "tomogram")
    show(viewer, some_particles(), "picks")
    dock.refresh()
    qtbot.wait(1)
    return dock


def test_form_sets_radius_colours_axes_and_surfaces_of_all_particles(
    dock: ViewDock, qtbot: QtBot
) -> None:
    form, picks = dock.particles_form, dock.viewer.layers["picks"]
    assert form.layer is picks
    assert form.radius.value() == pytest.approx(22, abs=1)
    form.radius.setValue(40.0)
    assert set(picks.size.tolist()) == {80.0}
    form.colors.setCurrentText("score")
    assert len(np.unique(picks.border_color, axis=0)) > 2
    form.axes.click()
    axes = axes_of(picks)
    assert axes is not None
    assert len(axes.arrows.data) == 36
    with qtbot.waitSignal(form.drawn, timeout=60_000) as drawn:
        form.surfaces.click()
    (surface,) = drawn.args
    assert surface in dock.viewer.layers
    assert len(surface.vertex_colors) % 12 == 0
    form.axes.click()
    assert axes_of(picks) is None


def test_form_when_the_list_goes_then_its_controls_are_grey(dock: ViewDock) -> None:
    dock.viewer.layers.remove("picks")
    dock.refresh()
    form = dock.particles_form
    assert form.layer is None
    assert not any(w.isEnabled() for w in (form.radius, form.colors, form.surfaces, form.axes))
    assert form.axes.toolTip() == "Open a list of particles first."


def test_filter_when_slid_then_slices_are_smooth_and_when_off_the_map_is_as_it_was(
    dock: ViewDock,
) -> None:
    form, layer = dock.filter_form, dock.viewer.layers["tomogram"]
    own, limits = layer.data, tuple(layer.contrast_limits)
    assert form.resolution.value() == pytest.approx(60.0)
    form.slider.setValue(150)
    assert form.low_pass.isChecked()
    assert np.asarray(layer.data[10]).std() < 0.3 * np.asarray(own[10]).std()
    assert np.ptp(layer.contrast_limits) < 0.5 * np.ptp(limits)
    form.low_pass.click()
    assert layer.data is own
    assert tuple(layer.contrast_limits) == pytest.approx(limits)


def test_contrast_buttons_act_on_every_map(dock: ViewDock) -> None:
    form, layer = dock.filter_form, dock.viewer.layers["tomogram"]
    layer.contrast_limits = (-100.0, 100.0)
    form.fit.click()
    # The 0.5 and 99.5 percentiles of a normal distribution.
    assert tuple(layer.contrast_limits) == pytest.approx((-2.58, 2.58), abs=0.25)
    form.invert.click()
    assert layer.colormap.name == "gray_r"
    form.invert.click()
    assert layer.colormap.name == "gray"
