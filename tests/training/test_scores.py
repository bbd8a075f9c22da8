"""Losses, confusion and states are what their definitions say."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mapscope.errors import InputError, MapFormatError
from mapscope.training.checkpoint import read_state, write_state
from mapscope.training.confusion import Confusion
from mapscope.training.loss_tables import Loss
from mapscope.training.losses import ClassLoss, TotalLoss, trivial_loss


def test_cross_entropy_of_certain_and_right_logits_is_0_and_ignores_minus_1() -> None:
    target = torch.tensor([[0, 1], [2, -1]])
    logits = 50.0 * torch.movedim(
        torch.nn.functional.one_hot(target.clamp(min=0), 3).float(), -1, 1
    )
    loss = ClassLoss(Loss(cross_entropy=1.0, dice=1.0))
    assert float(loss(logits, target)) == pytest.approx(0.0, abs=1e-4)
    wrong = logits.clone()
    wrong[1, :, 1] = torch.tensor([0.0, 50.0, 0.0])
    assert float(loss(wrong, target)) == pytest.approx(0.0, abs=1e-4)


def test_dice_of_uniform_probabilities_is_its_formula() -> None:
    target = torch.tensor([[0, 0, 0, 1]])
    loss = ClassLoss(Loss(cross_entropy=0.0, dice=1.0))
    # 1 - 2 Σpg / (Σp + Σg) for 3 and 1 of 4 voxels, averaged.
    expected = np.mean([1 - 2 * 1.5 / (2 + 3), 1 - 2 * 0.5 / (2 + 1)])
    assert float(loss(torch.zeros(1, 2, 4), target)) == pytest.approx(expected, abs=1e-4)


def test_class_weights_count() -> None:
    logits, target = torch.zeros(2, 2), torch.tensor([0, 1])
    logits[0, 0] = 4.0
    plain = ClassLoss(Loss())(logits, target)
    first = ClassLoss(Loss(class_weights=(1.0, 0.0)))(logits, target)
    assert float(first) < float(plain)


def test_a_network_with_fewer_classes_than_the_data_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match="says 3 classes, and the data have number 3"):
        ClassLoss(Loss())(torch.zeros(2, 3), torch.tensor([0, 3]))


def test_an_output_that_nobody_gives_is_refused_with_what_there_is() -> None:
    loss = TotalLoss([Loss(output="variance")])
    with pytest.raises(InputError, match="'variance'"):
        loss({"class": torch.zeros(1, 2)}, {"class": torch.zeros(1).long()})


def test_trivial_loss_is_the_entropy_of_the_classes() -> None:
    assert trivial_loss([9, 1, 0]) == pytest.approx(-(0.9 * np.log(0.9) + 0.1 * np.log(0.1)))


def test_confusion_gives_table_5_of_avramov_2019() -> None:
    confusion = Confusion(("high", "medium", "low"))
    counts = [[10, 0, 0], [4, 5, 1], [2, 5, 3]]
    for truth, row in enumerate(counts):
        for said, count in enumerate(row):
            confusion.add(torch.full((count,), said), torch.full((count,), truth))
    table = confusion.table()
    assert table["sensitivity"] == pytest.approx([1.0, 0.5, 0.3])
    assert table["specificity"] == pytest.approx([0.7, 0.75, 0.95])
    assert table["positive_predictive_value"] == pytest.approx([0.625, 0.5, 0.75])
    assert table["negative_predictive_value"] == pytest.approx([1.0, 0.75, 19 / 26])
    assert confusion.accuracy == pytest.approx(0.6)
    assert confusion.balanced_accuracy == pytest.approx(0.6)


def test_what_is_ignored_is_not_confused() -> None:
    confusion = Confusion(("a", "b"))
    confusion.add(torch.tensor([0, 1, 1]), torch.tensor([0, -1, 1]))
    assert confusion.counts.tolist() == [[1, 0], [0, 1]]


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = {
        "step": 3,
        "none": None,
        "rates": [0.1, float("inf")],
        "pair": (1, "two", True),
        "by_number": {0: {"mean": torch.arange(6.0).reshape(2, 3)}, 1: {}},
        "shared": torch.ones(3),
    }
    state["again"] = state["shared"]
    write_state(tmp_path / "s.safetensors", state)
    found = read_state(tmp_path / "s.safetensors")
    mean = found["by_number"].pop(0)["mean"]
    assert torch.equal(mean, torch.arange(6.0).reshape(2, 3))
    assert torch.equal(found.pop("shared"), found.pop("again"))
    assert found == {
        "step": 3,
        "none": None,
        "rates": [0.1, float("inf")],
        "pair": (1, "two", True),
        "by_number": {1: {}},
    }


def test_a_state_holds_no_pickle_and_refuses_what_would_need_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot hold state\.thing, a object"):
        write_state(tmp_path / "s.safetensors", {"thing": object()})
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's list of mapped files")
def test_a_state_that_was_read_may_be_replaced_and_is_flushed_by_who_may_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    # Windows refuses both: to replace a file that is mapped, and to flush one opened for reading.
    modes = []
    monkeypatch.setattr(os, "fsync", lambda file: modes.append(fcntl.fcntl(file, fcntl.F_GETFL)))
    path = tmp_path / "s.safetensors"
    write_state(path, {"a": torch.zeros(10_000)})
    found = read_state(path)
    assert str(path) not in Path("/proc/self/maps").read_text()
    assert found["a"].shape == (10_000,)
    assert [mode & os.O_ACCMODE for mode in modes] == [os.O_RDWR]


def test_a_truncated_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    write_state(path, {"a": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(MapFormatError, match="damaged"):
        read_state(path)
