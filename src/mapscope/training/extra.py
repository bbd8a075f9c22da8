"""The packages that training needs and nothing else does."""

from __future__ import annotations

from importlib.util import find_spec

PACKAGES = ("lightning", "monai", "tensorboard")


def missing_packages() -> str:
    """What has to be installed before anything can be trained, in words; empty where nothing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if not missing:
        return ""
    return f"training needs {', '.join(missing)}: pip install 'napari-mapscope[train]'"
