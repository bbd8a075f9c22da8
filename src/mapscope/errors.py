"""The errors that Mapscope raises; each is also the builtin error that a caller expects."""

from __future__ import annotations

from typing import Any


class MapscopeError(Exception):
    """Base of every error that Mapscope raises on purpose."""


class FileFormatError(MapscopeError, ValueError):
    """Base of the errors that refuse a file because of what it is or holds."""


class MapFormatError(FileFormatError):
    """A file is not what its name or header says, or holds what cannot be read safely."""

    code: str = "unreadable"
    """Name under which :func:`mapscope.inspect` reports it."""


class ModelFormatError(FileFormatError):
    """A file is not a model of Mapscope's, or not as it was written."""


class UnknownFormatError(FileFormatError):
    """No reader or writer is known for a file name or for this kind of object."""


class GridError(MapscopeError, ValueError):
    """Two objects that must share a grid do not, or a grid makes no sense."""


class InputError(MapscopeError, ValueError):
    """A job was given an input or a parameter that it cannot work with."""


class DataError(MapscopeError, ValueError):
    """The numbers do not allow an answer, such as a constant map or an empty mask."""


class TrainingError(MapscopeError, RuntimeError):
    """A training ended before its time, and can be resumed."""


class Cancelled(MapscopeError):  # noqa: N818  not an error, and named so in the design
    """The user asked a running job to stop."""


class Partial(Cancelled):
    """The user asked a running job to stop, and what it had finished until then is here.

    Parameters
    ----------
    result : noun or dataclass of nouns and numbers
        What the job would return, as far as it is done.
    share : float
        How much of it is done, over 0 and up to 1.
    """

    def __init__(self, result: Any, share: float) -> None:
        super().__init__(f"stopped when {share:.0%} was done")
        self.result, self.share = result, share
