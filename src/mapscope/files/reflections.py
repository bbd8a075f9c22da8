"""Maps from structure factors: MTZ files of crystals with amplitudes and phases."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import gemmi
import numpy as np

from mapscope.errors import InputError, MapFormatError
from mapscope.files import crystal
from mapscope.files.findings import Findings
from mapscope.files.format import Choice, Cover, Reader
from mapscope.files.stream import compression_of, open_input, read_up_to
from mapscope.volume import Volume

POINTS_PER_RESOLUTION = 3.0
_PREFERRED = (
    ("2FOFCWT", "PH2FOFCWT"),
    ("FWT", "PHWT"),
    ("FP", "PHIC"),
    ("F", "PHIC"),
    ("FP", "PHI"),
    ("F", "PHI"),
)
_OBSERVED = ("FP", "F", "FO", "FOBS")
_DIFFERENCE = ("DELFWT", "FOFCWT", "FOFC", "DELF", "ANOM")
_MAX_HEADER_BYTES = 64 * 2**20
_MAX_POINTS_PER_REFLECTION = 400
_ALWAYS_ALLOWED_POINTS = 2**22

_log = logging.getLogger(__name__)


def map_columns(path: Path) -> tuple[str, ...]:
    """Pairs of amplitude and phase in an MTZ file, such as ``"FWT,PHWT"``, the best first.

    The first is the one that :func:`mapscope.files.read` takes by itself: a weighted map
    (2FOFCWT, FWT) before observed amplitudes with calculated phases, then others; calculated
    and difference maps come last. Empty where the file has none.

    Parameters
    ----------
    path : Path
        The file; gzip and bzip2 are looked through.

    Raises
    ------
    MapFormatError
        If the file is no MTZ file or damaged.
    """
    return tuple(",".join(pair) for pair in _pairs(_opened(Path(path), Findings(Path(path)))))


class MtzReader:
    """Reads the density map that an MTZ file's amplitudes and phases give."""

    suffixes: ClassVar[tuple[str, ...]] = (".mtz",)
    noun: ClassVar[type] = Volume

    def choices(self, path: Path) -> tuple[Choice, ...]:
        """Pairs of columns that a map can be made of."""
        pairs = map_columns(path)
        return (
            Choice(
                "columns",
                "Columns",
                pairs,
                pairs[0] if pairs else None,
                help="Amplitude and phase of the reflections that the map is made of.",
                reason="" if len(pairs) > 1 else "the file has no other amplitudes with phases",
            ),
        )

    def crystal_cell(self, path: Path) -> tuple[float, ...]:
        """The crystal's unit cell."""
        return tuple(_opened(path, Findings(path)).cell.parameters)

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,
        columns: str | None = None,
    ) -> Volume:
        """The map on an orthogonal grid with three points per resolution.

        Parameters
        ----------
        path : Path
            The file.
        permissive : bool
            Changes nothing here: what is missing cannot be repaired.
        cover : Structure, Grid, (lower, upper) or None
            What the volume shall cover; None is the unit cell.
        columns : str, optional
            Amplitude and phase, as in ``"FWT,PHWT"``; None takes the first of `map_columns`.

        Raises
        ------
        MapFormatError
            If the file is damaged, unmerged, or has no phases.
        InputError
            If it has no such columns.
        """
        findings = Findings(path, permissive)
        mtz = _opened(path, findings)
        amplitude, phase = _chosen(mtz, columns, findings)
        _check_size(mtz, findings)
        _log.info("%s: map from columns %s and %s", path.name, amplitude, phase)
        try:
            grid = mtz.transform_f_phi_to_map(amplitude, phase, sample_rate=POINTS_PER_RESOLUTION)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise findings.refuse(f"no map can be made of its reflections ({error})") from error
        density = np.ascontiguousarray(grid.array, dtype=np.float32)
        if not np.isfinite(density).all():
            raise findings.refuse(f"the column {amplitude} or {phase} holds infinite numbers")
        return crystal.volume_of_cell(density, mtz.cell, cover)


