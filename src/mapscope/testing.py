"""The contracts of jobs and file formats as checks, and small nouns to try them on.

Mapscope's own tests run every registered job and format through these; run yours through them
too. Each check raises `AssertionError` with all that it found.
"""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

import gemmi
import numpy as np

from mapscope.errors import MapFormatError, MapscopeError
from mapscope.files.format import Reader, Writer
from mapscope.files.stream import open_output
from mapscope.job import Job, Output, Parameter, Position
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles, in_tomogram
from mapscope.structure import Structure
from mapscope.table import Plot, Table
from mapscope.volume import Grid, HalfMaps, Volume

RESERVED_PARAMETERS = ("out", "save", "json", "json_", "help", "version")
RESERVED_OUTPUTS = ("files", "record")
PLAIN_OUTPUTS = (bool, int, float, str)

EXAMPLE_GRID = Grid((30, 32, 36), (1.2, 1.2, 1.2), (12.0, -24.0, 36.0))
"""Where the example nouns lie: three different sizes, and an origin that is not zero."""


def check_job(job: Job) -> None:
    """Raise unless a job keeps the contract that its form, its command and its record rest on.

    Nouns come first, then keyword-only parameters, then `progress`; each has a type of a known
    kind and a description; what may be None is None by default, because a command says None
    by leaving an option out; the docstring names what comes out, and at least one noun does.

    Parameters
    ----------
    job : Job
        The job.

    Raises
    ------
    AssertionError
        Naming everything that is wrong.
    """
    faults = list(_signature_faults(job))
    if not faults:
        faults = [
            *_text_faults(job),
            *(fault for p in job.parameters for fault in _parameter_faults(p)),
            *_kind_of_job_faults(job),
            *_output_faults(job),
        ]
    if faults:
        raise AssertionError(f"the job {job.name} breaks its contract: " + "; ".join(faults))


def _signature_faults(job: Job) -> Iterator[str]:
    """What keeps the signature from being read."""
    signature = inspect.signature(job.function)
    empty = inspect.Parameter.empty
    bare = [p.name for p in signature.parameters.values() if p.annotation is empty]
    if bare or signature.return_annotation is inspect.Signature.empty:
        yield f"without a type: {', '.join(bare) or 'what it returns'}"
        return
    try:
        kinds = {p.name: p.kind for p in job.parameters}
    except TypeError as error:
        yield str(error)
        return
    places = {p.name: p.kind for p in signature.parameters.values()}
    first = inspect.Parameter.POSITIONAL_OR_KEYWORD
    by_position = [name for name, place in places.items() if place is first]
    if by_position != [name for name, kind in kinds.items() if kind == "noun"]:
        yield "nouns come first and by position, everything else behind a bare *"
    odd = [p.name for p in signature.parameters.values() if p.kind in _VARIABLE]
    if odd:
        yield f"takes a variable number of arguments: {', '.join(odd)}"
    if "progress" in places and list(places)[-1] != "progress":
        yield "progress comes last"


_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _text_faults(job: Job) -> Iterator[str]:
    """What is wrong with names and docstring."""
    text = inspect.getdoc(job.function) or ""
    if job.__module__.rpartition(".")[2] != job.name:
        yield f"lies in {job.__module__}, not in a file of its own name"
    if not job.summary.endswith(".") or "\n" in job.summary:
        yield "the docstring's first line is one sentence that says what comes out"
    if not re.search(r"^Returns\n-+$", text, re.MULTILINE):
        yield "the docstring has no Returns"
    has_references = re.search(r"^References\n-+$", text, re.MULTILINE) is not None
    if has_references != bool(job.cite) or ("]_" in text and not has_references):
        yield "papers stand under References, numbered as in '.. [1] Author (year) Journal.'"
    if not re.fullmatch(r"napari/layers/[a-z_]+(/[a-z_]+)?", job.menu):
        yield f"{job.menu!r} is no layer menu of napari"
    if job.memory <= 0:
        yield "memory is a positive multiple of the inputs' size"


