"""Lists of particles read by Mapscope and by the programs' own readers: the largest differences.

``python benchmarks/cross_read_picks.py [--data DIR]`` writes 500 particles with random orientations
in a tomogram of odd size, some of them outside, in each format, and opens the files with starfile,
dynamotable, emfile, imodmodel and copick (2.0.0a6 or newer), as far as they are installed; and it
opens the real lists below ``DIR/tomography`` with both. What tables mean is taken from the
programs' documentation here, and from copick's own code where copick reads them. For each reader it
prints how many particles it found, the largest distance in Å and the largest angle in degrees.
Exits with 0 if all are below 1e-6 (0.01 Å for IMOD, which is single precision, and for motive
lists, which copick reckons in it).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from mapscope.errors import MapscopeError
from mapscope.files import FileWarning, read, write
from mapscope.particles import Particles, in_tomogram
from mapscope.volume import Grid

Array = npt.NDArray[Any]
Pose = tuple[Array, Array | None]
"""x, y, z in Å, and active rotations in x, y, z."""

VOXEL_SIZE = 7.33
SHAPE = (201, 407, 399)
COUNT = 500
SMALL, SINGLE_PRECISION = 1e-6, 0.01
_CORNER = [f"rlnCoordinate{axis}" for axis in "XYZ"]
_CENTRED = [f"rlnCenteredCoordinate{axis}Angst" for axis in "XYZ"]
_SIZES = [f"rlnTomoSize{axis}" for axis in "XYZ"]


class Row(NamedTuple):
    """One line of the table."""

    reader: str
    name: str
    found: int
    moved: float
    turned: float
    is_good: bool


def example() -> Particles:
    """Particles with random places, a few of them outside, and random orientations."""
    random = np.random.default_rng(5)
    upper = np.array(SHAPE) * VOXEL_SIZE
    positions = random.uniform(-0.05 * upper, 1.05 * upper, (COUNT, 3))
    turns = Rotation.random(COUNT, random_state=6).as_matrix()
    grid = Grid(SHAPE, (VOXEL_SIZE,) * 3, (0.0, 0.0, 0.0))
    scores = random.random(COUNT)
    return in_tomogram(Particles(positions, turns, ("ribosome",) * COUNT, scores), grid, "TS_1")


def pose_of(particles: Particles) -> Pose:
    """Places and orientations in x, y, z."""
    rotations = particles.rotations
    turned = None if rotations is None else rotations[:, ::-1, ::-1]
    return particles.positions[:, ::-1], turned


def from_starfile(path: Path) -> Pose:
    """A RELION list by starfile, its meaning after RELION's and copick's sources."""
    import starfile

    blocks = starfile.read(path, always_dict=True)
    main = next(b for b in blocks.values() if {*_CORNER} <= {*b} or {*_CENTRED} <= {*b})
    if "optics" in blocks and "rlnOpticsGroup" in main:
        new = [c for c in blocks["optics"] if c not in main or c == "rlnOpticsGroup"]
        main = main.merge(blocks["optics"][new], on="rlnOpticsGroup", how="left")
    if {*_CENTRED} <= {*main}:
        sizes = blocks["global"].set_index("rlnTomoName").loc[main["rlnTomoName"]]
        pixel = sizes["rlnTomoTiltSeriesPixelSize"].to_numpy()[:, None]
        places = main[_CENTRED].to_numpy() + sizes[_SIZES].to_numpy() / 2 * pixel
    else:
        pixel = _pixel_size(main)
        places = main[_CORNER].to_numpy(float) * pixel
    rotations, shifts = _relion_poses(main)
    origins = [f"rlnOrigin{axis}" for axis in "XYZ"]
    if {*origins} <= {*main}:
        shifts = shifts + main[origins].to_numpy(float) * pixel
    return places - shifts, rotations


def _relion_poses(main: Any) -> tuple[Array, Array]:
    """Rotations, and shifts in Å, as RELION's particle_set.cpp composes them."""

    def turns(labels: Sequence[str]) -> Array:
        angles = [main.get(label, 0.0) + np.zeros(len(main)) for label in labels]
        matrices: Array = (
            Rotation.from_euler("ZYZ", np.stack(angles, 1), degrees=True).inv().as_matrix()
        )
        return matrices

    subtomogram = turns([f"rlnTomoSubtomogram{a}" for a in ("Rot", "Tilt", "Psi")])
    shifts = [main.get(f"rlnOrigin{a}Angst", 0.0) + np.zeros(len(main)) for a in "XYZ"]
    own = turns([f"rlnAngle{a}" for a in ("Rot", "Tilt", "Psi")])
    return subtomogram @ own, np.einsum("nij,jn->ni", subtomogram, shifts)


