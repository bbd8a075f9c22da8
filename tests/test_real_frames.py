"""Results of jobs on real maps stay where their sources are: read through gemmi, not us."""

from __future__ import annotations

from pathlib import Path

import gemmi
import mrcfile
import numpy as np
import pytest

from mapscope import read, write
from mapscope.jobs import sharpen_by_b_factor

RESAMPLED = {"emd3001_microed", "emd8216_microed", "xray_1mru", "xray_3pqr", "xray_4un4"}
"""Skewed cells, which are opened on an orthogonal grid of their own."""

WORDS = {"columns, rows, sections": (1, 2, 3), "NSTART": (5, 6, 7), "M": (8, 9, 10)}
AXES = (17, 18, 19)
CELL = (11, 12, 13, 14, 15, 16)
ORIGIN = (50, 51, 52)


def _frame(path: Path) -> dict[str, object]:
    """What gemmi reads of a map's place in space."""
    ccp4 = gemmi.read_ccp4_map(str(path), setup=False)
    words: dict[str, object] = {
        name: [ccp4.header_i32(w) for w in places] for name, places in WORDS.items()
    }
    words["axes"] = [ccp4.header_i32(w) for w in AXES]
    words["cell"] = [ccp4.header_float(w) for w in CELL]
    words["ORIGIN"] = [ccp4.header_float(w) for w in ORIGIN]
    return words


@pytest.mark.real_data
def test_sharpened_copies_of_real_maps_when_written_keep_the_frame_of_their_source(
    data_folder: Path, tmp_path: Path
) -> None:
    checked = []
    for source in sorted((data_folder / "maps").glob("*/map.mrc.gz")):
        name = source.parent.name
        if name in RESAMPLED:
            continue
        volume = read(source)
        result = sharpen_by_b_factor(volume, b_factor=-20.0).sharpened
        written = write(tmp_path / f"{name}.mrc", result)

        assert _frame(written) == _frame(source), name
        assert np.array_equal(read(written).data, result.data), name
        assert not np.array_equal(result.data, volume.data), name
        assert mrcfile.validate(str(written)), name
        checked.append(name)
    assert len(checked) >= 26


@pytest.mark.slow
@pytest.mark.real_data
def test_sharpened_copies_of_skewed_maps_when_written_lie_where_they_were_opened(
    data_folder: Path, tmp_path: Path
) -> None:
    for name in sorted(RESAMPLED):
        volume = read(data_folder / "maps" / name / "map.mrc.gz")
        result = sharpen_by_b_factor(volume, b_factor=-20.0).sharpened
        written = write(tmp_path / f"{name}.mrc", result)

        grid = gemmi.read_ccp4_map(str(written), setup=True).grid
        assert (grid.unit_cell.alpha, grid.unit_cell.beta, grid.unit_cell.gamma) == (90, 90, 90)
        assert read(written).grid.matches(volume.grid), name
