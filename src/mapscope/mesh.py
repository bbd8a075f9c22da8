"""A triangulated surface in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import GridError
from mapscope.volume import checksum_of_arrays, read_only


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in space, with an optional value at every vertex.

    Parameters
    ----------
    vertices : float32 array (n, 3)
        Positions in Å, z, y, x.
    faces : int32 array (m, 3)
        Indices of the three vertices of each triangle.
    values : float32 array (n,), optional
        A number at every vertex, such as the local resolution in Å.

    Raises
    ------
    GridError
        If the shapes do not fit or a face names a vertex that does not exist.
    """

    vertices: npt.NDArray[np.float32]
    faces: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        vertices = read_only(np.asarray(self.vertices, dtype=np.float32))
        faces = read_only(np.asarray(self.faces, dtype=np.int32))
        if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
            raise GridError(
                f"a mesh needs vertices (n, 3) and faces (m, 3), "
                f"got {vertices.shape} and {faces.shape}"
            )
        if faces.size and (faces.min() < 0 or faces.max() >= len(vertices)):
            raise GridError(f"a face names a vertex beyond the {len(vertices)} that exist")
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "faces", faces)
        if self.values is not None:
            values = read_only(np.asarray(self.values, dtype=np.float32))
            if values.shape != (len(vertices),):
                raise GridError(f"{len(vertices)} vertices need as many values, got {values.shape}")
            object.__setattr__(self, "values", values)

    def checksum(self) -> str:
        """Hash of vertices, faces and values, as written into records."""
        extra = () if self.values is None else (self.values,)
        return checksum_of_arrays("mesh", "", self.vertices, self.faces, *extra)
