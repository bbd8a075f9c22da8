"""Samples are pure functions of seed and number, and are what they say they are."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mapscope.errors import InputError
from mapscope.inference.normalise import scaling_of
from mapscope.training.augmentation import PROPER, TURNS, turned
from mapscope.training.class_maps import ClassMapSamples, DrawnClassMap
from mapscope.training.corpus import Corpus, PackedEntry, write_corpus
from mapscope.training.data_tables import (
    ClassMaps,
    Data,
    ImagingRanges,
    ResolutionMaps,
    VoxelClasses,
)
from mapscope.training.entry import CorpusEntry
from mapscope.training.imaging import Imaging, imaged
from mapscope.training.loader import Steps
from mapscope.training.resolution_maps import STRANGE, DrawnMap
from mapscope.training.samples import Samples, normalised, samples_of
from mapscope.training.split import read_split

DATA: dict[str, Data] = {
    "class_maps": ClassMaps(kind="class_maps", size=16, voxel_size=3.0, min_residues=5),
    "resolution_maps": ResolutionMaps(kind="resolution_maps", size=16, voxel_size=2.0),
    "voxel_classes": VoxelClasses(
        kind="voxel_classes", size=16, imaging=ImagingRanges(), resolution=(3.0, 4.0)
    ),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, bundle_entry: CorpusEntry) -> Corpus:
    """The sample's helices under the names of two entries of each part."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.safetensors"
    split = read_split()
    names = [
        *split.entries("training")[:2],
        *split.entries("validation")[:2],
        *split.entries("test")[:2],
    ]
    write_corpus(path, [PackedEntry(replace(bundle_entry, name=name)) for name in names])
    return Corpus.open(path)


