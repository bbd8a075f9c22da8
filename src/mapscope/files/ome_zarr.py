"""OME-Zarr images, versions 0.4 and 0.5: folders with a pyramid of ever coarser levels.

References
----------
J. Moore et al. (2023), OME-Zarr: a cloud-optimized bioimaging file format with international
community support, Histochem. Cell Biol. 160, 223-251.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from mapscope.errors import MapFormatError
from mapscope.files.findings import Findings
from mapscope.files.format import Cover, FolderWriter, Reader
from mapscope.volume import Array, LazyArray, Triple, Volume

if TYPE_CHECKING:
    import zarr

LAZY_ABOVE_BYTES = 256 * 2**20
ANGSTROM_PER_UNIT = {
    "angstrom": 1.0,
    "picometer": 0.01,
    "nanometer": 10.0,
    "micrometer": 1e4,
    "millimeter": 1e7,
    "meter": 1e10,
}
_CODECS = {
    *("blosc", "zlib", "gzip", "zstd", "lz4", "bz2", "lzma", "shuffle", "delta", "bitround"),
    *("fixedscaleoffset", "crc32", "crc32c", "adler32", "bytes", "transpose", "sharding_indexed"),
}
_MAX_METADATA_BYTES = 4 * 2**20
_MAX_LEVELS = 32
_MAX_EDGE = 2**20
_MAX_CHUNK_BYTES = 2**30
_MAX_RATIO = 1000
_KEPT_BYTES = 128 * 2**20
_DAMAGE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RuntimeError)
_EDGE, _CHUNK = 64, 64


@dataclass(frozen=True)
class _Level:
    """One level of a pyramid: its array, which axis is which, and where it lies (zyx, Å)."""

    array: zarr.Array[Any]
    order: tuple[int, ...]
    voxel_size: Triple
    origin: Triple

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along z, y, x."""
        return tuple(self.array.shape[axis] for axis in self.order)


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
        return _volume(_levels(path, findings)[0], findings, LAZY_ABOVE_BYTES)


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
    return tuple(_volume(level, findings, 0) for level in _levels(Path(path), findings))


def _volume(level: _Level, findings: Findings, lazy_above: int) -> Volume:
    """A level as a volume, lazy where it has more bytes than that."""
    axes = [n for n in range(level.array.ndim) if n not in level.order]

    def load(box: tuple[slice, ...]) -> Array:
        selection: list[slice] = [slice(0, 1)] * level.array.ndim
        for axis, part in zip(level.order, box, strict=True):
            selection[axis] = part
        try:
            found: Array = np.asarray(level.array[tuple(selection)])
        except (*_DAMAGE, OSError) as error:
            raise findings.refuse(f"a chunk of its numbers is damaged ({error})") from error
        found = found.transpose(*axes, *level.order).reshape([b.stop - b.start for b in box])
        native: Array = found.astype(found.dtype.newbyteorder("="), copy=False)
        return native

    shape, dtype = level.shape, np.dtype(level.array.dtype).newbyteorder("=")
    chunks = tuple(level.array.chunks[axis] for axis in level.order)
    kept = _with_last_block(lambda box: _finite(load(box)), shape, chunks, dtype.itemsize)
    lazy = LazyArray(shape, dtype, kept)
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


def _with_last_block(
    load: Callable[[tuple[slice, ...]], Array],
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    itemsize: int,
) -> Callable[[tuple[slice, ...]], Array]:
    """The same loader, but whole chunks are read and the last ones kept: slices share them."""
    kept: list[tuple[tuple[slice, ...], Array]] = []

    def load_part(box: tuple[slice, ...]) -> Array:
        block = tuple(
            slice(b.start // c * c, min(-(-b.stop // c) * c, n))
            for b, c, n in zip(box, chunks, shape, strict=True)
        )
        if itemsize * math.prod(b.stop - b.start for b in block) > _KEPT_BYTES:
            return load(box)
        known = kept[-1:]
        if not known or known[0][0] != block:
            known = [(block, load(block))]
            kept[:] = known
        inner = (
            slice(p.start - b.start, p.stop - b.start) for p, b in zip(box, block, strict=True)
        )
        return known[0][1][tuple(inner)]

    return load_part


def _finite(data: Array) -> Array:
    """The same numbers, 0 where they are not finite."""
    return np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0) if data.dtype.kind == "f" else data


