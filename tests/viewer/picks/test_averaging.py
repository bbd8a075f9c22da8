"""The average that is made from the dock, beside its template."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtGui import QColor
from tests.viewer.picks.conftest import PicksDesk, particles, tomogram_of

from mapscope.particles import ACCEPTED, Particles
from mapscope.viewer.layers import role_of
from mapscope.volume import Volume

EDGE = 12


def blob(offset: int = 0) -> Volume:
    """A template: the blob of the tomogram, or one that lies beside its middle along z."""
    index = np.stack(np.meshgrid(*[np.arange(EDGE) - EDGE // 2] * 3, indexing="ij"), axis=-1)
    distance = ((index - np.array([offset, 0, 0])) ** 2).sum(axis=-1)
    return Volume(np.exp(-distance / 4).astype(np.float32), (10.0,) * 3)


def averaged(desk: PicksDesk) -> Any:
    """Press the button and wait; gives the run."""
    button = desk.dock.average_button
    button.click()
    assert not button.isEnabled()
    entry = button.entry
    assert entry is not None
    desk.qtbot.waitUntil(lambda: entry.state != "running", timeout=60_000)
    desk.qtbot.waitUntil(button.isEnabled, timeout=5_000)
    return entry


def brightness(picture: Any, y: int, x: int) -> int:
    """How bright a picture of a section is, in voxels from its middle."""
    image = picture.pixmap().toImage()
    middle, voxel = image.width() // 2, image.width() / EDGE
    at = (round(middle + (x + 0.5) * voxel), round(middle + (y + 0.5) * voxel))
    return int(QColor(image.pixel(*at)).lightness())


def test_average_stands_beside_its_template_with_their_fsc(desk: PicksDesk) -> None:
    noun = particles()
    tomogram = desk.add(tomogram_of(noun, 0.5), "TS_01")
    template = desk.add(blob(), "template")
    desk.open(noun)
    view = desk.dock.average
    view.template.choose(template)
    entry = averaged(desk)
    assert entry.state == "done", entry.message
    assert entry.nouns["average"].shape == (EDGE,) * 3
    for sections in view.sections.values():
        assert not sections.isHidden()
        for picture in sections.pictures:
            assert brightness(picture, 0, 0) > brightness(picture, 4, 4) + 100
    assert entry.scalars["template_resolution"] < 60
    words = f"with the template {entry.scalars['template_resolution']:.1f} Å at FSC 0.5"
    assert words in view.headline.text()
    assert "template" in entry.nouns["curves"].columns
    made = [la for la in desk.viewer.layers if role_of(la) in ("average", "template", "half map")]
    assert len(made) == 4
    assert not any(la.visible for la in made), "they lie in the tomogram's corner"
    assert tomogram.visible
    assert template.visible
    assert desk.viewer.layers.selection.active is desk.editor.layer
    desk.dock.list.judge([0], ACCEPTED)
    assert desk.dock.choice.volumes.layer is tomogram
    assert tomogram.visible


def test_average_without_a_template_has_the_box_that_is_asked_and_shows_none(
    desk: PicksDesk,
) -> None:
    noun = particles()
    desk.add(tomogram_of(noun), "TS_01")
    template = desk.add(blob(), "template")
    desk.open(noun)
    desk.dock.average.template.choose(template)
    averaged(desk)
    desk.dock.average.template.choose(None)
    desk.dock.average.box.setValue(80.0)
    assert averaged(desk).nouns["average"].shape == (8,) * 3
    sections = desk.dock.average.sections
    assert not sections["average"].isHidden()
    assert sections["template"].isHidden()
    assert "with the template" not in desk.dock.average.headline.text()


def test_only_what_is_kept_is_averaged(desk: PicksDesk) -> None:
    noun = particles()
    desk.add(tomogram_of(noun), "TS_01")
    desk.open(noun)
    desk.dock.average.box.setValue(80.0)
    desk.dock.list.choose(threshold=0.5)
    assert noun.score is not None
    kept = int((~(noun.score < 0.5)).sum())
    assert averaged(desk).scalars["number"] == kept
    assert f"{kept} particles" in desk.dock.average.headline.text()


def test_one_pick_makes_no_average_and_the_dock_says_so(desk: PicksDesk) -> None:
    noun = particles(1)
    desk.add(tomogram_of(noun), "TS_01")
    desk.open(Particles(noun.positions, noun.rotations))
    entry = averaged(desk)
    assert entry.state == "failed"
    assert desk.dock.message.text() == entry.message != ""
    assert desk.dock.average_button.text() == "Average"
