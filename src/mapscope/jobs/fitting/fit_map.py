"""A map put into another map as one rigid piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from mapscope.job import Show, job
from mapscope.progress import Progress, part, silent
from mapscope.table import Table
from mapscope.volume import Volume


@dataclass(frozen=True)
class FittedMap:
    """A map where it fits best, and where else it may belong.

    Parameters
    ----------
    moved : Volume
        The map where it fits best, on the voxels of the reference.
    alternatives : Table
        The best fits, ranked: correlation, how far the molecule lies from the best fit, what
        it is to it, and the move from where the map was.
    correlation : float
        Correlation about the mean of the best fit with the reference, over the molecule.
    significance : float
        How far that is above wrong fits, in their standard deviations.
    is_true_fit : bool
        Whether the map belongs there: the significance is at least 5.
    verdict : str
        The same in words.
    """

    moved: Volume
    alternatives: Table
    correlation: float
    significance: float
    is_true_fit: bool
    verdict: str


@job(memory=16.0)
def fit_map(
    volume: Volume,
    reference: Volume,
    *,
    search: Literal["local", "global"] = "local",
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å", slider=(3.0, 20.0))] = None,
    threshold: float | None = None,
    alternatives: Annotated[int, Field(ge=1, le=50), Show(more=True)] = 10,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> FittedMap:
    """Map moved as one rigid piece to where it fits another best, or "no true fit".

    The search is that of *Fit structure*, with the map's molecule in place of a simulated
    density. The moved map is read from a cubic spline, on the voxels of the reference, so that
    both can be compared or subtracted.

    Parameters
    ----------
    volume : Volume
        The map that is moved; its molecule should be whole.
    reference : Volume
        The map into which it is fitted.
    search : str
        Near where the map is, or everywhere in the reference.
    resolution : float, optional
        Detail that is compared. Auto: what both maps hold, but at least 4 Å and three voxels.
    threshold : float, optional
        Density from which on the moved map is molecule. Auto: as *Make mask* chooses it.
    alternatives : int
        How many fits to list at most when the search is global.
    seed : int
        Of the points that are compared and of the wrong fits.
    device : str
        What computes. Auto takes an accelerator where there is one.
    progress : Progress
        Called once per batch of orientations and of fits, and once per plane.

    Returns
    -------
    fitted : FittedMap
        The moved map, the ranked alternatives, and whether it belongs there.

    Raises
    ------
    InputError
        If this machine does not have the device.
    GridError
        If the search is local and the molecule lies outside the reference.
    DataError
        If the map is constant, nothing reaches the threshold, or it is too small.

    References
    ----------
    .. [1] P. Chacón and W. Wriggers, J. Mol. Biol. 317 (2002) 375-384.
    .. [2] G. D. Evangelidis and E. Z. Psarakis, IEEE Trans. Pattern Anal. Mach. Intell. 30
       (2008) 1858-1865.
    """
    from mapscope.density.detail import finest_detail
    from mapscope.density.fit_report import table_of, verdict_on
    from mapscope.density.fitting import fit_globally, fit_locally
    from mapscope.density.map_body import body_of_map, moved_onto
    from mapscope.simulate.device import chosen_device

    on = chosen_device(device)
    detail = resolution
    if detail is None:
        detail = max(finest_detail(volume), finest_detail(reference))
    body = body_of_map(volume, threshold, progress=part(progress, 0, 1, 10))
    tell = part(progress, 1, 9, 10)
    if search == "global":
        fits = fit_globally(
            body, reference, detail, alternatives=alternatives, seed=seed, device=on, progress=tell
        )
    else:
        fits = fit_locally(body, reference, detail, seed=seed, device=on, progress=tell)
    tell = part(progress, 9, 10, 10)
    moved = moved_onto(volume, fits.poses[0], body, reference.grid, progress=tell)
    return FittedMap(
        moved,
        table_of(fits, body),
        float(fits.correlations[0]),
        fits.significance,
        fits.is_true,
        verdict_on(fits),
    )
