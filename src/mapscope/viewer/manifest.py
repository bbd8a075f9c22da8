"""Write the napari manifest from the jobs: ``python -m mapscope.viewer.manifest``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mapscope.files import readable_suffixes, writable_suffixes
from mapscope.files.stream import COMPRESSIONS
from mapscope.job import Job
from mapscope.jobs import all_jobs
from mapscope.particles import Particles
from mapscope.viewer.preferences import configurations
from mapscope.viewer.reader import MAY_HOLD_PICKS, NOT_LAYERS, ZARR

NAME = "napari-mapscope"
PATH = Path(__file__).parents[1] / "napari.yaml"
DOCKS = {
    "jobs": ("Jobs", "mapscope.viewer.docks.jobs:JobsDock"),
    "contour": ("Contour", "mapscope.viewer.docks.contour:ContourDock"),
    "structure": ("Structure", "mapscope.viewer.docks.structure:StructureDock"),
    "view": ("View", "mapscope.viewer.docks.view:ViewDock"),
    "edit": ("Edit", "mapscope.viewer.docks.edit:EditDock"),
    "picks": ("Picks", "mapscope.viewer.docks.picks:PicksDock"),
    "train": ("Train", "mapscope.viewer.docks.train:TrainDock"),
    "info": ("Info", "mapscope.viewer.docks.info:InfoDock"),
    "plot": ("Plot", "mapscope.viewer.docks.plot:PlotDock"),
    "history": ("History", "mapscope.viewer.docks.history:HistoryDock"),
}


def _particle_suffixes() -> list[str]:
    """Suffixes of lists of particles; napari itself writes points as .csv, in a way of its own."""
    return [suffix for suffix in writable_suffixes(Particles) if suffix != ".csv"]


WRITERS = {
    "write_map": ("Save map", ["image"], [".mrc", ".map", ".mrc.gz", ".map.gz"]),
    "write_labels": ("Save labels", ["labels"], [".mrc"]),
    "write_structure": ("Save structure", ["points"], [".cif", ".pdb"]),
    "write_particles": ("Save particles", ["points"], _particle_suffixes()),
    "write_scene": (
        "Save for ChimeraX, as it looks",
        ["image*", "labels*", "points*", "shapes*", "surface*"],
        [".cxc"],
    ),
}


def manifest() -> dict[str, Any]:
    """Everything that napari needs to know of Mapscope, as a dictionary."""
    return {
        "name": NAME,
        "display_name": "Mapscope",
        "visibility": "public",
        "categories": ["Image Processing", "Measurement", "IO", "Visualization", "Transformations"],
        "contributions": {
            "commands": [*_fixed_commands(), *(_job_command(j) for j in all_jobs().values())],
            "readers": [
                {"command": f"{NAME}.read", "filename_patterns": _patterns()},
                {
                    "command": f"{NAME}.read",
                    "filename_patterns": [f"*{ZARR}"],
                    "accepts_directories": True,
                },
            ],
            "writers": [
                {
                    "command": f"{NAME}.{name}",
                    "layer_types": types,
                    "filename_extensions": extensions,
                    "display_name": title,
                }
                for name, (title, types, extensions) in WRITERS.items()
            ],
            "sample_data": [
                {
                    "command": f"{NAME}.sample",
                    "key": "four_helix_bundle",
                    "display_name": "Four-helix bundle: half maps and structure",
                },
                {
                    "command": f"{NAME}.uneven_sample",
                    "key": "uneven_four_helix_bundle",
                    "display_name": "Four-helix bundle: half maps of known local resolution",
                },
                {
                    "command": f"{NAME}.tomogram_sample",
                    "key": "simulated_tomogram",
                    "display_name": (
                        "Simulated tomogram: two kinds of particles, and where they are"
                    ),
                },
            ],
            "widgets": [
                {"command": f"{NAME}.{name}", "display_name": title}
                for name, (title, _) in DOCKS.items()
            ],
            "menus": _menus(),
            "configurations": configurations(),
        },
    }


def _fixed_commands() -> list[dict[str, str]]:
    """Reader, writers, samples and docks."""
    commands = [
        _command("read", "Open with Mapscope", "mapscope.viewer.reader:get_reader"),
        _command("sample", "Open the sample", "mapscope.viewer.samples:four_helix_bundle"),
        _command(
            "uneven_sample",
            "Open the sample of known local resolution",
            "mapscope.viewer.samples:uneven_four_helix_bundle",
        ),
        _command(
            "tomogram_sample",
            "Open the sample tomogram",
            "mapscope.viewer.samples:simulated_tomogram",
        ),
    ]
    commands += [_command(n, w[0], f"mapscope.viewer.writer:{n}") for n, w in WRITERS.items()]
    commands += [_command(n, f"{title} dock", home) for n, (title, home) in DOCKS.items()]
    return commands


def _job_command(job: Job) -> dict[str, str]:
    return _command(f"open_{job.name}", job.title, f"mapscope.viewer.forms:open_{job.name}")


def _command(name: str, title: str, home: str) -> dict[str, str]:
    return {"id": f"{NAME}.{name}", "title": title, "python_name": home}


def _menus() -> dict[str, list[dict[str, str]]]:
    """The layer menus, each with the jobs that belong there."""
    menus: dict[str, list[dict[str, str]]] = {}
    for job in all_jobs().values():
        menus.setdefault(job.menu, []).append({"command": f"{NAME}.open_{job.name}"})
    return dict(sorted(menus.items()))


def _patterns() -> list[str]:
    """File name patterns of everything that opens as a layer."""
    hidden = (NOT_LAYERS | {ZARR}) - set(MAY_HOLD_PICKS)
    suffixes = [s for s in readable_suffixes() if s not in hidden]
    return [f"*{suffix}{packed}" for suffix in suffixes for packed in ("", *COMPRESSIONS)]


def write_manifest(path: Path = PATH) -> str:
    """Write the manifest and give its text."""
    text: str = yaml.safe_dump(manifest(), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    write_manifest()
