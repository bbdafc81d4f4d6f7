"""Tiny Llama and Qwen 2 models as GGUF files, and the same weights in transformers.

The GGUF is written here as llama.cpp's converter writes it, with Llama's q and k interleaved for its rotary
layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import LlamaConfig as HfConfig
from transformers import LlamaForCausalLM, PreTrainedModel, Qwen2Config, Qwen2ForCausalLM

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("Ġ t", "h e", "Ġt he", "i n", "Ġ a")


@dataclass(frozen=True)
class TinySize:
    n_layers: int = 3
    d_model: int = 16
    d_ffn: int = 24
    n_heads: int = 4
    n_kv_heads: int = 2


def vocabulary() -> list[str]:
    """Special tokens, the 256 bytes as GPT-2 spells them, and what the merges make."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    return [*SPECIAL_TOKENS, *letters, *(merge.replace(" ", "") for merge in MERGES)]


def random_llama(size: TinySize, seed: int = 0) -> LlamaForCausalLM:
    """A transformers model in float32 whose weights are exact in float16, except the norms."""
    torch.manual_seed(seed)
    config = HfConfig(
        vocab_size=len(vocabulary()),
        hidden_size=size.d_model,
        intermediate_size=size.d_ffn,
        num_hidden_layers=size.n_layers,
        num_attention_heads=size.n_heads,
        num_key_value_heads=size.n_kv_heads,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
    )
    model: LlamaForCausalLM = LlamaForCausalLM(config)
    _randomise(model)
    return model


def random_qwen2(size: TinySize, *, is_tied: bool, seed: int = 0) -> Qwen2ForCausalLM:
    """The same of Qwen 2, with biases that matter."""
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(vocabulary()),
        hidden_size=size.d_model,
        intermediate_size=size.d_ffn,
        num_hidden_layers=size.n_layers,
        num_attention_heads=size.n_heads,
        num_key_value_heads=size.n_kv_heads,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        rms_norm_eps=1e-5,
        tie_word_embeddings=is_tied,
    )
    model: Qwen2ForCausalLM = Qwen2ForCausalLM(config)
    _randomise(model)
    return model


def _randomise(model: PreTrainedModel) -> None:
    model.requires_grad_(requires_grad=False).train(mode=False)
    for name, p in model.named_parameters():
        if p.ndim > 1:
            p.normal_(std=0.3 if "embed" in name else 0.7 / p.shape[1] ** 0.5)
            p.copy_(p.half().float())
        else:
            p.normal_(mean=1.0, std=0.3)


def gguf_tensors(model: PreTrainedModel, size: TinySize) -> dict[str, NDArray[np.float32]]:
    """The model's weights under llama.cpp's names, in its layout."""
    names = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, p in model.named_parameters():
        values = p.numpy()
        if name == "model.embed_tokens.weight":
            tensors["token_embd.weight"] = values
        elif name == "model.norm.weight":
            tensors["output_norm.weight"] = values
        elif name == "lm_head.weight":
            tensors["output.weight"] = values
        else:
            _, _, layer, *rest, kind = name.split(".")
            ours = names[".".join(rest)]
            if ours in ("attn_q", "attn_k") and isinstance(model, LlamaForCausalLM):
                values = interleaved(values, size.n_heads if ours == "attn_q" else size.n_kv_heads)
            tensors[f"blk.{layer}.{ours}.{kind}"] = values
    return tensors


def interleaved(weight: NDArray[np.float32], n_heads: int) -> NDArray[np.float32]:
    """Rows of q or k as convert_hf_to_gguf.py's ``permute`` orders them; (out, in) -> (out, in)"""
    d_out, d_in = weight.shape
    halves = weight.reshape(n_heads, 2, d_out // n_heads // 2, d_in)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(d_out, d_in))


def write_gguf(
    path: Path,
    size: TinySize,
    tensors: Mapping[str, NDArray[np.float32]],
    *,
    is_float16: bool = False,
    architecture: str = "llama",
    values: Mapping[str, str | int] | None = None,
    tokenizer: str = "smollm",
) -> Path:
    """Write a GGUF file; ``values`` are further entries of the metadata."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(size.n_layers)
    writer.add_embedding_length(size.d_model)
    writer.add_feed_forward_length(size.d_ffn)
    writer.add_head_count(size.n_heads)
    writer.add_head_count_kv(size.n_kv_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(tokenizer)
    writer.add_token_list(tokens)
    writer.add_token_merges(list(MERGES))
    writer.add_token_types([3 if token in SPECIAL_TOKENS else 1 for token in tokens])
    for key, value in (values or {}).items():
        if isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_uint32(key, value)
    for name, array in tensors.items():
        writer.add_tensor(name, array.astype(np.float16) if is_float16 and array.ndim > 1 else array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
