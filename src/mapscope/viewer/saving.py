"""Save what a run gave, under a name that the user chooses."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from mapscope.errors import MapscopeError
from mapscope.files import writable_suffixes, write_report
from mapscope.files.result import write_nouns
from mapscope.particles import Particles
from mapscope.table import Table
from mapscope.viewer.layers import SEPARATOR
from mapscope.viewer.workspace import Entry


def save_entry(parent: QWidget, entry: Entry, say: Callable[[str], None]) -> None:
    """Ask where to, write what a run gave, and say what was written."""
    if not entry.nouns:
        say("What came out was removed or edited since: run the job again to save it.")
        return
    first = next(iter(entry.nouns.values()))
    kinds = "Maps (*.mrc *.map *.mrc.gz)"
    if isinstance(first, Table):
        kinds = "Tables and FSC XML (*.csv *.tsv *.json *.xml)"
    if isinstance(first, Particles):
        kinds = f"Particles ({' '.join(f'*{s}' for s in writable_suffixes(Particles))})"
    suffix = ".csv" if isinstance(first, Table | Particles) else ".mrc"
    proposal = f"{entry.title.split(' · ')[-1]}_{next(iter(entry.nouns))}{suffix}"
    path, _ = QFileDialog.getSaveFileName(parent, "Save the result", proposal, kinds)
    if not path:
        return
    try:
        written = write_nouns(entry.nouns, Path(path))
    except (MapscopeError, OSError) as error:
        say(f'<span style="color:#ff7b72">{escape(str(error))}</span>')
        return
    left_out = f". Without {', '.join(entry.gone)}: removed or edited since" if entry.gone else ""
    say("Saved " + ", ".join(map(str, written)) + left_out)


def save_report(parent: QWidget, entry: Entry, say: Callable[[str], None]) -> None:
    """Ask where to, write a page about what a run gave, and say what was written."""
    result = entry.result
    if result is None:
        say("A map of this result was closed: run the job again for a report.")
        return
    proposal = f"{entry.title.split(SEPARATOR)[-1]}_{entry.job.name}.html"
    path, _ = QFileDialog.getSaveFileName(parent, "Save the report", proposal, "HTML (*.html)")
    if not path:
        return
    try:
        say(f"Saved {write_report(Path(path), result).name}")
    except (MapscopeError, OSError) as error:
        say(f'<span style="color:#ff7b72">{escape(str(error))}</span>')
