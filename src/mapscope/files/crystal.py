"""Maps of crystals brought onto an orthogonal grid: symmetry, skewed cells, cover.

The cell's grid is filled with what the file holds and, by the space group's operators, with
what it implies; grid points that neither reaches stay unknown (NaN in here, never outside).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import product

import gemmi
import numpy as np
import numpy.typing as npt

from mapscope.errors import GridError
from mapscope.files.cell_part import values_where_known
from mapscope.files.cell_series import values_on_orthogonal_grid, voxel_for_waves
from mapscope.files.findings import Findings
from mapscope.files.format import Cover
from mapscope.files.map_frame import (
    has_origin_words,
    has_right_angles,
    size_xyz,
    voxel_size_of,
)
from mapscope.structure import Structure
from mapscope.volume import Array, Grid, MapHeader, Shape, Volume

MODEL_MARGIN = 5.0
_MOST_UNEVEN = 4.0
MAX_POINTS = 2**30

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Cell:
    """The unit cell's grid, x, y, z, with NaN where nothing is known.

    `shift` (x, y, z in Å) is where the cell's corner lies in the model's frame.
    """

    density: npt.NDArray[np.float32]
    cell: gemmi.UnitCell
    shift: npt.NDArray[np.float64]

    @property
    def is_complete(self) -> bool:
        return not bool(np.isnan(self.density).any())


def orthogonal_volume(
    data: Array, frame: MapHeader, cover: Cover | None, findings: Findings
) -> Volume | None:
    """The map of a crystal on an orthogonal P 1 grid, or None where the file's own grid will do.

    Parameters
    ----------
    data : array (z, y, x)
        What the file holds.
    frame : MapHeader
        Where it lies in the cell.
    cover : Structure, Grid, (lower, upper) or None
        What the volume shall cover; None is the unit cell or, where symmetry does not fill
        that, what the file covers.
    findings : Findings
        Where damage is reported.

    Raises
    ------
    MapFormatError
        If the cell's grid is too large, or the grid does not fit the space group.
    GridError
        If the box to cover is empty or too large.
    """
    is_skewed = not has_right_angles(frame)
    box = None if cover is None else box_of(cover)
    if not is_skewed and not _wants_cell(data, frame, box):
        return None
    filled = _filled_cell(data, frame, findings)
    if is_skewed:
        volume = _interpolated(filled, _own_box(filled, data, frame) if box is None else box)
    elif box is None and not filled.is_complete:
        return None
    else:
        volume = _repeated(filled, box)
    _log.info(
        "%s: resampled from a crystal's cell %s, space group %d, onto an orthogonal grid of "
        "%s voxels (z, y, x) of %s Å",
        findings.path.name,
        frame.cell,
        frame.space_group,
        volume.shape,
        volume.voxel_size,
    )
    return volume


def volume_of_cell(
    density: npt.NDArray[np.float32], cell: gemmi.UnitCell, cover: Cover | None
) -> Volume:
    """A whole unit cell on an orthogonal P 1 grid.

    Parameters
    ----------
    density : float32 array (u, v, w)
        The cell along its edges a, b, c.
    cell : gemmi.UnitCell
        The cell.
    cover : Structure, Grid, (lower, upper) or None
        What the volume shall cover; None is the cell.

    Raises
    ------
    GridError
        If the box to cover is empty or too large.
    """
    frame = MapHeader(sampling=density.shape, cell=tuple(cell.parameters))
    filled = _Cell(density, cell, np.zeros(3))
    box = None if cover is None else box_of(cover)
    if has_right_angles(frame):
        return _repeated(filled, box)
    data = density.transpose(2, 1, 0)
    return _interpolated(filled, _own_box(filled, data, frame) if box is None else box)


def _wants_cell(data: Array, frame: MapHeader, box: tuple[Array, Array] | None) -> bool:
    """Whether a right-angled map is a crystal's that must be continued by its symmetry.

    Without a box to cover, only a file that starts at the cell's corner can be an
    asymmetric unit; any other is a box that was cut out on purpose.
    """
    if not 1 < frame.space_group <= 230:
        return False
    is_partial = any(n < m for n, m in zip(data.shape[::-1], frame.sampling, strict=True))
    if box is None:
        return is_partial and not any(frame.nstart) and not has_origin_words(frame)
    size = np.asarray(voxel_size_of(frame))
    lower = _first_position(frame)[::-1]
    upper = lower + (np.asarray(data.shape) - 1) * size
    return bool((box[0] < lower - 1e-3).any() or (box[1] > upper + 1e-3).any())


def box_of(cover: Cover) -> tuple[Array, Array]:
    """Lower and upper corner in Å, z, y, x."""
    if isinstance(cover, Structure):
        lower, upper = cover.bounds
        return lower - MODEL_MARGIN, upper + MODEL_MARGIN
    if isinstance(cover, Grid):
        last = cover.world_from_index(np.asarray(cover.shape) - 1)
        return np.asarray(cover.origin), last
    lower, upper = (np.asarray(corner, dtype=np.float64) for corner in cover)
    if lower.shape != (3,) or upper.shape != (3,) or not (lower < upper).all():
        raise GridError(f"a box needs a lower and a higher corner (z, y, x) in Å, got {cover}")
    return lower, upper


def _unit_cell(frame: MapHeader) -> gemmi.UnitCell:
    """The cell as gemmi has it."""
    return gemmi.UnitCell(*frame.cell)


def _fractional_start(frame: MapHeader) -> npt.NDArray[np.float64]:
    """Where the first voxel lies in the cell, x, y, z, in fractions of its edges."""
    start = size_xyz(frame.nstart, frame.axis_order)
    fractions: npt.NDArray[np.float64] = np.divide(start, frame.sampling)
    return fractions


def _first_position(frame: MapHeader) -> npt.NDArray[np.float64]:
    """Position in Å of the first voxel, x, y, z."""
    if has_origin_words(frame):
        return np.asarray(frame.origin_words, dtype=np.float64)
    position: npt.NDArray[np.float64] = _fractional_start(frame) @ _edges(_unit_cell(frame)).T
    return position


def _edges(cell: gemmi.UnitCell) -> npt.NDArray[np.float64]:
    """Matrix from fractions to Å, x, y, z: the cell's edges as columns."""
    return np.array(cell.orth.mat.tolist(), dtype=np.float64)


