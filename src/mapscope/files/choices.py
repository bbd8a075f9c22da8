"""What can be chosen when a file is read: columns, volumes of a stack, assemblies, cover, kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.files.format import Choice
from mapscope.files.label_map import looks_like_labels
from mapscope.files.registry import reader_of
from mapscope.labels import Labels
from mapscope.record import source_of
from mapscope.structure import Structure
from mapscope.volume import Volume

_SAME_EDGE, _SAME_ANGLE = 0.01, 1.0
_COVER = Choice(
    "cover",
    "Covers",
    (None,),
    texts={None: "as the file has it"},
    help="The density of a crystal repeats, so that the map can cover a model wherever it lies: "
    "its box with 5 Å around it.",
)
_KIND = Choice(
    "kind",
    "Numbers are",
    ("volume", "labels"),
    texts={"volume": "density", "labels": "labels"},
    help="Labels are whole numbers, one for every region; 0 is background.",
)


def choices(path: Path | str, options: Mapping[str, Any] | None = None) -> tuple[Choice, ...]:
    """What can be chosen when a file is read, by what the file offers.

    Parameters
    ----------
    path : Path
        The file.
    options : mapping, optional
        What was chosen already: each choice's `current`.

    Raises
    ------
    MapFormatError
        If the file is not what its suffix says or is damaged.
    """
    file, chosen = Path(path), dict(options or {})
    reader = reader_of(file)
    offered = tuple(getattr(reader, "choices", lambda _path: ())(file))
    if crystal_cell(file) is not None:
        offered += (_COVER,)
    return tuple(_with_current(choice, chosen.get(choice.name)) for choice in offered)


def choices_of_noun(noun: Any) -> tuple[Choice, ...]:
    """The choices that the file of a noun offers, as they were made for this noun.

    Where a volume may also be labels, or labels density, that is one of them. Empty for a noun
    that was not read from a file.
    """
    source = source_of(noun)
    if source.path is None or not Path(source.path).exists():
        return ()
    offered = choices(source.path, source.options)
    if isinstance(noun, Labels) or (isinstance(noun, Volume) and looks_like_labels(noun)):
        current = "labels" if isinstance(noun, Labels) else "volume"
        offered += (replace(_KIND, current=current),)
    return offered


def _with_current(choice: Choice, value: Any) -> Choice:
    """The choice as it was made; a value beside those that are offered is added to them."""
    if value is None:
        return choice
    if isinstance(value, str) and choice.name == "columns":
        value = ",".join(name.strip() for name in value.split(","))
    known = choice.values if value in choice.values else (*choice.values, value)
    return replace(choice, values=known, current=value)


def crystal_cell(path: Path | str) -> tuple[float, ...] | None:
    """The unit cell (Å, degrees) over which a file's map repeats, or None where it does not."""
    file = Path(path)
    cell: tuple[float, ...] | None = getattr(reader_of(file), "crystal_cell", lambda _path: None)(
        file
    )
    return cell


def cover_that_helps(volume: Volume, structure: Structure) -> bool:
    """Whether a crystal's map should be read again to cover a model.

    It should where both name the same cell, to 1 % and 1 degree, nobody said what the map shall
    cover, and the model does not lie in it.

    Parameters
    ----------
    volume : Volume
        The map, as it was read from its file.
    structure : Structure
        The model.
    """
    source = source_of(volume)
    lies_inside = bool(volume.grid.contains(np.array(structure.bounds)).all())
    if source.path is None or "cover" in source.options or lies_inside:
        return False
    cell = crystal_cell(source.path) if structure.model.cell.is_crystal() else None
    if cell is None:
        return False
    own = np.array(structure.model.cell.parameters)
    difference = np.abs(own - np.array(cell))
    is_same = (difference[:3] <= _SAME_EDGE * own[:3]).all()
    return bool(is_same and (difference[3:] <= _SAME_ANGLE).all())
