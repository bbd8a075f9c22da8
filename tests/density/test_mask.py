"""Masks and thresholds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mapscope.density.level import is_cut_out
from mapscope.density.mask import automatic_threshold, make_mask, soft_mask, without_dust
from mapscope.errors import Cancelled, DataError, InputError
from mapscope.files import read
from mapscope.progress import Progress
from mapscope.volume import Volume


def balls(shape: tuple[int, int, int], *places: tuple[float, float, float, float]) -> np.ndarray:
    """Binary balls given by centre and radius in voxels."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    inside = [((index - place[:3]) ** 2).sum(-1) <= place[3] ** 2 for place in places]
    return np.asarray(np.any(inside, axis=0))


def test_soft_mask_at_its_edge_is_a_raised_cosine_of_the_distance() -> None:
    inside = np.zeros((3, 3, 30), np.bool_)
    inside[:, :, :5] = True
    volume = Volume(np.zeros(inside.shape, np.float32), (2.0, 2.0, 0.5), (1.0, 2.0, 3.0))
    mask = soft_mask(volume, inside, dilation=2.0, soft_edge=4.0)
    distance = np.clip((np.arange(30) - 4) * 0.5, 0, None)
    wanted = 0.5 + 0.5 * np.cos(np.pi * np.clip((distance - 2) / 4, 0, 1))
    assert mask.data[1, 1] == pytest.approx(wanted, abs=1e-6)
    assert mask.data[1, 1, 8] == 1.0
    assert mask.data[1, 1, 12] == pytest.approx(0.5)
    assert mask.data[1, 1, 16:].max() == pytest.approx(0.0, abs=1e-6)
    assert mask.grid == volume.grid


@pytest.mark.parametrize("dilation", [0.0, 2.0])
def test_soft_mask_without_edge_is_binary(dilation: float) -> None:
    inside = balls((12, 12, 12), (6, 6, 6, 2))
    volume = Volume(np.zeros(inside.shape, np.float32))
    mask = soft_mask(volume, inside, dilation, 0.0)
    assert set(np.unique(mask.data)) == {0.0, 1.0}
    assert (mask.data >= inside).all()
    assert mask.data[6, 6, 9] == (1.0 if dilation else 0.0)


def test_without_dust_keeps_parts_by_their_share_of_the_largest() -> None:
    parts = balls((20, 20, 40), (10, 10, 8, 6), (10, 10, 24, 4), (10, 10, 36, 1))
    assert without_dust(parts, 0.0).sum() == parts.sum()
    assert not without_dust(parts, 0.1)[:, :, 33:].any()
    largest = without_dust(parts, 1.0)
    assert largest[10, 10, 8]
    assert not largest[:, :, 18:].any()


def test_make_mask_of_a_noisy_ball_finds_the_ball() -> None:
    ball = balls((40, 36, 44), (20, 18, 22, 9))
    noise = np.random.default_rng(0).standard_normal(ball.shape)
    volume = Volume((ball + 0.3 * noise).astype(np.float32), (1.5,) * 3)
    mask = make_mask(volume, low_pass_resolution=8.0, dilation=3.0, soft_edge=4.0)
    assert (mask.data[ball] > 0.99).mean() > 0.99
    assert mask.data[balls(ball.shape, (20, 18, 22, 16)) == 0].max() == 0
    assert mask.data.dtype == np.float32


def test_make_mask_when_dark_is_dense_finds_the_dark() -> None:
    ball = balls((24, 24, 24), (12, 12, 12, 6))
    light = make_mask(Volume(ball.astype(np.float32)), low_pass_resolution=None)
    dark = make_mask(Volume(-ball.astype(np.float32), contrast=-1), low_pass_resolution=None)
    assert np.array_equal(light.data, dark.data)


def test_make_mask_when_threshold_is_given_uses_it() -> None:
    data = np.zeros((16, 16, 16), np.float32)
    data[4:12, 4:12, 4:12] = 1
    data[6:10, 6:10, 6:10] = 3
    options = {"low_pass_resolution": None, "dilation": 0.0, "soft_edge": 0.0}
    mask = make_mask(Volume(data), threshold=2.0, **options)  # type: ignore[arg-type]
    assert mask.data.sum() == 4**3


def test_make_mask_when_input_makes_no_sense_says_so() -> None:
    volume = Volume(np.ones((8, 8, 8), np.float32))
    with pytest.raises(DataError, match="constant"):
        make_mask(volume)
    with pytest.raises(DataError, match="lower it"):
        make_mask(volume, threshold=2.0)
    with pytest.raises(InputError, match="at least 0"):
        make_mask(volume, dilation=-1.0)


@pytest.mark.parametrize("at", [2, 15, 30, 60])
def test_make_mask_when_cancelled_stops(at: int, cancel: Callable[[int], Progress]) -> None:
    ball = balls((20, 20, 20), (10, 10, 10, 5)).astype(np.float32)
    with pytest.raises(Cancelled):
        make_mask(Volume(ball), progress=cancel(at))


def test_automatic_threshold_when_map_is_cut_out_is_lower() -> None:
    data = np.zeros((20, 20, 20), np.float32)
    data[5:12, 5:12, 5:12] = np.random.default_rng(1).random((7, 7, 7)) + 1
    assert automatic_threshold(data) == pytest.approx(data.mean() + 0.5 * data.std(), rel=1e-4)
    whole = automatic_threshold(data, cut_out=False)
    assert whole == pytest.approx(data.mean() + 0.9 * data.std(), rel=1e-4)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("emd6272_3j9s", 0.2),
        ("emd1883", 0.1),
        ("emd20026_3ajo", 0.15),
        ("emd4118_5ly6", 0.2),
        ("trpv1_transmem", 0.2),
    ],
)
def test_mask_on_real_maps_holds_the_backbone_and_not_most_of_the_box(
    name: str, share: float, data_folder: Path
) -> None:
    volume = read(data_folder / "maps" / name / "map.mrc.gz")
    structure = read(data_folder / "maps" / name / "model.pdb.gz")
    positions = structure.positions[structure.is_backbone]
    mask = make_mask(volume, dilation=0.0, soft_edge=0.0)
    index = np.round(volume.grid.index_from_world(positions)).astype(int)
    assert mask.data[tuple(index.T)].mean() >= 0.95
    assert mask.data.mean() < share
    assert is_cut_out(volume.data) == (name != "emd1883")
