"""A job that takes a folder runs from its form: paths are typed or browsed for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from magicgui.widgets import FileEdit
from tests.path_settings import path_settings

from mapscope.errors import InputError
from mapscope.jobs import build_corpus
from mapscope.table import Table
from mapscope.viewer.settings import Setting

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk


def setting(desk: Desk, name: str) -> Setting:
    """One row of the form of *Build corpus*."""
    return desk.form("build_corpus").settings[name]


def test_path_shows_a_line_and_a_button_that_looks_for_the_right_thing(
    desk: Desk, tmp_path: Path
) -> None:
    for name, mode in (("folder", "d"), ("output", "w")):
        row = setting(desk, name)
        assert isinstance(row.editor, FileEdit)
        assert row.value is None
        assert row.editor.mode.value == mode
        row.value = str(tmp_path / "a")
        assert row.value == tmp_path / "a"


def test_form_when_no_path_is_chosen_says_which_one_is_missing(desk: Desk) -> None:
    form = desk.form("build_corpus")
    with pytest.raises(InputError, match="Folder: choose a folder"):
        form.job.check(**form.values())


def test_build_corpus_when_run_from_its_form_shows_its_tables(desk: Desk) -> None:
    form = desk.form("build_corpus")
    for name, value in path_settings("build_corpus").items():
        form.settings[name].value = value
    entry = desk.run_well(form)
    assert isinstance(entry.nouns["entries"], Table)
    assert len(entry.nouns["entries"]) == 1
    assert Path(path_settings("build_corpus")["output"]).is_file()
    assert not desk.viewer.layers


def test_path_in_python_may_be_text_and_a_tilde_is_written_out() -> None:
    parameter = next(p for p in build_corpus.parameters if p.name == "folder")
    assert parameter.kind == "path"
    assert parameter.check("~/models") == Path.home() / "models"
    assert parameter.check(Path("a")) == Path("a")
    for wrong in (None, "", "  ", 3):
        with pytest.raises(InputError, match="Folder: choose a folder"):
            parameter.check(wrong)