def _levels(path: Path, findings: Findings) -> list[_Level]:
    """The levels of the folder's only pyramid, checked."""
    if not path.exists():
        raise FileNotFoundError(f"there is no folder {path}")
    try:
        image, version = _multiscale(path, findings)
        axes = [dict(axis) for axis in image["axes"]]
        names = [str(dataset["path"]) for dataset in image["datasets"]]
        if not 0 < len(names) <= _MAX_LEVELS:
            raise findings.refuse(f"expected 1 to {_MAX_LEVELS} levels, found {len(names)}")
        arrays = [_array(path, name, version, findings) for name in names]
        shared = _scale(image, len(axes))
        scales = [_scale(dataset, len(axes)) for dataset in image["datasets"]]
    except MapFormatError:
        raise
    except (*_DAMAGE, OSError) as error:
        what = f"{type(error).__name__}: {error}"
        raise findings.refuse(
            f"its OME-Zarr metadata are incomplete or damaged ({what})", "no_map"
        ) from error
    order = _order(axes, arrays[0], findings)
    unit = _angstrom_per_unit([axes[n] for n in order], findings)
    levels = []
    for array, (scale, shift) in zip(arrays, scales, strict=True):
        if array.ndim != len(axes):
            raise findings.refuse(f"an array has {array.ndim} axes, the image has {len(axes)}")
        size = unit * (scale * shared[0])[list(order)]
        place = unit * (shift * shared[0] + shared[1])[list(order)]
        if not np.isfinite([size, place]).all() or not ((size > 1e-4) & (size < 1e9)).all():
            raise findings.refuse(f"voxels of {size.tolist()} Å at {place.tolist()} make no sense")
        levels.append(_Level(array, order, tuple(size.tolist()), tuple(place.tolist())))
    return levels


def _multiscale(path: Path, findings: Findings) -> tuple[Mapping[str, Any], int]:
    """The one pyramid of a folder, and whether its arrays are of Zarr 2 or 3."""
    if (path / "zarr.json").is_file():
        attributes = _json(path / "zarr.json", findings).get("attributes", {}).get("ome", {})
        version, known = 3, str(attributes.get("version", "")).startswith("0.5")
    elif (path / ".zattrs").is_file():
        attributes = _json(path / ".zattrs", findings)
        found = str((attributes.get("multiscales") or [{}])[0].get("version", "0.4"))
        version, known = 2, found.startswith("0.4")
    else:
        raise findings.refuse(
            "expected a folder with zarr.json (OME-Zarr 0.5) or .zattrs (0.4), found neither",
            "no_map",
        )
    images = attributes.get("multiscales")
    if not images:
        raise findings.refuse(
            "this Zarr folder has no 'multiscales' and is no OME-Zarr image: open the image "
            "inside it",
            "no_map",
        )
    if not known:
        raise findings.refuse("OME-Zarr of another version than 0.4 and 0.5 is not known")
    if len(images) > 1:
        raise findings.refuse(f"expected one image in the folder, found {len(images)}")
    return dict(images[0]), version


def _json(path: Path, findings: Findings) -> dict[str, Any]:
    """A metadata file."""
    with path.open("rb") as file:
        content = file.read(_MAX_METADATA_BYTES + 1)
    if len(content) > _MAX_METADATA_BYTES:
        raise findings.refuse(f"{path.name} is larger than {_MAX_METADATA_BYTES} bytes")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise findings.refuse(f"{path.name} holds no JSON object")
    return found


