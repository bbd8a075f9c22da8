"""Lists of particles written by other programs and read by Mapscope: the largest differences.

``python benchmarks/cross_written_picks.py`` has starfile, dynamotable, emfile, imodmodel and copick
(2.0.0a6 or newer) write the particles of `cross_read_picks.py`, as far as they are installed, and
reads their files. Angles are reckoned by scipy, or by copick where copick writes the file; shifts
are 3, -4 and 5 voxels, where a format has them. For each file it prints how many particles were
found, the largest distance in Å and the largest angle in degrees. Exits with 0 if all are below
2e-6, which six decimals leave (0.01 Å and 0.001° where a program writes single precision).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from cross_read_picks import (  # type: ignore[import-not-found]
    SHAPE,
    VOXEL_SIZE,
    Array,
    Row,
    compared,
    example,
    pose_of,
)
from scipy.spatial.transform import Rotation

from mapscope.files import read
from mapscope.particles import Particles

PIXEL = VOXEL_SIZE / 4
SHIFT = np.array([3.0, -4.0, 5.0])
"""In voxels, x, y, z."""
SINGLE = {"a.mod", "a.em"}
SINGLE_PRECISION, SIX_DECIMALS = (0.01, 1e-3), (2e-6, 2e-6)
"""Å and degrees."""
Maker = Callable[[Path, Array, Array], None]


def star_with_two_groups(path: Path, places: Array, turns: Array) -> None:
    """RELION 4 with two optics groups of different pixels, by starfile."""
    import pandas as pd
    import starfile

    group = np.arange(len(places)) % 2 + 1
    pixel = np.where(group == 1, PIXEL, VOXEL_SIZE)
    angles = Rotation.from_matrix(turns).inv().as_euler("ZYZ", degrees=True)
    columns: dict[str, Any] = {"rlnTomoName": "TS_1", "rlnOpticsGroup": group}
    for n, axis in enumerate("XYZ"):
        columns[f"rlnCoordinate{axis}"] = places[:, n] / pixel + SHIFT[n]
        columns[f"rlnOrigin{axis}Angst"] = SHIFT[n] * pixel
    columns |= {f"rlnAngle{name}": angles[:, n] for n, name in enumerate(("Rot", "Tilt", "Psi"))}
    optics = {"rlnOpticsGroup": [1, 2], "rlnTomoTiltSeriesPixelSize": [PIXEL, VOXEL_SIZE]}
    blocks = {"optics": pd.DataFrame(optics), "particles": pd.DataFrame(columns)}
    starfile.write(blocks, path, float_format="%.12f")


def relion_5(path: Path, places: Array, turns: Array) -> None:
    """RELION 5 with its tomograms.star beside it, by copick and starfile."""
    import pandas as pd
    import starfile
    from copick.util.formats import (
        build_relion_star_tables,
        read_relion_tomograms,
        write_star_particles,
    )

    size = {f"rlnTomoSize{axis}": [4 * n] for axis, n in zip("XYZ", SHAPE[::-1], strict=True)}
    names = {"rlnTomoName": ["TS_1"], "rlnTomoTiltSeriesPixelSize": [PIXEL]}
    beside = path.with_name("tomograms.star")
    starfile.write({"global": pd.DataFrame(names | size)}, beside, float_format="%.12f")
    sizes = read_relion_tomograms(str(beside))
    runs = {"TS_1": (places, _transforms(turns))}
    table, optics = build_relion_star_tables(runs, tomograms=sizes, coordinates="centered")
    write_star_particles(str(path), table, optics)


def dynamo(path: Path, places: Array, turns: Array) -> None:
    """A Dynamo table by dynamotable."""
    import dynamotable
    import pandas as pd

    angles = Rotation.from_matrix(turns).inv().as_euler("zxz", degrees=True)
    columns: dict[str, Any] = {"tag": np.arange(1, len(places) + 1)}
    columns |= {f"d{axis}": SHIFT[n] for n, axis in enumerate("xyz")}
    columns |= {name: angles[:, n] for n, name in enumerate(("tdrot", "tilt", "narot"))}
    columns |= {axis: places[:, n] / VOXEL_SIZE - SHIFT[n] for n, axis in enumerate("xyz")}
    dynamotable.write(pd.DataFrame(columns), str(path))


def dynamo_by_copick(path: Path, places: Array, turns: Array) -> None:
    """A Dynamo table by copick."""
    from copick.util.formats import copick_to_dynamo_transform, write_dynamo_table

    table = copick_to_dynamo_transform(places, _transforms(turns), VOXEL_SIZE)
    write_dynamo_table(str(path), *table)


def motive_list(path: Path, places: Array, turns: Array) -> None:
    """A motive list of double precision by emfile."""
    import emfile

    rows = np.zeros((1, len(places), 20))
    rows[0, :, 7:10] = places / VOXEL_SIZE + 1 - SHIFT
    rows[0, :, 10:13] = SHIFT
    rows[0, :, [16, 18, 17]] = Rotation.from_matrix(turns).as_euler("zxz", degrees=True).T
    emfile.write(str(path), rows)


def motive_list_by_copick(path: Path, places: Array, turns: Array) -> None:
    """A motive list by copick, which writes single precision."""
    from copick.util.formats import copick_to_em_transform, write_em_motivelist

    voxels, angles = copick_to_em_transform(places, _transforms(turns), VOXEL_SIZE)
    write_em_motivelist(str(path), voxels, angles)


def imod(path: Path, places: Array, turns: Array) -> None:
    """A model by imodmodel, which writes single precision."""
    import imodmodel
    import pandas as pd

    points = places / VOXEL_SIZE + [0.5, 0.5, 0.0]
    imodmodel.write(pd.DataFrame(points, columns=["x", "y", "z"]), path)


def copick_json(path: Path, places: Array, turns: Array) -> None:
    """Picks by copick's own model of its files, half of each place in the matrix."""
    from copick.models import CopickPicksFile

    matrices = _transforms(turns, places / 2)
    points = [
        {"location": dict(zip("xyz", place, strict=True)), "transformation_": matrix}
        for place, matrix in zip((places / 2).tolist(), matrices.tolist(), strict=True)
    ]
    named = {"pickable_object_name": "ribosome", "user_id": "u", "session_id": "1"}
    file = CopickPicksFile(**named, run_name="TS_1", voxel_spacing=VOXEL_SIZE, points=points)
    path.write_text(file.model_dump_json(), "utf-8")


