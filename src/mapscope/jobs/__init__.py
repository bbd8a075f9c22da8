"""All jobs: one function in one file of ``jobs/<family>/`` each.

``from mapscope.jobs import sharpen_by_b_factor`` gives one; `all_jobs` gives every one.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from mapscope.job import Job


@cache
def all_jobs() -> dict[str, Job]:
    """Every job by name, in the order of families and names.

    A job is found because its file lies in a family's folder; nothing else lists it.
    """
    found: dict[str, Job] = {}
    for module in pkgutil.walk_packages(__path__, __name__ + "."):
        if not module.ispkg:
            loaded = importlib.import_module(module.name)
            mine = [j for j in vars(loaded).values() if isinstance(j, Job)]
            found |= {j.name: j for j in mine if j.__module__ == module.name}
    return found


def family_title(family: str) -> str:
    """A family's name in words: the first line of its package's docstring."""
    package = importlib.import_module(f"{__name__}.{family}")
    return (package.__doc__ or family).strip().splitlines()[0].rstrip(".")


def __getattr__(name: str) -> Any:
    jobs = {} if name.startswith("_") else all_jobs()
    if name in jobs:
        return jobs[name]
    raise AttributeError(f"module {__name__!r} has no job {name!r}")
