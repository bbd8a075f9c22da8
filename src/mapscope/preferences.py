"""What a user prefers about memory, caches, autosave and the window.

A preference is what its environment variable says, else what stands in the user's file, else
its default. The file may be damaged, or come from another version: what cannot be understood is
passed over, with a warning in the log, and the default holds.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from platformdirs import user_cache_path, user_config_path, user_data_path

from mapscope.errors import InputError

Value: TypeAlias = bool | int | float | str
Origin: TypeAlias = Literal["environment", "file", "default"]

FORMAT_VERSION = 1
FOLDER_VARIABLE = "MAPSCOPE_CONFIG"
"""Environment variable that names the folder of the file of preferences."""

LARGEST_FILE = 2**16
APPLICATION = "mapscope"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preference:
    """One thing that a user may prefer otherwise.

    Parameters
    ----------
    name : str
        Key in the file; in capitals after ``MAPSCOPE_`` the environment variable.
    group : str
        What it is about: memory, disk, edits or window.
    title : str
        Name in words, with its unit.
    help : str
        What it does, in a sentence or two.
    default : bool, int, float or str
        Holds where nothing else is said; its type is the preference's.
    bounds : tuple of float, optional
        Lowest and highest number.
    """

    name: str
    group: str
    title: str
    help: str
    default: Value
    bounds: tuple[float, float] | None = None

    @property
    def variable(self) -> str:
        """The environment variable that wins over the file."""
        return f"MAPSCOPE_{self.name.upper()}"

    @property
    def range_text(self) -> str:
        """The numbers that are allowed, in words, or an empty text."""
        return "" if self.bounds is None else f"{self.bounds[0]:g} to {self.bounds[1]:g}"

    def check(self, value: Any) -> Value:
        """The value in this preference's type.

        Raises
        ------
        InputError
            If it is of another type or out of bounds.
        """
        kind = type(self.default)
        fits = isinstance(value, kind)
        if kind is float:
            fits = isinstance(value, int | float) and math.isfinite(value)
        if not fits or (isinstance(value, bool) and kind is not bool):
            words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
            raise InputError(f"{self.title}: {words[kind]} is expected, not {value!r}")
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            raise InputError(f"{self.title}: {value:g} is not in {self.range_text}")
        checked: Value = kind(value)
        return checked

    def from_text(self, text: str) -> Value:
        """The value that an environment variable states.

        Raises
        ------
        InputError
            If the text does not state one.
        """
        if isinstance(self.default, str):
            return text
        if isinstance(self.default, bool):
            flags = dict.fromkeys(("1", "true", "yes", "on"), True)
            flags |= dict.fromkeys(("0", "false", "no", "off"), False)
            return self.check(flags.get(text.strip().lower(), text))
        try:
            return self.check(type(self.default)(text))
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            return self.check(text)


PREFERENCES = (
    Preference(
        "memory_gb",
        "memory",
        "Most memory for one job (GB)",
        "A job that needs more is not begun. 0: as much as is free.",
        0.0,
        (0.0, 1e6),
    ),
    Preference(
        "cache_mb",
        "memory",
        "Memory for intermediate results (MB)",
        "Transforms that are kept, so that a slider or a second run answers at once.",
        2048,
        (0, 1_000_000),
    ),
    Preference(
        "pyramids_gb",
        "disk",
        "Disk space for copies of huge maps (GB)",
        "Smaller copies that huge maps are shown with. Those not used for longest go first.",
        8.0,
        (0.0, 1e6),
    ),
    Preference(
        "cache_folder",
        "disk",
        "Folder of these copies",
        "Put it on a fast disk with room. Empty: the usual cache folder of this system.",
        "",
    ),
    Preference(
        "trainings_folder",
        "disk",
        "Folder of trainings",
        "Where the Train dock makes a folder for each training. Empty: in the user's data folder.",
        "",
    ),
    Preference(
        "autosave_seconds",
        "edits",
        "Edits are saved every (seconds)",
        "Longest time until an edit of picks or labels is safe on the disk.",
        1.5,
        (0.1, 5.0),
    ),
    Preference(
        "start_panel",
        "window",
        "Show the questions at start",
        "Show in the Jobs dock at start which job or dock answers which question.",
        True,
    ),
)
"""Every preference; the file, napari's settings and the documentation are made from these."""

_by_name = {preference.name: preference for preference in PREFERENCES}


@dataclass(frozen=True)
class State:
    """A preference as it stands.

    Parameters
    ----------
    value : bool, int, float or str
        What holds.
    origin : str
        environment, file or default: who says so.
    note : str
        Why something else that was said does not hold.
    """

    value: Value
    origin: Origin
    note: str = ""


