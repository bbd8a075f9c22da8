"""Density around one side chain."""

from __future__ import annotations

import numpy as np

from mapscope.depiction.residues import residues_of
from mapscope.job import Position, job
from mapscope.scores.chi1_scan import scan_chi1
from mapscope.scores.emringer_tables import chi1_table, no_chi1_table
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Volume


@job(title="χ1 curve", probe=True, menu="napari/layers/measure", memory=0.1, by_parts=True)
def chi1_curve(structure: Structure, volume: Volume, *, position: Position) -> Table:
    """Density where a residue's γ atom would be at every χ1.

    A look at one residue as EMRinger sees it: a peak at a rotamer (60, 180, 300°) speaks for
    the model, and one at the model's own χ1 for this side chain.

    Parameters
    ----------
    structure : Structure
        The model, in its place in the map.
    volume : Volume
        The map.
    position : tuple of float
        The residue with the atom nearest to this point is taken, z, y, x in Å.

    Returns
    -------
    curve : Table
        χ1 (°), density, and whether it is within a rotamer's 60°. Empty, with a headline that
        says why, where that residue has no χ1 that EMRinger scans, lacks atoms, or lies outside
        the map.

    References
    ----------
    .. [1] Lang et al. (2010) Protein Sci. 19, 1420-1431.
    .. [2] Barad et al. (2015) Nat. Methods 12, 943-946.
    """
    residues = residues_of(structure)
    away = np.linalg.norm(structure.positions - np.asarray(position), axis=1)
    residue = int(residues.of_atoms[int(away.argmin())])
    scan = scan_chi1(structure, volume, residues.of_atoms == residue)
    if len(scan):
        return chi1_table(scan, residues, 0)
    reason = "has no χ1 that EMRinger scans"
    if scan.without_side_chain:
        reason = "lacks atoms of its side chain"
    elif scan.outside:
        reason = "lies outside the map or at its edge"
    return no_chi1_table(f"{residues.label(residue)} {reason}")
