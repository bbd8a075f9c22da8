"""The manifest is made from the jobs, and napari can follow every line of it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from napari._app_model import get_app_model
from napari._app_model.constants import MenuId
from npe2 import PluginManifest

import mapscope
from mapscope.jobs import all_jobs
from mapscope.viewer import manifest

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

PATH = Path(mapscope.__file__).with_name("napari.yaml")


@pytest.fixture
def committed() -> dict[str, Any]:
    """The manifest as it is in the package."""
    content: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return content


def test_manifest_when_made_anew_then_it_is_the_committed_one(tmp_path: Path) -> None:
    text = manifest.write_manifest(tmp_path / "napari.yaml")
    assert text == PATH.read_text(encoding="utf-8"), "run make manifest"
    assert (tmp_path / "napari.yaml").read_text(encoding="utf-8") == text


def test_manifest_when_npe2_validates_it_then_it_passes() -> None:
    assert PluginManifest.from_file(PATH).name == "napari-mapscope"
    words = [sys.executable, "-m", "npe2", "validate", str(PATH)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_manifest_at_the_top_of_the_repository_is_a_link_to_it() -> None:
    link = Path(__file__).parents[2] / "napari.yaml"
    assert link.is_symlink()
    assert link.resolve() == PATH.resolve()
    assert not Path(link.readlink()).is_absolute()


def test_menus_are_contributable_and_hold_each_job_in_its_own_menu(
    committed: dict[str, Any],
) -> None:
    menus = committed["contributions"]["menus"]
    assert set(menus) <= {menu.value for menu in MenuId.contributables()}
    places = Counter((menu, item["command"]) for menu, items in menus.items() for item in items)
    wanted = Counter((j.menu, f"napari-mapscope.open_{j.name}") for j in all_jobs().values())
    assert places == wanted


def test_commands_begin_with_the_name_and_every_python_name_resolves(
    committed: dict[str, Any],
) -> None:
    assert committed["name"] == "napari-mapscope"
    commands = committed["contributions"]["commands"]
    ids = [command["id"] for command in commands]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("napari-mapscope.") for name in ids)
    for command in commands:
        module, _, name = command["python_name"].partition(":")
        assert callable(getattr(importlib.import_module(module), name)), command


def test_forms_when_asked_for_an_unknown_command_then_there_is_none() -> None:
    forms = importlib.import_module("mapscope.viewer.forms")
    with pytest.raises(AttributeError, match="open_nothing"):
        forms.open_nothing  # noqa: B018
    assert forms.open_filter_map.__name__ == "open_filter_map"


@pytest.mark.parametrize("name", ["filter_map", "local_shell_correlation"])
def test_layer_menu_command_when_called_then_the_jobs_form_is_shown(desk: Desk, name: str) -> None:
    get_app_model().commands.execute_command(f"napari-mapscope.open_{name}").result()
    dock = desk.docks["Jobs"]
    assert dock.form.job.name == name
    assert dock.pages.currentWidget() is dock.form


def test_layer_menu_command_when_no_dock_is_open_then_docks_and_form_are_shown(
    make_napari_viewer: Any,
) -> None:
    viewer = make_napari_viewer()
    get_app_model().commands.execute_command("napari-mapscope.open_flip_hand").result()
    _, dock = viewer.window.add_plugin_dock_widget("napari-mapscope", "Jobs")
    assert dock.form.job.name == "flip_hand"


def test_open_job_when_there_is_no_viewer_then_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    window = importlib.import_module("mapscope.viewer.window")
    monkeypatch.setattr(window.napari, "current_viewer", lambda: None)
    with pytest.raises(RuntimeError, match="viewer first"):
        window.open_job("flip_hand")
