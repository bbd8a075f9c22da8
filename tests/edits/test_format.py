"""A log is written as docs/formats.md says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest

from mapscope.edits import Column, EditLog, EditSession, Region, regions
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.record import RecordedInput, Source

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
SCHEMAS: dict[str, Any] = {
    schema["title"]: schema
    for schema in map(
        json.loads, re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    )
}


def assert_valid(name: str, document: Any) -> None:
    kind = jsonschema.Draft202012Validator
    kind.check_schema(SCHEMAS[name])
    kind(SCHEMAS[name], format_checker=jsonschema.FormatChecker()).validate(document)


@pytest.fixture
def paths(points: Particles, labels: Labels) -> list[Path]:
    """Logs in which everything happened that can."""
    session = EditSession()
    picks, areas = (EditLog.create(noun, name="x") for noun in (points, labels))
    for log in (picks, areas):
        session.add(log)
    session.do(picks, picks.points.added({"position": np.ones((200, 3))}))
    session.do(picks, picks.points.added({"position": np.ones((1, 3))}))
    session.do(picks, picks.points.changed([3], {"species": np.array(["é"])}))
    session.do(picks, picks.points.removed([0]))
    session.do(picks, picks.points.with_columns({"note": Column(np.dtype(object))}))
    session.undo()
    session.redo()
    session.undo()
    session.do(areas, regions.merged(areas.labels, [1, 2], 2))
    session.do(areas, regions.split_into_pieces(areas.labels, 3))
    change = regions.relabelled(areas.labels, 2, Region("a", (0, 0.5, 1), "b"))
    for one in (change, regions.painted_voxels(areas.labels, np.arange(0, 900, 7), 5)):
        assert one is not None
        session.do(areas, one)
    session.do(areas, regions.deleted(areas.labels, [3]))
    session.close()
    return [picks.path, areas.path]


def test_every_line_of_a_log_is_as_its_schema_says(paths: list[Path]) -> None:
    seen = set()
    for path in paths:
        header, *edits = map(json.loads, path.read_text("utf-8").splitlines())
        assert_valid("log of edits", header)
        for edit in edits:
            assert_valid("edit", edit)
        seen |= {edit["op"] for edit in edits}
        assert EditLog.open(path).notes == ()
    assert seen == set(SCHEMAS["edit"]["properties"]["op"]["enum"])


def test_edit_when_it_is_another_than_the_schema_says_is_refused(paths: list[Path]) -> None:
    edit = json.loads(paths[0].read_text("utf-8").splitlines()[2])
    for change in ({"op": "explode"}, {"n": -1}, {"colour": 1}, {"ids": "a"}, {"after": 3}):
        with pytest.raises(jsonschema.ValidationError):
            assert_valid("edit", edit | change)


def test_source_of_an_edited_input_is_as_the_schema_of_a_record_says() -> None:
    schema = SCHEMAS["record"]["$defs"]["input"] | {"$defs": SCHEMAS["record"]["$defs"]}
    source = Source(edits="/data/tomo.mrc.edits.jsonl", sequence=12)
    recorded = RecordedInput("labels", "Labels", "0" * 32, (source,))
    content = recorded.to_json()
    assert content["sources"] == [{"edits": "/data/tomo.mrc.edits.jsonl", "sequence": 12}]
    jsonschema.Draft202012Validator(schema).validate(content)
    assert recorded.paths is None
    content["sources"][0]["path"] = "/data/a.mrc"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(content)
