"""Every list of particles of the data folder: read, written back, read again, or refused, and why.

``python benchmarks/every_pick_file.py [--data DIR]`` takes all files below ``DIR/tomography``
(default: ``MAPSCOPE_DATA``) whose name may be that of a list of particles. One that counts in
voxels and does not say how large they are is read with ``voxel_size=10``. What is read is written
in the format that it came from (CSV for what is only read), read again, and compared: the largest
distance in Å and the largest angle in degrees over all particles. Then it is written in every
other format and read back: the line says in how many, the largest distance and angle in any of
them, and which have no room for it. A list whose tomogram's or voxel's size nobody knows gets one
there, of odd and even numbers, so that formats which need it are tried as well. A file that
lists no particles must stand in `NO_PICKS`, and a list that is refused in `REFUSED`, with the words
that its error has to contain. Exits with 0 if every list comes back within 1e-9 Å and 1e-9 degrees
from every format that has room for it (0.01 Å in the single precision of IMOD), or is refused for
the reason given there, and no entry is out of date.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.errors import DataError, InputError, MapscopeError
from mapscope.files import FileWarning, read
from mapscope.files.particles import checked_content, format_named, format_names
from mapscope.files.particles.check import angle_between
from mapscope.files.registry import write_and_check
from mapscope.files.stream import format_suffix
from mapscope.particles import FILE_FORMAT, TOMOGRAM_SHAPE, Particles
from mapscope.particles import VOXEL_SIZE as VOXEL_SIZE_COLUMN

SUFFIXES = (
    *(".star", ".tbl", ".em", ".mod", ".json", ".box", ".cbox", ".xml", ".csv", ".tsv", ".ndjson"),
    *(".coords", ".txt", ".tloc", ".tlt", ".npy", ".am", ".meta", ".conf"),
)
VOXEL_SIZE = 10.0
SHAPE = (401, 928, 961)
SINGLE_PRECISION, EXACT = {"imod": 0.01}, 1e-9
NO_READER, EMPTY = "no reader is known for", "the file is empty"
PICKLE = "pickled Python objects"
TEXT = "it lists no particles that are known by .txt"
TOMOGRAMS, TILTS = "it describes tomograms", "it is a tilt series"
ROWS = "a motive list of TOM and av3 has 20 rows"
A_TOMOGRAM = "a row of it is a tomogram"
NO_PICKS: dict[str, str] = {
    "anglelists/": "20 rows",
    "picks/cryocat/R5_tutorial_run_tomograms.star": TOMOGRAMS,
    "picks/cryocat/TS_017/017.tlt": NO_READER,
    "picks/cryocat/TS_017/017.xml": "it describes a tilt series of Warp",
    "picks/cryocat/TS_017/017_corrected_dose.txt": TEXT,
    "picks/cryocat/TS_017/017_ctffind4.txt": TEXT,
    "picks/cryocat/TS_017/017_gctf.star": "it lists the defocus of images",
    "picks/cryocat/relion5_TS_01_tilt.star": TILTS,
    "picks/cryocat/warp2_matching_tomograms.star": TOMOGRAMS,
    "picks/pyseg/in_particles.star": "it lists other files of PySeg",
    "picks/pyseg/in_seg.star": "it lists segmentations of PySeg",
    "picks/pytom/alignmentResultsFullRange.txt": TEXT,
    "picks/pytom/localizationSample.xml": "it is the set-up of a job of PyTom",
    "picks/pytom/markerfile.txt": TEXT,
    "picks/pytom_match_pick/gs04_ts_003.xml": "it describes a tilt series of Warp",
    "picks/pytom_match_pick/test_defocus.txt": TEXT,
    "picks/pytom_match_pick/test_dose.txt": TEXT,
    "picks/pytom_match_pick/tomo200528_107.star": TILTS,
    "picks/pytom_match_pick/tomograms.star": TOMOGRAMS,
    "picks/relion5_rounding_bug/input/TS_1.star": TILTS,
    "picks/relion5_rounding_bug/input/TS_1_scaled.star": TILTS,
    "picks/relion5_rounding_bug/input/tilt_series_-999.star": TOMOGRAMS,
    "picks/relion5_rounding_bug/input/tilt_series_blank.star": TOMOGRAMS,
    "picks/relion5_rounding_bug/input/tilt_series_blank_scaled.star": TOMOGRAMS,
    "picks/relion5_rounding_bug/input/tilt_series_even.star": TOMOGRAMS,
    "picks/relion5_rounding_bug/input/tilt_series_filled.star": TOMOGRAMS,
    "picks/relion5_rounding_bug/input/tilt_series_filled_scaled.star": TOMOGRAMS,
    "picks/relion5_rounding_bug/input/tilt_series_odd.star": TOMOGRAMS,
    "picks/tomotwin/boxsizes.json": "it lists no particles",
    "real/membrain_toy/toy_data_instructions.txt": TEXT,
    "real/tardis/": NO_READER,
    "simulation/detectors/": "holds a table",
    "simulation/faket_best_epochs_BENCHMARK.csv": "column titles must differ",
    "simulation/shrec21/": NO_READER,
}
"""Files that list no particles, with the words in which they are refused."""
REFUSED: dict[str, str] = {
    "picks/boxmanager/2d_corrupt_has_string.box": "expected a number, got 'sixty_three'",
    "picks/boxmanager/2d_corrupt_unqual_columns.box": "line 3: expected x, y, width and height",
    "picks/boxmanager/2d_empty.box": EMPTY,
    "picks/boxmanager/filament_cbox_2d/empty.cbox": EMPTY,
    "picks/boxmanager/valid.tloc": PICKLE,
    "picks/boxmanager/valid_missing_dim_z.tloc": PICKLE,
    "picks/cryocat/col_missing.em": ROWS,
    "picks/cryocat/extra_col.em": ROWS,
    "picks/cryocat/warp2_matching_optimisation_set.star": "matching.star (rlnTomoParticlesFile)",
    "picks/pytom/relion_with_optics_group.star": "these are picks on micrographs",
    "picks/relion5_rounding_bug/Extract/job001_even/": "cannot be 1002 x -402 x 400 pixels",
    "picks/tomotwin/located.tloc": PICKLE,
    "real/byu_flagellar_motors/all_gt_v3.csv": A_TOMOGRAM,
    "real/byu_flagellar_motors/gt_v3.csv": A_TOMOGRAM,
}
"""Lists of particles that are refused, with the words in which they are."""


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Parameters
    ----------
    name : str
        Path below the folder.
    state : str
        ``returns``, ``refused`` or ``no picks``.
    text : str
        What it holds and how it came back, or the error.
    is_right : bool
        Whether that is what should happen.
    """

    name: str
    state: str
    text: str
    is_right: bool


