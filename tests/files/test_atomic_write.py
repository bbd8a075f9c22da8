"""A write that is cut off leaves the old file or the new one, never something between."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mapscope.files import read, write
from mapscope.volume import Volume

KILLS = 30
EDGE = 96

WRITER = """
import sys
import numpy as np
from mapscope.files import write
from mapscope.volume import Volume

number = int(sys.argv[2])
print("ready", flush=True)
while True:
    number += 1
    write(sys.argv[1], Volume(np.full(({edge},) * 3, number, np.float32)))
    print(number, flush=True)
"""

FULL_DISK = """
import resource, signal, sys
import numpy as np
from mapscope.files import write
from mapscope.volume import Volume

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write(sys.argv[1], Volume(np.ones((64, 64, 64), np.float32)))
except OSError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["map.mrc", "map.mrc.gz"])
def test_write_when_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path, name: str) -> None:
    chance = random.Random(7)
    path = tmp_path / name
    write(path, Volume(np.zeros((EDGE,) * 3, np.float32)))
    seen = set()
    for _ in range(KILLS // 2):
        number = _constant(path)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(edge=EDGE), str(path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        finished = process.communicate()[0].split()
        last = int(finished[-1]) if finished else number
        found = _constant(path)
        assert last <= found <= last + 1
        seen.add(found)
    assert len(seen) > 1


def _constant(path: Path) -> int:
    """The number that fills a map, which must be whole."""
    values = np.unique(read(path).data)
    assert values.shape == (1,)
    return int(values[0])


def test_write_when_the_disk_is_full_says_so_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "map.mrc"
    write(path, Volume(np.zeros((8, 8, 8), np.float32)))
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "too large" in done.stdout.lower()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["map.mrc"]
