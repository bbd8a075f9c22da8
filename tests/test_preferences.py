"""Preferences come from the environment, the user's file, or their defaults; nothing crashes."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import cache, preferences
from mapscope.errors import InputError
from mapscope.jobs import all_jobs
from mapscope.volume import Volume


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the preferences of this test stand."""
    monkeypatch.setenv("MAPSCOPE_CONFIG", str(tmp_path / "config"))
    for preference in preferences.PREFERENCES:
        monkeypatch.delenv(preference.variable, raising=False)
    monkeypatch.setattr(preferences, "_warned", set())
    return tmp_path / "config" / "preferences.json"


def write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"format_version": 1, "preferences": content}), encoding="utf-8")


def stored(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["preferences"]
    return content


def test_every_preference_when_nothing_is_said_then_its_default_holds(file: Path) -> None:
    for preference in preferences.PREFERENCES:
        state = preferences.state_of(preference.name)
        assert (state.value, state.origin, state.note) == (preference.default, "default", "")
        assert preference.check(preference.default) == preference.default
    assert not file.exists()


def test_value_when_file_and_environment_differ_then_the_environment_wins(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, {"memory_gb": 12})
    assert preferences.state_of("memory_gb") == preferences.State(12.0, "file")
    monkeypatch.setenv("MAPSCOPE_MEMORY_GB", "3.5")
    assert preferences.state_of("memory_gb") == preferences.State(3.5, "environment")
    assert preferences.memory_limit() == 3.5e9
    monkeypatch.setenv("MAPSCOPE_MEMORY_GB", "")
    assert preferences.memory_limit() == 12e9


@pytest.mark.parametrize("text", ["many", "nan", "inf", "-1", "1e9"])
def test_environment_when_it_makes_no_sense_then_it_is_passed_over_and_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    write(file, {"pyramids_gb": 20.0})
    monkeypatch.setenv("MAPSCOPE_PYRAMIDS_GB", text)
    with caplog.at_level(logging.WARNING):
        state = preferences.state_of("pyramids_gb")
        preferences.state_of("pyramids_gb")
    assert (state.value, state.origin) == (20.0, "file")
    assert "MAPSCOPE_PYRAMIDS_GB is passed over" in state.note
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("text", "value"), [("0", False), ("no", False), ("Off", False), ("1", True), (" true ", True)]
)
def test_environment_when_it_says_yes_or_no_then_it_is_understood(
    file: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    monkeypatch.setenv("MAPSCOPE_START_PANEL", text)
    assert preferences.flag("start_panel") is value


def test_put_when_read_again_then_it_holds_and_the_rest_stays(file: Path) -> None:
    write(file, {"cache_mb": 100, "from_a_later_version": [1]})
    preferences.put("autosave_seconds", 3)
    assert stored(file) == {"cache_mb": 100, "from_a_later_version": [1], "autosave_seconds": 3.0}
    assert preferences.number("autosave_seconds") == 3.0
    preferences.put("autosave_seconds", 1.5)
    assert stored(file) == {"cache_mb": 100, "from_a_later_version": [1]}
    assert [path.name for path in file.parent.iterdir()] == ["preferences.json"]


def test_file_when_another_program_changed_it_then_the_new_value_holds(file: Path) -> None:
    preferences.put("cache_mb", 512)
    assert cache.shared.budget == 512 * 2**20
    write(file, {"cache_mb": 64})
    os.utime(file, ns=(1, 1))
    assert cache.shared.budget == 64 * 2**20
    file.unlink()
    assert cache.shared.budget == 2048 * 2**20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"preferences": 3}',
        b"[" * 50_000,
        b'{"preferences": {}}' + b" " * 2**17,
    ],
)
def test_file_when_damaged_then_defaults_hold_and_a_change_keeps_it_aside(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert preferences.number("pyramids_gb") == 8.0
    assert "cannot be read" in caplog.text
    preferences.put("pyramids_gb", 2.0)
    assert preferences.number("pyramids_gb") == 2.0
    assert file.with_name("preferences.json.damaged").read_bytes() == content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_gb", "12"),
        ("memory_gb", True),
        ("memory_gb", float("nan")),
        ("memory_gb", -1.0),
        ("cache_mb", 1.5),
        ("cache_mb", 10**30),
        ("autosave_seconds", 0.0),
        ("autosave_seconds", 5.1),
        ("cache_folder", 3),
        ("start_panel", 1),
        ("start_panel", None),
    ],
)
def test_value_when_not_allowed_then_put_refuses_it_and_a_file_with_it_is_passed_over(
    file: Path, name: str, value: Any
) -> None:
    with pytest.raises(InputError, match=r"expected, not|is not in"):
        preferences.put(name, value)
    assert not file.exists()
    write(file, {name: value})
    assert preferences.state_of(name).value == preferences.preference(name).default


def test_put_when_the_folder_cannot_be_made_then_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("MAPSCOPE_CONFIG", str(tmp_path / "taken"))
    with pytest.raises(InputError, match="cannot be written"):
        preferences.put("cache_mb", 1)
    assert preferences.number("cache_mb") == 2048


def test_preference_when_unknown_then_the_known_ones_are_named(file: Path) -> None:
    with pytest.raises(InputError, match="memory_gb"):
        preferences.state_of("memory")


def test_cache_folder_when_set_then_it_is_taken_with_the_users_home(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    preferences.put("cache_folder", "~/fast")
    assert preferences.cache_folder() == tmp_path / "fast"


def test_job_when_it_needs_more_memory_than_allowed_then_it_is_not_begun(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = Volume(np.zeros((32, 32, 32), np.float32), (1.0, 1.0, 1.0))
    flip = all_jobs()["flip_hand"]
    monkeypatch.setenv("MAPSCOPE_MEMORY_GB", "0.0001")
    with pytest.raises(InputError, match=r"the preferences allow 0\.0001 GB"):
        flip(volume)
    monkeypatch.setenv("MAPSCOPE_MEMORY_GB", "1")
    assert flip(volume) is not None


def test_documentation_names_every_preference_with_its_default() -> None:
    path = Path(__file__).parents[1] / "docs" / "preferences.md"
    if not path.is_file():
        pytest.skip("the documentation is not beside the tests")
    lines = path.read_text(encoding="utf-8").splitlines()
    for preference in preferences.PREFERENCES:
        (line,) = [text for text in lines if f"`{preference.variable}`" in text and "|" in text]
        assert preference.title in line
        if isinstance(preference.default, int | float) and not isinstance(preference.default, bool):
            assert f"| {preference.default:g} |" in line
