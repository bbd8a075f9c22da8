"""A job's signature as that of its command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter as Option

from mapscope.cli.run_job import run_job
from mapscope.cli.terminal import on_one_line
from mapscope.job import Job, Parameter
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.volume import HalfMaps, Volume

ADDRESS = {
    Volume: "columns=FWT,PHWT (MTZ), index=0 (stack), cover=model.cif (crystal), kind=volume",
    HalfMaps: "index=0 (stack)",
    Structure: "assembly=1",
    Labels: "kind=labels",
    Particles: "voxel_size=13.48, tomogram=tomogram.mrc",
}
"""Options that may stand behind a file's name, by the noun that is read."""


def command_of(job: Job) -> Callable[..., None]:
    """A function with the signature that the job's command shall have."""

    def run(*args: Any, **kwargs: Any) -> None:
        given = inspect.signature(run).bind(*args, **kwargs).arguments
        out, save = given.pop("out", None), given.pop("save", "")
        run_job(job, given, out=out, save=save, as_json=given.pop("json_", False))

    parameters = [_option(p) for p in job.parameters]
    parameters += _common_options(job)
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__doc__ = "\n\n".join([job.summary, *map(on_one_line, job.description.split("\n\n"))])
    return run


def _option(parameter: Parameter) -> inspect.Parameter:
    """One parameter of a job as one of its command."""
    is_noun = parameter.kind == "noun"
    unit = f" ({parameter.show.unit})" if parameter.show.unit else ""
    address = ADDRESS.get(parameter.noun) if parameter.noun is not None else None
    how = f" 'FILE?...' may say how to read it: {address}." if address else ""
    word = Option(help=parameter.help + unit + how, negative=None if _is_flag(parameter) else "")
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD if is_noun else inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if parameter.required else parameter.default,
        annotation=Annotated[_word_type(parameter), word],
    )


def _is_flag(parameter: Parameter) -> bool:
    return parameter.kind == "flag"


def _word_type(parameter: Parameter) -> Any:
    """Type of what is typed in a shell for a parameter; its bounds are checked by the job."""
    types: dict[str, Any] = {
        "noun": tuple[Path, Path] if parameter.noun is HalfMaps else Path,
        "number": float,
        "integer": int,
        "flag": bool,
        "choice": Literal[parameter.choices] if parameter.choices else str,
        "text": str,
        "region": str,
        "triple": tuple[float, float, float],
        "path": Path,
    }
    word = types[parameter.kind]
    return word | None if parameter.optional else word


def _common_options(job: Job) -> list[inspect.Parameter]:
    """``--out``, ``--save`` and ``--json``."""
    names = ", ".join(o.name for o in job.outputs if o.is_noun)
    keyword = inspect.Parameter.KEYWORD_ONLY

    def option(name: str, kind: Any, default: Any, text: str, word: str) -> inspect.Parameter:
        shown = Option(name=word, help=text, negative="", show_default=False)
        annotation = Annotated[kind, shown]
        return inspect.Parameter(name, keyword, default=default, annotation=annotation)

    return [
        option(
            "out",
            str | None,
            None,
            f"File (or folder/) to write: {names}; x.html: a report.",
            "--out",
        ),
        option("save", str, "", "Only these outputs, separated by commas.", "--save"),
        option("json_", bool, False, "Print one JSON object.", "--json"),
    ]
