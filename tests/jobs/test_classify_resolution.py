"""The class of a map's resolution, by a small model that learns when the tests begin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.tiny_models import EDGE, RESOLUTIONS, VOXEL_SIZE, blob_map, resolution_model_file

from mapscope.errors import DataError, GridError, InputError
from mapscope.inference.card import Card
from mapscope.inference.model_file import read_model, write_model
from mapscope.inference.resolution_class import BUNDLED, RANGES, is_of_resolution
from mapscope.jobs import classify_resolution
from mapscope.jobs.resolution.classify_resolution import MODEL, model_names
from mapscope.record import record_of
from mapscope.volume import HalfMaps, Volume

NOISE = np.random.default_rng(0).standard_normal((32,) * 3, dtype=np.float32)


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    """One's own models are the small one."""
    monkeypatch.setenv("MAPSCOPE_MODELS", str(resolution_model_file().parent))


def heap(resolution: float, seed: int = 100, size: int = 32, step: float = VOXEL_SIZE) -> Volume:
    """A map of a heap of atoms that no training has seen."""
    return Volume(blob_map(resolution, seed, size, step), (step,) * 3)


@pytest.mark.parametrize("step", [VOXEL_SIZE, 1.5])
@pytest.mark.parametrize(("resolution", "name"), list(zip(RESOLUTIONS, RANGES, strict=True)))
def test_class_of_a_map_is_that_of_its_resolution_at_any_voxel_size(
    resolution: float, name: str, step: float
) -> None:
    found = classify_resolution(heap(resolution, step=step))
    assert found.resolution_class == name
    assert found.probability is not None
    assert found.probability > 0.5
    assert found.verdict.startswith(f"{name} (")
    assert found.verdict.endswith(f", {round(100 * found.probability)} %")
    assert found.answered_by == f"the model {BUNDLED}, version 1"
    assert (found.note is None) == (step == VOXEL_SIZE)
    table = found.probabilities
    assert table["probability"].sum() == pytest.approx(1, abs=1e-5)
    assert table["class"][np.argmax(table["probability"])] == name


def test_resampled_map_is_said_to_be() -> None:
    note = classify_resolution(heap(7.5, step=1.5)).note
    assert note is not None
    assert "from 1.5 Å to 2 Å per voxel" in note


def test_half_maps_are_judged_by_their_mean_and_dark_density_as_bright() -> None:
    whole = heap(7.5)
    odd = whole.with_data(whole.data + 0.2 * whole.data.std() * NOISE)
    even = whole.with_data(2 * whole.data - odd.data)
    by_halves = classify_resolution(half_maps=HalfMaps(odd, even))
    dark = Volume(-whole.data, whole.voxel_size, contrast=-1)
    assert by_halves.resolution_class == "medium"
    assert classify_resolution(dark).resolution_class == "medium"


def cut_at_a_level(volume: Volume) -> Volume:
    return volume.with_data(np.where(volume.data > 0.3 * volume.data.max(), volume.data, 0))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v: v.with_data(np.full_like(v.data, 2.5)), "the map is constant (2.5 everywhere)"),
        (lambda v: v.with_data(-v.data), "its contrast is inverted"),
        (lambda v: v.with_data(NOISE), "its densities are spread as those of noise"),
        (cut_at_a_level, "it is masked tightly"),
    ],
)
def test_map_that_says_nothing_is_outside_with_its_reason(
    change: Callable[[Volume], Volume], reason: str
) -> None:
    found = classify_resolution(change(heap(4.0)))
    assert found.resolution_class == "outside"
    assert found.verdict.startswith(f"outside what I know: {reason}")
    assert found.probability is None
    assert np.isnan(found.probabilities["probability"].astype(float)).all()


def test_map_that_the_model_knows_for_no_molecule_is_outside() -> None:
    skewed = np.exp(0.4 * NOISE)
    found = classify_resolution(Volume(skewed, (VOXEL_SIZE,) * 3))
    assert found.verdict.startswith(f"outside what I know: {BUNDLED} sees no density of molecules")


def test_answer_below_the_least_probability_of_the_card_is_outside(tmp_path: Path) -> None:
    file = read_model(resolution_model_file())
    card = file.card.model_copy(update={"least_probability": 1.0, "name": "careful"})
    path = write_model(tmp_path / "careful.safetensors", card, file.state)
    found = classify_resolution(heap(9.0), model=str(path))
    assert found.resolution_class == "outside"
    assert "careful cannot decide (" in found.verdict


def test_voxels_too_coarse_for_a_class_rule_it_out() -> None:
    coarse = heap(15.0, size=20, step=5.5)
    table = classify_resolution(coarse).probabilities
    assert table["probability"][:2].tolist() == [0, 0]


def test_mask_says_where_the_molecule_is() -> None:
    fine, coarse = heap(4.0), heap(15.0)
    both = np.concatenate([fine.data, coarse.data], axis=2)
    volume = Volume(both, fine.voxel_size)
    for half, name in ((0, "high"), (1, "low")):
        mask = np.zeros_like(both)
        mask[8:24, 8:24, 32 * half + 8 : 32 * half + 24] = 1
        found = classify_resolution(volume, mask=Volume(mask, fine.voxel_size))
        assert found.resolution_class == name
    with pytest.raises(DataError, match="nowhere above"):
        classify_resolution(volume, mask=Volume(0 * both, fine.voxel_size))
    with pytest.raises(GridError):
        classify_resolution(volume, mask=fine)


def test_record_holds_the_model_and_its_checksum() -> None:
    found = classify_resolution(heap(7.5))
    record = record_of(found.probabilities)
    assert record is not None
    assert record.parameters["model"] == MODEL
    assert record.answers["model_checksum"] == read_model(resolution_model_file()).checksum


def test_models_offered_are_those_that_say_resolution_mapscopes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = read_model(resolution_model_file())
    others = {"another": {}, BUNDLED: {}, "of_residues": {"classes": ("a", "b", "c", "d")}}
    for name, changes in others.items():
        card = file.card.model_copy(update={"name": name, **changes})
        write_model(tmp_path / f"{name}.safetensors", card, file.state)
    monkeypatch.setenv("MAPSCOPE_MODELS", str(tmp_path))
    first, *rest = model_names()
    assert first == BUNDLED == MODEL
    assert rest == sorted(rest)
    assert "another" in rest
    assert "of_residues" not in rest
    with pytest.raises(InputError, match="does not say the class"):
        classify_resolution(heap(7.5), model="of_residues")
    with pytest.raises(InputError, match="there is no model 'missing'"):
        classify_resolution(heap(7.5), model="missing")


def test_model_of_three_classes_without_outside_is_one_of_resolution() -> None:
    card: Card = read_model(resolution_model_file()).card
    three = card.model_copy(update={"classes": tuple(RANGES)})
    assert is_of_resolution(card)
    assert is_of_resolution(three)
    assert not is_of_resolution(card.model_copy(update={"classes": ("low", "medium", "high")}))
    assert card.tile == EDGE
