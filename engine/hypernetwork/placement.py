"""Where the encoder and the hypernetwork run, in what dtype, and why."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from engine.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class Placement:
    """A device and the dtype of the models on it.

    Attributes:
        text: for people, e.g. "CPU, 2 threads, float32".
        reason: why this one.
    """

    device: torch.device
    dtype: torch.dtype
    text: str
    reason: str


def choose_device(
    wanted: str, n_threads: int | None, cpu_dtype: Callable[[], torch.dtype] = lambda: torch.float32
) -> Placement:
    """cuda, then mps, then cpu.

    Args:
        wanted: "auto", "cuda", "mps" or "cpu".
        n_threads: CPU threads for torch; None takes half the logical cores, which leaves a desktop usable,
            but two where there are only two.
        cpu_dtype: asked, once the threads are set, if the CPU is chosen.

    Raises:
        ModelUnavailable: the wanted device is not there.
    """
    has_mps = torch.backends.mps.is_available()
    if wanted not in ("auto", "cuda", "mps", "cpu"):
        msg = f"device must be auto, cuda, mps or cpu, got {wanted!r}"
        raise ValueError(msg)
    if wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available()):
        if not torch.cuda.is_available():
            raise ModelUnavailable("There is no CUDA GPU here.", "Choose another device in the settings.")
        name = torch.cuda.get_device_name()
        return Placement(torch.device("cuda"), torch.bfloat16, f"{name}, bfloat16", "a CUDA GPU was found")
    if wanted == "mps" or (wanted == "auto" and has_mps):
        if not has_mps:
            raise ModelUnavailable("There is no Apple GPU here.", "Choose another device in the settings.")
        return Placement(torch.device("mps"), torch.float16, "Apple GPU, float16", "an Apple GPU was found")
    n_cores = os.cpu_count() or 1
    threads = n_threads or max(min(2, n_cores), n_cores // 2)
    torch.set_num_threads(threads)
    dtype = cpu_dtype()
    text = f"CPU, {threads} thread{'s' if threads > 1 else ''}, {str(dtype).removeprefix('torch.')}"
    reason = "chosen in the settings" if wanted == "cpu" else "no CUDA or Apple GPU found"
    return Placement(torch.device("cpu"), dtype, text, reason)


def faster_cpu_dtype() -> torch.dtype:
    """float32 or bfloat16, whichever multiplies faster on this processor; takes some 50 ms to find out.

    Measured, since no flag tells: bfloat16 is several times as fast with AMX or AVX512-BF16, and several
    times as slow without. It also halves the memory, so it wins a draw.
    """
    seconds = {dtype: _product_s(dtype) for dtype in (torch.float32, torch.bfloat16)}
    return min(seconds, key=lambda dtype: seconds[dtype] * (1.0 if dtype == torch.bfloat16 else 1.1))


def _product_s(dtype: torch.dtype) -> float:
    x, w = torch.ones(256, 1024, dtype=dtype), torch.ones(1024, 1024, dtype=dtype)
    best_s = float("inf")
    for _ in range(3):
        begin_s = time.perf_counter()
        x @ w
        best_s = min(best_s, time.perf_counter() - begin_s)
    return best_s
