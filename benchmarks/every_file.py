"""Every map, reflection, structure and image of the data folder: opens, or is refused, and why.

``python benchmarks/every_file.py [--data DIR]`` opens all files below the data folder (default:
``MAPSCOPE_DATA``) whose name says that they hold density, reflections, an atomic model or an
image. A file that is refused must stand in `REFUSED` with the words that its error has to
contain; one that needs ``permissive=True`` in `REPAIRED` with the reason. Exits with 0 if every
file opens, or is refused or repaired for the reason given there, and no entry is out of date.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mapscope import files
from mapscope.errors import MapscopeError
from mapscope.files.stream import format_suffix
from mapscope.structure import Structure
from mapscope.volume import Volume

KINDS = (
    *(".mrc", ".map", ".ccp4", ".rec", ".st", ".mrcs", ".em", ".sit", ".situs", ".dsn6"),
    *(".brix", ".omap", ".tif", ".tiff", ".zarr", ".mtz", ".pdb", ".ent", ".cif", ".mmcif", ".am"),
)
UNPLACED = "the voxel size is unknown"
COUNTED = "does not say how large they are"
PARTICLES = "list of particles or angles"
REFUSED: dict[str, str] = {
    "reflections/3zt9/data.sf.cif.gz": "it holds reflections: open map coefficients",
    "reflections/gamma_unmerged/data_unmerged.mtz.gz": "not merged and have no phases",
    "tomography/anglelists/": PARTICLES,
    "tomography/picks/cryocat/col_missing.em": "20 rows of numbers, got 19",
    "tomography/picks/cryocat/extra_col.em": "20 rows of numbers, got 21",
    "tomography/real/tardis/am3D.CorrelationLines.am": "no reader is known for '.am'",
    "tomography/real/tardis/am3D.am": "no reader is known for '.am'",
}
REPAIRED: dict[str, str] = {
    "tomography/picks/cdp_backend/input_omezarr.zarr": "its axes have no unit",
    "tomography/picks/cryocat/": COUNTED,
    "tomography/picks/cdp_backend/large_probability_map.mrc": UNPLACED,
    "tomography/picks/cdp_backend/semantic_mask.mrc": UNPLACED,
    "tomography/picks/cdp_backend/small_probability_map.mrc": UNPLACED,
    "tomography/picks/cdp_backend/small_semantic_mask.mrc": UNPLACED,
    "tomography/real/cryocat_tilt_stack.mrc.gz": UNPLACED,
    "tomography/real/tardis/cnn_img_0.tif": UNPLACED,
    "tomography/real/tardis/cnn_mask_0.tif": UNPLACED,
    "tomography/real/tardis/rec2D.rec": UNPLACED,
    "tomography/real/tomotwin_sub_1BXN.mrc": UNPLACED,
}


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Parameters
    ----------
    name : str
        Path below the data folder.
    state : str
        ``opens``, ``repaired`` or ``refused``.
    text : str
        What it holds, and the error where there was one.
    is_right : bool
        Whether that is what should happen.
    """

    name: str
    state: str
    text: str
    is_right: bool


def every_file(data: Path) -> Iterator[Path]:
    """Files, and folders that are one image, whose name says that Mapscope should know them."""
    for folder, subfolders, names in os.walk(data):
        for image in [n for n in subfolders if n.endswith(".zarr")]:
            subfolders.remove(image)
            yield Path(folder) / image
        subfolders.sort()
        yield from (Path(folder) / n for n in sorted(names) if format_suffix(Path(n)) in KINDS)


def describe(noun: object) -> str:
    """What was read, in a few words."""
    if isinstance(noun, Volume):
        size = ", ".join(f"{s:.4g}" for s in noun.voxel_size)
        return f"{noun.shape} voxels of {size} Å, {noun.data.dtype}"
    if isinstance(noun, Structure):
        return f"{len(noun)} atoms"
    return type(noun).__name__


def _matching(rules: dict[str, str], name: str) -> str | None:
    """The rule for a file: by its path, or by a folder that ends with a slash."""
    found = [key for key in rules if name == key or (key.endswith("/") and name.startswith(key))]
    return max(found, key=len) if found else None


def outcome_of(path: Path, data: Path) -> Outcome:
    """Open one file, strictly and, where that is refused, permissively."""
    name = path.relative_to(data).as_posix()
    refused, repaired = _matching(REFUSED, name), _matching(REPAIRED, name)
    try:
        text = describe(files.read(path))
        return Outcome(name, "opens", text, refused is None and repaired is None)
    except MapscopeError as error:
        reason = str(error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", files.FileWarning)
            text = describe(files.read(path, permissive=True))
        is_right = repaired is not None and REPAIRED[repaired] in reason
        return Outcome(name, "repaired", f"{text}; strictly: {reason}", is_right)
    except MapscopeError:
        is_right = refused is not None and REFUSED[refused] in reason
        return Outcome(name, "refused", reason, is_right)


def measure(data: Path) -> list[Outcome]:
    """What became of every file."""
    return [outcome_of(path, data) for path in every_file(data)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--all", action="store_true", help="also list the models of structures/")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("no data: give --data or set MAPSCOPE_DATA")
    outcomes = measure(Path(options.data))
    for one in outcomes:
        if options.all or not one.name.startswith("structures/") or not one.is_right:
            print(f"{'' if one.is_right else 'WRONG '}{one.state:<9} {one.name:<64} {one.text}")
    counts = {s: sum(o.state == s for o in outcomes) for s in ("opens", "repaired", "refused")}
    wrong = sum(not o.is_right for o in outcomes)
    known = {
        rule
        for o in outcomes
        for rules in (REFUSED, REPAIRED)
        if (rule := _matching(rules, o.name))
    }
    unused = sorted({*REFUSED, *REPAIRED} - known)
    print(f"{len(outcomes)} files: {counts}; {wrong} not as they should be; unused: {unused}")
    return 0 if outcomes and not wrong and not unused else 1


if __name__ == "__main__":
    sys.exit(main())
