"""Attention with soft-capped scores, in blocks of queries: Gemma 2 on long chunks, on any device.

transformers offers "eager", which holds all scores of a layer (8,192 tokens: 2 GB and more), and kernels that
exist for CUDA alone. This computes the same as "eager" in bounded memory, and passes over the scores, which
are what takes the time, as seldom as can be without a kernel of our own: the scaling is the product's
``alpha``, the soft cap is computed in place, and only those scores are masked that a mask can reach.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

NAME = "loreleaf_blocks"
"""What to give transformers as ``attn_implementation``."""

_SCORES_BYTES = 2**26
"""Scores at a time: with 8,192 keys and 8 heads those of 512 queries in bfloat16."""

_ALIGNMENT = 64
"""Keys are taken from a multiple of this on: rows of scores of odd length take a GPU three times as long."""


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
    """transformers' interface of an attention function, without dropout and without gradients.

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
    grouped = query.reshape(n_batch * n_kv_heads, -1, n_queries, d_head)  # (B*K, H/K, T, d_head)
    keys, values = key.flatten(0, 1), value.flatten(0, 1)  # (B*K, S, d_head)
    out = torch.empty_like(grouped)
    length = max(1, _SCORES_BYTES // (query.element_size() * n_batch * n_heads * n_keys))
    later, earlier = _triangles(min(length, n_queries), query.device)
    for start in range(0, n_queries, length):
        stop = min(start + length, n_queries)
        # The first key that the first query sees; keys that no query of this block sees are not computed.
        first = past + start + 1 - sliding_window if sliding_window else 0
        seen = slice(max(0, first) // _ALIGNMENT * _ALIGNMENT, past + stop)
        q = grouped[:, :, start:stop].flatten(1, 2)  # (B*K, H/K * t, d_head)
        scores = _scores(q, keys[:, seen], scaling, softcap)  # (B*K, H/K * t, s)
        by_query = scores.view(n_batch, -1, stop - start, scores.shape[-1])  # (B, H, t, s)
        if attention_mask is None:
            _hide_later(by_query, later)
            if sliding_window:
                _hide_earlier(by_query, earlier, first - seen.start)
        else:
            _hide(by_query, ~attention_mask[:, :, start:stop, seen])
        # Sums are kept in float32 whatever the scores' type is.
        attended = torch.bmm(scores.softmax(-1), values[:, seen])  # (B*K, H/K * t, d_head)
        out[:, :, start:stop] = attended.view(*grouped.shape[:2], stop - start, d_head)
    return out.view(n_batch, n_heads, n_queries, d_head).transpose(1, 2).contiguous(), None


def _scores(q: Tensor, k: Tensor, scaling: float, softcap: float | None) -> Tensor:
    """(N, t, d_head), (N, s, d_head) -> (N, t, s)"""
    factor = scaling if softcap is None else scaling / softcap
    unread = q.new_empty(())  # with beta = 0 the product alone is computed, and alpha costs nothing
    scores = torch.baddbmm(unread, q, k.mT, beta=0, alpha=factor)
    return scores if softcap is None else scores.tanh_().mul_(softcap)


def _triangles(length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """What ``_hide_later`` and ``_hide_earlier`` need: bool (t, t) and (t, t + _ALIGNMENT - 1)."""
    ones = torch.ones(length, length + _ALIGNMENT - 1, dtype=torch.bool, device=device)
    return ones[:, :length].triu(1), ones.tril(_ALIGNMENT - 2)


def _hide_later(scores: Tensor, later: Tensor) -> None:
    """Query i of t, the last of which is at the last key, does not see the t - 1 - i last keys."""
    t = scores.shape[-2]
    _hide(scores[..., -t:], later[:t, :t])


def _hide_earlier(scores: Tensor, earlier: Tensor, first: int) -> None:
    """Query i does not see the first ``first + i`` keys (none if that is negative): they left its window."""
    t, n_hidden = scores.shape[-2], first + scores.shape[-2] - 1  # of the last query
    if n_hidden > 0:
        # Row i of the triangle begins with i + _ALIGNMENT - 1 keys; first + i of them are here.
        _hide(scores[..., :n_hidden], earlier[:t, _ALIGNMENT - 1 - first :][:, :n_hidden])


def _hide(scores: Tensor, hidden: Tensor) -> None:
    # Not -inf: a row of which all is hidden (padding on the left) must not become NaN.
    scores.masked_fill_(hidden, torch.finfo(scores.dtype).min)


def _mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    *,
    attention_mask: Tensor | None = None,
    allow_is_causal_skip: bool = True,
    **options: Any,  # noqa: ANN401  # transformers' mask functions take what the next version adds
) -> Tensor | None:
    """transformers' interface of a mask function: None for what ``blocked_attention`` masks by itself.

    transformers' own makes a mask (8,192 tokens: 67 MB) as soon as a window is shorter than the text.
    """
    is_at_the_end = q_offset + q_length == kv_offset + kv_length
    if attention_mask is None and allow_is_causal_skip and is_at_the_end:
        return None
    return sdpa_mask(
        batch_size,
        q_length,
        kv_length,
        q_offset,
        kv_offset,
        attention_mask=attention_mask,
        allow_is_causal_skip=allow_is_causal_skip,
        **options,
    )


AttentionInterface.register(NAME, blocked_attention)
AttentionMaskInterface.register(NAME, _mask)
