"""How a file is read may stand behind its name, and is kept with what was read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope import files
from mapscope.errors import InputError, UnknownFormatError
from mapscope.files import parse_address, read, write
from mapscope.files.cover import cover_from_text, text_of_cover
from mapscope.record import Source, source_of
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.volume import Grid, Volume

MapMaker = Callable[..., Path]


@pytest.fixture
def stack(make_map: MapMaker) -> Path:
    """Three volumes of 2 x 3 x 4 voxels."""
    data = np.arange(72, dtype=np.float32).reshape(6, 3, 4)
    return make_map(data, name="stack.mrc", ispg=401, mz=2)


def test_parse_when_options_follow_then_they_are_split_off(stack: Path) -> None:
    address = parse_address(f"{stack}?index=2&kind=volume")
    assert (address.path, address.options) == (stack, {"index": 2, "kind": "volume"})


def test_parse_when_a_file_has_that_very_name_then_it_is_the_file(tmp_path: Path) -> None:
    strange = tmp_path / "a.mrc?index=1"
    strange.write_bytes(b"")
    assert parse_address(strange) == files.Address(strange)
    assert parse_address(f"{strange}?kind=labels") == files.Address(strange, {"kind": "labels"})


def test_parse_when_there_is_no_such_file_then_its_name_is_left(tmp_path: Path) -> None:
    missing = tmp_path / "b.mtz"
    assert parse_address(f"{missing}?columns=F,PHI").path == missing
    with pytest.raises(FileNotFoundError, match=r"b\.mtz$"):
        read(f"{missing}?columns=F,PHI")
    assert parse_address("x" * 5000).path.name == "x" * 5000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("colums=F,PHI", "'colums=F,PHI' is no reading option; there are columns=F,PHI of"),
        ("", "'' is no reading option"),
        ("index", "'index' is no reading option"),
        ("index=", "'index=' is no reading option"),
        ("index=1&index=2", "the option index stands there twice"),
        ("index=-1", "index=-1 is no whole number from 0"),
        ("index=²", "is no whole number"),
        ("index=7", "holds 3 volumes, counted from 0; got index=7"),
        ("columns=F,PHI", r"columns is an option of \.mtz, not of \.mrc"),
        ("kind=image", "kind is volume or labels, got 'image'"),
        ("cover=1,2,3:0,0,0", "a box needs a lower and a higher corner"),
    ],
)
def test_read_when_an_option_is_wrong_then_it_says_what_would_be_right(
    make_map: MapMaker, stack: Path, options: str, message: str
) -> None:
    if "cover" in options:
        stack = make_map(np.ones((4, 4, 4), np.float32), cellb=(90.0, 90.0, 120.0))
    with pytest.raises((InputError, UnknownFormatError, ValueError), match=message):
        read(f"{stack}?{options}")


def test_read_when_an_option_stands_in_the_address_then_it_is_as_if_given(stack: Path) -> None:
    for index in range(3):
        named, written = read(stack, index=index), read(f"{stack}?index={index}")
        np.testing.assert_array_equal(named.data, written.data)
        assert named.data[0, 0, 0] == 24 * index
        assert source_of(named) == source_of(written)
        assert source_of(named).options == {"index": index}


def test_read_when_nothing_is_chosen_then_no_option_is_kept(tmp_path: Path) -> None:
    volume = read(write(tmp_path / "a.mrc", example_noun(Volume)))
    assert source_of(volume).options == {}
    assert source_of(volume).address == str((tmp_path / "a.mrc").resolve())


@given(
    st.dictionaries(
        st.sampled_from(["columns", "assembly", "cover"]), st.text(min_size=1), max_size=3
    )
)
def test_parse_when_given_the_address_of_a_source_then_it_has_its_options(
    options: dict[str, str],
) -> None:
    here = os.path.realpath(__file__)
    text = Source(path=here, options=options).address
    assert text is not None
    encodable = all(value.isprintable() for value in options.values())
    if encodable:
        assert parse_address(text) == files.Address(Path(here), options)


SKEWED = (30.0, 32.0, 34.0, 90.0, 105.0, 90.0)
ModelMaker = Callable[..., Path]


@pytest.fixture
def crystal(make_map: MapMaker) -> Path:
    """A whole skewed cell of P 1."""
    random = np.random.default_rng(0)
    data = random.standard_normal((17, 16, 15)).astype(np.float32)
    return make_map(data, name="crystal.map", cella=SKEWED[:3], cellb=SKEWED[3:], ispg=1)


def test_read_when_a_model_file_is_to_be_covered_then_it_is_as_with_the_model(
    crystal: Path, model_far_away: ModelMaker
) -> None:
    path = model_far_away(SKEWED)
    model = read(path)
    expected = read(crystal, cover=model)
    assert not read(crystal).grid.contains(np.array(model.bounds)).any()
    assert expected.grid.contains(np.array(model.bounds)).all()
    for again in (
        read(crystal, cover=path),
        read(f"{crystal}?cover={path}"),
        read(str(source_of(expected).address)),
    ):
        np.testing.assert_array_equal(again.data, expected.data)
        assert again.grid == expected.grid
    assert source_of(expected).options == {"cover": str(path.resolve())}


def test_read_when_the_model_was_built_or_made_then_the_same_box_is_covered(
    crystal: Path, model_far_away: ModelMaker
) -> None:
    path = model_far_away(SKEWED, "a & b.cif")
    made = Structure.from_gemmi(read(path).model)
    box = text_of_cover(made)
    covers: list[Any] = [
        made,
        Grid((4, 5, 6), (3.1, 3.1, 3.1), (-7, 2, 70.3)),
        ((-1.0, 0.1, 2.0), (9.0, 8.0, 30.0)),
    ]
    for cover in covers:
        expected = read(crystal, cover=cover)
        again = read(str(source_of(expected).address))
        np.testing.assert_array_equal(again.data, expected.data)
        assert again.grid == expected.grid
    assert ":" in box
    covered = read(crystal, cover=path)
    assert str(source_of(covered).address).endswith("a %26 b.cif")
    assert read(str(source_of(covered).address)).grid == covered.grid


def test_cover_when_the_file_holds_no_model_then_it_says_what_it_holds(
    crystal: Path, stack: Path
) -> None:
    with pytest.raises(InputError, match=r"can cover an atomic model, but .* holds a volume"):
        read(crystal, cover=f"{stack}?index=0")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.cif"):
        read(f"{crystal}?cover=nowhere.cif")


def test_cover_when_it_is_a_box_then_its_text_gives_every_digit_back() -> None:
    box = ((0.1, -1e-7, 1 / 3), (10.0, 1e22, 7.0))
    assert cover_from_text(text_of_cover(box), read) == box
