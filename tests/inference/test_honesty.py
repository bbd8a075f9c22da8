"""The enhancer that comes with Mapscope invents nothing: the honesty benchmark at small size.

Every test runs on models whose answers are known as well, so that the measures are seen to pass an
honest model and to fail another.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.benchmark_scripts import benchmark_script
from tests.tiny_models import enhancer_file, write_enhancer

from mapscope.files import read
from mapscope.simulate.atoms import atoms_of
from mapscope.simulate.degradation import Degradation
from mapscope.simulate.known_pairs import KnownPair, box_around, known_pair
from mapscope.structure import Structure
from mapscope.volume import Volume

MODELS = ["known", "enhancer"]
EDGE = 48


HONESTY = benchmark_script("honesty")


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return str(enhancer_file()) if request.param == "known" else "enhancer"


@pytest.fixture(scope="module")
def structure(sample_folder: Path) -> Structure:
    found: Structure = read(sample_folder / "four_helix_bundle.cif")
    return found


@pytest.fixture(scope="module")
def pair(structure: Structure) -> KnownPair:
    atoms = atoms_of(structure, hydrogens=False)
    even = Degradation(signal_to_noise=200.0, seed=1)
    return known_pair(atoms, box_around(atoms, EDGE), resolution=4.0, degradation=even)


@pytest.fixture(scope="module")
def mean(pair: KnownPair) -> Volume:
    return pair.half_maps.first


@pytest.fixture(scope="module")
def lifting(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that makes more of whatever is dense."""
    folder = tmp_path_factory.mktemp("lifting")
    return str(write_enhancer(folder / "lifting.safetensors", lift=2.0))


def failed(findings: object) -> list[str]:
    """What was not met, in words."""
    return [str(finding) for finding in findings if not finding.is_met]  # type: ignore[attr-defined]


def test_noise_and_random_phases_come_out_no_higher_than_they_went_in(
    model: str, mean: Volume
) -> None:
    assert failed(HONESTY.of_noise(model, iter([("simulated", mean, 4.0)]), edge=40)) == []


def test_noise_that_a_model_makes_stronger_is_seen(lifting: str, mean: Volume) -> None:
    found = failed(HONESTY.of_noise(lifting, iter([("simulated", mean, 4.0)]), edge=40))
    assert any("white" in line and "deviation" in line for line in found)
    assert any("random phases" in line and "highest" in line for line in found)


def test_chain_that_was_left_out_stays_out(model: str, structure: Structure) -> None:
    more, shown, what = HONESTY.part_removed(model, structure, 4.0, 1, EDGE)
    assert more <= HONESTY.ADDED
    assert shown > 0.3, f"{what} itself is not shown, so that its absence says nothing"


def test_blob_that_was_put_in_survives(model: str, structure: Structure) -> None:
    value, seen = HONESTY.blob_recall(model, structure, 4.0, 1, 64)
    assert seen > 100
    assert value >= HONESTY.RECALL


def test_outputs_of_the_half_maps_agree_no_more_than_the_truth_explains(
    model: str, pair: KnownPair
) -> None:
    of_inputs, of_outputs, unexplained = (f.value for f in HONESTY.of_halves(model, pair))
    assert 0.1 < of_inputs < 1
    assert of_outputs >= of_inputs - 0.05
    assert unexplained < 0.15


def test_moved_maps_give_moved_results_and_inverted_contrast_is_named(
    model: str, pair: KnownPair
) -> None:
    assert failed(HONESTY.of_moves(model, pair, turns=4)) == []


def test_finding_knows_its_limits() -> None:
    assert HONESTY.Finding("a", 0.5, most=0.5).is_met
    assert not HONESTY.Finding("a", 0.6, most=0.5).is_met
    assert HONESTY.Finding("a", 0.6, least=0.6).is_met
    assert not HONESTY.Finding("a", 0.5, least=0.6).is_met
    assert "MISSED" in str(HONESTY.Finding("a", 0.5, least=0.6))
