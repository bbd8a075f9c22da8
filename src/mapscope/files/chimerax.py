"""A ChimeraX command file that opens what was saved as it looked, with the files it opens.

ChimeraX runs each line of a ``.cxc`` file as commands, in the folder of that file [1]_, so that
the file names in it are those of its neighbours and the folder may move. The commands are in
`mapscope.files.chimerax_commands`.

Models get the numbers 1, 2, … in the order in which they are opened, as ChimeraX counts them
where nothing else is open; ``open … id N`` [2]_ would say so, but is too new to rely on. So the
file wants a ChimeraX without other models, and says so in its first lines.

Meshes go as ``.glb``: of what Mapscope writes ChimeraX reads ``.obj`` without its colours and no
``.ply`` [2]_. Maps lie where Mapscope has them, because ChimeraX places a map as Mapscope does:
by the ORIGIN words where they are not zero, else by NSTART.

References
----------
.. [1] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/usageconventions.html#cxc-files
.. [2] https://www.rbvi.ucsf.edu/chimerax/docs/user/commands/open.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np

from mapscope.appearance import Appearance, Shown
from mapscope.errors import InputError, UnknownFormatError
from mapscope.files.chimerax_commands import OpenedModel, commands, plain_text
from mapscope.files.glb import write_colored_surface
from mapscope.files.registry import write
from mapscope.files.stream import format_suffix, open_output
from mapscope.labels import BACKGROUND, Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.record import record_of, save_record
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Array, Volume

SUFFIX = ".cxc"
SUFFIX_OF: dict[type, str] = {
    Volume: ".mrc",
    Labels: ".mrc",
    Mesh: ".glb",
    Structure: ".cif",
    Particles: ".cmm",
    Table: ".csv",
}
_NEVER_IN_FILES = re.compile(r"[^\w.-]")
_HEAD = (
    "# Written by Mapscope. Open it, with the files beside it, in a ChimeraX without other models",
    "# (or after the command close session): its models are numbered 1, 2, ... from the first on.",
)


def write_chimerax(path: str | Path, items: Iterable[Appearance]) -> list[Path]:
    """Files written: those of the items in their order, of volumes that colour, the script last.

    Parameters
    ----------
    path : str or Path
        The script, ending in ``.cxc``; what it opens lies beside it as ``<stem>_<name>`` with
        the suffix of its kind, each with its record where a job made it.
    items : iterable of Appearance
        What to show, and how. A table is written as ``.csv`` and named in a comment. A
        second volume (`Appearance.sample`) that is no item itself is written too and hidden.

    Raises
    ------
    InputError
        If there is nothing to draw, or an image lacks its colour scale.
    UnknownFormatError
        If the suffix is another one.
    DataError
        If a mesh has no triangles.
    FileNotFoundError
        If the folder does not exist.
    """
    script, shown = Path(path), list(items)
    check_script(script, [type(item.noun) for item in shown])
    samples = _samples(shown)
    everything = [*shown, *samples]
    files = data_paths(script, [(item.name, type(item.noun)) for item in everything])
    tables = [item for item in shown if isinstance(item.noun, Table)]
    lines = [*_HEAD, *map(_about_table, tables), *commands(_models(shown, samples, files))]
    for item, file in zip(everything, files, strict=True):
        _write_data(item, file)
    with open_output(script) as stream:
        stream.write(("\n".join(lines) + "\n").encode("utf-8"))
    return [*files, script]


def check_script(script: Path, kinds: Sequence[type]) -> None:
    """Raise unless a script of that name can show nouns of these classes.

    Raises
    ------
    UnknownFormatError
        If the suffix is not ``.cxc``, or ChimeraX would not find it behind ``.gz``.
    InputError
        If none of them has a picture.
    """
    if format_suffix(script) != SUFFIX or script.suffix.lower() != SUFFIX:
        raise UnknownFormatError(
            f"{script.name}: a ChimeraX command file ends in {SUFFIX} and is not compressed"
        )
    if not any(kind in SUFFIX_OF and kind is not Table for kind in kinds):
        raise InputError(
            f"{script.name}: there is no map, model or surface to show in ChimeraX: "
            "write tables as .csv"
        )


def data_paths(script: Path, named: Sequence[tuple[str, type]]) -> list[Path]:
    """Paths beside a script for nouns of these names and classes, no two alike.

    Names keep their letters and digits in any script; everything else becomes ``_``, because
    ChimeraX takes quotes, semicolons, ``~``, ``*`` and ``$`` in file names for its own.

    Examples
    --------
    >>> [p.name for p in data_paths(Path("my map.cxc"), [("a; exit", Volume), ("a  exit", Mesh)])]
    ['my_map_a_exit.mrc', 'my_map_a_exit.glb']
    """
    found: list[Path] = []
    taken: set[str] = set()
    for name, kind in named:
        stem = f"{_file_word(script.stem)}_{_file_word(name)}"
        suffix, count, file = SUFFIX_OF[kind], 1, f"{stem}{SUFFIX_OF[kind]}"
        while file.casefold() in taken:
            count += 1
            file = f"{stem}_{count}{suffix}"
        taken.add(file.casefold())
        found.append(script.with_name(file))
    return found


def _file_word(text: str) -> str:
    """A part of a file name that ChimeraX and every file system take as it is."""
    clean = _NEVER_IN_FILES.sub("_", unicodedata.normalize("NFC", text))
    return re.sub(r"_{2,}", "_", clean).strip("_.-")[:80] or "data"


def _samples(shown: Sequence[Appearance]) -> list[Appearance]:
    """Volumes that colour others and are no items themselves, each once, hidden."""
    known = [item.noun for item in shown]
    found: list[Appearance] = []
    for item in shown:
        if item.sample is not None and not any(item.sample is noun for noun in known):
            known.append(item.sample)
            found.append(Appearance(item.sample, item.sample_name, visible=False))
    return found


def _models(
    shown: Sequence[Appearance], samples: Sequence[Appearance], files: Sequence[Path]
) -> list[OpenedModel]:
    """What ChimeraX opens, in its order: what is shown, then what only colours it."""
    drawn = [
        (item, file)
        for item, file in zip([*shown, *samples], files, strict=True)
        if not isinstance(item.noun, Table)
    ]
    first = len(drawn) - len(samples)
    return [OpenedModel(n + 1, item, file.name, n >= first) for n, (item, file) in enumerate(drawn)]


def _write_data(item: Appearance, path: Path) -> None:
    """Write what a model is opened from, and the record of how it came about."""
    noun = item.noun
    if isinstance(noun, Mesh):
        with open_output(path) as stream:
            write_colored_surface(stream, noun, _vertex_colors(item, noun))
    elif isinstance(noun, Particles):
        with open_output(path) as stream:
            stream.writelines(f"{line}\n".encode() for line in _markers(item, noun))
    else:
        write(path, _as_chimerax_reads(noun))
    record = record_of(noun)
    if record is not None:
        save_record(path, record)


def _as_chimerax_reads(noun: Shown) -> Shown:
    """The noun without what ChimeraX would take for something else.

    A map's text label may ask Chimera to turn it, which Mapscope does not; voxels to be
    ignored (-1) are no segment.
    """
    if isinstance(noun, Labels) and noun.data.dtype.kind == "i" and (noun.data < BACKGROUND).any():
        return replace(noun, data=np.maximum(noun.data, BACKGROUND))
    if isinstance(noun, Volume) and noun.header is not None:
        labels = [t for t in noun.header.labels if not t.startswith(b"Chimera rotation")]
        return replace(noun, header=replace(noun.header, labels=tuple(labels)))
    return noun


def _vertex_colors(item: Appearance, mesh: Mesh) -> Array:
    """Colours (n, 4) of a mesh's vertices, with the opacity of the whole."""
    colors = np.ones((len(mesh.vertices), 4))
    if item.vertex_colors is not None:
        colors[:, : np.shape(item.vertex_colors)[1]] = item.vertex_colors
    elif item.scale is not None and mesh.values is not None and item.sample is None:
        colors[:, :3] = item.scale.at(mesh.values)
    else:
        colors[:, :3] = item.color
    colors[:, 3] *= item.opacity
    return colors


def _markers(item: Appearance, particles: Particles) -> Iterator[str]:
    """Particles as a Chimera marker set, x, y, z in Å."""
    red, green, blue = item.color
    yield f'<marker_set name="{escape(plain_text(item.name))}">'
    for number, (z, y, x) in enumerate(particles.positions.tolist(), start=1):
        yield (
            f'<marker id="{number}" x="{x!r}" y="{y!r}" z="{z!r}" '
            f'r="{red:.4g}" g="{green:.4g}" b="{blue:.4g}" radius="{item.radius!r}"/>'
        )
    yield "</marker_set>"


def _about_table(item: Appearance) -> str:
    """A comment on what has no picture."""
    return f"# {plain_text(item.name)} is a table: see its .csv"
