"""All formats that list particles, and which one a file is written in."""

from __future__ import annotations

from mapscope.errors import UnknownFormatError
from mapscope.files.particles import (
    box,
    cbox,
    coords,
    copick,
    deepfinder,
    delimited,
    dynamo,
    eman2,
    imod,
    membranorama,
    motl,
    ndjson,
    pytom,
    relion_format,
    stopgap,
    xyz_star,
)
from mapscope.files.particles.check import SelfCheck, examined_content
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.relion_styles import RELION_4, RELION_5
from mapscope.particles import FILE_FORMAT, Particles

FORMATS: tuple[ParticlesFormat, ...] = (
    *delimited.FORMATS,
    *stopgap.FORMATS,
    *xyz_star.FORMATS,
    *relion_format.FORMATS,
    *dynamo.FORMATS,
    *motl.FORMATS,
    *imod.FORMATS,
    *copick.FORMATS,
    *eman2.FORMATS,
    *box.FORMATS,
    *cbox.FORMATS,
    *ndjson.FORMATS,
    *deepfinder.FORMATS,
    *pytom.FORMATS,
    *membranorama.FORMATS,
    *coords.FORMATS,
)
"""In the order in which they are asked whether a file is theirs."""


def format_names() -> tuple[str, ...]:
    """Names of the formats that can be written."""
    return tuple(one.name for one in FORMATS if one.writes)


def format_named(name: str) -> ParticlesFormat:
    """The format of a name.

    Raises
    ------
    UnknownFormatError
        If there is none that can be written.
    """
    for one in FORMATS:
        if one.name == name and one.writes:
            return one
    raise UnknownFormatError(
        f"no list of particles is written as {name!r}; possible: {', '.join(format_names())}"
    )


def format_for(particles: Particles, suffix: str, file_name: str = "") -> ParticlesFormat:
    """The format in which particles are written under a suffix.

    The format whose name stands before the suffix (``picks.relion4.star``), or else the one that
    all of them came from; else, for ``.star``, RELION 5 where the size of the tomogram is known
    and RELION 4 where it is not, and for other suffixes the first.

    Parameters
    ----------
    particles : Particles
        What shall be written.
    suffix : str
        As ``.star``.
    file_name : str
        The file's name.

    Raises
    ------
    UnknownFormatError
        If no format has that suffix.
    """
    fitting = [one for one in FORMATS if suffix in one.suffixes and one.writes]
    if not fitting:
        raise UnknownFormatError(f"no list of particles is written as {suffix!r}")
    called = [one for one in fitting if f".{one.name}{suffix}" in file_name.lower()]
    if called:
        return called[0]
    column = particles.columns.get(FILE_FORMAT)
    sources = set() if column is None else {str(name) for name in column if name}
    came = [one for one in fitting if {one.name} == sources]
    if came and came[0].name != RELION_5.name:
        return came[0]
    if suffix in relion_format.RelionFormat.suffixes:
        is_sized = Layout(particles).shape is not None
        return format_named(RELION_5.name if is_sized else RELION_4.name)
    return fitting[0]


def self_check(particles: Particles, file_format: str | ParticlesFormat) -> SelfCheck:
    """What becomes of particles in a file of a format: written to a temporary one and read back.

    Parameters
    ----------
    particles : Particles
        What shall be written.
    file_format : str or ParticlesFormat
        The format or its name, as in `format_names`.

    Raises
    ------
    InputError
        If the format cannot hold the particles.
    """
    chosen = format_named(file_format) if isinstance(file_format, str) else file_format
    return examined_content(particles, chosen)[1]
