"""Journey 2, "What is this file?": what is wrong is listed, mended by a click, and recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import mrcfile
import numpy as np
import pytest
from qtpy.QtCore import QUrl
from qtpy.QtWidgets import QFileDialog

from mapscope import read
from mapscope.viewer.window import open_docks

MOST_CLICKS = 4
TRUE_VOXEL_SIZE = 1.2


@pytest.fixture
def sent_by_someone(sample_folder: Path, tmp_path: Path) -> Path:
    """The sample's map with voxel size 1.0, its origin off the grid, and inverted contrast."""
    source = read(sample_folder / "four_helix_bundle.mrc.gz")
    path = tmp_path / "map_from_someone.mrc"
    with mrcfile.new(path) as file:
        file.set_data(-source.float32())
        file.voxel_size = 1.0
        file.header.origin = (10.3, 20.7, 30.1)
    return path


def test_journey_when_a_broken_map_is_dropped_says_what_is_wrong_and_mends_it(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    sample_folder: Path,
    sent_by_someone: Path,
    tmp_path: Path,
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    info = open_docks(viewer)["Info"]
    qtbot.wait(100)
    clicks = 0

    # Drop: Info says what it is and lists what is wrong.
    with qtbot.waitSignal(info.looked, timeout=10_000):
        viewer.window._qt_viewer._qt_open([str(sent_by_someone)], stack=False)
    codes = [f.code for f in info.findings]
    assert {"voxel_size_one", "origin_off_grid", "contrast_inverted"} <= set(codes)
    shown = info.text.toPlainText()
    assert all(f.title in shown and f.advice[:30] in shown for f in info.findings)
    assert shown.count(". Mend\n") == sum(f.mend is not None for f in info.findings)
    assert info.voxel_row.isVisible()

    # Mend each by its link, the voxel size with the number that only the user knows.
    info.voxel_size.setValue(TRUE_VOXEL_SIZE)
    for code in ("voxel_size_one", "origin_off_grid", "contrast_inverted"):
        codes = [f.code for f in info.findings]
        if code not in codes:
            continue
        before = viewer.layers.selection.active
        info.text.anchorClicked.emit(QUrl(f"mend:{codes.index(code)}"))
        clicks += 1
        qtbot.waitUntil(lambda b=before: viewer.layers.selection.active is not b, timeout=10_000)
        assert code not in [f.code for f in info.findings]
    mended = viewer.layers.selection.active
    assert mended.name.startswith("map_from_someone · mended")
    np.testing.assert_allclose(mended.scale, TRUE_VOXEL_SIZE)

    # Save; the record says what was mended.
    target = tmp_path / "mended.mrc"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    info.save_button.click()
    clicks += 1
    assert clicks <= MOST_CLICKS

    truth = read(sample_folder / "four_helix_bundle.mrc.gz")
    np.testing.assert_array_equal(read(target).data, truth.data)
    ccp4 = gemmi.read_ccp4_map(str(target), setup=False)
    assert ccp4.header_float(11) == pytest.approx(TRUE_VOXEL_SIZE * ccp4.header_i32(8))
    record = json.loads(target.with_name("mended.mrc.record.json").read_text())
    said = json.dumps(record)
    assert "contrast inverted" in said
    assert "voxel size" in said
