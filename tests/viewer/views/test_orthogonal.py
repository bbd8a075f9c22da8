"""Three planes through one position, linked with the main view both ways."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from tests.viewer.views.conftest import add, add_foreign

from mapscope.viewer.views.orthogonal import OrthogonalViews
from mapscope.viewer.views.slab import Slab
from mapscope.volume import Volume


def shown(qtbot: QtBot, viewer: Any) -> OrthogonalViews:
    """The planes of a viewer, drawn."""
    views = OrthogonalViews(viewer)
    qtbot.addWidget(views)
    settle(qtbot, views)
    return views


def settle(qtbot: QtBot, views: OrthogonalViews) -> None:
    """Wait until all that was asked for is drawn."""
    qtbot.waitUntil(
        lambda: (
            not views._timer.isActive()
            and not views._unread
            and (views._run is None or views._run.is_over)
        ),
        timeout=5000,
    )


def test_panels_show_the_planes_through_the_position_in_their_places(
    model: ViewerModel, fine: Volume, qtbot: QtBot
) -> None:
    views = shown(qtbot, model)
    model.dims.point = (29.0, 21.0, 39.0)
    settle(qtbot, views)
    layer = model.layers["fine"]
    index = (13, 10, 20)
    for axis, panel in enumerate(views.panels):
        image = panel.images[layer]
        np.testing.assert_array_equal(image.image, np.take(fine.data, index[axis], axis))
        box = image.mapRectToView(image.boundingRect())
        row, column = panel.row, panel.column
        assert (box.left(), box.top()) == pytest.approx(
            (fine.origin[column] - 1.0, fine.origin[row] - 1.0)
        )
        assert (box.width(), box.height()) == pytest.approx(
            (2.0 * fine.shape[column], 2.0 * fine.shape[row])
        )
        assert tuple(image.levels) == pytest.approx(tuple(layer.contrast_limits))
    assert views.panels[1].plotItem.titleLabel.text == "xz at y = 21.0 Å"


def test_panels_when_a_line_is_dragged_then_the_main_view_follows(
    model: ViewerModel, qtbot: QtBot
) -> None:
    views = shown(qtbot, model)
    line = views.panels[0].lines[2]
    line.setValue(44.0)
    line.sigDragged.emit(line)
    assert model.dims.point[2] == pytest.approx(44.0, abs=1.0)
    settle(qtbot, views)
    assert views.panels[1].lines[2].value() == model.dims.point[2]
    assert "x = 4" in views.panels[2].plotItem.titleLabel.text


def test_panels_when_the_main_view_moves_then_only_the_plane_across_that_axis_is_read(
    model: ViewerModel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = shown(qtbot, model)
    drawn: list[int] = []
    for panel in views.panels:
        monkeypatch.setattr(panel, "show_plane", lambda *_, axis=panel.axis: drawn.append(axis))
    model.dims.set_point(0, model.dims.point[0] + 7.0)
    settle(qtbot, views)
    assert drawn == [0, 0]  # of both maps


def test_panels_when_colours_change_then_they_follow_without_reading(
    model: ViewerModel, qtbot: QtBot
) -> None:
    views = shown(qtbot, model)
    layer = model.layers["coarse"]
    layer.contrast_limits, layer.colormap, layer.opacity = (0.0, 5.0), "red", 0.5
    image = views.panels[0].images[layer]
    assert tuple(image.levels) == (0.0, 5.0)
    assert image.lut[-1].tolist() == [255, 0, 0, 255]
    assert image.opacity() == 0.5


def test_panels_when_layers_come_go_and_hide_then_they_follow(
    model: ViewerModel, fine: Volume, qtbot: QtBot
) -> None:
    views = shown(qtbot, model)
    model.layers["coarse"].visible = False
    settle(qtbot, views)
    assert list(views.panels[0].images) == [model.layers["fine"]]
    late = add(model, fine, "late")
    model.layers["coarse"].visible = True
    foreign = add_foreign(model)
    model.add_image(np.zeros((5, 6)), name="flat")
    settle(qtbot, views)
    assert set(views.panels[2].images) == {*model.layers[:2], late, foreign}
    model.layers.clear()
    settle(qtbot, views)
    assert not views.panels[0].images
    assert views.empty.isVisibleTo(views)


def test_panels_when_data_are_replaced_or_painted_then_they_show_it(
    model: ViewerModel, qtbot: QtBot
) -> None:
    views = shown(qtbot, model)
    layer = model.layers["fine"]
    layer.data = layer.data + 1
    labels = model.add_labels(
        np.zeros((32, 30, 40), dtype=np.int32), scale=(2,) * 3, units="angstrom"
    )
    settle(qtbot, views)
    assert views.panels[0].images[layer].image.min() >= 1
    assert views.panels[0].images[labels].image.max() == 0
    labels.data_setitem(np.where(labels.data == 0), 3)
    settle(qtbot, views)
    color = views.panels[0].images[labels].image[0, 0] / 255
    assert color == pytest.approx(labels.get_color(3), abs=0.01)


def test_panels_show_the_points_in_the_slab_or_near_the_plane(
    model: ViewerModel, qtbot: QtBot
) -> None:
    points = model.add_points(
        [[33, 10, 20], [35, 12, 22], [45, 14, 24]], size=6, units="angstrom", face_color="red"
    )
    views = shown(qtbot, model)
    model.dims.point = (33.0, 30.0, 39.0)
    settle(qtbot, views)
    dots = views.panels[0].dots
    assert sorted(zip(*(axis.tolist() for axis in dots.getData()), strict=True)) == [
        (20, 10),
        (22, 12),
    ]
    # The second is cut 2 Å from its centre.
    assert sorted(dots.data["size"]) == pytest.approx([2 * np.sqrt(5), 6])
    Slab(model).show(26.0)
    settle(qtbot, views)
    assert len(dots.getData()[0]) == 3
    points.visible = False
    settle(qtbot, views)
    assert len(dots.getData()[0]) == 0


def test_panels_of_a_map_on_disk_are_read_beside_the_window_and_the_newest_wins(
    fine: Volume, qtbot: QtBot, tmp_path: Any
) -> None:
    np.save(tmp_path / "map.npy", fine.data)
    model = ViewerModel()
    mapped = np.load(tmp_path / "map.npy", mmap_mode="r")
    layer = model.add_image(mapped, scale=(2,) * 3, units="angstrom")
    views = shown(qtbot, model)
    for position in (10.0, 20.0, 30.0, 40.0):
        model.dims.set_point(0, position)
        qtbot.wait(2)
    settle(qtbot, views)
    qtbot.waitUntil(
        lambda: np.array_equal(views.panels[0].images[layer].image, fine.data[20]), timeout=5000
    )


def test_panel_when_clicked_then_the_position_goes_there(model: ViewerModel, qtbot: QtBot) -> None:
    views = shown(qtbot, model)
    views.resize(900, 300)
    views.show()
    qtbot.waitExposed(views)
    model.dims.point = (33.0, 10.0, 10.0)
    qtbot.wait(100)
    panel = views.panels[0]
    box = panel.getPlotItem().getViewBox()
    wanted = box.viewRect().center()
    where = panel.mapFromScene(box.mapViewToScene(wanted))
    button: Any = Qt.MouseButton.LeftButton
    qtbot.mouseClick(panel.viewport(), button, pos=where)  # type: ignore[no-untyped-call]
    pixel = box.viewRect().width() / panel.width()
    # napari puts the position on a voxel.
    assert model.dims.point[2] == pytest.approx(wanted.x(), abs=1.0 + 2 * pixel)
    assert model.dims.point[1] == pytest.approx(wanted.y(), abs=1.0 + 2 * pixel)


def test_panels_when_closed_then_the_viewer_goes_on_without_them(
    model: ViewerModel, qtbot: QtBot
) -> None:
    views = OrthogonalViews(model)
    settle(qtbot, views)
    views.deleteLater()
    qtbot.wait(20)
    model.dims.set_point(0, 20.0)
    model.layers["fine"].contrast_limits = (0.1, 0.4)
    model.layers.clear()


@pytest.mark.slow
def test_panels_of_256_voxels_are_drawn_within_a_frame(qtbot: QtBot) -> None:
    data = np.random.default_rng(0).random((256,) * 3, dtype=np.float32)
    model = ViewerModel()
    add(model, Volume(data, (1.1,) * 3), "map")
    views = shown(qtbot, model)
    times = []
    for step in range(8):
        model.dims.point = tuple(40.0 + 11 * step + n for n in range(3))
        started = perf_counter()
        views._draw()
        times.append(perf_counter() - started)
    assert min(times) < 0.15
