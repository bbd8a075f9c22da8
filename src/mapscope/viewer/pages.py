"""The pages of the documentation, as Markdown: those of docks from files, those of jobs made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from mapscope.job import Job, Output, Parameter
from mapscope.jobs import all_jobs, family_title
from mapscope.viewer.preferences import preferences_table

INDEX = "index"
JOB = "job:"
"""What a page's name begins with where it is made from a job."""

KINDS = {
    "number": "number",
    "integer": "whole number",
    "flag": "yes or no",
    "choice": "one of",
    "text": "text",
    "region": "box",
    "triple": "three numbers",
    "path": "file or folder",
}


def pages_folder() -> Path:
    """Where the written pages are: in the package, or in a checkout beside ``src``."""
    inside = Path(str(files("mapscope"))) / "docs"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "docs"


def page(name: str) -> str:
    """A page by its name: ``contour`` for ``docs/contour.md``, ``job:crop_map`` for a job.

    A name that is unknown gives a page that says so.
    """
    if name.startswith(JOB):
        job = all_jobs().get(name.removeprefix(JOB))
        return _missing(name) if job is None else job_page(job)
    path = pages_folder() / f"{name}.md"
    if not re.fullmatch(r"[\w-]+", name) or not path.is_file():
        return _missing(name)
    text = path.read_text(encoding="utf-8")
    more = {"jobs": list_of_jobs, "preferences": preferences_table}.get(name)
    return text if more is None else f"{text}\n{more()}"


def name_of_link(target: str) -> str:
    """The name of the page that a link between pages leads to.

    Examples
    --------
    >>> name_of_link("contour.md"), name_of_link("job:crop_map")
    ('contour', 'job:crop_map')
    """
    return target.partition("#")[0].removesuffix(".md").removeprefix("docs/")


def _missing(name: str) -> str:
    return f"# No such page\n\nThere is no page *{name}*. [All pages]({INDEX}.md)\n"


def list_of_jobs() -> str:
    """Every job with its summary, by family."""
    jobs = list(all_jobs().values())
    parts = ["## Every job\n"]
    for family in dict.fromkeys(job.family for job in jobs):
        parts.append(f"**{family_title(family)}**\n")
        parts += [f"* [{j.title}]({JOB}{j.name}): {j.summary}" for j in jobs if j.family == family]
        parts.append("")
    return "\n".join(parts)


def job_page(job: Job) -> str:
    """What a job does, takes and gives, and what to cite; made from its docstring."""
    blocks = [f"# {job.title}", _plain(job.summary), _paragraphs(job.description)]
    blocks += _table("What goes in", (_input_row(p) for p in job.inputs), "Input")
    blocks += _table("Settings", (_setting_row(p) for p in job.settings), "Setting")
    blocks += _table("What comes out", (_output_row(o) for o in job.outputs), "Output")
    if job.live:
        blocks.append("*Preview on a region while I change it* shows a box where you look.")
    if job.probe:
        blocks.append("Press *Click in the view*, then click a place; the answer is plotted.")
    words = " ".join(p.label.upper().replace(" ", "_") for p in job.inputs if p.required)
    command = f"mapscope {_dashed(job)} {words}".strip()
    blocks.append(f"In a shell: `{command} --out FILE`; with `--help` it says more.")
    if job.cite:
        blocks += ["## To cite", "\n".join(f"* {_plain(entry)}" for entry in job.cite)]
    blocks.append(f"[All jobs](jobs.md) · [All pages]({INDEX}.md)")
    return "\n\n".join(block for block in blocks if block) + "\n"


def _dashed(job: Job) -> str:
    return job.name.replace("_", "-")


def _table(title: str, rows: Iterable[tuple[str, ...]], first: str) -> Iterator[str]:
    """A heading and a table of name, what it is, and help; nothing where there are no rows."""
    lines = ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]
    if lines:
        yield f"## {title}"
        yield "\n".join([f"| {first} | Kind | What for |", "|---|---|---|", *lines])


def _input_row(parameter: Parameter) -> tuple[str, ...]:
    noun = _words(parameter.noun) + ("" if parameter.required else ", or none")
    return f"**{parameter.label}**", noun, parameter.help


def _setting_row(parameter: Parameter) -> tuple[str, ...]:
    return f"**{parameter.label}**", _values(parameter), parameter.help


def _output_row(output: Output) -> tuple[str, ...]:
    return f"**{output.name.replace('_', ' ')}**", _words(output.noun), output.help


def _values(parameter: Parameter) -> str:
    """Kind, unit, bounds and default of a setting."""
    said = [KINDS[parameter.kind]]
    if parameter.kind == "choice":
        said = [f"one of {', '.join(map(str, parameter.choices))}"]
    if parameter.show.unit:
        said[0] += f" in {parameter.show.unit}"
    low, high = parameter.bounds
    if low is not None and high is not None:
        said.append(f"{low:g} to {high:g}")
    elif low is not None:
        said.append(f"from {low:g}")
    elif high is not None:
        said.append(f"up to {high:g}")
    if parameter.optional:
        said.append("auto if not given")
    elif not parameter.required:
        said.append(f"at first {_default_text(parameter.default)}")
    return ", ".join(said)


def _default_text(value: Any) -> str:
    """A default in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _words(noun: type | None) -> str:
    """A noun's class as people call it; nothing for a plain value."""
    name = "" if noun is None else noun.__name__
    return {"Volume": "map", "HalfMaps": "two half maps"}.get(name, name.lower())


def _paragraphs(text: str) -> str:
    """A docstring's text as Markdown: the same words, joined lines."""
    joined = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return "\n\n".join(_plain(part) for part in joined if part)


def _plain(text: str) -> str:
    """Marks of reStructuredText for code and for references as those of Markdown."""
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")
    return re.sub(r"\[(\d+)\]_", r"[\1]", text)


def _cell(text: str) -> str:
    return _plain(" ".join(text.split())).replace("|", "\\|")
