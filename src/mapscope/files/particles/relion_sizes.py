"""How large the tomograms of RELION's lists are, before they are binned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.frame import same_extent
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import numbers
from mapscope.files.particles.relion_styles import GLOBAL, SIZES, TILT_PIXEL, TOMO_NAME
from mapscope.files.particles.star import Block, read_star
from mapscope.volume import Array


@dataclass(frozen=True)
class Size:
    """A tomogram before it is binned: its size in pixels, x, y, z, and their edge in Å."""

    pixels: tuple[int, int, int]
    pixel_size: float

    @property
    def centre(self) -> Array:
        """The middle that RELION 5 counts from, in Å from the first voxel's centre."""
        return np.array(self.pixels) / 2 * self.pixel_size


def sizes_from(path: Path, findings: Findings) -> dict[str, Size]:
    """Sizes of tomograms by name, from RELION's tomograms.star.

    Raises
    ------
    MapFormatError
        If it gives none, or a size that makes no sense.
    """
    found = Findings(path, findings.permissive)
    for block in read_star(path, found):
        if TOMO_NAME in block and TILT_PIXEL in block:
            return sizes_in(block, found)
    raise found.refuse(f"expected {TOMO_NAME}, {TILT_PIXEL} and {', '.join(SIZES)} of tomograms")


def sizes_in(block: Block, findings: Findings) -> dict[str, Size]:
    """Sizes of the tomograms that a block describes."""
    if not all(label in block for label in (TOMO_NAME, TILT_PIXEL, *SIZES)):
        raise findings.refuse(
            f"data_{block.name} does not say how large the tomograms are ({', '.join(SIZES)}, "
            f"{TILT_PIXEL})"
        )
    pixels = np.stack([numbers(block.columns[k], k, findings) for k in SIZES], axis=1)
    edges = numbers(block.columns[TILT_PIXEL], TILT_PIXEL, findings)
    for name, size, edge in zip(block.columns[TOMO_NAME], pixels, edges, strict=True):
        if size.min() < 1 or edge <= 0 or (size % 1).any():
            raise findings.refuse(
                f"the tomogram {name} cannot be {' x '.join(f'{n:g}' for n in size)} pixels of "
                f"{edge:g} Å: correct {', '.join(SIZES)} there, or name the tomogram's own file"
            )
    return {
        name: Size((int(x), int(y), int(z)), float(edge))
        for name, (x, y, z), edge in zip(
            block.columns[TOMO_NAME], pixels.tolist(), edges.tolist(), strict=True
        )
    }


def columns_of(sizes: Sequence[Size] | None) -> dict[str, Array]:
    """What RELION says of the particles' tomograms, as columns that are written back."""
    if not sizes:
        return {}
    pixels = np.array([size.pixels for size in sizes], np.int64)
    columns: dict[str, Array] = {GLOBAL + label: pixels[:, n] for n, label in enumerate(SIZES)}
    return columns | {GLOBAL + TILT_PIXEL: np.array([size.pixel_size for size in sizes])}


def said_before_binning(layout: Layout, edge: Array) -> Array | None:
    """Sizes (n, 3) in pixels of an edge that RELION said of tomograms, if they are still these."""
    shape, voxel, columns = layout.shape, layout.voxel_size, layout.particles.columns
    labels = [GLOBAL + label for label in (*SIZES, TILT_PIXEL)]
    if shape is None or voxel is None or not all(label in columns for label in labels):
        return None
    known = np.stack([np.asarray(columns[label], np.float64) for label in labels], axis=1)
    filled = layout.filled(known, np.asarray((known > 0).all(axis=1)))
    if filled is None:
        return None
    said = filled[:, :3] * filled[:, 3:]
    if not same_extent(said, shape * voxel[:, None], voxel).all():
        return None
    return np.asarray(np.rint(said / edge[:, None]))
