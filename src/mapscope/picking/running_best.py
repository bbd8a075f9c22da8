"""The best score of each voxel so far and which orientation gave it, also beyond one's own end."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapscope.density.tiles import scratch_array
from mapscope.errors import InputError
from mapscope.volume import Array, Shape

Singles = npt.NDArray[np.float32]

WORST = np.float32(-1.0)
"""Score of what was not compared yet."""
_LARGEST_BYTES = 2**28
_STATE = "state.json"


@dataclass(eq=False)
class RunningBest:
    """Highest scores (z, y, x) of all orientations that were tried, and their numbers.

    Parameters
    ----------
    scores : float32 array (z, y, x)
        Correlation coefficients, `WORST` before the first.
    numbers : uint32 array (z, y, x)
        Of the orientation that gave each.
    finished : int
        How many orientations every voxel was compared with.
    folder : Path, optional
        Where both lie, so that another run can go on.
    key : str
        What they are scores of.
    """

    scores: Array
    numbers: Array
    finished: int = 0
    folder: Path | None = None
    key: str = ""

    @classmethod
    def empty(cls, shape: Shape) -> RunningBest:
        """Nothing compared yet; in a temporary file where memory would be short."""
        if 8 * math.prod(shape) > _LARGEST_BYTES:
            scores, numbers = scratch_array(shape), scratch_array(shape, np.uint32)
            scores[:] = WORST
            return cls(scores, numbers)
        return cls(np.full(shape, WORST, np.float32), np.zeros(shape, np.uint32))

    @classmethod
    def in_folder(cls, folder: Path, shape: Shape, key: str) -> RunningBest:
        """What an earlier run of the same left in a folder, or nothing compared yet.

        Raises
        ------
        InputError
            If the folder holds the state of another search.
        """
        folder.mkdir(parents=True, exist_ok=True)
        state, files = folder / _STATE, (folder / "scores.npy", folder / "rotations.npy")
        if state.exists():
            noted = json.loads(state.read_text(encoding="utf-8"))
            if noted.get("key") != key:
                raise InputError(
                    f"{folder} holds the state of another search: name another folder, or delete it"
                )
            scores, numbers = (np.lib.format.open_memmap(f, "r+") for f in files)
            if scores.shape == numbers.shape == tuple(shape):
                return cls(scores, numbers, int(noted["finished"]), folder, key)
            # Killed before the new maps are whole, nothing may pass for a state of them.
            state.unlink()
        scores = np.lib.format.open_memmap(files[0], "w+", np.float32, shape)
        numbers = np.lib.format.open_memmap(files[1], "w+", np.uint32, shape)
        scores[:] = WORST
        found = cls(scores, numbers, 0, folder, key)
        found.note(0)
        return found

    def update(
        self, where: tuple[slice, ...], scores: Singles, numbers: npt.NDArray[np.integer]
    ) -> None:
        """Count scores of a box in, and the numbers of their orientations.

        Numbers are written before scores, so that doing it again mends what a killed run left.
        """
        held = self.scores[where]
        better = scores >= held
        np.copyto(self.numbers[where], numbers, where=better, casting="unsafe")
        np.copyto(held, scores, where=better)

    def note(self, finished: int) -> None:
        """Say that every voxel was compared with so many orientations."""
        self.finished = finished
        if self.folder is None:
            return
        for array in (self.scores, self.numbers):
            if isinstance(array, np.memmap):
                array.flush()
        text = json.dumps({"key": self.key, "finished": finished})
        fresh = self.folder / (_STATE + ".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.folder / _STATE)
