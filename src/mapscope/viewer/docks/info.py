"""The Info dock: what the selected layer is, how large, and where it lies."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from napari.viewer import Viewer
from qtpy.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from mapscope.density.level import sample
from mapscope.errors import MapscopeError
from mapscope.record import source_of
from mapscope.structure import Structure
from mapscope.viewer.layers import noun_from_layer, reason_against, role_of, tag_of
from mapscope.viewer.workspace import bare_viewer
from mapscope.volume import Volume

CHANGES = ("scale", "translate", "units", "name", "data")
"""What may change about a layer while it is shown here."""

NOTHING = "Select a layer to see what it is."


class InfoDock(QWidget):
    """Facts about the selected layer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.text = QTextBrowser()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.text)
        self._watched: Any = None
        napari_viewer.layers.selection.events.active.connect(self.refresh)
        self.refresh()

    def _watch(self, layer: Any) -> None:
        """Follow what may change about a layer, and no longer the one before."""
        for watched, change in ((self._watched, "disconnect"), (layer, "connect")):
            for event in CHANGES if watched is not None else ():
                getattr(getattr(watched.events, event), change)(self.refresh)
        self._watched = layer

    def refresh(self, *_: Any) -> None:
        """Write down the facts of the active layer."""
        layer = self.viewer.layers.selection.active
        if layer is not self._watched:
            self._watch(layer)
        if layer is None:
            self.text.setPlainText(NOTHING)
            return
        cells = "".join(
            f"<tr><td style='padding-right:12px'>{escape(name)}</td><td>{escape(value)}</td></tr>"
            for name, value in facts_of_layer(layer)
        )
        tag = tag_of(layer)
        self.text.setToolTip((tag and source_of(tag.noun).path) or "")
        self.text.setHtml(f"<b>{escape(layer.name)}</b><table>{cells}</table>")


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


def _history_of(layer: Any) -> list[tuple[str, str]]:
    """The file that a layer came from, or the run that made it."""
    tag = tag_of(layer)
    if tag is None:
        return []
    source = source_of(tag.noun)
    if source.path is not None:
        folder, name = Path(source.path).parts[-2:]
        return [("File", f"…/{folder}/{name}")]
    if source.record is None:
        return []
    record = source.record
    settings = ", ".join(f"{k} {v}" for k, v in record.parameters.items() if v is not None)
    cites = [("Cite", text) for text in record.cite]
    return [("Made by", record.job.replace("_", " ")), ("With", settings), *cites]


def _triple(values: tuple[float, ...], unit: str, between: str = " × ") -> str:
    """Three numbers with their unit, or one where they are equal and no order is named."""
    shown = [f"{v:.5g}" for v in values]
    one = len(set(shown)) == 1 and "(x, y, z)" not in unit
    return f"{shown[0] if one else between.join(shown)} {unit}"
