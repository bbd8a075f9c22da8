"""OME-Zarr images of 512³ voxels with a pyramid, in the viewer: their own levels, little memory.

``python benchmarks/huge_zarr.py [--folder DIR]`` needs 2 GB of disk, and a display or Xvfb. The
images are written by zarr-python, one of version 0.4 and one of 0.5, each with three coarser
levels that can be told apart by their numbers. Limits for each: opened in 3 s, no slice over
500 ms, no more than 300 MB more anonymous memory; the layer has the levels of the folder and
builds none of its own, and a 3D view shows the coarsest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

EDGE, LEVELS, CHUNK = 512, 4, 64
VOXEL = 2.0
OPEN_S, SLICE_S, MORE_MB = 3.0, 0.5, 300.0
MARK = 100.0
Result = tuple[str, float, float, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=None)
    given = parser.parse_args().folder
    folder = Path(given or tempfile.mkdtemp())
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    viewer = warm_viewer()
    is_good = True
    for version in ("0.4", "0.5"):
        path = folder / f"huge_{version}.zarr"
        make_image(path, version)
        print(f"OME-Zarr {version}, {size_mb(path):.0f} MB in files")
        for name, value, limit, unit in opened_and_seen(viewer, path):
            is_met = value <= limit
            is_good &= is_met
            verdict = "ok" if is_met else "MISSED"
            print(f"  {name:46s} {value:8.3f} {unit}, at most {limit:g}  {verdict}", flush=True)
        shutil.rmtree(path)
    viewer.close()
    if given is None:
        shutil.rmtree(folder)
    return 0 if is_good else 1


def make_image(path: Path, version: str) -> None:
    """Noise around the number of the level times `MARK`, in a pyramid of nanometres."""
    import zarr

    group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3, overwrite=True)
    random = np.random.default_rng(0)
    noise = random.standard_normal((CHUNK, EDGE, EDGE), dtype=np.float32)
    datasets = []
    for level in range(LEVELS):
        edge = EDGE >> level
        array = group.create_array(
            str(level), shape=(edge,) * 3, chunks=(min(CHUNK, edge),) * 3, dtype=np.float32
        )
        for z in range(0, edge, CHUNK):
            array[z : z + CHUNK] = noise[: min(CHUNK, edge - z), :edge, :edge] + level * MARK
        size = VOXEL / 10 * 2**level
        shift = (size - VOXEL / 10) / 2
        steps = [
            {"type": "scale", "scale": [size] * 3},
            {"type": "translation", "translation": [shift] * 3},
        ]
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    image: dict[str, Any] = {"axes": axes, "datasets": datasets}
    if version == "0.4":
        group.attrs["multiscales"] = [{"version": "0.4", **image}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}


def size_mb(path: Path) -> float:
    """Size of a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 2**20


def anonymous_mb() -> float:
    """Anonymous memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def warm_viewer() -> Any:
    """A viewer that has shown a map, so that only what comes later is measured."""
    import napari
    from qtpy.QtTest import QTest

    viewer = napari.Viewer()
    viewer.window.resize(1200, 800)
    sample = Path(__file__).parents[1] / "sample_data" / "four_helix_bundle.mrc.gz"
    viewer.open(str(sample), plugin="napari-mapscope")
    viewer.layers.clear()
    QTest.qWait(500)
    return viewer


def opened_and_seen(viewer: Any, path: Path) -> list[Result]:
    """Time and memory of opening, scrolling and looking in 3D, and what is wrong with the layer."""
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    before, started = anonymous_mb(), time.perf_counter()
    (layer,) = viewer.open(str(path), plugin="napari-mapscope")
    QApplication.processEvents()
    opened = time.perf_counter() - started
    times = []
    for z in range(200, 240):
        begun = time.perf_counter()
        viewer.dims.set_point(0, z * VOXEL)
        QApplication.processEvents()
        times.append(time.perf_counter() - begun)
    scrolled = anonymous_mb() - before
    QTest.qWait(1000)
    wrong = wrong_levels(layer)
    viewer.dims.ndisplay = 3
    begun = time.perf_counter()
    viewer.screenshot(canvas_only=True, flash=False)
    turned = time.perf_counter() - begun
    shows_coarsest = is_coarsest(layer)
    memory = anonymous_mb() - before
    viewer.dims.ndisplay = 2
    viewer.layers.clear()
    QApplication.processEvents()
    print(f"  slices: median {np.median(times):.3f} s; first frame in 3D after {turned:.1f} s")
    return [
        ("opening", opened, OPEN_S, "s"),
        ("slowest of forty slices", max(times), SLICE_S, "s"),
        ("more anonymous memory after scrolling", scrolled, MORE_MB, "MB"),
        ("more anonymous memory after a look in 3D", memory, MORE_MB, "MB"),
        ("levels that are not the folder's own", wrong, 0.0, "levels"),
        ("3D shows another level than the coarsest", float(not shows_coarsest), 0.0, "levels"),
        ("pyramids built in the cache folder", float(built_pyramids()), 0.0, "files"),
    ]


def is_coarsest(layer: Any) -> bool:
    """Whether the numbers in a 3D view are the coarsest level's, by their brightest on a ray."""
    start, end = (np.array(corner) for corner in layer.extent.data)
    middle = (start + end) / 2
    along = np.array([1.0, 0.0, 0.0])
    value = layer.get_value(
        tuple(layer.data_to_world(middle)),
        view_direction=along,
        dims_displayed=[0, 1, 2],
        world=True,
    )
    level, found = value
    return bool(level == LEVELS - 1 and abs(found / MARK - level) < 0.1)


def wrong_levels(layer: Any) -> float:
    """How many levels are missing, or hold other numbers than the folder's."""
    if not layer.multiscale:
        return float(LEVELS)
    wrong = abs(len(layer.data) - LEVELS)
    for level, data in enumerate(layer.data):
        edge = EDGE >> level
        corner = np.asarray(data[:8, :8, :8])
        is_own = tuple(data.shape) == (edge,) * 3 and abs(corner.mean() - level * MARK) < 1
        wrong += not is_own
    is_in_place = np.allclose(layer.scale, VOXEL) and np.allclose(layer.translate, 0)
    return float(wrong + (not is_in_place))


def built_pyramids() -> int:
    """Files of pyramids that Mapscope made."""
    return len(list(Path(os.environ["XDG_CACHE_HOME"]).rglob("pyramids/*")))


if __name__ == "__main__":
    sys.exit(main())
