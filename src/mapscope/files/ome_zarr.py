"""OME-Zarr images, versions 0.4 and 0.5: folders with a pyramid of ever coarser levels.

References
----------
J. Moore et al. (2023), OME-Zarr: a cloud-optimized bioimaging file format with international
community support, Histochem. Cell Biol. 160, 223-251.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

import numpy as np

from mapscope.cache import Cache
from mapscope.files.findings import Findings
from mapscope.files.format import Cover, FolderWriter, Reader
from mapscope.files.ome_zarr_levels import DAMAGE, MAX_RATIO, Level, bytes_in, levels_of
from mapscope.volume import Array, LazyArray, Volume

if TYPE_CHECKING:
    import zarr

LAZY_ABOVE_BYTES = 256 * 2**20
_KEPT_BYTES, _BLOCK_BYTES = 1024 * 2**20, 128 * 2**20
"""Most bytes of chunks that are kept of what is looked at, and of what a job reads."""

_EDGE, _CHUNK = 64, 64
Box: TypeAlias = tuple[slice, ...]


class OmeZarrReader:
    """Reads the finest level of an OME-Zarr image; see :func:`read_levels` for the others.

    Small images are read at once and searched for numbers that are not finite. Larger ones are
    lazy: their numbers come from the folder when they are asked for, and what is not finite
    comes as 0.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".zarr",)
    noun: ClassVar[type] = Volume

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,  # noqa: ARG002  knows no crystals
    ) -> Volume:
        """The finest level; an image of more than one volume, or without lengths, is refused."""
        findings = Findings(path, permissive)
        finest = levels_of(path, findings)[0]
        return _volume(finest, findings, LAZY_ABOVE_BYTES, Cache(_BLOCK_BYTES))


def read_levels(path: Path | str, *, permissive: bool = False) -> tuple[Volume, ...]:
    """All levels of an OME-Zarr image's pyramid as lazy volumes, the finest first.

    Parameters
    ----------
    path : Path
        The folder.
    permissive : bool
        Take Å where the axes have no unit, with a warning.

    Raises
    ------
    MapFormatError
        If the folder is no OME-Zarr image of one volume, or its axes are no lengths.
    """
    findings = Findings(Path(path), permissive)
    kept = Cache(_KEPT_BYTES)
    return tuple(_volume(level, findings, 0, kept) for level in levels_of(Path(path), findings))


