"""Edits of earlier days: logs beside the open files, and those of a program that was killed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from mapscope.edits import is_in_use, logs_beside, logs_in_data_folder, noted_logs

MOST_EARLIER = 5
"""How many of the logs in the user's folder are offered."""

UNCLEAN, BESIDE, EARLIER = "unclean", "beside", "earlier"


@dataclass(frozen=True)
class Offer:
    """A log that could be opened.

    Parameters
    ----------
    path : Path
        Its file.
    kind : str
        ``unclean`` where a program ended without closing it, ``beside`` an open file,
        ``earlier`` in the user's folder.
    name : str
        What its layer was called.
    edits : int
        How many edits are in it.
    when : datetime
        When it was written to last.
    data : Path, optional
        The data file that it belongs to.
    """

    path: Path
    kind: str
    name: str
    edits: int
    when: datetime
    data: Path | None

    @property
    def text(self) -> str:
        """The offer in words."""
        count = "1 edit" if self.edits == 1 else f"{self.edits} edits"
        ended = ", not closed properly" if self.kind == UNCLEAN else ""
        return f"{self.name}: {count} of {self.when.day} {self.when:%b %Y, %H:%M}{ended}"


def offers(data: Iterable[Path], is_open: Iterable[Path]) -> list[Offer]:
    """The logs that could be opened, the most urgent first, each once.

    Parameters
    ----------
    data : iterable of Path
        Data files that are open in the viewer.
    is_open : iterable of Path
        Logs that are open in it.
    """
    found = [(path, UNCLEAN) for path in noted_logs()]
    found += [(path, BESIDE) for file in dict.fromkeys(data) for path in logs_beside(file)]
    found += [(path, EARLIER) for path in logs_in_data_folder()[:MOST_EARLIER]]
    seen = {path.resolve() for path in is_open}
    listed = []
    for path, kind in found:
        if path.resolve() in seen or is_in_use(path):
            continue
        seen.add(path.resolve())
        offer = _look_into(path, kind)
        if offer is not None:
            listed.append(offer)
    return listed


def _look_into(path: Path, kind: str) -> Offer | None:
    """What a log holds, without replaying it; None for what is no log with edits."""
    try:
        found = path.stat()
        name, data, edits = _summary(path, found.st_mtime_ns, found.st_size)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if edits < 1:
        return None
    when = datetime.fromtimestamp(found.st_mtime)
    return Offer(path, kind, name, edits, when, None if data is None else Path(data))


@lru_cache(maxsize=64)
def _summary(path: Path, _written: int, _size: int) -> tuple[str, str | None, int]:
    """Name, data file and number of edits of a log, read once as long as it does not change."""
    content = path.read_bytes()
    header = json.loads(content[: content.index(b"\n")])
    data = header.get("data")
    other = sum(content.count(b'"op":"%b"' % op) for op in (b"undo", b"redo", b"discard"))
    edits = content.count(b"\n") - 2 - other
    return str(header["name"]), data if isinstance(data, str) else None, edits
