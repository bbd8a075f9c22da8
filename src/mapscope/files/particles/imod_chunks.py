"""The chunks of an IMOD model: objects, their contours, and where the model lies.

References
----------
IMOD binary file format, https://bio3d.colorado.edu/imod/doc/binspec.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mapscope.files.findings import Findings
from mapscope.volume import Array

MAGIC = b"IMODV1.2"
_MODEL = struct.Struct(">128s4iI4i6f5if2i3f")
_OBJECT = struct.Struct(">64s64siIii3fi8Bii")
_CONTOUR = struct.Struct(">iIii")
_MESH = struct.Struct(">iiIhh")
_CHUNK = struct.Struct(">4si")
_MOST = 10**8
_NAME_BYTES = 64
_KNOWS_ORIGIN = 1 << 14
_WRITTEN_FLAGS = (1 << 9) | (1 << 10) | (1 << 12) | (1 << 13)  # z begins at -0.5 (bit 10)
_REFERENCE_BYTES = 72
_SCATTERED, _OPEN = 1 << 9, 1 << 3
_ANGSTROM = -10
_COLORS = ((0, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 0, 0), (0, 0, 1), (1, 0.5, 0.2))


@dataclass
class Contour:
    """Points x, y, z of one contour, and the radius of each in voxels where it has one."""

    points: Array
    sizes: Array | None = None


@dataclass
class Object:
    """One object: a name and contours."""

    name: str
    contours: list[Contour] = field(default_factory=list)


@dataclass
class Model:
    """A whole model.

    Parameters
    ----------
    size : tuple of int
        Of the image that it was drawn on, x, y, z.
    voxel_size : float, optional
        Edge of that image's voxels in Å, where the model says it.
    objects : list of Object
        What was drawn.
    start : tuple of float
        Where the part of the image that it was drawn on begins in the whole, in voxels, x, y, z.
    """

    size: tuple[int, int, int]
    voxel_size: float | None
    objects: list[Object]
    start: tuple[float, float, float] = (0.0, 0.0, 0.0)


def parse_model(content: bytes, findings: Findings) -> Model:
    """The model in a file's bytes.

    Raises
    ------
    MapFormatError
        If it is no model, cut off, or names impossible counts.
    """
    reader = _Reader(content, findings)
    if content[: len(MAGIC)] != MAGIC:
        raise findings.refuse(f"expected an IMOD model, which begins with {MAGIC!r}")
    reader.place = len(MAGIC)
    head = reader.unpack(_MODEL)
    size, flags, pixel, units = (head[1], head[2], head[3]), head[5], head[21], head[22]
    known, start = _pixel_size(pixel, units), (0.0, 0.0, 0.0)
    objects: list[Object] = []
    for kind in reader.chunks():
        if kind == b"OBJT":
            name = reader.unpack(_OBJECT)[0].split(b"\0")[0].decode("latin-1").strip()
            objects.append(Object(name))
        elif kind == b"CONT":
            count = reader.unpack(_CONTOUR)[0]
            points = reader.floats(3 * reader.checked(count)).reshape(-1, 3)
            reader.last_of(objects).contours.append(Contour(points))
        elif kind == b"MESH":
            vertices, indices, *_ = reader.unpack(_MESH)
            reader.skip(12 * reader.checked(vertices) + 4 * reader.checked(indices))
        else:
            body = reader.body()
            if kind == b"SIZE" and objects and objects[-1].contours:
                _sized(objects[-1].contours[-1], body)
            elif kind == b"MINX" and len(body) >= _REFERENCE_BYTES:
                known = known or _current_scale(body)
                start = _start_of_part(body, findings) if flags & _KNOWS_ORIGIN else start
    return Model(size, known, objects, start)


def _pixel_size(pixel: float, units: int) -> float | None:
    """Å of one pixel from the model's header, or None where it counts in pixels."""
    if units == 0 or not -12 <= units <= 3 or not np.isfinite(pixel) or pixel <= 0:
        return None
    return float(np.float64(repr(np.float32(pixel).item()))) * 10.0 ** (units - _ANGSTROM)


def _current_scale(body: bytes) -> float | None:
    """Å of one voxel of the image that the model was last shown on, where it was known."""
    x, y, z = np.frombuffer(body, ">f4", 3, 36).astype(np.float64)
    is_known = 0 < x < 1e6 and abs(x - y) < 1e-3 * x and abs(x - z) < 1e-3 * x and x != 1
    return float(str(np.float32(x))) if is_known else None


