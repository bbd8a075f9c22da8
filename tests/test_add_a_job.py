"""Adding a job is one file: the recipe in CONTRIBUTING.md, followed to the letter."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mapscope
from mapscope import read, write
from mapscope.testing import example_noun
from mapscope.volume import Volume

ROOT = Path(__file__).parent.parent
HAS_SCREEN = not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY"))
NOT_COPIED = shutil.ignore_patterns("__pycache__", "weights", ".*")

MANIFEST = """
from mapscope.viewer.manifest import manifest
made = manifest()["contributions"]
print(*(c["title"] for c in made["commands"] if c["id"] == "napari-mapscope.open_normalise_map"))
entry = {"command": "napari-mapscope.open_normalise_map"}
print(*(menu for menu, entries in made["menus"].items() if entry in entries))
"""

FORM = """
import napari
from mapscope.jobs import normalise_map
from mapscope.viewer import forms
viewer = napari.Viewer(show=False)
form = forms.JobForm(normalise_map, viewer)
assert callable(forms.open_normalise_map)
print([choice.parameter.name for choice in form.inputs], list(form.settings))
print(form.settings["deviation"].value)
viewer.close()
"""


@pytest.fixture(scope="module")
def recipe() -> tuple[Path, str]:
    """Path, below the sources, and content of the file that the recipe gives."""
    section = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("### Add a job")[1]
    path = re.search(r"`src/(mapscope/jobs/\w+/\w+\.py)`", section)
    code = re.search(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert path is not None
    assert code is not None
    return Path(path[1]), code[1]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, recipe: tuple[Path, str]) -> Path:
    """Folder with a copy of the package in which the recipe was followed: one more file."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(Path(mapscope.__file__).parent, folder / "mapscope", ignore=NOT_COPIED)
    path, code = recipe
    assert not (folder / path).exists()
    (folder / path).write_text(code, encoding="utf-8")
    return folder


def python(copy: Path, *words: str) -> str:
    """What Python prints with the copy in the place of the package."""
    run = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": str(copy)},
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_job_when_its_file_is_there_is_found_and_keeps_its_contract(copy: Path) -> None:
    code = """
import mapscope
from mapscope.jobs import all_jobs
from mapscope.testing import check_job
job = all_jobs()["normalise_map"]
check_job(job)
print(mapscope.__file__, job.family, job.title)
"""
    expected = f"{copy / 'mapscope' / '__init__.py'} maps Normalise map\n"
    assert python(copy, "-c", code) == expected


def test_command_when_the_file_is_there_has_help_and_runs_and_leaves_a_record(
    copy: Path, tmp_path: Path
) -> None:
    shown = python(copy, "-m", "mapscope.cli", "normalise-map", "--help")
    for text in ("Map of mean 0", "--volume", "--mask", "--deviation", "Standard deviation wanted"):
        assert text in shown
    assert "normalise-map" in python(copy, "-m", "mapscope.cli", "--help")

    source = write(tmp_path / "a.mrc", example_noun(Volume))
    out = tmp_path / "b.mrc"
    words = ["normalise-map", str(source), "--deviation", "2", "--out", str(out), "--json"]
    answer = json.loads(python(copy, "-m", "mapscope.cli", *words))
    data = read(out).data.astype(np.float64)
    assert data.mean() == pytest.approx(0, abs=1e-5)
    assert data.std() == pytest.approx(2, rel=1e-5)
    assert answer["files"][0]["field"] == "normalised"
    record = json.loads((tmp_path / "b.mrc.record.json").read_text("utf-8"))
    assert record == answer["record"]
    assert record["parameters"] == {"deviation": 2.0}


def test_manifest_when_the_file_is_there_has_its_command_in_its_layer_menu(copy: Path) -> None:
    pytest.importorskip("qtpy", reason="the viewer's packages are not installed")
    assert python(copy, "-c", MANIFEST) == "Normalise map\nnapari/layers/filter\n"


@pytest.mark.skipif(not HAS_SCREEN, reason="there is no DISPLAY for napari to draw on")
def test_form_when_the_file_is_there_has_its_inputs_and_settings(copy: Path) -> None:
    pytest.importorskip("napari")
    lines = python(copy, "-c", FORM).splitlines()
    assert lines == ["['volume', 'mask'] ['deviation']", "1.0"]


def test_recipes_when_read_are_short_and_their_code_is_clean(
    recipe: tuple[Path, str], tmp_path: Path
) -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for section in page.split("\n### Add a ")[1:]:
        prose = re.sub(r"^```.*?^```", "", section, flags=re.DOTALL | re.MULTILINE)
        assert len([line for line in prose.splitlines() if line]) <= 25
    (tmp_path / "normalise_map.py").write_text(recipe[1], encoding="utf-8")
    assert len(recipe[1].splitlines()) <= 60
    compile(recipe[1], "normalise_map.py", "exec")
