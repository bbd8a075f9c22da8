"""A job's parameters are read from its signature and checked at every call."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import Field

from mapscope.errors import Cancelled, InputError
from mapscope.job import Job, Position, Show, job
from mapscope.progress import Progress, silent
from mapscope.record import record_of, source_of
from mapscope.table import Table
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Region, Volume


@dataclass(frozen=True)
class Everything:
    """All that comes out.

    Parameters
    ----------
    map : Volume
        The map.
    extra : Volume or None
        Another map, where
        asked for.
    rows : Table
        Numbers.
    factor : float
        Å², a factor.
    """

    map: Volume
    extra: Volume | None
    rows: Table
    factor: float


@job(live=True)
def everything(
    volume: Volume,
    half_maps: HalfMaps | None = None,
    *,
    number: Annotated[float, Field(gt=0, le=9), Show(unit="Å", slider=(1.0, 9.0))] = 3.0,
    auto: Annotated[float | None, Field(ge=-2)] = None,
    count: Annotated[int, Field(ge=0), Show(more=True)] = 2,
    is_on: bool = True,
    way: Literal["fast", "good"] = "good",
    name: str = "",
    position: Position = (0.0, 0.0, 0.0),
    b_factor: float | None = None,
    region: Region | None = None,
    progress: Progress = silent,
) -> Everything:
    """Everything at once.

    More of it.

    Parameters
    ----------
    volume : Volume
        The map.
    number : float
        A number that is
        described on two lines.

    References
    ----------
    .. [1] Somebody (2020) A Journal
       1, 2-3.
    .. [2] Another (2021) B.

    Notes
    -----
    .. [3] no reference
    """
    progress(1, 1, "done")
    extra = None if half_maps is None else half_maps.first
    return Everything(volume, extra, Table({"a": np.array([number])}), np.float32(2.5))  # type: ignore[arg-type]


@job(title="Same again")
def same(volume: Volume) -> Volume:
    """Map that came in.

    Returns
    -------
    again : Volume
        The map.
    """
    return volume


VOLUME = Volume(np.zeros((4, 4, 4), np.float32))
PARAMETERS = {p.name: p for p in everything.parameters}


def test_parameters_when_read_have_the_kinds_of_their_types() -> None:
    assert {name: p.kind for name, p in PARAMETERS.items()} == {
        "volume": "noun",
        "half_maps": "noun",
        "number": "number",
        "auto": "number",
        "count": "integer",
        "is_on": "flag",
        "way": "choice",
        "name": "text",
        "position": "triple",
        "b_factor": "number",
        "region": "region",
    }
    assert [p.name for p in everything.inputs] == ["volume", "half_maps"]
    assert everything.settings[0] is PARAMETERS["number"]


def test_parameters_when_read_know_bounds_choices_help_unit_and_what_is_optional() -> None:
    number, auto = PARAMETERS["number"], PARAMETERS["auto"]
    assert number.bounds == (0, 9)
    assert auto.bounds == (-2, None)
    assert PARAMETERS["way"].choices == ("fast", "good")
    assert number.help == "A number that is described on two lines."
    assert (number.show.unit, number.show.slider, number.show.more) == ("Å", (1.0, 9.0), False)
    assert PARAMETERS["count"].show.more
    assert [n for n, p in PARAMETERS.items() if p.required] == ["volume"]
    assert {n for n, p in PARAMETERS.items() if p.optional} == {
        "half_maps",
        "auto",
        "b_factor",
        "region",
    }
    assert PARAMETERS["half_maps"].noun is HalfMaps
    assert number.noun is None
    assert PARAMETERS["b_factor"].label == "B-factor"


def test_job_when_read_knows_its_texts_papers_and_family() -> None:
    assert everything.title == "Everything"
    assert same.title == "Same again"
    assert everything.summary == "Everything at once."
    assert everything.description == "More of it."
    assert everything.cite == ("Somebody (2020) A Journal 1, 2-3.", "Another (2021) B.")
    assert same.cite == ()
    assert repr(same) == "<job same>"


def test_job_when_made_in_a_script_has_no_family() -> None:
    def loose(volume: Volume) -> Volume:
        return volume

    loose.__module__ = "__main__"
    assert Job(loose).family == ""


def test_outputs_when_a_dataclass_comes_out_are_its_fields() -> None:
    outputs = everything.outputs
    assert [(o.name, o.noun) for o in outputs] == [
        ("map", Volume),
        ("extra", Volume),
        ("rows", Table),
        ("factor", None),
    ]
    assert outputs[1].help == "Another map, where asked for."


def test_outputs_when_one_noun_comes_out_are_named_by_the_docstring() -> None:
    (output,) = same.outputs
    assert (output.name, output.noun, output.help) == ("again", Volume, "The map.")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("number", 0, "Number: Input should be greater than 0, got 0"),
        ("number", 9.5, "less than or equal to 9, got 9.5"),
        ("number", math.nan, "Number: .*got nan"),
        ("number", None, "valid number, got None"),
        ("b_factor", math.inf, "B-factor: expected a finite number, got inf"),
        ("position", (0.0, math.nan, 1.0), "Position: expected a finite number"),
        ("position", (0.0, 1.0), "Position: .*got"),
        ("count", 1.5, "Count: .*integer"),
        ("count", -1, "Count: .*greater than or equal to 0"),
        ("way", "slow", "Way: .*'fast' or 'good', got 'slow'"),
        ("is_on", "perhaps", "Is on: .*boolean"),
        ("region", "1:2", "Region: a region reads z0:z1"),
        ("region", "4:2,1:2,1:2", "Region: .* is empty"),
        ("volume", None, "Volume: expected a Volume, got NoneType"),
        ("volume", np.zeros((4, 4, 4)), "Volume: expected a Volume, got ndarray"),
        ("half_maps", VOLUME, "Half maps: expected a HalfMaps, got Volume"),
    ],
)
def test_check_when_a_value_is_wrong_says_which_what_was_expected_and_what_came(
    name: str, value: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        everything.check(**({"volume": VOLUME} | {name: value}))


def test_check_when_a_value_is_a_large_thing_keeps_the_message_on_one_short_line() -> None:
    with pytest.raises(InputError) as caught:
        everything.check(VOLUME, number=example_noun(Volume))
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def test_check_when_the_call_is_wrong_says_how() -> None:
    with pytest.raises(InputError, match="Everything needs volume"):
        everything.check()
    with pytest.raises(InputError, match="no parameter 'colour'"):
        everything.check(VOLUME, colour=1)
    with pytest.raises(InputError, match="given by name"):
        everything.check(VOLUME, None, 3.0)
    with pytest.raises(InputError, match="'volume' twice"):
        everything.check(VOLUME, volume=VOLUME)


def test_check_when_right_fills_in_defaults_and_converts() -> None:
    bound = everything.check(VOLUME, number=4, count="7", region="0:2,0:2,0:2")
    assert bound["volume"] is VOLUME
    assert (bound["number"], type(bound["number"])) == (4.0, float)
    assert bound["count"] == 7
    assert bound["region"] == Region((0, 0, 0), (2, 2, 2))
    assert (bound["way"], bound["auto"], bound["is_on"]) == ("good", None, True)
    assert list(bound) == list(PARAMETERS)


def test_call_when_done_leaves_a_record_on_every_noun() -> None:
    result = everything(VOLUME, number=2, region="0:2,0:2,0:2")
    record = record_of(result.map)
    assert record is not None
    assert record is record_of(result.rows)
    assert record.job == "everything"
    assert record.parameters["number"] == 2.0
    assert record.parameters["region"] == "0:2,0:2,0:2"
    assert record.parameters["position"] == [0.0, 0.0, 0.0]
    assert "volume" not in record.parameters
    assert record.outputs == {"map": VOLUME.checksum(), "rows": result.rows.checksum()}
    assert [i.parameter for i in record.inputs] == ["volume"]
    assert record.cite == everything.cite
    assert source_of(result.rows).field == "rows"
    assert source_of(same(VOLUME)).field == ""


def test_call_when_an_input_is_handed_through_leaves_the_input_without_a_record() -> None:
    volume = Volume(np.ones((2, 2, 2), np.float32))
    again = same(volume)
    assert again is not volume
    assert again.checksum() == volume.checksum()
    assert record_of(volume) is None
    assert record_of(again) is not None
    assert everything(volume).map is not volume
    assert record_of(volume) is None


def test_call_when_it_reports_progress_passes_it_on_and_cancels() -> None:
    seen: list[str] = []
    everything(VOLUME, progress=lambda *call: seen.append(call[2]))
    assert seen == ["done"]

    def cancel(done: int, total: int, message: str) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        everything(VOLUME, progress=cancel)
    same(VOLUME, progress=cancel)


def test_scalars_and_nouns_of_a_result_are_told_apart() -> None:
    result = everything(VOLUME)
    assert dict(everything.nouns_of(result)).keys() == {"map", "rows"}
    assert everything.scalars_of(result) == {"factor": 2.5}
    assert type(everything.scalars_of(result)["factor"]) is float
    assert same.scalars_of(VOLUME) == {}
    assert list(same.nouns_of(VOLUME)) == [("again", VOLUME)]


def test_parameters_when_a_type_is_unknown_are_refused() -> None:
    @job()
    def odd(volume: Volume, *, numbers: dict[str, int]) -> Volume:
        return volume

    with pytest.raises(TypeError, match="cannot take a parameter of type"):
        odd.parameters  # noqa: B018


def test_job_when_memory_is_short_then_it_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    huge = Volume(np.broadcast_to(np.float32(0), (1024, 1024, 1024)))
    monkeypatch.setattr("mapscope.job.free_memory", lambda: 10e9)
    with pytest.raises(InputError, match=r"Same again needs about 17\.2 GB .* 10\.0 GB are free"):
        same._require_memory({"volume": huge})
    monkeypatch.setattr("mapscope.job.free_memory", lambda: 18e9)
    same._require_memory({"volume": huge})
    monkeypatch.setattr("mapscope.job.free_memory", lambda: None)
    same._require_memory({"volume": huge})


def test_job_when_memory_is_short_then_small_maps_and_regions_still_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mapscope.job.free_memory", lambda: 0.0)
    assert same(VOLUME).shape == VOLUME.shape
    huge = Volume(np.broadcast_to(np.float32(0), (1024, 1024, 1024)))
    region = Region((0, 0, 0), (8, 8, 8))
    everything._require_memory({"volume": huge, "half_maps": None, "region": region})
    with pytest.raises(InputError, match="make the map smaller first"):
        same(huge)