def _filled_cell(data: Array, frame: MapHeader, findings: Findings) -> _Cell:
    """The cell's grid with all that the file and its symmetry say."""
    sampling = frame.sampling
    if int(np.prod(sampling, dtype=object)) > MAX_POINTS:
        raise findings.refuse(
            f"the cell of {sampling} grid points is too large to be filled "
            f"(at most {MAX_POINTS} points)"
        )
    spacing = np.asarray(frame.cell[:3]) / np.asarray(sampling)
    if spacing.max() > _MOST_UNEVEN * spacing.min():
        raise findings.refuse(
            f"grid spacings of {', '.join(f'{s:.3g}' for s in spacing)} Å along the cell's edges "
            "differ too much for a crystal's map: cell or sampling is damaged"
        )
    density = np.full(sampling, np.nan, dtype=np.float32)
    start = size_xyz(frame.nstart, frame.axis_order)
    index = [
        (s + np.arange(n)) % m for s, n, m in zip(start, data.shape[::-1], sampling, strict=True)
    ]
    density[np.ix_(*index)] = np.asarray(data, dtype=np.float32).transpose(2, 1, 0)
    cell = _unit_cell(frame)
    shift = _first_position(frame) - _fractional_start(frame) @ _edges(cell).T
    if np.isnan(density).any():
        _fill_by_symmetry(density, frame, findings)
    return _Cell(density, cell, shift)


def _fill_by_symmetry(
    density: npt.NDArray[np.float32], frame: MapHeader, findings: Findings
) -> None:
    """Copy known grid points onto their unknown symmetry mates, in place."""
    group = gemmi.find_spacegroup_by_number(max(frame.space_group, 1))
    if group is None:
        return
    known = np.array(np.nonzero(~np.isnan(density)))
    values = density[known[0], known[1], known[2]]
    moves = [_index_mates(operation, density.shape) for operation in group.operations()]
    for move in moves:
        if move is None:
            findings.report(
                f"the grid {density.shape} does not fit the space group {group.hm}",
                "leave its symmetry unused",
            )
            return
    for matrix, offset in filter(None, moves):
        i, j, k = (matrix @ known + offset[:, None]) % np.array(density.shape)[:, None]
        is_new = np.isnan(density[i, j, k])
        density[i[is_new], j[is_new], k[is_new]] = values[is_new]


