"""A model: one object that makes its input, predicts tile by tile, and says what came out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.grid import Grid, Region
from mapscope.inference.device import Device, chosen_device
from mapscope.inference.estimate import Estimate
from mapscope.inference.model_file import ModelFile, read_model
from mapscope.inference.model_input import ModelInput, input_for
from mapscope.inference.model_list import find_model
from mapscope.inference.model_network import network_of
from mapscope.inference.normalise import Scaling
from mapscope.inference.predict import Plan, Preview, estimate, predict
from mapscope.inference.prediction import Prediction, Stopped
from mapscope.inference.ready import Precision, ReadyNetwork, finish, ready_network
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume


@dataclass(frozen=True)
class ModelOutput:
    """What a model says of every voxel.

    Parameters
    ----------
    prediction : Prediction
        Its outputs by name, and which part of them is done.
    grid : Grid
        Where their voxels lie.
    notes : tuple of str
        What was done to the maps, in sentences for the user.
    """

    prediction: Prediction
    grid: Grid
    notes: tuple[str, ...]


class Model:
    """A model that can be asked.

    Parameters
    ----------
    file : ModelFile
        Its card and weights.

    Raises
    ------
    ModelFormatError
        If the weights do not fit the network that the card names.
    """

    def __init__(self, file: ModelFile) -> None:
        self.card, self.checksum = file.card, file.checksum
        self.network = network_of(file)

    def prepare(
        self,
        maps: Sequence[Volume],
        scalings: tuple[Scaling, ...] | None = None,
        *,
        progress: Progress = silent,
    ) -> ModelInput:
        """Maps at the model's voxel size, and how they are to be scaled.

        Parameters
        ----------
        maps : sequence of Volume
            As many as the card has input channels, on one grid.
        scalings : tuple of Scaling, optional
            Of larger maps from which these were cut; None measures them.
        progress : callable
            Called once per slab.

        Raises
        ------
        InputError
            If they are too few or too many, or too large to be resampled.
        GridError
            If they lie on different grids.
        DataError
            If a map is constant.
        """
        return input_for(self.card, maps, scalings, progress=progress)

    def predict(
        self,
        maps: Sequence[Volume] | ModelInput,
        *,
        known: Mapping[str, float] | None = None,
        device: Device = "auto",
        precision: Precision = "auto",
        batch: int | None = None,
        region: Region | None = None,
        first: Region | None = None,
        into: Mapping[str, Any] | None = None,
        preview: Preview | None = None,
        progress: Progress = silent,
    ) -> ModelOutput:
        """What the model says of every voxel.

        Parameters
        ----------
        maps : sequence of Volume, or ModelInput
            As many as the card has input channels, on one grid; may be memory maps. Or what
            `prepare` made of them.
        known : mapping of str to float, optional
            The card's conditions by name; the voxel size need not be among them.
        region, first : Region, optional
            The only voxels that count, and those that come first, in voxels of the maps given.
        device, precision, batch, into, preview, progress
            As for `predict.predict`.

        Raises
        ------
        InputError
            If the model speaks of whole maps, a condition is missing, or as for `prepare`.
        Stopped
            If `progress` asked to stop; it holds what was finished.
        """
        ready = maps
        if not isinstance(ready, ModelInput):
            ready = self.prepare(ready, progress=part(progress, 0, 1, 20))
        plan = self._plan(ready, known or {})
        try:
            found = predict(
                self.network,
                [volume.data for volume in ready.maps],
                plan,
                device=device,
                precision=precision,
                batch=batch,
                region=ready.box_of(region),
                first=ready.box_of(first),
                into=into,
                preview=preview,
                progress=part(progress, 1, 20, 20),
            )
        except Stopped as stop:
            raise Stopped(stop.prediction, ready.grid) from stop
        return ModelOutput(found, ready.grid, ready.notes)

    def estimate(
        self,
        maps: Sequence[Volume],
        *,
        known: Mapping[str, float] | None = None,
        device: Device = "auto",
        precision: Precision = "auto",
        region: Region | None = None,
        progress: Progress = silent,
    ) -> Estimate:
        """Time and memory that `predict` will take, from one tile; the parameters are its own."""
        ready = self.prepare(maps, progress=progress)
        return estimate(
            self.network,
            [volume.data for volume in ready.maps],
            self._plan(ready, known or {}),
            device=device,
            precision=precision,
            region=ready.box_of(region),
        )

    def _plan(self, ready: ModelInput, known: Mapping[str, float]) -> Plan:
        """How the network goes over maps.

        Raises
        ------
        InputError
            If the model speaks of whole maps, or a condition is missing.
        """
        card = self.card
        wanted = {o.name: o.activation for o in card.outputs if o.of == "voxels"}
        if not wanted:
            raise InputError(f"{card.name} speaks of whole maps, not of voxels")
        return Plan(
            card.tile,
            card.margin,
            card.multiple,
            wanted,
            ready.scalings,
            self.conditions(ready.grid, known),
            card.blended,
            self.checksum,
            (card.tolerance.relative_rms, card.tolerance.equal_classes),
        )

    def ask(
        self,
        cubes: npt.NDArray[np.float32],
        *,
        conditions: tuple[float, ...] = (),
        device: Device = "auto",
    ) -> dict[str, npt.NDArray[np.float32]]:
        """What the model says of whole maps, float32 (n, features) by output name.

        Parameters
        ----------
        cubes : array (n, channels, z, y, x)
            Scaled maps, of the size that the network insists on, if it does.
        conditions : tuple of float
            As `conditions` gives them.
        device : {"auto", "cpu", "cuda", "mps"}
            Where.

        Raises
        ------
        InputError
            If the cubes are of another size than the network takes.
        """
        import torch

        size = getattr(self.network, "size", None)
        shape = (len(self.card.input_channels), *(size,) * 3) if size else None
        if cubes.ndim != 5 or (shape is not None and cubes.shape[1:] != shape):
            raise InputError(f"{self.card.name} takes {shape or 'maps'}, got {cubes.shape[1:]}")
        run = self._run(chosen_device(device), conditions)
        found = run(torch.from_numpy(np.ascontiguousarray(cubes, dtype=np.float32)))
        wanted = [o for o in self.card.outputs if o.of == "map"]
        return {o.name: finish(found[o.name], o.activation).cpu().numpy() for o in wanted}

    def _run(self, device: str, conditions: tuple[float, ...]) -> ReadyNetwork:
        """The network ready to run, kept for the next time."""
        return ready_network(
            self.network,
            channels=len(self.card.input_channels),
            multiple=self.card.multiple,
            device=device,
            conditions=conditions,
            key=self.checksum,
        )

    def conditions(self, grid: Grid, known: Mapping[str, float]) -> tuple[float, ...]:
        """What the model must be told of a map, in the card's order.

        Raises
        ------
        InputError
            If something that it must be told is not known.
        """
        told = {"voxel_size": float(np.mean(grid.voxel_size)), **known}
        if missing := [name for name in self.card.conditions if name not in told]:
            raise InputError(f"{self.card.name} must be told the {', '.join(missing)} of the map")
        return tuple(float(told[name]) for name in self.card.conditions)


def load(name_or_path: str | os.PathLike[str]) -> Model:
    """A model by its name or from its file, checked.

    Raises
    ------
    InputError
        If there is none.
    ModelFormatError
        If anything about it is wrong.
    """
    return Model(read_model(find_model(name_or_path)))
