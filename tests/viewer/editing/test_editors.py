"""What is done in a layer is in its log, what is undone there is gone in the layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import thread_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mapscope.edits import EditLog, regions
from mapscope.errors import InputError, MapscopeError
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.record import Source, source_of
from mapscope.viewer.layers import noun_from_layer, reason_against
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.editing.conftest import Bench

Random = np.random.Generator
LONGEST_FRAME = 0.100
TRIES = 3


def add_points(layer: Any, random: Random) -> None:
    layer.add(random.random((int(random.integers(1, 4)), 3)) * 20)


def remove_points(layer: Any, random: Random) -> None:
    count = min(len(layer.data), int(random.integers(1, 4)))
    layer.selected_data = set(random.choice(len(layer.data), count, replace=False).tolist())
    layer.remove_selected()


def move_points(layer: Any, random: Random) -> None:
    layer.data = layer.data + random.normal(size=3) * (random.random((len(layer.data), 1)) < 0.5)


def replace_points(layer: Any, random: Random) -> None:
    layer.data = random.random((int(random.integers(1, 9)), 3)) * 20


def name_points(layer: Any, random: Random) -> None:
    if len(layer.data):
        layer.selected_data = {int(random.integers(len(layer.data)))}
        values = {"score": [random.random()], "species": ["new"], "tilt": [int(random.integers(9))]}
        layer.current_properties = {k: np.array(v) for k, v in values.items()}


def paste_points(layer: Any, random: Random) -> None:
    if len(layer.data) and layer._slice_input.ndisplay == 3:  # in slices napari 0.9.2 cannot
        layer.selected_data = {int(random.integers(len(layer.data)))}
        layer._copy_data()
        layer._paste_data()


def dab(layer: Any, random: Random) -> None:
    layer.n_edit_dimensions = int(random.integers(2, 4))
    layer.brush_size = int(random.integers(1, 6))
    layer.paint(tuple(random.integers(0, layer.data.shape)), int(random.integers(0, 6)))


def stroke(layer: Any, random: Random) -> None:
    start = random.integers(0, layer.data.shape)
    with layer.block_history():
        for n in range(5):
            at = np.minimum(start + np.array([0, n, n]), np.array(layer.data.shape) - 1)
            layer.paint(tuple(at), 4)


def fill(layer: Any, random: Random) -> None:
    layer.n_edit_dimensions = 3
    layer.fill(tuple(random.integers(0, layer.data.shape)), int(random.integers(1, 6)))


def set_voxels(layer: Any, random: Random) -> None:
    index = tuple(random.integers(0, n, 7) for n in layer.data.shape)
    layer.data_setitem(index, int(random.integers(0, 6)))


POINT_EDITS = (add_points, remove_points, move_points, replace_points, name_points, paste_points)
LABEL_EDITS = (dab, stroke, fill, set_voxels)


def content(bench: Bench) -> list[str]:
    return [log.snapshot().checksum() for log in bench.editing.session.logs]


@pytest.mark.parametrize(("ndisplay", "edits"), [(2, 30), (3, 10)])
def test_random_edits_in_layers_are_in_their_logs_and_undone_exactly(
    bench: Bench, labels: Labels, ndisplay: int, edits: int
) -> None:
    random = np.random.default_rng(ndisplay)
    layers = [bench.add_points(), bench.add(labels, "regions", "labels")]
    for layer in layers:
        bench.editing.adopt(layer)
    bench.viewer.dims.ndisplay = ndisplay
    states = [content(bench)]
    while len(states) < edits:
        which = int(random.integers(2))
        kinds: Any = (POINT_EDITS, LABEL_EDITS)[which]
        kinds[int(random.integers(len(kinds)))](layers[which], random)
        bench.check()
        if content(bench) != states[-1]:
            states.append(content(bench))
        if random.random() < 0.2:
            for _ in range(int(random.integers(1, 4))):
                if len(states) > 1:
                    bench.editing.undo()
                    states.pop()
                    bench.check()
                    assert content(bench) == states[-1]
    for state in reversed(states[:-1]):
        bench.editing.undo()
        assert content(bench) == state
    bench.check()
    for state in states[1:]:
        bench.editing.redo()
        assert content(bench) == state
    bench.check()
    paths = [log.path for log in bench.editing.session.logs]
    bench.editing.close()
    again = [EditLog.open(path).snapshot().checksum() for path in paths]
    assert again == states[-1]


def test_stroke_is_one_edit_and_one_undo(bench: Bench, labels: Labels) -> None:
    layer = bench.add(labels, "regions", "labels")
    editor = bench.editing.adopt(layer)
    before = layer.data.copy()
    stroke(layer, np.random.default_rng(0))
    assert len(editor.log.done) == 1
    bench.editing.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_label_painted_beside_those_with_colours_of_their_own_can_be_seen(
    bench: Bench, labels: Labels
) -> None:
    layer = bench.add(replace(labels, colors={1: (0.2, 0.4, 0.6)}), "classes", "labels")
    bench.editing.adopt(layer)
    layer.paint((0, 0, 0), 6)
    np.testing.assert_allclose(layer.get_color(1), (0.2, 0.4, 0.6, 1), atol=1e-6)
    assert layer.get_color(6)[3] == 1
    assert not np.allclose(layer.get_color(6), layer.get_color(99))


def test_point_added_by_hand_has_no_score_and_undo_brings_looks_back(bench: Bench) -> None:
    layer = bench.add_points(face_color="red")
    bench.editing.adopt(layer)
    layer.selected_data = {1}  # napari gives the values of what is selected to what is added
    layer.add([[1, 2, 3]])
    noun = noun_from_layer(layer)
    assert np.isnan(noun.score[-1])
    assert not np.isnan(noun.score[:-1]).any()
    layer.size = np.arange(1.0, 8.0)
    layer.face_color = np.linspace(0, 1, 28).reshape(7, 4)
    colors, sizes = layer.face_color[[2, 4]].copy(), layer.size[[2, 4]].copy()
    layer.remove([2, 4])
    bench.editing.undo()
    np.testing.assert_allclose(layer.face_color[-2:], colors)
    np.testing.assert_allclose(layer.size[-2:], sizes)
    bench.check()


def test_points_coloured_by_score_when_undone_have_the_colour_of_their_score(
    bench: Bench,
) -> None:
    layer = bench.add_points(face_color="score", face_contrast_limits=(0, 1))
    bench.editing.adopt(layer)
    before = layer.face_color.copy()
    layer.remove([0])
    bench.editing.undo()
    np.testing.assert_allclose(layer.face_color, np.roll(before, -1, axis=0), atol=1e-6)


def test_column_when_added_to_the_table_is_kept_and_undone(bench: Bench) -> None:
    layer = bench.add_points()
    bench.editing.adopt(layer)
    layer.features = layer.features.assign(note="ice", good=True)
    noun = noun_from_layer(layer)
    assert noun.columns["note"].tolist() == ["ice"] * 6
    assert noun.columns["good"].dtype == bool
    bench.editing.undo()
    assert set(layer.features) == {"score", "species", "tilt"}
    bench.editing.redo()
    assert layer.features["note"].tolist() == ["ice"] * 6


def test_noun_of_a_layer_under_edit_is_the_snapshot_of_its_log(
    bench: Bench, labels: Labels
) -> None:
    layer = bench.add(labels, "regions", "labels")
    assert noun_from_layer(layer) is labels
    editor = bench.editing.adopt(layer)
    layer.data_setitem(tuple(np.array([[0], [0], [0]])), 9)
    noun = noun_from_layer(layer)
    assert noun is editor.log.snapshot()
    assert isinstance(noun, Labels)
    assert (noun.data[0, 0, 0], labels.data[0, 0, 0]) == (9, 0)
    assert noun.names == {1: "one"}
    assert source_of(noun) == Source(edits=str(editor.log.path), sequence=1)
    layer.translate = (0, 0, 99)
    assert "since its edits began" in reason_against(layer)
    with pytest.raises(InputError, match="since its edits began"):
        noun_from_layer(layer)


def test_copy_of_a_layer_under_edit_is_not_under_edit(bench: Bench, labels: Labels) -> None:
    from napari.layers import Layer

    layer = bench.add(labels, "regions", "labels")
    editor = bench.editing.adopt(layer)
    data, state, kind = layer.as_layer_data_tuple()
    copy = Layer.create(np.array(data), state, kind)
    copy.data_setitem(tuple(np.array([[0], [0], [0]])), 9)
    assert editor.log.sequence == 0
    assert noun_from_layer(copy).data[0, 0, 0] == 9


def test_labels_given_data_of_another_size_go_back_and_say_so(bench: Bench, labels: Labels) -> None:
    layer = bench.add(labels, "regions", "labels")
    bench.editing.adopt(layer)
    with pytest.raises(MapscopeError, match="keep their size"):
        layer.data = np.zeros((3, 4, 5), dtype=np.int16)
    bench.check()
    layer.data = np.array(layer.data, dtype=np.int32) + 1
    bench.check()
    bench.editing.undo()
    bench.check()


def test_region_number_when_large_is_held(bench: Bench, labels: Labels) -> None:
    layer = bench.add(labels, "regions", "labels")
    editor = bench.editing.adopt(layer)
    bench.editing.do(editor.log, regions.renumbered(editor.log.labels, 1, 70_000))
    bench.check()
    assert (layer.data == 70_000).sum() == 64
    bench.editing.undo()
    bench.check()


def test_layer_deleted_in_the_midst_of_edits_keeps_them_and_undo_passes_it_over(
    bench: Bench, labels: Labels
) -> None:
    points, other = bench.add_points(), bench.add(labels, "regions", "labels")
    bench.editing.adopt(points)
    bench.editing.adopt(other)
    points.add([[1, 1, 1]])
    other.paint((1, 1, 1), 5)
    path = bench.editing.session.logs[1].path
    bench.viewer.layers.remove(other)
    bench.editing.undo()
    assert len(points.data) == 6
    again = bench.editing.open_log(path)
    assert again.layer.data[1, 1, 1] == 5
    bench.editing.undo()
    assert again.layer.data[1, 1, 1] == labels.data[1, 1, 1]
    other.paint((1, 1, 1), 7)  # what was let go of is nobody's view
    assert again.log.labels.data.max() == 3


def test_undo_during_a_drag_waits(bench: Bench) -> None:
    layer = bench.add_points()
    editor = bench.editing.adopt(layer)
    layer.add([[1, 1, 1]])
    layer.events.data(value=layer.data, action="changing", data_indices=(0,), vertex_indices=((),))
    bench.editing.undo()
    assert len(layer.data) == 7
    assert "Let go of the mouse" in bench.said[-1]
    with layer.events.data.blocker():
        layer._move({0}, (1.0, 2.0, 3.0))
    layer._move({0}, (1.0, 5.0, 7.0))
    assert [edit.op for edit in editor.log.done] == ["add", "set"]
    bench.editing.undo()
    bench.editing.undo()
    bench.check()
    assert len(layer.data) == 6


def timed(call: Callable[[], Any]) -> float:
    """Time in s that the window's thread works on a call, whoever else is busy meanwhile."""
    started = thread_time()
    call()
    return thread_time() - started


