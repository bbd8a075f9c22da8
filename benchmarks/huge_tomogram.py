"""A sparse OME-Zarr tomogram of 16 GB in the viewer: opened, scrolled, projected, looked at in 3D.

``python benchmarks/huge_tomogram.py [--folder DIR]`` needs 200 MB of disk, and a display or Xvfb.
The tomogram has 1024 × 2048 × 2048 voxels of four bytes at 5 Å in chunks of 64³ and four coarser
levels; of the chunks only those in the middle are written, the others are absent and read as 0, as
OME-Zarr has it. Limits: opened in 3 s, scrolled with 2 GB more memory (resident), the slowest of 60
slices after one to warm up within 100 ms. What a slice takes for which a layer of chunks is read is
printed: one in 64 planes does. Times are those of the process on the processor, so that a busy
machine does not count; beside them stand those of the clock. Exits with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

SHAPE, CHUNK, LEVELS, VOXEL = (1024, 2048, 2048), 64, 5, 5.0
WRITTEN = (2, 16, 16)
"""Chunks of the finest level that are written, along z, y and x, in the middle."""

OPEN_S, SLICE_S, MORE_MB = 3.0, 0.100, 2048.0
STEPS = 60
Result = tuple[str, float, float, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=None)
    given = parser.parse_args().folder
    folder = Path(given or tempfile.mkdtemp())
    path = folder / "tomogram.zarr"
    make_tomogram(path)
    print(f"{np.prod(SHAPE) * 4 / 2**30:.0f} GB of voxels, {size_mb(path):.0f} MB in files")
    viewer = warm_viewer()
    is_good = True
    for name, value, limit, unit in results_of(viewer, path):
        is_good &= value <= limit
        verdict = "ok" if value <= limit else "MISSED"
        print(f"{name:46s} {value:8.3f} {unit}, at most {limit:g}  {verdict}", flush=True)
    viewer.close()
    shutil.rmtree(path)
    if given is None:
        shutil.rmtree(folder)
    return 0 if is_good else 1


def make_tomogram(path: Path) -> None:
    """Noise of a few grey values in the middle chunks, at every level what lies there."""
    import zarr

    group = zarr.create_group(path, zarr_format=3, overwrite=True)
    random = np.random.default_rng(0)
    datasets = []
    for level in range(LEVELS):
        shape = tuple(n >> level for n in SHAPE)
        array = group.create_array(
            str(level), shape=shape, chunks=(CHUNK,) * 3, dtype=np.float32, fill_value=0.0
        )
        for corner in written_chunks(shape, level):
            grey = random.standard_normal((CHUNK,) * 3, dtype=np.float32) / 2**level
            array[tuple(slice(c, c + CHUNK) for c in corner)] = np.round(2 * grey) / 2
        size = VOXEL * 2**level
        steps = [
            {"type": "scale", "scale": [size] * 3},
            {"type": "translation", "translation": [(size - VOXEL) / 2] * 3},
        ]
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    axes = [{"name": name, "type": "space", "unit": "angstrom"} for name in "zyx"]
    image: Any = {"axes": axes, "datasets": datasets}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}


def written_chunks(shape: tuple[int, ...], level: int) -> Iterator[tuple[int, ...]]:
    """Corners of the chunks of a level that are written."""
    counts = [max(1, n >> level) for n in WRITTEN]
    first = [(n // CHUNK - c) // 2 for n, c in zip(shape, counts, strict=True)]
    for index in np.ndindex(*counts):
        yield tuple((f + i) * CHUNK for f, i in zip(first, index, strict=True))


def size_mb(path: Path) -> float:
    """Size of a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 2**20


def warm_viewer() -> Any:
    """A viewer that has shown a map, so that only what comes later is measured."""
    import napari
    from qtpy.QtTest import QTest

    from mapscope.viewer.window import PLUGIN

    viewer = napari.Viewer()
    viewer.window.resize(1200, 800)
    sample = Path(__file__).parents[1] / "sample_data" / "four_helix_bundle.mrc.gz"
    viewer.open(str(sample), plugin=PLUGIN)
    viewer.layers.clear()
    QTest.qWait(500)
    return viewer


@contextmanager
def resident_peak() -> Iterator[Callable[[], float]]:
    """Most resident memory in MB since the start of the block, over what there was then."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts anew
    before = _status_mb("VmRSS")
    yield lambda: _status_mb("VmHWM") - before


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the processor and by the clock of an action, with what it has drawn."""
    from qtpy.QtWidgets import QApplication

    cpu, clock = time.process_time(), time.perf_counter()
    action()
    QApplication.processEvents()
    return time.process_time() - cpu, time.perf_counter() - clock


def results_of(viewer: Any, path: Path) -> list[Result]:
    """Opening, scrolling through the middle, a slab, a low-pass filter, and a look in 3D."""
    from qtpy.QtTest import QTest

    from mapscope.viewer.views.look import look_of
    from mapscope.viewer.views.slab import Slab
    from mapscope.viewer.window import PLUGIN

    results: list[Result] = []
    with resident_peak() as peak:
        opened, clock = timed(lambda: viewer.open(str(path), plugin=PLUGIN))
        print(f"opened: {opened:.2f} s on the processor, {clock:.2f} s by the clock")
        results.append(("opening", opened, OPEN_S, "s"))
        QTest.qWait(500)
        results.append(("slowest slice", scrolled(viewer, "slices"), SLICE_S, "s"))
        slab = Slab(viewer)
        slab.show(20 * VOXEL, "mean")
        results.append(("slowest slice of a slab of 20", scrolled(viewer, "slab"), SLICE_S, "s"))
        look = look_of(viewer)
        look.filter(60.0)
        results.append(("slowest filtered slice of it", scrolled(viewer, "filter"), SLICE_S, "s"))
        look.off()
        slab.off()
        read, clock = timed(lambda: viewer.dims.set_point(0, SHAPE[0] * VOXEL / 4))
        print(f"a slice of unread chunks: {read:.2f} s, {clock:.2f} s by the clock")
        results.append(("more resident memory, at most", peak(), MORE_MB, "MB"))
    viewer.dims.ndisplay = 3
    turned, _ = timed(lambda: viewer.screenshot(canvas_only=True, flash=False))
    print(f"first frame in 3D, of the coarsest level: {turned:.1f} s on the processor")
    viewer.dims.ndisplay = 2
    viewer.layers.clear()
    return results


def scrolled(viewer: Any, name: str) -> float:
    """Seconds on the processor of the slowest slice of those in the middle, after the first."""
    middle = SHAPE[0] * VOXEL / 2
    places = [middle + (n - STEPS // 2) * VOXEL for n in range(-1, STEPS)]
    times = [timed(lambda z=z: viewer.dims.set_point(0, z)) for z in places]  # type: ignore[misc]
    cpu, clock = np.array(times[1:]).T
    print(
        f"{name}: median {np.median(cpu):.3f} s, slowest {cpu.max():.3f} s; "
        f"by the clock {np.median(clock):.3f} and {clock.max():.3f} s"
    )
    return float(cpu.max())


if __name__ == "__main__":
    sys.exit(main())
