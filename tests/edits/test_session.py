"""Undo and redo are exact over any mixture of edits, in memory and from the disk."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from mapscope.edits import Column, EditLog, EditSession, Region, regions
from mapscope.errors import DataError, InputError
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.volume import Array

Random = np.random.Generator
EDITS = 1000
SHAPE = (6, 7, 8)


@dataclass
class NaivePoints:
    """Points as a dictionary of rows, which are replaced and never changed."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    next_id: int = 0

    def copied(self) -> NaivePoints:
        return NaivePoints(dict(self.rows), self.next_id)

    def add(self, positions: Array, scores: Array) -> None:
        for position, score in zip(positions, scores, strict=True):
            self.rows[self.next_id] = {"position": position.copy(), "score": score, "species": ""}
            self.next_id += 1


@dataclass
class NaiveLabels:
    """Labels as a whole array and a dictionary, both replaced and never changed."""

    data: Array
    regions: dict[int, Region] = field(default_factory=dict)

    def copied(self) -> NaiveLabels:
        return copy(self)


class Desk:
    """The real session and the naive one, side by side.

    Parameters
    ----------
    logs : number of logs of each kind
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.naive: list[Any] = [NaivePoints(), NaiveLabels(np.zeros(SHAPE, np.int64))]
        self.naive.append(NaivePoints())
        self.session = EditSession()
        none = np.empty((0, 3))
        empty_points = Particles(none, species=(), score=np.empty(0))
        for noun in (empty_points, Labels(np.zeros(SHAPE, np.int16)), empty_points):
            self.session.add(EditLog.create(noun, name="a"))
        self.order = list(self.session.logs)
        self.undo_stack: list[Any] = []
        self.redo_stack: list[Any] = []
        self.counts: dict[str, int] = {}

    def edit(self) -> None:
        """One random edit of one document, or of two that are undone together."""
        before = [naive.copied() for naive in self.naive]
        which = [int(self.random.integers(3))]
        if self.random.random() < 0.15:
            which.append((which[0] + 1) % 3)
        with self.session.group():
            done = [self._edit_one(n) for n in which]
        if any(done):
            self.undo_stack.append(before)
            self.redo_stack.clear()

    def _edit_one(self, which: int) -> bool:
        log, naive = self.order[which], self.naive[which]
        kinds = POINT_EDITS if isinstance(naive, NaivePoints) else LABEL_EDITS
        kind = kinds[int(self.random.integers(len(kinds)))]
        is_done = kind(self.session, log, naive, self.random)
        if is_done:
            self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
        return is_done

    def undo(self) -> None:
        assert bool(self.session.undo()) == bool(self.undo_stack)
        if self.undo_stack:
            self.redo_stack.append(self._replaced_by(self.undo_stack.pop()))

    def redo(self) -> None:
        assert bool(self.session.redo()) == bool(self.redo_stack)
        if self.redo_stack:
            self.undo_stack.append(self._replaced_by(self.redo_stack.pop()))

    def _replaced_by(self, state: list[Any]) -> list[Any]:
        """Take over a state; ids that were given once are never given again."""
        old, self.naive = self.naive, state
        for one, other in zip(old, state, strict=True):
            if isinstance(one, NaivePoints):
                other.next_id = max(one.next_id, other.next_id)
        return old

    def reload(self) -> None:
        """Close everything and open it from the disk, in another order."""
        paths = [log.path for log in self.order]
        self.session.close()
        self.session = EditSession()
        self.order = [EditLog.open(path) for path in paths]
        for n in self.random.permutation(3):
            self.session.add(self.order[n])
        assert [log.notes for log in self.order] == [(), (), ()]

    def check(self) -> None:
        """Every number is the same in both."""
        for log, naive in zip(self.order, self.naive, strict=True):
            if isinstance(naive, NaivePoints):
                noun = log.snapshot()
                assert isinstance(noun, Particles)
                assert log.points.ids.tolist() == sorted(naive.rows)
                rows = [naive.rows[n] for n in sorted(naive.rows)]
                positions = np.array([row["position"] for row in rows]).reshape(-1, 3)
                np.testing.assert_array_equal(noun.positions, positions)
                np.testing.assert_array_equal(noun.score, [row["score"] for row in rows])
                assert list(noun.species or ()) == [row["species"] for row in rows]
            else:
                labels = log.snapshot()
                assert isinstance(labels, Labels)
                np.testing.assert_array_equal(labels.data, naive.data)
                assert log.labels.regions == naive.regions
                numbers, counts = np.unique(naive.data, return_counts=True)
                held = {n: c for n, c in log.labels.counts.items() if c}
                assert held == dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def add(session: EditSession, log: EditLog, naive: NaivePoints, random: Random) -> bool:
    count = int(random.choice([1, 1, 3, 100]))
    positions = random.normal(size=(count, 3)) * 100
    scores = np.where(random.random(count) < 0.5, np.nan, random.normal(size=count))
    session.do(log, log.points.added({"position": positions, "score": scores}))
    naive.add(positions, scores)
    return True


def remove(session: EditSession, log: EditLog, naive: NaivePoints, random: Random) -> bool:
    if not naive.rows:
        return False
    count = min(len(naive.rows), int(random.choice([1, 2, 80])))
    ids = random.choice(sorted(naive.rows), count, replace=False).tolist()
    session.do(log, log.points.removed(ids))
    for n in ids:
        del naive.rows[n]
    return True


def move(session: EditSession, log: EditLog, naive: NaivePoints, random: Random) -> bool:
    if not naive.rows:
        return False
    count = min(len(naive.rows), int(random.choice([1, 2, 80])))
    ids = random.choice(sorted(naive.rows), count, replace=False).tolist()
    positions = random.normal(size=(count, 3))
    session.do(log, log.points.changed(ids, {"position": positions}))
    for n, position in zip(ids, positions, strict=True):
        naive.rows[n] = {**naive.rows[n], "position": position}
    return True


def name_and_score(session: EditSession, log: EditLog, naive: NaivePoints, random: Random) -> bool:
    if not naive.rows:
        return False
    n = int(random.choice(sorted(naive.rows)))
    score, species = float(random.normal()), str(random.choice(["", "ä", "ribosome"]))
    values = {"score": np.array([score]), "species": np.array([species])}
    session.do(log, log.points.changed([n], values))
    naive.rows[n] = {**naive.rows[n], "score": score, "species": species}
    return True


def paint(session: EditSession, log: EditLog, naive: NaiveLabels, random: Random) -> bool:
    low = random.integers(0, np.array(SHAPE) - 1)
    high = np.minimum(low + random.integers(1, 6, 3), SHAPE)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    after = naive.data[box].copy()
    after[random.random(after.shape) < 0.7] = random.integers(-1, 6)
    change = regions.painted(log.labels, box, after)
    if change is None:
        return False
    session.do(log, change)
    naive.data = naive.data.copy()
    naive.data[box] = after
    return True


def paint_voxels(session: EditSession, log: EditLog, naive: NaiveLabels, random: Random) -> bool:
    places = random.permutation(naive.data.size)[:9]
    values = random.integers(0, 40_000, 9)
    change = regions.painted_voxels(log.labels, places, values)
    assert change is not None
    session.do(log, change)
    naive.data = naive.data.copy()
    naive.data.ravel()[places] = values
    return True


def merge(session: EditSession, log: EditLog, naive: NaiveLabels, random: Random) -> bool:
    present = [n for n in np.unique(naive.data).tolist() if n > 0]
    if len(present) < 3:
        return False
    *others, into = random.choice(present, 3, replace=False).tolist()
    session.do(log, regions.merged(log.labels, others, into))
    naive.data = np.where(np.isin(naive.data, others), into, naive.data)
    naive.regions = {n: r for n, r in naive.regions.items() if n not in others}
    return True


def relabel(session: EditSession, log: EditLog, naive: NaiveLabels, random: Random) -> bool:
    number = int(random.integers(1, 6))
    name, color = str(random.choice(["", "membrane", "é"])), tuple(random.random(3).tolist())
    region = Region(name, color if name else None, "lipid" if name else "")
    change = regions.relabelled(log.labels, number, region)
    if change is None:
        return False
    session.do(log, change)
    naive.regions = {n: r for n, r in naive.regions.items() if n != number}
    if region != Region():
        naive.regions[number] = region
    return True


def split(session: EditSession, log: EditLog, naive: NaiveLabels, random: Random) -> bool:
    present = [n for n in np.unique(naive.data).tolist() if n > 0]
    if not present:
        return False
    try:
        change = regions.split_into_pieces(log.labels, int(random.choice(present)))
    except DataError:
        return False
    session.do(log, change)
    # What a split gives is tested by itself; here it is what undo must take back.
    naive.data = np.asarray(log.labels.data).astype(np.int64)
    naive.regions = dict(log.labels.regions)
    return True


def delete(session: EditSession, log: EditLog, naive: NaiveLabels, random: Random) -> bool:
    present = [n for n in np.unique(naive.data).tolist() if n > 0]
    if not present:
        return False
    number = int(random.choice(present))
    session.do(log, regions.deleted(log.labels, [number]))
    naive.data = np.where(naive.data == number, 0, naive.data)
    naive.regions = {n: r for n, r in naive.regions.items() if n != number}
    return True


Edit = Callable[[EditSession, EditLog, Any, Random], bool]
POINT_EDITS: tuple[Edit, ...] = (add, add, remove, move, name_and_score)
LABEL_EDITS: tuple[Edit, ...] = (paint, paint, paint_voxels, merge, relabel, split, delete)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_thousand_random_edits_undone_redone_and_reloaded_are_exact(seed: int) -> None:
    desk = Desk(seed)
    edits = 0
    while edits < EDITS:
        step = desk.random.random()
        if step < 0.15:
            for _ in range(int(desk.random.integers(1, 12))):
                desk.undo()
        elif step < 0.25:
            for _ in range(int(desk.random.integers(1, 12))):
                desk.redo()
        elif step < 0.26 and all(log.sequence for log in desk.order):
            desk.reload()
        else:
            desk.edit()
            edits += 1
        if step < 0.3:
            desk.check()
    desk.check()
    desk.reload()
    desk.check()
    while desk.undo_stack:
        desk.undo()
    desk.check()
    assert all(len(log.done) == 0 for log in desk.order)
    while desk.redo_stack:
        desk.redo()
    desk.check()
    assert set(desk.counts) == {kind.__name__ for kind in (*POINT_EDITS, *LABEL_EDITS)}
    desk.session.close()


@pytest.fixture
def session(points: Particles, labels: Labels) -> EditSession:
    session = EditSession()
    session.add(EditLog.create(points, name="picks"))
    session.add(EditLog.create(labels, name="regions"))
    return session


def test_undo_when_edits_are_in_several_logs_takes_back_the_last_one_first(
    session: EditSession,
) -> None:
    points, labels = session.logs
    session.do(points, points.points.removed([0]))
    merge_change = regions.merged(labels.labels, [1], 2)
    session.do(labels, merge_change)
    assert session.undo_text == "merge"
    assert [step.log for step in session.undo()] == [labels]
    assert (session.undo_text, session.redo_text) == ("remove", "merge")
    assert [step.log for step in session.undo()] == [points]
    assert session.undo() == []
    assert [step.log for step in session.redo()] == [points]


def test_group_across_logs_is_undone_in_one_step(session: EditSession) -> None:
    points, labels = session.logs
    before = points.snapshot().checksum(), labels.snapshot().checksum()
    with session.group(), session.group():
        session.do(points, points.points.removed([0]))
        session.do(labels, regions.merged(labels.labels, [1], 2))
        session.do(points, points.points.removed([1]))
    assert len(session.undo()) == 3
    assert (points.snapshot().checksum(), labels.snapshot().checksum()) == before
    assert len(session.redo()) == 3
    assert len(points.points) == 3


def test_edit_after_undo_discards_redo_in_every_log_and_says_so_in_its_file(
    session: EditSession,
) -> None:
    points, labels = session.logs
    session.do(points, points.points.removed([0]))
    session.undo()
    session.do(labels, regions.merged(labels.labels, [1], 2))
    assert session.redo() == []
    session.close()
    again = EditSession()
    for log in (points, labels):
        again.add(EditLog.open(log.path))
    assert again.redo_text == ""
    assert again.undo_text == "merge"
    assert len(again.logs[0].points) == 5


def test_undo_when_a_log_of_the_group_is_closed_takes_back_the_others(
    session: EditSession,
) -> None:
    points, labels = session.logs
    with session.group():
        session.do(points, points.points.removed([0]))
        session.do(labels, regions.merged(labels.labels, [1], 2))
    session.remove(labels)
    labels.close()
    assert len(session.undo()) == 1
    session.add(EditLog.open(labels.path))
    assert session.undo_text == "merge"
    assert len(session.undo()) == 1
    assert (session.undo_text, session.redo_text) == ("", "remove")
    assert len(session.redo()) == 2


def test_column_when_added_and_undone_is_gone_and_comes_back(session: EditSession) -> None:
    (points, _) = session.logs
    first = points.snapshot()
    session.do(points, points.points.with_columns({"note": Column(np.dtype(object))}))
    session.do(points, points.points.changed([3], {"note": np.array(["ice"])}))
    noun = points.snapshot()
    assert isinstance(noun, Particles)
    assert noun.columns["note"].tolist() == ["", "", "", "ice", ""]
    session.undo()
    session.undo()
    assert points.snapshot().checksum() == first.checksum()
    session.redo()
    session.redo()
    assert points.snapshot().checksum() == noun.checksum()
    with pytest.raises(InputError, match="already"):
        points.points.with_columns({"note": Column(np.dtype(object))})
    bare = EditLog.create(Particles(np.zeros((1, 3))), name="b")
    with pytest.raises(InputError, match="must hold"):
        bare.points.with_columns({"score": Column(np.dtype(object))})
