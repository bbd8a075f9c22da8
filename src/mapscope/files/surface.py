"""Meshes as PLY, OBJ and GLB, values as numbers and colours; as STL, bare, for printing."""

from __future__ import annotations

import importlib.util
from typing import Any, BinaryIO, ClassVar

import numpy as np
import numpy.typing as npt

from mapscope.errors import UnknownFormatError
from mapscope.files.format import Writer
from mapscope.mesh import Mesh

# Viridis at 0, 1/4, 1/2, 3/4 and 1.
_RAMP = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]])
_BLOCK = 100_000


class PlyWriter:
    """Writes meshes as binary PLY: x, y, z in Å, the values as `quality` and as colours.

    The corners of a face keep their order: scikit-image's marching cubes leaves them
    counter-clockwise seen from outside, in the frame x, y, z that programs look at.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".ply",)
    nouns: ClassVar[tuple[type, ...]] = (Mesh,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write a mesh."""
        mesh: Mesh = noun
        fields = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
        if mesh.values is not None:
            fields += [("quality", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
        vertices = np.zeros(len(mesh.vertices), fields)
        for name, column in zip("zyx", mesh.vertices.T, strict=True):
            vertices[name] = column
        if mesh.values is not None:
            vertices["quality"] = mesh.values
            for name, column in zip(("red", "green", "blue"), _colors(mesh.values).T, strict=True):
                vertices[name] = column
        faces = np.zeros(len(mesh.faces), [("count", "u1"), ("corners", "<i4", (3,))])
        faces["count"], faces["corners"] = 3, mesh.faces
        kind = {"<f4": "float", "u1": "uchar"}
        head = ["ply", "format binary_little_endian 1.0", "comment Mapscope: x, y, z in angstrom"]
        head.append(f"element vertex {len(vertices)}")
        head += [f"property {kind[dtype]} {name}" for name, dtype in fields]
        head.append(f"element face {len(faces)}")
        head += ["property list uchar int vertex_indices", "end_header", ""]
        stream.write("\n".join(head).encode())
        stream.write(vertices.tobytes())
        stream.write(faces.tobytes())


class ObjWriter:
    """Writes meshes as OBJ text: x, y, z in Å, the values as colours behind them."""

    suffixes: ClassVar[tuple[str, ...]] = (".obj",)
    nouns: ClassVar[tuple[type, ...]] = (Mesh,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write a mesh."""
        mesh: Mesh = noun
        rows: npt.NDArray[np.float64] = mesh.vertices[:, ::-1].astype(np.float64)
        form = "v %.9g %.9g %.9g"
        if mesh.values is not None:
            rows = np.concatenate([rows, _colors(mesh.values) / 255], axis=1)
            form += " %.4f %.4f %.4f"
        stream.write(b"# Mapscope: x, y, z in angstrom\n")
        _write_rows(stream, form, rows)
        _write_rows(stream, "f %d %d %d", mesh.faces + 1)


class GlbWriter:
    """Writes meshes as binary glTF through trimesh, the values as colours."""

    suffixes: ClassVar[tuple[str, ...]] = (".glb",)
    nouns: ClassVar[tuple[type, ...]] = (Mesh,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write a mesh.

        Raises
        ------
        UnknownFormatError
            If trimesh is not installed.
        """
        if importlib.util.find_spec("trimesh") is None:
            raise UnknownFormatError(
                "writing .glb needs trimesh: pip install 'napari-mapscope[mesh]', or write .ply"
            )
        import trimesh

        mesh: Mesh = noun
        colors = None if mesh.values is None else _colors(mesh.values)
        model = trimesh.Trimesh(
            mesh.vertices[:, ::-1], mesh.faces, vertex_colors=colors, process=False
        )
        stream.write(model.export(file_type="glb"))


class StlWriter:
    """Writes meshes without values as binary STL: x, y, z in Å of each triangle's corners."""

    suffixes: ClassVar[tuple[str, ...]] = (".stl",)
    nouns: ClassVar[tuple[type, ...]] = (Mesh,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write a mesh.

        Raises
        ------
        UnknownFormatError
            If the mesh has values.
        """
        mesh: Mesh = noun
        if mesh.values is not None:
            raise UnknownFormatError(
                ".stl has no room for the values and colours of a surface: write .ply, .obj or "
                ".glb, or make the surface without colouring it by a map"
            )
        stream.write(b"Mapscope: x, y, z in angstrom".ljust(80))
        stream.write(np.uint32(len(mesh.faces)).astype("<u4").tobytes())
        fields = [("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attribute", "<u2")]
        for first in range(0, len(mesh.faces), _BLOCK):
            corners = mesh.vertices[mesh.faces[first : first + _BLOCK], ::-1]
            edges = corners[:, 1:].astype(np.float64) - corners[:, :1]
            normals = np.cross(edges[:, 0], edges[:, 1])
            length = np.linalg.norm(normals, axis=1, keepdims=True)
            triangles = np.zeros(len(corners), fields)
            triangles["normal"] = normals / np.where(length > 0, length, 1.0)
            triangles["corners"] = corners
            stream.write(triangles.tobytes())


def _colors(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Colours (n, 3), from the lowest value to the highest; one colour where all are equal."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    place = (np.nan_to_num(values.astype(np.float64), nan=low) - low) / ((high - low) or 1.0)
    stops = np.linspace(0, 1, len(_RAMP))
    columns = [np.interp(np.clip(place, 0, 1), stops, _RAMP[:, n]) for n in range(3)]
    colors: npt.NDArray[np.uint8] = np.rint(np.stack(columns, axis=1)).astype(np.uint8)
    return colors


def _write_rows(stream: BinaryIO, form: str, rows: npt.NDArray[Any]) -> None:
    """Lines of text, a block at a time."""
    for first in range(0, len(rows), _BLOCK):
        part = rows[first : first + _BLOCK].tolist()
        stream.write(("\n".join(form % tuple(row) for row in part) + "\n").encode())


WRITERS: tuple[Writer, ...] = (PlyWriter(), ObjWriter(), GlbWriter(), StlWriter())