def _parameter_faults(parameter: Parameter) -> Iterator[str]:
    """What is wrong with one parameter."""
    name, default = parameter.name, parameter.default
    if not parameter.help.endswith("."):
        yield f"{name} has no description that ends with a full stop"
    if name in RESERVED_PARAMETERS:
        yield f"{name} is an option of every command"
    if (parameter.kind == "region") != (name == "region"):
        yield f"{name}: a box of voxels is named region, and nothing else is"
    if parameter.optional and (parameter.required or default is not None):
        yield f"{name} may be None and must be None by default, for commands leave it out then"
    if parameter.kind == "choice" and len(set(parameter.choices)) < 2:
        yield f"{name} leaves nothing to choose"
    low, high = parameter.bounds
    if low is not None and high is not None and low >= high:
        yield f"{name} has bounds {low} and {high} that leave nothing between them"
    if parameter.show.slider is not None:
        yield from _default_faults(parameter, *parameter.show.slider)
    if not parameter.required and not parameter.optional:
        yield from _default_faults(parameter, default)


def _default_faults(parameter: Parameter, *values: Any) -> Iterator[str]:
    """Values of a parameter's own that it would refuse."""
    for value in values:
        try:
            same = parameter.check(value) == value
        except MapscopeError:
            same = False
        if not same:
            yield f"{parameter.name} does not take its own default or end of slider, {value!r}"


def _kind_of_job_faults(job: Job) -> Iterator[str]:
    """What a live or a probe job, or one with previews, lacks."""
    kinds = {p.name: p.kind for p in job.parameters}
    if job.live and kinds.get("region") != "region":
        yield "a live job takes a region"
    previewed = [p for p in job.parameters if p.show.preview]
    if previewed and kinds.get("region") != "region":
        yield f"{previewed[0].name} can be previewed only where the job takes a region"
    if any(p.kind != "choice" for p in previewed) or len(previewed) > 1:
        yield "one choice at most can be previewed, and nothing else"
    if job.probe and kinds.get("position") != "triple":
        yield "a probe job takes a position, three numbers"
    if job.probe and [o.noun for o in job.outputs] != [Table]:
        yield "a probe job gives one Table"
    if job.live and job.probe:
        yield "a job is live or a probe, not both"


def _output_faults(job: Job) -> Iterator[str]:
    """What is wrong with what comes out."""
    try:
        outputs = job.outputs
    except TypeError:
        yield "it returns a noun or a dataclass of nouns and plain values"
        return
    if not any(output.is_noun for output in outputs):
        yield "nothing that comes out is a noun, so that no record could go with it"
    if len(outputs) == 1 and get_type_hints(job.function)["return"] is outputs[0].type:
        text = inspect.getdoc(job.function) or ""
        if not re.search(rf"^Returns\n-+\n{outputs[0].name} : ", text, re.MULTILINE):
            yield "Returns names the noun: 'name : Volume'"
    for output in outputs:
        yield from _one_output_faults(output)


def _one_output_faults(output: Output) -> Iterator[str]:
    """What is wrong with one output."""
    if not output.help.strip().endswith("."):
        yield f"the output {output.name} has no description that ends with a full stop"
    if output.name in RESERVED_OUTPUTS:
        yield f"the output's name {output.name} stands for something else in JSON"
    plain = {str(kind) for base in PLAIN_OUTPUTS for kind in (base, base | None)} | {str(Position)}
    if not output.is_noun and str(output.type) not in plain | _objects_of(output, plain):
        yield f"the output {output.name} is neither a noun nor plain (or three floats)"


def _objects_of(output: Output, plain: set[str]) -> set[str]:
    """The output's type, where it is a dataclass of plain values and described field by field."""
    for base in (output.type, *get_args(output.type)):
        if not isinstance(base, type) or not is_dataclass(base):
            continue
        text = inspect.getdoc(base) or ""
        types = get_type_hints(base)
        if all(str(t) in plain and f"\n{name} : " in text for name, t in types.items()):
            return {str(output.type)}
    return set()


_MOST_DISPLACEMENT, _MOST_TURN = 1e-4, 1e-9


