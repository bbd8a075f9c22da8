"""Which numbers a network computes with here: measured once per machine and model, then kept."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mapscope.inference.device import is_out_of_memory, machine_name
from mapscope.preferences import cache_folder

if TYPE_CHECKING:
    import torch

    from mapscope.inference.ready import Outputs, ReadyNetwork

_log = logging.getLogger(__name__)

LEAST_GAIN = 1.3
"""bf16 is used where it is at least so many times as fast as fp32."""

LARGEST_ERROR = 1e-2
"""Relative RMS difference that bf16 may make to a map."""

LEAST_EQUAL = 0.999
"""Share of voxels whose class bf16 must leave as it is."""

_LARGEST_FILE = 2**20


def knows_bf16(device: str) -> bool:
    """Whether a device computes with bfloat16 itself, and not by a slow detour."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        return has_onednn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001
    return False


def chosen_precision(
    ready: Callable[[str], ReadyNetwork],
    tile: torch.Tensor,
    outputs: Mapping[str, str],
    tolerance: tuple[float, float],
    device: str,
    key: str | None,
) -> str:
    """The precision to use on this machine: fp32 unless bf16 is worth it and good enough.

    Parameters
    ----------
    ready : callable
        Makes the network for a precision.
    tile : tensor (1, channels, z, y, x)
        What to measure on.
    outputs : mapping of str to str
        Outputs that count, and what is done with them; ``argmax`` makes classes.
    tolerance : tuple of float
        Largest relative RMS difference of maps, and least share of equal classes.
    device : str
        Where.
    key : str, optional
        Checksum of the model, under which the answer is kept; None keeps nothing.
    """
    if not knows_bf16(device):
        return "fp32"
    place = f"{machine_name(device)}, {key}"
    kept = _kept().get(place) if key else None
    if kept in ("fp32", "bf16"):
        return kept
    chosen = _measured(ready, tile, outputs, tolerance)
    if key:
        _keep(place, chosen)
    return chosen


def _measured(
    ready: Callable[[str], ReadyNetwork],
    tile: torch.Tensor,
    outputs: Mapping[str, str],
    tolerance: tuple[float, float],
) -> str:
    """The precision that wins on one tile."""
    try:
        slow, exact = _timed(ready("fp32"), tile)
        fast, rough = _timed(ready("bf16"), tile)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        _log.info("bf16 is not used: %s", error)
        return "fp32"
    gain = slow / fast
    wanted = outputs or dict.fromkeys((n for n, v in exact.items() if v.ndim == 5), "none")
    is_good = all(
        is_close_enough(exact[name], rough[name], activation, tolerance)
        for name, activation in wanted.items()
        if name in exact
    )
    _log.info("bf16 is %.2f times as fast as fp32, and %s", gain, "good" if is_good else "off")
    return "bf16" if gain >= LEAST_GAIN and is_good else "fp32"


def _timed(network: ReadyNetwork, tile: torch.Tensor) -> tuple[float, Outputs]:
    """Shortest of two runs in seconds, after one to warm up, and the answer."""
    found, best = network(tile), float("inf")
    for _ in range(2):
        _wait(network.device)
        started = time.perf_counter()
        found = network(tile)
        _wait(network.device)
        best = min(best, time.perf_counter() - started)
    return best, found


def _wait(device: str) -> None:
    """Let a device that computes on its own finish."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def is_close_enough(
    exact: torch.Tensor,
    rough: torch.Tensor,
    activation: str,
    tolerance: tuple[float, float] = (LARGEST_ERROR, LEAST_EQUAL),
) -> bool:
    """Whether an output in bf16 may stand for the one in fp32, both (n, features, z, y, x)."""
    if activation in ("argmax", "softmax"):
        equal = exact.argmax(dim=1) == rough.argmax(dim=1)
        return bool(equal.float().mean() >= tolerance[1])
    scale = exact.square().mean().sqrt()
    return bool((exact - rough).square().mean().sqrt() <= tolerance[0] * scale)


def _kept() -> dict[str, str]:
    """What was measured before."""
    path = cache_folder() / "precision.json"
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return {}
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _keep(place: str, precision: str) -> None:
    """Remember a measurement; where that cannot be, it is made again next time."""
    path = cache_folder() / "precision.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        draft.write_text(json.dumps(_kept() | {place: precision}, indent=1), "utf-8")
        draft.replace(path)
    except OSError as error:
        _log.info("the precision measured is not kept: %s", error)
