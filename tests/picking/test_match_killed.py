"""A search of the command that is killed without warning and goes on from its folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.match_phantom import template, tomogram

from mapscope import read, write
from mapscope.density.pose import even_rotations
from mapscope.particles import Particles
from mapscope.volume import Volume

PATIENCE = 120.0
PLACES = [(11, 10, 9), (12, 30, 30)]
SETTINGS = ["--coarse-angle", "20", "--angle", "10", "--lowest-tilt", "-60", "--highest-tilt", "60"]


def command(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """The command match-template on the files of a folder, started."""
    inputs = [str(folder / "tomogram.mrc"), str(folder / "template.mrc")]
    return subprocess.Popen(
        [sys.executable, "-m", "mapscope.cli", "match-template", *inputs, *SETTINGS, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def finished(state: Path) -> list[int]:
    """Orientations that the searches kept in a folder have finished."""
    return [json.loads(path.read_text())["finished"] for path in state.glob("*/state.json")]


def results_of(folder: Path) -> tuple[Particles, Volume]:
    """The picks and the map of scores in a folder."""
    picks, scores = read(folder / "picks.csv"), read(folder / "scores.mrc")
    assert isinstance(picks, Particles)
    assert isinstance(scores, Volume)
    return picks, scores


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_killed_search_goes_on_and_gives_the_picks_of_an_undisturbed_one(tmp_path: Path) -> None:
    turns = even_rotations(60.0)[[3, 29]]
    write(tmp_path / "tomogram.mrc", tomogram((24, 40, 40), PLACES, turns, noise=0.4))
    write(tmp_path / "template.mrc", template())
    state, out = tmp_path / "state", tmp_path / "killed"
    kept = ["--state", str(state), "--out", f"{out}/"]

    child, give_up = command(tmp_path, *kept), time.time() + PATIENCE
    # The first block has some 300 orientations: two are done in one of the searches.
    while child.poll() is None and max(finished(state), default=0) < 400 and time.time() < give_up:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    before = finished(state)
    assert max(before) >= 400
    assert not out.exists()

    child, least = command(tmp_path, *kept), max(before)
    while child.poll() is None and time.time() < give_up + PATIENCE:
        least = min(least, max(finished(state)))
        time.sleep(0.05)
    assert child.wait(1.0) == 0
    # It never began anew, and came to the end.
    assert least == max(before) < min(finished(state))

    undisturbed = tmp_path / "undisturbed"
    assert command(tmp_path, "--out", f"{undisturbed}/").wait(PATIENCE) == 0
    (ours, our_scores), (theirs, their_scores) = results_of(out), results_of(undisturbed)
    assert len(ours) == len(theirs) >= len(PLACES)
    np.testing.assert_array_equal(ours.positions, theirs.positions)
    np.testing.assert_array_equal(ours.rotations, theirs.rotations)
    np.testing.assert_array_equal(ours.score, theirs.score)
    np.testing.assert_array_equal(our_scores.data, their_scores.data)
