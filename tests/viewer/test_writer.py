"""Layers are saved in their frame; what cannot be saved says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import gemmi
import numpy as np
import pytest

from mapscope.errors import MapscopeError
from mapscope.files import read, write
from mapscope.labels import Labels
from mapscope.volume import MapHeader, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

FRAME_WORDS = (*range(1, 4), *range(5, 11), *range(17, 20), 23)
FRAME_FLOATS = (*range(11, 17), *range(50, 53))


def frame(path: Path) -> tuple[list[int], list[float]]:
    """The words of a map file that say where it lies, as gemmi reads them."""
    header = gemmi.read_ccp4_header(str(path))
    return (
        [header.header_i32(n) for n in FRAME_WORDS],
        [header.header_float(n) for n in FRAME_FLOATS],
    )


@pytest.fixture
def odd_file(tmp_path: Path, volume: Volume) -> Path:
    """A map with turned axes and a start that is not 0."""
    edges = (36.0, 36.0, 36.0, 90.0, 90.0, 90.0)
    header = MapHeader((5, -4, 3), (24, 24, 24), edges, (3, 1, 2), labels=(b"made by hand",))
    place = Volume(volume.data, (1.5,) * 3, (7.5, 4.5, -6.0), header)
    return write(tmp_path / "odd.mrc", place)


def test_map_when_saved_from_the_viewer_then_its_frame_is_that_of_its_file(
    desk: Desk, odd_file: Path, tmp_path: Path
) -> None:
    (layer,) = desk.open(odd_file)
    (saved,) = layer.save(str(tmp_path / "saved.mrc"), plugin="napari-mapscope")
    assert frame(Path(saved)) == frame(odd_file)
    assert frame(odd_file)[0][3:6] == [5, -4, 3]
    assert frame(odd_file)[0][9:12] == [3, 1, 2]
    assert Path(saved).read_bytes() == odd_file.read_bytes()


def test_map_when_moved_and_saved_then_the_file_says_where(
    desk: Desk, odd_file: Path, tmp_path: Path
) -> None:
    (layer,) = desk.open(odd_file)
    layer.translate = (10, 20, 30)
    (saved,) = desk.viewer.layers.save(str(tmp_path / "saved.map.gz"), plugin="napari-mapscope")
    again = read(saved)
    np.testing.assert_allclose(again.origin, (10, 20, 30))
    np.testing.assert_array_equal(again.data, layer.data)


def test_result_of_a_job_when_saved_then_its_record_lies_beside_it(
    desk: Desk, odd_file: Path, tmp_path: Path
) -> None:
    desk.open(odd_file)
    desk.run_well(desk.form("invert_contrast"))
    layer = desk.viewer.layers.selection.active
    (saved,) = layer.save(str(tmp_path / "saved.mrc"), plugin="napari-mapscope")
    record = json.loads(Path(f"{saved}.record.json").read_text(encoding="utf-8"))
    assert record["job"] == "invert_contrast"
    assert record["inputs"][0]["sources"] == [{"path": str(odd_file.resolve())}]
    assert frame(Path(saved)) == frame(odd_file)


def test_labels_when_saved_then_they_are_whole_numbers_in_place(desk: Desk, tmp_path: Path) -> None:
    data = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    layer = desk.add(Labels(data, (2.0,) * 3, (2.0, 4.0, 6.0)), "regions")
    (saved,) = layer.save(str(tmp_path / "labels.mrc"), plugin="napari-mapscope")
    again = read(saved)
    np.testing.assert_array_equal(again.data, data)
    np.testing.assert_allclose(again.origin, (2, 4, 6))
    assert np.dtype(again.data.dtype).kind in "iu"


@pytest.mark.parametrize("suffix", [".cif", ".pdb"])
def test_structure_when_saved_then_all_atoms_come_back(
    desk: Desk, sample_folder: Path, tmp_path: Path, suffix: str
) -> None:
    atoms, _ = desk.open(sample_folder / "four_helix_bundle.cif")
    (saved,) = atoms.save(str(tmp_path / f"model{suffix}"), plugin="napari-mapscope")
    np.testing.assert_allclose(read(saved).positions, atoms.data, atol=1e-3)
    assert gemmi.read_structure(saved)[0].count_atom_sites() == len(atoms.data)


def test_foreign_layers_when_they_cannot_be_saved_then_the_reason_is_given(
    desk: Desk, tmp_path: Path
) -> None:
    image = desk.viewer.add_image(np.zeros((4, 4, 4)), name="raw")
    with pytest.raises(MapscopeError, match="raw: no voxel size"):
        image.save(str(tmp_path / "a.mrc"), plugin="napari-mapscope")
    points = desk.viewer.add_points(np.zeros((4, 3)), name="dots", units=("nm",) * 3)
    with pytest.raises(MapscopeError, match="dots: not a map or a structure"):
        points.save(str(tmp_path / "a.cif"), plugin="napari-mapscope")
    assert not list(tmp_path.glob("a.*"))
