"""Edits that are never lost: an append-only log beside the data, undo and redo across layers."""

from __future__ import annotations

from mapscope.edits.folders import (
    SUFFIX,
    logs_beside,
    logs_in_data_folder,
    noted_logs,
)
from mapscope.edits.journal import is_in_use
from mapscope.edits.labels import LabelsChange, LabelsState, Region
from mapscope.edits.log import EditLog
from mapscope.edits.player import Change, Edit, Noun
from mapscope.edits.points import Column, PointsChange, PointsState
from mapscope.edits.session import EditSession, Step

__all__ = [
    "SUFFIX",
    "Change",
    "Column",
    "Edit",
    "EditLog",
    "EditSession",
    "LabelsChange",
    "LabelsState",
    "Noun",
    "PointsChange",
    "PointsState",
    "Region",
    "Step",
    "is_in_use",
    "logs_beside",
    "logs_in_data_folder",
    "noted_logs",
]
