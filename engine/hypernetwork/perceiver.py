"""The perceiver of Doc-to-LoRA: a few latents read the states of a document.

Source: arXiv 2602.15902, section 3; the reference's Idefics2-derived module, of which only the path that its
released checkpoints take exists here. There is no positional encoding, no causal mask and no bias anywhere.

Parameter names are the reference's (``self_attn`` is a cross-attention in cross layers), so that its
checkpoints load strictly.

Shapes: N sequences (one per decoder layer and chunk, layer-major), S tokens, Q latents, d = d_latent.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.formats.hypernetwork_config import HypernetworkConfig

NORM_EPS = 1e-6


class RMSNorm(nn.Module):
    """Root-mean-square norm with float32 statistics and a plain weight (not Gemma's 1 + w)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x: Tensor) -> Tensor:
        """(..., d) -> (..., d)"""
        return self.weight * rms_normalise(x)


class NormWeight(nn.Module):
    """What an RMSNorm does to a context that ``rms_normalise`` has been applied to already.

    All cross layers read the same context: normalised once for all of them it takes a quarter of the time.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, normed: Tensor) -> Tensor:
        """(..., d) -> (..., d)"""
        if torch.is_grad_enabled():
            return self.weight * normed
        # Rounded as autocast would round it for both products that follow, and in the same pass.
        return torch.mul(self.weight, normed, out=torch.empty_like(normed))


def rms_normalise(x: Tensor) -> Tensor:
    """``x / rms(x)`` over the last axis, computed in float32; (..., d) -> (..., d)"""
    x_f32 = x.float()
    return (x_f32 * torch.rsqrt(x_f32.pow(2).mean(-1, keepdim=True) + NORM_EPS)).to(x.dtype)


class GatedMLP(nn.Module):
    """``down(SiLU(gate(x)) * up(x))`` without biases."""

    def __init__(self, d_in: int, d_hidden: int, d_out: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(d_in, d_hidden, bias=False)
        self.up_proj = nn.Linear(d_in, d_hidden, bias=False)
        self.down_proj = nn.Linear(d_hidden, d_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., d_in) -> (..., d_out)"""
        hidden: Tensor = F.silu(self.gate_proj(x)) * self.up_proj(x)
        return self.down_proj(hidden)  # type: ignore[no-any-return]  # nn.Module.__call__ is untyped


class PerLayerProjection(nn.Module):
    """Ours: each decoder layer's states pass through a matrix of their own.

    The states of different layers differ in kind and in size by orders of magnitude, hence the norm and the
    separate matrices; of all changes to the paper this one helped most (docs/training-log.md).
    """

    def __init__(self, n_layers: int, d_in: int, d_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_layers, d_in, d_out) / d_in**0.5)

    def forward(self, features: Tensor) -> Tensor:
        """(C, L, S, D) -> (L, C, S, d)"""
        n_chunks, n_layers, n_tokens, d_in = features.shape
        x = rms_normalise(features).transpose(0, 1).reshape(n_layers, -1, d_in)  # (L, C*S, D)
        return torch.bmm(x, self.weight.to(x.dtype)).view(n_layers, n_chunks, n_tokens, -1)  # (L, C, S, d)

    def layer(self, states: Tensor, layer: int) -> Tensor:
        """The same for one decoder layer: (C, S, D) -> (C, S, d)"""
        return rms_normalise(states) @ self.weight[layer].to(states.dtype)


class Attention(nn.Module):
    """Grouped-query attention of latents over a context; keys and values come from the context only."""

    def __init__(self, config: HypernetworkConfig) -> None:
        super().__init__()
        self.n_heads, self.n_kv_heads, self.d_head = config.n_heads, config.n_kv_heads, config.d_head
        d = config.d_latent
        self.q_proj = nn.Linear(d, self.n_heads * self.d_head, bias=False)
        self.k_proj = nn.Linear(d, self.n_kv_heads * self.d_head, bias=False)
        self.v_proj = nn.Linear(d, self.n_kv_heads * self.d_head, bias=False)
        self.o_proj = nn.Linear(self.n_heads * self.d_head, d, bias=False)

    def forward(self, latents: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        """(N, Q, d), (N, S, d), None or bool (N, 1, 1, S) with True for real tokens -> (N, Q, d)"""
        q = self._heads(self.q_proj(latents), self.n_heads)  # (N, n_heads, Q, d_head)
        k = self._heads(self.k_proj(context), self.n_kv_heads)  # (N, n_kv_heads, S, d_head)
        v = self._heads(self.v_proj(context), self.n_kv_heads)
        # scaled by 1/sqrt(d_head); with enable_gqa each kv head serves n_heads/n_kv_heads consecutive heads
        out = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, enable_gqa=self.n_heads != self.n_kv_heads
        )
        out = out.transpose(1, 2).flatten(2)  # (N, Q, n_heads * d_head)
        return self.o_proj(out)  # type: ignore[no-any-return]

    def _heads(self, x: Tensor, n_heads: int) -> Tensor:
        return x.view(x.shape[0], x.shape[1], n_heads, self.d_head).transpose(1, 2)


