"""Ctrl+Z and its kin for all layers under edit, in place of napari's own for labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app_model.types import KeyCode, KeyMod

UNDO_KEYS = (KeyMod.CtrlCmd | KeyCode.KeyZ,)
REDO_KEYS = (KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ,)


def bind_keys(target: Any, undo: Callable[[], None], redo: Callable[[], None]) -> None:
    """Let the keys of a viewer or layer undo and redo.

    Bound to a layer they come before those of its class, which is how napari's own undo of
    labels does not meddle.
    """
    for keys, call in ((UNDO_KEYS, undo), (REDO_KEYS, redo)):
        for key in keys:
            target.bind_key(key, _caller(call), overwrite=True)


def unbind_keys(target: Any) -> None:
    """Give the keys of a viewer or layer back."""
    for key in (*UNDO_KEYS, *REDO_KEYS):
        if key in _bound(target):
            target.bind_key(key, None)


def _bound(target: Any) -> set[int]:
    """The keys among ours that a viewer or layer has of its own."""
    held = {hash(key) for key in target.keymap}
    return {key for key in (*UNDO_KEYS, *REDO_KEYS) if hash(_binding(key)) in held}


def _binding(key: int) -> Any:
    """A key as a keymap has it."""
    from app_model.types import KeyBinding

    return KeyBinding.from_int(key)


def _caller(call: Callable[[], None]) -> Callable[[Any], None]:
    """A callback of a key, which is given viewer or layer."""

    def pressed(_target: Any) -> None:
        call()

    return pressed
