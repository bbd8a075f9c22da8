"""Meshes are triangles between vertices that exist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mapscope.errors import GridError
from mapscope.mesh import Mesh
from mapscope.testing import example_noun

VERTICES = np.eye(3, dtype=np.float32)
FACES = np.array([[0, 1, 2]], np.int32)


def test_mesh_arrays_cannot_be_written_to() -> None:
    mesh = Mesh(VERTICES, FACES, np.arange(3, dtype=np.float32))
    for array in (mesh.vertices, mesh.faces, mesh.values):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((3, 2)), FACES), r"vertices \(n, 3\)"),
        ((VERTICES, np.zeros((1, 4), int)), r"faces \(m, 3\)"),
        ((VERTICES, [[0, 1, 3]]), "beyond the 3 that exist"),
        ((VERTICES, [[0, 1, -1]]), "beyond the 3 that exist"),
        ((VERTICES, FACES, np.zeros(2)), "3 vertices need as many values"),
    ],
)
def test_mesh_when_parts_do_not_fit_says_which(arguments: Any, message: str) -> None:
    with pytest.raises(GridError, match=message):
        Mesh(*arguments)


def test_mesh_when_empty_is_one() -> None:
    assert len(Mesh(np.zeros((0, 3)), np.zeros((0, 3), int)).faces) == 0  # type: ignore[arg-type]


def test_checksum_changes_with_every_part_and_only_then() -> None:
    mesh = example_noun(Mesh)
    values = np.arange(4, dtype=np.float32)
    others = [
        replace(mesh, vertices=mesh.vertices + 1),
        replace(mesh, faces=mesh.faces[:, ::-1]),
        replace(mesh, values=values),
        replace(mesh, values=values + 1),
    ]
    assert len({mesh.checksum(), *(other.checksum() for other in others)}) == 5
    assert replace(mesh, vertices=mesh.vertices.copy()).checksum() == mesh.checksum()