def _pixel_size(main: Any) -> Array:
    """Edge (n, 1) in Å of the voxels that coordinates count in."""
    sizes: Array = np.asarray(_pixel_sizes(main), float)[:, None]
    return sizes


def _pixel_sizes(main: Any) -> Any:
    """The column that holds it, or what two columns make."""
    if "rlnTomoVisibleFrames" in main and "rlnCoordinateX" in main:  # WarpTools exports
        return main["rlnImagePixelSize"]
    if "rlnTomoTiltSeriesPixelSize" in main:
        return main["rlnTomoTiltSeriesPixelSize"]
    if "rlnMagnification" in main:
        return main["rlnDetectorPixelSize"] * 1e4 / main["rlnMagnification"]
    names = ("rlnDetectorPixelSize", "rlnMicrographPixelSize", "rlnPixelSize", "rlnImagePixelSize")
    return main[next(name for name in names if name in main)]


def from_dynamotable(path: Path) -> Pose:
    """A Dynamo table by dynamotable; Dynamo's angles turn a particle to the template."""
    import dynamotable

    table = dynamotable.read(str(path))
    place, angles, shift = (table[list(names)].to_numpy(float) for names in _DYNAMO)
    turns = Rotation.from_euler("zxz", angles, degrees=True).inv()
    return (place + shift) * VOXEL_SIZE, turns.as_matrix()


_DYNAMO = (("x", "y", "z"), ("tdrot", "tilt", "narot"), ("dx", "dy", "dz"))


def from_emfile(path: Path) -> Pose:
    """A motive list by emfile; TOM's places begin at 1, its angles are phi, psi, theta."""
    import emfile

    rows = np.squeeze(emfile.read(str(path))[1]).astype(float).reshape(-1, 20)
    turns = Rotation.from_euler("zxz", rows[:, [16, 18, 17]], degrees=True)
    return (rows[:, 7:10] + rows[:, 10:13] - 1) * VOXEL_SIZE, turns.as_matrix()


def from_copick_dynamo(path: Path) -> Pose:
    """A Dynamo table by copick."""
    from copick.util.formats import dynamo_to_copick_transform, read_dynamo_table

    places, angles, shifts, _ = read_dynamo_table(str(path))
    return _centres(*dynamo_to_copick_transform(places, angles, shifts, VOXEL_SIZE))


def from_copick_em(path: Path) -> Pose:
    """A motive list by copick."""
    from copick.util.formats import em_to_copick_transform, read_em_motivelist

    places, angles, _, shifts = read_em_motivelist(str(path), include_shifts=True)
    return _centres(*em_to_copick_transform(places, angles, VOXEL_SIZE, shifts_px=shifts))


def from_copick(path: Path) -> Pose:
    """Picks by copick's own model of its files."""
    from copick.models import CopickPicksFile

    file = CopickPicksFile.model_validate_json(path.read_text("utf-8"))
    points = file.points or []
    places = np.array([[p.location.x, p.location.y, p.location.z] for p in points])
    return _centres(places, np.array([p.transformation for p in points]))


def from_copick_csv(path: Path) -> Pose:
    """A CSV by copick."""
    from copick.util.formats import copick_csv_df_to_arrays, read_picks_csv

    places, transforms, *_ = copick_csv_df_to_arrays(read_picks_csv(str(path)))
    return _centres(places, transforms)


def from_copick_star(path: Path) -> Pose:
    """A RELION 4 or 5 list by copick, the sizes of tomograms from the list itself."""
    from copick.util.formats import (
        read_relion_tomograms,
        read_star_particles_with_optics,
        relion_coordinates_to_angstrom,
    )
    from copick.util.relion import relion_rows_to_poses

    main, optics = read_star_particles_with_optics(str(path))
    sizes = read_relion_tomograms(str(path)) if {*_CENTRED} <= {*main} else None
    places = relion_coordinates_to_angstrom(main, optics=optics, tomograms=sizes)
    rotations, shifts = relion_rows_to_poses(main)
    return places - shifts, rotations


def from_imodmodel(path: Path) -> Pose:
    """A model by imodmodel; the first voxel's centre is at 0.5, 0.5, 0 there."""
    import imodmodel

    table = imodmodel.read(path)
    return (table[["x", "y", "z"]].to_numpy(float) - [0.5, 0.5, 0.0]) * VOXEL_SIZE, None


def _centres(places: Array, transforms: Array) -> Pose:
    """Centres and rotations of copick's places and matrices."""
    return places + transforms[:, :3, 3], transforms[:, :3, :3]


