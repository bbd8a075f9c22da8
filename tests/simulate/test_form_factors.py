"""Form factors are gemmi's, and what is not in its tables is refused."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.simulate import form_factors


def test_form_factors_when_elements_repeat_are_those_of_gemmi() -> None:
    elements = ["C", "Fe", "C", "H", "U"]
    s = np.array([0.0, 0.1, 0.4, 1.0])
    for scatter, table in ((form_factors.electrons, "c4322"), (form_factors.x_rays, "it92")):
        a, b = scatter(elements)
        assert a.shape == b.shape == (5, 5)
        found = form_factors.at_frequencies(a, b, s)
        for row, element in zip(found, elements, strict=True):
            coefficients = getattr(gemmi.Element(element), table)
            expected = [coefficients.calculate_sf(f * f / 4) for f in s]
            np.testing.assert_allclose(row, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "look_up",
    [
        form_factors.electrons,
        form_factors.x_rays,
        form_factors.atomic_numbers,
        form_factors.masses,
    ],
)
def test_form_factors_when_an_element_is_unknown_name_and_count_it(look_up: object) -> None:
    with pytest.raises(InputError, match=r"element X \(2 atoms\).*selection"):
        look_up(["C", "X", "N", "X"])  # type: ignore[operator]


def test_form_factors_when_there_is_no_table_entry_name_the_element() -> None:
    with pytest.raises(InputError, match=r"Og \(1 atom\)"):
        form_factors.electrons(["Og"])
    assert form_factors.atomic_numbers(["Og"]).tolist() == [118.0]


def test_mott_bethe_of_hydrogen_when_frequency_falls_goes_to_its_limit() -> None:
    s = np.array([0.0, 9.9e-4, 1.01e-3, 0.01, 0.2, 0.5])
    found = form_factors.mott_bethe_of_hydrogen(s)[0]
    a, b = form_factors.x_rays(["H"])
    assert found[0] == pytest.approx(form_factors.MOTT_BETHE * float((a * b).sum()) / 4, rel=1e-4)
    assert np.abs(np.diff(found[:4])).max() < 1e-3 * found[0]
    x_rays = form_factors.at_frequencies(a / a.sum(), b, s)[0]
    np.testing.assert_allclose(
        found[3:], form_factors.MOTT_BETHE * (1 - x_rays[3:]) / s[3:] ** 2, rtol=1e-9
    )