class _Forward(io.BytesIO):
    """A stream that can only be written forward, as one that compresses."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> NoReturn:
        raise AssertionError("a writer writes forward only, without seeking")

    tell = seek


def check_file_format(
    reader: Reader, writer: Writer, noun: Any, folder: Path, **options: Any
) -> None:
    """Raise unless a format's reader gives back exactly what its writer wrote.

    For each suffix that both know: the same noun gives the same bytes; what is read back is of
    the same class with the same checksum, also from a gzipped file, and written again gives
    the same bytes; a missing file and an empty one are refused by the right error. Particles
    need not have the same checksum, since few formats hold all that is known of them: they are
    as many, in the same places and orientations.

    Parameters
    ----------
    reader, writer
        The two sides of the format.
    noun : noun
        What to write; `example_noun` has one of each class.
    folder : Path
        An empty folder to write to.
    **options
        Further keywords of the reader.

    Raises
    ------
    AssertionError
        Saying what differs.
    """
    suffixes = [suffix for suffix in writer.suffixes if suffix in reader.suffixes]
    _require(bool(suffixes), "reader and writer share no suffix")
    _require(isinstance(noun, reader.noun), f"the reader gives no {type(noun).__name__}")
    for suffix in suffixes:
        content = _bytes(writer, noun, suffix)
        _require(_bytes(writer, noun, suffix) == content, f"{suffix}: two writes differ")
        for name in (f"example{suffix}", f"example{suffix}.gz"):
            path = folder / name
            with open_output(path) as stream:
                stream.write(content)
            again = reader.read(path, **options)
            kind = type(again).__name__
            _require(type(again) is type(noun), f"{name}: read back as a {kind}")
            if isinstance(noun, Particles):
                _require_same_places(noun, again, name)
            else:
                _require(again.checksum() == noun.checksum(), f"{name}: the checksum differs")
            _require(_bytes(writer, again, suffix) == content, f"{name}: written again, it differs")
        _check_refusals(reader, folder, suffix)


def _require_same_places(first: Particles, second: Particles, name: str) -> None:
    """Raise unless two lists have the same particles in the same places and orientations."""
    _require(len(first) == len(second), f"{name}: {len(second)} of {len(first)} particles")
    moved = np.linalg.norm(first.positions - second.positions, axis=1).max(initial=0)
    _require(moved < _MOST_DISPLACEMENT, f"{name}: moved by {moved:.2g} Å")
    if first.rotations is not None and second.rotations is not None:
        turned = np.abs(first.rotations - second.rotations).max(initial=0)
        _require(turned < _MOST_TURN, f"{name}: turned by {turned:.2g}")


def _check_refusals(reader: Reader, folder: Path, suffix: str) -> None:
    """Raise unless a missing and an empty file are refused."""
    (folder / f"empty{suffix}").write_bytes(b"")
    for name, expected in (("missing", FileNotFoundError), ("empty", MapFormatError)):
        try:
            reader.read(folder / f"{name}{suffix}")
        except expected:
            continue
        raise AssertionError(f"{suffix}: a file that is {name} raises no {expected.__name__}")


def _bytes(writer: Writer, noun: Any, suffix: str) -> bytes:
    """What the writer writes."""
    stream = _Forward()
    writer.write(noun, stream, suffix)
    return stream.getvalue()


def _require(condition: bool, message: str) -> None:
    """Raise with the message unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def example_noun(noun: type, seed: int = 0) -> Any:
    """A small noun of a class, always the same, on or inside `EXAMPLE_GRID`.

    The structure's atoms sit in the volume's density; the half maps are the volume with
    independent noise.

    Parameters
    ----------
    noun : type
        Its class.
    seed : int
        Seed of the noise in volumes and half maps.

    Examples
    --------
    >>> example_noun(Volume).shape
    (30, 32, 36)
    """
    makers: dict[type, Callable[[], Any]] = {
        Volume: lambda: _volume(seed),
        HalfMaps: lambda: HalfMaps(_volume(seed + 1), _volume(seed + 2)),
        Labels: _labels,
        Mesh: lambda: Mesh(_centres()[:4].astype(np.float32), np.array([[0, 1, 2], [1, 2, 3]])),
        Structure: _structure,
        Particles: _particles,
        Table: _table,
    }
    return makers[noun]()