@pytest.fixture(scope="module", params=sorted(DATA))
def samples(
    request: pytest.FixtureRequest, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> Samples:
    """Every kind of data."""
    made = samples_of(DATA[request.param], corpus, tmp_path_factory.mktemp("cache"))
    made.prepare("training")
    return made


def test_a_sample_depends_on_seed_and_number_alone(samples: Samples) -> None:
    first, again = (samples.draw("training", 3, 7) for _ in range(2))
    assert first == again
    assert json.dumps(asdict(first))
    one, two = samples.make(first), samples.make(again)
    assert torch.equal(one.maps, two.maps)
    assert torch.equal(one.targets["class"], two.targets["class"])
    others = [samples.draw("training", 3, 8), samples.draw("training", 4, 7)]
    assert first not in others


def test_every_sample_is_normalised_and_of_a_known_class(samples: Samples) -> None:
    for number in range(6):
        sample = samples.make(samples.draw("training", 1, number))
        assert sample.maps.dtype == torch.float32
        assert sample.maps.shape == (1, 16, 16, 16)
        assert bool(torch.isfinite(sample.maps).all())
        target = sample.targets["class"]
        assert -1 <= int(target.min()) <= int(target.max()) < len(samples.classes)
        assert target.dim() == 0 or target.shape == sample.maps.shape[1:]


def test_training_takes_no_entry_of_another_part(corpus: Corpus, tmp_path: Path) -> None:
    split = read_split()
    made = samples_of(DATA["resolution_maps"], corpus, tmp_path)
    for number in range(10):
        drawn = made.draw("training", 0, number)
        assert split.part_of("structures", drawn.window.entry) == "training"


@pytest.fixture(scope="module")
def class_maps(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> ClassMapSamples:
    """Prepared maps of chains."""
    data = DATA["class_maps"]
    assert isinstance(data, ClassMaps)
    made = ClassMapSamples(data, corpus, tmp_path_factory.mktemp("cache"))
    made.prepare("training")
    made.prepare("test")
    return made


def test_test_maps_are_each_chain_at_each_resolution_once(class_maps: ClassMapSamples) -> None:
    count = class_maps.count("test")
    assert count == 6
    drawn = [class_maps.draw("test", 9, number) for number in range(count)]
    assert len({(one.entry, one.label) for one in drawn}) == 6
    assert class_maps.draw("test", 1, count) == drawn[0]


def test_kept_maps_are_the_simulated_ones_between_0_and_1(class_maps: ClassMapSamples) -> None:
    drawn = class_maps.draw("test", 0, 1)
    kept = class_maps.make(drawn).maps[0]
    atoms = next(class_maps.test_chains(1))
    again = class_maps.simulated(atoms, np.eye(3), 7.5)
    expected = normalised(torch.from_numpy(again), "min_max")
    torch.testing.assert_close(kept, expected, rtol=0, atol=1e-3)
    assert (float(kept.min()), float(kept.max())) == (0.0, 1.0)


def test_coarser_classes_have_less_power_at_high_frequency(class_maps: ClassMapSamples) -> None:
    entry = class_maps.draw("test", 0, 0).entry
    shares = []
    for label in range(3):
        maps = class_maps.make(DrawnClassMap("test", entry, 0, label, 0)).maps[0]
        power = torch.fft.rfftn(maps - maps.mean()).abs().square()
        shares.append(float(power[4:-4].sum() / power.sum()))
    assert shares[0] > shares[1] > shares[2]


def test_maps_are_simulated_once_and_go_on_where_they_stopped(
    corpus: Corpus, tmp_path: Path, class_maps: ClassMapSamples, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DATA["class_maps"]
    assert isinstance(data, ClassMaps)
    made = ClassMapSamples(data, corpus, tmp_path)
    calls: list[str] = []
    whole = ClassMapSamples._maps

    def count(self: ClassMapSamples, name: str, orientations: int) -> Any:
        calls.append(name)
        return whole(self, name, orientations)

    monkeypatch.setattr(ClassMapSamples, "_maps", count)
    made.prepare("training")
    made.prepare("training")
    assert len(calls) == 2
    drawn = made.draw("training", 0, 0)
    assert torch.equal(made.make(drawn).maps, class_maps.make(drawn).maps)


def test_strange_maps_are_a_class_of_their_own(corpus: Corpus, tmp_path: Path) -> None:
    data = ResolutionMaps(kind="resolution_maps", size=16, voxel_size=2.0, outside=0.9)
    made = samples_of(data, corpus, tmp_path)
    seen: dict[str, DrawnMap] = {}
    for number in range(60):
        drawn = made.draw("training", 0, number)
        assert (drawn.label == 3) == bool(drawn.strange)
        seen.setdefault(drawn.strange, drawn)
    assert set(seen) == {"", *STRANGE}
    assert float(made.make(seen["constant"]).maps.abs().max()) == 0.0
    inverted = made.make(seen["inverted"]).maps
    right = made.make(replace(seen["inverted"], strange="")).maps
    torch.testing.assert_close(inverted, -right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("resolution", [6.0, 9.0])
def test_imaging_cuts_at_the_resolution(resolution: float) -> None:
    torch.manual_seed(0)
    density = torch.randn(32, 32, 32)
    out = imaged(density, 1.5, Imaging(resolution, soft_edge=0.1))
    before, after = (torch.fft.rfftn(d).abs().square().numpy() for d in (density, out))
    frequency = np.sqrt(sum(f**2 for f in _frequencies(32, 1.5)))
    assert after[frequency > 1.06 / resolution].max() < 1e-6 * before.max()
    inside = frequency < 0.94 / resolution
    np.testing.assert_allclose(after[inside], before[inside], rtol=1e-3)


def test_noise_has_the_wanted_power_in_the_shell_of_the_resolution() -> None:
    torch.manual_seed(0)
    density = torch.randn(32, 32, 32)
    imaging = Imaging(6.0, soft_edge=0.01, signal_to_noise=0.5, noise_end=1.1, noise_seed=4)
    clean = imaged(density, 1.5, replace(imaging, signal_to_noise=np.inf))
    noise = torch.fft.rfftn(imaged(density, 1.5, imaging) - clean).abs().square().numpy()
    signal = torch.fft.rfftn(clean).abs().square().numpy()
    radius = np.sqrt(sum(f**2 for f in _frequencies(32, 1.5))) * 6.0
    shell = (radius > 0.9) & (radius <= 0.99)
    assert signal[shell].mean() / noise[shell].mean() == pytest.approx(0.5, rel=0.1)


def test_a_coarse_map_that_is_sharpened_much_stays_finite() -> None:
    density = torch.randn((32,) * 3, generator=torch.Generator().manual_seed(3))
    imaging = Imaging(15.0, b_factor=-1500.0, signal_to_noise=0.5, noise_end=1.2)
    out = imaged(density, 1.0, imaging)
    assert torch.isfinite(out).all()
    assert float(out.std()) > 0


def test_a_mask_leaves_nothing_far_from_the_molecule() -> None:
    density = torch.zeros(40, 40, 40)
    density[18:22, 18:22, 18:22] = 1.0
    imaging = Imaging(6.0, signal_to_noise=1.0, mask_level=0.1, noise_seed=1)
    out = imaged(density, 2.0, imaging)
    assert float(out[:4].abs().max()) == 0.0
    assert float(out[18:22, 18:22, 18:22].abs().max()) > 0.1


def test_there_are_24_proper_turns_and_as_many_mirrored() -> None:
    cube = torch.arange(27.0).reshape(3, 3, 3)
    found = {tuple(turned(cube, n).flatten().tolist()) for n in range(len(TURNS))}
    assert len(found) == 48
    assert torch.equal(turned(cube, 0), cube)
    axes = torch.eye(3)
    for number, (order, flips) in enumerate(TURNS):
        matrix = axes[list(order)].clone()
        matrix[list(flips)] *= -1
        assert (float(torch.linalg.det(matrix)) > 0) == (number < PROPER)


def test_turning_labels_and_maps_keeps_them_together() -> None:
    maps = torch.randn(2, 1, 4, 4, 4)
    labels = (maps > 0).long()
    for number in (5, 17, 40):
        assert torch.equal((turned(maps, number) > 0).long(), turned(labels, number))


@pytest.mark.parametrize("normalisation", ["min_max", "standard"])
def test_training_normalises_as_prediction_does(normalisation: Any) -> None:
    maps = torch.randn(6, 5, 4) * 7 + 3
    expected = scaling_of(maps.numpy(), normalisation)(maps.numpy())
    torch.testing.assert_close(
        normalised(maps, normalisation), torch.from_numpy(expected), rtol=1e-4, atol=1e-5
    )


def test_devices_share_the_samples_of_a_step_without_overlap() -> None:
    alone = [number for step in Steps(2, 4, 6) for number in step]
    ranks = [Steps(2, 4, 3, rank, 2) for rank in range(2)]
    together = [number for rows in zip(*ranks, strict=True) for row in rows for number in row]
    assert together == alone


def test_a_corpus_without_a_part_is_refused(tmp_path: Path, bundle_entry: CorpusEntry) -> None:
    name = read_split().entries("training")[0]
    write_corpus(tmp_path / "c.safetensors", [PackedEntry(replace(bundle_entry, name=name))])
    made = samples_of(DATA["voxel_classes"], Corpus.open(tmp_path / "c.safetensors"), tmp_path)
    with pytest.raises(InputError, match="no entries for validation"):
        made.draw("training", 0, 0)


def _frequencies(size: int, voxel_size: float) -> list[Any]:
    """Frequencies along z, y, x of the coefficients of a cube in Å⁻¹."""
    whole, half = np.fft.fftfreq(size, voxel_size), np.fft.rfftfreq(size, voxel_size)
    return list(np.meshgrid(whole, whole, half, indexing="ij"))
