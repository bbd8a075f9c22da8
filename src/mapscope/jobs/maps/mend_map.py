"""A map with what was wrong in its file put right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.density import frame
from mapscope.inspection import findings_of_noun
from mapscope.inspection.mending import placed, unsigned, with_clean_header
from mapscope.job import Show, job
from mapscope.record import source_of
from mapscope.volume import Volume


@dataclass(frozen=True)
class Mended:
    """A mended map and what was done to it.

    Parameters
    ----------
    mended : Volume
        The map.
    changes : str
        What was mended, in words; empty where nothing was.
    """

    mended: Volume
    changes: str


@job(menu="napari/layers/transform", memory=3.0, permissive=True)
def mend_map(
    volume: Volume,
    *,
    automatic: bool = True,
    voxel_size: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    place: Literal["as it is", "grid", "nstart"] = "as it is",
    invert_contrast: bool = False,
    unsigned_bytes: Annotated[bool, Show(more=True)] = False,
) -> Mended:
    """Map with what was wrong in its file put right.

    What can be mended without a guess is mended by itself; what only you can know has a setting.
    Saving the map writes header, statistics and length of the file anew.

    Parameters
    ----------
    volume : Volume
        The map; a damaged file is read as far as it can be.
    automatic : bool
        Numbers that are not finite become 0; ORIGIN and NSTART come to say the same; a space
        group or cell that cannot be goes; a map that is clearly inverted is inverted.
    voxel_size : float, optional
        The true voxel size, of all edges. Auto keeps what the file says.
    place : str
        Keep the origin; or move it to the nearest grid point, by half a voxel at most; or take
        NSTART instead of ORIGIN.
    invert_contrast : bool
        Change the sign of the density.
    unsigned_bytes : bool
        Read bytes as 0 to 255 instead of -128 to 127.

    Returns
    -------
    Mended
        The map and what was mended.

    Raises
    ------
    InputError
        If a setting does not fit the map.
    """
    changes = [*source_of(volume).repairs]
    data = volume.data
    if unsigned_bytes:
        data = unsigned(data)
        changes.append("bytes read without a sign")
    codes = frozenset(f.code for f in findings_of_noun(volume)) if automatic else frozenset[str]()
    if "not_finite" in codes:
        data = np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)
        changes.append("numbers that are not finite set to 0")
    mended = replace(volume, data=data)
    if invert_contrast or ("contrast_inverted" in codes and not unsigned_bytes):
        mended = frame.invert_contrast(mended)
        changes.append("contrast inverted")
    mended, moved = placed(mended, voxel_size, place)
    changes += moved
    if automatic:
        mended, said = with_clean_header(mended, codes)
        changes += said
    return Mended(mended, "; ".join(changes))
