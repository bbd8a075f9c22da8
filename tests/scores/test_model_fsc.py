"""FSC of maps and models: one where they are the same, and falling where the map ends."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope.density.fourier import filter_radial
from mapscope.errors import DataError, GridError
from mapscope.scores.model_fsc import (
    model_curve_table,
    model_shell_correlation,
    sharp_model_density,
)
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

GRID = Grid((40, 36, 42), (1.0, 1.0, 1.0), (5.0, -3.0, 8.0))


def structure(outside: int = 0, b_factor: float = 30.0) -> Structure:
    """Two hundred carbons at random in the grid, and some far outside."""
    random = np.random.default_rng(2)
    middle = GRID.world_from_index((np.asarray(GRID.shape) - 1) / 2)
    places = middle + random.uniform(-11, 11, (200 + outside, 3))
    places[200:] += 90
    chain = gemmi.Chain("A")
    for number, (z, y, x) in enumerate(places.tolist(), start=1):
        residue, atom = gemmi.Residue(), gemmi.Atom()
        residue.name, residue.seqid = "UNK", gemmi.SeqId(str(number))
        atom.name, atom.element, atom.b_iso = "CA", gemmi.Element("C"), b_factor
        atom.pos = gemmi.Position(x, y, z)
        residue.add_atom(atom)
        chain.add_residue(residue)
    whole, model = gemmi.Structure(), gemmi.Model(1)
    model.add_chain(chain)
    whole.add_model(model)
    return Structure.from_gemmi(whole)


def mapped(data: Any) -> Volume:
    return Volume(data, GRID.voxel_size, GRID.origin)


MODEL = sharp_model_density(structure(), GRID)


def test_model_against_its_own_map_agrees_to_nyquist_however_it_is_sharpened() -> None:
    blurred = filter_radial(mapped(MODEL), lambda f: 7 * np.exp(-20 * f**2))
    for volume in (mapped(MODEL), Volume(-MODEL, 1.0, GRID.origin, contrast=-1), blurred):  # type: ignore[arg-type]
        curves = model_shell_correlation(volume, MODEL)
        np.testing.assert_allclose(curves.best[1:], 1, atol=1e-2)
        assert curves.resolution(0.5) is None
        assert "Nyquist" in model_curve_table(curves).plot.headline  # type: ignore[union-attr]


def test_b_factor_of_all_atoms_does_not_matter() -> None:
    noisy = mapped(MODEL + MODEL.std() * np.random.default_rng(0).standard_normal(GRID.shape))
    sharp, blurred = (
        model_shell_correlation(noisy, sharp_model_density(structure(b_factor=b), GRID)).best
        for b in (5.0, 60.0)
    )
    np.testing.assert_allclose(sharp[1:], blurred[1:], atol=0.03)


def test_resolution_of_a_map_that_ends_at_four_angstroms_is_four() -> None:
    noise = np.random.default_rng(0).standard_normal(GRID.shape)
    cut = filter_radial(mapped(MODEL), lambda f: np.where(f <= 0.25, 1.0, 0.0))
    volume = mapped(cut.data + 0.02 * cut.float32().std() * noise)
    curves = model_shell_correlation(volume, MODEL)
    for threshold in (0.5, 0.143):
        assert curves.resolution(threshold) == pytest.approx(4.0, abs=0.3)
    table = model_curve_table(curves)
    assert list(table.columns) == ["frequency", "resolution", "unmasked", "coefficients"]
    assert table.plot is not None
    assert table.plot.headline.endswith("Å at FSC 0.5")


def test_mask_takes_noise_away_and_comes_as_a_second_curve() -> None:
    noise = np.random.default_rng(0).standard_normal(GRID.shape)
    volume = mapped(MODEL + 2 * MODEL.std() * noise)
    index = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), axis=-1)
    away = np.abs(index - (np.asarray(GRID.shape) - 1) / 2).max(axis=-1)
    mask = mapped(np.clip((16 - away) / 3, 0, 1).astype(np.float32))
    curves = model_shell_correlation(volume, MODEL, mask)
    assert curves.masked is not None
    assert curves.best is curves.masked
    assert curves.masked[2:15].mean() > curves.unmasked[2:15].mean() + 0.02
    assert "masked" in model_curve_table(curves).columns


def test_curve_equals_a_literal_sum_over_shells() -> None:
    noise = np.random.default_rng(0).standard_normal(GRID.shape)
    volume = mapped((MODEL + MODEL.std() * noise).astype(np.float32))
    curves = model_shell_correlation(volume, MODEL)
    a, b = (np.fft.fftn(m.astype(np.float64)) for m in (volume.data, MODEL))
    axes = np.meshgrid(*(np.fft.fftfreq(n) for n in GRID.shape), indexing="ij")
    shell = np.floor(np.sqrt(sum(axis**2 for axis in axes)) * max(GRID.shape) + 0.5)
    for number in range(1, 21):
        p, q = a[shell == number], b[shell == number]
        literal = (p * q.conj()).sum().real / np.linalg.norm(p) / np.linalg.norm(q)
        assert curves.unmasked[number] == pytest.approx(literal, abs=5e-4)


def test_atoms_outside_the_box_do_not_count_and_none_inside_is_an_error() -> None:
    with_others = sharp_model_density(structure(outside=50), GRID)
    np.testing.assert_allclose(with_others, MODEL, atol=1e-5 * float(MODEL.max()))
    with pytest.raises(DataError, match="no atom lies in the map"):
        sharp_model_density(structure(), Grid(GRID.shape, 1.0, (500.0, 0.0, 0.0)))  # type: ignore[arg-type]


def test_model_elsewhere_agrees_at_no_resolution_that_matters() -> None:
    curves = model_shell_correlation(mapped(np.roll(MODEL, (9, 7, 5), (0, 1, 2))), MODEL)
    found = curves.resolution(0.5)
    assert found is not None
    assert found > 15


def test_headline_says_where_map_and_model_do_not_agree_at_all() -> None:
    curves = model_shell_correlation(mapped(-MODEL), MODEL)
    assert curves.resolution(0.5) == np.inf
    plot = model_curve_table(curves).plot
    assert plot is not None
    assert "do not agree" in plot.headline
    assert not plot.marks


def test_resolution_when_the_first_shells_are_disturbed_is_where_agreement_ends() -> None:
    cut = filter_radial(mapped(MODEL), lambda f: np.where(f <= 0.25, 1.0, 0.0))
    noise = np.random.default_rng(0).standard_normal(GRID.shape)
    slow = filter_radial(mapped(noise * MODEL.std() * 50), lambda f: np.where(f < 0.07, 1.0, 0.0))
    weak = 0.02 * cut.float32().std() * noise
    curves = model_shell_correlation(mapped(cut.data + slow.data + weak), MODEL)
    assert curves.best[2] < 0.5
    assert curves.resolution(0.5) == pytest.approx(4.0, abs=0.3)


def test_mask_that_is_empty_or_elsewhere_is_refused() -> None:
    with pytest.raises(DataError, match="0 everywhere"):
        model_shell_correlation(mapped(MODEL), MODEL, mapped(np.zeros(GRID.shape)))
    with pytest.raises(GridError, match="the mask"):
        model_shell_correlation(mapped(MODEL), MODEL, Volume(np.ones((4, 4, 4))))
