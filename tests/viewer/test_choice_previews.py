"""Pictures of what each strength would give: they come, choose, fail, stop and go with the form."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pytest
from napari.settings import get_settings
from tests.tiny_models import blob_map, write_enhancer

from mapscope.density.frame import crop
from mapscope.errors import Cancelled, DataError
from mapscope.inference.model import Model
from mapscope.job import Job, Show
from mapscope.jobs import enhance
from mapscope.testing import check_job
from mapscope.viewer import choice_previews
from mapscope.viewer.choice_pictures import picture_of, without_rim
from mapscope.viewer.preview import region_around
from mapscope.volume import HalfMaps, Region, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

SOON = 60_000
"""Milliseconds: the first model of a session imports torch."""

STRENGTHS = ["gentle", "medium", "strong"]


@pytest.fixture(autouse=True)
def enhancer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that makes what is dense denser."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("MAPSCOPE_MODELS", str(folder))
    return write_enhancer(folder / "enhancer.safetensors", lift=0.5)


@pytest.fixture
def noisy_halves() -> HalfMaps:
    """Half maps of a heap of atoms, larger than the box of the pictures along z and y."""
    truth = blob_map(4.0, 1, 70, 1.0)[:, :, :50]
    random = np.random.default_rng(0)
    noise = 0.5 * truth.std() * random.standard_normal((2, *truth.shape))
    first, second = (
        Volume((truth + n).astype(np.float32), (1.0,) * 3, (5.0, 6.0, 7.0)) for n in noise
    )
    return HalfMaps(first, second)


def opened(desk: Desk, halves: HalfMaps) -> Any:
    """The form of enhance about two half maps, with its pictures."""
    desk.add_halves(halves)
    form: Any = desk.form("enhance")
    desk.qtbot.waitUntil(lambda: form.pictures.has_pictures, timeout=SOON)
    return form


def waiting(form: Any, monkeypatch: pytest.MonkeyPatch, stopped: list[bool]) -> None:
    """Let the form's job wait until it is stopped."""

    def wait(*_: Any, progress: Any, **__: Any) -> Any:
        try:
            while True:
                progress(0, 1, "working")
                sleep(0.002)
        except Cancelled:
            stopped.append(True)
            raise

    monkeypatch.setattr(form.job, "function", wraps(form.job.function)(wait))


