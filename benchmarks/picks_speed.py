"""20,000 picks in slices, and 2,000 copies of a template as one surface: how long a frame takes.

``python benchmarks/picks_speed.py`` needs a display or Xvfb. The picks lie in a tomogram of
256 × 1024 × 1024 voxels of 10 Å, have two classes, scores and orientations, and are drawn with a
radius of 100 Å, so that each is in 20 slices, and 1,500 are in each slice. Limits: the slowest of
forty slices after one to warm up within 100 ms, alone, with axes, in a slab of 20 slices, where
three times as many picks are seen, and filtered; 2,000 copies within 2 s from the click to the
first frame in 3D. Times are those of the process on the processor, so that a busy machine does not
count; those of the clock stand beside them. Exits with 1 where a limit is missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SHAPE, VOXEL, RADIUS = (256, 1024, 1024), 10.0, 100.0
PICKS, COPIES = 20_000, 2_000
SLICES, FRAME_S, COPIES_S = 40, 0.100, 2.0
Result = tuple[str, float, float]


def main() -> int:
    viewer, picks = viewer_with_picks(PICKS)
    results = [*frames_with_picks(viewer, picks), ("all coloured by score", recolored(picks), 0.5)]
    viewer.layers.clear()
    results.append((f"{COPIES:,} copies, first frame in 3D", copies_drawn(viewer), COPIES_S))
    for name, value, limit in results:
        verdict = "ok" if value <= limit else "MISSED"
        print(f"{name:45s} {value:8.3f} s, at most {limit:g}  {verdict}")
    viewer.close()
    return 0 if all(value <= limit for _, value, limit in results) else 1


def particles(count: int) -> Any:
    """Particles anywhere in the tomogram, of two classes, any way round."""
    from scipy.spatial.transform import Rotation

    from mapscope.particles import Particles

    random = np.random.default_rng(0)
    places = random.uniform(0, 1, (count, 3)) * np.array(SHAPE) * VOXEL
    turns = Rotation.random(count, random_state=1).as_matrix()
    species = tuple(random.choice(["ribosome", "proteasome"], count))
    return Particles(places, turns, species, random.normal(size=count))


def viewer_with_picks(count: int) -> tuple[Any, Any]:
    """A window with a tomogram and its picks."""
    import napari
    from napari.layers import Layer
    from qtpy.QtTest import QTest

    from mapscope.viewer.layers import layers_from_noun
    from mapscope.viewer.particles.look import set_radius
    from mapscope.viewer.views.reach import reach_of
    from mapscope.volume import Volume

    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    reach_of(viewer)
    data = np.random.default_rng(0).integers(0, 255, SHAPE, dtype=np.uint8)
    for noun, name in ((Volume(data, (VOXEL,) * 3), "tomogram"), (particles(count), "picks")):
        for layer in layers_from_noun(noun, name):
            viewer.add_layer(Layer.create(*layer))
    picks = viewer.layers["picks"]
    set_radius(picks, RADIUS)
    QTest.qWait(500)
    return viewer, picks


def frames_with_picks(viewer: Any, picks: Any) -> list[Result]:
    """The slowest slice: plain, with axes, in a slab, and filtered."""
    from mapscope.viewer.particles.axes import show_axes
    from mapscope.viewer.views.look import look_of
    from mapscope.viewer.views.slab import Slab

    results = [(f"slowest slice with {PICKS:,} picks", slowest(viewer, "slices"), FRAME_S)]
    show_axes(viewer, picks)
    results.append(("slowest slice with their axes, too", slowest(viewer, "axes"), FRAME_S))
    show_axes(viewer, picks, is_shown=False)
    Slab(viewer).show(20 * VOXEL, "mean")
    results.append(("slowest slice of a slab", slowest(viewer, "slab"), FRAME_S))
    look_of(viewer).filter(6 * VOXEL)
    results.append(("slowest filtered slice of it", slowest(viewer, "filter"), FRAME_S))
    Slab(viewer).off()
    look_of(viewer).off()
    return results


def slowest(viewer: Any, name: str) -> float:
    """Seconds on the processor of the slowest slice after the first."""
    places = [(SHAPE[0] // 2 - SLICES // 2 + n) * VOXEL for n in range(-1, SLICES)]
    times = [timed(lambda z=z: viewer.dims.set_point(0, z)) for z in places]  # type: ignore[misc]
    cpu, clock = np.array(times[1:]).T
    print(
        f"{name}: median {np.median(cpu):.3f} s, slowest {cpu.max():.3f} s; "
        f"by the clock {np.median(clock):.3f} and {clock.max():.3f} s"
    )
    return float(cpu.max())


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the processor and by the clock of an action, with what it has drawn."""
    from qtpy.QtWidgets import QApplication

    cpu, clock = time.process_time(), time.perf_counter()
    action()
    QApplication.processEvents()
    return time.process_time() - cpu, time.perf_counter() - clock


def recolored(picks: Any) -> float:
    """Seconds to colour all picks by their score."""
    from mapscope.viewer.particles.look import color_by

    return timed(lambda: color_by(picks, "score"))[0]


def copies_drawn(viewer: Any) -> float:
    """Seconds from asking for copies of an average to the first frame that shows them in 3D."""
    from napari.layers import Layer

    from mapscope.progress import silent
    from mapscope.viewer.layers import layers_from_noun
    from mapscope.viewer.particles.surface import copies_job, show_copies
    from mapscope.volume import Volume

    axis = np.arange(64) - 32
    distance = np.sqrt(axis[:, None, None] ** 2 + (1.5 * axis[:, None]) ** 2 + axis**2)
    average = Volume(np.exp(-((distance / 10) ** 2)).astype(np.float32), (10.0,) * 3)
    (data,) = layers_from_noun(particles(COPIES), "picks")
    picks = viewer.add_layer(Layer.create(*data))
    viewer.dims.ndisplay = 3

    def draw() -> None:
        show_copies(viewer, picks, copies_job(picks, average, None, "class")(silent))
        viewer.screenshot(canvas_only=True, flash=False)

    cpu, clock = timed(draw)
    print(f"copies: {cpu:.2f} s, by the clock {clock:.2f} s")
    return cpu


if __name__ == "__main__":
    sys.exit(main())
