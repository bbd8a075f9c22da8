"""Who works on a training's folder, and in which state it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

from mapscope.errors import Cancelled, InputError
from mapscope.process import living_process, this_process
from mapscope.training.run_folder import RunFolder

State: TypeAlias = Literal["running", "ended", "stopped", "interrupted", "failed"]

_OUTCOMES = ("process", "stopped", "failed")


@contextmanager
def occupied(run: RunFolder) -> Iterator[None]:
    """Note in a training's folder that this process works on it, and afterwards how that ended.

    Parameters
    ----------
    run : RunFolder
        A training.

    Raises
    ------
    InputError
        If another process works on it.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0":
        # Lightning starts one process for each device; the first speaks for all.
        yield
        return
    other = living_process(run.facts().get("process"))
    if other is not None and other.pid != os.getpid():
        raise InputError(f"{run.path} is being trained already, by process {other.pid}: stop it")
    _note(run, {"process": this_process()})
    try:
        yield
    except (Cancelled, KeyboardInterrupt):
        _note(run, {"stopped": True})
        raise
    except BaseException as error:
        _note(run, {"failed": " ".join(str(error).split()) or type(error).__name__})
        raise
    _note(run, {})


def _note(run: RunFolder, outcome: dict[str, Any]) -> None:
    """Write down what became of a training in place of what was written before."""
    kept = {name: value for name, value in run.facts().items() if name not in _OUTCOMES}
    run.write_facts(kept | outcome)


def state_of(run: RunFolder) -> State:
    """In which state a training is; interrupted is one whose process is gone without a word."""
    facts = run.facts()
    if living_process(facts.get("process")) is not None:
        return "running"
    if "process" in facts:
        return "interrupted"
    if "ended" in facts:
        return "ended"
    return "failed" if "failed" in facts else "stopped"
