"""Model files: weights in half precision and a card, in one safetensors file.

A file is looked at before anything in it is believed: its first bytes say whether it is a pickle,
which could run programs and is never read, and every number in its header is checked before it
sizes an array.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapscope.errors import ModelFormatError
from mapscope.inference.card import Card

if TYPE_CHECKING:
    import torch

SUFFIX = ".safetensors"
_KEY = "mapscope_model"
_LARGEST_HEADER = 16 * 2**20
_LARGEST_HALF = 65504.0
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1}
_BYTES |= {"U8": 1, "BOOL": 1}
_OTHERS = {
    b"PK\x03\x04": "a zip archive, as torch.save writes it with a pickle inside",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a compressed file",
}


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds.

    Parameters
    ----------
    card : Card
        What it says of itself.
    state : dict of str to tensor
        Weights by name, as the network's ``state_dict`` has them, in half precision.
    checksum : str
        32 hexadecimal digits, of card and weights.
    """

    card: Card
    state: dict[str, torch.Tensor]
    checksum: str


def write_model(path: str | os.PathLike[str], card: Card, state: Mapping[str, Any]) -> Path:
    """Write a model; it takes its place only once it is complete.

    Weights become half precision where that holds them: statistics of normalisations, and what
    is too large, stay as they are. Equal models give equal bytes.

    Parameters
    ----------
    path : path
        Ends in ``.safetensors``.
    card : Card
        What to say of it.
    state : mapping of str to tensor
        The network's ``state_dict``.

    Raises
    ------
    ModelFormatError
        If the name ends otherwise, or a weight is not finite.
    """
    from safetensors.torch import save

    path = Path(path)
    if path.suffix != SUFFIX:
        raise ModelFormatError(f"a model's name ends in {SUFFIX}, not as {path.name}")
    halves = {name: _half(name, value) for name, value in sorted(state.items())}
    described = card.to_json()
    document = {"card": described, "checksum": checksum_of_model(described, halves)}
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(save(halves, {_KEY: text}))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _half(name: str, value: torch.Tensor) -> torch.Tensor:
    """One weight as it is written."""
    import torch

    value = value.detach().cpu().contiguous().clone()
    if not value.is_floating_point():
        return value
    if not bool(torch.isfinite(value).all()):
        raise ModelFormatError(f"{name} holds numbers that are not finite: it cannot be a model")
    is_statistic = name.endswith(("running_mean", "running_var"))
    is_large = value.numel() > 0 and float(value.abs().max()) > _LARGEST_HALF
    return value.float() if is_statistic or is_large else value.half()


def checksum_of_model(card: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> str:
    """BLAKE2b hash, 32 hexadecimal digits, of a card as it stands in the file, and weights."""
    import torch

    text = json.dumps(card, sort_keys=True, allow_nan=False)
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for name, value in sorted(state.items()):
        digest.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        # As bytes, because NumPy has no bfloat16.
        digest.update(value.contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_model(path: str | os.PathLike[str]) -> ModelFile:
    """A model's card and weights.

    Raises
    ------
    ModelFormatError
        If it is a pickle, damaged, changed since it was written, or no model of Mapscope's;
        the message says which.
    FileNotFoundError
        If there is no such file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path)
    described, card, stated = _card_and_checksum(path)
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ModelFormatError(f"{path.name} cannot be read: {error}") from error
    found = checksum_of_model(described, state)
    if found != stated:
        raise ModelFormatError(
            f"{path.name} is not what was written: its content gives the checksum {found}, and it "
            f"states {stated}. Get the file again from where it came from"
        )
    return ModelFile(card, state, stated)


def read_card(path: str | os.PathLike[str]) -> Card:
    """A model's card; the weights are not read, and so not checked.

    Raises
    ------
    ModelFormatError, FileNotFoundError
        As for `read_model`.
    """
    return _card_and_checksum(Path(path))[1]


def _card_and_checksum(path: Path) -> tuple[dict[str, Any], Card, str]:
    """What the header of a model file says, as it is and once all of it has been checked."""
    header = _header(path)
    metadata = header.pop("__metadata__", None)
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelFormatError(
            f"{path.name} is a safetensors file, but no model of Mapscope's: it has no card"
        )
    try:
        document = json.loads(text)
        card, checksum = document["card"], document["checksum"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ModelFormatError(f"the card of {path.name} cannot be read") from error
    return card, Card.from_json(card), str(checksum)


def _header(path: Path) -> dict[str, Any]:
    """A safetensors file's header, which agrees with itself and with the size of the file.

    Raises
    ------
    ModelFormatError
        If it does not.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = int.from_bytes(start, "little")
        is_header = len(start) == 8 and length <= _LARGEST_HEADER
        for magic, what in _OTHERS.items():
            # The length of a sound header may begin with the same two bytes.
            if start.startswith(magic) and not is_header:
                raise ModelFormatError(
                    f"{path.name} is {what}: models are {SUFFIX} files, and pickles are never "
                    f"opened, because they can run any program"
                )
        if len(start) == 8 and not is_header:
            raise ModelFormatError(
                f"{path.name} is no safetensors file: its header would have {length} bytes"
            )
        if len(start) < 8 or size < 8 + length:
            raise ModelFormatError(f"{path.name} is cut off: it ends within its header")
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ModelFormatError(f"{path.name} is no safetensors file: its header is no JSON object")
    _check_places(path.name, header, size - 8 - length)
    return header


def _check_places(name: str, header: dict[str, Any], size: int) -> None:
    """Raise unless the tensors of a header fill `size` bytes without gap or overlap."""
    places = []
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        place = _place(entry)
        if place is None:
            raise ModelFormatError(f"{name} is damaged: its header says nonsense of {key[:80]!r}")
        places.append(place)
    end = 0
    for start, stop in sorted(places):
        if start != end:
            raise ModelFormatError(f"{name} is damaged: its weights overlap or leave a gap")
        end = stop
    if end > size:
        raise ModelFormatError(f"{name} is cut off: {end - size} bytes of its weights are missing")
    if end < size:
        raise ModelFormatError(f"{name} is damaged: {size - end} bytes follow its weights")


def _place(entry: Any) -> tuple[int, int] | None:
    """First byte of a tensor and the one behind its last, or None where its entry is nonsense."""
    if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str):
        return None
    numbers, bounds = _counts(entry.get("shape")), _counts(entry.get("data_offsets"))
    if entry["dtype"] not in _BYTES or numbers is None or bounds is None or len(bounds) != 2:
        return None
    size = math.prod(numbers) * _BYTES[entry["dtype"]]
    return (bounds[0], bounds[1]) if bounds[1] - bounds[0] == size else None


def _counts(value: Any) -> list[int] | None:
    """A list of a few numbers that can count something, or None where it is none."""
    is_list = isinstance(value, list) and len(value) <= 8
    return value if is_list and all(type(n) is int and 0 <= n < 2**40 for n in value) else None
