"""Every job and file format keeps its contract, and the checks find what is broken."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field

from mapscope.files import Cover, Reader, Writer, registry
from mapscope.files.mrc import MrcReader, MrcWriter
from mapscope.files.particles import format_named, format_names
from mapscope.job import NOUNS, Job, Show, job
from mapscope.jobs import all_jobs
from mapscope.particles import Particles
from mapscope.progress import Progress, silent
from mapscope.table import Table
from mapscope.testing import EXAMPLE_GRID, check_file_format, check_job, example_call, example_noun
from mapscope.volume import HalfMaps, Region, Volume

READERS, WRITERS = registry._formats()
FORMATS = [
    pytest.param(reader, writer, id=type(reader).__name__)
    for reader in READERS
    for writer in WRITERS
    if not hasattr(writer, "write_folder")
    if reader.noun in writer.nouns and set(reader.suffixes) & set(writer.suffixes)
    if reader.noun is not Particles
]


@pytest.mark.parametrize("name", all_jobs())
def test_job_when_checked_keeps_its_contract(name: str) -> None:
    check_job(all_jobs()[name])


@pytest.mark.parametrize(("reader", "writer"), FORMATS)
def test_format_when_checked_keeps_its_contract(
    reader: Reader, writer: Writer, tmp_path: Path
) -> None:
    check_file_format(reader, writer, example_noun(reader.noun), tmp_path)


# Formats that are only read, and those that are folders, which their own tests check.
WITHOUT_CHECK = {"Dsn6Reader", "MembranoramaFormat", "MtzReader", "OmeZarrReader", "TiffReader"}


@pytest.mark.parametrize("name", format_names())
def test_format_of_particles_when_checked_keeps_its_contract(name: str, tmp_path: Path) -> None:
    chosen = format_named(name)
    noun = example_noun(Particles)
    if name == "box":  # which knows no z
        lowest = noun.positions * (0, 1, 1) + (EXAMPLE_GRID.origin[0], 0, 0)
        noun = replace(noun, positions=lowest)
    if name == "shrec":
        noun = replace(noun, species=("1bxn",) * len(noun))
    check_file_format(chosen, chosen, noun, tmp_path, tomogram=EXAMPLE_GRID)


def test_every_reader_has_a_writer_that_was_checked_with_it() -> None:
    checked = {type(p.values[0]).__name__ for p in FORMATS}
    checked |= {type(format_named(name)).__name__ for name in format_names()}
    assert {type(r).__name__ for r in READERS} - checked == WITHOUT_CHECK


@pytest.mark.parametrize("noun", NOUNS)
def test_example_noun_when_made_twice_is_the_same(noun: type[Any]) -> None:
    example = example_noun(noun)
    assert type(example) is noun
    assert example.checksum() == example_noun(noun).checksum()


def test_example_structure_sits_in_the_density_of_the_example_map() -> None:
    call = example_call(all_jobs()["subtract_maps"])
    index = np.rint(EXAMPLE_GRID.index_from_world(example_noun(NOUNS[4]).positions)).astype(int)
    for volume in call.values():
        assert volume.data[tuple(index.T)].mean() > 5 * volume.data.mean()
    assert call["volume"].checksum() != call["other"].checksum()


def named(function: Any, **options: Any) -> Job:
    """A job of this file, as if it lay in one of its own name."""
    function.__module__ = f"mapscope.jobs.family.{function.__name__}"
    sys.modules.setdefault(function.__module__, sys.modules[__name__])
    return job(**options)(function)


def good(volume: Volume, *, low: float = 3.0, progress: Progress = silent) -> Volume:
    """Map that is good.

    Parameters
    ----------
    volume : Volume
        The map.
    low : float
        A number.

    Returns
    -------
    result : Volume
        The map.
    """
    return volume


def test_check_job_when_a_job_is_good_says_nothing() -> None:
    check_job(named(good))


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        (float | None, 3.0, "low may be None and must be None by default"),
        (Annotated[float, Field(gt=5)], 3.0, "does not take its own default"),
        (Annotated[float, Show(slider=(0.0, float("inf")))], 3.0, "end of slider"),
        (Annotated[float, Field(ge=5, le=5)], 5.0, "leave nothing between"),
        (Literal["one"], "one", "leaves nothing to choose"),
        (Region | None, None, "named region"),
        (list[int], [1], "cannot take a parameter of type"),
        (Volume | None, None, "nouns come first"),
        (float | int, 1, "one type"),
    ],
)
def test_check_job_when_a_parameter_is_wrong_says_how(
    annotation: Any, default: Any, message: str
) -> None:
    def low_job(volume: Volume, *, low: Any = default) -> Volume:
        return volume

    low_job.__annotations__["low"] = annotation
    low_job.__annotations__ |= {"volume": Volume, "return": Volume}
    low_job.__doc__ = good.__doc__
    with pytest.raises(AssertionError, match=message):
        check_job(named(low_job))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("A number.", "", "low has no description"),
        ("The map.\n    low", "\n    low", "volume has no description"),
        ("Returns\n    -------", "Gives\n    -----", "no Returns"),
        ("result : Volume", "Volume", "Returns names the noun"),
        ("Map that is good.", "Map that is good", "one sentence"),
        (
            "    Returns",
            "    References\n    ----------\n    A paper.\n\n    Returns",
            "under References",
        ),
    ],
)
def test_check_job_when_the_docstring_lacks_something_says_what(
    old: str, new: str, message: str
) -> None:
    def good_job(volume: Volume, *, low: float = 3.0) -> Volume:
        return volume

    text = good.__doc__ or ""
    assert old in text
    good_job.__doc__ = text.replace(old, new, 1)
    with pytest.raises(AssertionError, match=message):
        check_job(named(good_job))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"live": True}, "a live job takes a region"),
        ({"probe": True}, "a probe job takes a position.*a probe job gives one Table"),
        ({"menu": "napari/layers/Context menu"}, "no layer menu"),
        ({"memory": 0.0}, "memory is a positive"),
    ],
)
def test_check_job_when_its_options_do_not_fit_says_so(options: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_job(named(good, **options))


@dataclass(frozen=True)
class Answer:
    """What comes out.

    Parameters
    ----------
    files : float
        A number.
    record : list
        Numbers.
    """

    files: float
    record: list[float]


def test_check_job_when_nothing_that_comes_out_is_a_noun_says_so() -> None:
    def answer(volume: Volume) -> Answer:
        return Answer(1.0, [])

    answer.__doc__ = (good.__doc__ or "").replace("    low : float\n        A number.\n", "")
    with pytest.raises(AssertionError) as caught:
        check_job(named(answer))
    for fault in ("is a noun", "name files stands for", "record is neither a noun nor"):
        assert fault in str(caught.value)


def test_check_job_when_types_are_missing_names_them() -> None:
    def untyped(volume, *, low=1.0):  # type: ignore[no-untyped-def]
        return volume

    with pytest.raises(AssertionError, match="without a type: volume, low"):
        check_job(named(untyped))


class MovedReader:
    """A reader that loses the place of a map."""

    suffixes: ClassVar[tuple[str, ...]] = (".mrc",)
    noun: ClassVar[type] = Volume

    def read(self, path: Path, *, permissive: bool = False, cover: Cover | None = None) -> Volume:
        read = MrcReader().read(path, permissive=permissive, cover=cover)
        return Volume(read.data)


class TimedWriter(MrcWriter):
    """A writer that writes something else each time."""

    count = 0

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:
        super().write(noun, stream, suffix)
        TimedWriter.count += 1
        stream.write(bytes([TimedWriter.count]))


class SeekingWriter(MrcWriter):
    """A writer that goes back."""

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:
        super().write(noun, stream, suffix)
        stream.seek(0)


@pytest.mark.parametrize(
    ("reader", "writer", "message"),
    [
        (MovedReader(), MrcWriter(), "the checksum differs"),
        (MrcReader(), TimedWriter(), "two writes differ"),
        (MrcReader(), SeekingWriter(), "without seeking"),
    ],
)
def test_check_file_format_when_a_side_is_broken_says_how(
    reader: Reader, writer: Writer, message: str, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=message):
        check_file_format(reader, writer, example_noun(Volume), tmp_path)


def test_example_call_when_no_noun_is_required_gives_the_first() -> None:
    assert list(example_call(all_jobs()["make_mask"])) == ["volume"]
    probe = example_call(all_jobs()["local_shell_correlation"])
    assert isinstance(probe["half_maps"], HalfMaps)
    assert EXAMPLE_GRID.contains(probe["position"])
    assert isinstance(all_jobs()["local_shell_correlation"](**probe), Table)
