"""Attention with soft-capped scores, in blocks of queries: Gemma 2 on long chunks, on any device.

transformers offers "eager", which holds all scores of a layer (8,192 tokens: 2 GB and more), and kernels that
exist for CUDA alone. This computes the same as "eager" in bounded memory.
"""

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

NAME = "loreleaf_blocks"
"""What to give transformers as ``attn_implementation``."""

_BLOCK = 512
"""Queries at a time: with 8 heads and 8,192 keys 134 MB of scores in float32."""


def blocked_attention(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    softcap: float | None = None,
    sliding_window: int | None = None,
    **_: object,
) -> tuple[Tensor, None]:
    """transformers' interface of an attention function, without dropout.

    Args:
        query: (B, H, T, d_head), the last T of S positions.
        key: (B, K, S, d_head); each of the K heads serves H / K consecutive heads of the query.
        value: (B, K, S, d_head)
        attention_mask: bool (B, 1, T, S), True where a query may look; None: at itself and what is before.
        scaling: factor on the scores.
        softcap: scores become ``softcap * tanh(scores / softcap)``.
        sliding_window: without a mask, keys that a query may look back, itself included.

    Returns:
        (B, T, H, d_head), None
    """
    n_batch, n_heads, n_queries, d_head = query.shape
    n_kv_heads, n_keys = key.shape[1], key.shape[2]
    past = n_keys - n_queries
    grouped = query.reshape(n_batch, n_kv_heads, -1, n_queries, d_head)  # (B, K, H/K, T, d_head)
    blocks: list[Tensor] = []
    for start in range(0, n_queries, _BLOCK):
        stop = min(start + _BLOCK, n_queries)
        first = max(0, past + start + 1 - sliding_window) if sliding_window else 0
        seen = slice(first, past + stop)  # keys that no query of this block may look at are not computed
        k, v = key[:, :, None, seen], value[:, :, None, seen]  # (B, K, 1, s, d_head)
        scores = grouped[..., start:stop, :] @ k.mT * scaling  # (B, K, H/K, t, s)
        if softcap is not None:
            scores = softcap * torch.tanh(scores / softcap)
        allowed = (
            _causal(start + past, stop + past, first, sliding_window, query.device)
            if attention_mask is None
            else attention_mask[:, :, None, start:stop, seen]
        )
        scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
        blocks.append(scores.softmax(-1, dtype=torch.float32).to(value.dtype) @ v)
    out = torch.cat(blocks, dim=3).reshape(n_batch, n_heads, n_queries, d_head)
    return out.transpose(1, 2).contiguous(), None


def _causal(start: int, stop: int, first: int, window: int | None, device: torch.device) -> Tensor:
    """bool (t, s): which of the keys ``first`` to ``stop`` the queries ``start`` to ``stop`` may look at."""
    queries = torch.arange(start, stop, device=device)[:, None]
    keys = torch.arange(first, stop, device=device)
    allowed = keys <= queries
    return allowed & (keys > queries - window) if window else allowed


AttentionInterface.register(NAME, blocked_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
