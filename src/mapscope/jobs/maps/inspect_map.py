"""What is wrong with a map."""

from __future__ import annotations

import numpy as np

from mapscope.inspection import Finding, inspect_noun
from mapscope.job import job
from mapscope.progress import Progress, silent
from mapscope.table import Table
from mapscope.volume import Volume

COLUMNS = ("severity", "code", "title", "meaning", "advice", "mend")
NO_MEND = "none"


@job(menu="napari/layers/measure", memory=6.0, by_parts=True, permissive=True)
def inspect_map(
    volume: Volume, partner: Volume | None = None, *, progress: Progress = silent
) -> Table:
    """Everything that is wrong with a map, what it means and what to do.

    Looked at are the header, the numbers and the Fourier transform of the map, or of its middle
    where it is larger than 256 voxels; and what the other half map says of it.

    Parameters
    ----------
    volume : Volume
        The map.
    partner : Volume, optional
        The other half map, on whatever grid.
    progress : Progress
        Called once per plane.

    Returns
    -------
    findings : Table
        One row for each finding, the gravest first: severity, code, title, meaning, advice, and
        the setting of *mend map* that mends it.
    """
    return table_of(inspect_noun(volume, partner=partner, progress=progress).findings)


def table_of(findings: tuple[Finding, ...]) -> Table:
    """Findings as a table."""
    rows = [[getattr(finding, name) or NO_MEND for name in COLUMNS] for finding in findings]
    columns = {n: np.array([row[i] for row in rows], dtype=str) for i, n in enumerate(COLUMNS)}
    return Table(columns)
