"""JSON files that list particles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.stream import read_text
from mapscope.volume import Array


def read_json(path: Path, findings: Findings) -> dict[str, Any]:
    """The object in a JSON file.

    Raises
    ------
    MapFormatError
        If it is none.
    """
    content = parsed(read_text(path), findings)
    if not isinstance(content, dict):
        raise findings.refuse(f"expected a JSON object, got a {type(content).__name__}")
    return content


def parsed(text: str, findings: Findings) -> Any:
    """What a text says as JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise findings.refuse(f"this is no JSON ({error})") from error


def array_of(values: Any, shape: tuple[int, ...], what: str, findings: Findings) -> Array:
    """Finite numbers of a shape, in which -1 stands for any length.

    Raises
    ------
    MapFormatError
        If they are not.
    """
    try:
        array = np.array(values, dtype=np.float64).reshape(shape)
    except (TypeError, ValueError) as error:
        raise findings.refuse(f"{what}: expected {shape} numbers ({error})") from None
    if not (np.abs(array) < 1e9).all():
        raise findings.refuse(f"{what}: expected finite numbers below 1e9")
    return array


def written_in_rows(content: dict[str, Any], rows: str) -> bytes:
    """JSON as bytes, one line for each item of the list that is called `rows`."""
    lines = [json.dumps(item, ensure_ascii=False, allow_nan=False) for item in content[rows]]
    listed = "[\n" + ",\n".join(f"        {line}" for line in lines) + "\n    ]"
    text = written(content | {rows: []}).decode()
    return text.replace(f'"{rows}": []', f'"{rows}": {listed if lines else "[]"}').encode()


def written(content: Any, indent: int | None = 4) -> bytes:
    """JSON as bytes."""
    return (json.dumps(content, ensure_ascii=False, allow_nan=False, indent=indent) + "\n").encode()
