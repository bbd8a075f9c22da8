"""A structure put into a map as one rigid piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from mapscope.job import Show, job
from mapscope.progress import Progress, part, silent
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Volume


@dataclass(frozen=True)
class FittedStructure:
    """A structure where it fits best, and where else it may belong.

    Parameters
    ----------
    moved : Structure
        The whole structure where the selected part fits best.
    alternatives : Table
        The best fits, ranked: correlation, how far the structure lies from the best fit, what
        it is to it, and the move from where the structure was.
    correlation : float
        Correlation about the mean of the best fit with the map, over the structure's density.
    significance : float
        How far that is above wrong fits, in their standard deviations.
    is_true_fit : bool
        Whether the structure belongs there: the significance is at least 5.
    verdict : str
        The same in words.
    """

    moved: Structure
    alternatives: Table
    correlation: float
    significance: float
    is_true_fit: bool
    verdict: str


@job(memory=16.0)
def fit_structure(
    structure: Structure,
    volume: Volume,
    *,
    search: Literal["local", "global"] = "local",
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å", slider=(3.0, 20.0))] = None,
    selection: str = "all",
    alternatives: Annotated[int, Field(ge=1, le=50), Show(more=True)] = 10,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> FittedStructure:
    """Structure moved as one rigid piece to where it fits a map best, or "no true fit".

    Locally it goes uphill from where it is, by least squares at two resolutions. Globally all
    positions are tried by FFT for evenly spread orientations, wherever the structure is, and
    the best are refined likewise. What is raised is the correlation about the mean of its
    simulated density with the map. A fit is true where that stands at least 5 standard
    deviations above wrong ones: of the structure elsewhere, and of its mirror image.

    Parameters
    ----------
    structure : Structure
        The atoms; hydrogens and B-factors do not matter.
    volume : Volume
        The map.
    search : str
        Near where the structure is, or everywhere in the map.
    resolution : float, optional
        Detail that is compared. Auto: what the map holds, but at least 4 Å and three voxels.
    selection : str
        Which atoms are fitted: all, a chain (A), residues (A/120-130). All atoms move along.
    alternatives : int
        How many fits to list at most when the search is global.
    seed : int
        Of the points that are compared and of the wrong fits.
    device : str
        What computes. Auto takes an accelerator where there is one.
    progress : Progress
        Called once per batch of orientations and of fits.

    Returns
    -------
    fitted : FittedStructure
        The moved structure, the ranked alternatives, and whether it belongs there.

    Raises
    ------
    InputError
        If nothing is selected, or this machine does not have the device.
    GridError
        If the search is local and the structure lies outside the map.
    DataError
        If the map is constant, or the structure is too small for the resolution.

    References
    ----------
    .. [1] P. Chacón and W. Wriggers, J. Mol. Biol. 317 (2002) 375-384.
    .. [2] G. D. Evangelidis and E. Z. Psarakis, IEEE Trans. Pattern Anal. Mach. Intell. 30
       (2008) 1858-1865.
    """
    from mapscope.density.detail import finest_detail
    from mapscope.density.fit_report import table_of, verdict_on
    from mapscope.density.fitting import fit_globally, fit_locally
    from mapscope.simulate.device import chosen_device
    from mapscope.simulate.rigid_body import body_of_structure, moved

    on = chosen_device(device)
    detail = finest_detail(volume) if resolution is None else resolution
    body = body_of_structure(structure, selection, on)
    tell = part(progress, 0, 99, 100)
    if search == "global":
        fits = fit_globally(
            body, volume, detail, alternatives=alternatives, seed=seed, device=on, progress=tell
        )
    else:
        fits = fit_locally(body, volume, detail, seed=seed, device=on, progress=tell)
    progress(1, 1, "moving the structure")
    return FittedStructure(
        moved(structure, fits.poses[0], body.pivot),
        table_of(fits, body),
        float(fits.correlations[0]),
        fits.significance,
        fits.is_true,
        verdict_on(fits),
    )
