"""What is wrong with a file but can be repaired: an error, or a warning where asked for."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from mapscope.errors import MapFormatError


class FileWarning(UserWarning):
    """A file was read although something in it had to be repaired."""


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

    def report(self, what: str, repair: str) -> None:
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
        warnings.warn(f"{self.path.name}: {what}: {repair}", FileWarning, stacklevel=2)

    def refuse(self, what: str) -> MapFormatError:
        """The error for what cannot be repaired."""
        return MapFormatError(f"{self.path.name}: {what}")
