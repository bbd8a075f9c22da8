"""Draw the pictures of the README into ``docs/images/``; needs a display and MAPSCOPE_DATA.

Run it as ``xvfb-run -a -s "-screen 0 1600x1200x24 +extension GLX" python scripts/pictures.py``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import napari
import numpy as np
from first_light import run_in_form
from imageio.v3 import imwrite
from picture_enhancing import before_and_after, confident_surface, previewed_strengths
from picture_matching import matched_structure
from picture_picks import averaged_picks, thresholded_picks
from picture_tomogram import tomogram_in_3d
from picture_training import stop_training, watched_training
from picture_walk import (
    colored_contour,
    map_from_structure,
    scored_structure,
    two_maps,
    worst_residues,
    zone_of_a_residue,
)
from qtpy.QtTest import QTest

from mapscope import Volume, read, write
from mapscope.jobs.resolution.classify_resolution import model_names
from mapscope.jobs.sharpening.enhance import model_names as enhancer_names
from mapscope.viewer.adding import add_layers
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.window import PLUGIN, open_docks

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LIT = 0.01


def main() -> int:
    data = os.environ.get("MAPSCOPE_DATA")
    if not data:
        print("set MAPSCOPE_DATA to the folder of real maps")
        return 2
    IMAGES.mkdir(parents=True, exist_ok=True)
    draw_surface(Path(data) / "maps" / "emd20026_3ajo")
    draw_journey()
    draw_running()
    draw_mending()
    draw_walk(Path(data) / "maps")
    draw_made_map(Path(data) / "structures" / "101m.pdb.gz")
    draw_scores(Path(data) / "maps" / "emd6272_3j9s")
    draw_class(Path(data) / "maps" / "emd2513" / "map.mrc.gz")
    draw_enhancing(Path(data) / "maps" / "emd6272_3j9s" / "map.mrc.gz", "EMD-6272", 2.6)
    draw_training(Path(data) / "structures")
    draw_picks()
    draw_matching(Path(data) / "tomography" / "models" / "1bxn.pdb.gz")
    draw_tomogram()
    return 0


def new_viewer() -> tuple[Any, dict[str, Any]]:
    """A window of the size of a small laptop's screen, with all docks."""
    viewer = napari.Viewer(title="Mapscope")
    viewer.window.resize(1366, 768)
    docks = open_docks(viewer)
    QTest.qWait(200)
    return viewer, docks


def save(viewer: Any, name: str) -> None:
    """Take a picture of the whole window; a dark canvas is an error."""
    QTest.qWait(200)
    canvas = viewer.screenshot(canvas_only=True, flash=False)
    lit = float((canvas[..., :3].max(axis=-1) > 30).mean())
    if lit < LIT:
        raise RuntimeError(f"the canvas of {name} is dark ({lit:.1%} lit)")
    imwrite(IMAGES / name, viewer.screenshot(canvas_only=False, flash=False)[..., :3])
    print(f"{name}: {lit:.0%} of the canvas lit")


def raise_dock(viewer: Any, name: str) -> None:
    """Bring one of the lower docks to the front."""
    frame, _ = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    frame.raise_()


def draw_surface(folder: Path) -> None:
    """A real map as a surface, with its model in it."""
    viewer, _ = new_viewer()
    viewer.open(str(folder / "map.mrc.gz"), plugin=PLUGIN)
    viewer.open(str(folder / "model.pdb.gz"), plugin=PLUGIN)
    surface, atoms, backbone = viewer.layers
    surface.opacity = 0.7
    surface.blending = "translucent_no_depth"
    surface.colormap = "cyan"
    surface.iso_threshold *= 1.4
    surface.contrast_limits = (0, 1.3 * surface.iso_threshold)
    atoms.visible = False
    backbone.edge_width = 0.6
    viewer.layers.selection.active = surface
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = (0, 40, 35)
    raise_dock(viewer, "Info")
    save(viewer, "surface.png")
    viewer.close()


def draw_journey() -> None:
    """Half maps to resolution and sharpened map: the Plot and History docks."""
    viewer, docks = new_viewer()
    viewer.open_sample(PLUGIN, "four_helix_bundle")
    run_in_form(docks["Jobs"].open("make_mask"))
    run_in_form(docks["Jobs"].open("shell_correlation"))
    save(viewer, "plot.png")
    run_in_form(docks["Jobs"].open("sharpen_by_b_factor"))
    raise_dock(viewer, "History")
    save(viewer, "history.png")
    raise_dock(viewer, "Plot")
    for layer in viewer.layers:
        layer.visible = "sharpened" in layer.name
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = (0, 30, 90)
    save(viewer, "journey-1.png")
    viewer.close()


