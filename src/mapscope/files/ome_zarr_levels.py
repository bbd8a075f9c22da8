"""The levels of an OME-Zarr image: what its metadata say, checked before an array is opened.

References
----------
J. Moore et al. (2023), OME-Zarr: a cloud-optimized bioimaging file format with international
community support, Histochem. Cell Biol. 160, 223-251.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mapscope.errors import MapFormatError
from mapscope.files.findings import Findings
from mapscope.volume import Array, Triple

if TYPE_CHECKING:
    import zarr

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
_MAX_SPARSE_BYTES = 2**40
MAX_RATIO = 1000
DAMAGE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RuntimeError)


@dataclass(frozen=True)
class Level:
    """One level of a pyramid: its array, which axis is which, and where it lies (zyx, Å)."""

    array: zarr.Array[Any]
    order: tuple[int, ...]
    voxel_size: Triple
    origin: Triple

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along z, y, x."""
        return tuple(self.array.shape[axis] for axis in self.order)


def levels_of(path: Path, findings: Findings) -> list[Level]:
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
    except (*DAMAGE, OSError) as error:
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
        levels.append(Level(array, order, tuple(size.tolist()), tuple(place.tolist())))
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
    _check_packing(array, place, name, findings)
    return array


def _check_packing(array: zarr.Array[Any], place: Path, name: str, findings: Findings) -> None:
    """Refuse files that would unpack to far more than they can hold.

    Chunks that are absent hold one value and take no room, but no more than a tomogram can
    have: nothing else would bound what they pass for.
    """
    stored = chunks = 0
    for file in place.rglob("*"):
        size = file.stat().st_size if file.is_file() else 0
        stored, chunks = stored + size, chunks + (size > 0)
        if array.nbytes <= MAX_RATIO * stored:
            return  # a folder of many thousand chunks need not be counted to its end
    unpacked = min(chunks * math.prod(array.shards or array.chunks), array.size)
    if unpacked * array.dtype.itemsize > MAX_RATIO * stored or array.nbytes > _MAX_SPARSE_BYTES:
        raise findings.refuse(f"{stored} bytes cannot hold the {array.nbytes} bytes of {name!r}")


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


def bytes_in(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