def example_call(job: Job) -> dict[str, Any]:
    """Arguments to try a job with: example nouns, and the middle of them as position.

    Every required noun, or the first one where none is required; other parameters keep their
    defaults.
    """
    nouns = [p for p in job.inputs if p.required] or list(job.inputs[:1])
    call = {p.name: example_noun(p.noun, n) for n, p in enumerate(nouns) if p.noun is not None}
    if job.probe:
        middle = EXAMPLE_GRID.world_from_index(np.asarray(EXAMPLE_GRID.shape) // 2)
        call["position"] = tuple(float(x) for x in middle)
    return call


@cache
def _centres() -> Any:
    """Places of atoms in Å, on a helix through the middle of the example grid."""
    middle = EXAMPLE_GRID.world_from_index((np.asarray(EXAMPLE_GRID.shape) - 1) / 2)
    turn = np.arange(14) * np.deg2rad(100)
    helix = np.stack([1.5 * (np.arange(14) - 6.5), 4 * np.sin(turn), 4 * np.cos(turn)], axis=-1)
    return np.round(helix + middle, 3)


@cache
def _density() -> Any:
    """A Gaussian of 1.5 Å at each centre, float64 (z, y, x)."""
    index = np.stack(np.meshgrid(*map(np.arange, EXAMPLE_GRID.shape), indexing="ij"), axis=-1)
    voxels = EXAMPLE_GRID.world_from_index(index)
    distance = ((voxels[..., None, :] - _centres()) ** 2).sum(axis=-1)
    return np.exp(-0.5 * distance / 1.5**2).sum(axis=-1)


def _volume(seed: int) -> Volume:
    """The density, with a little noise of its own."""
    random = np.random.default_rng(seed).standard_normal(EXAMPLE_GRID.shape)
    data = (_density() + 0.1 * random).astype(np.float32)
    return Volume(data, EXAMPLE_GRID.voxel_size, EXAMPLE_GRID.origin)


def _labels() -> Labels:
    """Upper and lower half of the density."""
    data = (_density() > 0.5).astype(np.int16)
    data[: len(data) // 2] *= 2
    grid = EXAMPLE_GRID
    return Labels(data, grid.voxel_size, grid.origin, {1: "lower", 2: "upper"})


def _structure() -> Structure:
    """One chain of alanines, Cα only."""
    chain = gemmi.Chain("A")
    for number, (z, y, x) in enumerate(_centres().tolist(), start=1):
        residue, atom = gemmi.Residue(), gemmi.Atom()
        residue.name, residue.seqid = "ALA", gemmi.SeqId(str(number))
        atom.name, atom.element, atom.pos = "CA", gemmi.Element("C"), gemmi.Position(x, y, z)
        atom.b_iso = 20.0
        residue.add_atom(atom)
        chain.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(chain)
    whole = gemmi.Structure()
    whole.name = "example"
    whole.add_model(model)
    whole.setup_entities()
    return Structure.from_gemmi(whole)


def _particles() -> Particles:
    """Oriented particles near the atoms, in the tomogram that the volume would be."""
    places = EXAMPLE_GRID.world_from_index(EXAMPLE_GRID.index_from_world(_centres()).round(2))
    count = len(places)
    turn = np.arange(count) * np.deg2rad(25)
    rotations = np.zeros((count, 3, 3))
    rotations[:, 0, 0] = 1
    rotations[:, 1, 1] = rotations[:, 2, 2] = np.cos(turn)
    rotations[:, 2, 1] = np.sin(turn)
    rotations[:, 1, 2] = -rotations[:, 2, 1]
    score = np.linspace(0, 1, count)
    return in_tomogram(Particles(places, rotations, score=score), EXAMPLE_GRID, "example")


def _table() -> Table:
    """A falling curve over spatial frequency."""
    frequency = np.linspace(0, 0.4, 9)
    names = np.array(list("abcdefghi"))
    columns = {"frequency": frequency, "corrected": 1 - frequency, "name": names}
    plot = Plot("frequency", ("corrected",), "spatial frequency (1/Å)", "FSC", reciprocal_x=True)
    return Table(columns, {"frequency": "1/Å"}, plot)
