"""An embedded base model as transformers has it, made from its GGUF without the network."""

from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig as HfConfig
from transformers import LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from engine.formats.gguf_header import read_header
from engine.hypernetwork.llama import FrozenLlama


def embedded_in_transformers(gguf: Path) -> LlamaForCausalLM | Qwen2ForCausalLM:
    """The model in float32; some 3 s for SmolLM2."""
    llama = FrozenLlama.from_gguf(gguf, device=torch.device("cpu"), dtype=torch.float32)
    values, ours = read_header(gguf).values, llama.config
    fields: dict[str, Any] = {
        "vocab_size": llama.embedding.shape[0],
        "hidden_size": ours.d_model,
        "intermediate_size": ours.d_ffn,
        "num_hidden_layers": ours.n_layers,
        "num_attention_heads": ours.n_heads,
        "num_key_value_heads": ours.n_kv_heads,
        "max_position_embeddings": 2048,
        "rope_parameters": {"rope_type": "default", "rope_theta": ours.rope_theta},
        "rms_norm_eps": ours.norm_eps,
        "tie_word_embeddings": llama.output is llama.embedding,
        "bos_token_id": values.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": values.get("tokenizer.ggml.eos_token_id"),
    }
    with torch.device("meta"):
        model: LlamaForCausalLM | Qwen2ForCausalLM = (
            LlamaForCausalLM(HfConfig(**fields))
            if llama.layers[0].qkv_bias is None
            else Qwen2ForCausalLM(Qwen2Config(**fields))
        )
    model.load_state_dict(_state(llama), strict=True, assign=True)
    model.tie_weights()
    # Rotary frequencies are no parameters: on the meta device they were not computed.
    model.model.rotary_emb = type(model.model.rotary_emb)(model.config)
    model.requires_grad_(requires_grad=False).train(mode=False)
    return model


def _state(llama: FrozenLlama) -> dict[str, torch.Tensor]:
    ours = llama.config
    d_q, d_kv = ours.n_heads * ours.d_head, ours.n_kv_heads * ours.d_head
    state = {
        "model.embed_tokens.weight": llama.embedding,
        "model.norm.weight": llama.norm,
    }
    assert llama.output is not None
    state["lm_head.weight"] = llama.output
    for number, layer in enumerate(llama.layers):
        q, k, v = layer.qkv.split([d_q, d_kv, d_kv])
        gate, up = layer.gate_up.chunk(2)
        of_layer = {
            "input_layernorm": layer.attn_norm,
            "post_attention_layernorm": layer.ffn_norm,
            "self_attn.q_proj": q,
            "self_attn.k_proj": k,
            "self_attn.v_proj": v,
            "self_attn.o_proj": layer.out,
            "mlp.gate_proj": gate,
            "mlp.up_proj": up,
            "mlp.down_proj": layer.down,
        }
        if layer.qkv_bias is not None:
            biases = zip("qkv", layer.qkv_bias.split([d_q, d_kv, d_kv]), strict=True)
            state |= {f"model.layers.{number}.self_attn.{name}_proj.bias": bias for name, bias in biases}
        state |= {f"model.layers.{number}.{name}.weight": values for name, values in of_layer.items()}
    return state
