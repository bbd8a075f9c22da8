"""The slider between data and prior: its ends, what it protects, its command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.jobs.test_enhance import HALVES, SHAPE, enhanced, lifting

from mapscope import cli, read, write
from mapscope.density import blend as blending
from mapscope.density.half_map_mask import measured_filter
from mapscope.errors import GridError
from mapscope.jobs import blend
from mapscope.labels import Labels
from mapscope.record import record_of
from mapscope.volume import Region, Volume

FOUND = enhanced(model=lifting())
DATA, PRIOR = FOUND.data, FOUND.prior
REGION = Region((12, 10, 16), (36, 34, 44))


def painted(box: Region, shape: tuple[int, int, int] = SHAPE) -> Labels:
    data = np.zeros(shape, np.uint8)
    data[box.slices] = 2
    return Labels(data, DATA.voxel_size, DATA.origin)


@pytest.mark.parametrize("halves", [None, HALVES])
@pytest.mark.parametrize("region", [None, REGION])
def test_ends_of_the_slider_are_exactly_data_and_prior(halves: Any, region: Any) -> None:
    inside = (slice(None),) * 3 if region is None else region.slices
    first = blend(DATA, PRIOR, halves, prior_share=0.0, region=region)
    last = blend(DATA, PRIOR, halves, prior_share=1.0, region=region)
    np.testing.assert_array_equal(first.blended.data, DATA.data[inside])
    np.testing.assert_array_equal(last.blended.data, PRIOR.data[inside])
    assert first.prior_gain["prior_gain"].max() < 1e-6 < last.prior_gain["prior_gain"].max()


def test_region_is_that_part_of_the_whole_in_its_place() -> None:
    whole, part = blend(DATA, PRIOR, HALVES), blend(DATA, PRIOR, HALVES, region=REGION)
    np.testing.assert_array_equal(part.blended.data, whole.blended.data[REGION.slices])
    assert part.blended.grid.matches(DATA.grid.cropped(REGION))
    assert part.prior_gain.checksum() == whole.prior_gain.checksum()


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_protected_regions_are_kept_exactly_and_far_ones_not_touched(share: float) -> None:
    box = Region((20, 18, 24), (28, 26, 34))
    held = blend(DATA, PRIOR, HALVES, painted(box), prior_share=share).blended.data
    free = blend(DATA, PRIOR, HALVES, prior_share=share).blended.data
    np.testing.assert_array_equal(held[box.slices], DATA.data[box.slices])
    far = np.ones(SHAPE, bool)
    far[17:31, 15:29, 21:37] = False
    np.testing.assert_allclose(held[far], free[far], atol=1e-6 * float(free.std()))
    assert np.abs(held - free)[box.slices].max() > 0.01 * free.std()


def test_half_maps_say_how_much_the_data_say() -> None:
    said = blend(DATA, PRIOR, HALVES, prior_share=0.5)
    found = measured_filter(HALVES)
    np.testing.assert_allclose(said.prior_gain["c_ref"], found.c_ref[1:], atol=1e-6)
    by_amplitude = blend(DATA, PRIOR, prior_share=0.5)
    assert not np.allclose(by_amplitude.prior_gain["c_ref"], found.c_ref[1:], atol=1e-3)


def test_slider_transforms_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[float]()
    plain = blending.components

    def components(*args: Any, **kwargs: Any) -> Any:
        made.append(1)
        return plain(*args, **kwargs)

    monkeypatch.setattr(blending, "components", components)
    data = DATA.with_data(DATA.data * np.float32(1.5))
    for share in (0.1, 0.5, 0.9):
        blend(data, PRIOR, prior_share=share, region=REGION)
        blend(data, PRIOR, protected=painted(REGION), prior_share=share)
    assert len(made) == 1


def test_maps_and_paint_on_other_grids_are_refused() -> None:
    moved = Volume(PRIOR.data, PRIOR.voxel_size)
    with pytest.raises(GridError, match="the prior"):
        blend(DATA, moved)
    with pytest.raises(GridError, match="protected"):
        blend(DATA, PRIOR, protected=Labels(np.zeros(SHAPE, np.uint8)))
    with pytest.raises(GridError, match="half maps"):
        blend(Volume(DATA.data), Volume(PRIOR.data), HALVES)
    with pytest.raises(GridError, match="outside"):
        blend(DATA, PRIOR, region=Region((90, 0, 0), (99, 9, 9)))


def test_command_blends_files_and_keeps_what_is_painted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Region((20, 18, 24), (28, 26, 34))
    names = {"data": DATA, "prior": PRIOR, "protected": painted(box)}
    files = {n: str(write(tmp_path / f"{n}.mrc", noun)) for n, noun in names.items()}
    out = tmp_path / "blended.mrc"
    words = ["blend", files["data"], files["prior"], "--protected", files["protected"]]
    assert cli.main([*words, "--prior-share", "0.8", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["prior_share"] == 0.8
    written = read(out)
    np.testing.assert_array_equal(written.data[box.slices], DATA.data[box.slices])
    expected = blend(DATA, PRIOR, protected=painted(box), prior_share=0.8)
    np.testing.assert_allclose(written.data, expected.blended.data, atol=1e-6)
    assert expected.caption == "80 % prior"
    record = record_of(expected.blended)
    assert record is not None
    assert record.parameters["prior_share"] == 0.8
