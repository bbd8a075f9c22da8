import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope.errors import DataError
from mapscope.inference.normalise import scaling_of

KINDS = ("standard", "min_max")


def molecule(seed: int = 0) -> npt.NDArray[np.float32]:
    """A box full of structure, 32³."""
    random = np.random.default_rng(seed)
    return random.gamma(2.0, 1.5, (32, 32, 32)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_scaling_by_windows_when_empty_space_is_added_stays_the_same(kind: str) -> None:
    density = molecule()
    padded = np.pad(density, 48)
    tight = scaling_of(density, kind, window=16)  # type: ignore[arg-type]
    loose = scaling_of(padded, kind, window=16)  # type: ignore[arg-type]
    assert loose.shift == pytest.approx(tight.shift, rel=1e-6)
    assert loose.factor == pytest.approx(tight.factor, rel=1e-6)
    whole = scaling_of(padded, "standard")
    assert whole.factor > 3 * scaling_of(density, "standard").factor


@pytest.mark.parametrize("kind", KINDS)
def test_scaling_by_windows_when_all_are_alike_is_that_of_one(kind: str) -> None:
    window = molecule()[:12, :12, :12]
    found = scaling_of(np.tile(window, (3, 2, 4)), kind, window=12)  # type: ignore[arg-type]
    expected = scaling_of(window, kind)  # type: ignore[arg-type]
    assert (found.shift, found.factor) == pytest.approx((expected.shift, expected.factor), rel=1e-6)


@given(
    shape=st.tuples(*[st.integers(1, 20)] * 3),
    window=st.integers(1, 24),
    gain=st.floats(0.01, 100),
    shift=st.floats(-100, 100),
)
def test_scaling_by_windows_follows_gain_and_shift_of_a_map(
    shape: tuple[int, int, int], window: int, gain: float, shift: float
) -> None:
    density = np.random.default_rng(0).standard_normal(shape)
    if min(window, max(shape)) ** 3 == 1 or density.size < 2:
        return
    first = scaling_of(density, "standard", window=window)
    second = scaling_of(density * gain + shift, "standard", window=window)
    assert second.factor == pytest.approx(first.factor / gain, rel=1e-6)
    assert second.shift == pytest.approx(first.shift * gain + shift, rel=1e-6, abs=1e-6)


def test_scaling_by_windows_when_the_map_is_constant_is_refused() -> None:
    with pytest.raises(DataError, match="same value"):
        scaling_of(np.full((20, 20, 20), 0.1), "standard", window=8)
