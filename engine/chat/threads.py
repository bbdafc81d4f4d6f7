"""How many CPU threads llama.cpp gets.

Its threads wait for each other in spinning barriers: with as many threads as cores, one busy neighbour costs
a factor of ten (measured: 74 ms per token with two threads on two cores, 7 ms with one). So one core is left
over.
"""

import os
import platform
from pathlib import Path

_MAX_USEFUL = 8
"""Beyond this, small models are limited by memory bandwidth and barriers."""


def choose_threads(n_threads: int | None) -> int:
    """The wish if there is one, else the physical cores this process may use less one; at least 1.

    Raises:
        ValueError: a wish below 1.
    """
    if n_threads is not None:
        if n_threads < 1:
            raise ValueError(f"n_threads must be at least 1, got {n_threads}")
        return n_threads
    return max(1, min(_MAX_USEFUL, count_physical_cores() - 1))


def count_physical_cores() -> int:
    """Physical cores this process may run on; a guess from the logical ones where the system does not say."""
    if platform.system() == "Linux":
        allowed = os.sched_getaffinity(0)
        siblings = {_siblings(cpu) for cpu in allowed}
        return max(1, len(siblings))
    n_logical = os.cpu_count() or 1
    has_hyperthreading = not (platform.system() == "Darwin" and platform.machine() == "arm64")
    return max(1, n_logical // 2) if has_hyperthreading else n_logical


def _siblings(cpu: int) -> str:
    """The logical CPUs of one core, as Linux writes them; the CPU's own number where it does not tell."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)
