"""Tiny random models of the published bases' architectures, as GGUF files and in transformers.

The GGUF is laid out as llama.cpp's convert_hf_to_gguf.py does it for each architecture.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

from engine.formats.hypernetwork_config import HypernetworkConfig, TargetModule
from tests.engine.tiny_llama import MERGES, SPECIAL_TOKENS, interleaved, vocabulary

N_LAYERS, D_MODEL, D_FFN, N_HEADS, N_KV_HEADS, D_HEAD = 3, 64, 96, 4, 2, 32
SIZES: Any = {
    "hidden_size": D_MODEL,
    "intermediate_size": D_FFN,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": N_HEADS,
    "num_key_value_heads": N_KV_HEADS,
    "head_dim": D_HEAD,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-6,
    "sliding_window": 256,
}
CONFIGS: dict[str, Callable[[int], PreTrainedConfig]] = {
    "gemma2": lambda n_vocab: Gemma2Config(**SIZES, vocab_size=n_vocab, query_pre_attn_scalar=D_HEAD),
    "qwen3": lambda n_vocab: Qwen3Config(**SIZES, vocab_size=n_vocab, tie_word_embeddings=True),
    "mistral": lambda n_vocab: MistralConfig(**SIZES, vocab_size=n_vocab, tie_word_embeddings=True),
}
ARCHITECTURES = {"gemma2": "gemma2", "qwen3": "qwen3", "mistral": "llama"}
"""transformers' model types -> llama.cpp's architectures."""

HYPERNETWORK = HypernetworkConfig(
    n_layers=N_LAYERS,
    d_encoder=D_MODEL,
    d_latent=16,
    lora_rank=2,
    target_modules=(TargetModule("down_proj", D_FFN, D_MODEL),),
    lora_alpha=2 * 2**1.5,
    n_latents=5,
    n_blocks=1,
)
"""Of a hypernetwork for each of them, as the published ones are."""

_COMMON = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
}
_NORMS = {
    "gemma2": {
        "post_attention_layernorm": "post_attention_norm",
        "pre_feedforward_layernorm": "ffn_norm",
        "post_feedforward_layernorm": "post_ffw_norm",
    },
    "qwen3": {"post_attention_layernorm": "ffn_norm"},
    "mistral": {"post_attention_layernorm": "ffn_norm"},
}


def words(first_id: int = 1) -> Any:  # noqa: ANN401  # untyped in transformers
    """A tokenizer of the words w1 to w96, for transformers; w1 has the id ``first_id``, and so on."""
    vocabulary = {"<unk>": 0, **{f"w{number + 1}": (first_id + number - 1) % 96 + 1 for number in range(96)}}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    make: Any = PreTrainedTokenizerFast  # untyped in transformers
    return make(tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<unk>")


def random_base(family: str, seed: int = 0) -> Any:  # noqa: ANN401  # transformers' models are untyped
    """A model in float32 whose matrices are exact in float16."""
    torch.manual_seed(seed)
    make: Any = AutoModelForCausalLM
    model = make.from_config(CONFIGS[family](len(vocabulary())), attn_implementation="eager")
    model.requires_grad_(requires_grad=False).eval()
    for name, p in model.named_parameters():
        if p.ndim > 1:
            p.normal_(std=0.3 if "embed" in name else 0.7 / p.shape[1] ** 0.5)
            p.copy_(p.half().float())
        else:
            p.normal_(mean=0.0 if family == "gemma2" else 1.0, std=0.2)
    return model


def write_base(path: Path, family: str, model: Any) -> Path:  # noqa: ANN401
    """Write the model as a GGUF file in float32."""
    architecture = ARCHITECTURES[family]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(N_LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(D_MODEL)
    writer.add_feed_forward_length(D_FFN)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(N_KV_HEADS)
    writer.add_key_length(D_HEAD)
    writer.add_value_length(D_HEAD)
    writer.add_rope_dimension_count(D_HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    if family == "gemma2":
        writer.add_attn_logit_softcapping(model.config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(model.config.final_logit_softcapping)
        writer.add_sliding_window(256)
    tokens = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_merges(list(MERGES))
    writer.add_token_types([3 if token in SPECIAL_TOKENS else 1 for token in tokens])
    for name, values in _tensors(family, model).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(family: str, model: Any) -> dict[str, NDArray[np.float32]]:  # noqa: ANN401
    names = _COMMON | _NORMS[family]
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, p in model.named_parameters():
        values = p.numpy()
        if family == "gemma2" and p.ndim == 1:
            values = values + 1  # Gemma's norms multiply by 1 + w
        if name == "model.embed_tokens.weight":
            tensors["token_embd.weight"] = values
        elif name == "model.norm.weight":
            tensors["output_norm.weight"] = values
        elif name != "lm_head.weight":
            _, _, layer, *rest, _ = name.split(".")
            ours = names[".".join(rest)]
            if family == "mistral" and ours in ("attn_q", "attn_k"):
                values = interleaved(values, N_HEADS if ours == "attn_q" else N_KV_HEADS)
            tensors[f"blk.{layer}.{ours}.weight"] = values
    return tensors
