"""The average of picks, and how far its halves agree."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from mapscope.density.fourier import Shells, transform
from mapscope.density.resample import onto_grid
from mapscope.density.shells import (
    HalfMapCurves,
    correlate_shells,
    fourier_shell_correlation,
    resolution_interpolated,
)
from mapscope.errors import InputError
from mapscope.job import Key, Show, job
from mapscope.particles import REJECTED, TOMOGRAM, Particles, cubic_edge
from mapscope.picking.averaging import Average, average, soft_ball
from mapscope.picking.filtering import are, rows_of
from mapscope.picking.neighbours import count_neighbours
from mapscope.picking.wedge import TiltRange
from mapscope.progress import Progress, part, silent
from mapscope.table import Plot, Table
from mapscope.volume import HalfMaps, Volume

_AUTOMATIC_EDGE = 64
_LARGEST_EDGE = 512


@dataclass(frozen=True)
class AveragedParticles:
    """The average of particles in the frame of their template.

    Parameters
    ----------
    average : Volume
        Dense positive; voxel ``n // 2`` lies at position 0.
    half_map_1 : Volume
        The average of a random half of them.
    half_map_2 : Volume
        That of the others.
    curves : Table
        One row for each shell: frequency (1/Å), resolution (Å), FSC of the halves unmasked,
        masked, phase-randomised and corrected; with a template, the average's FSC against it.
    template : Volume or None
        The template on the grid of the average.
    resolution : float or None
        Å where the corrected FSC of the halves falls through 0.143. None where it never does.
    template_resolution : float or None
        Å where the FSC against the template falls through 0.5. None without one, or where it
        never does.
    number : int
        Particles that were averaged.
    left_out : int
        Particles of the list that were left out, since they lie outside the tomogram or, where
        that was asked, too near to its faces.
    note : str
        What else is to be known of the average.
    """

    average: Volume
    half_map_1: Volume
    half_map_2: Volume
    curves: Table
    template: Volume | None
    resolution: Annotated[float | None, Key("resolution", "Å")]
    template_resolution: Annotated[float | None, Key("FSC 0.5 with the template", "Å")]
    number: Annotated[int, Key("particles")]
    left_out: int
    note: str

    @property
    def half_maps(self) -> HalfMaps:
        """Both half maps, as other jobs take them."""
        return HalfMaps(self.half_map_1, self.half_map_2)


@job(menu="napari/layers/data", memory=1.0, by_parts=True)
def average_particles(
    volume: Volume,
    particles: Particles,
    template: Volume | None = None,
    mask: Volume | None = None,
    *,
    box: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    species: str = "",
    tomogram: str = "",
    symmetry: str = "C1",
    lowest_tilt: Annotated[float | None, Field(ge=-90, le=90), Show(unit="°")] = None,
    highest_tilt: Annotated[float | None, Field(ge=-90, le=90), Show(unit="°")] = None,
    leave_out_cut: Annotated[bool, Show(more=True)] = False,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> AveragedParticles:
    """Average of the picks as they are oriented, with the FSC of two halves of them.

    It is the check of a list of picks: where positions and orientations are right, the particle
    appears, finer with every pick; where they are wrong, or the hand or a convention is, a blob.
    The halves share the orientations, which come from one template: their FSC says how much
    noise there is, and the FSC against the template nothing that the template did not bring.

    Parameters
    ----------
    volume : Volume
        The tomogram, best neither denoised nor filtered. Only the boxes are read.
    particles : Particles
        The picks. Without orientations they are averaged as they lie; those that were
        rejected by hand are left out.
    template : Volume, optional
        What they were found with, about its voxel n // 2, to compare the average with.
    mask : Volume, optional
        For the FSC, 0 to 1 with a soft edge, in the frame of the template. Without one a soft
        ball.
    box : float, optional
        Edge of the average. Auto: that of the template, four times the radius that the picks
        have, or 64 voxels.
    species : str
        Average only these. Empty takes all.
    tomogram : str
        Average only those of this tomogram, where the list names several.
    symmetry : str
        Point group of the template about its voxel n // 2: C1, C4, D2, T, O, I.
    lowest_tilt : float, optional
        Of the tilt series, about the y axis. With it each particle counts only at frequencies
        that were measured.
    highest_tilt : float, optional
        Its other end.
    leave_out_cut : bool
        Whether particles are left out whose box reaches beyond the tomogram. Else what is not
        there is filled up with the mean.
    seed : int
        Of the random halves.
    progress : Progress
        Called once per particle.

    Returns
    -------
    AveragedParticles
        Average, halves, curves and resolution.

    Raises
    ------
    InputError
        If there is no particle of that kind, the list names several tomograms, or a box, tilt or
        symmetry makes no sense.
    GridError
        If the voxels of the tomogram are not cubes.
    DataError
        If fewer than two particles lie in the tomogram.

    References
    ----------
    .. [1] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    .. [2] Förster & Hegerl (2007) Methods Cell Biol. 79, 741-767.
    """
    chosen = _chosen(particles, species, tomogram)
    found = average(
        volume,
        chosen.positions,
        chosen.rotations,
        _edge(volume, chosen, template, box),
        tilts=_tilts(lowest_tilt, highest_tilt),
        symmetry=symmetry,
        pads=not leave_out_cut,
        seed=seed,
        progress=part(progress, 0, 9, 10),
    )
    window = _window(found.whole, mask)
    half_maps = HalfMaps(found.first, found.second)
    steps = part(progress, 9, 10, 10)
    curves = fourier_shell_correlation(half_maps, window, seed=seed, progress=steps)
    aligned = None if template is None else _aligned(template, found.whole)
    against = None if aligned is None else _correlation(found.whole, aligned, window)
    resolution = _finite(resolution_interpolated(curves.frequency, curves.best))
    return AveragedParticles(
        average=found.whole,
        half_map_1=found.first,
        half_map_2=found.second,
        curves=_table(curves, against, resolution, found.number),
        template=aligned,
        resolution=resolution,
        template_resolution=None
        if against is None
        else _finite(resolution_interpolated(curves.frequency, against, 0.5)),
        number=found.number,
        left_out=found.left_out,
        note=_note(found, chosen, volume),
    )


def _chosen(particles: Particles, species: str, tomogram: str) -> Particles:
    """The particles that are meant.

    Raises
    ------
    InputError
        If there are none, or they lie in several tomograms.
    """
    keep = ~are(particles, REJECTED)
    names = particles.columns.get(TOMOGRAM)
    if tomogram:
        keep &= np.zeros(len(particles), bool) if names is None else names == tomogram
    elif names is not None and len(set(names.tolist())) > 1:
        several = ", ".join(sorted(set(names.tolist())))
        raise InputError(f"the particles lie in several tomograms: name one of {several}")
    if species:
        keep &= np.array([s == species for s in particles.species or [""] * len(particles)], bool)
    if not keep.any():
        wanted = " ".join(w for w in (species, tomogram) if w)
        raise InputError(f"the list holds no particle{' of ' + wanted if wanted else ''}")
    return rows_of(particles, keep)


def _edge(volume: Volume, particles: Particles, template: Volume | None, box: float | None) -> int:
    """Voxels along each side of the average, an even number.

    Raises
    ------
    InputError
        If there would be too many.
    """
    voxel = cubic_edge(volume.grid)
    radius = particles.columns.get("radius")
    if box is not None:
        wanted = box / voxel
    elif template is not None:
        wanted = max(template.grid.extent) / voxel
    elif radius is not None:
        wanted = 4 * float(np.median(np.asarray(radius, np.float64))) / voxel
    else:
        wanted = _AUTOMATIC_EDGE
    edge = 2 * max(2, math.ceil(wanted / 2 - 1e-6))
    if edge > _LARGEST_EDGE:
        raise InputError(
            f"a box of {edge * voxel:.4g} Å has {edge} voxels a side, {_LARGEST_EDGE} at most: "
            "take a smaller box, or bin the tomogram"
        )
    return edge


def _tilts(lowest: float | None, highest: float | None) -> TiltRange | None:
    """The range of tilts, None where neither end is given."""
    if lowest is None and highest is None:
        return None
    if lowest is None or highest is None:
        raise InputError("a tilt range has two ends: give the lowest and the highest tilt")
    return TiltRange(lowest, highest)


def _aligned(noun: Volume, onto: Volume) -> Volume:
    """A template or mask, about its voxel ``n // 2``, on the grid of the average."""
    z, y, x = (-(n // 2) * d for n, d in zip(noun.shape, noun.voxel_size, strict=True))
    moved = replace(noun, origin=(z, y, x), header=None, contrast=1)
    if noun.contrast < 0:
        moved = moved.with_data(-noun.float32())
    return moved if moved.grid.matches(onto.grid) else onto_grid(moved, onto.grid)


def _window(whole: Volume, mask: Volume | None) -> Volume:
    """Where the FSC is measured: the mask, or a soft ball, on the grid of the average."""
    if mask is not None:
        placed = _aligned(mask, whole)
        return placed.with_data(np.clip(placed.data, 0.0, 1.0))
    edge = whole.shape[0]
    return whole.with_data(soft_ball(edge, 0.4 * edge, 0.15 * edge))


def _correlation(whole: Volume, template: Volume, window: Volume) -> npt.NDArray[np.float64]:
    """FSC of the average against the template, both less their mean under the window."""
    weight = window.data / window.data.sum(dtype=np.float64)
    first, second = (
        transform((v.data - np.float32((v.data * weight).sum())) * window.data)
        for v in (whole, template)
    )
    fsc = correlate_shells(first, second, Shells(whole.grid)).fsc
    fsc[0] = np.nan  # of the means, which are 0 now
    return fsc


def _finite(value: float | None) -> float | None:
    """None for a resolution that could not be read."""
    return value if value is not None and math.isfinite(value) else None


def _note(found: Average, particles: Particles, volume: Volume) -> str:
    """What is odd about the average, in words."""
    notes = []
    if particles.rotations is None:
        notes.append("the picks have no orientations: averaged as they lie")
    if found.padded:
        notes.append(f"{found.padded} reach beyond the tomogram and were filled up with the mean")
    if found.left_out:
        notes.append(f"{found.left_out} lie outside the tomogram or too near to its faces")
    near = 0.25 * max(found.whole.grid.extent)
    crowded = int(np.count_nonzero(count_neighbours(particles, near)))
    if crowded:
        notes.append(
            f"{crowded} lie within {near:.0f} Å of another: noise that both halves share makes "
            "their FSC too good, filter duplicates first"
        )
    if volume.contrast > 0:
        notes.append("bright was taken as dense: if the average is dark, invert the tomogram")
    return "; ".join(notes)


def _table(
    curves: HalfMapCurves,
    against: npt.NDArray[np.float64] | None,
    resolution: float | None,
    number: int,
) -> Table:
    """Curves with the way to plot them."""
    frequency = curves.frequency
    distance = np.divide(1.0, frequency, out=np.full_like(frequency, np.nan), where=frequency > 0)
    columns = {"frequency": frequency, "resolution": distance, "unmasked": curves.unmasked}
    for name in ("masked", "phase_randomised", "corrected"):
        columns[name] = getattr(curves, name)
    drawn = ("unmasked", "masked", "corrected")
    if against is not None:
        columns["template"] = against
        drawn = ("unmasked", "corrected", "template")
    found = "no end in this box" if resolution is None else f"{resolution:.1f} Å at FSC 0.143"
    plot = Plot(
        x="frequency",
        y=drawn,
        x_label="spatial frequency (1/Å)",
        y_label="FSC",
        levels={"0.143": 0.143, "0.5": 0.5},
        marks={} if resolution is None else {f"{resolution:.1f} Å": 1 / resolution},
        reciprocal_x=True,
        headline=f"{number:,} particles: {found}",
    )
    return Table(columns, {"frequency": "1/Å", "resolution": "Å"}, plot)
