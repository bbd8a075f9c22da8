"""A walk through the docks on real maps, for the pictures of ``scripts/pictures.py``.

Map and model are opened, contoured, coloured by a second map, a residue is gone to, two maps are
compared, all with the docks' own controls; the colours are compared with scipy's on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from first_light import run_in_form
from qtpy.QtTest import QTest
from scipy.interpolate import RegularGridInterpolator

from mapscope import Table, Volume, read
from mapscope.density.resample import interpolate
from mapscope.jobs import all_jobs
from mapscope.viewer.adding import add_layers
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.layers import layers_from_noun, tag_of
from mapscope.viewer.start import open_dock
from mapscope.viewer.window import PLUGIN

JOBS = all_jobs()
RESOLUTION, WANTED = 3.5, 4.5
"""Å of a simulated map and of the half maps that are made of it."""
VERTICES = 200
TOLERANCE = 1e-3


def wait(until: Callable[[], object], seconds: float = 120) -> None:
    """Let the window live until something is so."""
    for _ in range(int(seconds / 0.02)):
        if until():
            return
        QTest.qWait(20)
    raise TimeoutError("the window did not come so far")


def colored_contour(viewer: Any, folder: Path) -> None:
    """A map whose surface is coloured by its local resolution, with a colour bar in Å."""
    density = read(folder / "map.mrc.gz", permissive=True)
    resolution = read(folder / "local_resolution.mrc.gz", permissive=True)
    size = (3.54,) * 3  # the files say 1.0
    for noun, name, role in (
        (density, "β-galactosidase", "map"),
        (resolution, "local resolution", "local resolution"),
    ):
        add_layers(viewer, layers_from_noun(Volume(noun.data, size), name, role), None, None)
    dock = open_dock(viewer, "Contour")
    dock.color_by_second_map()
    contours = contours_of(viewer)
    wait(lambda: contours.surfaces and contours.surfaces[0].made is not None)
    surface = contours.surfaces[0]
    wait(lambda: surface.made is not None and surface.made.mesh.values is not None)
    contours.show(surface.map, 0.09)
    contours.hide_dust(surface, 40.0)
    wait(lambda: surface.made is not None and surface.made.order.smallest == 40.0)
    require_right_colors(surface.layer, Volume(resolution.data, size))
    viewer.reset_view()
    viewer.scene.camera.angles = (0, 20, 80)


def require_right_colors(layer: Any, second: Volume) -> None:
    """Raise where values of the surface's colours are not those of the second map."""
    vertices, _, values = layer.data
    chosen = np.random.default_rng(0).integers(len(vertices), size=VERTICES)
    place = (second.origin, second.voxel_size, second.shape)
    axes = [o + s * np.arange(n) for o, s, n in zip(*place, strict=True)]
    wanted = RegularGridInterpolator(axes, second.data)(vertices[chosen])
    gap = float(np.abs(values[chosen] - wanted).max()) / float(second.data.std())
    print(f"colours at {VERTICES} vertices: at most {gap:.1e} σ from an interpolation")
    if gap > TOLERANCE:
        raise RuntimeError("the colours of the surface are wrong")


def scored_structure(viewer: Any, folder: Path) -> None:
    """A model coloured by its density, one number for each residue, in its map."""
    viewer.open(str(folder / "map.mrc.gz"), plugin=PLUGIN)
    viewer.open(str(folder / "model.pdb.gz"), plugin=PLUGIN)
    density, model = (read(folder / name) for name in ("map.mrc.gz", "model.pdb.gz"))
    values = interpolate(density, model.positions) / float(density.data.std())
    first = np.unique(model.residue_index, return_index=True)[1]
    mean = np.bincount(model.residue_index, values) / np.bincount(model.residue_index)
    table = Table(
        {"chain": model.chains[first], "number": model.residue_numbers[first], "density": mean},
        {"density": "σ"},
    )
    dock = open_dock(viewer, "Structure")
    layer = next(la for la in viewer.layers if getattr(tag_of(la), "role", "") == "structure")
    with_ribbons = dock.scene.show(layer, "ribbons")
    wait(lambda: with_ribbons.layers)
    dock.scene.color_by_score(layer, table, "density", unit="σ")
    contours = contours_of(viewer)
    surface = contours.show(viewer.layers[0])
    wait(lambda: surface.made is not None and surface.layer is not None)
    surface.layer.opacity = 0.25
    viewer.reset_view()
    viewer.scene.camera.angles = (0, 20, 60)
    viewer.scene.camera.zoom *= 0.8
    QTest.qWait(500)


