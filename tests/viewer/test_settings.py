"""Settings: choices that are known only when they are asked for, and sliders that are clicked."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QSlider
from tests.tiny_models import resolution_model_file

from mapscope.inference import model_list
from mapscope.jobs import blend, classify_resolution
from mapscope.viewer.settings import Setting


def test_models_to_choose_are_those_that_there_are_and_what_was_set_by_hand(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPSCOPE_MODELS", str(tmp_path))
    monkeypatch.setattr(model_list, "bundled_folder", lambda: tmp_path / "none")
    (parameter,) = (p for p in classify_resolution.settings if p.name == "model")
    nothing = Setting(parameter)
    qtbot.addWidget(nothing.row)
    assert nothing.value == parameter.default
    shutil.copy(resolution_model_file(), tmp_path / "another.safetensors")
    setting = Setting(parameter)
    qtbot.addWidget(setting.row)
    assert (setting.value, setting.editor.choices) == ("another", ("another",))
    shutil.copy(resolution_model_file(), tmp_path)
    setting.refresh()
    assert setting.value == "another"
    assert set(setting.editor.choices) == {"resolution_class", "another"}
    setting.value = "/some/file.safetensors"
    assert setting.value == "/some/file.safetensors"


def test_slider_when_clicked_beside_its_handle_moves_by_ten_steps(qtbot: Any) -> None:
    setting = Setting(next(p for p in blend.settings if p.name == "prior_share"))
    qtbot.addWidget(setting.row)
    setting.row.show()
    qtbot.waitExposed(setting.row)
    slider = setting.editor.native.findChild(QSlider)
    place = QPoint(2, slider.height() // 2)
    for wanted in (0.55, 0.45):
        QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=place)
        assert setting.value == pytest.approx(wanted)
