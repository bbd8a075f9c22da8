"""The hand check on every real map of a protein better than 4.5 Å, and on its mirror image.

``python benchmarks/hand.py [--data DIR] [--model]`` checks each map below ``maps/`` of the data
folder (default: ``MAPSCOPE_DATA``) by its helices, and with ``--model`` those with a model by
that as well, turned and shifted away first. The maps' hands are right, so that "wrong" for a map
or "right" for its mirror image is a mistake. Exits with 0 if there is none.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mapscope import files
from mapscope.density.frame import flip_hand
from mapscope.errors import DataError
from mapscope.jobs import check_hand
from mapscope.structure import Structure
from mapscope.volume import Volume

NOT_BETTER: dict[str, str] = {
    "emd1832": "64³ voxels of 5.7 Å",
    "emd1883": "RNA polymerase II at low resolution",
    "emd3197": "20³ voxels of 11.4 Å",
    "emd5625": "voxels of 4.23 Å",
    "emd6824": "5.8 Å",
    "emd4118_5ly6": "4.7 Å",
    "emd6187_3j8x_A": "about 5 Å",
    "emd6187_3j8x_K": "about 5 Å",
    "relion_betagal_localres": "voxels of 3.54 Å",
}
"""Maps that are not better than 4.5 Å: mistakes count in them as well, "cannot tell" does not."""

MIRRORED = {"right": "wrong", "wrong": "right", "cannot tell": "cannot tell"}


def checked(volume: Volume, structure: Structure | None) -> tuple[str, float]:
    """Hand and score of a map; "cannot tell" where the job refuses it."""
    try:
        found = check_hand(volume, structure)
    except DataError:
        return "cannot tell", 0.0
    return found.hand, found.score


def model_of(folder: Path) -> Structure | None:
    """A folder's model in the frame of its map, if there is one."""
    paths = [p for p in folder.iterdir() if p.name.startswith(("model.", "model_shifted_here."))]
    return files.read(paths[0]) if paths else None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--model", action="store_true")
    parser.add_argument("--cases", nargs="*", default=[])
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("no data: give --data or set MAPSCOPE_DATA")
    counts: Counter[tuple[bool, str]] = Counter()
    print("map                       by        hand          score   mirror image  score   time/s")
    for folder in sorted((Path(given.data) / "maps").iterdir()):
        if given.cases and folder.name not in given.cases:
            continue
        volume = files.read(folder / "map.mrc.gz")
        models = [None, model_of(folder)] if given.model else [None]
        for structure in models[:1] + [m for m in models[1:] if m is not None]:
            begun = time.perf_counter()
            hand, score = checked(volume, structure)
            seconds = time.perf_counter() - begun
            other, its_score = checked(flip_hand(volume), structure)
            is_better = folder.name not in NOT_BETTER
            counts.update([(is_better, hand), (is_better, MIRRORED[other])])
            by = "helices" if structure is None else "model"
            note = NOT_BETTER.get(folder.name, "")
            print(
                f"{folder.name:<25} {by:<9} {hand:<12} {score:6.2f}   {other:<12} "
                f"{its_score:6.2f}  {seconds:6.1f}  {note}",
                flush=True,
            )
    for is_better, text in ((True, "better than 4.5 Å"), (False, "others")):
        right, wrong, open_ = (counts[is_better, h] for h in ("right", "wrong", "cannot tell"))
        print(f"{text}, maps and mirror images: {right} told, {wrong} wrong, {open_} cannot tell")
    return 0 if not counts[True, "wrong"] and not counts[False, "wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())
