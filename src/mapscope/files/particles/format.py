"""The contract of a format that lists particles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.format import Cover
from mapscope.files.particles.frame import Frame, Tomogram, frame_of
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed
from mapscope.files.particles.placing import particles_from
from mapscope.files.stream import open_input, read_up_to
from mapscope.particles import Particles
from mapscope.volume import Array

_HEAD_BYTES = 65536


class ParticlesFormat(ABC):
    """One format in and out: a `Reader` and a `Writer` of :mod:`mapscope.files.format`.

    A format

    * says in `claims` from a file's first bytes whether the file is its own, since suffixes are
      shared;
    * reads in `listed` and writes in `content`; all that is common to formats happens here;
    * turns places into Å from the centre of the tomogram's first voxel and angles into active
      matrices, x, y, z, and nowhere else in Mapscope is anything known of its conventions;
    * keeps what else a file says in columns that begin with `prefix`, and writes them back.
    """

    name: str
    """What the format is called where one is chosen."""
    title: str
    """What it is called in messages."""
    suffixes: ClassVar[tuple[str, ...]]
    prefix: ClassVar[str] = ""
    """What the names of its further columns begin with."""
    holds_voxel_size: ClassVar[bool] = False
    """Whether its files always say how large a voxel is, or count in Å."""
    writes: ClassVar[bool] = True
    """Whether it is written, not only read."""
    noun: ClassVar[type] = Particles
    nouns: ClassVar[tuple[type, ...]] = (Particles,)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the formats that it reads; it writes one."""
        return (self.name,)

    def claims(self, head: bytes) -> bool:
        """Whether a file that begins so is of this format; any, where no other has its suffix."""
        return bool(head)

    @abstractmethod
    def listed(self, path: Path, findings: Findings, frame: Frame) -> Listed:
        """What a file lists."""

    def content(self, layout: Layout) -> bytes:
        """The bytes of a file that lists particles."""
        raise NotImplementedError(self.name)  # of formats that are only read

    def content_as(self, layout: Layout, suffix: str) -> bytes:  # noqa: ARG002  mostly one
        """The bytes of a file with one of several suffixes."""
        return self.content(layout)

    def caution(self, layout: Layout) -> str:  # noqa: ARG002  mostly nothing
        """What whoever uses a file has to know, which the file itself cannot say."""
        return ""

    def order(self, layout: Layout) -> Array:
        """Which particle each one of a written file is: a format may sort them."""
        return np.arange(len(layout))

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,  # noqa: ARG002  knows no crystals
        voxel_size: float | None = None,
        tomogram: Tomogram | None = None,
    ) -> Particles:
        """The particles that a file lists.

        Raises
        ------
        MapFormatError
            If the file is not of this format or damaged, or counts in voxels of unknown size.
        """
        findings = Findings(path, permissive)
        frame = frame_of(voxel_size, tomogram)
        if not head_of(path):
            findings.report(
                "the file is empty", "take it for a list without particles", "truncated"
            )
            return particles_from(Listed(np.empty((0, 3))), frame, self.name)
        return particles_from(self.listed(path, findings, frame), frame, self.name)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:
        """Write particles, if the file keeps them where they are.

        Raises
        ------
        DataError
            If it would move or turn them.
        InputError
            If the format needs to know more of the tomogram, or has no room for what there is.
        """
        from mapscope.files.particles.check import checked_content  # which needs this class

        stream.write(checked_content(noun, self, suffix)[0])


def head_of(path: Path) -> bytes:
    """The first bytes of a file, uncompressed."""
    with open_input(path) as stream:
        return bytes(read_up_to(stream, _HEAD_BYTES))