def _start_of_part(body: bytes, findings: Findings) -> tuple[float, float, float]:
    """Where the part of an image begins that was loaded when the model was saved, in voxels.

    References
    ----------
    https://bio3d.colorado.edu/imod/doc/asciispec.html: refoldtrans, refcurtrans, refcurscale.
    """
    numbers = np.frombuffer(body, ">f4", 18).astype(np.float64).reshape(6, 3)
    _, of_image, _, scale, of_part, turns = numbers
    if not np.isfinite(numbers).all() or (scale <= 0).any():
        return (0.0, 0.0, 0.0)
    x, y, z = ((of_image - of_part) / scale).round(3).tolist()
    if any((x, y, z)) and turns.any():
        findings.report(
            "it was drawn on a part of a turned image, and where that part lies is not known: "
            "save it from 3dmod with the whole image",
            "take its points as counted from that part",
            "part_of_image",
        )
        return (0.0, 0.0, 0.0)
    return x, y, z


def _sized(contour: Contour, body: bytes) -> None:
    """Radii of a contour's points."""
    if len(body) == 4 * len(contour.points):
        contour.sizes = np.frombuffer(body, ">f4").astype(np.float64)


class _Reader:
    """A place in the bytes of a file."""

    def __init__(self, content: bytes, findings: Findings) -> None:
        self.content, self.findings, self.place = content, findings, 0

    def chunks(self) -> Iterator[bytes]:
        """Kind of each chunk, until the model says that it ends."""
        while True:
            kind = self.take(4)
            if kind == b"IEOF":
                return
            yield kind

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if self.place + count > len(self.content):
            raise self.findings.refuse(
                f"the model ends after {len(self.content)} bytes, in the middle of a chunk: it "
                "is cut off, copy it again",
                "truncated",
            )
        self.place += count
        return self.content[self.place - count : self.place]

    def unpack(self, form: struct.Struct) -> tuple[Any, ...]:
        """The next bytes as numbers."""
        return form.unpack(self.take(form.size))

    def floats(self, count: int) -> Array:
        """The next numbers, as double precision."""
        return np.frombuffer(self.take(4 * count), ">f4").astype(np.float64)

    def skip(self, count: int) -> None:
        """Pass over bytes."""
        self.take(count)

    def body(self) -> bytes:
        """What stands in a chunk that says its length."""
        return self.take(self.checked(int(struct.unpack(">i", self.take(4))[0])))

    def checked(self, count: int) -> int:
        """A count, if the file can hold as many."""
        if not 0 <= count <= min(_MOST, len(self.content)):
            raise self.findings.refuse(f"a chunk of {count} items cannot be in this file")
        return count

    def last_of(self, objects: list[Object]) -> Object:
        """The object that a contour belongs to."""
        if not objects:
            raise self.findings.refuse("a contour stands before the first object")
        return objects[-1]


def model_bytes(model: Model) -> bytes:
    """A model as a file: scattered points, shown as spheres."""
    pixel, units = (model.voxel_size, _ANGSTROM) if model.voxel_size is not None else (1.0, 0)
    head = _MODEL.pack(
        *(b"Mapscope", *model.size, len(model.objects), _WRITTEN_FLAGS, 1, 2, 0, 255),
        *(0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0, 0, -1, 3, 128, pixel, units, 0, 0.0, 0.0, 0.0),
    )
    parts = [MAGIC, head]
    for n, one in enumerate(model.objects):
        parts += _object_bytes(one, _COLORS[n % len(_COLORS)])
    return b"".join([*parts, b"IEOF"])


def _object_bytes(one: Object, color: Sequence[float]) -> Iterator[bytes]:
    """An object with its contours."""
    name = one.name.encode("latin-1", "replace")[: _NAME_BYTES - 1]
    look = (*color, 8, 1, 3, 1, 1, 0, 0, 0, 0, 0, 0)
    flags = _SCATTERED | _OPEN
    yield b"OBJT" + _OBJECT.pack(name, bytes(64), len(one.contours), flags, 0, 1, *look)
    for contour in one.contours:
        yield b"CONT" + _CONTOUR.pack(len(contour.points), 0, 0, 0)
        yield np.ascontiguousarray(contour.points, ">f4").tobytes()
        if contour.sizes is not None:
            content = np.ascontiguousarray(contour.sizes, ">f4").tobytes()
            yield _CHUNK.pack(b"SIZE", len(content)) + content
