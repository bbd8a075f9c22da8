"""A coloured surface as binary glTF 2.0, one mesh with a colour at every vertex."""

from __future__ import annotations

import json
from struct import pack
from typing import Any, BinaryIO

import numpy as np

from mapscope.errors import DataError
from mapscope.mesh import Mesh
from mapscope.volume import Array

_FLOAT, _UNSIGNED, _BYTE = 5126, 5125, 5121
_VERTICES, _CORNERS = 34962, 34963


def write_colored_surface(stream: BinaryIO, mesh: Mesh, colors: Array) -> None:
    """Write a mesh and the colours of its vertices.

    `mapscope.files.surface.GlbWriter` draws values in one scale and needs trimesh; this one
    takes the colours that are on the screen.

    Parameters
    ----------
    stream : binary stream
        Where to.
    mesh : Mesh
        The surface; its vertices are written x, y, z in Å.
    colors : array (n, 3) or (n, 4)
        From 0 to 1; opaque where the fourth is missing.

    Raises
    ------
    DataError
        If the mesh has no triangles: glTF has no empty surface.

    References
    ----------
    .. [1] Khronos Group (2021) glTF 2.0 Specification, sections 3.6, 3.7 and 4.4.
    """
    if not len(mesh.faces):
        raise DataError("the surface has no triangles, so there is nothing to draw: leave it out")
    corners = np.ascontiguousarray(mesh.faces, dtype="<u4")
    positions = np.ascontiguousarray(mesh.vertices[:, ::-1], dtype="<f4")
    opaque = np.ones((len(colors), 4))
    opaque[:, : np.shape(colors)[1]] = colors
    paint = np.rint(opaque * 255).astype("u1")
    parts = [corners.tobytes(), positions.tobytes(), paint.tobytes()]
    text = json.dumps(_scene(corners, positions, parts), separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary = b"".join(parts)
    stream.write(pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(binary)))
    stream.write(pack("<I4s", len(text), b"JSON") + text)
    stream.write(pack("<I4s", len(binary), b"BIN\0") + binary)


def _scene(corners: Array, positions: Array, parts: list[bytes]) -> dict[str, Any]:
    """The JSON that says what lies where in the binary part; every length is a multiple of 4."""
    starts = np.cumsum([0, *map(len, parts)]).tolist()
    targets = (_CORNERS, _VERTICES, _VERTICES)
    views = [
        {"buffer": 0, "byteOffset": start, "byteLength": len(part), "target": target}
        for start, part, target in zip(starts, parts, targets, strict=False)
    ]
    count = len(positions)
    place = {"min": positions.min(axis=0).tolist(), "max": positions.max(axis=0).tolist()}
    accessors = [
        {"bufferView": 0, "componentType": _UNSIGNED, "count": corners.size, "type": "SCALAR"},
        {"bufferView": 1, "componentType": _FLOAT, "count": count, "type": "VEC3", **place},
        {"bufferView": 2, "componentType": _BYTE, "count": count, "type": "VEC4"}
        | {"normalized": True},
    ]
    primitive = {"attributes": {"POSITION": 1, "COLOR_0": 2}, "indices": 0, "mode": 4}
    return {
        "asset": {"version": "2.0", "generator": "Mapscope"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "buffers": [{"byteLength": starts[-1]}],
        "bufferViews": views,
        "accessors": accessors,
    }
