"""Many structures in one small file, read entry by entry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mapscope.errors import InputError, MapFormatError
from mapscope.files.stream import open_output
from mapscope.training.clusters import ChainSequence, sequences_of
from mapscope.training.entry import CorpusEntry
from mapscope.training.packing import pack, unpack

FORMAT_VERSION = 1
SUFFIX = ".safetensors"
_KEY = "mapscope_corpus"


@dataclass(frozen=True)
class IndexedEntry:
    """What the index of a corpus says of one entry.

    Parameters
    ----------
    name : str
        Name of the entry.
    checksum : str
        Of its packed bytes.
    size : int
        How many they are uncompressed.
    atoms, residues : int
        How many there are; residues count ligands and water too.
    resolution : float or None
        Å.
    method : str
        The experiment.
    sequences : tuple of ChainSequence
        The residues of each chain.
    """

    name: str
    checksum: str
    size: int
    atoms: int
    residues: int
    resolution: float | None
    method: str
    sequences: tuple[ChainSequence, ...]


class PackedEntry:
    """An entry ready to be written, so that a corpus can be built without holding its atoms.

    Parameters
    ----------
    entry : CorpusEntry
        The entry.

    Raises
    ------
    InputError
        If it cannot be packed.
    """

    def __init__(self, entry: CorpusEntry) -> None:
        self.data, size = pack(entry)
        self.index = IndexedEntry(
            name=entry.name,
            checksum=_checksum(self.data),
            size=size,
            atoms=len(entry),
            residues=len(entry.residue_names),
            resolution=entry.resolution,
            method=entry.method,
            sequences=sequences_of(entry),
        )


def write_corpus(path: Path, entries: Iterable[PackedEntry]) -> int:
    """Write a corpus, entries by name, and give the file's size in bytes.

    Equal entries give equal files, in whatever order they come.

    Raises
    ------
    InputError
        If there are none, or two have one name.
    """
    import numpy as np
    from safetensors.numpy import save

    listed = sorted(entries, key=lambda one: one.index.name)
    packed = {one.index.name: one for one in listed}
    if not packed or len(packed) < len(listed):
        raise InputError("a corpus needs entries, each with a name of its own")
    index = {
        "format_version": FORMAT_VERSION,
        "entries": [asdict(p.index) for p in packed.values()],
    }
    text = json.dumps(index, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    tensors = {name: np.frombuffer(p.data, dtype=np.uint8) for name, p in packed.items()}
    content = save(tensors, {_KEY: text})
    with open_output(path) as stream:
        stream.write(content)
    return len(content)


@dataclass(frozen=True, eq=False)
class Corpus(Mapping[str, CorpusEntry]):
    """A corpus in a file; an entry is read when it is asked for.

    Parameters
    ----------
    path : Path
        The file.
    index : mapping of str to IndexedEntry
        What there is, by name.

    Examples
    --------
    ``Corpus.open("corpus.safetensors")["1abc"].structure()`` is one structure of it.
    """

    path: Path
    index: Mapping[str, IndexedEntry]

    @classmethod
    def open(cls, path: str | Path) -> Corpus:
        """The corpus in a file; its index is read, no entry.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        MapFormatError
            If the file is no corpus, or one of a later version.
        """
        from safetensors import SafetensorError, safe_open

        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"there is no corpus {path}: make one with build-corpus")
        try:
            with safe_open(path, "numpy") as file:
                text = (file.metadata() or {}).get(_KEY, "")
            content = json.loads(text)
            version = content["format_version"]
            if version == FORMAT_VERSION:
                return cls(path, {e["name"]: _indexed(e) for e in content["entries"]})
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise MapFormatError(
                f"{path.name} is no corpus: expected a file made by build-corpus ({error})"
            ) from error
        raise MapFormatError(
            f"{path.name} is a corpus of version {version}, and this Mapscope reads "
            f"{FORMAT_VERSION}: build it again, or take a later Mapscope"
        )

    def __getitem__(self, name: str) -> CorpusEntry:
        if name not in self.index:
            raise KeyError(name)
        indexed = self.index[name]
        data = self._bytes(name)
        if _checksum(data) != indexed.checksum:
            raise MapFormatError(f"{self.path.name}: entry {name} is damaged; copy the file again")
        return unpack(data, indexed.size, name, indexed.resolution, indexed.method)

    def __iter__(self) -> Iterator[str]:
        return iter(self.index)

    def __len__(self) -> int:
        return len(self.index)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "index": self.index}

    def _bytes(self, name: str) -> bytes:
        """The packed bytes of an entry."""
        from safetensors import SafetensorError

        try:
            data: bytes = self._file.get_tensor(name).tobytes()
        except SafetensorError as error:
            raise MapFormatError(f"{self.path.name}: entry {name} is missing ({error})") from error
        return data

    @cached_property
    def _file(self) -> Any:
        """The open file; each process opens its own."""
        from safetensors import safe_open

        return safe_open(self.path, "numpy")


def _indexed(content: Mapping[str, Any]) -> IndexedEntry:
    """One entry of the index from its JSON."""
    sequences = tuple(ChainSequence(**s) for s in content["sequences"])
    return IndexedEntry(**{**content, "sequences": sequences})


def _checksum(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