def every_list(folder: Path) -> Iterator[Path]:
    """Files whose name may be that of a list of particles."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    yield from (path for path in paths if format_suffix(path) in SUFFIXES)


def _matching(rules: dict[str, str], name: str) -> str | None:
    """The rule for a file: by its path, or by a folder that ends with a slash."""
    return next((k for k in rules if name == k or (k.endswith("/") and name.startswith(k))), None)


def opened(path: Path) -> tuple[Any, dict[str, Any]]:
    """The noun in a file, and with which options it was read."""
    try:
        return read(path), {}
    except MapscopeError as error:
        if "how large they are" not in str(error):
            raise
    options = {"voxel_size": VOXEL_SIZE}
    return read(path, voxel_size=VOXEL_SIZE), options


def returned(particles: Particles, path: Path, options: dict[str, Any]) -> tuple[float, float, str]:
    """Largest distance and angle after writing and reading, and what the file had no room for."""
    names = set(particles.columns[FILE_FORMAT].tolist()) if len(particles) else {""}
    suffix = format_suffix(path)
    with tempfile.TemporaryDirectory() as folder:
        readable_only = names <= {"membranorama"}
        out = Path(folder) / f"again{'.csv' if readable_only else suffix}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FileWarning)
            _, check = write_and_check(out, particles)
            try:
                again = read(out)
            except MapscopeError:
                again = read(out, **options)
    assert check is not None
    order = _order(particles, again)
    moved = np.linalg.norm(again.positions - particles.positions[order], axis=1)
    turned = np.zeros(1)
    if particles.rotations is not None and again.rotations is not None:
        turned = angle_between(again.rotations, particles.rotations[order])
    lost = ", ".join(check.lost)
    return float(moved.max(initial=0)), float(turned.max(initial=0)), lost


@dataclass(frozen=True)
class Elsewhere:
    """What becomes of a list in all formats.

    Parameters
    ----------
    formats : int
        How many have room for it.
    displacement, rotation : float
        The largest distance in Å and angle in degrees in any of them.
    no_room : tuple of str
        Names of the others.
    is_exact : bool
        Whether no format moves or turns a particle by more than its precision.
    """

    formats: int
    displacement: float
    rotation: float
    no_room: tuple[str, ...]
    is_exact: bool

    def __str__(self) -> str:
        text = f"; {self.formats} formats {self.displacement:.0e} Å {self.rotation:.0e}°"
        return text + f", no room: {' '.join(self.no_room)}" * bool(self.no_room)


def elsewhere(particles: Particles) -> Elsewhere:
    """Write a list in every format, and read it back."""
    count = len(particles)
    unknown = {
        TOMOGRAM_SHAPE: np.tile(np.array(SHAPE), (count, 1)),
        VOXEL_SIZE_COLUMN: np.full(count, VOXEL_SIZE),
    }
    particles = replace(particles, columns={**unknown, **particles.columns})
    checks, no_room = {}, []
    for name in format_names():
        try:
            checks[name] = checked_content(particles, format_named(name))[1]
        except (InputError, DataError):
            no_room.append(name)
    exact = all(
        check.displacement <= SINGLE_PRECISION.get(name, EXACT) and check.rotation <= EXACT
        for name, check in checks.items()
    )
    moved = max(
        check.displacement for name, check in checks.items() if name not in SINGLE_PRECISION
    )
    turned = max(check.rotation for check in checks.values())
    return Elsewhere(len(checks), moved, turned, tuple(no_room), exact)


def _order(particles: Particles, again: Particles) -> np.ndarray[Any, Any]:
    """Which particle each one of the second list is: a format may sort them."""
    if len(particles) != len(again):
        raise AssertionError(f"{len(particles)} particles came back as {len(again)}")
    straight = np.arange(len(particles))
    if np.abs(particles.positions - again.positions).max(initial=0) < 1:
        return straight
    first, second = (np.lexsort(np.round(p.positions, 1).T) for p in (particles, again))
    order = np.empty(len(particles), int)
    order[second] = first
    return order


def outcome_of(path: Path, folder: Path) -> Outcome:
    """Read one file, write it and read it again."""
    name = path.relative_to(folder).as_posix()
    none, refused = _matching(NO_PICKS, name), _matching(REFUSED, name)
    expected = "no picks" if none else "refused"
    words = NO_PICKS[none] if none else REFUSED.get(refused or "")
    try:
        noun, options = opened(path)
    except MapscopeError as error:
        return Outcome(name, expected, str(error), words is not None and words in str(error))
    if not isinstance(noun, Particles):
        text = f"holds a {type(noun).__name__.lower()}"
        return Outcome(name, "no picks", text, words == text)
    moved, turned, lost = returned(noun, path, options)
    style = noun.columns[FILE_FORMAT][0] if len(noun) else ""
    text = f"{len(noun):6} {style:<12} {moved:.1e} Å {turned:.1e}°"
    text += f"; voxel_size={VOXEL_SIZE:g}" * bool(options) + f"; without {lost}" * bool(lost)
    good = moved <= SINGLE_PRECISION.get(str(style), EXACT) and turned <= EXACT
    others = elsewhere(noun)
    return Outcome(name, "returns", f"{text}{others}", good and others.is_exact and words is None)


def measure(data: Path) -> list[Outcome]:
    """What became of every file."""
    folder = data / "tomography"
    return [outcome_of(path, folder) for path in every_list(folder)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("no data: give --data or set MAPSCOPE_DATA")
    outcomes = measure(Path(options.data))
    for one in outcomes:
        print(f"{'' if one.is_right else 'WRONG '}{one.state:<9} {one.name:<62} {one.text[:200]}")
    states = ("returns", "refused", "no picks")
    counts = {state: sum(o.state == state for o in outcomes) for state in states}
    wrong = sum(not o.is_right for o in outcomes)
    rules = {**NO_PICKS, **REFUSED}
    unused = sorted(rules.keys() - {_matching(rules, o.name) for o in outcomes})
    print(f"{len(outcomes)} files: {counts}; {wrong} not as they should be; unused: {unused}")
    return 0 if outcomes and not wrong and not unused else 1


if __name__ == "__main__":
    sys.exit(main())
