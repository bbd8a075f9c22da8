"""Settings that were changed for a while are given back."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from mapscope.viewer.views.borrowed import Borrowed


def test_borrowed_when_given_back_then_everything_is_as_before_the_first_change() -> None:
    lamp, borrowed = SimpleNamespace(on=True, place=(1.0, 2.0)), Borrowed()
    borrowed.set(lamp, "on", False)
    borrowed.set(lamp, "place", np.array([3.0, 4.0]))
    borrowed.set(lamp, "place", (5.0, 6.0))
    assert (lamp.on, lamp.place) == (False, (5.0, 6.0))
    borrowed.give_back()
    assert (lamp.on, lamp.place) == (True, (1.0, 2.0))


def test_borrowed_when_somebody_else_changed_it_then_it_stays_as_they_left_it() -> None:
    lamp, borrowed = SimpleNamespace(on=True, colour="red"), Borrowed()
    borrowed.set(lamp, "on", False)
    borrowed.set(lamp, "colour", "blue")
    lamp.colour = "green"
    borrowed.give_back()
    assert (lamp.on, lamp.colour) == (True, "green")


def test_borrowed_when_an_owner_is_forgotten_then_it_stays_as_it_is() -> None:
    lamp, other, borrowed = SimpleNamespace(on=True), SimpleNamespace(on=True), Borrowed()
    borrowed.set(lamp, "on", False)
    borrowed.set(other, "on", False)
    borrowed.forget(lamp)
    borrowed.give_back()
    assert (lamp.on, other.on) == (False, True)
