"""What starts often starts fast, because it loads no more than it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

from mapscope.jobs import all_jobs

HEAVY = (
    "magicgui",
    "napari",
    "pandas",
    "PyQt6",
    "PySide6",
    "qtpy",
    "scipy",
    "skimage",
    "starfile",
    "torch",
    "vispy",
)
TELL = f"import sys; print(*(m for m in {HEAVY} if m in sys.modules), file=sys.stderr)"
RUN = "from mapscope.cli import main; code = main({words!r}); assert code == 0, code"


def loaded(code: str) -> str:
    """Names of the heavy packages that a fresh interpreter has loaded after running code."""
    script = f"{code}\n{TELL}"
    words = [sys.executable, "-c", script]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stderr.strip()


def best_seconds(folder: Path, *words: str) -> float:
    """Shortest of five times that a fresh interpreter takes; a busy machine only adds to it.

    Modules are compiled once, as they are where Mapscope is installed.
    """
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    compiled["PYTHONPYCACHEPREFIX"] = str(folder)
    times = []
    for _ in range(5):
        start = perf_counter()
        command = [sys.executable, *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=compiled)
        times.append(perf_counter() - start)
    return min(times)


@pytest.mark.alone
def test_import_of_mapscope_when_fresh_takes_less_than_0_4_seconds(tmp_path: Path) -> None:
    assert best_seconds(tmp_path, "-c", "import mapscope") < 0.4


@pytest.mark.alone
def test_help_when_fresh_takes_less_than_1_second(tmp_path: Path) -> None:
    assert best_seconds(tmp_path, "-m", "mapscope.cli", "--help") < 1.0


def test_loaded_when_a_heavy_package_is_imported_names_it() -> None:
    assert loaded("import scipy") == "scipy"


@pytest.mark.parametrize(
    "code",
    [
        "import mapscope",
        "from mapscope import HalfMaps, Structure, Table, Volume, read, write",
        "from mapscope.jobs import all_jobs; all_jobs()",
        "import mapscope.testing",
        RUN.format(words=["--help"]),
    ],
)
def test_import_when_fresh_loads_nothing_heavy(code: str) -> None:
    assert loaded(code) == ""


def test_help_of_every_job_loads_nothing_heavy() -> None:
    words = [[name.replace("_", "-"), "--help"] for name in all_jobs()]
    assert loaded("\n".join(RUN.format(words=w) for w in words)) == ""
