"""What an enhancer must be, and how its variance becomes a chance."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tiny_models import enhancer_file, voxel_model_file, write_enhancer

from mapscope.errors import InputError, ModelFormatError
from mapscope.inference.card import Card
from mapscope.inference.enhancing import chance_of, enhancers, enhances, require_enhancer
from mapscope.inference.model_file import read_card
from mapscope.inference.model_list import VARIABLE

TABLE = ((0.05, 0.95), (0.2, 0.7), (0.8, 0.3))
VARIANCES = np.geomspace(1e-3, 10, 400).astype(np.float32)


def card(**changes: object) -> Card:
    return read_card(enhancer_file()).model_copy(update=changes)


def test_chance_is_the_tables_linear_between_its_rows_and_level_beyond() -> None:
    known = card(confidence=TABLE)
    at_rows = chance_of(known, np.array([v for v, _ in TABLE], np.float32))
    np.testing.assert_allclose(at_rows, [c for _, c in TABLE], atol=1e-6)
    between = chance_of(known, np.array([0.125, 0.5, 0.0, 9.0], np.float32))
    np.testing.assert_allclose(between, [0.825, 0.5, 0.95, 0.3], atol=1e-6)


@pytest.mark.parametrize("table", [TABLE, ()])
def test_chance_never_rises_with_the_variance_and_stays_a_chance(table: object) -> None:
    chance = chance_of(card(confidence=table), VARIANCES)
    assert (np.diff(chance) <= 0).all()
    assert 0 <= chance.min() < chance.max() <= 1


def test_chance_without_a_table_is_how_often_a_normal_error_is_that_small() -> None:
    errors = np.random.default_rng(0).standard_normal(200_000)
    for variance in (0.1, 1.0, 4.0):
        expected = float((np.abs(errors) * variance**0.5 < 0.5).mean())
        found = chance_of(card(), np.array([variance], np.float32))
        assert found[0] == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize(
    "rows",
    [((0.2, 0.5), (0.1, 0.4)), ((0.1, 0.4), (0.2, 0.5)), ((0.1, 1.2),), ((-0.1, 0.5),)],
)
def test_card_refuses_a_table_that_is_none(rows: object) -> None:
    content = card().to_json() | {"confidence": rows}
    with pytest.raises(ModelFormatError, match="confidence"):
        Card.from_json(content)


def test_card_keeps_its_table() -> None:
    known = card(confidence=TABLE)
    assert Card.from_json(known.to_json()).confidence == TABLE
    assert Card.from_json(card().to_json()).confidence == ()


def test_only_models_of_half_maps_that_make_a_map_are_enhancers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert enhances(card())
    other = read_card(voxel_model_file())
    assert not enhances(other)
    with pytest.raises(InputError, match="no enhancer"):
        require_enhancer(other)
    assert not enhances(card(input_channels=("half_map_2", "half_map_1")))
    write_enhancer(tmp_path / "mine.safetensors")  # type: ignore[operator]
    assert "mine" in [model.name for model in enhancers()]
