"""What this computer has: memory, disk, GPU. For a process of its own: it may have to ask torch."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are another package, for one number

from engine.installed import missing_packages
from engine.models.requirements import Accelerator, AcceleratorKind, Machine

_ASK_TIMEOUT_S = 10.0
_MIB = 1 << 20

NO_CUDA_IN_TORCH = (
    "the PyTorch that is installed cannot use it. Type: make run TORCH=cuda (NVIDIA's driver must be recent)."
)
NO_BITSANDBYTES = "the package bitsandbytes is missing. Type: make run TORCH=cuda."


def find_machine(models_dir: Path) -> Machine:
    """Look what there is. Takes milliseconds; with an NVIDIA card seconds, for torch is imported then.

    Args:
        models_dir: where models are kept; need not exist yet.
    """
    ram_bytes = psutil.virtual_memory().total
    return Machine(ram_bytes, _free_bytes(models_dir), _find_accelerator(ram_bytes))


def _free_bytes(folder: Path) -> int:
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(existing).free


def _find_accelerator(ram_bytes: int) -> Accelerator | None:
    if sys.platform == "darwin":
        if platform.machine() != "arm64":
            return None
        return Accelerator(AcceleratorKind.APPLE, "Apple GPU", ram_bytes)
    card = _ask_nvidia()
    if card is None:
        return None
    name, memory_bytes = card
    return Accelerator(AcceleratorKind.CUDA, name, memory_bytes, _why_not_cuda())


def _ask_nvidia() -> tuple[str, int] | None:
    """Name and memory of the first NVIDIA card; None without one, or without its driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.run(query, capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):  # a driver that does not fit its kernel, or hangs
        return None
    return parse_nvidia(asked.stdout)


def parse_nvidia(text: str) -> tuple[str, int] | None:
    """nvidia-smi's "NAME, MEMORY IN MIB" per line -> name and bytes of the first card that has both."""
    for line in text.splitlines():
        name, _, memory = line.rpartition(",")
        # "[N/A]" on systems whose GPU shares the computer's memory.
        if name and memory.strip().isdigit():
            return name.strip(), int(memory) * _MIB
    return None


def _why_not_cuda() -> str:
    """Why torch cannot use the card that is there; empty if it can."""
    try:
        import torch
    except ImportError:
        return NO_CUDA_IN_TORCH
    if not torch.cuda.is_available():
        return NO_CUDA_IN_TORCH
    return NO_BITSANDBYTES if missing_packages("bitsandbytes") else ""
