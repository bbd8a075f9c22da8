"""What there is to know of a layer, in a few words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.density.level import sample
from mapscope.errors import MapscopeError
from mapscope.particles import TOMOGRAM, VOXEL_SIZE, Particles
from mapscope.record import share_text, source_of
from mapscope.structure import Structure
from mapscope.viewer.docks.read_as import facts_of_options
from mapscope.viewer.layers import noun_from_layer, reason_against, role_of, tag_of
from mapscope.volume import Volume

_MOST = 12  # classes that are named


def facts_of_layer(layer: Any) -> list[tuple[str, str]]:
    """Name and value of everything worth knowing of a layer."""
    reason = reason_against(layer)
    if reason:
        return [("Not for jobs", reason)]
    try:
        noun = noun_from_layer(layer)
    except MapscopeError as error:
        return [("Not for jobs", str(error))]
    if isinstance(noun, Structure):
        return _facts_of_structure(noun) + _history_of(layer)
    if isinstance(noun, Volume):
        return [("Kind", role_of(layer)), *_facts_of_volume(noun), *_history_of(layer)]
    if isinstance(noun, Particles):
        return [("Kind", "particles"), *_facts_of_particles(noun), *_history_of(layer)]
    return [("Kind", role_of(layer)), *_history_of(layer)]


def _facts_of_volume(volume: Volume) -> list[tuple[str, str]]:
    """Size, place, values and file of a map."""
    values = sample(volume.data)
    facts = [
        ("Size", _triple(volume.grid.extent[::-1], "Å (x, y, z)")),
        ("Voxels", _triple(volume.shape[::-1], "(x, y, z)")),
        ("Voxel size", _triple(volume.voxel_size[::-1], "Å")),
        ("Origin", _triple(volume.origin[::-1], "Å (x, y, z)", ", ")),
        ("Nyquist", f"{2 * max(volume.voxel_size):.3g} Å"),
        ("Values", f"{values.min():.4g} to {values.max():.4g}"),
        ("Mean, σ", f"{values.mean():.4g}, {values.std():.4g}"),
        ("Stored as", str(volume.data.dtype)),
    ]
    if volume.header is not None:
        labels = [text.decode("ascii", "replace").strip() for text in volume.header.labels]
        facts += [("Label", text) for text in labels if text]
    return facts


def _facts_of_structure(structure: Structure) -> list[tuple[str, str]]:
    """Chains, residues, atoms and B-factors of a structure."""
    low, high = np.percentile(structure.b_factors, (5, 95))
    resolution = float(structure.model.resolution)
    facts = [
        ("Kind", "structure"),
        ("Entry", structure.name),
        ("Chains", str(len(set(structure.chains.tolist())))),
        ("Residues", str(int(structure.residue_index[-1]) + 1)),
        ("Atoms", str(len(structure))),
        ("B-factors", f"{low:.0f} to {high:.0f} Å² (5 to 95 %)"),
    ]
    return facts + ([("Resolution", f"{resolution:.2f} Å")] if resolution > 0 else [])


def _facts_of_particles(particles: Particles) -> list[tuple[str, str]]:
    """How many there are of each class, in which tomograms, and what is known of each."""
    tomograms, voxel_sizes = (
        np.unique(particles.columns.get(name, np.empty(0))) for name in (TOMOGRAM, VOXEL_SIZE)
    )
    facts = [("Number", str(len(particles)))]
    if len(tomograms):
        one = len(tomograms) == 1
        facts += [("Tomogram", str(tomograms[0])) if one else ("Tomograms", str(len(tomograms)))]
    if len(voxel_sizes):
        facts += [("Voxel size", _triple(tuple(voxel_sizes.tolist()), "Å", ", "))]
    counts = Counter(particles.species or ())
    facts += [("Class", f"{name or 'no name'}: {n}") for name, n in counts.most_common(_MOST)]
    if len(counts) > _MOST:
        facts += [("Other classes", str(len(counts) - _MOST))]
    facts += [("Orientations", "yes" if particles.rotations is not None else "no")]
    score = np.empty(0) if particles.score is None else particles.score
    known = score[np.isfinite(score)]
    if len(known):
        facts += [("Scores", f"{known.min():.4g} to {known.max():.4g}")]
        facts += [("Without score", str(len(score) - len(known)))] * (len(known) < len(score))
    return facts


def _history_of(layer: Any) -> list[tuple[str, str]]:
    """The file that a layer came from, or the run that made it."""
    tag = tag_of(layer)
    if tag is None:
        return []
    source = source_of(tag.noun)
    if source.path is not None:
        folder, name = Path(source.path).parts[-2:]
        return [("File", f"…/{folder}/{name}"), *facts_of_options(tag.noun)]
    if source.record is None:
        return []
    record = source.record
    settings = ", ".join(f"{k} {v}" for k, v in record.parameters.items() if v is not None)
    cites = [("Cite", text) for text in record.cite]
    done = [("Done", f"{share_text(record.share)}, then cancelled")] * (record.share < 1)
    return [("Made by", record.job.replace("_", " ")), *done, ("With", settings), *cites]


def _triple(values: tuple[float, ...], unit: str, between: str = " × ") -> str:
    """Three numbers with their unit, or one where they are equal and no order is named."""
    shown = [f"{v:.5g}" for v in values]
    one = len(set(shown)) == 1 and "(x, y, z)" not in unit
    return f"{shown[0] if one else between.join(shown)} {unit}"
