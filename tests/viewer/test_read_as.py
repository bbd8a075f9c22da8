"""How a file is read can be seen and changed in the Info dock; crystals cover their models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.layers
import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox, QSpinBox

from mapscope.files import read, write
from mapscope.labels import Labels
from mapscope.record import source_of
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.viewer import reader, reread
from mapscope.viewer.docks.read_as import EDITED, NO_MODEL
from mapscope.viewer.layers import noun_from_layer, tag_of
from mapscope.viewer.window import open_path
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

CELL = (30.0, 24.0, 36.0, 90.0, 104.0, 90.0)
FIRST, SECOND = "FWT,PHWT", "DELFWT,PHDELWT"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the reader says in notifications."""
    said: list[str] = []
    for module in (reader, reread):
        monkeypatch.setattr(module, "show_info", said.append)
    return said


def editors(desk: Desk, layer: Any) -> dict[str, Any]:
    """Select a layer and wait for what its file offers."""
    rows = desk.docks["Info"].read_as
    desk.viewer.layers.selection.active = layer
    desk.qtbot.waitUntil(lambda: rows._noun in rows._offers, timeout=10_000)
    found: dict[str, Any] = rows.editors
    return found


def choose(desk: Desk, name: str, value: Any) -> None:
    """Choose as a person does, and wait until the file was read and its choices are there."""
    rows = desk.docks["Info"].read_as
    editor = rows.editors[name]
    with desk.qtbot.waitSignal(rows.done, timeout=10_000):
        if isinstance(editor, QSpinBox):
            editor.setValue(value)
        else:
            place = editor.findData(value)
            editor.setCurrentIndex(place)
            editor.activated.emit(place)
    desk.qtbot.waitUntil(lambda: rows._noun in rows._offers, timeout=10_000)


def values(editor: QComboBox) -> list[Any]:
    return [editor.itemData(n) for n in range(editor.count())]


def test_columns_when_changed_then_the_same_layer_shows_the_other_map(
    desk: Desk, reflections_file: Path
) -> None:
    (layer,) = desk.open(reflections_file)
    layer.colormap, layer.opacity, layer.name = "magenta", 0.5, "mine"
    limits = np.array(layer.contrast_limits)
    columns = editors(desk, layer)["columns"]
    assert values(columns) == [FIRST, SECOND]
    assert (columns.currentData(), columns.isEnabled()) == (FIRST, True)
    assert not desk.docks["Info"].read_as.isHidden()
    choose(desk, "columns", SECOND)
    expected = read(reflections_file, columns=SECOND)
    assert list(desk.viewer.layers) == [layer]
    np.testing.assert_array_equal(layer.data, expected.data)
    np.testing.assert_allclose(layer.contrast_limits, 2 * limits, rtol=1e-3)
    assert (layer.colormap.name, layer.opacity, layer.name) == ("magenta", 0.5, "mine")
    noun = noun_from_layer(layer)
    assert source_of(noun).options == {"columns": SECOND}
    tag = tag_of(layer)
    assert tag is not None
    assert noun is tag.noun
    assert desk.docks["Info"].read_as.editors["columns"].currentData() == SECOND
    assert "DELFWT" in desk.docks["Info"].text.toPlainText()
    choose(desk, "columns", FIRST)
    np.testing.assert_array_equal(layer.data, read(reflections_file).data)


def test_job_when_run_on_a_map_read_with_options_then_its_command_names_them(
    desk: Desk, reflections_file: Path
) -> None:
    (layer,) = desk.open(reflections_file)
    editors(desk, layer)
    choose(desk, "columns", SECOND)
    form = desk.form("filter_map")
    form.settings["low_pass"].value = 8.0
    entry = desk.run_well(form)
    assert entry.record is not None
    assert entry.record.inputs[0].addresses == (f"{reflections_file.resolve()}?columns={SECOND}",)
    assert desk.docks["History"].command_button.isEnabled()


def test_stack_when_opened_then_its_first_volume_is_shown_and_others_can_be(
    desk: Desk, tmp_path: Path, told: list[str]
) -> None:
    maps = np.random.default_rng(0).standard_normal((24, 10, 12)).astype(np.float32)
    path = write(tmp_path / "stack.mrc", Volume(maps, (1.5,) * 3))
    raw = bytearray(path.read_bytes())
    raw[36:40], raw[88:92] = (np.array(n, "<i4").tobytes() for n in (8, 401))
    raw[48:52] = np.array(12, "<f4").tobytes()
    path.write_bytes(raw)
    (layer,) = desk.open(path)
    np.testing.assert_array_equal(layer.data, maps[:8])
    assert "stack of 3 volumes, the first of which is shown" in told[0]
    layer.iso_threshold = 1.25
    layer.contrast_limits = (-2.5, 2.5)
    index = editors(desk, layer)["index"]
    assert (index.minimum(), index.maximum(), index.value()) == (0, 2, 0)
    choose(desk, "index", 2)
    np.testing.assert_array_equal(layer.data, maps[16:])
    assert (layer.iso_threshold, layer.contrast_limits) == (1.25, [-2.5, 2.5])
    assert source_of(noun_from_layer(layer)).options == {"index": 2}
    assert list(desk.viewer.layers) == [layer]


