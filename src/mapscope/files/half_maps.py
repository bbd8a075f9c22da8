"""Half maps recognised by the names that programs give them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mapscope.files.stream import COMPRESSIONS

_NUMBER = {"1": 1, "2": 2, "a": 1, "b": 2, "even": 1, "evn": 1, "odd": 2}
_OTHERS = {
    "1": ("2",),
    "2": ("1",),
    "a": ("b",),
    "b": ("a",),
    "even": ("odd",),
    "evn": ("odd",),
    "odd": ("even", "evn"),
}
_START, _END = r"(?:^|(?<=[^a-z0-9]))", r"(?![a-z0-9])"
# In the order of how much each says: 'half' with a number or letter, then even and odd (evn by
# AreTomo and Warp) and h1 and h2, which count only where they stand alone between separators.
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![a-z])half[-_. ]?(?:map|vol|volume)?[-_. ]?(?P<mark>[12]|[ab]){_END}",
        rf"{_START}(?P<mark>even|evn|odd){_END}",
        rf"{_START}h(?P<mark>[12]){_END}",
    )
)


@dataclass(frozen=True)
class HalfMapName:
    """What the name of a half map says.

    Parameters
    ----------
    number : {1, 2}
        Which half; A and even count as 1, B and odd as 2.
    stem : str
        The name with ``{}`` in place of the mark, without folder and ``.gz``, in lower case:
        equal for both halves.
    partners : tuple of str
        Names that the other half may have.
    """

    number: int
    stem: str
    partners: tuple[str, ...]


def half_map_name(path: str | os.PathLike[str]) -> HalfMapName | None:
    """What a file's name says about being a half map; None where it is not one.

    Examples
    --------
    >>> half_map_name("emd_1_half_map_2.map.gz")
    HalfMapName(number=2, stem='emd_1_half_map_{}.map', partners=('emd_1_half_map_1.map.gz',))
    >>> half_map_name("halfway.mrc") is None
    True
    """
    name = Path(path).name
    match = next((m for m in (p.search(name) for p in _PATTERNS) if m), None)
    if match is None:
        return None
    mark = match["mark"]
    before, after = name[: match.start("mark")], name[match.end("mark") :]
    stem = f"{before}{{}}{after}".lower()
    for ending in COMPRESSIONS:
        stem = stem.removesuffix(ending)
    others = (_in_case_of(mark, other) for other in _OTHERS[mark.lower()])
    partners = tuple(f"{before}{other}{after}" for other in others)
    return HalfMapName(_NUMBER[mark.lower()], stem, partners)


def _in_case_of(example: str, text: str) -> str:
    """`text` in capitals where `example` is."""
    if example.isupper():
        return text.upper()
    return text.capitalize() if example[:1].isupper() else text


def partner_of(path: str | os.PathLike[str]) -> Path | None:
    """The other half map of a file, if its name says so and that file exists.

    Parameters
    ----------
    path : path
        A half map; its partner lies in the same folder, compressed or not.
    """
    half = half_map_name(path)
    if half is None:
        return None
    names = list(half.partners)
    for name in half.partners:
        plain = name.removesuffix(".gz").removesuffix(".bz2")
        names += [plain + ending for ending in ("", *COMPRESSIONS)]
    candidates = (Path(path).with_name(name) for name in names)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def half_map_pairs(paths: Iterable[str | os.PathLike[str]]) -> list[tuple[Path, Path]]:
    """Pairs of first and second half map among files, in the order in which they appear.

    Files belong together if they lie in one folder and share a stem; a half that stands
    alone, or of which there are several, is left out.
    """
    found: dict[tuple[Path, str], dict[int, list[Path]]] = {}
    for path in map(Path, paths):
        half = half_map_name(path)
        if half is not None:
            halves = found.setdefault((path.parent, half.stem), {1: [], 2: []})
            halves[half.number].append(path)
    return [(h[1][0], h[2][0]) for h in found.values() if len(h[1]) == len(h[2]) == 1]
