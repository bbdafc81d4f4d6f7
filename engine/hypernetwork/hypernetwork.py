"""From the states of a document to LoRA factors, and from the factors of chunks to one adapter.

Source: arXiv 2602.15902. Shapes: C chunks, L decoder layers, S tokens, D encoder width, M target modules,
r LoRA rank, d latent width.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.hypernetwork.perceiver import GatedMLP, PerLayerProjection, Resampler

Factors = Mapping[str, tuple[Tensor, Tensor]]
"""Module name -> A (..., L, R, d_in), B (..., L, R, d_out); B is rank-first, as the paper stores it."""


class PerLayerLinear(nn.Module):
    """A linear layer with weights of its own for each decoder layer.

    The bias is stored as (1, L, 1, 1, d_out), the reference's shape for (chunk, layer, module, rank,
    feature).
    """

    def __init__(self, n_layers: int, d_in: int, d_out: int) -> None:
        super().__init__()
        bound = (3.0 / d_in) ** 0.5
        self.weight = nn.Parameter(torch.empty(n_layers, d_in, d_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(1, n_layers, 1, 1, d_out).uniform_(-(d_in**-0.5), d_in**-0.5))

    def forward(self, x: Tensor) -> Tensor:
        """(C, L, M, r, d_in) -> (C, L, M, r, d_out)"""
        return torch.einsum("clmrd,ldo->clmro", x, self.weight) + self.bias


class ResidualMLP(nn.Module):
    """``x + LN(W2 SiLU(W1 LN(x)))``, the LayerNorms shared by all decoder layers, the matrices not."""

    def __init__(self, config: HypernetworkConfig) -> None:
        super().__init__()
        n_layers, d = config.n_layers, config.d_latent
        # Indices 0, 1, 3 and 4 are the reference's parameter names; 2 is the SiLU.
        self.layers = nn.ModuleList(
            [
                nn.LayerNorm(d),
                PerLayerLinear(n_layers, d, 4 * d),
                nn.SiLU(),
                PerLayerLinear(n_layers, 4 * d, d),
            ]
        )
        self.layers.append(nn.LayerNorm(d))

    def forward(self, x: Tensor) -> Tensor:
        """(C, L, M, r, d) -> same"""
        h = x
        for layer in self.layers:
            h = layer(h)
        return x + h


class SharedResidualMLP(nn.Module):
    """The same with ordinary linear layers, for checkpoints with ``per_layer_processing=False``."""

    def __init__(self, config: HypernetworkConfig) -> None:
        super().__init__()
        d = config.d_latent
        # The reference's Sequential has (inactive) dropouts at 1 and 4; its parameters are 0, 2, 5 and 6.
        self.mlp = nn.Sequential(
            nn.LayerNorm(d),
            nn.Identity(),
            nn.Linear(d, 4 * d),
            nn.SiLU(),
            nn.Identity(),
            nn.Linear(4 * d, d),
            nn.LayerNorm(d),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., d) -> same"""
        return x + self.mlp(x)  # type: ignore[no-any-return]


class Perceiver(nn.Module):
    """Projection of the states, then one or two resamplers."""

    def __init__(self, config: HypernetworkConfig) -> None:
        super().__init__()
        self.config = config
        per_layer = config.n_layers if config.per_layer_latents else None
        self.modality_projection: nn.Module
        if config.projection == "per_layer":
            self.modality_projection = PerLayerProjection(config.n_layers, config.d_encoder, config.d_latent)
        else:
            d_hidden = config.projection_factor * config.d_encoder
            self.modality_projection = GatedMLP(config.d_encoder, d_hidden, config.d_latent)
        self.encoder = Resampler(
            config,
            n_latents=config.n_latents,
            n_blocks=config.n_blocks,
            n_self_attn=config.n_self_attn_per_block,
            n_layers=per_layer,
        )
        self.decoder: Resampler | None = None
        if config.has_decoder:
            self.decoder = Resampler(
                config, n_latents=config.n_perceived, n_blocks=1, n_self_attn=0, n_layers=per_layer
            )

    def project(self, features: Tensor) -> Tensor:
        """(C, L, S, D) -> (L*C, S, d); rows are layer-major: row = layer * C + chunk.

        Where all layers share one state L is 1, or missing: (C, S, D) -> (C, S, d).
        """
        if features.ndim == 3:
            features = features[:, None]
        if isinstance(self.modality_projection, PerLayerProjection):
            return self.modality_projection(features).flatten(0, 1)  # type: ignore[no-any-return]
        return self.modality_projection(features.transpose(0, 1).flatten(0, 1))  # type: ignore[no-any-return]

    def project_layer(self, states: Tensor, layer: int) -> Tensor:
        """The same for one decoder layer: (C, S, D) -> (C, S, d)"""
        if isinstance(self.modality_projection, PerLayerProjection):
            return self.modality_projection.layer(states, layer)
        return self.modality_projection(states)  # type: ignore[no-any-return]

    def resample(
        self, projected: Tensor, mask: Tensor | None, layers: slice = slice(None)
    ) -> tuple[Tensor, Tensor]:
        """(L*C, S, d), bool (C, S) or None -> encoder output (L*C, Q, d), perceiver output (L*C, M*r, d)

        With one state for all layers (C, S, d) -> (C, Q, d), (C, L*M*r, d).

        Args:
            projected: rows layer-major.
            mask: True for real tokens.
            layers: of which layers the rows are, if not of all. Layers do not see each other.
        """
        n_states = len(range(*layers.indices(self.config.n_states)))
        n_chunks = projected.shape[0] // n_states
        if mask is not None:
            mask = mask.repeat(n_states, 1)[:, None, None, :]  # (L*C, 1, 1, S)
        encoded = self.encoder(projected, mask, n_chunks, layers)
        return encoded, encoded if self.decoder is None else self.decoder(encoded, None, n_chunks, layers)


