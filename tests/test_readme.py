"""What the README says to type does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import gemmi
import numpy as np
import pytest

TEXT = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def block(heading: str) -> str:
    """The first block of code behind a line of the README."""
    found = re.search(r"^```\w*\n(.*?)^```", TEXT.split(heading)[1], re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def clone(tmp_path: Path, sample_folder: Path) -> Path:
    """A folder with nothing but the sample's files in their place."""
    (tmp_path / "sample_data").mkdir()
    for path in sample_folder.glob("four_helix_bundle*"):
        (tmp_path / "sample_data" / path.name).symlink_to(path)
    return tmp_path


def test_python_example_when_run_writes_a_sharpened_map_where_the_sample_is(clone: Path) -> None:
    code = block("In Python")
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=clone, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"B -\d+ Å², resolution \d\.\d\d Å\n", run.stdout)
    names = ["sharpened.mrc", "sharpened_guinier.csv"]
    assert sorted(p.name for p in clone.glob("sharpened*")) == sorted(
        [*names, *(f"{name}.record.json" for name in names)]
    )
    made = gemmi.read_ccp4_map(str(clone / "sharpened.mrc"))
    source = gemmi.read_ccp4_map(str(clone / "sample_data" / "four_helix_bundle_half_1.mrc.gz"))
    assert made.grid.shape == source.grid.shape
    for word in (5, 6, 7, 11, 12, 13):
        assert made.header_i32(word) == source.header_i32(word)
    assert not np.array_equal(made.grid.array, source.grid.array)


def test_shell_example_when_run_writes_the_curve_and_the_map(clone: Path) -> None:
    bin_folder = Path(sys.executable).parent
    if not (bin_folder / "mapscope").exists():
        pytest.skip("the command mapscope is not installed in this environment")
    run = subprocess.run(
        ["bash", "-ec", block("In the shell")],
        cwd=clone,
        env={**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Å at FSC 0.143" in run.stdout
    assert '"job": "sharpen_by_b_factor"' in run.stdout
    assert (clone / "sample_data" / "fsc.xml").read_text("utf-8").count("<coordinate>") > 20
    assert (clone / "sample_data" / "sharpened.mrc").is_file()


def test_jobs_in_the_table_are_all_jobs() -> None:
    from mapscope.jobs import all_jobs

    table = TEXT.split("## Jobs")[1].split("Maps are read")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(all_jobs())