def preference(name: str) -> Preference:
    """One preference by its name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in _by_name:
        raise InputError(f"there is no preference {name!r}, but {', '.join(_by_name)}")
    return _by_name[name]


def state_of(name: str) -> State:
    """What holds for a preference now, and who says so."""
    wanted = preference(name)
    text = os.environ.get(wanted.variable)
    note = ""
    if text:
        try:
            return State(wanted.from_text(text), "environment")
        except InputError as error:
            note = f"{wanted.variable} is passed over: {error}"
            _warn_once(note)
    stored = stored_value(name)
    if stored is None:
        return State(wanted.default, "default", note)
    return State(stored, "file", note)


def stored_value(name: str) -> Value | None:
    """What the user's file says of a preference, or None where it says nothing sensible."""
    value = _content().get(name)
    if value is None:
        return None
    try:
        return preference(name).check(value)
    except InputError as error:
        _warn_once(f"{preferences_file()}: {error}")
        return None


def number(name: str) -> float:
    """A preference that is a number, as it holds now."""
    return float(state_of(name).value)


def flag(name: str) -> bool:
    """A preference that is a yes or no, as it holds now."""
    return bool(state_of(name).value)


def cache_folder() -> Path:
    """Folder for what can be made again."""
    named = str(state_of("cache_folder").value)
    return Path(named).expanduser() if named else Path(user_cache_path(APPLICATION))


def trainings_folder() -> Path:
    """Folder in which each training has its own, which need not exist."""
    named = str(state_of("trainings_folder").value)
    if named:
        return Path(named).expanduser()
    return Path(user_data_path(APPLICATION, appauthor=False)) / "trainings"


def cache_bytes() -> int:
    """Most bytes of intermediate results that are kept in memory."""
    return int(number("cache_mb")) * 2**20


def memory_limit() -> float | None:
    """Most bytes of memory that one job may need, or None where only what is free counts."""
    gigabytes = number("memory_gb")
    return gigabytes * 1e9 if gigabytes else None


def free_memory() -> float | None:
    """Bytes of memory that can be had, or None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = {line.split(":")[0]: line.split(":")[1].split()[0] for line in lines}
        return 1024.0 * int(kilobytes["MemAvailable"])
    except (OSError, KeyError, IndexError, ValueError):
        pass
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return None


def preferences_file() -> Path:
    """The user's file of preferences, which need not exist."""
    named = os.environ.get(FOLDER_VARIABLE)
    folder = Path(named) if named else Path(user_config_path(APPLICATION, appauthor=False))
    return folder / "preferences.json"


def put(name: str, value: Any) -> None:
    """Write a preference into the user's file; the default is written by leaving it out.

    What else stands in the file stays. A damaged file is kept as ``preferences.json.damaged``.

    Raises
    ------
    InputError
        If the value is not allowed, or the file cannot be written.
    """
    wanted = preference(name)
    checked = wanted.check(value)
    path = preferences_file()
    content = dict(_content())
    content.pop(name, None)
    if checked != wanted.default:
        content[name] = checked
    document = {"format_version": FORMAT_VERSION, "preferences": content}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and _read(path) is None:
            shutil.copyfile(path, path.with_name(path.name + ".damaged"))
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise InputError(
            f"the preference is not kept: {path} cannot be written ({error.strerror or error})"
        ) from error


_seen: dict[Path, tuple[tuple[int, int], dict[str, Any]]] = {}
_warned: set[str] = set()


def _content() -> dict[str, Any]:
    """The preferences in the user's file, read again whenever it has changed."""
    path = preferences_file()
    try:
        status = path.stat()
    except OSError:
        return {}
    stamp = (status.st_mtime_ns, status.st_size)
    if path not in _seen or _seen[path][0] != stamp:
        content = _read(path)
        if content is None:
            _warn_once(f"{path} cannot be read: the defaults hold")
        _seen[path] = (stamp, content or {})
    return _seen[path][1]


def _read(path: Path) -> dict[str, Any] | None:
    """The preferences in a file, or None where it is no such file."""
    with suppress(OSError, ValueError, RecursionError):
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
        document = json.loads(text) if len(text) <= LARGEST_FILE else None
        if isinstance(document, dict) and isinstance(document.get("preferences"), dict):
            content: dict[str, Any] = document["preferences"]
            return content
    return None


def _warn_once(text: str) -> None:
    """Log a warning, not again and again."""
    if text not in _warned:
        _warned.add(text)
        _log.warning("%s", text)
