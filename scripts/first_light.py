"""The sample's half maps: resolution, sharpening, a map and pictures, without a window.

``make run`` calls it where there is no display. Everything lands in ``out/``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from mapscope import HalfMaps, Table, read, write_result
from mapscope.jobs import sharpen_by_b_factor, shell_correlation

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_data"
OUT = ROOT / "out"


def main() -> int:
    OUT.mkdir(exist_ok=True)
    first, second = (read(SAMPLE / f"four_helix_bundle_half_{n}.mrc.gz") for n in (1, 2))
    half_maps, mask = HalfMaps(first, second), read(SAMPLE / "four_helix_bundle_mask.mrc.gz")
    correlation = shell_correlation(half_maps, mask)
    sharpened = sharpen_by_b_factor(half_maps=half_maps, mask=mask)
    written = [w.path for w in write_result(OUT / "sharpened.mrc", sharpened)]
    written += [w.path for w in write_result(OUT / "fsc.csv", correlation)]
    written.append(draw_curve(correlation.curves, OUT / "fsc.png"))
    if os.environ.get("DISPLAY"):
        written.append(draw_viewer(OUT / "viewer.png"))
    print(f"{correlation.resolution:.2f} Å at FSC 0.143, B-factor {sharpened.b_factor:.0f} Å²")
    for path in written:
        print(path.relative_to(ROOT))
    return 0


def draw_curve(table: Table, path: Path) -> Path:
    """Draw a table as the Plot dock does; needs no display."""
    if not os.environ.get("DISPLAY"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QApplication

    from mapscope.viewer.docks.plot import PlotDock

    application = QApplication.instance() or QApplication([])
    dock = PlotDock(ViewerModel())
    dock.resize(800, 600)
    dock.show_table(table)
    dock.show()
    application.processEvents()
    dock.save_picture(path)
    dock.close()
    return path


def draw_viewer(path: Path) -> Path:
    """A picture of the whole window with the sample and the sharpened map."""
    import napari

    from mapscope.viewer.window import PLUGIN, open_docks

    viewer = napari.Viewer(title="Mapscope")
    viewer.window.resize(1366, 768)
    docks = open_docks(viewer)
    viewer.open_sample(PLUGIN, "four_helix_bundle")
    viewer.dims.ndisplay = 3
    for job in ("shell_correlation", "sharpen_by_b_factor"):
        run_in_form(docks["Jobs"].open(job))
    viewer.scene.camera.angles = (10, 30, 100)
    settle()
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    viewer.close()
    return path


def settle() -> None:
    """Let the window lay itself out and draw."""
    from qtpy.QtTest import QTest

    QTest.qWait(300)


def run_in_form(form: Any) -> None:
    """Press a form's Run button and wait."""
    from qtpy.QtCore import QEventLoop

    loop = QEventLoop()
    form.ended.connect(lambda _entry: loop.quit())
    form.run_button.click()
    loop.exec()


if __name__ == "__main__":
    sys.exit(main())
