"""The device that computes, what memory it has left, and what running out looks like."""

from __future__ import annotations

import platform
from pathlib import Path

from mapscope.preferences import free_memory, memory_limit
from mapscope.simulate.device import Device, chosen_device

__all__ = ["Device", "chosen_device", "free_bytes", "is_out_of_memory", "machine_name"]

_SHARE = 0.7  # what other programs, fragments and copies may need stays free
_UNKNOWN = 2.0**30


def free_bytes(device: str) -> float:
    """Bytes that one job may use on a device now, the preference ``memory_gb`` heeded."""
    import torch

    if device == "cuda":
        free, _ = torch.cuda.mem_get_info()
        reserved = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return _SHARE * (free + reserved)
    limit = memory_limit()
    free_here = free_memory() or _UNKNOWN
    return _SHARE * (free_here if limit is None else min(limit, free_here))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is short, on whichever device."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = ("not enough memory", "can't allocate memory", "out of memory")
    return isinstance(error, RuntimeError) and any(w in str(error).lower() for w in words)


def machine_name(device: str) -> str:
    """What computes on this machine, with the version of torch, to know measurements by."""
    import torch

    chip = torch.cuda.get_device_name() if device == "cuda" else _processor()
    count = torch.get_num_threads()
    threads = f", {count} thread{'s' if count > 1 else ''}" if device == "cpu" else ""
    return f"{chip}{threads}, torch {torch.__version__}"


def _processor() -> str:
    """Name of this machine's processor with family and model, as well as it can be told."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    pairs = (line.partition(":")[::2] for line in reversed(lines))
    known = {key.strip(): value.strip() for key, value in pairs}
    words = [
        f"{n} {known[k]}" for n, k in (("family", "cpu family"), ("model", "model")) if k in known
    ]
    name = known.get("model name", platform.machine())
    return f"{name} ({', '.join(words)})" if words else name
