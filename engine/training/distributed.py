"""Where a training process runs: alone, or as one of several that torchrun started."""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass(frozen=True, slots=True)
class DistributedContext:
    """This process among its peers."""

    rank: int
    n_processes: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait for the peers."""
        if self.n_processes > 1:
            dist.barrier()

    def leave(self) -> None:
        """Leave the group; the last call of a process."""
        if self.n_processes > 1:
            dist.destroy_process_group()


def find_context() -> DistributedContext:
    """Read what torchrun says, join the group, choose the device."""
    rank, n_processes = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")
    else:
        device = torch.device("cpu")
    if n_processes > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return DistributedContext(rank, n_processes, device)
