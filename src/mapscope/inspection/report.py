"""All findings of a file or a noun at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.errors import (
    DataError,
    InputError,
    MapFormatError,
    MapscopeError,
    UnknownFormatError,
)
from mapscope.files import parse_address, read
from mapscope.files.findings import Repair, noted_repairs
from mapscope.files.map_frame import frame_of_grid, says_place, size_xyz
from mapscope.files.mrc_header import DTYPE_OF_MODE
from mapscope.files.stream import format_suffix
from mapscope.inspection.catalogue import CATALOGUE, finding, sentence
from mapscope.inspection.finding import Finding, Inspection, Kind
from mapscope.inspection.halves import halves_findings
from mapscope.inspection.header import frame_findings, word_findings, words_of_file
from mapscope.inspection.kind import is_crystal, kind_of_volume
from mapscope.inspection.spectrum import (
    contrast_findings,
    middle_of,
    processing_findings,
    spectrum_of,
)
from mapscope.inspection.values import Values, value_findings, values_of
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import FILE_FORMAT, TOMOGRAM, VOXEL_SIZE, Particles
from mapscope.progress import Progress, part, silent
from mapscope.record import source_of
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import MapHeader, Shape, Volume

_MAP_SUFFIXES = (".mrc", ".map", ".ccp4", ".rec")
_CRYSTAL_SUFFIXES = (".mtz",)
_EXACT_UP_TO = 2**25
_SAMPLE = 1_000_000
_SKEWED = 0.5
_LEAST_EDGE = 16
_FEW = 6
_KINDS: dict[type, Kind] = {
    Labels: "labels",
    Mesh: "mesh",
    Particles: "particles",
    Structure: "structure",
    Table: "table",
}


@dataclass(frozen=True, eq=False)
class _Look:
    """A volume with what is looked at again and again."""

    volume: Volume
    path: Path | None
    values: Values
    frame: MapHeader
    size: Shape
    kind: Kind
    is_crystal: bool
    header: tuple[Any, bytes] | None

    @property
    def is_density(self) -> bool:
        """Whether it is density, and so has a spectrum worth looking at."""
        return self.kind in ("map", "half map", "tomogram") and not self.values.is_constant

    @property
    def is_noisy(self) -> bool:
        """Whether noise may hide the sign of the density, so that it must be smoothed first."""
        has_tail = abs(self.values.skewness) > _SKEWED
        return self.volume.contrast > 0 and self.values.background is None and not has_tail


def _look_at(volume: Volume, path: Path | None, *, is_half: bool, most: int) -> _Look:
    """A volume, its file's header and statistics of its numbers."""
    path = path or _file_of(volume)
    values = values_of(volume.data, most)
    header = None
    if path is not None and format_suffix(path) in _MAP_SUFFIXES and path.is_file():
        header = words_of_file(path)
    frame, size = _frame_of(volume, header)
    return _Look(
        volume=volume,
        path=path,
        values=values,
        frame=frame,
        size=size,
        kind=kind_of_volume(volume, values, path, is_half=is_half),
        is_crystal=is_crystal(frame) or _is_reflections(path),
        header=header,
    )


def _file_of(noun: Any) -> Path | None:
    """The file that a noun was read from."""
    path = source_of(noun).path
    return None if path is None else Path(path)


def _is_reflections(path: Path | None) -> bool:
    return path is not None and format_suffix(path) in _CRYSTAL_SUFFIXES


def _frame_of(volume: Volume, header: tuple[Any, bytes] | None) -> tuple[MapHeader, Shape]:
    """The header that says where a volume lies, and its size along x, y, z."""
    shape = volume.shape
    size = (shape[2], shape[1], shape[0])
    own = volume.header
    if own is not None and says_place(own, volume.voxel_size, volume.origin):
        return own, size
    if own is None and header is not None:
        crystal = _frame_of_words(header[0])
        if crystal is not None:
            words = header[0]
            stored = (int(words["nx"]), int(words["ny"]), int(words["nz"]))
            return crystal, size_xyz(stored, crystal.axis_order)
    return frame_of_grid(shape, volume.voxel_size, volume.origin), size