def _volume(level: Level, findings: Findings, lazy_above: int, kept: Cache) -> Volume:
    """A level as a volume, lazy where it has more bytes than that."""
    axes = [n for n in range(level.array.ndim) if n not in level.order]

    def load(box: tuple[slice, ...]) -> Array:
        selection: list[slice] = [slice(0, 1)] * level.array.ndim
        for axis, part in zip(level.order, box, strict=True):
            selection[axis] = part
        try:
            found: Array = np.asarray(level.array[tuple(selection)])
        except (*DAMAGE, OSError) as error:
            raise findings.refuse(f"a chunk of its numbers is damaged ({error})") from error
        found = found.transpose(*axes, *level.order).reshape([b.stop - b.start for b in box])
        native: Array = found.astype(found.dtype.newbyteorder("="), copy=False)
        return native

    shape, dtype = level.shape, np.dtype(level.array.dtype).newbyteorder("=")
    chunks = tuple(level.array.chunks[axis] for axis in level.order)
    blocks = _Blocks(lambda box: _finite(load(box)), shape, chunks, dtype, kept)
    lazy = LazyArray(shape, dtype, blocks.part, block_shape=chunks)
    data = cast("Array", lazy)
    if lazy.nbytes <= lazy_above:
        data = load(tuple(slice(0, n) for n in shape))
        bad = int((~np.isfinite(data)).sum()) if dtype.kind == "f" else 0
        if bad:
            findings.report(
                f"{bad} of {data.size} numbers are not finite", "set them to 0", "not_finite"
            )
            data = _finite(data)
    return Volume(data, level.voxel_size, level.origin)


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Reads whole chunks, and keeps those read last: the slices of a scroll share them.

    Parameters
    ----------
    load : callable
        Takes a tuple of slices, one for each axis, and gives that part from the folder.
    shape, chunks : tuple of int
        Size of the array and of its chunks.
    dtype : numpy.dtype
        Type of its numbers.
    kept : Cache
        What was read last, of all levels of an image.
    """

    load: Callable[[Box], Array]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    kept: Cache

    def part(self, box: Box) -> Array:
        """A part, from layers of chunks across the axis along which it is thinnest."""
        lengths = [b.stop - b.start for b in box]
        axis = int(np.argmin(lengths))
        if self.dtype.itemsize * math.prod(lengths) > _BLOCK_BYTES or not all(lengths):
            return self.load(box)
        found: Array = np.empty(lengths, self.dtype)
        for low, high in self._layers(box, axis):
            layer = tuple(slice(low, high) if n == axis else b for n, b in enumerate(box))
            place = slice(low - box[axis].start, high - box[axis].start)
            found[(slice(None),) * axis + (place,)] = self._of_layer(layer)
        return found

    def _of_layer(self, box: Box) -> Array:
        """A part that lies within one layer of chunks."""
        block = self._around(box)
        if self._bytes(block) > self.kept.budget:
            return self.load(box)
        key = (id(self), *((b.start, b.stop) for b in block))
        whole: Array = self.kept.get(key, lambda: self.load(block))
        inner = (
            slice(p.start - b.start, p.stop - b.start) for p, b in zip(box, block, strict=True)
        )
        return whole[tuple(inner)]

    def _layers(self, box: Box, axis: int) -> list[tuple[int, int]]:
        """Where a part begins and ends in each layer of chunks across an axis."""
        step, (start, stop) = self.chunks[axis], (box[axis].start, box[axis].stop)
        firsts = range(start // step * step, stop, step)
        return [(max(first, start), min(first + step, stop)) for first in firsts]

    def _around(self, box: Box) -> Box:
        """The smallest part made of whole chunks that holds another one."""
        return tuple(
            slice(b.start // c * c, min(-(-b.stop // c) * c, n))
            for b, c, n in zip(box, self.chunks, self.shape, strict=True)
        )

    def _bytes(self, box: Box) -> int:
        return int(self.dtype.itemsize * math.prod(b.stop - b.start for b in box))


def _finite(data: Array) -> Array:
    """The same numbers, 0 where they are not finite."""
    if data.dtype.kind != "f" or np.isfinite(data.sum(dtype=np.float64)):
        return data  # one number that is not finite makes the sum so
    return np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)


class OmeZarrWriter:
    """Writes volumes as OME-Zarr 0.5, with a pyramid of means over two voxels each way."""

    suffixes: ClassVar[tuple[str, ...]] = (".zarr",)
    nouns: ClassVar[tuple[type, ...]] = (Volume,)

    def write_folder(self, noun: Any, folder: Path, suffix: str) -> None:  # noqa: ARG002
        """Write a volume into an empty folder; lazy and mapped ones slab by slab."""
        import zarr

        volume: Volume = noun
        group = zarr.create_group(folder, zarr_format=3)
        data, voxel, origin = volume.data, np.array(volume.voxel_size), np.array(volume.origin)
        datasets: list[dict[str, Any]] = []
        while True:
            name = str(len(datasets))
            data = _written(group, folder, name, data)
            steps = [{"type": "scale", "scale": voxel.tolist()}]
            steps.append({"type": "translation", "translation": origin.tolist()})
            datasets.append({"path": name, "coordinateTransformations": steps})
            if max(data.shape) <= _EDGE:
                break
            # A mean over voxels 0 and 1 lies between them; one voxel alone stays where it is.
            origin = origin + np.where(np.array(data.shape) > 1, voxel / 2, 0)
            voxel = voxel * np.where(np.array(data.shape) > 1, 2, 1)
            data = _halved(data)
        axes = [{"name": name, "type": "space", "unit": "angstrom"} for name in "zyx"]
        image: Any = {"name": "map", "axes": axes, "datasets": datasets, "type": "mean"}
        group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}


def _written(group: zarr.Group, folder: Path, name: str, data: Array) -> Array:
    """An array in the group, and the same lazily.

    One that packs so well that it would pass for a decompression bomb is written unpacked.
    """
    array = _filled(group, name, data, is_packed=True)
    if array.nbytes > MAX_RATIO / 2 * bytes_in(folder / name):
        array = _filled(group, name, data, is_packed=False)
    return cast("Array", LazyArray(data.shape, array.dtype, lambda box: np.asarray(array[box])))


def _filled(group: zarr.Group, name: str, data: Array, *, is_packed: bool) -> zarr.Array[Any]:
    """A new array in the group with these data, slab by slab."""
    import zarr.codecs

    dtype = np.dtype(np.uint8) if data.dtype.kind == "b" else data.dtype.newbyteorder("=")
    array = group.create_array(
        name,
        shape=data.shape,
        dtype=dtype,
        chunks=tuple(min(_CHUNK, n) for n in data.shape),
        compressors=zarr.codecs.ZstdCodec(level=3) if is_packed else None,
        dimension_names=("z", "y", "x"),
        config={"write_empty_chunks": not is_packed},
        overwrite=True,
    )
    for first in range(0, data.shape[0], _CHUNK):
        array[first : first + _CHUNK] = np.asarray(data[first : first + _CHUNK], dtype=dtype)
    return array


def _halved(data: Array) -> Array:
    """Means over two voxels along each axis, lazily; at an odd end over those there are."""
    shape = tuple((n + 1) // 2 for n in data.shape)

    def load(box: tuple[slice, ...]) -> Array:
        fine = tuple(
            slice(2 * b.start, min(2 * b.stop, n)) for b, n in zip(box, data.shape, strict=True)
        )
        part = np.asarray(data[fine], dtype=np.float64)
        for axis in range(3):
            counts = part.shape[axis]
            sums = np.add.reduceat(part, np.arange(0, counts, 2), axis=axis)
            width = np.minimum(2, counts - np.arange(0, counts, 2))
            part = sums / width.reshape([-1 if a == axis else 1 for a in range(3)])
        return (np.rint(part) if data.dtype.kind in "iu" else part).astype(data.dtype)

    return cast("Array", LazyArray(shape, data.dtype, load))


READERS: tuple[Reader, ...] = (OmeZarrReader(),)
WRITERS: tuple[FolderWriter, ...] = (OmeZarrWriter(),)