def test_form_when_it_is_opened_shows_each_strength_of_the_box_in_view_asked_once(
    desk: Desk, noisy_halves: HalfMaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    predict = Model.predict

    def count(self: Model, *args: Any, **kwargs: Any) -> Any:
        asked.append(kwargs["region"])
        return predict(self, *args, **kwargs)

    monkeypatch.setattr(Model, "predict", count)
    form = opened(desk, noisy_halves)
    box = region_around(noisy_halves.grid, desk.viewer.dims.point, 64)
    assert asked == [box], "the network is asked once for all three"
    assert box.shape == (64, 64, 50)
    assert list(form.pictures.pictures) == STRENGTHS
    found = {
        s: picture_of(enhance(noisy_halves, strength=s, region=box).enhanced) for s in STRENGTHS
    }
    wanted = without_rim(found)["strong"]
    icon = form.pictures.pictures["strong"].icon()
    image = icon.pixmap(icon.availableSizes()[0]).toImage()
    ratio = image.width() / wanted.shape[1]
    for y, x in np.random.default_rng(0).integers(2, len(wanted) - 3, (50, 2)):
        shown = image.pixelColor(int((x + 0.5) * ratio), int((y + 0.5) * ratio))
        near = wanted[y - 2 : y + 3, x - 2 : x + 3, 3]
        if near.min() == near.max():
            assert abs(shown.alpha() - int(wanted[y, x, 3])) < 3
    assert not np.array_equal(wanted, picture_of(enhance(noisy_halves, region=box).data))


def test_picture_when_clicked_is_chosen_and_follows_the_list(
    desk: Desk, noisy_halves: HalfMaps
) -> None:
    form = opened(desk, noisy_halves)
    buttons = form.pictures.pictures
    assert [name for name in STRENGTHS if buttons[name].isChecked()] == ["medium"]
    buttons["strong"].click()
    assert form.settings["strength"].value == "strong"
    assert [name for name in STRENGTHS if buttons[name].isChecked()] == ["strong"]
    form.settings["strength"].value = "gentle"
    assert [name for name in STRENGTHS if buttons[name].isChecked()] == ["gentle"]
    buttons["gentle"].click()
    assert buttons["gentle"].isChecked(), "a second click does not let go of it"
    assert form.pictures.has_pictures, "they are of every strength"


def test_pictures_when_another_map_or_resolution_is_chosen_are_taken_away(
    desk: Desk, noisy_halves: HalfMaps
) -> None:
    form = opened(desk, noisy_halves)
    form.settings["resolution"].value = 5.0
    assert not form.pictures.has_pictures
    form.pictures.button.click()
    desk.qtbot.waitUntil(lambda: form.pictures.has_pictures, timeout=SOON)
    layers = form.chosen_layers()
    form.inputs[0].choose(layers[1], layers[0])
    assert not form.pictures.has_pictures


def test_pictures_when_a_region_is_chosen_are_of_its_middle(
    desk: Desk, noisy_halves: HalfMaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice_previews, "AT_ONCE", 0)
    desk.add_halves(noisy_halves)
    form: Any = desk.form("enhance")
    boxes = []
    predict = Model.predict

    def noted(*args: Any, **how: Any) -> Any:
        boxes.append(how["region"])
        return predict(*args, **how)

    monkeypatch.setattr(Model, "predict", noted)
    form.settings["region"].value = Region((0, 0, 0), (40, 70, 50))
    form.pictures.button.click()
    desk.qtbot.waitUntil(lambda: form.pictures.has_pictures, timeout=SOON)
    assert boxes == [Region((0, 3, 0), (64, 67, 50))]


@pytest.mark.parametrize("error", [DataError("the half maps agree nowhere"), RuntimeError("no")])
def test_pictures_when_the_job_fails_say_why_under_the_button(
    desk: Desk, noisy_halves: HalfMaps, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    form = opened(desk, noisy_halves)

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(form.job, "function", wraps(form.job.function)(fail))
    with desk.qtbot.waitSignal(form.pictures.failed, timeout=SOON):
        form.pictures.button.click()
    desk.qtbot.waitUntil(lambda: not form.pictures.is_running, timeout=SOON)
    assert str(error) in form.message.text()
    assert not form.message.isHidden()
    assert form.pictures.button.text() == "Preview strengths"


def test_pictures_of_a_map_alone_are_not_begun_without_its_resolution_and_say_so_when_asked(
    desk: Desk, volume: Volume
) -> None:
    desk.add(volume, "bundle")
    form: Any = desk.form("enhance")
    desk.qtbot.waitUntil(lambda: not form.pictures.is_running, timeout=SOON)
    form.foot.say("")
    form.pictures.button.click()
    desk.qtbot.waitUntil(lambda: "resolution" in form.message.text(), timeout=SOON)
    assert not form.pictures.has_pictures


def test_pictures_when_cancelled_stop_within_a_second_and_leave_the_form_as_it_was(
    desk: Desk, noisy_halves: HalfMaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice_previews, "AT_ONCE", 0)
    desk.add_halves(noisy_halves)
    form: Any = desk.form("enhance")
    assert not form.pictures.is_running, "a large map is not begun by itself"
    stopped: list[bool] = []
    waiting(form, monkeypatch, stopped)
    form.pictures.button.click()
    desk.qtbot.waitUntil(lambda: "0 %" in form.pictures.button.text(), timeout=SOON)
    assert form.pictures.button.text().startswith("Cancel")
    pressed = monotonic()
    form.pictures.button.click()
    assert form.pictures.button.text() == "Preview strengths"
    desk.qtbot.waitUntil(lambda: stopped == [True], timeout=SOON)
    assert monotonic() - pressed < 1
    desk.qtbot.wait(50)
    assert form.message.text() == ""
    assert not form.pictures.has_pictures


@pytest.mark.parametrize("end", ["run", "another form", "closed viewer"])
def test_pictures_in_the_making_when_nobody_wants_them_any_more_are_stopped(
    desk: Desk, noisy_halves: HalfMaps, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(choice_previews, "AT_ONCE", 0)
    desk.add_halves(noisy_halves)
    form: Any = desk.form("enhance")
    stopped: list[bool] = []
    with monkeypatch.context() as patch:
        waiting(form, patch, stopped)
        form.pictures.button.click()
        desk.qtbot.waitUntil(lambda: "0 %" in form.pictures.button.text(), timeout=SOON)
        if end == "run":
            form.run_button.click()
            desk.qtbot.waitUntil(lambda: stopped == [True], timeout=SOON)
            form.run_button.click()
            desk.qtbot.waitUntil(lambda: form.entry.run.is_over, timeout=SOON)
        elif end == "another form":
            desk.form("flip_hand")
        else:
            desk.viewer.close()
        desk.qtbot.waitUntil(lambda: stopped[:1] == [True], timeout=SOON)
        desk.qtbot.wait(50)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_chosen_picture_has_a_frame_in_both_themes(
    shown_desk: Desk, noisy_halves: HalfMaps, theme: str
) -> None:
    settings = get_settings().appearance
    before = settings.theme
    settings.theme = theme
    try:
        form = opened(shown_desk, noisy_halves)
        shown_desk.qtbot.wait(100)
        framed = {}
        for name, button in form.pictures.pictures.items():
            image = button.grab().toImage()
            row = [image.pixelColor(x, image.height() // 2) for x in range(3)]
            framed[name] = any(c.blue() > 200 and c.red() < 100 for c in row)
            ground = image.pixelColor(8, 8).lightness()
            line = [
                image.pixelColor(x, image.height() // 3).lightness() for x in range(image.width())
            ]
            assert max(abs(lightness - ground) for lightness in line) > 40, name
        assert framed == {"gentle": False, "medium": True, "strong": False}
    finally:
        settings.theme = before


def test_picture_of_a_ball_is_a_disc_bright_towards_the_light_whatever_its_contrast() -> None:
    index = np.indices((48, 40, 44)) - np.array([24, 20, 22])[:, None, None, None]
    ball = np.exp(-((index**2).sum(axis=0) / 8.0**2)).astype(np.float32)
    picture = picture_of(Volume(ball, (1.0,) * 3))
    assert picture.shape == (80, 88, 4)
    covered = picture[..., 3] == 255
    rows, columns = np.nonzero(covered)
    radius = np.sqrt(covered.sum() / np.pi)
    away = np.hypot(rows - rows.mean(), columns - columns.mean())
    assert away.max() < 1.1 * radius, "a disc"
    half = radius / 2
    top, bottom = (picture[int(rows.mean() + d), int(columns.mean()), 1] for d in (-half, half))
    left, right = (picture[int(rows.mean()), int(columns.mean() + d), 1] for d in (-half, half))
    assert top > bottom + 20
    assert left > right + 20
    dark = picture_of(Volume(-ball, (1.0,) * 3, contrast=-1))
    np.testing.assert_array_equal(dark, picture)


def test_pictures_when_they_have_a_rim_are_cut_to_the_square_that_holds_what_all_show() -> None:
    pictures = {name: np.zeros((30, 40, 4), np.uint8) for name in ("a", "b")}
    pictures["a"][10:14, 5:9] = 7
    pictures["b"][12:13, 9:17] = 9
    cut = without_rim(pictures)
    assert {name: picture.shape for name, picture in cut.items()} == dict.fromkeys(
        "ab", (12, 12, 4)
    )
    assert (cut["a"].sum(), cut["b"].sum()) == (4 * 4 * 4 * 7, 8 * 4 * 9)
    empty = {"a": np.zeros((3, 4, 4), np.uint8)}
    assert without_rim(empty)["a"].shape == (3, 4, 4)


def test_picture_of_a_constant_map_is_clear() -> None:
    assert not picture_of(Volume(np.ones((8, 9, 10), np.float32))).any()


def test_job_when_its_previewed_parameter_cannot_be_previewed_breaks_its_contract() -> None:
    def flip_hand(
        volume: Volume,
        *,
        way: Annotated[Literal["a", "b"], Show(preview=True)] = "a",
        much: Annotated[float, Show(preview=True)] = 1.0,
    ) -> Volume:
        """Map as it is.

        Parameters
        ----------
        volume : Volume
            The map.
        way : str
            Which.
        much : float
            How much.

        Returns
        -------
        flipped : Volume
            The map.
        """
        return crop(volume, Region((0, 0, 0), volume.shape)) if much else volume

    flip_hand.__module__ = "mapscope.jobs.maps.flip_hand"
    with pytest.raises(AssertionError, match="only where the job takes a region; one choice"):
        check_job(Job(flip_hand))