def _frame_of_words(words: Any) -> MapHeader | None:
    """Frame of a map that was resampled when read, because its cell is that of a crystal."""
    edges = [float(words["cella"][name]) for name in "xyz"]
    angles = [float(words["cellb"][name]) for name in ("alpha", "beta", "gamma")]
    sampling = [int(words[name]) for name in ("mx", "my", "mz")]
    axes = [int(words[name]) for name in ("mapc", "mapr", "maps")]
    starts = [int(words[name]) for name in ("nxstart", "nystart", "nzstart")]
    if not all(e > 0 for e in edges) or min(sampling) < 1 or sorted(axes) != [1, 2, 3]:
        return None
    return MapHeader(
        nstart=(starts[0], starts[1], starts[2]),
        sampling=(sampling[0], sampling[1], sampling[2]),
        cell=(*edges, *(a or 90.0 for a in angles)),  # type: ignore[arg-type]
        axis_order=(axes[0], axes[1], axes[2]),
        space_group=int(words["ispg"]),
    )


def findings_of_noun(noun: Any, path: str | os.PathLike[str] | None = None) -> tuple[Finding, ...]:
    """What header and numbers of a noun say, without a Fourier transform.

    Takes milliseconds for a map of any size, since an even sample of its numbers is looked at.

    Parameters
    ----------
    noun : noun
        What to look at; only volumes have findings.
    path : path, optional
        The file that it came from. None takes the one that it remembers.

    Returns
    -------
    tuple of Finding
    """
    if not isinstance(noun, Volume):
        return ()
    look = _look_at(noun, None if path is None else Path(path), is_half=False, most=_SAMPLE)
    return Inspection(look.path, look.kind, {}, tuple(_cheap_findings(look))).findings


