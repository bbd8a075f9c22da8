"""IMOD models: chunks, objects and contours, scales, and the middle of the first voxel."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import MapFormatError
from mapscope.files.findings import FileWarning, Findings
from mapscope.files.particles import self_check
from mapscope.files.particles.imod_chunks import parse_model
from mapscope.particles import Particles

TextFile = Callable[..., Path]


def contour(points: list[tuple[float, float, float]], sizes: list[float] | None = None) -> bytes:
    """A contour, and the sizes of its points."""
    body = b"CONT" + struct.pack(">iIii", len(points), 0, 0, 0)
    body += struct.pack(f">{3 * len(points)}f", *(n for p in points for n in p))
    if sizes is not None:
        body += b"SIZE" + struct.pack(">i", 4 * len(sizes)) + struct.pack(f">{len(sizes)}f", *sizes)
    return body


def item(name: bytes, *contours: bytes) -> bytes:
    """An object with its contours."""
    head = struct.pack(
        ">64s64siIii3fi8Bii", name, b"", len(contours), 0, 0, 1, 0, 1, 0, 2, *[1] * 8, 0, 0
    )
    return b"OBJT" + head + b"".join(contours)


def model(
    *objects: bytes,
    pixel: float = 1.0,
    units: int = 0,
    flags: int = 0x3E00,
    rest: bytes = b"",
) -> bytes:
    """A whole model."""
    head = struct.pack(
        ">128s4iI4i6f5if2i3f",
        *(b"IMOD-NewModel", 100, 90, 80, len(objects), flags, 1, 2, 0, 255),
        *(0, 0, 0, 1, 1, 1, 0, 0, 0, 3, 128, pixel, units, 0, 0, 0, 0),
    )
    return b"IMODV1.2" + head + b"".join(objects) + rest + b"IEOF"


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk that says its length."""
    return kind + struct.pack(">i", len(body)) + body


TWO = (
    item(b"gold", contour([(10.5, 20.5, 30.0)], [4.0]), contour([])),
    item(b"", contour([(0.5, 0.5, -76.0), (1, 2, 3)])),
)


def test_the_first_voxel_lies_at_half_half_zero(text_file: TextFile) -> None:
    picks = read(text_file("a.mod", model(*TWO)), voxel_size=2.0)
    np.testing.assert_array_equal(picks.positions, [[60, 40, 20], [-152, 0, 0], [6, 3, 1]])
    assert picks.species == ("gold", "2", "2")
    assert picks.columns["imod.contour"].tolist() == [1, 1, 1]
    assert picks.columns["imod.radius"].tolist() == [4, -1, -1]


@pytest.mark.parametrize(
    ("pixel", "units", "size"), [(13.48, -10, 13.48), (1.348, -9, 13.48), (0.5, -6, 5000)]
)
def test_a_model_may_say_its_voxel_size(
    pixel: float, units: int, size: float, text_file: TextFile
) -> None:
    picks = read(text_file("a.mod", model(*TWO, pixel=pixel, units=units)))
    np.testing.assert_allclose(picks.columns["voxel_size"], size)
    np.testing.assert_allclose(picks.positions[0], np.array([30, 20, 10]) * size)


def test_the_scale_of_the_image_says_it_as_well(text_file: TextFile) -> None:
    scale = chunk(b"MINX", struct.pack(">18f", *[1.0] * 9, *[7.5] * 3, *[0.0] * 6))
    picks = read(text_file("a.mod", model(*TWO, rest=scale)))
    assert set(picks.columns["voxel_size"]) == {7.5}


def reference(whole: list[float], part: list[float], turn: float = 0.0) -> bytes:
    """The chunk that relates a model to its image of 2 Å, and to the part that was loaded."""
    old = [1.0, 1.0, 1.0, *whole, 0.0, 0.0, 0.0]
    numbers = [*old, 2.0, 2.0, 2.0, *part, turn, 0.0, 0.0]
    return chunk(b"MINX", struct.pack(">18f", *numbers))


