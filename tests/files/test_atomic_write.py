"""A write that is cut off leaves the old file or folder or the new one, never one between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mapscope.files import read, stream, write
from mapscope.volume import Volume

KILLS = 30
EDGE = 96
ZERO, ONE = (Volume(np.full((8, 8, 8), value, np.float32)) for value in (0, 1))

WRITER = """
import sys
import numpy as np
from mapscope.files import write
from mapscope.volume import Volume

number = int(sys.argv[2])
print("ready", flush=True)
data = np.zeros(({edge},) * 3, np.float32)
data[0] = np.random.default_rng(0).random(({edge},) * 2) / 2
while True:
    number += 1
    write(sys.argv[1], Volume(data + np.float32(number)))
    print(number, flush=True)
"""

REPLACER = """
import shutil, sys
from pathlib import Path
from mapscope.files.stream import open_output_folder

path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    with open_output_folder(path) as folder:
        shutil.copytree(path, folder, dirs_exist_ok=True)
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
@pytest.mark.parametrize(
    ("name", "longest"), [("map.mrc", 0.15), ("map.mrc.gz", 0.15), ("map.zarr", 1.0)]
)
def test_write_when_killed_at_any_moment_leaves_a_whole_file(
    tmp_path: Path, name: str, longest: float
) -> None:
    chance = random.Random(7)
    path = tmp_path / name
    data = np.zeros((EDGE,) * 3, np.float32)
    data[0] = np.random.default_rng(0).random((EDGE, EDGE)) / 2
    write(path, Volume(data))
    seen = set()
    for _ in range(KILLS // 2):
        number = _number(path)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(edge=EDGE), str(path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, longest))
        process.send_signal(signal.SIGKILL)
        finished = process.communicate()[0].split()
        last = int(finished[-1]) if finished else number
        found = _number(path)
        assert last <= found <= last + 1
        seen.add(found)
    assert len(seen) > 1


def _number(path: Path) -> int:
    """The number that fills a map with less than a half added, which must be whole."""
    values = np.unique(np.floor(read(path).data))
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


needs_exchange = pytest.mark.skipif(
    sys.platform not in ("linux", "darwin"), reason="this system cannot exchange two folders"
)


@pytest.mark.slow
@needs_exchange
def test_folder_when_killed_while_it_is_replaced_again_and_again_is_always_there(
    tmp_path: Path,
) -> None:
    chance = random.Random(7)
    path = tmp_path / "map.zarr"
    write(path, ZERO)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", REPLACER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        np.testing.assert_array_equal(read(path).data, ZERO.data)


@needs_exchange
def test_write_when_a_folder_is_replaced_then_it_is_never_renamed_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "map.zarr", ZERO)

    def refuse(self: Path, target: Path) -> None:
        raise AssertionError(f"{self} was renamed to {target}: between two renames it is gone")

    monkeypatch.setattr(Path, "rename", refuse)
    write(path, ONE)
    np.testing.assert_array_equal(read(path).data, ONE.data)
    assert [p.name for p in tmp_path.iterdir()] == ["map.zarr"]


@needs_exchange
def test_exchange_when_two_folders_exist_swaps_them_and_else_changes_nothing(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / folder.name).touch()
    assert stream._exchanged(first, second)
    assert [p.name for p in first.iterdir()] == ["second"]
    assert [p.name for p in second.iterdir()] == ["first"]
    assert not stream._exchanged(first, tmp_path / "none")
    assert first.is_dir()


def test_write_when_the_system_cannot_exchange_folders_then_two_renames_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "map.zarr", ZERO)
    monkeypatch.setattr(stream, "_exchanged", lambda *_: False)
    write(path, ONE)
    np.testing.assert_array_equal(read(path).data, ONE.data)
    assert [p.name for p in tmp_path.iterdir()] == ["map.zarr"]


def test_write_when_the_second_rename_fails_then_the_older_folder_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "map.zarr", ZERO)
    monkeypatch.setattr(stream, "_exchanged", lambda *_: False)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise OSError("the disk was pulled out")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="pulled out"):
        write(path, ONE)
    np.testing.assert_array_equal(read(path).data, ZERO.data)
    assert [p.name for p in tmp_path.iterdir()] == ["map.zarr"]


def test_write_when_a_killed_process_left_a_part_or_a_link_leads_there_then_it_is_replaced(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "map.zarr", ZERO)
    left = tmp_path / f".map.zarr.{os.getpid()}.part"
    left.mkdir()
    (left / "zarr.json").touch()
    link = tmp_path / "link.zarr"
    link.symlink_to(path)
    write(path, ONE)
    write(link, ZERO)
    assert link.is_symlink()
    np.testing.assert_array_equal(read(path).data, ZERO.data)
    assert {p.name for p in tmp_path.iterdir()} == {"map.zarr", "link.zarr"}
