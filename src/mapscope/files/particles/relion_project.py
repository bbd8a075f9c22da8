"""What the files of a RELION project say of each other: which lists, tomograms and sizes belong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from mapscope.errors import MapFormatError
from mapscope.files.findings import Findings
from mapscope.files.particles.frame import Frame, same_extent
from mapscope.files.particles.relion_sizes import Size, sizes_from
from mapscope.files.particles.relion_styles import CENTRED, TILT_PIXEL, TOMO_NAME
from mapscope.files.particles.relion_table import Table
from mapscope.files.particles.star import Block, read_star

PARTICLES_FILE, TOMOGRAMS_FILE = "rlnTomoParticlesFile", "rlnTomoTomogramsFile"


def particles_file_of(path: Path, blocks: Sequence[Block], findings: Findings) -> tuple[Path, Path]:
    """The files of particles and of tomograms that an optimisation set names.

    Raises
    ------
    MapFormatError
        If one of them is not there.
    """
    named = {}
    for label in (PARTICLES_FILE, TOMOGRAMS_FILE):
        text = next((b.columns[label][0] for b in blocks if label in b and len(b)), "")
        found = _in_project(path, text)
        if found is None:
            raise findings.refuse(
                f"the optimisation set names {text or 'no file'} ({label}), which is not there"
            )
        named[label] = found
    return named[PARTICLES_FILE], named[TOMOGRAMS_FILE]


def tomograms_beside(path: Path) -> Path | None:
    """The tomograms.star that goes with a list: named by an optimisation set beside it, or there.

    A damaged optimisation set is passed over.
    """
    for candidate in sorted(path.parent.glob("*optimisation_set.star")):
        findings = Findings(candidate)
        try:
            blocks = read_star(candidate, findings)
            particles, tomograms = particles_file_of(candidate, blocks, findings)
        except ValueError:
            continue
        if particles.resolve() == path.resolve():
            return tomograms
    beside = path.with_name("tomograms.star")
    return beside if beside.is_file() else None


def _in_project(path: Path, name: str) -> Path | None:
    """A file that is named from the folder of a RELION project around a file, or from its own."""
    if not name:
        return None
    for folder in path.resolve().parents:
        if (folder / name).is_file():
            return folder / name
    return None


def sizes_of(table: Table, names: list[str] | None, path: Path, frame: Frame) -> list[Size] | None:
    """The size of each particle's tomogram before binning, or None where nobody says it.

    What RELION says of a tomogram comes before the given one, as long as they fit together: sizes
    that are counted back from a binned tomogram are rounded.
    """
    if names is None:
        raise table.findings.refuse(f"{CENTRED[0]} needs {TOMO_NAME}, which is not there")
    if frame.shape is None or frame.voxel_size is None:
        return _described(table, names, path, frame)
    with suppress(MapFormatError):  # the given tomogram is enough
        sizes = _described(table, names, path, frame)
        if sizes is not None and (len(set(names)) > 1 or all(_fits(s, frame) for s in set(sizes))):
            return sizes
    if len(set(names)) > 1:
        raise table.findings.refuse(
            f"it lists {len(set(names))} tomograms, and the size of one was given: give "
            "RELION's tomograms.star as tomogram="
        )
    return [_size_before_binning(frame, table)] * len(names)


def _described(table: Table, names: list[str], path: Path, frame: Frame) -> list[Size] | None:
    """Sizes that a file of RELION says: the list itself, the one that was given, or one beside."""
    described = frame.described
    if described is None and not table.sizes:
        described = tomograms_beside(path)
    sizes = table.sizes if described is None else sizes_from(described, table.findings)
    missing = sorted(set(names) - set(sizes))
    if missing and sizes:
        file = path if described is None else described
        raise table.findings.refuse(f"{file.name} does not describe the tomogram {missing[0]}")
    return [sizes[name] for name in names] if sizes or not names else None


def _fits(size: Size, frame: Frame) -> bool:
    """Whether a tomogram is the given one but for its binning, which rounds."""
    assert frame.shape is not None
    assert frame.voxel_size is not None
    extent = np.array(frame.shape[::-1]) * frame.voxel_size
    return bool(same_extent(np.array(size.pixels) * size.pixel_size, extent, frame.voxel_size))


def _size_before_binning(frame: Frame, table: Table) -> Size:
    """Size of the tilt series' tomogram, of which the given one is a binned copy."""
    assert frame.shape is not None
    assert frame.voxel_size is not None
    edge = frame.voxel_size
    if table.has(TILT_PIXEL) and len(table):
        edge = float(table.number(TILT_PIXEL)[0])
    z, y, x = (round(n * frame.voxel_size / edge) for n in frame.shape)
    return Size((x, y, z), edge)