class PerceiverLayer(nn.Module):
    """Attention and MLP around a residual stream of latents.

    A cross layer reads the context, which comes normalised; a self layer reads the latents themselves.
    """

    def __init__(self, config: HypernetworkConfig, *, is_cross: bool) -> None:
        super().__init__()
        d = config.d_latent
        self.input_latents_layernorm = RMSNorm(d)
        self.input_context_layernorm: nn.Module = NormWeight(d) if is_cross else nn.Identity()
        self.self_attn = Attention(config)
        self.post_attention_layernorm: nn.Module = RMSNorm(d) if config.post_norm else nn.Identity()
        self.pre_ff_layernorm = RMSNorm(d)
        self.mlp = GatedMLP(d, config.mlp_factor * d, d)
        self.post_ff_layernorm: nn.Module = RMSNorm(d) if config.post_norm else nn.Identity()
        self.is_cross = is_cross
        if not config.post_norm:
            # Without the norms the residual branches must start small by themselves.
            for linear in (self.self_attn.o_proj, self.mlp.down_proj):
                nn.init.normal_(linear.weight, std=0.02 / 8**0.5)

    def forward(self, latents: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        """(N, Q, d), (N, S, d), mask -> (N, Q, d); a self layer ignores context and mask."""
        h = self.input_latents_layernorm(latents)
        kv = self.input_context_layernorm(context) if self.is_cross else h
        a = self.self_attn(h, kv, mask if self.is_cross else None)
        latents = latents + self.post_attention_layernorm(a)
        m = self.mlp(self.pre_ff_layernorm(latents))
        return latents + self.post_ff_layernorm(m)  # type: ignore[no-any-return]


class Resampler(nn.Module):
    """Learned latents that read a context through a stack of layers.

    Args:
        n_latents: Q.
        n_blocks: each one cross layer and ``n_self_attn`` self layers.
        n_layers: number of decoder layers L when each has latents of its own, else None.
    """

    def __init__(
        self,
        config: HypernetworkConfig,
        *,
        n_latents: int,
        n_blocks: int,
        n_self_attn: int,
        n_layers: int | None,
    ) -> None:
        super().__init__()
        shape = (n_latents, config.d_latent) if n_layers is None else (n_layers, n_latents, config.d_latent)
        self.latents_q = nn.Parameter(torch.randn(shape))
        if n_layers is not None:
            with torch.no_grad():
                self.latents_q.mul_(0.02 * config.d_latent**0.5)
        self.layers = nn.ModuleList(_stack(config, n_blocks, n_self_attn))
        self.layernorm = RMSNorm(config.d_latent)

    def forward(
        self, context: Tensor, mask: Tensor | None, n_chunks: int, layers: slice = slice(None)
    ) -> Tensor:
        """(L*C, S, d), bool (L*C, 1, 1, S) or None -> (L*C, Q, d), rows layer-major.

        ``layers`` says which of the decoder layers the rows are of; all of them, if it is not given.
        """
        if self.latents_q.ndim == 2:
            latents = self.latents_q.expand(context.shape[0], -1, -1)  # (L*C, Q, d)
        else:
            latents = self.latents_q[layers].repeat_interleave(n_chunks, dim=0)  # (L*C, Q, d)
        context = rms_normalise(context)
        for layer in self.layers:
            latents = layer(latents, context, mask)
        return self.layernorm(latents)  # type: ignore[no-any-return]


def _stack(config: HypernetworkConfig, n_blocks: int, n_self_attn: int) -> list[PerceiverLayer]:
    """Layers in order; with shared weights the same objects come again, as in the reference's state dict."""
    layers: list[PerceiverLayer] = []
    cross: list[PerceiverLayer] = []
    self_layers: list[PerceiverLayer] = []
    for block in range(n_blocks):
        if not config.shared_weights or block < 2:
            cross.append(PerceiverLayer(config, is_cross=True))
        if not config.shared_weights or block == 0:
            self_layers = [PerceiverLayer(config, is_cross=False) for _ in range(n_self_attn)]
        layers += [cross[-1], *self_layers]
    return layers
