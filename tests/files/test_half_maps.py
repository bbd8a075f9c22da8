"""Half maps are recognised by the names that programs write."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapscope.files import half_map_name, half_map_pairs, partner_of

PAIRS = [
    ("half1.mrc", "half2.mrc"),
    ("half_1.mrc", "half_2.mrc"),
    ("map_half1.mrc", "map_half2.mrc"),
    ("Half-1.map", "Half-2.map"),
    ("half_map_1.mrc", "half_map_2.mrc"),
    ("halfmap1.mrc", "halfmap2.mrc"),
    ("half_A.mrc", "half_B.mrc"),
    ("emd_1234_half_map_1.map.gz", "emd_1234_half_map_2.map.gz"),
    ("EMD-3061_half1.map.bz2", "EMD-3061_half2.map.bz2"),
    ("run_half1_class001_unfil.mrc", "run_half2_class001_unfil.mrc"),
    ("run_it025_half1_class001.mrc", "run_it025_half2_class001.mrc"),
    ("cryosparc_P1_J2_003_volume_map_half_A.mrc", "cryosparc_P1_J2_003_volume_map_half_B.mrc"),
    ("J2_map_half_a.mrc", "J2_map_half_b.mrc"),
    ("tomo5_even.mrc", "tomo5_odd.mrc"),
    ("even.rec", "odd.rec"),
    ("TS_01_EVN.mrc", "TS_01_ODD.mrc"),
    ("Even_tomo.mrc", "Odd_tomo.mrc"),
    ("map_h1.mrc", "map_h2.mrc"),
    ("h1.map", "h2.map"),
    ("2024_h1_half1.mrc", "2024_h1_half2.mrc"),
]
OTHERS = [
    "halfway.mrc",
    "half.mrc",
    "half_12.mrc",
    "half_apple.mrc",
    "halfbaked.mrc",
    "evening.mrc",
    "odds.mrc",
    "graph1.mrc",
    "h12.mrc",
    "map1.mrc",
    "map_1.mrc",
    "map_A.mrc",
    "emd_1234.map.gz",
    "bandh1.mrc",
    "behalf1.mrc",
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_name_when_a_program_wrote_it_then_number_stem_and_partner_are_known(
    first: str, second: str
) -> None:
    one, two = half_map_name(first), half_map_name(second)
    assert one is not None
    assert two is not None
    assert (one.number, two.number) == (1, 2)
    assert one.stem == two.stem
    assert one.partners == (second,)
    assert first in two.partners


@pytest.mark.parametrize("name", OTHERS)
def test_name_when_it_is_no_half_map_then_nothing_is_said(name: str) -> None:
    assert half_map_name(name) is None


def test_partner_when_it_exists_compressed_or_not_then_it_is_found(tmp_path: Path) -> None:
    one, two = tmp_path / "a_half1.mrc", tmp_path / "a_half2.mrc.gz"
    one.touch()
    assert partner_of(one) is None
    two.touch()
    assert partner_of(one) == two
    assert partner_of(two) == one


def test_pairs_when_files_are_mixed_then_only_whole_pairs_are_given() -> None:
    names = ["b_half2.mrc", "x.mrc", "a_half_A.mrc", "b_half1.mrc", "a_half_B.mrc", "c_half1.mrc"]
    assert half_map_pairs(names) == [
        (Path("b_half1.mrc"), Path("b_half2.mrc")),
        (Path("a_half_A.mrc"), Path("a_half_B.mrc")),
    ]


def test_pairs_when_folders_differ_then_halves_do_not_meet() -> None:
    assert half_map_pairs(["p/half1.mrc", "q/half2.mrc"]) == []
