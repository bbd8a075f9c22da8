"""The cache keeps what was used last, never more than its budget, and stands threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope.cache import Cache, size_in_bytes


@dataclass(frozen=True)
class Pair:
    first: np.ndarray
    second: np.ndarray


def kilobytes(count: int) -> np.ndarray:
    return np.zeros(count * 1024, np.uint8)


def fail() -> np.ndarray:
    raise AssertionError("made again")


def test_get_when_asked_again_gives_the_same_object_without_making_it() -> None:
    cache = Cache(2048)
    kept = cache.get("a", lambda: kilobytes(1))
    assert cache.get("a", fail) is kept


def test_get_when_full_drops_what_was_used_longest_ago() -> None:
    cache = Cache(3 * 1024)
    for key in "abc":
        cache.get(key, lambda: kilobytes(1))
    cache.get("a", fail)
    cache.get("d", lambda: kilobytes(1))
    for key in "cad":
        cache.get(key, fail)
    with pytest.raises(AssertionError, match="made again"):
        cache.get("b", fail)


def test_get_when_the_value_is_larger_than_the_budget_keeps_the_others() -> None:
    cache = Cache(2 * 1024)
    cache.get("a", lambda: kilobytes(1))
    assert cache.get("b", lambda: kilobytes(3)).nbytes == 3 * 1024
    assert cache.size == 1024
    cache.get("a", fail)


def test_get_when_making_fails_stores_nothing() -> None:
    cache = Cache(1024)
    with pytest.raises(AssertionError):
        cache.get("a", fail)
    assert cache.size == 0
    assert cache.get("a", lambda: 7) == 7


def test_clear_when_something_was_kept_forgets_it() -> None:
    cache = Cache(1024)
    cache.get("a", lambda: kilobytes(1))
    cache.clear()
    assert cache.size == 0
    assert cache.get("a", lambda: 7) == 7


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), max_size=60))
def test_size_whatever_is_asked_for_is_the_sum_of_what_is_kept_and_within_the_budget(
    calls: list[tuple[int, int]],
) -> None:
    cache = Cache(8 * 1024)
    for key, size in calls:
        value = cache.get((key, size), lambda size=size: kilobytes(size))  # type: ignore[misc]
        assert value.nbytes == size * 1024
        assert cache.size == sum(s for _, s in cache._kept.values()) <= cache.budget


def test_get_when_called_from_many_threads_stays_right_and_within_the_budget() -> None:
    cache = Cache(20 * 1024)

    def ask(n: int) -> bool:
        value = cache.get(n % 37, lambda: np.full(1024, n % 37, np.uint8))
        return bool((value == n % 37).all()) and cache.size <= cache.budget

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(4000)))
    assert cache.size == sum(s for _, s in cache._kept.values()) == cache.budget


def test_size_in_bytes_of_nested_values_counts_every_array() -> None:
    one = kilobytes(1)
    assert size_in_bytes({"a": [one, (one, Pair(one, one))]}) == 4096
    assert 0 < size_in_bytes("text") < 1024
