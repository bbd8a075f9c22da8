"""Folders and files for the jobs that take paths, made once from the sample."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

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


def path_settings(job: str) -> dict[str, Any]:
    """What a job needs where it takes paths; nothing for any other job."""
    if job == "build_corpus":
        return {"folder": str(_folder() / "models"), "output": str(_folder() / "new.safetensors")}
    return {"corpus": str(_corpus())} if job == "make_split" else {}