def zone_of_a_residue(viewer: Any, place: str) -> None:
    """The neighbourhood of a residue in its density."""
    dock = open_dock(viewer, "Structure")
    dock.places.place.setText(place)
    dock.go()
    dock.places.near_button.click()
    wait(lambda: dock.scene.around.layer is not None)
    viewer.scene.camera.zoom *= 1.3
    QTest.qWait(500)


def two_maps(viewer: Any, folder: Path) -> None:
    """A map and itself without fine detail, on either side of a wipe."""
    density = Volume(read(folder / "map.mrc.gz", permissive=True).data, (3.54,) * 3)
    coarse = JOBS["bin_map"](JOBS["filter_map"](density, low_pass=20.0), factor=2)
    for noun, name in ((density, "β-galactosidase"), (coarse, "at 20 Å, binned")):
        add_layers(viewer, layers_from_noun(noun, name), None, None)
    QTest.qWait(500)
    first, second = viewer.layers["β-galactosidase"], viewer.layers["at 20 Å, binned"]
    dock = open_dock(viewer, "View")
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = (0, 20, 80)
    second.colormap = "bop orange"
    dock.compare(first, second)
    dock.compare_form.show_mode("wipe")
    QTest.qWait(1000)


def worst_residues(viewer: Any, docks: dict[str, Any], folder: Path) -> None:
    """A model coloured by its Q-scores, its worst residues, and density around one of them."""
    viewer.open(str(folder / "map.mrc.gz"), plugin=PLUGIN)
    density = viewer.layers[0]
    density.visible = False  # software takes long to draw it in 3D; its contour is shown below
    viewer.open(str(folder / "model.pdb.gz"), plugin=PLUGIN)
    viewer.dims.ndisplay = 2
    open_dock(viewer, "Jobs")
    run_in_form(docks["Jobs"].open("score_model_in_map"))
    plot = docks["Plot"]
    wait(lambda: not plot.rows.visibleRegion().isEmpty())
    for row in range(plot.rows.rows.rowCount()):
        plot.rows.selectRow(row)
        wait(lambda: plot.table is not plot.rows.rows.table)
        if len(plot.table):  # the first whose side chain has a χ1
            break
        plot.back_button.click()
    figure = docks["Structure"].scene.figures[0]
    wait(lambda: figure.run.is_over)
    contours = contours_of(viewer)
    surface = contours.show(density)
    wait(lambda: surface.made is not None and surface.layer is not None)
    surface.layer.opacity = 0.25
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    viewer.scene.camera.angles = (0, 20, 60)
    viewer.scene.camera.zoom *= 1.2
    QTest.qWait(500)


def _has_preview(form: Any) -> bool:
    return form.preview.layer is not None


def map_from_structure(viewer: Any, docks: dict[str, Any], model: Path) -> None:
    """A structure as ribbons, in the map made of it and degraded to a wanted resolution."""
    viewer.open(str(model), plugin=PLUGIN)
    viewer.dims.ndisplay = 2  # software takes long to draw each step in 3D
    layer = next(la for la in viewer.layers if getattr(tag_of(la), "role", "") == "structure")
    scene = open_dock(viewer, "Structure").scene
    ribbons = scene.show(layer, "ribbons")
    wait(lambda: ribbons.made is not None)
    layer.visible = False
    for name, resolution in (("simulate_map", RESOLUTION), ("degrade_map", WANTED)):
        open_dock(viewer, "Jobs")
        form = docks["Jobs"].open(name)
        form.settings["resolution"].editor.value = resolution
        if form.preview is not None:
            wait(partial(_has_preview, form))
        run_in_form(form)
    surface = viewer.layers.selection.active
    surface.opacity = 0.5
    viewer.reset_view()
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    viewer.scene.camera.angles = (0, 20, 60)
    viewer.scene.camera.zoom *= 1.5
    QTest.qWait(500)