def _index_mates(operation: gemmi.Op, sampling: Shape) -> tuple[Array, Array] | None:
    """Integer matrix and offset that an operator is on grid indices; None where it is none."""
    unit = gemmi.Op.DEN
    counts = np.array(sampling)
    matrix = np.array(operation.rot) * counts[:, None]
    offset = np.array(operation.tran) * counts
    divisor = unit * counts[None, :]
    if (matrix % divisor).any() or (offset % unit).any():
        return None
    return matrix // divisor, offset // unit


def _own_box(filled: _Cell, data: Array, frame: MapHeader) -> tuple[Array, Array]:
    """Bounding box, z, y, x, of the cell or, where that is not known, of what the file holds."""
    if filled.is_complete:
        start, size = np.zeros(3), np.ones(3)
    else:
        start = _fractional_start(frame)
        size = (np.array(data.shape[::-1]) - 1) / np.asarray(frame.sampling)
    corners = start + np.array(list(product((0, 1), repeat=3))) * size
    positions = corners @ _edges(filled.cell).T + filled.shift
    return positions.min(axis=0)[::-1], positions.max(axis=0)[::-1]


def _interpolated(filled: _Cell, box: tuple[Array, Array]) -> Volume:
    """Cubic voxels as fine as the cell's finest spacing, or as its finest wave needs.

    A whole cell gives them exactly, as a Fourier series. Of a part the values are interpolated
    from the grid points around; what is not known is zero, never invented.
    """
    lengths = np.array([filled.cell.a, filled.cell.b, filled.cell.c])
    voxel = float((lengths / np.array(filled.density.shape)).min())
    if filled.is_complete:
        voxel = min(voxel, voxel_for_waves(filled.density, filled.cell))
    first = np.floor(box[0] / voxel + 1e-6).astype(int)
    shape = _box_shape(np.ceil(box[1] / voxel - 1e-6).astype(int) - first + 1)
    z, y, x = (float(c) for c in first * voxel - filled.shift[::-1])
    if filled.is_complete:
        data = values_on_orthogonal_grid(filled.density, filled.cell, (z, y, x), voxel, shape)
    else:
        known = values_where_known(filled.density, filled.cell, (z, y, x), voxel, shape)
        data = np.nan_to_num(known, nan=0.0)
    origin = first * voxel
    return Volume(
        data, (voxel, voxel, voxel), (float(origin[0]), float(origin[1]), float(origin[2]))
    )


def _repeated(filled: _Cell, box: tuple[Array, Array] | None) -> Volume:
    """A right-angled cell, or the grid points around a box, taken as they are."""
    edges = np.array([filled.cell.c, filled.cell.b, filled.cell.a])
    size = edges / filled.density.shape[::-1]
    shift = filled.shift[::-1]
    shape = filled.density.shape[::-1]
    first, last = np.zeros(3, dtype=int), np.asarray(shape) - 1
    if box is not None:
        first = np.floor((box[0] - shift) / size + 1e-6).astype(int)
        last = np.ceil((box[1] - shift) / size - 1e-6).astype(int)
    counts = _box_shape(last - first + 1)
    index = [(f + np.arange(n)) % m for f, n, m in zip(first, counts, shape, strict=True)]
    data = np.nan_to_num(filled.density.transpose(2, 1, 0)[np.ix_(*index)], nan=0.0)
    z, y, x = shift + first * size
    voxel = (float(size[0]), float(size[1]), float(size[2]))
    return Volume(data, voxel, (float(z), float(y), float(x)))


def _box_shape(counts: Array) -> Shape:
    """Size of a box in voxels, checked before it is made."""
    z, y, x = (int(n) for n in counts)
    if z * y * x > MAX_POINTS:
        raise GridError(
            f"a box of {(z, y, x)} voxels is too large (at most {MAX_POINTS}): cover less"
        )
    return (z, y, x)
