"""Mapscope's preferences in napari's *Preferences* dialog, both ways.

napari keeps what its dialog says in a file of its own, which the engine and the command line
cannot read without napari. So the two are made equal when a window opens, and from then on each
change in the dialog is written into Mapscope's file too.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from napari.settings import get_plugin_settings
from napari.utils.notifications import show_info, show_warning

from mapscope.errors import MapscopeError
from mapscope.preferences import (
    PREFERENCES,
    Preference,
    preferences_file,
    put,
    state_of,
    stored_value,
)

PLUGIN = "napari-mapscope"
GROUPS = {
    "memory": "Memory",
    "disk": "Disk",
    "edits": "Edits",
    "window": "Window",
}
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
ORIGINS = {"environment": "environment", "file": "your preferences", "default": "default"}

_log = logging.getLogger(__name__)
_connected: list[Any] = []


def configurations() -> dict[str, Any]:
    """The preferences as napari's manifest declares them."""
    return {
        group: {
            "title": title,
            "properties": {p.name: _property(p) for p in PREFERENCES if p.group == group},
        }
        for group, title in GROUPS.items()
    }


def _property(preference: Preference) -> dict[str, Any]:
    """One line of the dialog."""
    kind = TYPES[type(preference.default)]
    described = {
        "title": preference.title,
        "description": f"{preference.help} {preference.variable} wins over it.",
        "type": kind,
        "default": preference.default,
    }
    if preference.bounds is not None:
        number = type(preference.default)
        described |= dict(zip(("minimum", "maximum"), map(number, preference.bounds), strict=True))
    return described


def connect_preferences() -> None:
    """Make napari's settings and the user's file equal, and follow napari's from now on."""
    settings = _settings()
    if settings is None or any(settings is known for known in _connected):
        return
    _connected.append(settings)
    take_from_napari = _is_newer(settings.config_path, preferences_file())
    for preference, group in _lines(settings):
        if take_from_napari:
            keep(preference, getattr(group, preference.name))
        else:
            _show(preference, group)
        # A partial function has to be held: napari's events hold it only weakly.
        emitter = getattr(group.events, preference.name)
        emitter.connect(_hold(partial(_changed, preference)))


def _settings() -> Any:
    """What napari keeps of this plugin, or None where that cannot be used."""
    try:
        return get_plugin_settings(PLUGIN)
    except KeyError:
        _log.info("napari knows no settings of %s: its plugin is disabled", PLUGIN)
    except (AssertionError, ValueError) as error:
        _log.warning("napari cannot read its settings of %s: %s", PLUGIN, error)
    return None


def _show(preference: Preference, group: Any) -> None:
    """Show in the dialog what the user's file says."""
    stored = stored_value(preference.name)
    value = preference.default if stored is None else stored
    if getattr(group, preference.name) != value:
        setattr(group, preference.name, value)


def keep(preference: Preference, value: Any) -> None:
    """Write a preference into the user's file, unless it says so already."""
    stored = stored_value(preference.name)
    if value == (preference.default if stored is None else stored):
        return
    try:
        put(preference.name, value)
    except MapscopeError as error:
        show_warning(str(error))


def set_preference(name: str, value: Any) -> None:
    """Change a preference from a dock: in the user's file and in napari's dialog."""
    wanted = next(p for p in PREFERENCES if p.name == name)
    keep(wanted, value)
    settings = _settings()
    if settings is not None:
        _show(wanted, getattr(settings, wanted.group))


def preferences_table() -> str:
    """A table, in Markdown, of what holds now and who says so."""
    rows = ["## What holds now", "", "| Preference | Value | Said by |", "|---|---|---|"]
    for preference in PREFERENCES:
        state = state_of(preference.name)
        said = ORIGINS[state.origin]
        if state.origin == "environment":
            said = f"**{preference.variable}**, which wins"
        if state.note:
            said += f". {state.note}"
        shown = {True: "yes", False: "no", "": "–"}.get(state.value, str(state.value))
        if not isinstance(preference.default, bool | str):
            shown = f"{state.value:g}"
        rows.append(f"| {preference.title} | {shown} | {said} |")
    return "\n".join([*rows, "", f"File: `{preferences_file()}`", ""])


def preferences_action(viewer: Any) -> Any:
    """The action of napari's *File* menu that opens its *Preferences* dialog, or None."""
    actions = viewer.window.file_menu.actions()
    return next((a for a in actions if a.text().strip("&.").startswith("Preferences")), None)


def _changed(preference: Preference, event: Any) -> None:
    """Take over a change from the dialog, and say so where it has no effect now."""
    keep(preference, event.value)
    state = state_of(preference.name)
    if state.origin == "environment" and state.value != event.value:
        show_info(
            f"{preference.title}: {preference.variable}={os.environ[preference.variable]} is set "
            "and wins over the preference."
        )


def _hold(callback: Any) -> Any:
    """The callback, kept for as long as the program runs."""
    _connected.append(callback)
    return callback


def _lines(settings: Any) -> Iterator[tuple[Preference, Any]]:
    """Each preference with the group of napari's settings that it stands in."""
    for preference in PREFERENCES:
        group = getattr(settings, preference.group, None)
        if group is not None and hasattr(group, preference.name):
            yield preference, group


def _is_newer(file: Any, other: Path) -> bool:
    """Whether a file is there and was written after the other one."""
    try:
        written = Path(file).stat().st_mtime_ns
    except (OSError, TypeError):
        return False
    try:
        return written > other.stat().st_mtime_ns
    except OSError:
        return True
