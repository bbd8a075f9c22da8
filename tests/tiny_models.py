"""Small models for the tests that ask one: of a map's resolution, and of its voxels."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from mapscope.inference.card import Card, Output
from mapscope.inference.model_file import write_model
from mapscope.inference.normalise import scaling_of
from mapscope.inference.resolution_class import BUNDLED, OUTSIDE, RANGES
from mapscope.networks.registry import build
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.density import fixed_density
from mapscope.volume import Grid

EDGE, VOXEL_SIZE = 16, 2.0
RESOLUTIONS = (4.0, 7.5, 15.0)
_CONFIG = {"widths": [6, 12], "map_heads": {"class": 4}}
_STEPS = 40

STEEPNESS = 4.0
VOXEL_CLASSES = ("background", "thin", "dense")
CLASS_OUTPUT = Output(name="class", kind="classes", features=3, activation="softmax")
MAP_OUTPUT = Output(name="map", kind="map", features=1)
VARIANCE_OUTPUT = Output(name="variance", kind="variance", features=1, activation="exp")


def blob_map(
    resolution: float, seed: int, edge: int = EDGE, step: float = VOXEL_SIZE
) -> npt.NDArray[np.float32]:
    """Density of a compact heap of atoms at a resolution, float32 (edge, edge, edge)."""
    random = np.random.default_rng(seed)
    positions = (edge - 1) / 2 * step + random.normal(0, 0.2 * EDGE * VOXEL_SIZE, (150, 3))
    atoms = Atoms(positions, np.full(150, "C"), np.full(150, 20.0), np.ones(150))
    return fixed_density(atoms, Grid((edge,) * 3, (step,) * 3), "eman", resolution)


def _sample(number: int) -> tuple[npt.NDArray[np.float32], int]:
    """A map and its class; every fourth is noise."""
    label = number % 4
    if label == 3:
        return np.random.default_rng(number).standard_normal((EDGE,) * 3, dtype=np.float32), 3
    return blob_map(RESOLUTIONS[label], number), label


@cache
def resolution_model_file() -> Path:
    """The model's file, in a folder that can be one's own models; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mapscope_models_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    card = Card(
        name=BUNDLED,
        summary="A model for tests.",
        architecture="residual_unet",
        config=_CONFIG,  # type: ignore[arg-type]
        voxel_size=VOXEL_SIZE,
        tile=EDGE,
        outputs=(Output(name="class", kind="classes", features=4, of="map", activation="softmax"),),
        classes=(*RANGES, OUTSIDE),
        least_probability=0.4,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = _learned(build("residual_unet", **_CONFIG))
    return write_model(folder / f"{BUNDLED}.safetensors", card, network.state_dict())


def _learned(network: nn.Module) -> nn.Module:
    """The network after a few steps."""
    pairs = [_sample(number) for number in range(48)]
    maps = np.stack([scaling_of(m, "standard")(m) for m, _ in pairs])[:, None]
    inputs, labels = torch.from_numpy(maps), torch.tensor([label for _, label in pairs])
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3)
    network.train()
    for step in range(_STEPS):
        some = torch.arange(16) + 16 * (step % 3)
        loss = nn.functional.cross_entropy(network(inputs[some])["class"], labels[some])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network.eval()


@cache
def voxel_model_file() -> Path:
    """A model of voxels, in a folder of its own that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mapscope_voxel_models_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_voxel_model(folder / "density_kind.safetensors")


def write_voxel_model(path: Path, **changes: Any) -> Path:
    """A model whose answers are known: "background", "thin" or "dense" for each voxel.

    Thin is what lies within half a standard deviation of the mean, dense what is above; see
    `known_chances`. As a map it gives the density, scaled.

    Parameters
    ----------
    path : Path
        Its name is the model's.
    **changes
        Of its card, such as `outputs`.
    """
    config: dict[str, Any] = {"widths": [4, 6], "voxel_heads": {"class": 3, "map": 1}}
    with torch.random.fork_rng():
        network = build("residual_unet", **config)
    state = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    state |= {n: torch.ones_like(v) for n, v in state.items() if n.endswith(("norm.weight", "var"))}
    # What is above the mean in the first channel, what is below it in the second.
    state["stem.weight"][:2, 0, 1, 1, 1] = torch.tensor([1.0, -1.0])
    state["voxel_heads.map.weight"][0, :2, 0, 0, 0] = torch.tensor([1.0, -1.0])
    head = state["voxel_heads.class.weight"]
    head[0, 1], head[2, 0] = STEEPNESS, STEEPNESS
    state["voxel_heads.class.bias"][1] = STEEPNESS / 2
    state |= {n: v for n, v in network.state_dict().items() if n.endswith("num_batches_tracked")}
    card = Card(
        name=path.name.removesuffix(".safetensors"),
        summary="A model for tests.",
        architecture="residual_unet",
        config=config,
        voxel_size=VOXEL_SIZE,
        tile=2 * network.margin + 8,
        margin=network.margin,
        multiple=network.multiple,
        outputs=(CLASS_OUTPUT,),
        classes=VOXEL_CLASSES,
    )
    return write_model(path, card.model_copy(update=changes), state)


@cache
def enhancer_file() -> Path:
    """An enhancer, in a folder of its own that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mapscope_enhancers_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_enhancer(folder / "enhancer.safetensors")


def write_enhancer(path: Path, *, lift: float = 0.0, **changes: Any) -> Path:
    """An enhancer whose answers are known: what it is given, and more where that is dense.

    Of the mean x of both scaled half maps it makes ``x + lift max(x, 0)``, voxel by voxel, with the
    variance ``exp(-max(x, 0))``.

    Parameters
    ----------
    path : Path
        Its name is the model's.
    lift : float
        How much more; 0 changes nothing.
    **changes
        Of its card, such as `confidence`.
    """
    config: dict[str, Any] = {
        "channels": 2,
        "widths": [4, 6],
        "voxel_heads": {"map": 1, "variance": 1},
        "conditions": 1,
        "adds_input": "map",
    }
    with torch.random.fork_rng():
        network = build("residual_unet", **config)
    state = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    state |= {n: torch.ones_like(v) for n, v in state.items() if n.endswith(("norm.weight", "var"))}
    state["stem.weight"][0, :, 1, 1, 1] = 0.5
    state["voxel_heads.map.weight"][0, 0] = lift
    state["voxel_heads.variance.weight"][0, 0] = -1.0
    state |= {n: v for n, v in network.state_dict().items() if n.endswith("num_batches_tracked")}
    card = Card(
        name=path.name.removesuffix(".safetensors"),
        summary="An enhancer for tests.",
        architecture="residual_unet",
        config=config,
        voxel_size=1.0,
        window=48,
        input_channels=("half_map_1", "half_map_2"),
        conditions=("resolution",),
        tile=2 * network.margin + 24,
        margin=network.margin,
        multiple=network.multiple,
        outputs=(MAP_OUTPUT, VARIANCE_OUTPUT),
    )
    return write_model(path, card.model_copy(update=changes), state)


def known_chances(density: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What that model says of a map at its voxel size: probabilities (3, z, y, x)."""
    scaled = (density - density.mean()) / density.std()
    heights = [np.maximum(-scaled, 0), np.full_like(scaled, 0.5), np.maximum(scaled, 0)]
    powers = np.exp(STEEPNESS * np.stack(heights).astype(np.float64))
    return np.asarray(powers / powers.sum(axis=0))
