"""Folders and files for the jobs that take paths, made once from the sample."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.tiny_recipes import recipe_of_an_enhancer

_RECIPE = """
name = "tiny"
about = "A recipe for tests."
network = { name = "cnn_2019", config = { size = 8, width = 0.05 } }
data = { kind = "class_maps", size = 8, voxel_size = 6.0, orientations = 1, min_residues = 5 }
schedule = { steps = 2, batch = 3, validate_every = 2, validation_samples = 3, workers = 0 }
"""

SAMPLE = Path(__file__).parent.parent / "sample_data"


@cache
def _folder() -> Path:
    """A folder with a model in it, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mapscope_paths_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "models").mkdir()
    shutil.copy(SAMPLE / "four_helix_bundle.cif", folder / "models")
    return folder


@cache
def _corpus() -> Path:
    """A corpus of that model."""
    from mapscope.jobs import build_corpus

    path = _folder() / "corpus.safetensors"
    build_corpus(folder=_folder() / "models", output=path)
    return path


@cache
def _training() -> dict[str, str]:
    """A recipe and a corpus that learn in a second, and the folder of that training."""
    from mapscope.jobs import train
    from mapscope.training.corpus import Corpus, PackedEntry, write_corpus
    from mapscope.training.split import read_split

    entry = next(iter(Corpus.open(_corpus()).values()))
    split, path = read_split(), _folder() / "learned.safetensors"
    names = [*split.entries("training")[:1], *split.entries("validation")[:1]]
    names += split.entries("test")[:1]
    write_corpus(path, [PackedEntry(replace(entry, name=name)) for name in names])
    recipe = _folder() / "recipe.toml"
    recipe.write_text(_RECIPE)
    run = _folder() / "run"
    settings = {"recipe": str(recipe), "corpus": str(path), "run_folder": str(run)}
    train(**settings)
    return settings


@cache
def _training_of_maps() -> Path:
    """The folder of a training whose network makes maps of half maps."""
    from mapscope.jobs import train

    recipe, run = _folder() / "recipe_of_maps.toml", _folder() / "run_of_maps"
    recipe.write_text(recipe_of_an_enhancer())
    train(recipe=str(recipe), corpus=_training()["corpus"], run_folder=run)
    return run


def _small_tomograms(job: str) -> dict[str, Any]:
    """For jobs that make tomograms: one species, and sizes that take a moment."""
    if job not in ("simulate_tomogram", "simulate_tomograms"):
        return {}
    size = {"planes": 24, "rows": 32, "columns": 32, "images": 3}
    settings = {"species": str(_folder() / "models"), **size}
    if job == "simulate_tomogram":
        return {**settings, "number": 3}
    of_a_set = {"folder": str(_folder() / "tomograms"), "tomograms": 2, "fewest": 2, "most": 3}
    return {**settings, **of_a_set}


@cache
def _template() -> Path:
    """A small map of a lump in the example nouns' voxels."""
    from tests.match_phantom import body

    from mapscope import files
    from mapscope.volume import Volume

    path = _folder() / "lump.mrc"
    files.write(path, Volume(body(11), (1.2,) * 3))
    return path


def _of_picking(job: str) -> dict[str, Any]:
    """What the search for a template needs."""
    if job != "match_template":
        return {}
    return {"templates": str(_template()), "coarse_angle": 90.0, "angle": 90.0}


def path_settings(job: str) -> dict[str, Any]:
    """What a job needs where it takes paths; nothing for any other job."""
    if job == "build_corpus":
        return {"folder": str(_folder() / "models"), "output": str(_folder() / "new.safetensors")}
    if job == "train":
        return dict(_training())
    if job == "measure_recipe":
        return {"recipe": _training()["recipe"]}
    if job == "list_trainings":
        return {"folder": str(_folder())}
    if job == "calibrate_confidence":
        return {"run_folder": str(_training_of_maps()), "samples": 4}
    of_a_training = ("evaluate", "keep_model", "resume_training")
    if job in (*of_a_training, "show_sample", "show_training"):
        return {"run_folder": _training()["run_folder"]}
    if job == "classify_resolution":
        from tests.tiny_models import resolution_model_file

        return {"model": str(resolution_model_file())}
    if job == "apply_model":
        from tests.tiny_models import voxel_model_file

        return {"model": str(voxel_model_file())}
    if job in ("enhance", "report_enhancement"):
        from tests.tiny_models import enhancer_file

        return {"model": str(enhancer_file())}
    return _of_picking(job) or (
        {"corpus": str(_corpus())} if job == "make_split" else _small_tomograms(job)
    )
