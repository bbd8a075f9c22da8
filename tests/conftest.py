"""Where the tests find real maps and models, and the sample."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _data_folder() -> Path | None:
    """The folder that MAPSCOPE_DATA names, where there is one."""
    name = os.environ.get("MAPSCOPE_DATA")
    return Path(name) if name and Path(name).is_dir() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what reads real data where there are none."""
    if _data_folder() is not None:
        return
    skip = pytest.mark.skip(reason="MAPSCOPE_DATA names no folder of real maps and models")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of real maps and models; a test that asks for it is skipped without one."""
    folder = _data_folder()
    if folder is None:
        pytest.skip("MAPSCOPE_DATA names no folder of real maps and models")
    return folder


@pytest.fixture(scope="session")
def sample_folder() -> Path:
    """Folder of the sample that comes with Mapscope."""
    return Path(__file__).parent.parent / "sample_data"
