"""Every dock and every form has a ? that opens its page, and no link leads nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QToolButton, QVBoxLayout, QWidget

from mapscope.jobs import all_jobs
from mapscope.viewer.help import HelpWindow, add_help, show_help
from mapscope.viewer.pages import JOB, name_of_link, page, pages_folder

pytestmark = pytest.mark.slow  # each opens a window with all docks

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

PAGES = sorted(path.stem for path in pages_folder().glob("*.md") if path.stem != "design")


def help_windows(desk: Desk) -> list[HelpWindow]:
    found: list[HelpWindow] = desk.docks["Jobs"].window().findChildren(HelpWindow)
    return found


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", text)


@pytest.mark.parametrize(
    "name", ["Jobs", "Contour", "Structure", "View", "Edit", "Train", "Info", "Plot", "History"]
)
def test_help_button_of_a_dock_when_clicked_then_its_page_is_shown(desk: Desk, name: str) -> None:
    dock = desk.docks[name]
    (button,) = [b for b in dock.findChildren(QToolButton, "help") if b.parent() is dock]
    button.click()
    (window,) = help_windows(desk)
    assert window.page == dock.HELP
    assert window.isVisible()
    assert window.text.toPlainText().startswith(name)
    assert window.windowTitle() == f"{name} – Mapscope help"


def test_every_dock_names_a_page_that_is_there(desk: Desk) -> None:
    for name, dock in desk.docks.items():
        assert page(dock.HELP).startswith("# "), name
        assert "No such page" not in page(dock.HELP), name


def test_help_of_a_form_is_made_from_the_jobs_docstring(desk: Desk) -> None:
    form = desk.form("sharpen_by_b_factor")
    (button,) = form.findChildren(QToolButton, "help")
    button.click()
    (window,) = help_windows(desk)
    text = window.text.toPlainText()
    assert window.page == f"{JOB}sharpen_by_b_factor"
    assert form.job.summary in text
    assert "number in Å², auto if not given" in text
    assert "mapscope sharpen-by-b-factor" in text


@pytest.mark.parametrize("name", list(all_jobs()))
def test_page_of_every_job_says_what_it_takes_gives_and_what_to_cite(name: str) -> None:
    job = all_jobs()[name]
    text = page(f"{JOB}{name}")
    assert text.startswith(f"# {job.title}\n")
    for parameter in job.parameters:
        (row,) = [
            line for line in text.splitlines() if line.startswith(f"| **{parameter.label}** ")
        ]
        assert row.count(" | ") >= 2
        assert parameter.show.unit in row
    for output in job.outputs:
        assert f"| **{output.name.replace('_', ' ')}** " in text
    for entry in job.cite:
        assert entry.replace("``", "`")[:40] in text
    assert ":func:" not in text
    assert "``" not in text


@pytest.mark.parametrize("name", [*PAGES, *(f"{JOB}{n}" for n in all_jobs())])
def test_links_of_every_page_lead_to_pages_and_pictures_that_are_there(name: str) -> None:
    for link in links(page(name)):
        if link.startswith(("http", "mailto:")):
            continue
        if link.startswith("#"):
            heading = link[1:].replace("-", " ")
            assert re.search(rf"(?im)^#+ {heading}$", page(name)), link
            continue
        if link.endswith((".png", ".svg")):
            assert (pages_folder() / link).is_file(), link
        else:
            assert "No such page" not in page(name_of_link(link)), link


def test_index_leads_to_every_page() -> None:
    reached = {name_of_link(link) for link in links(page("index"))} | {"index"}
    assert reached >= set(PAGES)


def test_pages_of_docks_fit_a_screen() -> None:
    for name in ("index", "jobs", "info", "plot", "history", "preferences"):
        text = (pages_folder() / f"{name}.md").read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 60, name


@pytest.mark.parametrize(
    "name", ["", "nothing", "../pyproject", "job:nothing", "/etc/passwd", "a b"]
)
def test_page_when_unknown_then_it_says_so_and_leads_back(name: str) -> None:
    assert page(name).startswith("# No such page")
    assert links(page(name)) == ["index.md"]


def test_window_when_links_are_followed_then_back_leads_back(qtbot: QtBot) -> None:
    window = HelpWindow()
    qtbot.addWidget(window)
    window.open("index")
    assert not window.back_button.isEnabled()
    window.follow(QUrl("jobs.md"))
    window.follow(QUrl(f"{JOB}crop_map"))
    window.follow(QUrl("#a-heading"))
    assert window.page == f"{JOB}crop_map"
    assert window.windowTitle().startswith("Crop map")
    window.back_button.click()
    assert window.page == "jobs"
    assert "Every job" in window.text.toPlainText()
    window.back_button.click()
    assert window.page == "index"
    assert not window.back_button.isEnabled()
    window.follow(QUrl("plot.md"))
    window.index_button.click()
    assert window.page == "index"


def test_window_when_a_link_leads_to_the_web_then_the_browser_opens(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", staticmethod(opened.append))
    window = HelpWindow()
    qtbot.addWidget(window)
    window.open("index")
    window.follow(QUrl("https://www.emdataresource.org"))
    assert [url.host() for url in opened] == ["www.emdataresource.org"]
    assert window.page == "index"


def test_window_when_a_link_leads_to_a_heading_then_it_is_scrolled_there(qtbot: QtBot) -> None:
    window = HelpWindow()
    qtbot.addWidget(window)
    window.show()
    window.open("formats")
    assert window.text.verticalScrollBar().value() == 0
    window.follow(QUrl("#for-chimerax"))
    assert window.page == "formats"
    assert window.text.textCursor().block().text() == "For ChimeraX"
    assert window.text.verticalScrollBar().value() > 0
    window.follow(QUrl("jobs.md#the-form"))
    assert (window.page, window.text.textCursor().block().text()) == ("jobs", "The form")


def test_help_when_asked_for_again_then_there_is_one_window(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    first = show_help("jobs", parent)
    assert show_help("plot", parent) is first
    assert show_help("info", first.text) is first
    assert first.page == "info"


def test_add_help_when_the_dock_has_no_row_on_top_then_it_gets_one(qtbot: QtBot) -> None:
    dock = QWidget()
    dock.HELP = "plot"
    qtbot.addWidget(dock)
    layout = QVBoxLayout(dock)
    content = QWidget()
    layout.addWidget(content)
    button = add_help(dock, layout)
    assert layout.itemAt(1).widget() is content
    assert layout.itemAt(0).layout().indexOf(button) == 1
    assert button.toolTip()
