"""Meshes are written so that an independent parser finds vertices, faces and values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.measure import marching_cubes

from mapscope import files
from mapscope.errors import UnknownFormatError
from mapscope.mesh import Mesh

Array = np.ndarray[Any, Any]
CORNERS = np.array([[0, 0, 0], [0, 0, 2], [0, 3, 0], [4, 0, 0]], np.float32)
# Counter-clockwise from outside in the frame x, y, z.
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
SHIFTED = Mesh(CORNERS + np.array([10.25, -20.5, 30.125], np.float32), FACES)


def signed_volume(vertices: Array, faces: Array) -> float:
    a, b, c = (vertices[faces[:, n]].astype(float) for n in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def read_ply(path: Path) -> tuple[Array, Array]:
    """Vertices as a record array and faces of a binary PLY, after its own specification."""
    head, _, body = path.read_bytes().partition(b"end_header\n")
    lines = head.decode().splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    types = {"float": "<f4", "uchar": "u1"}
    fields = [
        (w[2], types[w[1]]) for w in map(str.split, lines) if w[0] == "property" and len(w) == 3
    ]
    counts = [int(w[2]) for w in map(str.split, lines) if w[0] == "element"]
    vertices = np.frombuffer(body, fields, counts[0])
    faces = np.frombuffer(body, "u1,(3,)<i4", counts[1], vertices.nbytes)
    assert vertices.nbytes + faces.nbytes == len(body)
    assert (faces["f0"] == 3).all()
    return vertices, faces["f1"]


def read_obj(path: Path) -> tuple[Array, Array]:
    rows = [line.split() for line in path.read_text().splitlines()]
    vertices = np.array([[float(n) for n in row[1:]] for row in rows if row[0] == "v"])
    return vertices, np.array([[int(n) - 1 for n in row[1:]] for row in rows if row[0] == "f"])


def test_write_when_a_mesh_becomes_ply_then_x_y_z_and_outside_are_kept(tmp_path: Path) -> None:
    vertices, faces = read_ply(files.write(tmp_path / "a.ply", SHIFTED))
    assert vertices.dtype.names == ("x", "y", "z")
    found = np.stack([vertices[n] for n in "xyz"], axis=1)
    np.testing.assert_array_equal(found[:, ::-1], SHIFTED.vertices)
    assert signed_volume(found, faces) == pytest.approx(4.0)


def test_write_when_marching_cubes_made_the_mesh_then_its_outside_is_outside(
    tmp_path: Path,
) -> None:
    z, y, x = np.indices((20, 20, 20)) - 9.5
    corners, corner_indices, _, _ = marching_cubes(6.0 - np.sqrt(z * z + y * y + x * x), 0.0)
    path = files.write(tmp_path / "a.ply", Mesh(corners, corner_indices))
    vertices, faces = read_ply(path)
    found = np.stack([vertices[n] for n in "xyz"], axis=1)
    assert signed_volume(found, faces) == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.02)


def test_write_when_a_mesh_has_values_then_ply_holds_them_and_their_colours(
    tmp_path: Path,
) -> None:
    values = np.array([2.0, 3.0, 4.0, 6.0], np.float32)
    mesh = Mesh(CORNERS, FACES, values)
    vertices, _ = read_ply(files.write(tmp_path / "a.ply", mesh))
    np.testing.assert_array_equal(vertices["quality"], values)
    assert vertices[["red", "green", "blue"]].tolist() == [
        (68, 1, 84),
        (59, 82, 139),
        (33, 145, 140),
        (253, 231, 37),
    ]


def test_write_when_a_mesh_becomes_obj_then_faces_count_from_one_and_colours_follow(
    tmp_path: Path,
) -> None:
    vertices, faces = read_obj(files.write(tmp_path / "a.obj", SHIFTED))
    np.testing.assert_array_equal(vertices[:, ::-1].astype(np.float32), SHIFTED.vertices)
    assert signed_volume(vertices, faces) == pytest.approx(4.0)
    coloured = Mesh(CORNERS, FACES, np.array([5.0, 5.0, 5.0, 5.0]))
    vertices, _ = read_obj(files.write(tmp_path / "b.obj", coloured))
    np.testing.assert_allclose(
        vertices[:, 3:], np.tile(np.array([68, 1, 84]) / 255, (4, 1)), atol=1e-4
    )


def test_write_when_a_mesh_becomes_stl_then_corners_and_normals_point_outward(
    tmp_path: Path,
) -> None:
    content = files.write(tmp_path / "a.stl", SHIFTED).read_bytes()
    assert not content.startswith(b"solid")
    assert int.from_bytes(content[80:84], "little") == len(FACES)
    rows = np.frombuffer(content[84:], "(3,)<f4,(3,3)<f4,<u2")
    np.testing.assert_array_equal(rows["f1"][:, :, ::-1], SHIFTED.vertices[FACES])
    corners = rows["f1"].reshape(-1, 3).astype(float)
    assert signed_volume(corners, np.arange(12).reshape(4, 3)) == pytest.approx(4.0)
    outward = rows["f1"].mean(axis=1) - corners.mean(axis=0)
    assert ((rows["f0"] * outward).sum(axis=1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(rows["f0"], axis=1), 1, rtol=1e-6)


def test_write_when_a_mesh_has_values_then_stl_is_refused(tmp_path: Path) -> None:
    mesh = Mesh(CORNERS, FACES, np.zeros(4, np.float32))
    with pytest.raises(UnknownFormatError, match=r"no room for the values.*\.ply"):
        files.write(tmp_path / "a.stl", mesh)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".stl"])
def test_write_when_a_mesh_is_written_twice_then_the_bytes_are_equal(
    tmp_path: Path, suffix: str
) -> None:
    one, two = (files.write(tmp_path / f"{n}{suffix}", SHIFTED).read_bytes() for n in "ab")
    assert one == two


@pytest.mark.parametrize("suffix", [".ply", ".obj"])
def test_write_when_a_mesh_is_empty_then_the_file_is_too(tmp_path: Path, suffix: str) -> None:
    empty = Mesh(np.empty((0, 3), np.float32), np.empty((0, 3), np.int32))
    path = files.write(tmp_path / f"a{suffix}", empty)
    if suffix == ".ply":
        vertices, faces = read_ply(path)
        assert (len(vertices), len(faces)) == (0, 0)
    else:
        assert path.read_text().count("\n") == 1


def test_write_when_trimesh_is_missing_then_glb_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "trimesh", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UnknownFormatError, match=r"pip install 'napari-mapscope\[mesh\]'"):
        files.write(tmp_path / "a.glb", SHIFTED)
    assert list(tmp_path.iterdir()) == []
    assert "trimesh" not in sys.modules


def test_write_when_trimesh_is_there_then_glb_holds_the_mesh(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh", reason="trimesh, of the extra 'mesh', is missing")
    path = files.write(tmp_path / "a.glb", SHIFTED)
    found = trimesh.load(path, force="mesh", process=False)
    np.testing.assert_allclose(found.vertices[:, ::-1], SHIFTED.vertices)
    assert found.volume == pytest.approx(4.0)
