"""Where logs of edits lie, and which of them are open."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from platformdirs import user_data_path, user_state_path

SUFFIX = ".edits.jsonl"
VARIABLE = "MAPSCOPE_EDITS"
"""Environment variable that names one folder for everything kept here."""

APPLICATION = "mapscope"


def data_folder() -> Path:
    """Folder of logs that lie beside no data file."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(user_data_path(APPLICATION, appauthor=False)) / "edits"


def open_folder() -> Path:
    """Folder of notes on logs that are open, or were when a program ended without closing them."""
    named = os.environ.get(VARIABLE)
    state = Path(named) if named else Path(user_state_path(APPLICATION, appauthor=False))
    return state / "open_edits"


def candidates(data: Path | None, name: str) -> Iterator[Path]:
    """Paths for a new log, the best first: beside the data file, then in the user's folder."""
    if data is not None and os.access(data.parent, os.W_OK):
        yield data.with_name(data.name + SUFFIX)
        for number in range(2, 100):
            yield data.with_name(f"{data.name}.{number}{SUFFIX}")
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "_", name).strip("_.")[:60] or "edits"
    stamp = datetime.now().strftime("%Y%m%d_%H%M%S")
    for number in range(1, 1000):
        yield folder / f"{stem}_{stamp}_{number}{SUFFIX}"


def logs_beside(data: Path) -> list[Path]:
    """Logs that lie beside a data file, the first one first."""
    pattern = glob.escape(data.name)
    found = [*data.parent.glob(pattern + SUFFIX), *data.parent.glob(f"{pattern}.*{SUFFIX}")]
    numbered = re.compile(re.escape(data.name) + r"(\.\d+)?" + re.escape(SUFFIX))
    return sorted({p for p in found if numbered.fullmatch(p.name)}, key=lambda p: (len(p.name), p))


def logs_in_data_folder() -> list[Path]:
    """Logs that lie beside no data file, the one written to last first."""
    return sorted(data_folder().glob(f"*{SUFFIX}"), key=_written, reverse=True)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def note_open(log: Path) -> None:
    """Note that a log is open; the note stays when the program is killed."""
    with suppress(OSError):  # a note that cannot be written must not stop the edit itself
        open_folder().mkdir(parents=True, exist_ok=True)
        content = {"log": str(log.resolve()), "process": os.getpid()}
        _note_of(log).write_text(json.dumps(content) + "\n", encoding="utf-8")


def note_closed(log: Path) -> None:
    """Remove the note that a log is open."""
    with suppress(OSError):
        _note_of(log).unlink(missing_ok=True)


def noted_logs() -> list[Path]:
    """Logs that are noted as open and still there; notes on others are removed."""
    found = []
    for note in sorted(open_folder().glob("*.json")):
        try:
            log = Path(json.loads(note.read_text(encoding="utf-8"))["log"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if log.is_file():
            found.append(log)
        else:
            with suppress(OSError):
                note.unlink(missing_ok=True)
    return sorted(found, key=_written, reverse=True)


def _note_of(log: Path) -> Path:
    """Where the note on a log lies."""
    name = hashlib.blake2b(str(log.resolve()).encode(), digest_size=8).hexdigest()
    return open_folder() / f"{name}.json"
