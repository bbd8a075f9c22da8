"""Where a training stands, in one file: safetensors, with what is no tensor as JSON in its header.

No pickle is written or read. A file is complete or not there: it is written beside its place and
moved there at the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mapscope.errors import InputError, MapFormatError

if TYPE_CHECKING:
    import torch

FORMAT_VERSION = 1
_KEY = "mapscope_state"
_TENSOR, _TUPLE, _PAIRS = "__tensor__", "__tuple__", "__pairs__"


def write_state(path: Path, state: Any) -> None:
    """Write nested dicts, lists, tuples, tensors, numbers, texts, flags and None to a file.

    Parameters
    ----------
    path : Path
        The file; one of that name is replaced once the new one is complete.
    state : object
        What to keep.

    Raises
    ------
    InputError
        If something in it is of another type.
    OSError
        If it cannot be written, because the disk is full or the folder is gone; a file that was
        there before is left as it was.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    content = {"format_version": FORMAT_VERSION, "state": _plain(state, tensors, "state")}
    text = json.dumps(content, allow_nan=True)
    new = path.with_name(f"{path.name}.new")
    try:
        save_file(tensors, new, {_KEY: text})
        _flush(new)
        new.replace(path)
    except (OSError, SafetensorError) as error:
        new.unlink(missing_ok=True)
        raise OSError(
            f"{path} cannot be written ({error}): make room, then resume the training from its "
            "folder; it goes on from what was written last"
        ) from error


def read_state(path: Path, tensors: Literal["pt", "np"] = "pt") -> Any:
    """What `write_state` wrote, tensors on the CPU.

    Parameters
    ----------
    path : Path
        The file.
    tensors : {"pt", "np"}
        Whether they become torch's tensors or NumPy's arrays, for which torch is not needed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MapFormatError
        If it is none of these files, truncated, or of a later version.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileNotFoundError(f"there is no state of a training {path}")
    try:
        with safe_open(path, tensors) as file:
            content = json.loads((file.metadata() or {})[_KEY])
            if content["format_version"] == FORMAT_VERSION:
                found = {k: _copied(file.get_tensor(k)) for k in file.keys()}  # noqa: SIM118
                return _restored(content["state"], found)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise MapFormatError(
            f"{path.name} is no state of a training, or is damaged ({error}): start the training "
            "again in a new folder"
        ) from error
    raise MapFormatError(
        f"{path.name} is a state of version {content['format_version']}, and this Mapscope reads "
        f"{FORMAT_VERSION}: resume with the Mapscope that wrote it"
    )


def _flush(path: Path) -> None:
    """Have a file on the disk, not only on its way there."""
    descriptor = os.open(path, os.O_RDWR)  # Windows flushes no file that is open to be read only
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copied(value: Any) -> Any:
    """A tensor in memory: safetensors gives torch the mapped file, which Windows cannot replace."""
    return value.clone() if hasattr(value, "clone") else value


def _plain(value: Any, tensors: dict[str, torch.Tensor], name: str) -> Any:
    """A value as JSON can hold it; its tensors go into `tensors`."""
    import torch

    if isinstance(value, torch.Tensor):
        # A copy: safetensors refuses tensors that share memory, and keeps no strides.
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: name}
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, tuple):
        return {_TUPLE: [_plain(v, tensors, f"{name}.{n}") for n, v in enumerate(value)]}
    if isinstance(value, list):
        return [_plain(v, tensors, f"{name}.{n}") for n, v in enumerate(value)]
    if isinstance(value, Mapping):
        items = {k: _plain(v, tensors, f"{name}.{k}") for k, v in value.items()}
        is_named = all(isinstance(k, str) for k in items)
        return items if is_named else {_PAIRS: [[k, v] for k, v in items.items()]}
    raise InputError(f"a state cannot hold {name}, a {type(value).__name__}")


def _restored(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """What `_plain` was given."""
    if isinstance(value, list):
        return [_restored(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if _TUPLE in value:
        return tuple(_restored(v, tensors) for v in value[_TUPLE])
    if _PAIRS in value:
        return {k: _restored(v, tensors) for k, v in value[_PAIRS]}
    return {k: _restored(v, tensors) for k, v in value.items()}
