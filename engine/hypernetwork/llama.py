"""The frozen base model in torch: a Llama or Qwen 2 decoder whose every sequence may carry its own adapter.

llama.cpp answers the questions; this is the same network where it must be read layer by layer (the context
encoder) and differentiated with respect to an adapter (the training). transformers could do both, at 5 s of
imports and without adapters that differ within a batch; tests hold this file against it.

Qwen 2 is Llama with biases on q, k and v; its GGUF keeps the rows of q and k as transformers has them.

Shapes: B sequences, T tokens, D = d_model, H heads, K kv heads, G adapters (G divides B), R rank.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quant_shape_to_byte_shape
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import ModelUnavailable
from engine.formats.gguf_header import GgufHeader, TensorEntry, read_header

ARCHITECTURES = ("llama", "qwen2")


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """Sizes of a decoder; ``rope_theta`` and ``norm_eps`` as in the GGUF's metadata."""

    n_layers: int
    d_model: int
    d_ffn: int
    n_heads: int
    n_kv_heads: int
    d_head: int
    rope_theta: float
    norm_eps: float


class LayerWeights(NamedTuple):  # a tuple, because torch.compile takes tuples of tensors as plain inputs
    """Weights of one decoder block; matrices are (out, in)."""

    attn_norm: Tensor  # (D,)
    qkv: Tensor  # ((H + 2K) * d_head, D)
    qkv_bias: Tensor | None  # ((H + 2K) * d_head,), Qwen 2 only
    out: Tensor  # (D, H * d_head)
    ffn_norm: Tensor  # (D,)
    gate_up: Tensor  # (2 * d_ffn, D)
    down: Tensor  # (D, d_ffn)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """(..., D) -> (..., D)"""
    return F.rms_norm(x, (x.shape[-1],), weight, eps)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding in the half-split layout; (B, heads, T, d_head) -> same"""
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sin


def decoder_layer(
    x: Tensor,
    w: LayerWeights,
    config: LlamaConfig,
    rope: tuple[Tensor, Tensor],
    lora: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """One block.

    Args:
        x: (B, T, D)
        rope: cos and sin, each (T, d_head)
        lora: A (G, R, d_ffn) and B (G, R, D) on the down projection, or None.

    Returns:
        (B, T, D)
    """
    n_batch, n_tokens, _ = x.shape
    d_head, d_q, d_kv = config.d_head, config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    qkv = F.linear(rms_norm(x, w.attn_norm, config.norm_eps), w.qkv, w.qkv_bias)
    q, k, v = qkv.split([d_q, d_kv, d_kv], dim=-1)
    q = _rotate(q.view(n_batch, n_tokens, -1, d_head).transpose(1, 2), *rope)  # (B, H, T, d_head)
    k = _rotate(k.view(n_batch, n_tokens, -1, d_head).transpose(1, 2), *rope)  # (B, K, T, d_head)
    v = v.view(n_batch, n_tokens, -1, d_head).transpose(1, 2)
    attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    x = x + F.linear(attended.transpose(1, 2).flatten(2), w.out)

    gate, up = F.linear(rms_norm(x, w.ffn_norm, config.norm_eps), w.gate_up).chunk(2, dim=-1)
    hidden = F.silu(gate) * up  # (B, T, d_ffn)
    out = F.linear(hidden, w.down)
    if lora is not None:
        lora_A, lora_B = lora
        grouped = hidden.reshape(lora_A.shape[0], -1, hidden.shape[-1])  # (G, B/G * T, d_ffn)
        out = out + (grouped @ lora_A.transpose(1, 2) @ lora_B).reshape(x.shape)
    return x + out


class FrozenLlama:
    """A decoder without gradients of its own; gradients pass through it to the adapters.

    Not an nn.Module: nothing here is trained, saved or moved.

    Args:
        output: the output matrix; None where nobody asks for logits.
    """

    def __init__(
        self,
        config: LlamaConfig,
        embedding: Tensor,
        layers: list[LayerWeights],
        norm: Tensor,
        output: Tensor | None,
    ) -> None:
        self.config = config
        self.embedding = embedding  # (vocabulary, D)
        self.output = output  # (vocabulary, D), the embedding itself where the file has no other
        self.layers = layers
        self.norm = norm  # (D,)
        self.layer_fn = decoder_layer  # the training replaces it by its compiled form

    @classmethod
    def from_gguf(
        cls, path: Path, *, device: torch.device, dtype: torch.dtype, with_output: bool = True
    ) -> Self:
        """Read and dequantise a GGUF file of the llama or qwen2 architecture.

        Args:
            with_output: whether an output matrix of its own is read. Reading contexts needs none, and that of
                a large vocabulary takes as much memory as all layers together.

        Raises:
            ModelUnavailable: another architecture, a tensor or an option of it that this class does not
                compute with (a scaled rotary embedding, another bias), or a damaged file.
        """
        try:
            header = read_header(path)
        except (OSError, ValueError) as exc:
            raise ModelUnavailable("The base model's file cannot be read.", f"{path.name}: {exc}") from exc
        config = _read_config(header, path)
        tensors = {tensor.name: tensor for tensor in header.tensors}
        data = np.memmap(path, np.uint8, mode="r")

        def take(name: str, *shape: int) -> Tensor:
            if name not in tensors:
                raise ModelUnavailable("The base model's file is incomplete.", f"It lacks the tensor {name}.")
            entry = tensors.pop(name)
            if entry.shape != shape:
                detail = f"The tensor {name} has the shape {entry.shape}, expected {shape}."
                raise ModelUnavailable("The base model's file is damaged.", detail)
            return torch.from_numpy(_read_tensor(data, entry)).to(device, dtype)

        has_biases = header.values["general.architecture"] == "qwen2"
        d, d_ffn = config.d_model, config.d_ffn
        d_q, d_kv = config.n_heads * config.d_head, config.n_kv_heads * config.d_head

        def block(i: int) -> LayerWeights:
            prefix = f"blk.{i}."
            widths = {"q": d_q, "k": d_kv, "v": d_kv}
            qkv = {name: take(f"{prefix}attn_{name}.weight", width, d) for name, width in widths.items()}
            bias = None
            if has_biases:
                biases = [take(f"{prefix}attn_{name}.bias", width) for name, width in widths.items()]
                bias = torch.cat(biases)
            else:  # of Llama's weights alone, llama.cpp's converter interleaves the rows
                qkv["q"] = _half_split(qkv["q"], config.n_heads)
                qkv["k"] = _half_split(qkv["k"], config.n_kv_heads)
            return LayerWeights(
                attn_norm=take(prefix + "attn_norm.weight", d),
                qkv=torch.cat([qkv["q"], qkv["k"], qkv["v"]]),
                qkv_bias=bias,
                out=take(prefix + "attn_output.weight", d, d_q),
                ffn_norm=take(prefix + "ffn_norm.weight", d),
                gate_up=torch.cat(
                    [take(prefix + "ffn_gate.weight", d_ffn, d), take(prefix + "ffn_up.weight", d_ffn, d)]
                ),
                down=take(prefix + "ffn_down.weight", d, d_ffn),
            )

        layers = [block(i) for i in range(config.n_layers)]
        vocabulary = tensors["token_embd.weight"].shape[0] if "token_embd.weight" in tensors else 0
        embedding, norm = take("token_embd.weight", vocabulary, d), take("output_norm.weight", d)
        output: Tensor | None = embedding
        if "output.weight" in tensors:
            output = take("output.weight", vocabulary, d) if with_output else None
            tensors.pop("output.weight", None)
        if tensors:  # each of them would change the answers: other biases, factors of the rotation
            names = ", ".join(sorted(tensors)[:3])
            raise ModelUnavailable("This base model cannot be used.", f"{path.name} also has {names}.")
        return cls(config, embedding, layers, norm, output)

    def rope(self, n_tokens: int) -> tuple[Tensor, Tensor]:
        """cos and sin of the rotary embedding, each (T, d_head)"""
        device = self.embedding.device
        exponents = torch.arange(0, self.config.d_head, 2, device=device).float() / self.config.d_head
        angles = torch.outer(
            torch.arange(n_tokens, device=device).float(), self.config.rope_theta**-exponents
        )
        angles = torch.cat([angles, angles], dim=-1)
        return angles.cos().to(self.embedding.dtype), angles.sin().to(self.embedding.dtype)

    @torch.no_grad()
    def iterate_layer_inputs(self, ids: Tensor) -> Iterator[Tensor]:
        """States of a context for the hypernetwork, layer by layer, so that they need not all be in memory.

        Args:
            ids: (B, T) token ids, right-padded.

        Yields:
            L times (B, T, D): the input of layer l; as in the reference, the last one is after the final norm
            (docs/doc-to-lora-spec.md, section 1.1).
        """
        x = F.embedding(ids, self.embedding)
        rope = self.rope(ids.shape[1])
        for w in self.layers[:-1]:
            yield x
            x = self.layer_fn(x, w, self.config, rope, None)
        yield rms_norm(x, self.norm, self.config.norm_eps)

    def layer_inputs(self, ids: Tensor) -> Tensor:
        """``iterate_layer_inputs`` in one piece: (B, T) -> (B, L, T, D)"""
        return torch.stack(list(self.iterate_layer_inputs(ids)), dim=1)

    def final_states(self, ids: Tensor, lora: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """States before the output matrix.

        Args:
            ids: (B, T)
            lora: A (G, L, R, d_ffn), B (G, L, R, D); adapter g serves sequences g*B/G to (g+1)*B/G.

        Returns:
            (B, T, D)
        """
        x = F.embedding(ids, self.embedding)
        rope = self.rope(ids.shape[1])
        for i, w in enumerate(self.layers):
            layer_lora = None if lora is None else (lora[0][:, i], lora[1][:, i])
            x = self.layer_fn(x, w, self.config, rope, layer_lora)
        return rms_norm(x, self.norm, self.config.norm_eps)

    def logits(self, states: Tensor) -> Tensor:
        """(..., D) -> (..., vocabulary)"""
        assert self.output is not None, "the output matrix was not read"
        return states @ self.output.T


def _half_split(weight: Tensor, n_heads: int) -> Tensor:
    """Undo llama.cpp's interleaving of q and k rows for its rotary layout; (out, in) -> (out, in)"""
    d_out, d_in = weight.shape
    return weight.view(n_heads, d_out // n_heads // 2, 2, d_in).transpose(1, 2).reshape(d_out, d_in)


def _read_tensor(data: np.memmap[tuple[int], np.dtype[np.uint8]], entry: TensorEntry) -> NDArray[np.float32]:
    """One tensor as float32, in its own shape.

    Raises:
        ModelUnavailable: the file ends before the tensor does, or its type is not one of ggml's.
    """
    try:
        return _decode_tensor(data, entry)
    except (ValueError, NotImplementedError) as exc:
        detail = f"The tensor {entry.name} cannot be read ({exc})."
        raise ModelUnavailable("The base model's file is damaged.", detail) from exc


def _decode_tensor(
    data: np.memmap[tuple[int], np.dtype[np.uint8]], entry: TensorEntry
) -> NDArray[np.float32]:
    kind = GGMLQuantizationType(entry.kind)
    if kind in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
        dtype = np.dtype("<f4" if kind is GGMLQuantizationType.F32 else "<f2")
        n_bytes = int(np.prod(entry.shape)) * dtype.itemsize
        plain = data[entry.start : entry.start + n_bytes].view(dtype)
        return plain.reshape(entry.shape).astype(np.float32)
    byte_shape = quant_shape_to_byte_shape(entry.shape, kind)
    raw = data[entry.start : entry.start + int(np.prod(byte_shape))].reshape(byte_shape)
    return np.asarray(dequantize(raw, kind), dtype=np.float32).reshape(entry.shape)


def _read_config(header: GgufHeader, path: Path) -> LlamaConfig:
    architecture = header.values.get("general.architecture")
    if architecture not in ARCHITECTURES:
        known = " and ".join(repr(name) for name in ARCHITECTURES)
        detail = f"{path.name} is of the architecture {architecture!r}; only {known} are known here."
        raise ModelUnavailable("This base model cannot be used.", detail)
    scaling = header.values.get(f"{architecture}.rope.scaling.type", "none")
    if scaling != "none":
        detail = f"{path.name} scales its rotary embedding ({scaling!r}), which is not known here."
        raise ModelUnavailable("This base model cannot be used.", detail)

    def value(name: str) -> float:
        key = f"{architecture}.{name}"
        found = header.values.get(key)
        if not isinstance(found, int | float):
            raise ModelUnavailable("This base model cannot be used.", f"{path.name} lacks the entry {key}.")
        if found <= 0:
            detail = f"{path.name} has {found} as {key}."
            raise ModelUnavailable("The base model's file is damaged.", detail)
        return float(found)

    d_model, n_heads = int(value("embedding_length")), int(value("attention.head_count"))
    n_kv_heads = int(value("attention.head_count_kv"))
    key_length = "attention.key_length"
    d_head = int(value(key_length)) if f"{architecture}.{key_length}" in header.values else d_model // n_heads
    if (
        n_heads % n_kv_heads
        or d_head % 2
        or header.values.get(f"{architecture}.rope.dimension_count", d_head) != d_head
    ):
        detail = f"{path.name} has {n_heads} heads of {d_head} numbers beside {n_kv_heads} heads of keys."
        raise ModelUnavailable("This base model cannot be used.", detail)
    return LlamaConfig(
        n_layers=int(value("block_count")),
        d_model=d_model,
        d_ffn=int(value("feed_forward_length")),
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        d_head=d_head,
        rope_theta=value("rope.freq_base"),
        norm_eps=value("attention.layer_norm_rms_epsilon"),
    )