class Hypernetwork(nn.Module):
    """Generates a LoRA for every target module of every decoder layer from a chunk's states.

    Stages are methods of their own, in the order project, resample, refine, unit_latents, factors, so that
    each can be checked against the reference.
    """

    def __init__(self, config: HypernetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.aggregator = nn.ModuleDict({"perceiver": Perceiver(config)})
        mlp = ResidualMLP if config.per_layer_processing else SharedResidualMLP
        self.layers = nn.ModuleList([mlp(config) for _ in range(config.n_pre_head_layers)])
        n_layers, n_modules, d, d_lora = config.n_layers, config.n_modules, config.d_latent, config.d_lora
        head_shape = (n_layers, d, d_lora) if n_modules == 1 else (n_layers, n_modules, d, d_lora)
        self.head = nn.ParameterDict({"weight": nn.Parameter(torch.empty(head_shape))})
        self.scaler_A, self.scaler_B = nn.ParameterDict(), nn.ParameterDict()
        self.bias_A, self.bias_B = nn.ParameterDict(), nn.ParameterDict()
        self.quotes_A, self.quotes_B = nn.ParameterDict(), nn.ParameterDict()
        for module in config.target_modules:
            self.scaler_A[module.name] = nn.Parameter(torch.ones(1, n_layers, config.lora_rank, 1))
            self.scaler_B[module.name] = nn.Parameter(torch.zeros(1, n_layers, config.lora_rank, 1))
            if config.use_bias:
                self.bias_A[module.name] = nn.Parameter(torch.empty(n_layers, config.bias_rank, module.d_in))
                self.bias_B[module.name] = nn.Parameter(torch.zeros(n_layers, config.bias_rank, module.d_out))
            if config.quotes_rank:
                shape_A = (n_layers, config.quotes_rank, module.d_in)
                shape_B = (n_layers, config.quotes_rank, module.d_out)
                self.quotes_A[module.name] = nn.Parameter(
                    torch.empty(shape_A).normal_(std=0.2 / module.d_in**0.5)
                )
                self.quotes_B[module.name] = nn.Parameter(torch.zeros(shape_B))
        self.reset_head()

    def reset_head(self) -> None:
        """Initialise head and bias block as the reference does."""
        config = self.config
        nn.init.normal_(
            self.head["weight"], std=0.5 / (config.d_latent + config.d_lora * config.lora_rank) ** 0.5
        )
        for module in config.target_modules:
            if config.use_bias:
                std = 0.2 / (module.d_in * config.bias_rank) ** 0.5
                nn.init.normal_(self.bias_A[module.name], std=std)

    @property
    def perceiver(self) -> Perceiver:
        """The part that reads the states."""
        perceiver = self.aggregator["perceiver"]
        assert isinstance(perceiver, Perceiver)
        return perceiver

    def refine(self, perceived: Tensor) -> Tensor:
        """(L*C, M*r, d) -> (C, L, M, r, d), through the residual MLPs"""
        config = self.config
        n_chunks = perceived.shape[0] // config.n_states
        # (layer, chunk, module, rank), or where a chunk has one state (chunk, layer, module, rank)
        sizes = (config.n_layers, n_chunks) if config.reads_each_layer else (n_chunks, config.n_layers)
        x = perceived.view(*sizes, config.n_modules, config.lora_rank, config.d_latent)
        if config.reads_each_layer:
            x = x.transpose(0, 1)  # (C, L, M, r, d)
        for layer in self.layers:
            x = layer(x)
        return x

    def unit_latents(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the catalog keeps of a chunk.

        Args:
            features: (C, L, S, D) states of the context encoder; (C, S, D) where all layers share one.
            mask: bool (C, S), True for real tokens; None if there is no padding.

        Returns:
            u (C, L, M, r, d) with ||u|| = 1 over the last axis.
        """
        return self.unit_latents_from(self.perceiver.project(features), mask)

    def unit_latents_of(self, states: Iterable[Tensor], mask: Tensor | None = None) -> Tensor:
        """``unit_latents`` of states that come layer by layer, each (C, S, D): never all are in memory."""
        project = self.perceiver.project_layer
        projected = [project(layer_states.float(), layer) for layer, layer_states in enumerate(states)]
        return self.unit_latents_from(torch.cat(projected), mask)

    def unit_latents_from(self, projected: Tensor, mask: Tensor | None) -> Tensor:
        """The rest after ``project``: (L*C, S, d), bool (C, S) or None -> (C, L, M, r, d)"""
        _, perceived = self.perceiver.resample(projected, mask)
        return self.unit_latents_of_perceived(perceived)

    def unit_latents_of_perceived(self, perceived: Tensor) -> Tensor:
        """The rest after the perceiver: (L*C, M*r, d) -> (C, L, M, r, d)"""
        return normalise(self.refine(perceived))

    def raw_factors(self, u: Tensor) -> Tensor:
        """The head: (C, L, M, r, d) -> (C, L, M, r, d_lora), before splitting and scaling."""
        weight = self.head["weight"].to(u.dtype)
        if self.config.n_modules == 1:
            flat = torch.einsum("clmrd,ldo->clmro", u, weight)
        else:
            flat = torch.einsum("clmrd,lmdo->clmro", u, weight)
        return flat * self.config.head_gain

    def factors(self, u: Tensor, scaling: float = 1.0) -> Factors:
        """(C, L, M, r, d) -> per module A (C, L, r, d_in), B (C, L, r, d_out)

        Args:
            u: unit latents.
            scaling: factor on A and on B, so the delta grows with its square (``user_defined_scaling``).
        """
        flat = self.raw_factors(u)
        result: dict[str, tuple[Tensor, Tensor]] = {}
        for index, module in enumerate(self.config.target_modules):
            rows = flat[:, :, index]  # (C, L, r, d_lora)
            lora_A = rows[..., : module.d_in] * self.scaler_A[module.name]
            lora_B = rows[..., module.d_in : module.d_in + module.d_out] * self.scaler_B[module.name]
            result[module.name] = (lora_A * scaling, lora_B * scaling)
        return result

    def bias(self) -> Factors | None:
        """The document-independent block: per module A (L, bias_rank, d_in), B (L, bias_rank, d_out)."""
        if not self.config.use_bias:
            return None
        return {m.name: (self.bias_A[m.name], self.bias_B[m.name]) for m in self.config.target_modules}

    def block_for(self, *, has_quotes: bool) -> Factors | None:
        """What joins every set once: the bias block, or what takes its place behind quoted passages."""
        if not (has_quotes and self.config.quotes_rank):
            return self.bias()
        return {m.name: (self.quotes_A[m.name], self.quotes_B[m.name]) for m in self.config.target_modules}

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Factors:
        """``unit_latents``, then ``factors``."""
        return self.factors(self.unit_latents(features, mask))


def normalise(x: Tensor) -> Tensor:
    """``x / ||x||`` over the last axis, without an epsilon, as the reference has it."""
    norm: Tensor = x.norm(dim=-1, keepdim=True)
    return x / norm


def combine(
    generated: Factors,
    n_chunks: Sequence[int],
    bias: Factors | None,
    *,
    rank_unit: int | None = None,
    scalers: Tensor | None = None,
    bias_scaler: float = 1.0,
) -> dict[str, tuple[Tensor, Tensor]]:
    """One adapter per context: chunks concatenated along the rank, then the bias block once.

    Args:
        generated: per module A (C, L, r, d_in), B (C, L, r, d_out).
        n_chunks: chunks of each context, in order; they add up to C.
        bias: per module A (L, r_bias, d_in), B (L, r_bias, d_out), or None.
        rank_unit: rank left free for the bias block even where there is none; None means the bias's own rank,
            or r without a bias (as the reference pads).
        scalers: (C,) one factor per chunk, on A; may be negative.
        bias_scaler: factor on the bias block's A and on its B.

    Returns:
        Per module A (G, L, R, d_in), B (G, L, R, d_out) with R = max(n_chunks) * r + rank_unit; shorter
        contexts are padded with zeros.
    """
    combined: dict[str, tuple[Tensor, Tensor]] = {}
    for name, (lora_A, lora_B) in generated.items():
        rank = lora_A.shape[2]
        if scalers is not None:
            lora_A = lora_A * scalers.to(lora_A)[:, None, None, None]
        blocks_A, blocks_B = _join(lora_A, n_chunks), _join(lora_B, n_chunks)
        extra = rank
        if bias is not None:
            bias_A, bias_B = (factor.to(lora_A.dtype) * bias_scaler for factor in bias[name])
            blocks_A = [torch.cat([block, bias_A], dim=1) for block in blocks_A]
            blocks_B = [torch.cat([block, bias_B], dim=1) for block in blocks_B]
            extra = bias_A.shape[1]
        total = max(n_chunks) * rank + (extra if rank_unit is None else rank_unit)
        combined[name] = (_pad(blocks_A, total), _pad(blocks_B, total))
    return combined


def _join(factor: Tensor, n_chunks: Sequence[int]) -> list[Tensor]:
    """(C, L, r, f) -> per context (L, K*r, f), chunk by chunk"""
    return [part.transpose(0, 1).flatten(1, 2) for part in factor.split(list(n_chunks))]


def _pad(blocks: list[Tensor], rank: int) -> Tensor:
    """per context (L, R_i, f) -> (G, L, rank, f)"""
    return torch.stack([F.pad(block, (0, 0, 0, rank - block.shape[1])) for block in blocks])
