"""A ChimeraX command file holds only commands that ChimeraX has, and opens what lies beside it."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from struct import unpack
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mapscope.appearance import Appearance, ColorScale, Style
from mapscope.errors import DataError, InputError, UnknownFormatError
from mapscope.files import read
from mapscope.files.chimerax import data_paths, write_chimerax
from mapscope.files.chimerax_commands import MOST_LABELS, labels_in
from mapscope.files.result import plan_files, write_nouns, write_result
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.testing import EXAMPLE_GRID, example_noun
from mapscope.volume import MapHeader, Volume

# Command (and subcommand) and its keywords, each as the User Guide of ChimeraX has it:
# https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/<command>.html
KEYWORDS = {
    "open": {"name"},
    "volume": {"region", "step", "style", "level", "color"}
    | {"maximumIntensityProjection", "calculateSurfaces"},
    "color sample": {"map", "palette", "range", "transparency"},
    "color": {"target"},
    "segmentation surfaces": {"where", "each", "color"},
    "surface style": set(),
    "cartoon": set(),
    "show": set(),
    "hide": set(),
    "style": set(),
    "transparency": {"target"},
    "key": {"pos", "size", "fontSize"},
    "2dlabels": {"text", "size", "xpos", "ypos"},
    "view": set(),
}
LEADING = {"open": 1, "color": 2, "cartoon": 1, "show": 2, "hide": 2, "style": 2} | {
    "volume": 1,
    "color sample": 1,
    "segmentation surfaces": 1,
    "surface style": 2,
    "transparency": 2,
    "view": 0,
    "2dlabels": 0,
}
# The tokens of ChimeraX: quoted text ends at a quote before white space, other at white space or ;
TOKEN = re.compile(r'\s*("(?:.|\")*?"(?=\s|$)|[^;\s]+)')
HOSTILE = ['a"; exit', "x\nclose session", "'; quit '", "~/$HOME/*", "été · Å; é", "..", "", "a\\b"]


def tokens(line: str) -> list[str]:
    """Words of a command; fails where the line holds a second one."""
    found, rest = [], line
    while rest:
        match = TOKEN.match(rest)
        assert match is not None, f"a second command: {rest!r} in {line!r}"
        found.append(match[1].strip('"'))
        rest = rest[match.end() :]
    return found


def commands_in(script: Path) -> list[list[str]]:
    """Commands of a script, each as its verb (with subcommand) and its words, all of them known."""
    lines = script.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    return [known(tokens(line)) for line in lines if not line.startswith("#")]


def known(words: list[str]) -> list[str]:
    """The words with a subcommand joined to its verb, once every keyword is found to exist."""
    two = " ".join(words[:2])
    verb, rest = (two, words[2:]) if two in KEYWORDS else (words[0], words[1:])
    assert verb in KEYWORDS, words
    tail = rest[LEADING[verb] :] if verb in LEADING else rest
    if verb == "key":
        tail = [word for word in rest if ":" not in word]
    assert len(tail) % 2 == 0, words
    assert set(tail[::2]) <= KEYWORDS[verb], words
    return [verb, *rest]


def the(verb: str, script: Path) -> list[list[str]]:
    """Words behind every command of a kind."""
    return [words[1:] for words in commands_in(script) if words[0] == verb]


def value(words: list[str], keyword: str) -> str:
    """What stands behind a keyword."""
    return words[words.index(keyword) + 1]


@pytest.fixture
def volume() -> Volume:
    """A map away from the origin."""
    noun = example_noun(Volume)
    assert isinstance(noun, Volume)
    return noun


@pytest.fixture
def mesh() -> Mesh:
    """A tetrahedron with values."""
    corners = np.array([(0, 0, 0), (0, 0, 3), (0, 2, 0), (1, 0, 0)], dtype=np.float32)
    return Mesh(
        corners, np.array([(0, 1, 2), (0, 3, 1)], np.int32), np.array([2, 3, 4, np.nan], np.float32)
    )


def test_map_when_written_then_the_script_opens_it_in_its_frame_at_its_level(
    tmp_path: Path, volume: Volume
) -> None:
    item = Appearance(volume, "map", levels=(0.1 + 0.2, -1e-7), color=(1, 0.5, 0), opacity=0.4)
    file, script = write_chimerax(tmp_path / "x.cxc", [item])
    assert [file.name, script.name] == ["x_map.mrc", "x.cxc"]
    assert the("open", script) == [["x_map.mrc", "name", "map"]]
    (words,) = the("volume", script)
    assert words[0] == "#1"
    assert (value(words, "style"), value(words, "step")) == ("surface", "1")
    assert [float(w) for k, w in pairwise(words) if k == "level"] == [
        0.1 + 0.2,
        -1e-7,
    ]
    assert value(words, "color") == "#ff800066"
    again = read(file)
    assert again.grid.matches(EXAMPLE_GRID)
    np.testing.assert_array_equal(again.data, volume.data)


def test_map_when_its_header_has_a_start_but_no_origin_then_it_gets_that_back(
    tmp_path: Path, volume: Volume
) -> None:
    x, y, z = (n * 1.2 for n in volume.shape[::-1])
    labels = (b"Chimera rotation: 0 0 1 90", b"by hand")
    header = MapHeader((30, -20, 10), volume.shape[::-1], (x, y, z, 90, 90, 90), labels=labels)
    noun = Volume(volume.data, (1.2,) * 3, (12.0, -24.0, 36.0), header)
    file, _ = write_chimerax(tmp_path / "x.cxc", [Appearance(noun, "map")])
    again = read(file)
    assert again.header.nstart == (30, -20, 10)
    assert again.header.origin_words == (0, 0, 0)
    # ChimeraX would turn the map as that label says; Mapscope never did.
    assert b"by hand" in again.header.labels
    assert not any(text.startswith(b"Chimera") for text in again.header.labels)


@pytest.mark.parametrize(("style", "is_projection"), [("image", False), ("projection", True)])
def test_map_when_shown_as_an_image_then_density_goes_from_dark_to_bright(
    tmp_path: Path, volume: Volume, style: Style, is_projection: bool
) -> None:
    scale = ColorScale(-0.5, 1.5, ((0, 0, 0), (0.5, 0, 0), (1, 1, 0)))
    item = Appearance(volume, "map", style=style, scale=scale, opacity=0.5)
    (words,) = the("volume", write_chimerax(tmp_path / "x.cxc", [item])[-1])
    levels = [w for k, w in pairwise(words) if k == "level"]
    colors = [w for k, w in pairwise(words) if k == "color"]
    assert [tuple(map(float, w.split(","))) for w in levels] == [(-0.5, 0), (0.5, 0.25), (1.5, 0.5)]
    assert colors == ["#ffffff", "#ff0000", "#ffff00"]
    assert ("maximumIntensityProjection" in words) is is_projection


def test_image_when_it_has_no_scale_then_nothing_is_written(tmp_path: Path, volume: Volume) -> None:
    with pytest.raises(InputError, match="map: an image needs a colour scale"):
        write_chimerax(tmp_path / "x.cxc", [Appearance(volume, "map", style="image")])
    assert list(tmp_path.iterdir()) == []


def test_surface_when_coloured_by_another_volume_then_that_is_sampled_hidden_and_explained(
    tmp_path: Path, volume: Volume
) -> None:
    resolution = Volume(volume.data + 3, volume.voxel_size, volume.origin)
    scale = ColorScale(2.5, 4.5, ((0, 0, 1), (1, 1, 1), (1, 0, 0)), "Local resolution (Å)")
    item = Appearance(
        volume,
        "map",
        levels=(0.3,),
        scale=scale,
        sample=resolution,
        sample_name="local",
        opacity=0.75,
    )
    *files, script = write_chimerax(tmp_path / "x.cxc", [item])
    assert [file.name for file in files] == ["x_map.mrc", "x_local.mrc"]
    np.testing.assert_array_equal(read(files[1]).data, resolution.data)
    (words,) = the("color sample", script)
    assert words[:3] == ["#1", "map", "#2"]
    assert value(words, "palette") == "#0000ff:#ffffff:#ff0000"
    assert tuple(map(float, value(words, "range").split(","))) == (2.5, 4.5)
    assert float(value(words, "transparency")) == 25
    assert the("hide", script) == [["#2", "models"]]
    assert the("key", script)[0][:3] == ["#0000ff:2.5", "#ffffff:3.5", "#ff0000:4.5"]
    assert value(the("2dlabels", script)[0], "text") == "Local resolution (Å)"
    assert value(the("volume", script)[0], "calculateSurfaces") == "true"
    verbs = [words[0] for words in commands_in(script)]
    assert verbs.index("volume") < verbs.index("color sample") < verbs.index("hide")


def test_surface_when_its_sample_is_shown_too_then_it_is_written_once(
    tmp_path: Path, volume: Volume
) -> None:
    other = Volume(volume.data, volume.voxel_size, volume.origin)
    items = [
        Appearance(volume, "map", scale=ColorScale(0, 1), sample=other),
        Appearance(other, "other", visible=False),
    ]
    *files, script = write_chimerax(tmp_path / "x.cxc", items)
    assert [file.name for file in files] == ["x_map.mrc", "x_other.mrc"]
    assert the("color sample", script)[0][:3] == ["#1", "map", "#2"]
    assert the("key", script) == []


def test_labels_when_written_then_each_is_a_surface_in_its_colour_and_ignored_ones_are_none(
    tmp_path: Path,
) -> None:
    data = np.zeros((4, 5, 6), dtype=np.int16)
    data[1, 1:3], data[2, 2], data[3, 3, 3], data[0, 0, 0] = 7, 300, 2, -1
    labels = Labels(data, (2, 2, 2), (2, 4, 6), colors={2: (0, 0, 1), 7: (1, 0, 0)})
    item = Appearance(labels, "regions", label_colors={2: (0, 1, 0)}, opacity=0.5)
    file, script = write_chimerax(tmp_path / "x.cxc", [item])
    found = the("segmentation surfaces", script)
    assert [value(w, "where") for w in found] == ["2", "7", "300"]
    assert [value(w, "color") for w in found[:2]] == ["#00ff0080", "#ff000080"]
    assert the("hide", script) == [["#1", "models"]]
    again = read(file)
    np.testing.assert_array_equal(np.asarray(again.data), np.maximum(data, 0))
    assert again.origin == (2, 4, 6)


def test_labels_when_there_are_very_many_then_one_command_shows_them_all(tmp_path: Path) -> None:
    data = np.arange(8 * 8 * 8, dtype=np.int16).reshape(8, 8, 8)
    labels = Labels(data)
    assert len(labels_in(labels)) > MOST_LABELS
    _, script = write_chimerax(tmp_path / "x.cxc", [Appearance(labels, "residues")])
    assert the("segmentation surfaces", script) == [["#1", "each", "segment"]]


def gltf(path: Path) -> tuple[dict[str, Any], bytes]:
    """The two chunks of a binary glTF file."""
    content = path.read_bytes()
    magic, version, length = unpack("<4sII", content[:12])
    assert (magic, version, length) == (b"glTF", 2, len(content))
    size, kind = unpack("<I4s", content[12:20])
    assert kind == b"JSON"
    start = 20 + size
    rest, binary = unpack("<I4s", content[start : start + 8])
    assert (rest, binary) == (len(content) - start - 8, b"BIN\0")
    return json.loads(content[20:start]), content[start + 8 :]


def test_mesh_when_written_then_its_vertices_have_the_colours_of_the_screen(
    tmp_path: Path, mesh: Mesh
) -> None:
    scale = ColorScale(2, 4, ((0, 0, 0), (1, 0, 0)), "values")
    item = Appearance(mesh, "surface", scale=scale, opacity=0.2)
    file, script = write_chimerax(tmp_path / "x.cxc", [item])
    assert file.suffix == ".glb"
    scene, binary = gltf(file)
    corners, places, colors = (
        np.frombuffer(binary[v["byteOffset"] :][: v["byteLength"]], dtype)
        for v, dtype in zip(scene["bufferViews"], ("<u4", "<f4", "u1"), strict=True)
    )
    np.testing.assert_array_equal(corners.reshape(-1, 3), mesh.faces)
    np.testing.assert_array_equal(places.reshape(-1, 3)[:, ::-1], mesh.vertices)
    np.testing.assert_array_equal(colors.reshape(-1, 4)[:, 0], [0, 128, 255, 0])
    assert (colors.reshape(-1, 4)[:, 3] == 51).all()
    assert scene["accessors"][1]["max"] == [3, 2, 1]
    assert the("key", script)[0][:2] == ["#000000:2", "#ff0000:4"]


def test_mesh_when_trimesh_reads_it_then_it_is_the_same_surface(tmp_path: Path, mesh: Mesh) -> None:
    trimesh = pytest.importorskip("trimesh")
    item = Appearance(mesh, "surface", vertex_colors=np.eye(4)[:, :3])
    file, _ = write_chimerax(tmp_path / "x.cxc", [item])
    model = trimesh.load(file, force="mesh", process=False)
    np.testing.assert_allclose(model.vertices[:, ::-1], mesh.vertices)
    np.testing.assert_array_equal(model.faces, mesh.faces)
    assert model.visual.vertex_colors[:, :3].tolist() == (255 * np.eye(4)[:, :3]).tolist()


def test_mesh_when_shown_as_wires_or_without_triangles_then_so_or_refused(
    tmp_path: Path, mesh: Mesh
) -> None:
    _, script = write_chimerax(tmp_path / "x.cxc", [Appearance(mesh, "wires", style="mesh")])
    assert the("surface style", script) == [["#1", "mesh"]]
    empty = Mesh(mesh.vertices, np.empty((0, 3), np.int32))
    with pytest.raises(DataError, match="no triangles"):
        write_chimerax(tmp_path / "y.cxc", [Appearance(empty, "empty")])
    assert not list(tmp_path.glob("y*"))


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("cartoon", ["cartoon #1", "hide #1 atoms", "color #1 bychain target c"]),
        (
            "atoms",
            ["hide #1 cartoons", "show #1 atoms", "style #1 ball", "color #1 byelement target a"],
        ),
    ],
)
def test_structure_when_written_then_it_is_drawn_as_it_was(
    tmp_path: Path, style: Style, expected: list[str]
) -> None:
    structure = example_noun(Structure)
    assert isinstance(structure, Structure)
    item = Appearance(structure, "model", style=style, opacity=0.7)
    file, script = write_chimerax(tmp_path / "x.cxc", [item])
    lines = [" ".join(words) for words in commands_in(script)]
    assert lines[1:-1] == [*expected, "transparency #1 30 target ac"]
    np.testing.assert_allclose(read(file).positions, structure.positions, atol=1e-3)


def test_particles_when_written_then_they_are_markers_in_place(tmp_path: Path) -> None:
    particles = Particles(np.array([(1.5, 2, 3), (-1e-5, 0.1, 1e3)]))
    item = Appearance(particles, 'ribo<"&>', color=(1, 0, 0.5), radius=120)
    file, script = write_chimerax(tmp_path / "x.cxc", [item])
    assert the("open", script)[0][0] == file.name == "x_ribo.cmm"
    markers = ET.parse(file).getroot().findall("marker")
    places = [[float(m.attrib[axis]) for axis in "zyx"] for m in markers]
    np.testing.assert_array_equal(places, particles.positions)
    assert {m.attrib["radius"] for m in markers} == {"120"}


def test_items_when_hidden_or_tables_then_they_are_written_but_not_to_be_seen(
    tmp_path: Path, volume: Volume
) -> None:
    table = Table({"a": np.arange(3)})
    items = [
        Appearance(table, "curve; exit"),
        Appearance(volume, "one", visible=False),
        Appearance(volume, "one"),
    ]
    *files, script = write_chimerax(tmp_path / "x.cxc", items)
    assert [f.name for f in files] == ["x_curve_exit.csv", "x_one.mrc", "x_one_2.mrc"]
    assert the("hide", script) == [["#1", "models"]]
    assert "# curve_ exit is a table: see its .csv" in script.read_text(encoding="utf-8")
    assert commands_in(script)[-1] == ["view"]


@pytest.mark.parametrize("name", HOSTILE)
def test_name_when_it_holds_anything_then_it_is_no_command_and_no_path(
    tmp_path: Path, volume: Volume, name: str
) -> None:
    scale = ColorScale(0, 1, label=name or "label")
    item = Appearance(volume, name, scale=scale, sample=volume, sample_name=name)
    folder = tmp_path / "in"
    folder.mkdir()
    file, script = write_chimerax(folder / f"{name.replace('/', '')[:5] or 'x'}.cxc", [item])
    ((opened, _, shown),) = the("open", script)
    assert opened == file.name
    assert re.fullmatch(r"[\w.-]+", opened)
    assert not opened.startswith((".", "-"))
    assert not set(shown) & set("\"';\n\\~$*#")
    verbs = [words[0] for words in commands_in(script)]
    assert verbs == ["open", "volume", "color sample", "key", "2dlabels", "view"]
    assert {path.parent for path in tmp_path.rglob("*.*")} == {folder}


def test_name_when_it_is_ordinary_then_it_stays_readable(tmp_path: Path, volume: Volume) -> None:
    name = "bundle · half map 1 (2.5 Å)"
    _, script = write_chimerax(tmp_path / "x.cxc", [Appearance(volume, name)])
    assert the("open", script)[0][2] == name


def test_files_when_names_differ_in_what_a_file_name_cannot_hold_then_none_is_overwritten() -> None:
    named = [("a:b", Volume), ("a;b", Volume), ("A b", Volume), ("a_b", Mesh)]
    names = [path.name for path in data_paths(Path("x.cxc"), named)]
    assert names == ["x_a_b.mrc", "x_a_b_2.mrc", "x_A_b_3.mrc", "x_a_b.glb"]


def test_folder_when_moved_then_every_file_that_the_script_opens_is_there(
    tmp_path: Path, volume: Volume, mesh: Mesh
) -> None:
    (tmp_path / "here").mkdir()
    items = [Appearance(volume, "map"), Appearance(mesh, "mesh")]
    write_chimerax(tmp_path / "here" / "x.cxc", items)
    shutil.move(tmp_path / "here", tmp_path / "there")
    script = tmp_path / "there" / "x.cxc"
    assert all((script.parent / words[0]).is_file() for words in the("open", script))
    assert str(tmp_path) not in script.read_text(encoding="utf-8")


def test_script_when_written_twice_then_its_bytes_are_equal(
    tmp_path: Path, volume: Volume, mesh: Mesh
) -> None:
    items = [Appearance(volume, "map"), Appearance(mesh, "mesh", scale=ColorScale(2, 4))]
    first = [path.read_bytes() for path in write_chimerax(tmp_path / "x.cxc", items)]
    assert first == [path.read_bytes() for path in write_chimerax(tmp_path / "x.cxc", items)]


@pytest.mark.parametrize("name", ["x.cxc.gz", "x.mrc", "x"])
def test_script_when_named_otherwise_then_refused(
    tmp_path: Path, volume: Volume, name: str
) -> None:
    with pytest.raises(UnknownFormatError, match=r"ends in \.cxc"):
        write_chimerax(tmp_path / name, [Appearance(volume, "map")])


def test_result_when_written_as_a_script_then_all_of_it_is_there_and_read_back(
    tmp_path: Path, volume: Volume
) -> None:
    nouns = {"map": volume, "curve": Table({"a": np.arange(3)})}
    written = write_nouns(nouns, tmp_path / "x.cxc")
    assert [(w.field, w.path.name) for w in written] == [
        ("map", "x_map.mrc"),
        ("curve", "x_curve.csv"),
    ]
    assert read(written[0].path).checksum() == volume.checksum()
    assert [w.field for w in write_nouns(nouns, tmp_path / "y.cxc", ["map"])] == ["map"]
    assert sorted(p.name for p in tmp_path.glob("y*")) == ["y.cxc", "y_map.mrc"]
    assert write_result(tmp_path / "z.cxc", volume)[0].path.name == "z_result.mrc"


def test_plan_when_nothing_can_be_drawn_or_the_folder_is_missing_then_it_says_so(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=r"no map, model or surface.*write tables as \.csv"):
        plan_files({"curve": Table}, tmp_path / "x.cxc")
    with pytest.raises(InputError, match="no map, model or surface"):
        plan_files({"map": Volume, "curve": Table}, tmp_path / "x.cxc", ["curve"])
    with pytest.raises(FileNotFoundError, match="make it first"):
        plan_files({"map": Volume}, tmp_path / "none" / "x.cxc")