def test_assembly_when_chosen_then_atoms_and_backbone_are_replaced_in_place(
    desk: Desk, volume: Volume, model_with_assembly: Path
) -> None:
    desk.add(volume, "below")
    atoms, backbone = desk.open(model_with_assembly)
    desk.add(volume, "above")
    atoms.visible, atoms.opacity = False, 0.4
    assembly = editors(desk, atoms)["assembly"]
    assert [assembly.itemText(n) for n in range(2)] == ["as deposited", "1"]
    names = desk.names()
    choose(desk, "assembly", "1")
    assert desk.names() == names
    new = desk.viewer.layers[1]
    assert len(new.data) == 2 * len(atoms.data)
    assert (new.visible, new.opacity) == (False, 0.4)
    assert desk.viewer.layers.selection.active is new
    assert backbone not in desk.viewer.layers
    noun = noun_from_layer(new)
    assert noun is noun_from_layer(desk.viewer.layers[2])
    assert source_of(noun).options == {"assembly": "1"}


@pytest.fixture
def model_with_assembly(tmp_path: Path) -> Path:
    """The example's atoms and an assembly of two copies."""
    import gemmi

    model = example_noun(Structure).model.clone()
    assembly, generator = gemmi.Assembly("1"), gemmi.Assembly.Gen()
    generator.chains = [chain.name for chain in model[0]]
    for shift in (0, 40):
        operator = gemmi.Assembly.Operator()
        operator.transform = gemmi.Transform(gemmi.Mat33(), gemmi.Vec3(shift, 0, 0))
        generator.operators.append(operator)
    assembly.generators.append(generator)
    model.assemblies.append(assembly)
    return write(tmp_path / "model.cif", Structure.from_gemmi(model))


def test_cover_when_a_model_is_open_then_the_map_can_cover_it_and_go_back(
    desk: Desk, reflections_file: Path, model_far_away: Callable[..., Path]
) -> None:
    (layer,) = desk.open(reflections_file)
    before = layer.data.shape
    cover = editors(desk, layer)["cover"]
    assert (cover.isEnabled(), NO_MODEL in cover.toolTip()) == (False, True)
    path = model_far_away((50.0, 50.0, 50.0, 90.0, 90.0, 90.0))
    desk.open(path)
    cover = editors(desk, layer)["cover"]
    assert [cover.itemText(n) for n in range(2)] == [
        "as the file has it",
        "model with 5 Å around it",
    ]
    choose(desk, "cover", str(path.resolve()))
    expected = read(reflections_file, cover=path)
    np.testing.assert_array_equal(layer.data, expected.data)
    np.testing.assert_allclose(layer.translate, expected.origin)
    assert "model.cif with 5 Å around it" in desk.docks["Info"].text.toPlainText()
    choose(desk, "cover", None)
    assert layer.data.shape == before
    assert source_of(noun_from_layer(layer)).options == {}


@pytest.mark.parametrize("order", ["together", "map first", "model first"])
def test_crystal_and_model_when_both_are_opened_then_the_map_covers_the_model(
    desk: Desk,
    reflections_file: Path,
    model_far_away: Callable[..., Path],
    told: list[str],
    order: str,
) -> None:
    model = model_far_away(CELL)
    expected = read(reflections_file, cover=model)
    if order == "together":
        layers = [
            napari.layers.Layer.create(*data)
            for data in reader.read_layers([str(reflections_file), str(model)])
        ]
        desk.viewer.layers.extend(layers)
    else:
        desk.open(*[reflections_file, model][:: 1 if order == "map first" else -1])
    layer = next(la for la in desk.viewer.layers if type(la).__name__ == "Image")
    desk.qtbot.waitUntil(lambda: layer.data.shape == expected.shape, timeout=10_000)
    np.testing.assert_array_equal(layer.data, expected.data)
    desk.qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    assert len(told) == 1
    assert "data.mtz: the crystal's map covers" in told[0]
    assert "with 5 Å around it" in told[0]
    cover = editors(desk, layer)["cover"]
    assert cover.currentData() == str(model.resolve())


