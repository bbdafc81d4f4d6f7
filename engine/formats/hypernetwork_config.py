"""Shape of a hypernetwork: the paper's architecture, and our options of it.

The defaults are the paper's (arXiv 2602.15902, released checkpoints). The fields below "options" are ours;
the embedded hypernetwork uses them. No torch here: the chat process reads this file too.
"""

import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from engine.formats.foreign_json import parse_json, read_json

CONFIG_FILE = "config.json"
TENSORS_FILE = "hypernetwork.safetensors"
_MAY_BE_ZERO = (
    "n_blocks",
    "n_self_attn_per_block",
    "n_pre_head_layers",
    "bias_rank",
    "quotes_rank",
    "encoder_layer",
)
_LARGEST_SIZE = 1 << 20
_LARGEST_COUNT = 64
"""The paper has nine blocks. Without a bound, a file could ask for a network that is built for hours."""
_COUNTS = ("n_blocks", "n_self_attn_per_block", "n_pre_head_layers")


@dataclass(frozen=True, slots=True)
class TargetModule:
    """A linear layer of each decoder block that carries the adapter.

    Attributes:
        name: as in transformers, e.g. "down_proj".
        d_in, d_out: its input and output features.
    """

    name: str
    d_in: int
    d_out: int


@dataclass(frozen=True, slots=True)
class HypernetworkConfig:
    """Everything needed besides the tensors.

    Attributes:
        n_layers: L, decoder layers of the base model, each with its own adapter.
        d_encoder: D, hidden size of the context encoder.
        d_latent: d, width of the perceiver.
        lora_rank: r, rank generated per chunk.
        target_modules: sorted by name; the order is part of the format.
        lora_alpha: factor on the delta, used as it stands (NOT divided by r).
        n_latents: latents of the perceiver's encoder.
        n_blocks, n_self_attn_per_block: its depth.
        shared_weights: blocks 1.. share one cross-attention layer, and all blocks share block 0's
            self-attention.
        n_pre_head_layers: residual MLPs between perceiver and head.
        per_layer_processing: whether those MLPs have weights per decoder layer.
        use_bias: whether a learned, document-independent LoRA of rank ``bias_rank`` is appended to every set.
        n_heads, n_kv_heads, d_head: of every attention of the perceiver.
        mlp_factor: hidden size of the perceiver's MLPs over d.

        base_model: name of the base model on the Hugging Face hub; it chooses the template of a context.
        encoder_model: name of the context encoder, if it is another model than the base; else empty.
        encoder_kind: what of the encoder is read. "per_layer": the input of each layer, the last one after
            the final norm, one for each layer of the base. "early_exit": the state before layer
            ``encoder_layer``, after the final norm, shared by all layers of the base. "embeddings": the input
            of the first layer, likewise shared.
        encoder_layer: layers of the encoder that are run, plus one for "per_layer"; 0 for all it has
            ("per_layer") or a quarter of them ("early_exit").
        encoder_in_nf4: whether the encoder was 4-bit (NF4, double quantisation) in training.

        projection: "gated_mlp" is the paper's, shared by all layers; "per_layer" RMS-normalises each state
            and multiplies it by a (D, d) matrix of its own layer.
        projection_factor: hidden size of the gated MLP over D.
        per_layer_latents: latents of their own for each decoder layer.
        has_decoder: the paper's second resampler. Without it, the encoder's latents are the output, and
            ``n_latents`` must be ``n_modules * lora_rank``.
        post_norm: the paper's RMSNorm after each attention and each MLP, inside the residual branch.
        head_gain: constant factor on the head's product, so that the head's weights stay near 1/sqrt(d) in
            size.
        quotes_rank: rank of a second learned block, which takes the place of the bias block where passages
            stand in the prompt: reading them is another task than remembering. 0: the bias block serves both.
        max_chunk_tokens: longest chunk, template included.
        context_prefix, context_suffix: text around a chunk on its way into the context encoder.
        base_model_hash: SHA-256 of the base model's GGUF file this was trained for; empty if not tied to a
            file.
        training: facts about the training run, for people.
    """

    n_layers: int
    d_encoder: int
    d_latent: int
    lora_rank: int
    target_modules: tuple[TargetModule, ...]
    lora_alpha: float
    n_latents: int = 8
    n_blocks: int = 9
    n_self_attn_per_block: int = 0
    shared_weights: bool = False
    n_pre_head_layers: int = 1
    per_layer_processing: bool = True
    use_bias: bool = True
    n_heads: int = 16
    n_kv_heads: int = 4
    d_head: int = 128
    mlp_factor: int = 4
    base_model: str = ""
    encoder_model: str = ""
    encoder_kind: Literal["per_layer", "early_exit", "embeddings"] = "per_layer"
    encoder_layer: int = 0
    encoder_in_nf4: bool = False
    # options of ours
    projection: Literal["gated_mlp", "per_layer"] = "gated_mlp"
    projection_factor: int = 4
    per_layer_latents: bool = False
    has_decoder: bool = True
    post_norm: bool = True
    head_gain: float = 1.0
    bias_rank: int = 0
    quotes_rank: int = 0
    max_chunk_tokens: int = 384
    context_prefix: str = ""
    context_suffix: str = ""
    base_model_hash: str = ""
    training: dict[str, Any] = field(default_factory=dict)  # free facts, shown but never computed with

    def __post_init__(self) -> None:
        _check_types(self)
        for module in self.target_modules:
            _check_types(module)
        names = [module.name for module in self.target_modules]
        if names != sorted(set(names)) or not names:
            msg = f"target_modules must be sorted, unique and not empty, got {names}"
            raise ValueError(msg)
        if len(names) > _LARGEST_COUNT:
            msg = f"the hypernetwork's config has {len(names)} target modules"
            raise ValueError(msg)
        if not self.has_decoder and self.n_latents != self.n_perceived:
            msg = f"without a decoder n_latents must be {self.n_perceived}, got {self.n_latents}"
            raise ValueError(msg)
        if self.projection not in ("gated_mlp", "per_layer"):
            msg = f"projection must be 'gated_mlp' or 'per_layer', got {self.projection!r}"
            raise ValueError(msg)
        if self.encoder_kind not in ("per_layer", "early_exit", "embeddings"):
            msg = f"encoder_kind must be per_layer, early_exit or embeddings, got {self.encoder_kind!r}"
            raise ValueError(msg)
        if not self.reads_each_layer and (self.projection == "per_layer" or self.per_layer_latents):
            msg = f"with encoder_kind {self.encoder_kind!r} there is one state for all layers to project"
            raise ValueError(msg)
        if self.use_bias and self.bias_rank == 0:
            # The paper's bias block has the rank of a chunk.
            object.__setattr__(self, "bias_rank", self.lora_rank)

    @property
    def n_modules(self) -> int:
        """M, the number of target modules."""
        return len(self.target_modules)

    @property
    def n_queries_per_layer(self) -> int:
        """Latent vectors per decoder layer: module-major, then rank."""
        return self.n_modules * self.lora_rank

    @property
    def reads_each_layer(self) -> bool:
        """Whether each layer's adapter comes from a state of its own; else all come from one."""
        return self.encoder_kind == "per_layer"

    @property
    def n_states(self) -> int:
        """Sequences per chunk that the perceiver reads: L, or 1."""
        return self.n_layers if self.reads_each_layer else 1

    @property
    def n_perceived(self) -> int:
        """Vectors that the perceiver gives for each sequence: those of one layer, or of all."""
        return self.n_queries_per_layer * (self.n_layers // self.n_states)

    @property
    def d_lora(self) -> int:
        """Numbers the head gives per latent: room for the largest module's row of A and row of B."""
        return max(module.d_in + module.d_out for module in self.target_modules)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse what ``to_json`` wrote.

        Raises:
            ValueError: not a JSON object, or a field is unknown, missing or of another type.
        """
        return cls._from_data(parse_json(text))

    @classmethod
    def _from_data(cls, data: object) -> Self:
        if not isinstance(data, dict):
            msg = f"the hypernetwork's config must be a JSON object, got {type(data).__name__}"
            raise ValueError(msg)  # noqa: TRY004  # callers know a damaged file as ValueError
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            msg = f"unknown fields in the hypernetwork's config: {', '.join(unknown)}"
            raise ValueError(msg)
        try:
            modules = tuple(TargetModule(**module) for module in data.pop("target_modules"))
            return cls(target_modules=modules, **data)
        except (KeyError, TypeError) as exc:
            msg = f"the hypernetwork's config is incomplete: {exc}"
            raise ValueError(msg) from exc

    def to_json(self) -> str:
        """The config as indented JSON with a final newline."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read ``config.json`` of a weights folder; raises OSError or ValueError."""
        return cls._from_data(read_json(folder / CONFIG_FILE))


def _check_types(record: HypernetworkConfig | TargetModule) -> None:
    """A config from a file may hold anything.

    Raises:
        ValueError: a size is negative or no whole number, or a field is of another type.
    """
    kinds: dict[Any, type | tuple[type, ...]] = {int: int, float: (int, float), bool: bool, str: str}
    for f in fields(record):
        value = getattr(record, f.name)
        kind = kinds.get(f.type)
        # bool is an int in Python, but true is no size.
        if kind and (not isinstance(value, kind) or (isinstance(value, bool) and f.type is not bool)):
            msg = (
                f"{f.name} in the hypernetwork's config must be of the type {f.type}, got {str(value)[:80]!r}"
            )
            raise ValueError(msg)
        least = 0 if f.name in _MAY_BE_ZERO else 1
        if f.type is int and not least <= value <= (_LARGEST_COUNT if f.name in _COUNTS else _LARGEST_SIZE):
            msg = f"{f.name} in the hypernetwork's config is {value}"
            raise ValueError(msg)
        if f.type is float and not math.isfinite(value):
            msg = f"{f.name} in the hypernetwork's config is {value}"
            raise ValueError(msg)
