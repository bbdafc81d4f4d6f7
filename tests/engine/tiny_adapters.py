"""Adapters of every layer of a tiny Llama, and what the model computes with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedModel

from engine.formats.lora import LoraFactors
from engine.hypernetwork.attach import attached
from tests.engine.tiny_llama import TinySize, gguf_tensors, write_gguf

# llama.cpp's kernels want rows of some length.
SIZE = TinySize(n_layers=2, d_model=64, d_ffn=96, n_heads=4, n_kv_heads=2)
TOKENS = (5, 9, 100, 33, 77, 200, 4)


def widths(size: TinySize = SIZE) -> dict[str, tuple[int, int]]:
    """(d_in, d_out) of every layer that an adapter may touch."""
    d_kv = size.d_model // size.n_heads * size.n_kv_heads
    return {
        "q_proj": (size.d_model, size.d_model),
        "k_proj": (size.d_model, d_kv),
        "v_proj": (size.d_model, d_kv),
        "o_proj": (size.d_model, size.d_model),
        "gate_proj": (size.d_model, size.d_ffn),
        "up_proj": (size.d_model, size.d_ffn),
        "down_proj": (size.d_ffn, size.d_model),
    }


def tiny_factors(
    seed: int, *, rank: int = 3, names: Sequence[str] | None = None, size: TinySize = SIZE
) -> LoraFactors:
    """Of some modules, or of all; with an effect as large as the weights'."""
    of = {name: pair for name, pair in widths(size).items() if names is None or name in names}
    return factors_of_widths(of, size.n_layers, seed, rank)


def factors_of_widths(
    of: Mapping[str, tuple[int, int]], n_layers: int, seed: int, rank: int = 3
) -> LoraFactors:
    """Of modules given as name -> (d_in, d_out)."""
    random = np.random.default_rng(seed)

    def normal(*shape: int, scale: float) -> NDArray[np.float32]:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    return LoraFactors(
        {
            name: (normal(n_layers, rank, d_in, scale=0.1), normal(n_layers, rank, d_out, scale=0.3))
            for name, (d_in, d_out) in of.items()
        }
    )


def tiny_base(folder: Path, model: LlamaForCausalLM, size: TinySize = SIZE) -> Path:
    """The model as a GGUF file that llama.cpp loads."""
    values = {"llama.context_length": 512}
    return write_gguf(folder / "tiny.gguf", size, gguf_tensors(model, size), values=values)


def logits_of(model: torch.nn.Module, tokens: Sequence[int] = TOKENS) -> Tensor:
    """Of all tokens, (T, vocabulary)."""
    with torch.no_grad():
        logits: Tensor = model(torch.tensor([list(tokens)])).logits[0]
    return logits


def logits_attached(
    model: PreTrainedModel, factors: LoraFactors, lora_alpha: float = 1.0, tokens: Sequence[int] = TOKENS
) -> Tensor:
    """The same with an adapter, as ``engine.hypernetwork.attach`` applies it."""
    pairs = {
        name: (torch.from_numpy(A)[None], torch.from_numpy(B)[None])
        for name, (A, B) in factors.modules.items()
    }
    with attached(list(model.model.layers), pairs, lora_alpha, [1]):
        return logits_of(model, tokens)
