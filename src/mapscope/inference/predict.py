"""A network on a volume of any size, tile by tile."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from mapscope.arrays import Array
from mapscope.errors import Cancelled, GridError, InputError
from mapscope.inference.batches import Runner, batch_for_memory, batches_of, block_of, on_host
from mapscope.inference.device import Device, chosen_device
from mapscope.inference.estimate import Clock, Estimate, estimate_of
from mapscope.inference.normalise import Scaling
from mapscope.inference.pipeline import ReadAhead, WriteBehind
from mapscope.inference.precision import LARGEST_ERROR, LEAST_EQUAL, chosen_precision
from mapscope.inference.prediction import Prediction, Stopped
from mapscope.inference.ready import Precision, ReadyNetwork, ready_network
from mapscope.inference.tiling import Box, Tile, blending_tiles, tiles_of_volume
from mapscope.inference.writing import BlendedWriter, Writer
from mapscope.progress import Progress, silent

if TYPE_CHECKING:
    from torch import nn

Preview: TypeAlias = Callable[[Prediction], None]
_PREVIEW = 0.5
"""Seconds between two looks at what is finished."""


@dataclass(frozen=True)
class Plan:
    """How a network goes over a volume.

    Parameters
    ----------
    tile, margin, multiple : int
        Voxels along a tile's edge, those around what is kept of it, and the steps that tiles
        begin at: what the network halves its input by.
    outputs : mapping of str to str, optional
        Outputs that are wanted, and what is done with each (`ready.ACTIVATIONS`); all, as they
        are, where None.
    scalings : sequence of Scaling, optional
        What makes of each map what the network has learned from; none where empty.
    conditions : tuple of float
        What is known of the map.
    blended : bool
        Whether what tiles share is averaged with weights that fall towards their edges, and not
        the margin thrown away.
    key : str, optional
        Checksum of the model, to know its measurements by.
    tolerance : tuple of float
        How far bf16 may be off: relative RMS of maps, and share of classes that stay.
    """

    tile: int
    margin: int
    multiple: int = 1
    outputs: Mapping[str, str] | None = None
    scalings: Sequence[Scaling] = ()
    conditions: tuple[float, ...] = ()
    blended: bool = False
    key: str | None = None
    tolerance: tuple[float, float] = (LARGEST_ERROR, LEAST_EQUAL)


def predict(
    network: nn.Module,
    maps: Sequence[Array],
    plan: Plan,
    *,
    device: Device = "auto",
    precision: Precision = "auto",
    batch: int | None = None,
    region: Box | None = None,
    first: Box | None = None,
    into: Mapping[str, Any] | None = None,
    preview: Preview | None = None,
    progress: Progress = silent,
) -> Prediction:
    """What a network says of every voxel, for volumes larger than memory, too.

    Parameters
    ----------
    network : nn.Module
        On the CPU, float32; stays as it is. It gives one tensor or a dict of tensors
        (n, features, z, y, x) for maps (n, channels, z, y, x); others are left out.
    maps : sequence of array (z, y, x)
        One for each channel, of one shape; may be memory maps or zarr arrays.
    plan : Plan
        How.
    device : {"auto", "cpu", "cuda", "mps"}
        Where.
    precision : {"auto", "fp32", "bf16"}
        With which numbers; "auto" measures once which is faster and good enough.
    batch : int, optional
        Most tiles at once; from the memory that is free where None. Halved whenever memory runs
        out.
    region : tuple of slice, optional
        The only voxels that count, z, y, x.
    first : tuple of slice, optional
        Tiles in this box come first.
    into : mapping of str to array, optional
        Arrays (features, z, y, x) of the region's size to write outputs into by name, such as
        zarr arrays; made where there are none.
    preview : callable (Prediction) -> None, optional
        Called now and then with what there is so far: finished tiles, and 0 elsewhere. It only
        looks, and soon returns.
    progress : callable
        Called once per batch; its message says time and memory.

    Raises
    ------
    GridError
        If the maps are not of one shape.
    InputError
        If there is no map, the tile is too small for the margin, or not even one tile fits into
        memory.
    Stopped
        If `progress` asked to stop; it holds what was finished.
    """
    how: dict[str, Any] = {"device": device, "precision": precision, "batch": batch}
    run, tiles, result = _begun(network, maps, plan, **how, region=region, first=first)
    region = result.region
    writer = (
        BlendedWriter(result, into, tiles, blending_tiles(tiles, region))
        if plan.blended
        else Writer(result, into)
    )
    try:
        _go(run, maps, plan, tiles, result, writer, preview, progress)
    except Cancelled as stop:
        writer.close()
        raise Stopped(result) from stop
    writer.close()
    return result


def estimate(
    network: nn.Module,
    maps: Sequence[Array],
    plan: Plan,
    *,
    device: Device = "auto",
    precision: Precision = "auto",
    batch: int | None = None,
    region: Box | None = None,
) -> Estimate:
    """Time and memory that `predict` will take, from one tile; the parameters are its own.

    Raises
    ------
    GridError, InputError
        As `predict` would.
    """
    run, tiles, result = _begun(
        network, maps, plan, device=device, precision=precision, batch=batch, region=region
    )
    return estimate_of(run, maps, plan.scalings, tiles, result.region, result, plan.multiple)


def _begun(
    network: nn.Module,
    maps: Sequence[Array],
    plan: Plan,
    *,
    device: Device,
    precision: Precision,
    batch: int | None,
    region: Box | None,
    first: Box | None = None,
) -> tuple[Runner, list[Tile], Prediction]:
    """The network ready to run, the tiles, and a prediction that nothing is in yet."""
    shape = _shape(maps)
    region = region or _whole(shape)
    tiles = tiles_of_volume(shape, plan.tile, plan.margin, plan.multiple, region, first)
    chosen = chosen_device(device)
    run = _runner(network, maps, plan, tiles[0], device=chosen, precision=precision)
    most = batch or batch_for_memory(run, len(maps), plan.multiple, tiles[0])
    result = Prediction(
        {}, region, len(tiles), plan.tile, plan.margin, chosen, run.network.precision, most
    )
    return run, tiles, result


def _shape(maps: Sequence[Array]) -> tuple[int, ...]:
    """The shape of all maps.

    Raises
    ------
    GridError, InputError
        If they differ, or there is none.
    """
    if not maps:
        raise InputError("a network needs a map to look at")
    shapes = {tuple(m.shape) for m in maps}
    if len(shapes) > 1:
        raise GridError(f"the maps for one network are of different shapes: {sorted(shapes)}")
    return shapes.pop()


def _whole(shape: Sequence[int]) -> Box:
    z, y, x = (slice(0, n) for n in shape)
    return z, y, x


def _runner(
    network: nn.Module,
    maps: Sequence[Array],
    plan: Plan,
    tile: Tile,
    *,
    device: str,
    precision: Precision,
) -> Runner:
    """The network ready to run, in the precision that is asked for or found best."""

    @cache
    def ready(chosen: str) -> ReadyNetwork:
        return ready_network(
            network,
            channels=len(maps),
            multiple=plan.multiple,
            device=device,
            precision=chosen,
            conditions=plan.conditions,
            key=plan.key,
        )

    if precision == "auto":
        block = block_of(maps, plan.scalings, [tile], device)
        wanted = plan.outputs or {}
        chosen = chosen_precision(ready, block, wanted, plan.tolerance, device, plan.key)
        return Runner(ready(chosen), plan.outputs)
    return Runner(ready(precision), plan.outputs)


def _go(
    run: Runner,
    maps: Sequence[Array],
    plan: Plan,
    tiles: Sequence[Tile],
    result: Prediction,
    writer: Writer,
    preview: Preview | None,
    progress: Progress,
) -> None:
    """Every tile through the network: read ahead of it, written behind it."""
    batches = batches_of(tiles, result)
    read = ((some, block_of(maps, plan.scalings, some, result.device)) for some in batches)
    at_work = result.batch * math.prod(tiles[0].shape)
    is_long = len(tiles) > result.batch
    memory = run.working_bytes(len(maps), plan.multiple, at_work) if is_long else 0.0
    clock, shown = Clock(len(tiles), memory), time.monotonic()
    with WriteBehind(writer.write) as behind, ReadAhead(read) as ahead:
        progress(0, len(tiles), clock.message())
        for some, block in ahead:
            found = run(block, result)
            behind.put(on_host(some, found, result.device))
            clock.step(len(some))
            progress(clock.done, len(tiles), clock.message())
            if preview is not None and result.outputs and time.monotonic() - shown > _PREVIEW:
                preview(result)
                shown = time.monotonic()