def test_a_model_of_a_part_of_an_image_counts_from_the_whole(text_file: TextFile) -> None:
    """As 3dmod saves it when it was told to load columns from 30 and lines from 10 on."""
    whole, part = [-850.0, 0.0, 40.0], [-910.0, -20.0, 40.0]
    path = text_file("a.mod", model(*TWO, flags=0x7600, rest=reference(whole, part)))
    np.testing.assert_array_equal(read(path).positions[0], [30 * 2, 30 * 2, 40 * 2])
    unsaid = text_file("b.mod", model(*TWO, flags=0x3600, rest=reference(whole, part)))
    np.testing.assert_array_equal(read(unsaid).positions[0], [60, 40, 20])
    same = text_file("c.mod", model(*TWO, flags=0x7600, rest=reference(whole, whole, -90.0)))
    np.testing.assert_array_equal(read(same).positions[0], [60, 40, 20])


def test_a_model_of_a_part_of_a_turned_image_is_refused(text_file: TextFile) -> None:
    rest = reference([0.0, 0.0, 0.0], [-60.0, 0.0, 0.0], -90.0)
    path = text_file("a.mod", model(*TWO, flags=0x7600, rest=rest))
    with pytest.raises(MapFormatError, match="a part of a turned image"):
        read(path)
    with pytest.warns(FileWarning, match="counted from that part"):
        picks = read(path, permissive=True)
    np.testing.assert_array_equal(picks.positions[0], [60, 40, 20])


def test_meshes_and_unknown_chunks_are_passed_over(text_file: TextFile) -> None:
    mesh = b"MESH" + struct.pack(">iiIhh", 2, 3, 0, 0, 0) + bytes(2 * 12 + 3 * 4)
    rest = mesh + chunk(b"VIEW", b"1234") + chunk(b"XXXX", b"")
    assert len(read(text_file("a.mod", model(*TWO, rest=rest)), voxel_size=1.0)) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"IMODV1.1" + model(*TWO)[8:], "expected an IMOD model, which begins with"),
        (model(*TWO)[:-4], "in the middle of a chunk: it is cut off"),
        (model(*TWO)[:300], "in the middle of a chunk: it is cut off"),
        (model(contour([(1, 2, 3)])), "a contour stands before the first object"),
        (model(*TWO, rest=b"VIEW" + struct.pack(">i", -5)), "a chunk of -5 items cannot be"),
        (
            model(*TWO, rest=b"CONT" + struct.pack(">iIii", 2**30, 0, 0, 0)),
            "cannot be in this file",
        ),
        (model(item(b"", contour([(np.inf, 0, 0)]))), "a point: expected finite numbers"),
    ],
)
def test_a_damaged_model_is_refused(content: bytes, message: str, text_file: TextFile) -> None:
    with pytest.raises(MapFormatError, match=message):
        read(text_file("a.mod", content), voxel_size=1.0)


def test_a_written_model_has_an_object_for_each_species_and_says_its_scale(
    picks: Particles, tmp_path: Path
) -> None:
    species = ("a", "b", "a", "b", "a", "a", "c")
    columns = {**picks.columns, "imod.contour": np.array([1, 1, 2, 1, 1, 2, 1])}
    mixed = replace(picks, species=species, columns=columns)
    path = write(tmp_path / "a.mod", mixed)
    found = parse_model(path.read_bytes(), Findings(path))
    assert (found.size, found.voxel_size) == ((83, 61, 40), 8.0)
    names = [(one.name, [len(c.points) for c in one.contours]) for one in found.objects]
    assert names == [("a", [2, 2]), ("b", [2]), ("c", [1])]
    check = self_check(mixed, "imod")
    assert check.displacement < 1e-3
    assert check.lost == ("rotations", "score", "tomogram")
    again = read(path)
    order = [0, 4, 2, 5, 1, 3, 6]
    np.testing.assert_allclose(again.positions, mixed.positions[order] - (16, -24, 4), atol=1e-3)
