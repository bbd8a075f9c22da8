"""A program that is killed while picks are judged, named and turned loses the last edits only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mapscope.edits import EditLog
from mapscope.edits.points import ROTATION, SPECIES
from mapscope.particles import ACCEPTED, REJECTED, VERDICT

LOST_AFTER = 5.0
PATIENCE = 60.0
COUNT = 2000

CHILD = f"""
import time
import numpy as np
from mapscope.edits import EditLog
from mapscope.edits.log import new_group
from mapscope.particles import Particles
from mapscope.viewer.picks import changes
random = np.random.default_rng(0)
noun = Particles(random.random(({COUNT}, 3)), None, None, random.random({COUNT}))
log = EditLog.create(noun, name="killed picks")
print("path", log.path, flush=True)

def do(made):
    group = new_group()
    for change in made:
        log.do(change() if callable(change) else change, group)

for n in range({COUNT} - 1):
    pick = np.array([n])
    do(changes.judged(log.points, pick, ("{ACCEPTED}", "{REJECTED}")[n % 2]))
    do(changes.classified(log.points, pick, f"class {{n % 7}}"))
    do(changes.turned(log.points, pick, n % 3, float(n % 90)))
    if n:
        do(changes.removed(log.points, np.array([n - 1])))
    print(n, time.time(), flush=True)
    time.sleep(0.004)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_killed_program_loses_no_verdict_class_or_turn_older_than_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPSCOPE_EDITS", str(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    path = Path(child.stdout.readline().split(maxsplit=1)[1].strip())
    give_up = time.time() + PATIENCE
    while b'"remove"' not in path.read_bytes() and time.time() < give_up:
        time.sleep(0.05)
    killed = time.time()
    child.send_signal(signal.SIGKILL)
    told = [line.split() for line in child.stdout.read().splitlines() if len(line.split()) == 2]
    child.wait()
    child.stdout.close()
    log = EditLog.open(path)
    state = log.points
    rounds = sum(edit.op == "remove" for edit in log.done)
    lost = [float(when) for number, when in told if int(number) > rounds]
    assert all(killed - when < LOST_AFTER for when in lost)
    assert rounds > 0, "edits are written every two seconds"
    np.testing.assert_array_equal(state.ids, np.arange(rounds, COUNT))
    gone = np.arange(rounds)
    values = {n: state._values[n][gone] for n in (VERDICT, SPECIES, ROTATION)}
    assert values[VERDICT].tolist() == [(ACCEPTED, REJECTED)[n % 2] for n in gone]
    assert values[SPECIES].tolist() == [f"class {n % 7}" for n in gone]
    traces = np.trace(values[ROTATION], axis1=1, axis2=2)
    angle = np.rad2deg(np.arccos(np.clip((traces - 1) / 2, -1, 1)))
    np.testing.assert_allclose(angle, gone % 90, atol=1e-5)
    log.close()
