"""The Contour dock: its widgets move levels, make surfaces and colour them, or say why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QColorDialog, QPushButton, QWidget

from mapscope.viewer.contour import STEP, connect_wheel
from mapscope.viewer.contouring.color_panel import NO_COLORS, NO_SURFACE
from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.docks.contour import NO_MAP, ContourDock
from mapscope.viewer.structures.scene import structures_of
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.contouring.conftest import Bench


def levels(dock: ContourDock) -> tuple[float, ...]:
    """Where histogram, slider and number say the level is, as density."""
    panel = dock.level
    assert panel.levels is not None
    low, high = panel.levels.low, panel.levels.high
    slid = low + (high - low) * panel.slider.value() / panel.slider.maximum()
    number = panel.levels.level(panel.number.value(), panel.meaning.currentData())
    return float(panel.histogram.line.value()), slid, number


def mean(dock: ContourDock, meaning: str) -> None:
    """Choose what the number means."""
    dock.level.meaning.setCurrentIndex(dock.level.meaning.findData(meaning))


def surface_of(dock: ContourDock) -> MapSurface:
    """The surface that the dock is about."""
    assert dock.surface is not None
    return dock.surface


def make(bench: Bench) -> MapSurface:
    """Press *Surface* and wait."""
    bench.measured().surface_button.click()
    return bench.ready(surface_of(bench.dock))


def press(bench: Bench, button: QPushButton) -> None:
    """Press a button that saves, and wait until it is done."""
    button.click()
    run = bench.dock.finish.saving
    assert run is not None
    bench.qtbot.waitUntil(lambda: run.is_over, timeout=10_000)


def grey(dock: ContourDock) -> dict[str, str]:
    """Tooltips of the controls that are grey."""
    controls: dict[str, QWidget] = {
        "slider": dock.level.slider,
        "number": dock.level.number,
        "surface": dock.surface_button,
        "by": dock.colors.by,
        "range": dock.colors.range,
        "dust": dock.finish.dust,
        "save": dock.finish.save_button,
        "chimerax": dock.finish.chimerax_button,
    }
    return {name: w.toolTip() for name, w in controls.items() if not w.isEnabled()}


def test_dock_when_there_is_no_layer_is_grey_and_says_why(bench: Bench) -> None:
    found = grey(bench.dock)
    assert found["slider"] == found["number"] == found["surface"] == NO_MAP
    assert found["by"] == found["dust"] == found["save"] == found["chimerax"] == NO_SURFACE
    assert bench.dock.message.text() == NO_MAP


def test_dock_when_a_layer_that_is_no_map_is_selected_says_why(bench: Bench) -> None:
    bench.viewer.add_points(np.zeros((2, 3)), name="picks")
    assert "picks: not a map" in bench.dock.message.text()
    assert grey(bench.dock)["surface"] == NO_MAP


def test_dock_when_a_wrong_layer_is_selected_stays_with_the_map(bench: Bench, layer: Any) -> None:
    bench.viewer.add_points(np.zeros((2, 3)), name="picks", units="angstrom")
    assert bench.dock.map is layer


def test_dock_when_the_map_has_no_voxel_size_asks_once_and_goes_on(bench: Bench) -> None:
    data = np.random.default_rng(0).random((8, 8, 8), dtype=np.float32)
    foreign = bench.viewer.add_image(data, name="foreign")
    dock = bench.dock
    assert dock.voxel_row.isVisibleTo(dock)
    assert "no voxel size" in grey(dock)["surface"]
    dock.voxel_row.size.setValue(2.5)
    dock.voxel_row.button.click()
    assert not dock.voxel_row.isVisibleTo(dock)
    surface = make(bench)
    assert surface.map is foreign
    assert np.ptp(surface.layer.vertices) > 7 * 2.5 * 0.9
    assert "no voxel size" not in str(grey(dock))


def test_dock_when_the_map_is_measured_shows_its_level_everywhere(bench: Bench, layer: Any) -> None:
    layer.iso_threshold = 0.4
    dock = bench.measured()
    assert levels(dock) == pytest.approx((0.4, 0.4, 0.4), abs=1e-3)
    counts = dock.level.levels.counts  # type: ignore[union-attr]
    assert counts.sum() == pytest.approx(32**3, rel=1e-3)
    layer.iso_threshold = 0.6
    assert levels(dock) == pytest.approx((0.6, 0.6, 0.6), abs=1e-3)


def test_number_when_typed_in_any_meaning_moves_the_level(
    bench: Bench, layer: Any, volume: Volume
) -> None:
    dock = bench.measured()
    data = volume.data.astype(float)
    mean(dock, "sigma")
    dock.level.number.setValue(3.0)
    assert layer.iso_threshold == pytest.approx(data.mean() + 3 * data.std(), rel=1e-4)
    assert dock.level.number.suffix() == " σ"

    mean(dock, "volume")
    dock.level.number.setValue(20_000.0)
    count = (data > layer.iso_threshold).sum() * 1.5**3
    assert count == pytest.approx(20_000, rel=0.02)
    assert dock.level.number.suffix() == " Å³"

    mean(dock, "mass")
    assert dock.level.number.value() == pytest.approx(20_000 * 0.81 / 1000, abs=0.06)
    assert dock.level.number.suffix() == " kDa"
    level = layer.iso_threshold
    mean(dock, "value")
    assert layer.iso_threshold == level
    assert dock.level.number.value() == pytest.approx(level, rel=1e-3)


def test_slider_and_line_when_moved_take_the_map_along(bench: Bench, layer: Any) -> None:
    dock = bench.measured()
    dock.level.slider.setValue(3000)
    wanted = levels(dock)[1]
    assert layer.iso_threshold == pytest.approx(wanted, abs=1e-4)
    dock.level.histogram.line.setValue(0.7)
    dock.level.histogram.line.sigDragged.emit(dock.level.histogram.line)
    assert layer.iso_threshold == pytest.approx(0.7)
    assert levels(dock) == pytest.approx((0.7, 0.7, 0.7), abs=1e-3)


def test_slider_when_released_in_3d_makes_the_first_surface_unless_told_not_to(
    bench: Bench, layer: Any
) -> None:
    dock = bench.measured()
    dock.level.slider.sliderReleased.emit()
    assert bench.contours.surfaces == []
    bench.viewer.dims.ndisplay = 3
    dock.automatic.setChecked(False)
    dock.level.slider.sliderReleased.emit()
    assert bench.contours.surfaces == []
    dock.automatic.setChecked(True)
    dock.level.slider.sliderReleased.emit()
    assert bench.ready(surface_of(dock)).layer.visible
    assert not layer.visible


@pytest.mark.parametrize("of_surface", [False, True])
def test_wheel_with_shift_when_turned_tells_the_dock_and_the_surface(
    bench: Bench, layer: Any, of_surface: bool
) -> None:
    from types import SimpleNamespace

    from napari.utils.interactions import mouse_wheel_callbacks

    bench.viewer.dims.ndisplay = 3
    connect_wheel(bench.viewer)
    surface = make(bench)
    if of_surface:
        bench.viewer.layers.selection.active = surface.layer
    low, high = layer.contrast_limits
    before = layer.iso_threshold
    event = SimpleNamespace(
        type="mouse_wheel", modifiers=("Shift",), delta=(0.0, -2.0), handled=False
    )
    mouse_wheel_callbacks(bench.viewer, event)
    wanted = before - 2 * STEP * (high - low)
    assert levels(bench.dock) == pytest.approx((wanted,) * 3, abs=1e-3)

    def follows() -> bool:
        return surface.made is not None and surface.made.order.level == pytest.approx(wanted)

    bench.qtbot.waitUntil(follows, timeout=5000)


def test_rows_when_used_change_their_surface(
    bench: Bench, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.viewer.dims.ndisplay = 3
    first = make(bench)
    bench.dock.add_button.click()
    second = bench.ready(surface_of(bench.dock))
    rows = bench.dock.rows.rows
    assert [row.surface for row in rows] == [first, second]
    assert bench.dock.rows.currentRow() == 1

    rows[0].eye.setChecked(False)
    assert (first.layer.visible, second.layer.visible) == (False, True)
    rows[0].opacity.setValue(40)
    assert first.layer.opacity == pytest.approx(0.4)
    rows[0].wires.setChecked(True)
    assert first.layer.wireframe.visible
    from qtpy.QtGui import QColor

    monkeypatch.setattr(QColorDialog, "getColor", staticmethod(lambda *_: QColor("#12aa56")))
    rows[0].swatch.click()
    shown = first.layer.colormap.map(np.array([1.0]))[0][:3]
    assert shown == pytest.approx(np.array([0x12, 0xAA, 0x56]) / 255, abs=1e-3)

    bench.dock.rows.setCurrentRow(0)
    assert bench.contours.current(layer) is first
    rows[1].close_button.click()
    assert bench.contours.surfaces == [first]
    assert [row.surface for row in bench.dock.rows.rows] == [first]
    assert second.layer not in bench.viewer.layers


def test_row_when_it_belongs_to_another_map_takes_the_dock_there(bench: Bench, layer: Any) -> None:
    first = make(bench)
    other = bench.add(Volume(layer.data[::2], (3.0, 1.5, 1.5), (0, 0, 50)), "other grid")
    bench.qtbot.waitUntil(lambda: bench.dock.map is other, timeout=1000)
    second = make(bench)
    assert second.map is other
    bench.dock.rows.setCurrentRow(0)
    assert bench.dock.map is layer
    assert bench.viewer.layers.selection.active is layer
    bench.viewer.layers.selection.active = second.layer
    assert bench.dock.map is other
    assert surface_of(bench.dock) is second
    assert first.map is layer


def test_colours_when_chosen_in_the_panel_show_the_second_map(
    bench: Bench, layer: Any, second: Volume
) -> None:
    bench.viewer.dims.ndisplay = 3
    other = bench.add(second, "bundle · local resolution", "local_resolution")
    bench.viewer.layers.selection.active = layer
    surface, panel = make(bench), bench.dock.colors
    assert grey(bench.dock)["range"] == NO_COLORS

    panel.by.setCurrentIndex(panel.by.findData("map"))
    panel.by.activated.emit(panel.by.currentIndex())
    bench.ready(surface)
    assert panel.source.layer is other
    assert surface.coloring.source_name == other.name
    assert "range" not in grey(bench.dock)
    assert panel.caption.text() == "local resolution (Å)"
    assert surface.made is not None
    assert (panel.low.value(), panel.high.value()) == pytest.approx(surface.made.limits, abs=0.01)
    assert panel.range.value() == pytest.approx(surface.made.limits, abs=0.01)

    low, high = surface.made.limits
    panel.high.setValue(high - 1)
    assert surface.layer.contrast_limits[1] == pytest.approx(high - 1, abs=0.01)
    panel.range.setValue((low + 1, high - 2))
    assert tuple(surface.layer.contrast_limits) == pytest.approx((low + 1, high - 2), abs=0.1)
    panel.fit_button.click()
    assert tuple(surface.layer.contrast_limits) == pytest.approx(surface.made.limits)
    panel.colormap.setCurrentText("viridis")
    panel.colormap.textActivated.emit("viridis")
    assert surface.layer.colormap.name == "viridis"
    panel.inverted.click()
    assert surface.coloring.is_inverted
    panel.caption.setText("resolution (Å)")
    panel.caption.editingFinished.emit()
    assert bench.contours.workshop.bars.captions() == ["resolution (Å)"]
    panel.has_bar.click()
    assert bench.contours.workshop.bars.captions() == []


def test_colours_when_there_is_no_second_map_take_the_map_itself(bench: Bench, layer: Any) -> None:
    surface, panel = make(bench), bench.dock.colors
    panel.by.setCurrentIndex(panel.by.findData("map"))
    panel.by.activated.emit(panel.by.currentIndex())
    bench.ready(surface)
    assert panel.source.layer is layer
    np.testing.assert_allclose(surface.layer.vertex_values, surface.level, atol=1e-5)


def test_dust_when_typed_is_hidden(bench: Bench, layer: Any) -> None:
    surface = make(bench)
    bench.dock.finish.dust.setValue(500)
    bench.ready(surface)
    assert surface.smallest == 500
    assert surface.made is None
    assert "smaller than the dust" in bench.dock.message.text()
    assert "no surface at this level" in grey(bench.dock)["save"]


def test_surface_when_saved_is_a_mesh_in_its_place(
    bench: Bench, layer: Any, second: Volume, tmp_path: Path, answer_dialog: Callable[[Path], None]
) -> None:
    surface = make(bench)
    bench.contours.color_by(surface, bench.add(second))
    bench.ready(surface)
    bench.viewer.layers.selection.active = layer
    answer_dialog(tmp_path / "it.ply")
    press(bench, bench.dock.finish.save_button)
    assert "Saved it.ply" in bench.dock.message.text()
    content = (tmp_path / "it.ply").read_bytes()
    head, body = content.split(b"end_header\n", 1)
    assert f"element vertex {len(surface.layer.vertices)}".encode() in head
    assert np.frombuffer(body[:12], "<f4") == pytest.approx(surface.layer.vertices[0][::-1])
    assert b"quality" in head

    answer_dialog(tmp_path / "it.png")
    press(bench, bench.dock.finish.save_button)
    assert "it.png" in bench.dock.message.text()
    assert ".ply" in bench.dock.message.text()
    answer_dialog(tmp_path / "missing" / "it.ply")
    press(bench, bench.dock.finish.save_button)
    assert "missing" in bench.dock.message.text()


def test_surfaces_when_saved_for_chimerax_look_as_they_do_here(
    bench: Bench, layer: Any, second: Volume, tmp_path: Path, answer_dialog: Callable[[Path], None]
) -> None:
    first = bench.show(layer, 0.5)
    bench.contours.color_by(first, bench.add(second, "locres", "local_resolution"))
    bench.viewer.layers.selection.active = layer
    plain = bench.ready(bench.contours.add(layer, 0.2))
    assert plain.layer is not None
    plain.layer.opacity = 0.5
    bench.ready(first)
    answer_dialog(tmp_path / "it.cxc")
    press(bench, bench.dock.finish.chimerax_button)
    assert "Saved it.cxc" in bench.dock.message.text()
    script = (tmp_path / "it.cxc").read_text()
    assert "level 0.5" in script
    assert "level 0.2" in script
    assert "color sample #1 map" in script
    assert "local resolution (Å)" in script
    low, high = first.layer.contrast_limits
    assert f"range {low!r},{high!r}" in script


def test_dock_when_its_map_is_deleted_turns_to_the_next_or_says_so(
    bench: Bench, layer: Any, second: Volume
) -> None:
    other = bench.add(second, "other")
    bench.viewer.layers.selection.active = layer
    make(bench)
    bench.viewer.layers.remove(layer)
    assert bench.dock.map is other
    assert grey(bench.dock)["save"] == NO_SURFACE
    bench.viewer.layers.remove(other)
    assert bench.dock.map is None
    assert grey(bench.dock)["slider"] == NO_MAP
    assert bench.dock.rows.rows == []


def test_dock_when_closed_no_longer_listens(bench: Bench, layer: Any, second: Volume) -> None:
    viewer = bench.viewer
    structures_of(viewer)  # the viewer's, not the dock's
    emitters = [viewer.layers.events.inserted, viewer.layers.events.removed, viewer.events.theme]
    emitters.append(viewer.layers.selection.events.active)
    before = [len(emitter.callbacks) for emitter in emitters]
    dock = ContourDock(viewer)
    listening = [len(emitter.callbacks) for emitter in emitters]
    assert all(n > m for n, m in zip(listening, before, strict=True))
    other = bench.add(second)
    dock.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    with bench.qtbot.waitSignal(dock.destroyed, timeout=2000):
        dock.close()
    assert [len(emitter.callbacks) for emitter in emitters] == before
    other.iso_threshold = 12.0
    layer.iso_threshold = 0.3
    viewer.layers.selection.active = layer
    viewer.layers.remove(other)
    bench.show(layer, 0.4)
    bench.qtbot.wait(20)


def test_docks_of_two_viewers_keep_their_surfaces_apart(bench: Bench, layer: Any) -> None:
    make(bench)
    other = ContourDock(ViewerModel())
    bench.qtbot.addWidget(other)
    assert other.contours.surfaces == []
    assert other.rows.rows == []


def test_dock_when_narrow_needs_no_more_than_its_column(bench: Bench, layer: Any) -> None:
    make(bench)
    column = bench.dock.findChild(QWidget, "column")
    assert column is not None
    assert column.minimumSizeHint().width() <= 400
