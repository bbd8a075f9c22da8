"""Half maps and maps enhanced: known answers in the right place and scale, whole and in part."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.tiny_models import enhancer_file, voxel_model_file, write_enhancer

from mapscope import cli, read, write
from mapscope.density.fourier import low_pass
from mapscope.density.frame import flip_hand
from mapscope.density.half_map_mask import measured_filter
from mapscope.density.halves import mean_map
from mapscope.density.wiener import standardised
from mapscope.errors import Cancelled, DataError, GridError, InputError, Partial
from mapscope.inference.model_file import read_model
from mapscope.jobs import blend, enhance
from mapscope.record import checksum_of, record_of
from mapscope.replay import as_script
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.density import fixed_density
from mapscope.volume import Grid, HalfMaps, Region, Volume

SHAPE = (52, 44, 60)
ORIGIN = (10.0, -20.0, 30.0)
PLAIN = str(enhancer_file())
REGION = Region((12, 10, 16), (36, 34, 44))


@cache
def lifting() -> str:
    """An enhancer that makes what is dense denser."""
    return str(write_enhancer(enhancer_file().parent / "lifting.safetensors", lift=0.5))


@cache
def halves_of(
    shape: tuple[int, int, int] = SHAPE,
    voxel_size: tuple[float, float, float] = (1.0, 1.0, 1.0),
    detail: float = 4.0,
) -> HalfMaps:
    """Half maps of a heap of atoms in white noise; it lies aside of the middle of the box."""
    grid = Grid(shape, voxel_size, ORIGIN)
    random = np.random.default_rng(0)
    middle = grid.world_from_index(np.array(shape) * [0.45, 0.5, 0.55])
    positions = middle + random.normal(0, 5.0, (200, 3))
    atoms = Atoms(positions, np.full(200, "C"), np.full(200, 40.0), np.ones(200))
    truth = fixed_density(atoms, grid, "eman", detail)
    level = np.float32(0.5 * truth.std())
    first, second = (
        Volume(truth + level * random.standard_normal(shape, dtype=np.float32), voxel_size, ORIGIN)
        for _ in range(2)
    )
    return HalfMaps(first, second)


HALVES = halves_of()


def enhanced(half_maps: HalfMaps | None = HALVES, model: str = PLAIN, **settings: Any) -> Any:
    return enhance(half_maps, model=model, **{"precision": "fp32"} | settings)


def assert_close(found: Volume, expected: Any, share: float = 1e-4) -> None:
    """Equal to a share of the standard deviation."""
    values = np.asarray(getattr(expected, "data", expected))
    np.testing.assert_allclose(found.data, values, atol=share * float(values.std()))


def turned(half_maps: HalfMaps, change: Any) -> HalfMaps:
    return HalfMaps(change(half_maps.first), change(half_maps.second))


def lifted(data: Volume, half_maps: HalfMaps) -> npt.NDArray[np.float32]:
    """What the lifting model makes of the data, but for the end of its detail."""
    from mapscope.inference.model import load

    both = standardised(half_maps, measured_filter(half_maps))
    ready = load(lifting()).prepare([both.first, both.second])
    mean = ready.scaled().mean(axis=0)
    back = np.mean([1 / scaling.factor for scaling in ready.scalings])
    return np.asarray(data.data + 0.5 * np.maximum(mean, 0) * back, dtype=np.float32)


def test_model_that_changes_nothing_gives_the_data_at_every_strength() -> None:
    found = enhanced()
    expected = mean_map(standardised(HALVES, measured_filter(HALVES)))
    assert_close(found.data, expected, 1e-5)
    assert_close(found.prior, found.data)
    assert_close(found.enhanced, found.data)
    assert found.shells["prior_gain"].max() < 1e-4
    assert found.resolution == measured_filter(HALVES).resolution
    assert found.model_checksum == read_model(PLAIN).checksum
    assert "tiles of" in found.computed
    assert {v.grid for v in (found.enhanced, found.prior, found.confidence)} == {HALVES.grid}


def test_prior_is_what_the_model_says_in_the_units_of_the_data() -> None:
    found = enhanced(model=lifting())
    expected = found.data.with_data(lifted(found.data, HALVES))
    assert_close(low_pass(found.prior, 3.0), low_pass(expected, 3.0), 2e-3)
    dense = found.data.data > 2 * found.data.data.std()
    assert (found.prior.data[dense] > found.data.data[dense]).all()


def test_strengths_go_from_the_data_to_the_prior() -> None:
    found = {s: enhanced(model=lifting(), strength=s) for s in ("gentle", "medium", "strong")}
    assert_close(found["strong"].enhanced, found["strong"].prior, 1e-6)
    data, prior = found["medium"].data.data, found["medium"].prior.data
    away = [np.abs(f.enhanced.data - data).mean() for f in found.values()]
    assert 0 < away[0] < away[1] < away[2]
    assert found["medium"].enhanced.data.std() < prior.std()
    again = blend(found["medium"].data, found["medium"].prior, HALVES, prior_share=0.65)
    assert_close(found["medium"].enhanced, again.blended, 1e-5)


def test_map_three_times_as_strong_gives_three_times_the_result() -> None:
    plain = enhanced(model=lifting())
    strong = enhanced(turned(HALVES, lambda v: v.with_data(3 * v.data)), model=lifting())
    for name in ("enhanced", "data", "prior"):
        assert_close(getattr(strong, name), 3 * getattr(plain, name).data, 1e-3)
    assert_close(strong.confidence, plain.confidence, 1e-3)


def test_order_of_the_half_maps_does_not_matter() -> None:
    one, other = (
        enhanced(model=lifting()),
        enhanced(HalfMaps(HALVES.second, HALVES.first), model=lifting()),
    )
    assert_close(one.prior, other.prior, 1e-4)
    assert_close(one.confidence, other.confidence, 1e-4)


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_mirror_image_of_the_half_maps_gives_the_mirror_image(axis: Any) -> None:
    ones = HALVES.first.with_data(np.ones(SHAPE, np.float32))
    other = turned(HALVES, lambda v: flip_hand(v, axis))
    plain = enhanced(model=lifting(), mask=ones)
    mirrored = enhanced(other, model=lifting(), mask=ones)
    assert_close(mirrored.prior, flip_hand(plain.prior, axis), 2e-3)
    # The mask that is found has coarse voxels, which begin at another end of the box.
    found = enhanced(other, model=lifting())
    assert_close(found.prior, flip_hand(enhanced(model=lifting()).prior, axis), 2e-2)


def test_origin_and_header_are_those_of_the_map(tmp_path: Path) -> None:
    first, second = (
        read(write(tmp_path / f"{n}.mrc", v)) for n, v in enumerate((HALVES.first, HALVES.second))
    )
    found = enhanced(HalfMaps(first, second))
    assert found.enhanced.origin == ORIGIN
    assert found.enhanced.header == found.prior.header == first.header


@pytest.mark.parametrize(
    ("shape", "voxel_size"),
    [
        ((80, 66, 92), (0.65, 0.65, 0.65)),
        ((36, 30, 44), (1.4, 1.4, 1.4)),
        ((52, 36, 66), (1.0, 1.2, 0.9)),
        (SHAPE, (0.97, 0.97, 0.97)),
        (SHAPE, (1.03, 1.03, 1.03)),
    ],
)
def test_peak_stays_in_its_place_on_any_voxels(
    shape: tuple[int, int, int], voxel_size: tuple[float, float, float]
) -> None:
    halves = halves_of(shape, voxel_size)
    found = enhanced(halves, model=lifting())
    assert found.prior.grid.matches(halves.grid)
    assert np.linalg.norm(centre(found.prior) - centre(found.data)) < 0.05
    assert 0 < found.confidence.data.min() <= found.confidence.data.max() <= 1
    lift = found.prior.data - found.data.data
    assert np.corrcoef(lift.ravel(), np.maximum(found.data.data, 0).ravel())[0, 1] > 0.9
    assert ("resampled" in (found.note or "")) == (voxel_size != (1.0, 1.0, 1.0))


def centre(volume: Volume) -> npt.NDArray[np.float64]:
    """Centre of what is densest, Å."""
    height = np.clip(volume.data - 0.3 * volume.data.max(), 0, None).astype(np.float64)
    index = [
        np.average(np.arange(n), weights=height.sum(axis=tuple({0, 1, 2} - {axis})))
        for axis, n in enumerate(volume.shape)
    ]
    return volume.grid.world_from_index(index)


def test_detail_finer_than_the_models_voxels_hold_is_that_of_the_data() -> None:
    halves = halves_of((96, 88, 104), (0.6, 0.6, 0.6), 1.5)
    found = enhanced(halves, model=lifting(), strength="strong")
    assert found.resolution < 1.9
    shells, fine = found.shells, found.shells["frequency"] > 1 / 2.0
    held = shells["c_ref"] > 0
    assert shells["prior_gain"][fine & held].max() < 1e-6
    coarse = (shells["frequency"] > 0.15) & (shells["frequency"] < 0.35)
    assert shells["prior_gain"][coarse].min() > 1e-3


def test_region_is_that_part_of_the_whole_in_its_place() -> None:
    whole, part = enhanced(model=lifting()), enhanced(model=lifting(), region=REGION)
    for name in ("data", "prior", "enhanced", "confidence"):
        expected = getattr(whole, name)
        got = getattr(part, name)
        assert got.grid.matches(expected.grid.cropped(REGION))
        off = np.abs(got.data - expected.data[REGION.slices])
        assert off.max() < 0.08 * expected.data[REGION.slices].std()
        assert off[4:-4, 4:-4, 4:-4].max() < 0.03 * expected.data[REGION.slices].std()
    assert part.resolution == whole.resolution
    with pytest.raises(GridError, match="outside"):
        enhanced(region=Region((90, 0, 0), (99, 9, 9)))


def test_region_of_other_voxels_is_that_part_of_the_whole() -> None:
    halves, region = halves_of((80, 66, 92), (0.65, 0.65, 0.65)), Region((20,) * 3, (52,) * 3)
    whole, part = enhanced(halves, lifting()), enhanced(halves, lifting(), region=region)
    expected = whole.prior.data[region.slices]
    off = np.abs(part.prior.data - expected)[5:-5, 5:-5, 5:-5]
    assert off.max() < 0.1 * expected.std()
    assert off.std() < 0.02 * expected.std()
    assert part.prior.grid.matches(halves.grid.cropped(region))


@pytest.mark.parametrize(("size", "voxel_size"), [(112, 1.0), (104, 1.2)])
def test_region_of_a_large_map_is_that_part_of_the_whole(size: int, voxel_size: float) -> None:
    halves, region = halves_of((size,) * 3, (voxel_size,) * 3), Region((40, 42, 46), (56, 58, 62))
    whole, part = enhanced(halves, lifting()), enhanced(halves, lifting(), region=region)
    for name in ("data", "prior", "enhanced", "confidence"):
        expected = getattr(whole, name).data[region.slices]
        off = getattr(part, name).data - expected
        # Confidence is linear between the model's voxels, which may lie elsewhere in a box.
        share = 0.1 if name == "confidence" and voxel_size != 1 else 0.02
        assert off[4:-4, 4:-4, 4:-4].std() < share * expected.std()
        assert getattr(part, name).grid.matches(halves.grid.cropped(region))
    assert part.resolution == whole.resolution


def test_three_strengths_of_a_region_ask_the_network_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from mapscope.inference.model import Model

    asked, plain = list[str](), Model.predict

    def predict(self: Model, *args: Any, **kwargs: Any) -> Any:
        asked.append(self.card.name)
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(Model, "predict", predict)
    region = Region((11, 9, 15), (35, 33, 43))
    for strength in ("gentle", "medium", "strong"):
        enhanced(region=region, strength=strength)
    assert asked == ["enhancer"]


def test_map_alone_is_both_half_maps_and_needs_its_resolution() -> None:
    mean = mean_map(HALVES)
    found = enhanced(None, lifting(), volume=mean, resolution=4.5)
    assert found.resolution == 4.5
    assert np.corrcoef(found.prior.data.ravel(), mean.data.ravel())[0, 1] > 0.8
    with pytest.raises(InputError, match="resolution"):
        enhanced(None, volume=mean)
    with pytest.raises(InputError, match="two half maps"):
        enhanced(None)


def test_confidence_is_read_from_the_cards_table(tmp_path: Path) -> None:
    table = ((0.1, 0.9), (0.5, 0.6), (1.0, 0.2))
    model = write_enhancer(tmp_path / "sure.safetensors", confidence=table)
    chance = enhanced(model=str(model)).confidence.data
    both = standardised(HALVES, measured_filter(HALVES))
    from mapscope.inference.model import load

    scaled = load(model).prepare([both.first, both.second]).scaled().mean(axis=0)
    variance = np.exp(-np.maximum(scaled, 0))
    expected = np.interp(variance, *np.array(table).T)
    np.testing.assert_allclose(chance, expected, atol=1e-4)
    assert chance.max() <= 0.9
    assert chance.min() >= 0.2


def test_without_a_table_confidence_is_that_of_a_normal_error() -> None:
    found = enhanced()
    dense = found.data.data > 2 * found.data.data.std()
    assert found.confidence.data[dense].mean() > found.confidence.data[~dense].mean()
    # erf(0.5 / sqrt(2)) for a variance of 1, where there is nothing.
    assert found.confidence.data.min() == pytest.approx(0.3829, abs=1e-3)


def test_cancel_hands_over_the_tiles_that_are_done() -> None:
    random = np.random.default_rng(7)
    halves = turned(
        HALVES, lambda v: v.with_data(v.data + 1e-3 * random.standard_normal(SHAPE, np.float32))
    )

    def stop(done: int, total: int, message: str = "") -> None:
        if 0.4 * total < done < 0.7 * total:
            raise Cancelled

    with pytest.raises(Partial) as stopped:
        enhanced(halves, lifting(), batch=1, progress=stop)
    share, result = stopped.value.share, stopped.value.result
    done = result.confidence.data > 0
    assert 0 < share < 1
    assert done.mean() == pytest.approx(share, abs=0.01)
    undone = (result.prior.data - result.data.data)[~done]
    lift = (result.prior.data - result.data.data)[done]
    # The end of the model's detail rings a little beyond the tiles.
    assert np.abs(undone).mean() < 0.1 * np.abs(lift).mean()
    record = record_of(result.enhanced)
    assert record is not None
    assert record.share == share


def test_odd_input_is_said_and_what_gives_nothing_is_refused() -> None:
    flat = Volume(np.ones(SHAPE, np.float32))
    with pytest.raises(DataError, match="constant"):
        enhanced(HalfMaps(flat, flat))
    with pytest.raises(DataError, match="identical"):
        enhanced(HalfMaps(HALVES.first, HALVES.first.with_data(HALVES.first.data.copy())))
    assert "Voxel size is 1.0" in enhanced().note
    assert "at 2 Å believe this one less" in enhanced().note
    dark = enhanced(
        None, volume=mean_map(turned(HALVES, lambda v: v.with_data(-v.data))), resolution=4.0
    )
    assert "Contrast is inverted" in dark.note
    mean = mean_map(HALVES)
    window = np.zeros(SHAPE, np.float32)
    window[14:38, 12:32, 20:46] = 1
    masked = enhanced(None, volume=mean.with_data(mean.data * window), resolution=4.0)
    assert "Masked" in masked.note


def test_map_in_which_dark_is_dense_gives_its_negative() -> None:
    mean = mean_map(HALVES)
    bright = enhanced(None, lifting(), volume=mean, resolution=4.0)
    negative = Volume(-mean.data, mean.voxel_size, ORIGIN, contrast=-1)
    dark = enhanced(None, lifting(), volume=negative, resolution=4.0)
    assert_close(dark.prior, -bright.prior.data, 1e-3)
    assert dark.prior.contrast == -1


def test_model_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="no enhancer"):
        enhanced(model=str(voxel_model_file()))


def test_where_no_enhancer_is_there_the_answer_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mapscope.inference.model_list.bundled_folder", lambda: Path("none"))
    with pytest.raises(InputError, match="There is no enhancer yet: train one"):
        enhanced(model="enhancer")
    with pytest.raises(InputError, match="no model 'mine'"):
        enhanced(model="mine")


def test_record_replays_and_names_papers() -> None:
    found = enhanced(region=REGION)
    record = record_of(found.enhanced)
    assert record is not None
    assert record.parameters["model"] == PLAIN
    assert record.outputs["prior"] == checksum_of(found.prior)
    assert any("Rosenthal" in paper for paper in record.cite)
    assert any("Seitzer" in paper for paper in record.cite)
    assert "enhance(" in as_script(record, "out.mrc", lambda *_: "in.mrc")


def test_command_writes_all_maps_and_prints_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [
        str(write(tmp_path / f"half_{n}.mrc", v))
        for n, v in enumerate((HALVES.first, HALVES.second), start=1)
    ]
    out = f"{tmp_path / 'out'}/"
    words = ["enhance", "--half-maps", *files, "--model", PLAIN, "--precision", "fp32"]
    assert cli.main([*words, "--region", str(REGION), "--out", out, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["resolution"] == pytest.approx(measured_filter(HALVES).resolution, rel=1e-3)
    written = {Path(out) / n for n in ("enhanced.mrc", "data.mrc", "prior.mrc", "confidence.mrc")}
    assert written <= set(Path(out).iterdir())
    assert_close(read(Path(out) / "data.mrc"), enhanced(region=REGION).data, 1e-5)
