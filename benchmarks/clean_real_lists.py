"""Real lists of picks opened in the Picks dock, filtered, corrected, exported and read back.

``python benchmarks/clean_real_lists.py [--data DIR] [--only WORD]`` opens each list below
``DIR/tomography`` in a window, with the dock's own widgets leaves out duplicates, rejects a pick
and takes it back, rejects another, accepts one, turns one, adds one, and exports what is kept to
RELION 5, Dynamo and copick by the dock's export button. The files are read by starfile,
dynamotable and copick, as far as they are installed, and by Mapscope, and compared with what the
dock kept. Prints for each list how many picks came in and went out and, for each reader, the
largest distance in Å and angle in degrees. Exits with 1 where one is over 0.02 Å or 0.01°.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cross_read_picks  # type: ignore[import-not-found]
import napari
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from mapscope import read
from mapscope.errors import MapscopeError
from mapscope.grid import Grid
from mapscope.particles import ACCEPTED, REJECTED, UNDECIDED, Particles
from mapscope.viewer.docks.picks import PicksDock
from mapscope.viewer.picks.reading import holds_picks
from mapscope.viewer.window import open_path

SIZES = {"shrec19": 10.0, "deepict_TS_037": 13.48}
"""Å of the voxels of those whose files do not say it; others take `USUAL`."""
USUAL = 10.0
FOLDERS = ("shrec19/*.xml.gz", "real/deepict_TS_037/*.csv", "picks/*/*")
FEWEST, ROOM = 20, 30
"""Picks of a list, and voxels between the last one and the tomogram's end."""

APART = 40.0
ANGLE = 25.0
TOLERANCE, ANGLE_TOLERANCE = 0.02, 0.01
"""Å and degrees: what the digits of the coarsest format may lose."""
FORMATS = (("relion5", ".star"), ("dynamo", ".tbl"), ("copick", ".json"))
READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    ".star": ("starfile", cross_read_picks.from_starfile),
    ".tbl": ("dynamotable", cross_read_picks.from_dynamotable),
    ".json": ("copick", cross_read_picks.from_copick),
}


@dataclass(frozen=True)
class Row:
    """A line of the table: one file by one reader."""

    name: str
    came: int
    kept: int
    reader: str
    moved: float
    turned: float

    @property
    def is_good(self) -> bool:
        """Whether the file says what was kept."""
        return self.moved <= TOLERANCE and self.turned <= ANGLE_TOLERANCE


def lists(data: Path) -> Iterator[tuple[Path, float, tuple[int, int, int]]]:
    """The lists of a folder, each with a voxel size and a shape that its tomogram may have."""
    paths = sorted(path for pattern in FOLDERS for path in data.glob(pattern) if path.is_file())
    for path in paths:
        if not holds_picks(path):
            continue
        size = next((s for word, s in SIZES.items() if word in str(path)), USUAL)
        try:
            particles = read(path, voxel_size=size)
        except MapscopeError:  # benchmarks/every_pick_file.py says which, and why
            continue
        if len(particles) > FEWEST:
            z, y, x = (int(n) for n in particles.positions.max(axis=0) / size + ROOM)
            yield path, size, (max(z, ROOM), max(y, ROOM), max(x, ROOM))


def copied(path: Path, folder: Path) -> Path:
    """A copy of a list, with the tomograms that RELION names beside it: edits lie beside lists."""
    place = folder / path.parent.name
    place.mkdir(exist_ok=True)
    for file in (path, path.with_name("tomograms.star")):
        if file.exists():
            shutil.copy(file, place)
    return place / path.name