def _opened(path: Path, findings: Findings) -> gemmi.Mtz:
    """The file, all its sizes checked before its numbers are read."""
    try:
        with _plain(path, findings) as (name, length):
            head = gemmi.read_mtz_file(str(name), with_data=False)
            wanted = 4 * head.nreflections * len(head.columns)
            if not 0 < wanted <= length - 80:
                raise findings.refuse(
                    f"expected {head.nreflections} reflections of {len(head.columns)} columns "
                    f"({wanted} bytes), and there is room for {max(length - 80, 0)}: the file is "
                    "cut off or damaged"
                )
            mtz = gemmi.read_mtz_file(str(name))
    except MapFormatError:
        raise
    except (RuntimeError, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise findings.refuse(f"this is no MTZ file, or a damaged one ({error})") from error
    _check_crystal(mtz, findings)
    return mtz


@contextmanager
def _plain(path: Path, findings: Findings) -> Iterator[tuple[Path, int]]:
    """An uncompressed file, and how many of its bytes lie before the header records."""
    with open_input(path) as stream:
        start = bytes(read_up_to(stream, 80))
        length = _bytes_before_header(start, findings)
        content = read_up_to(stream, length - 80)
        records = read_up_to(stream, _MAX_HEADER_BYTES)
    ends = (records[n : n + 4] == b"END " for n in range(0, len(records), 80))
    if len(content) < length - 80 or not any(ends):
        raise findings.refuse(
            f"its header should stand at byte {length} and close with END: the file is cut off"
        )
    if not compression_of(path):
        yield path, length
        return
    folder = Path(tempfile.mkdtemp(prefix="mapscope-"))
    try:
        plain = folder / "unpacked.mtz"
        with plain.open("xb") as file:
            file.writelines((start, content, records))
        del content
        yield plain, length
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bytes_before_header(start: bytes, findings: Findings) -> int:
    """Where the header records stand, from the first 80 bytes."""
    if len(start) < 80 or start[:4] != b"MTZ ":
        raise findings.refuse("expected an MTZ file, which starts with 'MTZ ' and 76 more bytes")
    order = ">" if start[8] >> 4 == 1 else "<"
    words = int(np.frombuffer(start, order + "i4", 1, 4)[0])
    if words == -1:
        words = int(np.frombuffer(start, order + "i8", 1, 12)[0])
    if not 21 <= words < 2**40:
        raise findings.refuse(f"its header cannot stand at word {words}: the file is damaged")
    return 4 * (words - 1)


def _check_crystal(mtz: gemmi.Mtz, findings: Findings) -> None:
    """Raise where there is no cell or space group, or reflections are not merged."""
    types = {column.type for column in mtz.columns}
    if len(mtz.batches) or "Y" in types:
        raise findings.refuse(
            f"its {mtz.nreflections} observations are not merged and have no phases: merge them "
            "(aimless, or gemmi merge) and refine a model against them, then open that result"
        )
    numbers = list(mtz.cell.parameters)
    edges, angles = numbers[:3], numbers[3:]
    good = np.isfinite(numbers).all() and all(1 < edge < 1e5 for edge in edges)
    if not good or not all(0 < a < 180 for a in angles) or not mtz.cell.volume > 1:
        raise findings.refuse(f"expected a unit cell in Å and degrees, got {numbers}")
    if mtz.spacegroup is None:
        raise findings.refuse(f"its space group {mtz.spacegroup_name!r} is not known")


def _check_size(mtz: gemmi.Mtz, findings: Findings) -> None:
    """Raise where the map would be far larger than its reflections can fill."""
    indices = mtz.array[:, :3]
    if not np.isfinite(indices).all() or np.abs(indices).max() > 1e4:
        raise findings.refuse("its Miller indices are no small integers: the file is damaged")
    size = [int(n) for n in mtz.get_size_for_hkl(sample_rate=POINTS_PER_RESOLUTION)]
    points = size[0] * size[1] * size[2]
    operations = len(list(mtz.spacegroup.operations()))
    filled = _MAX_POINTS_PER_REFLECTION * operations * mtz.nreflections
    if points > crystal.MAX_POINTS or points > max(_ALWAYS_ALLOWED_POINTS, filled):
        raise findings.refuse(
            f"its Miller indices ask for a map of {size} points, too many for "
            f"{mtz.nreflections} reflections: the file is damaged"
        )


def _labels(mtz: gemmi.Mtz, kind: str) -> list[str]:
    """Labels of the columns of one type."""
    return [column.label for column in mtz.columns if column.type == kind]


def _pairs(mtz: gemmi.Mtz) -> list[tuple[str, str]]:
    """Amplitudes with their phases, the best map first."""
    phases = _labels(mtz, "P")
    found = [(f, p) for f in _labels(mtz, "F") if (p := _phase_of(f, phases, mtz)) is not None]
    known = [(f, p) for f, p in _PREFERRED if f in _labels(mtz, "F") and p in phases]
    return sorted(dict.fromkeys([*known, *found]), key=_rank)


def _phase_of(amplitude: str, phases: list[str], mtz: gemmi.Mtz) -> str | None:
    """Phase whose name is made from the amplitude's, or that stands right behind it."""
    stem = amplitude.removeprefix("F")
    names = [f"PH{amplitude}", f"PHI{amplitude}", f"PHI{stem}", f"PH{stem}", f"P{amplitude}"]
    if amplitude == "DELFWT":
        names.insert(0, "PHDELWT")
    if amplitude in _OBSERVED:
        names += ["PHIC", "PHI", "PHIM", "PHIB"]
    for name in names:
        if name in phases:
            return name
    columns = list(mtz.columns)
    place = next(i for i, c in enumerate(columns) if c.label == amplitude and c.type == "F")
    follower = columns[place + 1] if place + 1 < len(columns) else None
    return follower.label if follower is not None and follower.type == "P" else None


def _rank(pair: tuple[str, str]) -> int:
    """Place of a pair in the order of preference; equal ones stay as in the file."""
    if pair in _PREFERRED:
        return _PREFERRED.index(pair)
    amplitude = pair[0].upper()
    if amplitude.startswith(_DIFFERENCE):
        return 99
    if amplitude.startswith("FC_ALL"):
        return 98
    return 97 if amplitude.startswith(("FC", "F-MODEL", "FMODEL")) else 50


def _chosen(mtz: gemmi.Mtz, columns: str | None, findings: Findings) -> tuple[str, str]:
    """The pair asked for, else the best one."""
    pairs = _pairs(mtz)
    if columns is None:
        if pairs:
            return pairs[0]
        raise findings.refuse(
            f"it holds no phases to its amplitudes (columns {', '.join(mtz.column_labels())}): "
            "refine a model against it and open the map coefficients that the program writes"
        )
    names = [name.strip() for name in columns.split(",")]
    amplitudes, phases = [*_labels(mtz, "F"), *_labels(mtz, "G")], _labels(mtz, "P")
    if len(names) != 2 or names[0] not in amplitudes or names[1] not in phases:
        offered = "; ".join(",".join(pair) for pair in pairs) or "none"
        raise InputError(
            f"{findings.path.name}: columns={columns!r} are not an amplitude and a phase of it "
            f"(written as 'F,PHI'); there are: {offered}"
        )
    return names[0], names[1]


READERS: tuple[Reader, ...] = (MtzReader(),)