@pytest.mark.parametrize("ndisplay", [2, 3])
def test_edit_of_twenty_thousand_points_never_blocks_the_window(
    shown_bench: Bench, volume: Volume, ndisplay: int
) -> None:
    bench = shown_bench
    bench.add(volume, "map")
    layer = bench.add_points(20_000)
    bench.editing.adopt(layer)
    bench.viewer.dims.ndisplay = ndisplay
    bench.qtbot.wait(50)
    layer._move({5}, (3.0, 4.0, 5.0))
    row = {"score": np.array([0.5]), "species": np.array(["x"]), "tilt": np.array([3])}
    layer.selected_data = {9}
    edits: dict[str, Callable[[], Any]] = {
        "add": lambda: layer.add([[1, 2, 3]]),
        "move": lambda: layer._move({5}, (1.0, 2.0, 3.0)),
        "name": lambda: setattr(layer, "current_properties", row),
        "remove": lambda: layer.remove([17]),
    }
    longest = {}
    for name, edit in edits.items():
        tries = []
        for _ in range(TRIES):
            parts = [timed(edit), timed(bench.editing.undo), timed(bench.editing.redo)]
            bench.editing.undo()
            tries.append(parts)
        longest[name] = [min(part) for part in zip(*tries, strict=True)]
    told = {n: [round(1e3 * s) for s in times] for n, times in longest.items()}
    print(f"{ndisplay}D, 20,000 points, edit/undo/redo in ms of the window's thread: {told}")
    bench.check()
    assert max(s for times in longest.values() for s in times) <= LONGEST_FRAME


def test_new_points_and_labels_take_the_place_of_the_map(bench: Bench, volume: Volume) -> None:
    other = Volume(np.zeros((4, 5, 6), np.float32), (3.0,) * 3, (9.0,) * 3)
    maps = [bench.add(volume, "a"), bench.add(other, "b")]
    for layer, noun in zip(maps, (volume, other), strict=True):
        editor = bench.editing.new_labels(layer)
        labels = editor.snapshot()
        assert isinstance(labels, Labels)
        assert labels.grid.matches(noun.grid)
        assert editor.layer.mode == "paint"
        assert np.allclose(editor.layer.scale, noun.voxel_size)
    editor = bench.editing.new_points(maps[0])
    editor.layer.add([[1.0, 2.0, 3.0]])
    points = editor.snapshot()
    assert isinstance(points, Particles)
    assert points.positions.tolist() == [[1.0, 2.0, 3.0]]
    assert points.species == ("",)