def draw_running() -> None:
    """A form while its job runs on half maps of 256³ voxels."""
    viewer, docks = new_viewer()
    random = np.random.default_rng(0)
    axis = np.arange(256, dtype=np.float32) - 128
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    signal = np.exp(-((distance / 60) ** 2)) * (3 + np.cos(distance / 3))
    for number in (1, 2):
        noisy = Volume(signal + 0.3 * random.standard_normal((256,) * 3, dtype=np.float32))
        layers = layers_from_noun(noisy, f"vesicle · half map {number}", "half map")
        layers[0][1]["metadata"]["file"] = f"vesicle_half{number}.mrc"
        add_layers(viewer, layers, None, None)
    form = docks["Jobs"].open("shell_correlation")
    form.run_button.click()
    while form.bar.value() < 300 and not form.entry.run.is_over:
        QTest.qWait(20)
    save(viewer, "running.png")
    form.entry.run.cancel()
    QTest.qWait(500)
    viewer.close()


def draw_mending() -> None:
    """A map with a wrong voxel size, origin and contrast, and what Info says of it."""
    viewer, docks = new_viewer()
    source = read(Path(__file__).parents[1] / "sample_data" / "four_helix_bundle.mrc.gz")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map_from_someone.mrc"
        write(path, Volume(-source.float32(), (1.0,) * 3, (30.1, 20.7, 10.3)))
        viewer.open(str(path), plugin=PLUGIN)
        raise_dock(viewer, "Info")
        QTest.qWait(1500)
        docks["Info"].text.setToolTip("")
        save(viewer, "journey-2.png")
    viewer.close()


def draw_walk(maps: Path) -> None:
    """A coloured contour, a model coloured by a score, a residue in its density, two maps."""
    viewer, _ = new_viewer()
    colored_contour(viewer, maps / "relion_betagal_localres")
    save(viewer, "contour.png")
    viewer.close()
    viewer, _ = new_viewer()
    scored_structure(viewer, maps / "emd6272_3j9s")
    save(viewer, "structure.png")
    zone_of_a_residue(viewer, "A/300")
    save(viewer, "journey-3.png")
    viewer.close()
    viewer, _ = new_viewer()
    two_maps(viewer, maps / "relion_betagal_localres")
    save(viewer, "compare.png")
    viewer.close()


def draw_made_map(model: Path) -> None:
    """A map made from a structure, degraded to a wanted resolution, and both curves."""
    viewer, docks = new_viewer()
    map_from_structure(viewer, docks, model)
    save(viewer, "journey-4.png")
    viewer.close()


def draw_scores(folder: Path) -> None:
    """A model in its map, scored: colours, worst residues, and density around χ1."""
    viewer, docks = new_viewer()
    worst_residues(viewer, docks, folder)
    save(viewer, "journey-5.png")
    viewer.close()


def draw_class(path: Path) -> None:
    """A map and the class of its resolution, by the model that comes with Mapscope."""
    if not model_names():
        print("journey-6.png: not drawn, no model of resolution is installed")
        return
    viewer, docks = new_viewer()
    viewer.open(str(path), plugin=PLUGIN)
    run_in_form(docks["Jobs"].open("classify_resolution"))
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = (0, 30, 60)
    raise_dock(viewer, "Plot")
    save(viewer, "journey-6.png")
    viewer.close()


def draw_enhancing(path: Path, name: str, resolution: float) -> None:
    """A map, three strengths of it, its enhanced surface by confidence, and before and after."""
    if not enhancer_names():
        print("journey-7.png: not drawn, no enhancer is installed")
        return
    viewer, docks = new_viewer()
    form = previewed_strengths(viewer, docks, path, name, resolution)
    save(viewer, "strengths.png")
    confident_surface(viewer, form)
    save(viewer, "journey-7.png")
    before_and_after(viewer, form)
    save(viewer, "enhanced.png")
    viewer.close()


def draw_training(structures: Path) -> None:
    """A training in the Train dock, with one of its samples in the view."""
    viewer, docks = new_viewer()
    with tempfile.TemporaryDirectory() as folder:
        raise_dock(viewer, "Train")
        watched_training(viewer, docks, structures, Path(folder))
        viewer.dims.ndisplay = 2
        viewer.reset_view()
        save(viewer, "train.png")
        stop_training(docks)
        viewer.close()


def draw_picks() -> None:
    """Picks of the sample tomogram with threshold and gallery, and the average of the rest."""
    viewer, docks = new_viewer()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MAPSCOPE_EDITS"] = folder
        dock = thresholded_picks(viewer, docks, Path(folder))
        save(viewer, "picks.png")
        averaged_picks(viewer, dock)
        save(viewer, "journey-8.png")
        viewer.close()


def draw_matching(path: Path) -> None:
    """Particles found by their structure: the histogram of template and control, and the picks."""
    viewer, docks = new_viewer()
    with tempfile.TemporaryDirectory() as folder:
        matched_structure(viewer, docks, path, Path(folder))
        raise_dock(viewer, "Plot")
        save(viewer, "journey-9.png")
        viewer.close()


def draw_tomogram() -> None:
    """A tomogram with copies of a template where its particles are, and the View dock."""
    viewer, _ = new_viewer()
    tomogram_in_3d(viewer)
    save(viewer, "tomogram.png")
    viewer.close()


if __name__ == "__main__":
    sys.exit(main())
