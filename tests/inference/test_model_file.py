"""Model files: what is written comes back, and what is no model is refused with its reason."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save

from mapscope import cli
from mapscope.errors import InputError, ModelFormatError
from mapscope.grid import Region
from mapscope.inference import list_models, load, model_list
from mapscope.inference.card import Card, Output, Training
from mapscope.inference.model_file import checksum_of_model, read_card, read_model, write_model
from mapscope.inference.model_list import find_model, import_model, remove_model, verify
from mapscope.networks.registry import build
from mapscope.volume import Volume

CONFIG: dict[str, Any] = {"size": 8, "width": 0.01}
OUTPUT = Output(name="class", kind="classes", features=3, of="map", activation="softmax")


def card(name: str = "tiny", **changes: Any) -> Card:
    return Card.model_validate(
        {
            "name": name,
            "summary": "Says which of three.",
            "architecture": "dense_2019",
            "config": CONFIG,
            "normalisation": "min_max",
            "voxel_size": 1.0,
            "outputs": (OUTPUT,),
            "classes": ("high", "medium", "low"),
            "training": Training(recipe="tiny", steps=3, scores={"accuracy": 0.5}),
            "cite": ("Avramov et al. (2019)",),
        }
        | changes
    )


def network() -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build("dense_2019", **CONFIG)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny.safetensors", card(), network().state_dict())


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own"
    monkeypatch.setenv("MAPSCOPE_MODELS", str(folder))
    return folder


def test_model_when_written_and_read_has_its_card_and_its_weights_in_half_precision(
    model: Path,
) -> None:
    file = read_model(model)
    assert file.card == card()
    assert read_card(model) == card()
    for name, value in network().state_dict().items():
        assert file.state[name].dtype == torch.float16
        torch.testing.assert_close(file.state[name].float(), value, rtol=1e-3, atol=1e-6)


def test_model_when_written_again_has_equal_bytes(model: Path, tmp_path: Path) -> None:
    file = read_model(model)
    again = write_model(tmp_path / "again.safetensors", file.card, file.state)
    assert again.read_bytes() == model.read_bytes()
    assert [p.name for p in tmp_path.glob("*.part")] == []


def test_weights_when_half_precision_would_spoil_them_stay_as_they_are(tmp_path: Path) -> None:
    state = {
        "norm.running_var": torch.tensor([1e-6]),
        "large": torch.tensor([1e6]),
        "count": torch.tensor([7]),
    }
    kept = read_model(write_model(tmp_path / "a.safetensors", card(), state)).state
    assert all(torch.equal(kept[n], v) for n, v in state.items())
    with pytest.raises(ModelFormatError, match="not finite"):
        write_model(tmp_path / "b.safetensors", card(), {"w": torch.tensor([np.nan])})
    with pytest.raises(ModelFormatError, match="ends in"):
        write_model(tmp_path / "b.pt", card(), {})


def header_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(header: object, rest: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def tampered_weights(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def tampered_card(data: bytes) -> bytes:
    return data.replace(b"Says which of three.", b"Says which of seven.")


def without_card(data: bytes) -> bytes:
    header, rest = header_of(data)
    return with_header({k: v for k, v in header.items() if k != "__metadata__"}, rest)


def changed_entry(**changes: object) -> Any:
    def change(data: bytes) -> bytes:
        header, rest = header_of(data)
        name = next(n for n in header if n != "__metadata__")
        header[name] |= changes
        return with_header(header, rest)

    return change


def changed_document(**changes: object) -> Any:
    def change(data: bytes) -> bytes:
        header, rest = header_of(data)
        document = json.loads(header["__metadata__"]["mapscope_model"])
        document["card"] |= changes
        header["__metadata__"]["mapscope_model"] = json.dumps(document)
        return with_header(header, rest)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: pickle.dumps({"weights": [1.0]}), "pickle"),
        (lambda data: b"PK\x03\x04" + data, "zip archive"),
        (lambda data: data[:5], "cut off"),
        (lambda data: data[:200], "cut off"),
        (lambda data: data[:-10], "10 bytes of its weights are missing"),
        (lambda data: data + b"more", "4 bytes follow"),
        (lambda data: b"\xff" * 8 + data[8:], "header would have"),
        (lambda data: struct.pack("<Q", 20) + b"[" * 20 + data, "no JSON object"),
        (lambda _: with_header([1], b""), "no JSON object"),
        (tampered_weights, "not what was written"),
        (tampered_card, "not what was written"),
        (without_card, "no model of Mapscope's"),
        (changed_entry(shape=[2**50, 2**50]), "nonsense"),
        (changed_entry(shape=[-1]), "nonsense"),
        (changed_entry(dtype="C64"), "nonsense"),
        (changed_entry(data_offsets=[0, 1e3]), "nonsense"),
        (changed_document(format_version=2), "newer Mapscope"),
        (changed_document(tile=-1), "tile"),
        (changed_document(program="rm"), "program"),
        (changed_document(architecture="../evil"), "architecture"),
    ],
)
def test_file_that_is_no_sound_model_is_refused_with_its_reason(
    model: Path, change: Any, reason: str
) -> None:
    model.write_bytes(change(model.read_bytes()))
    with pytest.raises(ModelFormatError, match=reason):
        read_model(model)


def test_files_of_random_bytes_and_random_damage_raise_no_other_error(model: Path) -> None:
    random = np.random.default_rng(0)
    whole = model.read_bytes()
    for _ in range(300):
        data = bytearray(whole)
        for place in random.integers(0, len(data) // 20, 3):
            data[place] = random.integers(0, 256)
        model.write_bytes(data)
        with pytest.raises(ModelFormatError):
            read_model(model)
        model.write_bytes(random.bytes(int(random.integers(0, 100))))
        with pytest.raises(ModelFormatError):
            read_model(model)


def test_model_when_weights_or_network_are_others_than_its_card_says_is_refused(
    tmp_path: Path,
) -> None:
    state = network().state_dict()
    other = card(config={"size": 16, "width": 0.01})
    with pytest.raises(ModelFormatError, match="do not fit"):
        load(write_model(tmp_path / "a.safetensors", other, state))
    unknown = card(architecture="transformer")
    with pytest.raises(ModelFormatError, match="cannot be built"):
        load(write_model(tmp_path / "b.safetensors", unknown, state))


@pytest.mark.parametrize(
    "changes",
    [
        {"outputs": ()},
        {"outputs": (OUTPUT, OUTPUT)},
        {"voxel_size": 0.0},
        {"outputs": (OUTPUT.model_copy(update={"of": "voxels"}),), "tile": 32, "margin": 16},
        {"name": "../a"},
        {"training": {"scores": {"a": float("nan")}}},
    ],
)
def test_card_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        card(**changes)


def test_card_when_its_class_outputs_cannot_be_named_or_blended_is_refused() -> None:
    voxels: dict[str, Any] = {
        "outputs": (OUTPUT.model_copy(update={"of": "voxels"}),),
        "tile": 32,
    }
    with pytest.raises(ValidationError, match="2 names for"):
        card(**voxels, classes=("one", "other"))
    numbers = (OUTPUT.model_copy(update={"of": "voxels", "activation": "argmax"}),)
    with pytest.raises(ValidationError, match="blended"):
        card(outputs=numbers, tile=32, blended=True)


def test_model_when_its_header_is_as_long_as_a_pickle_begins_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    begins = set()
    for length in range(0, 1400, 4):
        write_model(path, card(summary="x" * length), {"w": torch.zeros(1)})
        if path.read_bytes()[:2] in (b"\x80\x03", b"\x80\x04", b"\x80\x05"):
            begins.add(path.read_bytes()[:2])
            assert read_card(path).summary == "x" * length
    assert begins


def test_model_when_its_weights_are_bfloat16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    state = {name: value.bfloat16() for name, value in network().state_dict().items()}
    document = {"card": card().to_json(), "checksum": checksum_of_model(card().to_json(), state)}
    path.write_bytes(save(state, {"mapscope_model": json.dumps(document)}))
    kept = read_model(path).state
    assert all(torch.equal(kept[name], value) for name, value in state.items())


def test_model_of_an_older_mapscope_whose_card_knew_less_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    state = {name: value.half() for name, value in network().state_dict().items()}
    older = {name: value for name, value in card().to_json().items() if name != "window"}
    document = {"card": older, "checksum": checksum_of_model(older, state)}
    path.write_bytes(save(state, {"mapscope_model": json.dumps(document)}))
    assert read_model(path).card == card()


@pytest.mark.parametrize(
    "config",
    [
        {"size": 100_000},
        {"size": 10**30},
        {"size": 8, "width": 0.01, "classes": 10**9},
    ],
)
def test_model_when_its_card_names_a_huge_network_is_refused_without_memory_for_it(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    path = write_model(tmp_path / "a.safetensors", card(config=config), network().state_dict())
    with pytest.raises(ModelFormatError, match=r"do not fit|cannot be built"):
        load(path)
    endless = card(
        architecture="residual_unet", config={"map_heads": {"class": 3}, "blocks": 10**9}
    )
    with pytest.raises(ModelFormatError, match="at most 8 scales"):
        load(write_model(path, endless, network().state_dict()))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"input_channels": ("map", "half")}, "takes 1 maps, and its card names 2"),
        ({"conditions": ("resolution",)}, "takes 0 conditions, and its card names 1"),
        ({"multiple": 1}, "multiples of 2, and its card says 1"),
        ({"outputs": (OUTPUT.model_copy(update={"name": "other"}),)}, "called 'other'"),
        ({"outputs": (OUTPUT.model_copy(update={"of": "voxels"}),)}, None),
        ({"outputs": (OUTPUT.model_copy(update={"of": "map"}),)}, "each map called 'class'"),
    ],
)
def test_model_when_its_network_takes_or_gives_something_else_than_its_card_says_is_no_import(
    own: Path, tmp_path: Path, changes: dict[str, Any], reason: str | None
) -> None:
    config: dict[str, Any] = {"widths": [2, 4], "voxel_heads": {"class": 3}}
    voxels = {"outputs": (OUTPUT.model_copy(update={"of": "voxels"}),), "tile": 32, "multiple": 2}
    written = card(**{"architecture": "residual_unet", "config": config, **voxels, **changes})
    state = build("residual_unet", **config).state_dict()
    path = write_model(tmp_path / "a.safetensors", written, state)
    if reason is None:
        assert import_model(path).path.parent == own
        return
    with pytest.raises(ModelFormatError, match=reason):
        import_model(path)
    assert not own.exists()


def test_model_when_asked_about_cubes_answers_as_its_network_does(model: Path) -> None:
    cubes = np.random.default_rng(0).random((5, 1, 8, 8, 8), dtype=np.float32)
    found = load(model).ask(cubes, device="cpu")["class"]
    with torch.inference_mode():
        truth = network().eval()(torch.from_numpy(cubes))["class"].softmax(dim=1).numpy()
    np.testing.assert_allclose(found, truth, atol=1e-3)
    with pytest.raises(InputError, match="takes"):
        load(model).ask(cubes[..., :7], device="cpu")
    with pytest.raises(InputError, match="whole maps"):
        load(model).predict([Volume(cubes[0, 0])])


def test_model_when_the_voxel_size_is_another_resamples_and_says_so(model: Path) -> None:
    density = np.random.default_rng(0).random((12, 14, 16), dtype=np.float32)
    ready = load(model).prepare([Volume(density, (1.5, 1.5, 1.5), (3.0, 0.0, -2.0))])
    assert ready.grid.shape == (18, 21, 24)
    assert ready.grid.voxel_size == pytest.approx((1.0, 1.0, 1.0))
    assert ready.grid.origin == (3.0, 0.0, -2.0)
    assert ready.notes == (
        "The map was resampled from 1.5 Å to 1 Å per voxel, which tiny was trained on.",
    )
    assert (ready.scaled().min(), ready.scaled().max()) == pytest.approx((0, 1), abs=1e-6)
    assert load(model).prepare([Volume(density, (1.004,) * 3)]).notes == ()
    with pytest.raises(InputError, match="2 maps came"):
        load(model).prepare([Volume(density)] * 2)


def test_model_of_voxels_when_tiled_says_what_its_network_says_of_the_whole_map(
    tmp_path: Path,
) -> None:
    config: dict[str, Any] = {
        "widths": [4, 8],
        "voxel_heads": {"map": 1, "classes": 3},
        "conditions": 1,
    }
    unet = build("residual_unet", **config).eval()
    for parameter in unet.parameters():
        torch.nn.init.normal_(parameter, 0.1, 0.2, torch.Generator().manual_seed(0))
    outputs = (
        Output(name="map", kind="map", features=1),
        Output(name="classes", kind="classes", features=3, activation="argmax"),
    )
    changes: dict[str, Any] = {"architecture": "residual_unet", "config": config}
    changes |= {"outputs": outputs}
    changes |= {"conditions": ("voxel_size",), "voxel_size": None, "multiple": 2}
    written = card(**changes, tile=48, margin=int(unet.margin))
    model = load(write_model(tmp_path / "a.safetensors", written, unet.state_dict()))
    density = np.random.default_rng(0).random((41, 50, 37), dtype=np.float32)
    volume = Volume(density, (1.25,) * 3, (9.0, 0.0, 0.0))
    found = model.predict([volume], device="cpu", precision="fp32")
    assert found.grid == volume.grid
    assert found.prediction.tiles > 1
    scaled = torch.from_numpy(model.prepare([volume]).scaled())[None]
    with torch.inference_mode():
        truth = model.network(scaled, torch.tensor([[1.25]]))
    expected = truth["map"][0].numpy()
    values = found.prediction.outputs["map"]
    error = np.sqrt(np.square(values - expected).mean() / np.square(expected).mean())
    assert error < 1e-3
    classes = truth["classes"].argmax(dim=1).numpy()
    assert (found.prediction.outputs["classes"] == classes).mean() > 0.999
    region = Region((4, 6, 8), (12, 20, 18))
    part = model.predict([volume], region=region, device="cpu", precision="fp32")
    np.testing.assert_allclose(
        part.prediction.outputs["map"], values[:, 4:12, 6:20, 8:18], rtol=1e-3, atol=1e-4
    )


def test_model_when_it_is_not_told_what_it_must_know_says_what(tmp_path: Path) -> None:
    config: dict[str, Any] = {"widths": [2], "voxel_heads": {"map": 1}, "conditions": 2}
    changes: dict[str, Any] = {
        "architecture": "residual_unet",
        "config": config,
        "outputs": (Output(name="map", kind="map", features=1),),
        "conditions": ("voxel_size", "resolution"),
        "tile": 32,
        "margin": 4,
    }
    state = build("residual_unet", **config).state_dict()
    model = load(write_model(tmp_path / "a.safetensors", card(**changes), state))
    density = np.random.default_rng(0).random((9, 9, 9), dtype=np.float32)
    with pytest.raises(InputError, match="told the resolution"):
        model.predict([Volume(density)])
    told = model.predict([Volume(density)], known={"resolution": 3.0}, device="cpu")
    assert told.prediction.is_complete


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in model_list.bundled_folder().glob("*.safetensors"))
)
def test_model_that_comes_with_mapscope_is_what_its_card_says(name: str) -> None:
    file = verify(name)
    training = file.card.training
    assert training.scores
    assert set(training.commands) == set(training.scores)
    assert training.minutes > 0


def test_models_when_imported_are_listed_verified_and_removed(
    model: Path, own: Path, tmp_path: Path
) -> None:
    bundled = {m.name for m in list_models()}
    imported = import_model(model)
    assert imported.path == own / "tiny.safetensors"
    assert {m.name for m in list_models()} == bundled | {"tiny"}
    assert load("tiny").card == card()
    assert verify("tiny").checksum == read_model(model).checksum
    with pytest.raises(InputError, match="already"):
        import_model(model)
    other = write_model(tmp_path / "x.safetensors", card(version="2"), network().state_dict())
    import_model(other, replace=True)
    assert load("tiny").card.version == "2"
    assert remove_model("tiny") == own / "tiny.safetensors"
    with pytest.raises(InputError, match="none of your own"):
        remove_model("tiny")
    with pytest.raises(InputError, match="no model 'tiny'"):
        find_model("tiny")


def test_model_of_a_bundled_name_is_imported_only_on_purpose_and_used_instead(
    model: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").mkdir()
    write_model(
        tmp_path / "weights" / "tiny.safetensors", card(version="7"), network().state_dict()
    )
    monkeypatch.setattr(model_list, "bundled_folder", lambda: tmp_path / "weights")
    with pytest.raises(InputError, match="came with Mapscope"):
        import_model(model)
    import_model(model, replace=True)
    assert load("tiny").card.version == "1"
    assert remove_model("tiny").parent == own
    assert load("tiny").card.version == "7"
    with pytest.raises(InputError, match="came with Mapscope and stays"):
        remove_model("tiny")


def test_damaged_model_is_listed_with_what_is_wrong_and_does_not_hide_others(
    model: Path, own: Path
) -> None:
    import_model(model)
    (own / "broken.safetensors").write_bytes(b"\x80\x04K\x01.")
    entries = {m.name: m for m in list_models()}
    assert entries["tiny"].card == card()
    assert entries["broken"].card is None
    assert "pickle" in entries["broken"].problem


def test_models_commands_do_what_they_say(
    model: Path, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(["models", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    code, out, _ = run("import", str(model))
    assert (code, out) == (0, f"{own / 'tiny.safetensors'}\n")
    code, out, _ = run("list", "--json")
    rows = {row["name"]: row for row in json.loads(out)["models"]}
    assert rows["tiny"]["origin"] == "own"
    assert rows["tiny"]["about"] == "Says which of three."
    assert "tiny\t1\town" in run("list")[1]
    code, out, _ = run("card", "tiny")
    assert Card.from_json(json.loads(out)) == card()
    assert "is as it was written" in run("verify", "tiny")[1]
    code, _, err = run("import", str(model))
    assert code == 2
    assert err.startswith("mapscope: there is a model tiny already")
    assert run("import", str(model), "--replace")[0] == 0
    model.write_bytes(pickle.dumps(1))
    code, _, err = run("verify", str(model))
    assert code == 2
    assert "pickle" in err
    assert run("remove", "tiny")[0] == 0
    assert run("remove", "tiny")[0] == 2