def test_crystal_when_a_job_was_run_or_the_model_is_of_another_cell_then_it_stays(
    desk: Desk, reflections_file: Path, model_far_away: Callable[..., Path], told: list[str]
) -> None:
    (layer,) = desk.open(reflections_file)
    shape = layer.data.shape
    desk.open(model_far_away((50.0, 50.0, 50.0, 90.0, 90.0, 90.0), "other.cif"))
    form = desk.form("flip_hand")
    desk.run_well(form)
    desk.open(model_far_away(CELL))
    editors(desk, layer)
    assert layer.data.shape == shape
    assert told == []


def test_foreign_labels_when_read_as_labels_then_a_labels_layer_takes_the_place(
    desk: Desk, volume: Volume, tmp_path: Path
) -> None:
    regions = np.repeat(np.arange(8, dtype=np.float32), 512).reshape(16, 16, 16)
    path = write(tmp_path / "regions.mrc", Volume(regions, (2.0,) * 3))
    (layer,) = desk.open(path)
    desk.add(volume, "above")
    kind = editors(desk, layer)["kind"]
    assert (values(kind), kind.currentData()) == (["volume", "labels"], "volume")
    choose(desk, "kind", "labels")
    new = desk.viewer.layers[0]
    assert (type(new).__name__, new.name) == ("Labels", "regions")
    assert desk.names() == ["regions", "above"]
    np.testing.assert_array_equal(new.data, regions)
    assert isinstance(noun_from_layer(new), Labels)
    choose(desk, "kind", "volume")
    assert type(desk.viewer.layers[0]).__name__ == "Image"


def test_labels_when_saved_and_opened_are_labels(desk: Desk, tmp_path: Path) -> None:
    regions = np.repeat(np.arange(8, dtype=np.int32), 512).reshape(16, 16, 16)
    path = write(tmp_path / "regions.mrc", Labels(regions, names={1: "helix"}))
    (layer,) = desk.open(path)
    assert type(layer).__name__ == "Labels"
    assert noun_from_layer(layer).names == {1: "helix"}
    assert editors(desk, layer)["kind"].currentData() == "labels"


def test_rows_when_the_layer_was_moved_are_grey_and_say_why(
    desk: Desk, reflections_file: Path
) -> None:
    (layer,) = desk.open(reflections_file)
    editors(desk, layer)
    layer.translate = (1, 2, 3)
    columns = desk.docks["Info"].read_as.editors["columns"]
    assert not columns.isEnabled()
    assert EDITED in columns.toolTip()


def test_rows_when_there_is_nothing_to_choose_are_hidden(desk: Desk, map_file: Path) -> None:
    (layer,) = desk.open(map_file)
    assert editors(desk, layer) == {}
    rows = desk.docks["Info"].read_as
    assert rows.isHidden()
    desk.viewer.layers.selection.clear()
    assert rows.isHidden()


def test_choice_when_the_file_cannot_be_read_so_then_it_says_why_and_goes_back(
    desk: Desk, reflections_file: Path
) -> None:
    (layer,) = desk.open(reflections_file)
    editors(desk, layer)
    shown = layer.data
    reflections_file.write_bytes(b"MTZ broken")
    choose(desk, "columns", SECOND)
    assert layer.data is shown
    assert "data.mtz" in desk.docks["Info"].message.text()
    columns = desk.docks["Info"].read_as.editors["columns"]
    assert (columns.currentData(), columns.isEnabled()) == (FIRST, True)


def test_layer_when_removed_while_its_file_is_read_is_no_error(
    desk: Desk, reflections_file: Path
) -> None:
    (layer,) = desk.open(reflections_file)
    columns = editors(desk, layer)["columns"]
    rows = desk.docks["Info"].read_as
    with desk.qtbot.waitSignal(rows.done, timeout=10_000):
        columns.activated.emit(1)
        desk.viewer.layers.remove(layer)
    assert desk.names() == []
    assert rows.isHidden()


def test_window_when_a_path_has_options_then_it_is_read_so(
    desk: Desk, reflections_file: Path, map_file: Path
) -> None:
    open_path(desk.viewer, str(map_file))
    open_path(desk.viewer, f"{reflections_file}?columns={SECOND}")
    assert desk.names() == ["bundle", "data"]
    np.testing.assert_array_equal(
        desk.viewer.layers[1].data, read(reflections_file, columns=SECOND).data
    )


@pytest.mark.real_data
def test_columns_of_real_reflections_when_changed_are_those_of_the_file(
    desk: Desk, data_folder: Path
) -> None:
    path = data_folder / "reflections" / "1dur" / "data.mtz.gz"
    (layer,) = desk.open(path)
    columns = editors(desk, layer)["columns"]
    assert values(columns)[:2] == ["FWT,PHWT", "FP,PHIC"]
    choose(desk, "columns", SECOND)
    np.testing.assert_array_equal(layer.data, read(path, columns=SECOND).data)
