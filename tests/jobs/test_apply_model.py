"""What a model says of every voxel: the known answers of a small one, whole and in part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.tiny_models import (
    CLASS_OUTPUT,
    MAP_OUTPUT,
    VOXEL_CLASSES,
    VOXEL_SIZE,
    known_chances,
    resolution_model_file,
    voxel_model_file,
    write_voxel_model,
)

from mapscope import cli, read, write
from mapscope.cli import run_job
from mapscope.errors import Cancelled, GridError, InputError, Partial
from mapscope.inference import device
from mapscope.inference.batches import Runner
from mapscope.inference.model_file import read_model, write_model
from mapscope.jobs import apply_model
from mapscope.jobs.models.apply_model import model_names
from mapscope.labels import Labels
from mapscope.record import checksum_of, record_of
from mapscope.replay import as_script
from mapscope.volume import HalfMaps, Region, Volume

MODEL = str(voxel_model_file())
SHAPE = (44, 30, 38)
ORIGIN = (10.0, -20.0, 30.0)
DENSITY = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
MAP = Volume(3 + 2 * DENSITY, (VOXEL_SIZE,) * 3, ORIGIN)


def apply(volume: Volume = MAP, **settings: Any) -> Any:
    return apply_model(volume, **{"model": MODEL, "precision": "fp32"} | settings)


def labels_of(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    return np.asarray(chances.argmax(axis=0))


class Watching:
    """A progress that stops after so many looks at what there is so far."""

    def __init__(self, looks: int | None = None) -> None:
        self.looks, self.seen = looks, list[Any]()

    def __call__(self, *_told: object) -> None:
        if self.looks is not None and len(self.seen) >= self.looks:
            raise Cancelled

    def show(self, make: Any) -> None:
        self.seen.append(make())


@pytest.fixture
def _always_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Previews after every batch, and one tile in each."""
    monkeypatch.setattr("mapscope.inference.predict._PREVIEW", -1.0)


def test_classes_are_the_likeliest_and_probability_is_theirs() -> None:
    found, chances = apply(), known_chances(MAP.float32())
    np.testing.assert_array_equal(found.classes.data, labels_of(chances))
    np.testing.assert_allclose(found.probability.data, chances.max(axis=0), atol=1e-4)
    assert found.predicted is None
    assert found.variance is None
    assert found.classes.grid == found.probability.grid == MAP.grid
    assert dict(found.classes.names) == dict(enumerate(VOXEL_CLASSES))
    assert set(found.classes.colors) == {1, 2}
    share = float((labels_of(chances) == 1).mean())
    assert f"thin {100 * share:.0f} %" in found.content
    assert found.note is None
    assert found.computed.startswith("on cpu in fp32")
    assert found.model_checksum == read_model(MODEL).checksum


def test_map_of_a_model_of_maps_is_a_volume_with_the_header_of_its_input(tmp_path: Path) -> None:
    model = write_voxel_model(tmp_path / "mapper.safetensors", outputs=(MAP_OUTPUT,), classes=())
    volume = read(write(tmp_path / "map.mrc", MAP))
    found = apply(volume, model=str(model))
    scaled = (MAP.float32() - MAP.data.mean()) / MAP.data.std()
    np.testing.assert_allclose(found.predicted.data, scaled, atol=1e-4)
    assert found.predicted.header == volume.header
    assert found.classes is None
    assert found.content is None


def test_both_outputs_of_a_model_are_given_and_what_has_no_noun_is_named(tmp_path: Path) -> None:
    second = MAP_OUTPUT.model_copy(update={"kind": "values"})
    both, odd = ((CLASS_OUTPUT, MAP_OUTPUT), (CLASS_OUTPUT, second))
    found = apply(model=str(write_voxel_model(tmp_path / "both.safetensors", outputs=both)))
    assert found.classes is not None
    assert found.predicted is not None
    odd_model = write_voxel_model(tmp_path / "odd.safetensors", outputs=odd)
    assert apply(model=str(odd_model)).note == "It also says map, which is left out"


def test_first_class_that_is_no_background_is_label_1(tmp_path: Path) -> None:
    model = write_voxel_model(tmp_path / "kinds.safetensors", classes=("helix", "sheet", "coil"))
    found = apply(model=str(model))
    assert dict(found.classes.names) == {1: "helix", 2: "sheet", 3: "coil"}
    np.testing.assert_array_equal(found.classes.data, 1 + labels_of(known_chances(MAP.float32())))


