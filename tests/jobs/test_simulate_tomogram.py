from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.files import read
from mapscope.jobs import simulate_tomogram, simulate_tomograms
from mapscope.structure import Structure

SMALL = {"number": 5, "planes": 28, "rows": 36, "columns": 40, "images": 7}


@pytest.fixture
def bundle(sample_folder: Path) -> Structure:
    found = read(sample_folder / "four_helix_bundle.cif")
    assert isinstance(found, Structure)
    return found


def test_simulate_tomogram_when_given_a_structure_holds_so_many_of_it(bundle: Structure) -> None:
    made = simulate_tomogram(bundle, seed=2, **SMALL)
    assert made.number == 5
    assert set(made.particles.species) == {bundle.name or "particle"}
    assert made.tomogram.shape == (28, 36, 40)
    assert made.particles.columns["voxel_size"].tolist() == [10.0] * 5
    assert made.signal_to_noise == pytest.approx(0.4, rel=0.1)
    tilts = made.tilts.columns
    np.testing.assert_allclose(tilts["tilt"], np.linspace(-60, 60, 7))
    np.testing.assert_array_equal(tilts["defocus"], np.full(7, 30000.0))
    assert made.noise_free.data.std() < made.tomogram.data.std()


def test_simulate_tomogram_when_run_again_is_the_same(bundle: Structure) -> None:
    first, again = (simulate_tomogram(bundle, seed=4, **SMALL) for _ in range(2))
    assert first.tomogram.checksum() == again.tomogram.checksum()
    assert first.particles.checksum() == again.particles.checksum()


@pytest.mark.parametrize(
    "setting",
    [
        {"method": "projection"},
        {"signal_to_noise": 0.02},
        {"signal_to_noise": 0.0, "dose_e_per_a2": 60.0},
        {"dose_e_per_a2": 60.0},
        {"defocus_um": 5.0},
        {"defocus_spread_um": 0.5},
        {"amplitude_contrast": 0.2},
        {"ctf_decay": 0.02},
        {"structural_noise": 0.0},
        {"ice_noise": 0.0},
        {"noise_through_ctf": 0.0},
        {"noise_sampling": 2.0},
        {"thickness": 200.0},
        {"gold_beads": 1, "gold_diameter": 60.0},
        {"highest_tilt": 50.0},
        {"voltage_kv": 200.0},
        {"cs_mm": 0.0},
        {"slab": 100.0},
    ],
)
def test_simulate_tomogram_when_a_setting_changes_so_does_the_tomogram(
    bundle: Structure, setting: dict[str, Any]
) -> None:
    """No setting is without effect."""
    plain = simulate_tomogram(bundle, seed=1, **SMALL)
    other = simulate_tomogram(bundle, seed=1, **(SMALL | setting))
    difference = np.abs(np.asarray(other.tomogram.data) - np.asarray(plain.tomogram.data)).max()
    assert difference > 1e-4 * plain.tomogram.data.std()


def test_simulate_tomogram_when_a_detector_is_given_loses_contrast(
    bundle: Structure, tmp_path: Path
) -> None:
    (tmp_path / "mtf.csv").write_text("0.0, 1.0\n1.0, 0.2\n")
    (tmp_path / "dqe.csv").write_text("0.0, 0.8\n1.0, 0.2\n")
    plain = simulate_tomogram(bundle, seed=1, **SMALL)
    curves = {"mtf": tmp_path / "mtf.csv", "dqe": tmp_path / "dqe.csv", "detector_pixel": 10.0}
    seen = simulate_tomogram(bundle, seed=1, **SMALL, **curves)
    assert seen.noise_free.data.std() < 0.9 * plain.noise_free.data.std()
    assert seen.signal_to_noise == pytest.approx(plain.signal_to_noise, rel=0.05)


def test_simulate_tomogram_when_species_come_from_a_list_adds_the_structure(
    bundle: Structure, sample_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text("file,species\nfour_helix_bundle.cif,listed\n")
    made = simulate_tomogram(
        bundle, species=tmp_path / "list.csv", root=sample_folder, seed=1, **(SMALL | {"number": 6})
    )
    assert sorted(made.particles.species) == sorted(
        [bundle.name or "particle"] * 3 + ["listed"] * 3
    )


def test_simulate_tomogram_when_there_is_nothing_to_simulate_says_so(bundle: Structure) -> None:
    with pytest.raises(InputError, match="nothing to put into the tomogram"):
        simulate_tomogram(**SMALL)
    with pytest.raises(InputError, match="tilts must rise"):
        simulate_tomogram(bundle, lowest_tilt=10.0, highest_tilt=-10.0)
    with pytest.raises(InputError, match="a dose above 0"):
        simulate_tomogram(bundle, signal_to_noise=0.0, **SMALL)


def test_simulate_tomograms_when_done_says_what_there_is(
    sample_folder: Path, tmp_path: Path
) -> None:
    size = {key: SMALL[key] for key in ("planes", "rows", "columns", "images")}
    made = simulate_tomograms(
        species=sample_folder / "four_helix_bundle.cif",
        folder=tmp_path / "set",
        tomograms=3,
        fewest=2,
        most=4,
        **size,
    )
    assert made.number == len(made.particles) == int(made.species.columns["number"].sum())
    names = made.particles.columns["tomogram"].tolist()
    assert set(names) == {"tomogram_0", "tomogram_1", "tomogram_2"}
    assert all(2 <= names.count(name) <= 4 for name in set(names))
    with pytest.raises(InputError, match="more than the most"):
        simulate_tomograms(
            species=sample_folder / "four_helix_bundle.cif", folder=tmp_path, fewest=5, most=4
        )
