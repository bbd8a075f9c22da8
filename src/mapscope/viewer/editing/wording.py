"""What the Edit dock says of a layer and of the state of the edits."""

from __future__ import annotations

from typing import Any

from mapscope.edits import EditSession
from mapscope.edits.folders import data_folder
from mapscope.viewer.editing.editing import Editor


def layer_text(layer: Any, editor: Editor | None, reason: str) -> str:
    """What the dock is about."""
    if editor is not None:
        log = editor.log
        where = "your folder of edits" if log.path.parent == data_folder() else log.path.parent.name
        only = "; open elsewhere, to be looked at only" if log.is_read_only else ""
        return f"<b>{log.name}</b> is under edit, kept as {log.path.name} in {where}{only}."
    if layer is None:
        return "Select points or labels to edit them, or a map to put new ones on."
    if not reason:
        return f"<b>{layer.name}</b> can be edited."
    return f"<b>{layer.name}</b>: {reason}."


def state_text(session: EditSession, now: float) -> str:
    """Whether all edits are on the disk, how many there are, and what undo would take back."""
    writable = [log for log in session.logs if not log.is_read_only]
    if not writable:
        return ""
    problems = [log.problem for log in writable if log.problem]
    if problems:
        return f'<span style="color:#ff7b72">Not saved: {problems[0]}. It is tried again.</span>'
    count = sum(len(log.done) for log in writable)
    edits = "1 edit" if count == 1 else f"{count:,} edits"
    undo = f" · undo: {session.undo_text}" if session.undo_text else ""
    if not all(log.is_saved for log in writable):
        return f"Saving… · {edits}{undo}"
    return f"Saved {_ago(now - max(log.saved_at for log in writable))} · {edits}{undo}"


def _ago(seconds: float) -> str:
    """How long ago, in words."""
    if seconds < 1:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago"