@pytest.mark.parametrize("changes", [{"blended": True}, {"activation": "argmax"}])
def test_blended_tiles_and_numbers_of_classes_give_the_same_labels(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    output = CLASS_OUTPUT.model_copy(update={"activation": changes.pop("activation", "softmax")})
    model = write_voxel_model(tmp_path / "other.safetensors", outputs=(output,), **changes)
    found = apply(model=str(model))
    np.testing.assert_array_equal(found.classes.data, labels_of(known_chances(MAP.float32())))
    assert (found.probability is None) == (output.activation == "argmax")


def test_region_is_that_part_of_the_whole_in_its_place() -> None:
    whole, region = apply(), Region((3, 10, 20), (19, 60, 38))
    part = apply(region=region)
    inside = region.clipped(SHAPE)
    np.testing.assert_array_equal(part.classes.data, whole.classes.data[inside.slices])
    np.testing.assert_allclose(
        part.probability.data, whole.probability.data[inside.slices], atol=1e-5
    )
    assert part.classes.grid.matches(MAP.grid.cropped(inside))
    with pytest.raises(GridError, match="outside"):
        apply(region=Region((50, 0, 0), (60, 9, 9)))


def test_map_with_other_voxels_is_resampled_and_said_to_be() -> None:
    fine = Volume(DENSITY, (VOXEL_SIZE / 2,) * 3, ORIGIN)
    found = apply(fine)
    assert found.classes.data.shape == tuple(round(n / 2) for n in SHAPE)
    assert found.classes.origin == ORIGIN
    np.testing.assert_allclose(found.classes.grid.extent, fine.grid.extent)
    assert "from 1 Å to 2 Å per voxel" in found.note
    part = apply(fine, region=Region((8, 0, 6), (24, 16, 20)))
    assert part.classes.origin == (18.0, -20.0, 36.0)
    assert part.classes.data.shape == (8, 8, 7)


@pytest.mark.parametrize("normalisation", ["standard", "min_max", "none"])
def test_map_in_which_dark_is_dense_is_answered_as_its_negative(
    tmp_path: Path, normalisation: str
) -> None:
    model = write_voxel_model(tmp_path / "any.safetensors", normalisation=normalisation)
    bright = apply(model=str(model))
    dark = apply(Volume(-MAP.data, MAP.voxel_size, ORIGIN, contrast=-1), model=str(model))
    np.testing.assert_allclose(dark.probability.data, bright.probability.data, atol=1e-5)
    assert (dark.classes.data == bright.classes.data).mean() > 0.999


def test_small_memory_makes_batches_smaller_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = list[int]()
    plain = Runner._finished

    def finished(self: Runner, block: Any) -> Any:
        if len(block) > 2:
            raise MemoryError("cannot allocate that much")
        most.append(len(block))
        return plain(self, block)

    whole = apply(batch=1)
    monkeypatch.setattr(Runner, "_finished", finished)
    again = apply(batch=16)
    assert max(most) == 2
    assert checksum_of(again.classes) == checksum_of(whole.classes)
    monkeypatch.setattr(device, "free_memory", lambda: 1.0)
    assert checksum_of(apply().classes) == checksum_of(whole.classes)


@pytest.mark.usefixtures("_always_shown")
def test_so_far_shows_what_is_done_and_leaves_out_the_rest() -> None:
    watching, truth = Watching(), labels_of(known_chances(MAP.float32()))
    found = apply(batch=1, progress=watching)
    assert len(watching.seen) > 3
    # All of them are views of the arrays that the result has in the end.
    assert all(np.shares_memory(s.classes.data, found.classes.data) for s in watching.seen)
    np.testing.assert_array_equal(found.classes.data, truth)
    assert watching.seen[0].content is None


@pytest.mark.usefixtures("_always_shown")
def test_cancel_in_mid_volume_hands_over_what_is_done_with_its_record() -> None:
    truth = labels_of(known_chances(MAP.float32()))
    with pytest.raises(Partial) as stopped:
        apply(batch=1, progress=Watching(looks=2))
    share, result = stopped.value.share, stopped.value.result
    done = result.classes.data >= 0
    assert 0 < share < 1
    assert done.mean() == pytest.approx(share)
    np.testing.assert_array_equal(result.classes.data[done], truth[done])
    assert (result.probability.data[~done] == 0).all()
    assert (result.probability.data[done] > 0).all()
    record = record_of(result.classes)
    assert record is not None
    assert record.share == share
    assert record.to_json()["share"] == pytest.approx(share, abs=1e-6)
    assert record.outputs["classes"] == checksum_of(result.classes)
    assert "of it was done; here all of it is done" in as_script(
        record, "x.mrc", lambda *_: "a.mrc"
    )


def test_cancel_before_the_first_tile_leaves_nothing() -> None:
    with pytest.raises(Cancelled) as stopped:
        apply(progress=Watching(looks=0))
    assert not isinstance(stopped.value, Partial)


def test_record_of_a_whole_run_says_nothing_of_a_share() -> None:
    record = record_of(apply().classes)
    assert record is not None
    assert record.share == 1
    assert "share" not in record.to_json()


def test_half_maps_are_averaged_or_given_to_a_model_that_looks_at_them(tmp_path: Path) -> None:
    noise = MAP.with_data(0.1 * np.roll(DENSITY, 5))
    halves = HalfMaps(*(MAP.with_data(MAP.data + sign * noise.data) for sign in (1, -1)))
    mean = apply_model(half_maps=halves, model=MODEL, precision="fp32")
    same = mean.classes.data == apply().classes.data
    assert same.mean() > 0.999
    first = write_voxel_model(tmp_path / "first.safetensors", input_channels=("half_map_1",))
    of_first = apply_model(half_maps=halves, model=str(first), precision="fp32")
    expected = labels_of(known_chances(halves.first.float32()))
    np.testing.assert_array_equal(of_first.classes.data, expected)
    with pytest.raises(InputError, match="looks at half maps"):
        apply(model=str(first))
    with pytest.raises(InputError, match="give a map, or two half maps"):
        apply_model(model=MODEL)


def test_model_that_must_be_told_or_speaks_of_something_else_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    masked = write_voxel_model(tmp_path / "masked.safetensors", input_channels=("mask",))
    with pytest.raises(InputError, match="wants mask"):
        apply(model=str(masked))
    with pytest.raises(InputError, match="neither classes nor a map"):
        apply(model=str(resolution_model_file()))
    with pytest.raises(InputError, match="there is no model"):
        apply(model="nothing")


def test_models_offered_are_those_that_speak_of_voxels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPSCOPE_MODELS", str(tmp_path))
    write_voxel_model(tmp_path / "kinds.safetensors")
    write_voxel_model(tmp_path / "masked.safetensors", input_channels=("mask",))
    file = read_model(resolution_model_file())
    write_model(tmp_path / "whole.safetensors", file.card, file.state)
    assert "kinds" in model_names()
    assert not {"masked", "whole"} & set(model_names())


def test_command_writes_what_there_is_and_gives_the_first_of_it_the_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapper = write_voxel_model(tmp_path / "mapper.safetensors", outputs=(MAP_OUTPUT,), classes=())
    source = str(write(tmp_path / "map.mrc", MAP))
    out = tmp_path / "out.mrc"
    words = ["apply-model", source, "--model", str(mapper), "--out", str(out), "--json"]
    assert cli.main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [f["field"] for f in answer["files"]] == ["predicted"]
    assert isinstance(read(out), Volume)
    assert cli.main([*words[:3], MODEL, *words[4:]]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [f["field"] for f in answer["files"]] == ["classes", "probability"]
    labels = read(out)
    assert isinstance(labels, Labels)
    assert labels.names[2] == "dense"
    assert checksum_of(labels) == checksum_of(apply(precision="auto").classes)
    assert sorted(p.name for p in tmp_path.glob("out*.mrc")) == ["out.mrc", "out_probability.mrc"]
    other = [*words[:3], MODEL, "--out", str(tmp_path / "b.mrc"), "--save"]
    assert cli.main([*other, "probability,variance"]) == 0
    assert [p.name for p in tmp_path.glob("b*.mrc")] == ["b_probability.mrc"]
    assert cli.main([*other, "variance"]) == cli.WRONG_INPUT
    assert "cannot save 'variance': this result has classes, probability" in capsys.readouterr().err


@pytest.mark.usefixtures("_always_shown")
def test_command_that_is_interrupted_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_job, "progress_here", lambda: Watching(looks=1))
    source = str(write(tmp_path / "map.mrc", MAP))
    words = ["apply-model", source, "--model", MODEL, "--batch", "1", "--out"]
    assert cli.main([*words, str(tmp_path / "out.mrc")]) == cli.CANCELLED
    assert capsys.readouterr().err.endswith("mapscope: cancelled\n")
    assert not list(tmp_path.glob("out*"))
