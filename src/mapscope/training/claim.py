"""One process at a time makes a file that several want."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mapscope.errors import InputError
from mapscope.process import living_process, this_process


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Have a file for this process alone, while it is made.

    The claim is a file beside it; one whose process is gone counts for nothing.

    Parameters
    ----------
    path : Path
        The file that is made.

    Raises
    ------
    InputError
        If another process makes it now.
    """
    claim = path.with_suffix(".claim")
    path.parent.mkdir(parents=True, exist_ok=True)
    other = living_process(_noted(claim))
    if other is not None and other.pid != os.getpid():
        raise InputError(
            f"process {other.pid} is making {path} now: wait until it is done, or choose another "
            "folder for the cache"
        )
    claim.write_text(json.dumps(this_process()), encoding="utf-8")
    try:
        yield
    finally:
        claim.unlink(missing_ok=True)


def _noted(claim: Path) -> object:
    """What stands in a claim; None where there is none that can be read."""
    try:
        return json.loads(claim.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
