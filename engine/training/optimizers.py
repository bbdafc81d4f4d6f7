"""Which parameters are updated by what, and how fast at which point of the schedule."""

import torch
from torch import nn

from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.training.config import TrainConfig
from engine.training.muon import Muon


def learning_rate_share(step: int, share: float, config: TrainConfig) -> float:
    """Warm-up in steps, then flat, then linear down; ``share`` of the schedule is over. In [0, 1]."""
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if share < config.flat_share:
        return warm
    left = (1 - min(share, 1.0)) / (1 - config.flat_share) if config.flat_share < 1 else 0.0
    return warm * (config.final_lr_share + (1 - config.final_lr_share) * left)


def make_optimizers(hypernetwork: Hypernetwork, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, AdamW for vectors, latents, scalers, the bias block and that for quotes.

    Each group keeps its own rate as ``base_lr``; the schedule multiplies that.
    """
    (module,) = hypernetwork.config.target_modules
    head = hypernetwork.head["weight"]
    others: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    for name, p in hypernetwork.named_parameters():
        if p is not head:
            (matrices if _is_matrix(name, p) else others).append(p)
    # Rows of A and rows of B are orthogonalised apart: they are different maps that share a tensor.
    groups: list[dict[str, object]] = [
        {"params": matrices},
        {"params": [head], "split": (module.d_in, module.d_out)},
    ]
    muon = Muon(groups, lr=config.lr_muon)
    adamw = torch.optim.AdamW(others, lr=config.lr_adamw, betas=(0.9, 0.98), weight_decay=0.0)
    optimizers: list[torch.optim.Optimizer] = [muon, adamw]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def _is_matrix(name: str, p: nn.Parameter) -> bool:
    if name.startswith(("scaler_", "bias_", "quotes_")) or name.endswith(("latents_q", ".bias")):
        return False  # several axes, but no map from one space to another
    return p.ndim >= 2