WRITTEN: tuple[tuple[str, str, Callable[[Path], Pose]], ...] = (
    ("starfile", "a.relion5.star", from_starfile),
    ("starfile", "a.relion4.star", from_starfile),
    ("starfile", "a.relion3.1.star", from_starfile),
    ("starfile", "a.relion3.0.star", from_starfile),
    ("copick", "a.relion5.star", from_copick_star),
    ("copick", "a.relion4.star", from_copick_star),
    ("copick", "a.json", from_copick),
    ("copick", "a.csv", from_copick_csv),
    ("dynamotable", "a.tbl", from_dynamotable),
    ("emfile", "a.em", from_emfile),
    ("copick", "a.tbl", from_copick_dynamo),
    ("copick", "a.em", from_copick_em),
    ("imodmodel", "a.mod", from_imodmodel),
)
REAL: tuple[tuple[str, str, Callable[[Path], Pose]], ...] = (
    ("starfile", ".star", from_starfile),
    ("copick", ".json", from_copick),
    ("dynamotable", ".tbl", from_dynamotable),
    ("emfile", ".em", from_emfile),
    ("copick", ".tbl", from_copick_dynamo),
    ("copick", ".em", from_copick_em),
    ("imodmodel", ".mod", from_imodmodel),
)


def _here(readers: Sequence[tuple[str, str, Callable[[Path], Pose]]]) -> list[Any]:
    """Readers whose package is installed."""
    return [one for one in readers if find_spec(one[0]) is not None]


def compared(reader: str, name: str, mine: Pose, theirs: Pose) -> Row:
    """How two readings differ."""
    count = len(theirs[0])
    if count != len(mine[0]):
        return Row(reader, name, count, np.inf, np.inf, is_good=False)
    moved = float(np.linalg.norm(mine[0] - theirs[0], axis=1).max(initial=0))
    turned = 0.0
    if mine[1] is not None and theirs[1] is not None:
        product = Rotation.from_matrix(mine[1]) * Rotation.from_matrix(theirs[1]).inv()
        turned = float(np.rad2deg(product.magnitude()).max(initial=0))
    is_single = reader == "imodmodel" or (reader == "copick" and name.endswith(".em"))
    limit = SINGLE_PRECISION if is_single else SMALL
    return Row(reader, name, count, moved, turned, moved < limit and turned < SMALL)


def of_written() -> Iterator[Row]:
    """What the other readers make of what Mapscope writes."""
    particles = example()
    with tempfile.TemporaryDirectory() as folder:
        for reader, name, their_read in _here(WRITTEN):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FileWarning)
                path = write(Path(folder) / name, particles)
            yield compared(reader, name, pose_of(particles), their_read(path))


def of_real(data: Path) -> Iterator[Row]:
    """What Mapscope and the others make of the same real lists."""
    folder = data / "tomography" / "picks"
    for reader, suffix, their_read in _here(REAL):
        for path in sorted(folder.rglob(f"*{suffix}")):
            mine = _mine(path)
            if mine is not None:
                yield compared(reader, path.relative_to(folder).as_posix(), mine, their_read(path))


def _mine(path: Path) -> Pose | None:
    """What Mapscope reads, or None of what is refused or is in no format of these readers."""
    try:
        try:
            noun = read(path)
        except MapscopeError as error:
            if "how large they are" not in str(error):
                return None
            noun = read(path, voxel_size=VOXEL_SIZE)
    except MapscopeError:
        return None
    formats = set(noun.columns["file_format"].tolist())
    if formats & {"stopgap", "xyz"} or path.name == "optimisation_set.star":
        return None
    if path.suffix == ".star" and not _is_placed(path):
        return None
    return pose_of(noun)


def _is_placed(path: Path) -> bool:
    """Whether a list says by itself where its particles are, as these readers need it."""
    text = path.read_text("utf-8")
    is_centred = _CENTRED[0] in text and _SIZES[0] not in text
    return "PixelSize" in text and not is_centred


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    options = parser.parse_args(arguments)
    rows = list(of_written())
    if options.data is not None:
        rows += of_real(Path(options.data))
    for row in rows:
        mark = "" if row.is_good else "WRONG "
        print(
            f"{mark}{row.reader:<12}{row.name:<66}{row.found:6} {row.moved:.1e} Å {row.turned:.1e}°"
        )
    missing = sorted({one[0] for one in WRITTEN if find_spec(one[0]) is None})
    if missing:
        print(f"not installed, and so not asked: {', '.join(missing)}")
    wrong = sum(not row.is_good for row in rows)
    print(f"{len(rows)} readings, {wrong} of them different")
    return 0 if rows and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
