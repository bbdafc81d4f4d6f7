"""What makes a context encoder small and fast on a CUDA GPU, without another result.

On an H100, 8,192 tokens of Gemma 2B's shape: docs/devices.md.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.models.gemma2.modeling_gemma2 import Gemma2RMSNorm

from engine.hypernetwork.hypernetwork import Hypernetwork


class HostEmbedding(nn.Module):
    """An embedding that stays in main memory: of Gemma 2B's 256,000 rows (1.2 GB) a document needs a few.

    Args:
        embedding: of the encoder; it is moved to the CPU. transformers' Gemma models scale what they look up.
        device: where its rows are wanted.
    """

    def __init__(self, embedding: nn.Module, device: torch.device) -> None:
        super().__init__()
        self.embedding = embedding.to("cpu")
        scale = getattr(embedding, "embed_scale", None)
        self._scale = None if scale is None else scale.to(device, self.weight.dtype)
        self._device = device

    @property
    def weight(self) -> Tensor:
        """(vocabulary, D), on the CPU."""
        weight = self.embedding.weight
        assert isinstance(weight, Tensor)
        return weight

    def forward(self, ids: Tensor) -> Tensor:
        """(C, S) -> (C, S, D) on the device"""
        # Gathered into pinned memory, which torch keeps for the next time: copied from pages that are new and
        # not pinned, 8,192 rows take 40 ms.
        shape = (ids.numel(), self.weight.shape[1])
        rows = torch.empty(shape, dtype=self.weight.dtype, pin_memory=self._device.type == "cuda")
        torch.index_select(self.weight, 0, ids.flatten().cpu(), out=rows)
        there = rows.to(self._device, non_blocking=True).view(*ids.shape, -1)
        return there if self._scale is None else there * self._scale


class FusedGemmaNorm(nn.Module):
    """Gemma 2's norm in three kernels instead of nine; as there, all of it in float32."""

    def __init__(self, norm: Gemma2RMSNorm) -> None:
        super().__init__()
        self.weight = nn.Parameter(1.0 + norm.weight.float(), requires_grad=False)
        self.eps = norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., D)"""
        return F.rms_norm(x.float(), self.weight.shape, self.weight, self.eps).type_as(x)


def fit_encoder(decoder: nn.Module, device: torch.device) -> None:
    """Change a decoder that nobody else uses: its embedding in main memory, its norms fused."""
    untyped: Any = decoder
    untyped.set_input_embeddings(HostEmbedding(untyped.get_input_embeddings(), device))
    for module in list(decoder.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Gemma2RMSNorm):
                setattr(module, name, FusedGemmaNorm(child))


def fit_perceiver(hypernetwork: Hypernetwork) -> None:
    """Keep the matrices of the perceiver in bfloat16, to which autocast would round them at every use."""
    for module in hypernetwork.perceiver.modules():
        if isinstance(module, nn.Linear):
            module.to(torch.bfloat16)