def _cheap_findings(look: _Look, repaired: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Findings of header and numbers, less those that follow from what was `repaired`."""
    hidden = {"voxel_size_one"} if "voxel_size_missing" in repaired else set()
    if look.kind in ("mask", "labels") and look.values.is_constant:
        return
    found = [] if look.is_crystal else list(frame_findings(look.frame, look.size))
    if look.header is not None:
        stored = look.volume.header is not None and "not_finite" not in repaired
        found += word_findings(*look.header, look.values if stored else None)
    if any(one.code == "bytes_unsigned" for one in found):
        # Half of the density has wrapped around to the other end.
        hidden |= {"contrast_inverted", "clipped", "density_cut"}
    found += value_findings(look.volume, look.values, look.kind, is_crystal=look.is_crystal)
    yield from (one for one in found if one.code not in hidden)


def _all_findings(
    look: _Look, partner: Volume | None, repaired: frozenset[str], progress: Progress
) -> Iterator[Finding]:
    """Findings of header, numbers, transform and the other half map."""
    cheap = list(_cheap_findings(look, repaired))
    yield from cheap
    said = {found.code for found in cheap}
    if look.is_density and not look.is_crystal and min(look.volume.shape) >= _LEAST_EDGE:
        spectrum = spectrum_of(middle_of(look.volume), part(progress, 0, 1, 2))
        if look.is_noisy and "contrast_inverted" not in said:
            yield from contrast_findings(spectrum, look.kind)
        if look.kind == "map":
            yield from processing_findings(spectrum, is_masked=look.values.background is not None)
    if partner is not None:
        yield from halves_findings(look.volume, partner, part(progress, 1, 2, 2))
        other = _look_at(partner, None, is_half=True, most=_EXACT_UP_TO)
        for found in _cheap_findings(other):
            if found.code not in said and found.code in ("hard_mask", "soft_mask"):
                yield found


def inspect_noun(
    noun: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    partner: Volume | None = None,
    progress: Progress = silent,
) -> Inspection:
    """Everything that can be found in a noun.

    Parameters
    ----------
    noun : noun
        What to look at.
    path : path, optional
        The file that it came from. None takes the one that it remembers.
    partner : Volume, optional
        The other half map.
    progress : callable
        Called once per plane.
    """
    return _inspected(noun, None if path is None else Path(path), partner, (), progress)


def _inspected(
    noun: Any,
    path: Path | None,
    partner: Volume | None,
    repairs: tuple[Repair, ...],
    progress: Progress,
) -> Inspection:
    """Inspection of a noun that was read with `repairs`."""
    found = [_finding_of_repair(repair) for repair in repairs]
    if not isinstance(noun, Volume):
        kind = _KINDS.get(type(noun), "unknown")
        return Inspection(path or _file_of(noun), kind, _facts_of(noun), tuple(found))
    repaired = frozenset(repair.code for repair in repairs)
    look = _look_at(noun, path, is_half=partner is not None, most=_EXACT_UP_TO)
    found += _all_findings(look, partner, repaired, progress)
    return Inspection(look.path, look.kind, _facts_of_volume(look), tuple(found))


def _finding_of_repair(repair: Repair) -> Finding:
    """What was refused by strict reading."""
    code = repair.code if repair.code in CATALOGUE else "repaired"
    return finding(code, sentence(str(repair)))


def _facts_of_volume(look: _Look) -> dict[str, Any]:
    """Size, place, numbers and labels."""
    volume, values = look.volume, look.values
    facts: dict[str, Any] = {
        "voxels": volume.shape,
        "voxel_size": volume.voxel_size,
        "extent": volume.grid.extent,
        "origin": volume.origin,
        "nyquist": 2 * max(volume.voxel_size),
        "lowest": values.low,
        "highest": values.high,
        "mean": values.mean,
        "deviation": values.deviation,
        "stored_as": str(volume.data.dtype),
    }
    if look.header is not None:
        mode = int(look.header[0]["mode"])
        facts["stored_as"] = f"mode {mode} ({np.dtype(DTYPE_OF_MODE.get(mode, 'f4')).name})"
    if look.is_crystal and look.frame.space_group:
        facts["space_group"] = look.frame.space_group
    if volume.header is not None:
        labels = [label.decode("ascii", "replace").strip() for label in volume.header.labels]
        facts |= {f"label_{n}": label for n, label in enumerate(labels, start=1) if label}
    return facts


def _facts_of(noun: Any) -> dict[str, Any]:
    """How much a noun that is no volume holds."""
    if isinstance(noun, Structure):
        return {
            "entry": noun.name,
            "chains": len(set(noun.chains.tolist())),
            "residues": int(noun.residue_index[-1]) + 1,
            "atoms": len(noun),
        }
    if isinstance(noun, Table):
        return {"rows": len(noun), "columns": ", ".join(noun.columns)}
    if isinstance(noun, Particles):
        return _facts_of_particles(noun)
    if isinstance(noun, Labels):
        return {"voxels": noun.data.shape, "voxel_size": noun.voxel_size, "origin": noun.origin}
    return {}


def _facts_of_particles(particles: Particles) -> dict[str, Any]:
    """How many there are, of what, where, and what is known of them."""
    facts: dict[str, Any] = {"particles": len(particles)}
    for name in (FILE_FORMAT, TOMOGRAM, VOXEL_SIZE):
        values = np.unique(particles.columns.get(name, np.empty(0)))
        if len(values) == 1:
            facts[name] = values[0].item()
        elif len(values):
            facts[f"{name}s"] = len(values)
    species = sorted(set(particles.species or ()))
    if species:
        more = f" and {len(species) - _FEW} more" if len(species) > _FEW else ""
        facts["species"] = ", ".join(species[:_FEW]) + more
    facts["oriented"] = "yes" if particles.rotations is not None else "no"
    if particles.score is not None and np.isfinite(particles.score).any():
        facts["lowest_score"] = float(np.nanmin(particles.score))
        facts["highest_score"] = float(np.nanmax(particles.score))
    return facts


def inspect(
    path: str | os.PathLike[str],
    partner: str | os.PathLike[str] | None = None,
    *,
    progress: Progress = silent,
) -> Inspection:
    """What a file is and everything that is wrong with it.

    A file that strict reading refuses has at least one finding that is an error.

    Parameters
    ----------
    path : path
        The file, of any format that :func:`mapscope.read` knows; options may follow it.
    partner : path, optional
        The other half map.
    progress : callable
        Called once per plane.

    Returns
    -------
    Inspection

    Raises
    ------
    UnknownFormatError
        If no reader is known for the file.
    InputError
        If the file has no use for an option, or not what it names.
    FileNotFoundError
        If there is no such file.
    """
    file = parse_address(path).path
    other = None if partner is None else _partner(partner)
    with noted_repairs() as repairs:
        try:
            noun = read(path, permissive=True)
        except (UnknownFormatError, InputError):
            raise
        except (MapscopeError, MemoryError) as error:
            return _refused(file, error)
    return _inspected(noun, file, other, tuple(repairs), progress)


def _partner(path: str | os.PathLike[str]) -> Volume | None:
    """The other half map, or None where the file holds none."""
    with noted_repairs():
        noun = read(path, permissive=True)
    if not isinstance(noun, Volume):
        raise DataError(f"{Path(path).name} holds a {type(noun).__name__.lower()}, not a half map")
    return noun


def _refused(path: Path, error: Exception) -> Inspection:
    """Inspection of a file that cannot even be repaired."""
    code = error.code if isinstance(error, MapFormatError) else "unreadable"
    reason = str(error).removeprefix(f"{path.name}: ") or "it does not fit into memory"
    kind: Kind = "image stack" if code == "image_stack" else "unknown"
    if kind == "unknown" and format_suffix(path) in _MAP_SUFFIXES and code == "truncated":
        kind = "map"
    return Inspection(path, kind, {}, (finding(code, sentence(reason)),))
