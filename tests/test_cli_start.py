"""Commands begin without looking for garbage, and go on looking for it."""

from __future__ import annotations

import gc

import pytest

from mapscope.cli.start import without_collecting


def test_garbage_is_collected_again_afterwards_also_after_an_error() -> None:
    assert gc.isenabled()
    with without_collecting():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="why"), without_collecting():
        raise ValueError("why")
    assert gc.isenabled()


def test_who_had_turned_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with without_collecting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
