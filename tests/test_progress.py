"""Progress goes from 0 to 1 through all parts of a job, and cancelling gets through."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mapscope.errors import Cancelled, MapscopeError
from mapscope.progress import Progress, part, show_so_far, silent


def recorder() -> tuple[list[tuple[float, str]], Progress]:
    seen: list[tuple[float, str]] = []
    return seen, lambda done, total, message: seen.append((done / total, message))


def test_part_of_a_part_fills_its_own_share() -> None:
    seen, progress = recorder()
    inner = part(part(progress, 1, 3, 4), 1, 2, 2)
    inner(0, 5, "start")
    inner(5, 5, "end")
    assert seen == [(0.5, "start"), (0.75, "end")]


def test_parts_one_after_the_other_never_go_back_and_end_at_one() -> None:
    seen, progress = recorder()
    for n in range(3):
        for done in range(8):
            part(progress, n, n + 1, 3)(done, 7, "")
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0


def test_part_when_there_is_nothing_to_do_is_done() -> None:
    seen, progress = recorder()
    part(progress, 0, 1, 2)(0, 0, "nothing")
    assert seen == [(0.5, "nothing")]


def test_part_when_cancelled_lets_it_through() -> None:
    def cancel(done: int, total: int, message: str) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled, match="stop"):
        part(part(cancel, 0, 1, 2), 0, 1, 2)(0, 1, "")


def test_cancelled_is_one_of_our_errors_and_no_builtin_that_code_catches() -> None:
    assert issubclass(Cancelled, MapscopeError)
    assert not issubclass(Cancelled, ValueError | RuntimeError | OSError)


def test_silent_takes_every_call() -> None:
    silent(1, 0)
    silent(1, 2, "message")


class Watching:
    """A progress that looks at what there is so far."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Count."""

    def show(self, make: Callable[[], str]) -> None:
        self.seen.append(make())


def test_what_there_is_so_far_reaches_who_watches_through_parts_and_is_not_made_for_others() -> (
    None
):
    watching = Watching()
    show_so_far(part(part(watching, 0, 1, 2), 1, 2, 2), lambda: "a half")
    assert watching.seen == ["a half"]

    def make() -> None:
        raise AssertionError("nobody looks")

    show_so_far(silent, make)
    show_so_far(part(silent, 0, 1, 2), make)
