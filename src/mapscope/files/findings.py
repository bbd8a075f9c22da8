"""What is wrong with a file but can be repaired: an error, or a warning where asked for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from mapscope.errors import MapFormatError


class FileWarning(UserWarning):
    """A file was read although something in it had to be repaired."""


@dataclass(frozen=True)
class Repair:
    """One thing that a reader repaired.

    Parameters
    ----------
    code : str
        Name under which :func:`mapscope.inspect` reports it.
    what : str
        What is wrong.
    repair : str
        What the reader did about it.
    """

    code: str
    what: str
    repair: str

    def __str__(self) -> str:
        return f"{self.what}: {self.repair}"


_noted: ContextVar[list[Repair] | None] = ContextVar("noted", default=None)


@contextmanager
def noted_repairs() -> Iterator[list[Repair]]:
    """List that gets what readers repair in this thread meanwhile, in place of warnings."""
    repairs: list[Repair] = []
    token = _noted.set(repairs)
    try:
        yield repairs
    finally:
        _noted.reset(token)


def tell(file_name: str, repair: Repair) -> None:
    """Note a repair where :func:`noted_repairs` listens, else warn."""
    listening = _noted.get()
    if listening is None:
        warnings.warn(f"{file_name}: {repair}", FileWarning, stacklevel=3)
    else:
        listening.append(repair)


@dataclass(frozen=True)
class Findings:
    """Where a reader reports what it can repair.

    Parameters
    ----------
    path : Path
        The file, for messages.
    permissive : bool
        Warn instead of raising.
    """

    path: Path
    permissive: bool = False

    def report(self, what: str, repair: str, code: str = "repaired") -> None:
        """Warn that `what` is wrong and that the reader will `repair` it, or raise.

        Raises
        ------
        MapFormatError
            Unless `permissive`.
        """
        if not self.permissive:
            raise MapFormatError(
                f"{self.path.name}: {what}; permissive=True reads it all the same and "
                f"would {repair}"
            )
        tell(self.path.name, Repair(code, what, repair))

    def refuse(self, what: str, code: str = "unreadable") -> MapFormatError:
        """The error for what cannot be repaired; `code` is what an inspection calls it."""
        error = MapFormatError(f"{self.path.name}: {what}")
        error.code = code
        return error
