"""Muon: momentum whose update is made orthogonal.

Source: Keller Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the update's
scale follows Liu et al. 2025, arXiv 2502.16982 (0.2 * sqrt(max(rows, columns)), the size of AdamW's updates).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""Coefficients of the quintic Newton-Schulz iteration, tuned for speed rather than exactness."""


def orthogonalise(gradient: Tensor, steps: int = 5) -> Tensor:
    """Nearest (semi-)orthogonal matrix, roughly.

    Args:
        gradient: (..., rows, columns); leading axes are separate matrices.

    Returns:
        bfloat16, same shape, singular values near 1.
    """
    x: Tensor = gradient.bfloat16()
    is_tall = x.shape[-2] > x.shape[-1]
    if is_tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * (gram @ gram)) @ x
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    """For matrices only; vectors, embeddings and scalers belong to AdamW.

    Args:
        params: groups or parameters of two or more axes; leading ones are separate matrices. A group may
            carry ``split``: sizes along the last axis of parts that are orthogonalised apart (the head
            holds rows of A beside rows of B).
        lr: step size; weight_decay is multiplied by it.

    Raises:
        ValueError: a parameter has fewer than two axes.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "split": None}
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim < 2:
                    raise ValueError(f"Muon takes matrices, got a parameter of the shape {tuple(p.shape)}")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update; Nesterov momentum."""
        assert closure is None, "Muon takes no closure"
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                buffer = state["momentum"]
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = _update(p.grad.lerp(buffer, group["momentum"]), group["split"])
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])


def _update(gradient: Tensor, split: Sequence[int] | None) -> Tensor:
    parts = [gradient] if split is None else gradient.split(list(split), dim=-1)
    scaled = [orthogonalise(part).to(part.dtype) * (0.2 * max(part.shape[-2:]) ** 0.5) for part in parts]
    return scaled[0] if split is None else torch.cat(scaled, dim=-1)
