"""Models of IMOD, 3dmod and Etomo: every point of every contour is a particle.

In a model, the centre of an image's first voxel lies at (0.5, 0.5, 0): x and y are counted from
its corner, z from the middle of the first slice (the manual page of model2point). Points are kept
in single precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.imod_chunks import (
    MAGIC,
    Contour,
    Model,
    Object,
    model_bytes,
    parse_model,
)
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed, checked, counted_in
from mapscope.files.stream import open_input
from mapscope.volume import Array

_CENTRE = np.array([0.5, 0.5, 0.0])
_MARGIN, _SINGLE = 1, 1e-6
_NAMELESS = "particles"
_OBJECT, _CONTOUR, _RADIUS = "object", "contour", "radius"
_MOST_BYTES = 2**31


class ImodFormat(ParticlesFormat):
    """IMOD models; the objects' names or numbers are the species."""

    name = "imod"
    title = "IMOD model"
    suffixes = (".mod",)
    prefix = "imod."
    holds_voxel_size = True

    def claims(self, head: bytes) -> bool:
        """Whether a model begins so."""
        return head.startswith(MAGIC[:4])

    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""
        with open_input(path) as stream:
            model = parse_model(stream.read(_MOST_BYTES), findings)
        found = [
            (n, one.name or str(n), m, contour)
            for n, one in enumerate(model.objects, start=1)
            for m, contour in enumerate(one.contours, start=1)
        ]
        counts = [len(contour.points) for *_, contour in found]
        said, given = model.voxel_size, frame.voxel_size
        if said is not None and given is not None and np.isclose(said, given, rtol=_SINGLE, atol=0):
            said = given  # which the model rounds
        edge = counted_in(frame, findings, sum(counts), said)
        points = np.concatenate([np.empty((0, 3)), *(c.points for *_, c in found)])
        species = np.repeat(np.array([name for _, name, *_ in found], np.str_), counts)
        extras = {
            _OBJECT: np.repeat(np.array([n for n, *_ in found], np.int64), counts),
            _CONTOUR: np.repeat(np.array([m for *_, m, _ in found], np.int64), counts),
        }
        if any(contour.sizes is not None for *_, contour in found):
            blank = [np.full(count, -1.0) for count in counts]
            sizes = [
                missing if contour.sizes is None else contour.sizes
                for (*_, contour), missing in zip(found, blank, strict=True)
            ]
            extras[_RADIUS] = np.concatenate(sizes)
        return Listed(
            (checked(points + model.start, "a point", findings) - _CENTRE) * edge,
            edge,
            species=species.tolist(),
            extras={self.prefix + name: values for name, values in extras.items()},
        )

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file."""
        layout.one_tomogram(self.title)
        order = self.order(layout)
        points = (layout.voxels(self.title, single=True) + _CENTRE)[order]
        radius = layout.extra(self.prefix + _RADIUS, -1.0)[order]
        objects: list[Object] = []
        for name, rows in self._runs(layout, order):
            if not objects or objects[-1].name != name:
                objects.append(Object(name))
            sizes = radius[rows] if (radius[rows] >= 0).any() else None
            objects[-1].contours.append(Contour(points[rows], sizes))
        shape = layout.shape
        if shape is not None and len(shape):
            x, y, z = shape.max(axis=0).tolist()
        else:
            reach = points.max(axis=0, initial=0) + _MARGIN
            x, y, z = np.ceil(reach).astype(int).tolist()
        edge = float(layout.edges(self.title)[0]) if len(layout) else None
        return model_bytes(Model((x, y, z), edge, objects))

    def order(self, layout: Layout) -> Array:
        """Particles by species, in each by contour."""
        names, contours = self._names(layout), self._contours(layout)
        rank = {name: n for n, name in enumerate(dict.fromkeys(names))}
        keys = list(zip((rank[name] for name in names), contours, strict=True))
        return np.array(sorted(range(len(layout)), key=keys.__getitem__), np.int64)

    def _names(self, layout: Layout) -> tuple[str, ...]:
        """The object of each particle."""
        names = layout.species or ("",) * len(layout)
        return tuple(name or _NAMELESS for name in names)

    def _contours(self, layout: Layout) -> list[int]:
        """The contour of each particle."""
        return list(map(int, layout.extra(self.prefix + _CONTOUR, 1)))

    def _runs(self, layout: Layout, order: Array) -> Iterator[tuple[str, slice]]:
        """Name of the object of each contour, and its rows among the sorted particles."""
        names, contours = self._names(layout), self._contours(layout)
        keys = [(names[n], contours[n]) for n in order.tolist()]
        for (name, _), group in groupby(range(len(keys)), key=keys.__getitem__):
            rows = list(group)
            yield name, slice(rows[0], rows[-1] + 1)


FORMATS = (ImodFormat(),)
