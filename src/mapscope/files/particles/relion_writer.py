"""Particles written as STAR files of RELION 3.0, 3.1, 4 and 5 and of Warp and M."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from mapscope.errors import InputError
from mapscope.files.particles.angles import from_relion, to_relion
from mapscope.files.particles.digits import tidied
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.relion_optics import knows_tilt_pixel, optics_groups
from mapscope.files.particles.relion_sizes import said_before_binning
from mapscope.files.particles.relion_styles import (
    ANGLES,
    CENTRED,
    CLASS,
    CORNER,
    DETECTOR,
    GENERAL,
    GROUP,
    GROUP_NAME,
    IMAGE_PIXEL,
    MAGNIFICATION,
    MICROGRAPH_PIXEL,
    NO_SCORE,
    OPTICS,
    ORIGIN,
    ORIGIN_ANGST,
    PIXEL,
    SCORES,
    SIZES,
    SPECIES,
    STACKS,
    SUBTOMOGRAM,
    TILT_PIXEL,
    TOMO_NAME,
    WARP,
    Style,
)
from mapscope.files.particles.star import star_text, values_text
from mapscope.particles import RESERVED_COLUMNS
from mapscope.volume import Array

_LABEL = re.compile(r"[A-Za-z]\w*")
_CLASS_NUMBER = re.compile(r"-?(0|[1-9]\d{0,5})")
_GEOMETRY = {*CORNER, *CENTRED, *ORIGIN, *ORIGIN_ANGST, *ANGLES, *SUBTOMOGRAM, TOMO_NAME, GROUP}
_TOMOSTAR = ".tomostar"
_NAMELESS, _RELIONS = "tomogram", "rln"
_PLAIN_MAGNIFICATION = 10000.0

Columns = dict[str, Array]


def relion_text(layout: Layout, style: Style) -> str:
    """A list of particles as the text of a STAR file.

    Raises
    ------
    InputError
        If the style needs to know more of the tomogram.
    """
    return _Written(layout, style).text()


class _Written:
    """The blocks of one file."""

    def __init__(self, layout: Layout, style: Style) -> None:
        self.layout, self.style = layout, style
        names = layout.named_tomograms(_NAMELESS)
        if style is WARP:
            names = tuple(n if n.endswith(_TOMOSTAR) else n + _TOMOSTAR for n in names)
        self.names = np.array(names, np.str_)
        self.own, self.optics = self._kept()
        # Without an optics table RELION 5 makes one from its tomograms.star, which knows better.
        is_known = bool(self.optics) or knows_tilt_pixel(layout.particles)
        is_grouped = GROUP in layout.particles.columns
        self.has_optics = style.has_optics and (is_known or is_grouped or not style.is_centred)
        self.edge = self._edge()

    def text(self) -> str:
        """The whole file."""
        main: Columns = {self.style.tomogram: self.names, **self._coordinates(), **self._facts()}
        main |= {name: values for name, values in self.own.items() if name not in main}
        blocks = [self._general()]
        if self.has_optics:
            given = self.layout.particles.columns.get(GROUP)
            main[GROUP], optics = optics_groups(self.layout, self.optics, given)
            blocks.append(star_text("optics", optics))
        blocks.append(star_text("particles" if self.style.has_optics else "", main))
        if self.style.is_centred:
            blocks.append(star_text("global", self._tomograms()))
        return "\n".join(["", *filter(None, blocks)])

    def _kept(self) -> tuple[Columns, Columns]:
        """What is written back of what else is known: of particles, and of their optics groups."""
        columns = self.layout.particles.columns
        own = {
            name: self.layout.whole(values) if name.startswith(_RELIONS) else values
            for name, values in columns.items()
            if _LABEL.fullmatch(name)
            and values.ndim == 1
            and name not in RESERVED_COLUMNS | _GEOMETRY
        }
        optics = self.layout.extras(OPTICS)
        if not self.style.has_optics:
            own, optics = {**{k: v for k, v in optics.items() if k != GROUP_NAME}, **own}, {}
        if self.style.pixel not in (TILT_PIXEL, IMAGE_PIXEL):
            own.pop(TILT_PIXEL, None)
            optics.pop(TILT_PIXEL, None)
        return own, optics

    def _edge(self) -> Array:
        """Edge in Å of the voxels that coordinates count in, which is noted where it stands."""
        label = self.style.pixel
        if label in (TILT_PIXEL, IMAGE_PIXEL):
            known = self._noted(label)
            edge = self.layout.edges(self.style.title) if known is None else known
            self.own.pop(label, None)
            self.optics[label] = edge
            if TILT_PIXEL not in self.optics:
                self.optics[TILT_PIXEL] = edge
            return edge
        magnification = self._noted(MAGNIFICATION)
        for candidate in (DETECTOR, MICROGRAPH_PIXEL, PIXEL, IMAGE_PIXEL):
            known = self._noted(candidate)
            if known is not None and candidate == DETECTOR and magnification is not None:
                return known * _PLAIN_MAGNIFICATION / magnification
            if known is not None:
                return known
        edge = self.layout.edges(self.style.title)
        self.own[label] = edge
        if label == DETECTOR:
            self.own[MAGNIFICATION] = np.full(len(edge), _PLAIN_MAGNIFICATION)
        else:
            self.optics[IMAGE_PIXEL] = edge
        return edge

    def _noted(self, label: str) -> Array | None:
        """A size that the particles brought along, with what is missing filled in."""
        for place in (self.own, self.optics):
            if label in place and place[label].dtype.kind in "iuf":
                values = place[label].astype(np.float64)
                filled = self.layout.filled(values, np.isfinite(values) & (values > 0))
                if filled is not None:
                    place[label] = filled
                    return filled
        return None

    def _coordinates(self) -> Columns:
        """Places, shifts and angles."""
        layout = self.layout
        subtomogram, turned = self._subtomogram()
        shifts = self._shifts()
        positions = layout.positions
        if shifts is not None:
            moved = np.einsum("nij,nj->ni", subtomogram, shifts)
            positions, shifts = positions + moved, shifts if turned else moved
        if self.style.is_centred:
            result = _named(CENTRED, tidied(positions - self._centres()))
        else:
            result = _named(CORNER, tidied(positions / self.edge[:, None]))
        if shifts is not None and self.style.shifts_in_angstrom:
            result |= _named(ORIGIN_ANGST, shifts)
        elif shifts is not None:
            result |= _named(ORIGIN, tidied(shifts / self.edge[:, None]))
        if turned:
            result |= _named(SUBTOMOGRAM, turned_angles(layout))
        if layout.rotations is not None:
            own = subtomogram.transpose(0, 2, 1) if turned else np.eye(3)
            result |= _named(ANGLES, tidied(to_relion(own @ layout.rotations)))
        return result

    def _subtomogram(self) -> tuple[Array, bool]:
        """How subtomograms were turned when they were cut out, and whether that is written."""
        layout = self.layout
        has = all(label in layout.particles.columns for label in SUBTOMOGRAM)
        turns = np.tile(np.eye(3), (len(layout), 1, 1))
        if has:
            turns = from_relion(turned_angles(layout))
        is_written = has and self.style.tomogram == TOMO_NAME and layout.rotations is not None
        return turns, is_written

    def _shifts(self) -> Array | None:
        """Shifts (n, 3) in Å that the particles brought along, which are taken off."""
        columns = self.layout.particles.columns
        for labels, unit in ((ORIGIN_ANGST, np.ones(len(self.names))), (ORIGIN, self.edge)):
            if any(label in columns for label in labels):
                values = np.stack([self.layout.extra(label, 0.0) for label in labels], axis=1)
                shifts: Array = values * unit[:, None]
                return shifts
        return None

    def _facts(self) -> Columns:
        """Score and species."""
        result: Columns = {}
        particles = self.layout.particles
        if particles.score is not None:
            label = next((name for name in SCORES if name in particles.columns), SCORES[1])
            result[label] = self.layout.scores(NO_SCORE)
        if particles.species is not None:
            species = self.layout.species
            if all(map(_CLASS_NUMBER.fullmatch, filter(None, species))):
                result[CLASS] = np.array([int(name or 0) for name in species], np.int64)
            else:
                result[SPECIES] = np.array(species, np.str_)
        return result

    def _general(self) -> str:
        """Single values of the file."""
        values = {k: v[0] for k, v in self.layout.extras(GENERAL).items() if len(v)}
        if self.style is WARP:
            values[STACKS] = np.int64(1)
        elif not self.style.is_centred:
            values.pop(STACKS, None)
        plain = {name: value.item() for name, value in values.items()}
        return values_text("general", plain) if plain else ""

    def _sizes(self) -> Array:
        """Sizes (n, 3) of tomograms in the voxels that the tilt series has, x, y, z."""
        if not len(self.names):
            return np.empty((0, 3))
        shape, edge = self.layout.shape, self.layout.voxel_size
        if shape is None or edge is None:
            raise InputError(
                f"{self.style.title} counts from the middle of the tomogram, and these particles "
                "do not know its size: mapscope.particles.in_tomogram tells them, or choose the "
                "format relion4, which counts from the first voxel"
            )
        before = said_before_binning(self.layout, self.edge)
        return np.rint(shape * (edge / self.edge)[:, None]) if before is None else before

    def _centres(self) -> Array:
        """The middle of each particle's tomogram in Å from its first voxel's centre."""
        return self._sizes() / 2 * self.edge[:, None]

    def _tomograms(self) -> Columns:
        """One row for each tomogram, as in RELION's tomograms.star."""
        rows = np.column_stack([self._sizes(), self.edge]) if len(self.names) else np.empty((0, 4))
        names, first = np.unique(self.names, return_index=True)
        for name, row in zip(names, rows[first], strict=True):
            if (rows[self.names == name] != row).any():
                raise InputError(f"particles of the tomogram {name} do not agree on its size")
        first = np.sort(first)
        sizes = {label: rows[first, n].astype(np.int64) for n, label in enumerate(SIZES)}
        return {TOMO_NAME: self.names[first], TILT_PIXEL: rows[first, 3], **sizes}


def turned_angles(layout: Layout) -> Array:
    """Angles (n, 3) by which subtomograms were turned when they were cut out."""
    return np.stack([layout.extra(label, 0.0) for label in SUBTOMOGRAM], axis=1)


def _named(labels: Sequence[str], values: Array) -> Columns:
    """Three columns by label."""
    return {label: values[:, n] for n, label in enumerate(labels)}
