"""Where the tests find real maps and models, and the sample."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("mapscope", deadline=None)
settings.load_profile("mapscope")

WINDOWS = ("tests/viewer/", "tests/journeys/")
"""Folders of tests that need the screen."""


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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all windows to one worker, since a screen has one focus, and other tests by file."""
    from xdist.scheduler import LoadScopeScheduling

    class ByScreenAndFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        """Hands out files whole, and what shows windows as if it were one file."""

        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "windows" if file.startswith(WINDOWS) else file

    return ByScreenAndFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_edits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep logs of edits out of the folders of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAPSCOPE_EDITS", str(tmp_path_factory.mktemp("edits")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_preferences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the preferences of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAPSCOPE_CONFIG", str(tmp_path_factory.mktemp("preferences")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests train out of the models of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAPSCOPE_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


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


@pytest.fixture
def reflections_file(tmp_path: Path) -> Path:
    """Reflections of a skewed cell of 30 x 24 x 36 Å: FWT, and DELFWT of twice its height."""
    import gemmi
    import numpy as np

    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 1 21 1")
    mtz.set_cell_for_all(gemmi.UnitCell(30, 24, 36, 90, 104, 90))
    mtz.add_dataset("test")
    for name in ("FWT", "PHWT", "DELFWT", "PHDELWT"):
        mtz.add_column(name, "P" if name.startswith("PH") else "F")
    hkl = gemmi.make_miller_array(mtz.cell, mtz.spacegroup, 4.0)
    random = np.random.default_rng(0)
    operations = mtz.spacegroup.operations()
    is_free = np.array([not operations.is_reflection_centric(h) for h in hkl.tolist()])
    amplitude, phase = random.rayleigh(30, len(hkl)) * is_free, random.uniform(0, 360, len(hkl))
    columns = np.stack([amplitude, phase, 2 * amplitude, phase], axis=1)
    mtz.set_data(np.concatenate([hkl, columns], axis=1).astype(np.float32))
    path = tmp_path / "data.mtz"
    mtz.write_to_file(str(path))
    return path


@pytest.fixture
def model_far_away(tmp_path: Path) -> Callable[..., Path]:
    """Writes the example's atoms, 60 Å along x from a cell, as a model of that cell."""

    def write_model(cell: tuple[float, ...], name: str = "model.cif") -> Path:
        import gemmi

        from mapscope.files import write
        from mapscope.structure import Structure
        from mapscope.testing import example_noun

        model: Any = example_noun(Structure).model.clone()
        for site in model[0].all():
            site.atom.pos += gemmi.Position(60, 0, 0)
        model.cell = gemmi.UnitCell(*cell)
        return write(tmp_path / name, Structure.from_gemmi(model))

    return write_model