def copick_csv(path: Path, places: Array, turns: Array) -> None:
    """A CSV by copick."""
    from copick.util.formats import write_picks_csv

    write_picks_csv(str(path), "TS_1", places, _transforms(turns))


MADE: tuple[tuple[str, str, Maker], ...] = (
    ("starfile", "a.star", star_with_two_groups),
    ("copick", "a.star", relion_5),
    ("dynamotable", "a.tbl", dynamo),
    ("copick", "a.tbl", dynamo_by_copick),
    ("emfile", "a.em", motive_list),
    ("copick", "a.em", motive_list_by_copick),
    ("imodmodel", "a.mod", imod),
    ("copick", "a.json", copick_json),
    ("copick", "a.csv", copick_csv),
)


def _transforms(turns: Array, places: Array | float = 0.0) -> Array:
    """Rotations and translations as matrices (n, 4, 4)."""
    matrices = np.tile(np.eye(4), (len(turns), 1, 1))
    matrices[:, :3, :3] = turns
    matrices[:, :3, 3] = places
    return matrices


def of_written() -> Iterator[Row]:
    """What Mapscope makes of what the other programs write."""
    places, turns = pose_of(example())
    for program, name, make in MADE:
        if find_spec(program) is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            make(path, places, turns)
            counts = {"voxel_size": VOXEL_SIZE} if path.suffix in (".tbl", ".em", ".mod") else {}
            found: Particles = read(path, **counts) if counts else read(path)
            yield _judged(program, name, (places, turns), found)


def _judged(program: str, name: str, expected: Any, found: Particles) -> Row:
    """How a list differs from what was written."""
    row: Row = compared(program, name, pose_of(found), expected)
    moved, turned = SINGLE_PRECISION if name in SINGLE else SIX_DECIMALS
    return row._replace(is_good=row.moved < moved and row.turned < turned)


def main(arguments: Sequence[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(arguments)
    rows = list(of_written())
    for row in rows:
        mark = "" if row.is_good else "WRONG "
        print(
            f"{mark}{row.reader:<12}{row.name:<9}{row.found:6} {row.moved:.1e} Å {row.turned:.1e}°"
        )
    missing = sorted({program for program, *_ in MADE if find_spec(program) is None})
    if missing:
        print(f"not installed, and so not asked: {', '.join(missing)}")
    wrong = sum(not row.is_good for row in rows)
    print(f"{len(rows)} files, {wrong} of them different")
    return 0 if rows and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
