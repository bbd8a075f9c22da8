"""Which voxels belong to a molecule, and how far around an atom its density reaches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Grid

PROBE, SHRINK = 1.1, 0.9
"""Å: radius of the probe that rolls over the molecule, and how far its path then shrinks."""

# fmt: off
_RADII = {
    "H": 1.2, "D": 1.2, "B": 1.75, "C": 1.775, "N": 1.5, "O": 1.45, "F": 1.47, "Na": 2.27,
    "Mg": 1.73, "Al": 1.5, "Si": 2.1, "P": 1.9, "S": 1.8, "Cl": 1.75, "K": 2.75, "Ca": 1.95,
    "V": 1.06, "Cr": 1.13, "Mn": 1.19, "Fe": 1.26, "Co": 1.13, "Ni": 1.63, "Cu": 1.4,
    "Zn": 1.39, "As": 0.83, "Se": 1.9, "Br": 1.85, "Mo": 1.75, "Cd": 1.58, "I": 1.98,
    "W": 1.26, "Pt": 1.72, "Au": 1.66, "Hg": 1.55, "Pb": 2.02, "U": 1.75,
}
# fmt: on
"""Van der Waals radii in Å as cctbx has them; gemmi's serve for the elements not named here."""

_DISTANCES_AT_ONCE = 500_000
_IMAGE_STEP, _IMAGE_REACH, _FREQUENCIES = 0.05, 15.0, 2001
_LEAST_RADIUS, _MOST_RADIUS = 3.0, 10.0


def van_der_waals_radii(elements: Array) -> npt.NDArray[np.float64]:
    """Van der Waals radius of each element symbol in Å, shape (n,)."""
    import gemmi

    names, which = np.unique(elements, return_inverse=True)
    radii = [_RADII.get(name, gemmi.Element(name).vdw_r) for name in names.tolist()]
    return np.array(radii, dtype=np.float64)[which]


def molecular_mask(
    positions: npt.ArrayLike, elements: Array, grid: Grid, *, progress: Progress = silent
) -> npt.NDArray[np.bool_]:
    """Voxels inside the surface over which a probe of 1.1 Å rolls, true, (z, y, x).

    Everything within a van der Waals radius and the probe's of an atom is inside, but what
    comes within 0.9 Å of the solvent beyond and is in no atom.

    Parameters
    ----------
    positions : array (n, 3)
        Å, z, y, x; atoms outside the grid count where they reach into it.
    elements : str array (n,)
        Symbols.
    grid : Grid
        The voxels.
    progress : callable
        Called once per batch of atoms.

    Raises
    ------
    DataError
        If no voxel is inside.

    References
    ----------
    Jiang & Brünger (1994) J. Mol. Biol. 243, 100: the mask of a flat bulk solvent. Afonine et
    al. (2018) Acta Cryst. D74, 814 take it for CC_mask; probe and shrinkage are cctbx's.
    """
    from scipy.ndimage import binary_dilation

    places = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    radii = van_der_waals_radii(np.asarray(elements))
    covered = within_radius(places, radii + PROBE, grid, progress=progress)
    if not covered.any():
        raise DataError("no atom lies in the map: fit the structure into it first")
    in_atoms = within_radius(places, radii, grid, progress=progress)
    ball = _ball(SHRINK, grid)
    near_solvent = binary_dilation(~covered, ball) if ball.size > 1 else ~covered
    return np.asarray(covered & (in_atoms | ~near_solvent))


def within_radius(
    positions: npt.NDArray[np.float64],
    radii: npt.NDArray[np.float64],
    grid: Grid,
    *,
    progress: Progress = silent,
) -> npt.NDArray[np.bool_]:
    """Voxels whose centre is nearer to a position than its radius, true, (z, y, x).

    Parameters
    ----------
    positions, radii : float64 arrays (n, 3) and (n,)
        Å, z, y, x.
    grid : Grid
        The voxels.
    progress : callable
        Called once per batch of positions.
    """
    result = np.zeros(grid.shape, dtype=np.bool_)
    step = np.asarray(grid.voxel_size)
    for radius in np.unique(radii):
        index = grid.index_from_world(positions[radii == radius])
        reach = np.floor(radius / step + 0.5).astype(int)
        batch = max(1, _DISTANCES_AT_ONCE // int((2 * reach + 1).prod()))
        for start in range(0, len(index), batch):
            progress(start, len(index), "voxels of the molecule")
            _cover(result, index[start : start + batch], float(radius), grid, reach)
    progress(1, 1, "voxels of the molecule")
    return result


def _cover(
    result: npt.NDArray[np.bool_],
    index: npt.NDArray[np.float64],
    radius: float,
    grid: Grid,
    reach: npt.NDArray[np.int_],
) -> None:
    """Mark the voxels nearer than a radius to positions given as voxel indices (n, 3)."""
    squares, places = [], []
    for axis, stride in enumerate((grid.shape[1] * grid.shape[2], grid.shape[2], 1)):
        at = index[:, axis, None]
        voxel = np.rint(at).astype(np.intp) + np.arange(-reach[axis], reach[axis] + 1)
        square = ((voxel - at) * grid.voxel_size[axis]) ** 2
        square[(voxel < 0) | (voxel >= grid.shape[axis])] = np.inf
        squares.append(square)
        places.append(voxel * stride)
    z, y, x = squares
    inside = z[:, :, None, None] + (y[:, :, None] + x[:, None, :])[:, None] < radius**2
    atom, k, j, i = np.nonzero(inside)
    result.reshape(-1)[places[0][atom, k] + places[1][atom, j] + places[2][atom, i]] = True


def _ball(radius: float, grid: Grid) -> npt.NDArray[np.bool_]:
    """Voxels nearer than `radius` Å to that in the middle."""
    reach = [int(radius / size) for size in grid.voxel_size]
    squares = [
        (np.arange(-n, n + 1) * size) ** 2 for n, size in zip(reach, grid.voxel_size, strict=True)
    ]
    return np.asarray(squares[0][:, None, None] + squares[1][:, None] + squares[2] < radius**2)


def atom_radius(resolution: float, b_factor: float) -> float:
    """How far from an atom density is compared, in Å: 3 to 10.

    Twice the distance at which the image of a carbon at the resolution has its first
    inflection, but at least the resolution.

    Parameters
    ----------
    resolution : float
        Å, above 0.
    b_factor : float
        Mean of the atoms, Å².

    Raises
    ------
    InputError
        If the resolution is not positive.

    References
    ----------
    Afonine et al. (2018) Acta Cryst. D74, 814, section 2 (the image of an atom).
    """
    from mapscope.simulate import form_factors

    if not resolution > 0:
        raise InputError(f"a resolution must be above 0 Å, got {resolution}")
    a, b = form_factors.electrons(["C"])
    s = np.linspace(0, 1 / resolution, _FREQUENCIES)
    form = (a * np.exp(-(b + b_factor) * s[:, None] ** 2 / 4)).sum(axis=1)
    r = np.arange(1, max(_IMAGE_REACH, resolution) / _IMAGE_STEP) * _IMAGE_STEP
    image = np.trapezoid(s * form * np.sin(2 * np.pi * r[:, None] * s), s, axis=1) / r
    bends_up = np.diff(image, 2) > 0
    inflection = float(r[1 + np.argmax(bends_up)]) if bends_up.any() else 0.0
    return min(_MOST_RADIUS, max(_LEAST_RADIUS, resolution, 2 * inflection))