def _array(path: Path, name: str, version: int, findings: Findings) -> zarr.Array[Any]:
    """One array inside the folder, its codecs and sizes checked before zarr opens it."""
    import zarr
    from zarr.errors import BaseZarrError

    place = path / name
    if not place.resolve().is_relative_to(path.resolve()):
        raise findings.refuse(f"the level {name!r} lies outside the folder")
    described = _json(place / ("zarr.json" if version == 3 else ".zarray"), findings)
    used = _codec_names(described)
    if not used <= _CODECS:
        raise findings.refuse(f"codecs {sorted(used - _CODECS)} are not known or not safe")
    try:
        array = zarr.open_array(place, mode="r", zarr_format=3 if version == 3 else 2)
    except BaseZarrError as error:
        raise findings.refuse(f"the level {name!r} is damaged ({error})") from error
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise findings.refuse(f"numbers of type {dtype} are not density", "not_density")
    if any(not 1 <= n <= _MAX_EDGE for n in array.shape):
        raise findings.refuse(f"the level {name!r} has the impossible shape {array.shape}")
    if math.prod(array.chunks) * dtype.itemsize > _MAX_CHUNK_BYTES:
        raise findings.refuse(f"chunks of {array.chunks} are too large to be read one by one")
    stored = _bytes_in(place)
    if array.nbytes > _MAX_RATIO * stored:
        raise findings.refuse(f"{stored} bytes cannot hold the {array.nbytes} bytes of {name!r}")
    return array


def _codec_names(described: Mapping[str, Any]) -> set[str]:
    """Names of all codecs in an array's metadata, those inside shards too."""
    found = [described.get("compressor"), *(described.get("filters") or ())]
    found += list(described.get("codecs") or ())
    names: set[str] = set()
    for codec in found:
        if codec is None:
            continue
        names.add(str(codec.get("id") or codec.get("name")).removeprefix("numcodecs."))
        settings = codec.get("configuration") or {}
        for inner in ("codecs", "index_codecs"):
            names |= _codec_names({"codecs": settings.get(inner)})
    return names


def _scale(node: Mapping[str, Any], count: int) -> tuple[Array, Array]:
    """Scale and translation of a level or of the whole image, one number for each axis."""
    scale, shift = np.ones(count), np.zeros(count)
    for step in node.get("coordinateTransformations") or ():
        kind = step["type"]
        if kind == "identity":
            continue
        if kind not in ("scale", "translation"):
            raise ValueError(f"a transformation of type {kind!r}")
        numbers = np.asarray(step[kind], dtype=np.float64)
        if numbers.shape != (count,):
            raise ValueError(f"{kind} {step[kind]} for {count} axes")
        scale, shift = (
            (scale * numbers, shift * numbers)
            if kind == "scale"
            else (
                scale,
                shift + numbers,
            )
        )
    return scale, shift


def _order(
    axes: Sequence[Mapping[str, Any]], array: zarr.Array[Any], findings: Findings
) -> tuple[int, ...]:
    """Where z, y and x stand among the axes; the others must have length 1."""
    names = [str(axis.get("name", "")).lower() for axis in axes]
    if len(names) != array.ndim or any(names.count(name) != 1 for name in "zyx"):
        raise findings.refuse(f"expected axes z, y, x (and t, c), found {names}", "no_map")
    for name, length in zip(names, array.shape, strict=True):
        if name not in "zyx" and length != 1:
            raise findings.refuse(
                f"the axis {name!r} has {length} entries and a map has one: save one alone",
                "not_density",
            )
    return tuple(names.index(name) for name in "zyx")


def _angstrom_per_unit(axes: Sequence[Mapping[str, Any]], findings: Findings) -> Array:
    """What one unit of each axis is in Å."""
    units = [axis.get("unit") for axis in axes]
    if all(unit is None for unit in units):
        findings.report("its axes have no unit", "take Å", "unit_missing")
        return np.ones(3)
    unknown = [unit for unit in units if unit not in ANGSTROM_PER_UNIT]
    if unknown:
        raise findings.refuse(
            f"the unit {unknown[0]!r} of its axes is no length that a map has; expected one of "
            f"{', '.join(ANGSTROM_PER_UNIT)}",
            "unit_unknown",
        )
    return np.array([ANGSTROM_PER_UNIT[str(unit)] for unit in units])


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
    if array.nbytes > _MAX_RATIO / 2 * _bytes_in(folder / name):
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


def _bytes_in(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


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
