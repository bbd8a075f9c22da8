"""Mapscope: density maps and tomograms, sharpened, measured, labelled, simulated and picked.

``from mapscope import read, write`` opens and saves files; ``from mapscope.jobs import ...``
gives the jobs. What is named here is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Grid": "volume",
    "HalfMaps": "volume",
    "Labels": "labels",
    "MapscopeError": "errors",
    "Mesh": "mesh",
    "Particles": "particles",
    "Region": "volume",
    "Structure": "structure",
    "Table": "table",
    "Volume": "volume",
    "inspect": "inspection",
    "read": "files",
    "record_of": "record",
    "write": "files",
    "write_result": "files.result",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__", "jobs"]