def cleaned(viewer: Any, dock: PicksDock, address: str) -> int:
    """Open a list and work on it with the dock's widgets; gives how many picks it had."""
    open_path(viewer, address)
    layer = next(la for la in reversed(viewer.layers) if la.metadata.get("file"))
    viewer.layers.selection.active = layer
    dock.refresh()
    dock.open_list(layer)
    came = len(dock.list.picks)
    if dock.choice.tomograms.count() > 1:
        dock.choice.tomograms.setCurrentIndex(1)
        dock.choice.tomogram_chosen.emit()
    wait(lambda: dock.list.current is not None)
    dock.filters.apart.setValue(APART)
    shown: list[bool] = []
    dock.filters.filtered.connect(lambda: shown.append(True))
    wait(lambda: bool(shown))
    dock.apply_button.click()
    ids = dock.list.picks.ids[dock.list.fate.is_kept].tolist()
    if len(ids) < 4:
        raise RuntimeError("too few picks are left to correct any")
    dock.visit(ids[0])
    dock.buttons["reject"].click()
    dock.visit(ids[0])
    dock.judge(UNDECIDED)
    for pick, name in ((ids[1], "reject"), (ids[2], "accept")):
        dock.visit(pick)
        dock.buttons[name].click()
    dock.visit(ids[3])
    dock.edit.turn_buttons[1, 1].click()
    dock.placing.found.emit(dock.list.picks.positions.mean(axis=0) + 0.5)
    is_judged = dock.list.picks.verdicts.are_in([ACCEPTED, REJECTED])
    assert is_judged.sum() == 2
    return came


def exports(dock: PicksDock, folder: Path) -> Iterator[tuple[Path, Particles]]:
    """The files of what is kept, and what that is; of copick, one class only."""
    for name, suffix in FORMATS:
        counts = dock.list.picks.classes.counts()
        most = max(counts, key=counts.__getitem__)
        others = [word for word in counts if word != most] if suffix == ".json" else []
        for word in others:
            dock.classes.set_shown(word, is_shown=False)
        path = folder / f"clean{suffix}"
        QFileDialog.getSaveFileName = staticmethod(lambda *_, p=path, **__: (str(p), ""))
        kept = dock.list.kept()
        dock.export_button.export(next(f for f in dock.export_button.known if f.name == name))
        if not path.exists():
            raise RuntimeError(f"{name}: {dock.message.text()}")
        yield path, kept
        for word in others:
            dock.classes.set_shown(word, is_shown=True)
        path.unlink()


def compared(path: Path, kept: Particles, grid: Grid) -> Iterator[tuple[str, float, float]]:
    """What each reader makes of a file: its name, Å and degrees."""
    mine = cross_read_picks.pose_of(kept)
    found = {"Mapscope": cross_read_picks.pose_of(read(path, tomogram=grid, permissive=True))}
    name, reader = READERS[path.suffix]
    if find_spec(name) is not None:
        cross_read_picks.VOXEL_SIZE = grid.voxel_size[0]
        found[name] = reader(path)
    for who, theirs in found.items():
        row = cross_read_picks.compared(who, path.name, mine, theirs)
        yield f"{path.suffix} by {who}", row.moved, row.turned


def measure(data: Path, only: str, viewer: Any) -> Iterator[Row]:
    """Every list whose name holds a word, every format, every reader."""
    dock = PicksDock(viewer)
    viewer.window.add_dock_widget(dock, name="Picks", area="right")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MAPSCOPE_EDITS"] = folder
        for path, size, shape in lists(data / "tomography"):
            name = str(path.relative_to(data / "tomography"))
            if only not in name:
                continue
            words = ",".join(map(str, shape))
            list_file = copied(path, Path(folder))
            came = cleaned(viewer, dock, f"{list_file}?voxel_size={size}&tomogram={words}")
            grid = Grid(shape, (size,) * 3)
            for file, kept in exports(dock, Path(folder)):
                for reader, moved, turned in compared(file, kept, grid):
                    yield Row(name, came, len(kept), reader, moved, turned)
            viewer.layers.clear()
            QTest.qWait(50)
    dock.editing.close()


def wait(until: Callable[[], bool], seconds: float = 60) -> None:
    """Let the window live until something is so."""
    for _ in range(int(seconds / 0.01)):
        if until():
            return
        QTest.qWait(10)
    raise TimeoutError("the dock did not come so far")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and say whether every file is right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--only", default="")
    options = parser.parse_args(arguments)
    if options.data is None:
        print("give --data, or set MAPSCOPE_DATA to the folder of real lists")
        return 2
    rows = []
    viewer = napari.Viewer()
    for row in measure(Path(options.data), options.only, viewer):
        rows.append(row)
        print(
            f"{row.name:62}{row.came:7,}{row.kept:7,}  {row.reader:22}"
            f"{row.moved:9.1e} Å{row.turned:9.1e}°  {'' if row.is_good else 'WRONG'}"
        )
    viewer.close()
    print(f"{len({row.name for row in rows})} lists, {sum(r.is_good for r in rows)} of {len(rows)}")
    return 0 if rows and all(row.is_good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
