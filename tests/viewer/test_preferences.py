"""napari's Preferences dialog and Mapscope's file of preferences say the same."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.settings
import pytest
from napari.settings import get_plugin_settings
from qtpy.QtWidgets import QApplication, QDialog, QDoubleSpinBox, QListWidget

from mapscope import preferences
from mapscope.viewer import preferences as shown
from mapscope.viewer.preferences import connect_preferences, preferences_action, set_preference

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

PLUGIN = "napari-mapscope"


def stored() -> dict[str, Any]:
    text = preferences.preferences_file().read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)["preferences"]
    return content


def dialogs() -> list[QDialog]:
    return [
        widget
        for widget in QApplication.topLevelWidgets()
        if isinstance(widget, QDialog) and widget.windowTitle() == "Preferences"
    ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is told to the user."""
    texts: list[str] = []
    monkeypatch.setattr(shown, "show_info", texts.append)
    monkeypatch.setattr(shown, "show_warning", texts.append)
    return texts


def test_manifest_declares_every_preference_with_its_default_and_bounds() -> None:
    declared = shown.configurations()
    found = {
        name: line for group in declared.values() for name, line in group["properties"].items()
    }
    assert list(found) == [p.name for p in preferences.PREFERENCES]
    settings = get_plugin_settings(PLUGIN)
    for preference in preferences.PREFERENCES:
        group = getattr(settings, preference.group)
        assert getattr(group, preference.name) == preference.default
        assert preference.variable in found[preference.name]["description"]
        if preference.bounds is not None:
            with pytest.raises(ValueError, match="less than or equal"):
                setattr(group, preference.name, type(preference.default)(2 * preference.bounds[1]))


def test_dialog_when_a_number_is_changed_then_the_file_says_so_and_cancel_takes_it_back(
    desk: Desk,
) -> None:
    before = dialogs()
    desk.docks["Jobs"].start.preferences_button.click()
    (dialog,) = [d for d in dialogs() if d not in before]
    pages = dialog.findChild(QListWidget, "Preferences")
    assert pages.item(pages.count() - 1).text() == "Mapscope"
    (autosave,) = [b for b in dialog.findChildren(QDoubleSpinBox) if b.maximum() == 5.0]
    assert autosave.value() == 1.5
    autosave.setValue(4.0)
    assert preferences.number("autosave_seconds") == 4.0
    assert stored() == {"autosave_seconds": 4.0}
    dialog.reject()
    assert preferences.number("autosave_seconds") == 1.5


def test_napari_when_the_users_file_says_something_then_shows_it() -> None:
    preferences.put("memory_gb", 24)
    preferences.put("start_panel", False)
    connect_preferences()
    settings = get_plugin_settings(PLUGIN)
    assert settings.memory.memory_gb == 24.0
    assert settings.window.start_panel is False
    set_preference("start_panel", True)
    assert settings.window.start_panel is True
    assert stored() == {"memory_gb": 24.0}


def test_napari_when_its_own_file_is_newer_then_that_is_taken_over(tmp_path: Path) -> None:
    preferences.put("memory_gb", 24)
    os.utime(preferences.preferences_file(), (1, 1))
    file = tmp_path / "napari" / f"{PLUGIN}.yaml"
    file.parent.mkdir()
    file.write_text(
        "memory:\n  memory_gb: 6.0\nedits:\n  autosave_seconds: 2.5\n", encoding="utf-8"
    )
    connect_preferences()
    assert preferences.memory_limit() == 6e9
    assert preferences.number("autosave_seconds") == 2.5


@pytest.mark.parametrize("content", ["memory: [", "memory:\n  memory_gb: much\n", "\0", "- 1\n"])
@pytest.mark.filterwarnings("ignore")
def test_napari_when_its_file_is_damaged_then_the_docks_open_all_the_same(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "napari" / f"{PLUGIN}.yaml"
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    connect_preferences()
    assert preferences.number("memory_gb") == 0.0


def test_change_when_a_variable_is_set_then_it_is_kept_and_said_to_have_no_effect(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    connect_preferences()
    monkeypatch.setenv("MAPSCOPE_MEMORY_GB", "8")
    get_plugin_settings(PLUGIN).memory.memory_gb = 16.0
    assert len(told) == 1
    assert "MAPSCOPE_MEMORY_GB=8 is set and wins" in told[0]
    assert stored() == {"memory_gb": 16.0}
    assert preferences.memory_limit() == 8e9
    line = next(s for s in shown.preferences_table().splitlines() if "Most memory" in s)
    assert re.search(r"\| 8 \| \*\*MAPSCOPE_MEMORY_GB\*\*, which wins \|", line)


def test_change_when_the_file_cannot_be_written_then_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    monkeypatch.setenv("MAPSCOPE_CONFIG", str(tmp_path / "taken"))
    set_preference("start_panel", False)
    assert len(told) == 1
    assert "cannot be written" in told[0]


def test_connect_when_the_plugin_is_disabled_then_nothing_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(name: str) -> Any:
        raise KeyError(name)

    monkeypatch.setattr(shown, "get_plugin_settings", refuse)
    connect_preferences()
    set_preference("start_panel", False)
    assert preferences.flag("start_panel") is False


def test_connect_when_called_twice_then_a_change_is_written_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect_preferences()
    connect_preferences()
    seen = []
    monkeypatch.setattr(shown, "put", lambda name, value: seen.append((name, value)))
    get_plugin_settings(PLUGIN).memory.cache_mb = 5
    assert seen == [("cache_mb", 5)]


def test_preferences_action_is_found_in_napari_itself(
    make_napari_viewer: Callable[..., Any],
) -> None:
    assert preferences_action(make_napari_viewer()) is not None


def test_restoring_defaults_when_done_in_napari_then_the_file_is_empty() -> None:
    connect_preferences()
    settings = napari.settings.get_plugin_settings(PLUGIN)
    settings.memory.memory_gb = 9.0
    assert stored() == {"memory_gb": 9.0}
    settings.reset()
    assert stored() == {}
