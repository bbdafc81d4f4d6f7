"""The embedded base model as transformers has it, made from its GGUF without the network."""

from pathlib import Path

import torch
from transformers import LlamaConfig as HfConfig
from transformers import LlamaForCausalLM

from engine.models.llama import FrozenLlama


def embedded_in_transformers(gguf: Path) -> LlamaForCausalLM:
    """The model in float32; some 3 s."""
    llama = FrozenLlama.from_gguf(gguf, device=torch.device("cpu"), dtype=torch.float32)
    ours = llama.config
    config = HfConfig(
        vocab_size=llama.embedding.shape[0],
        hidden_size=ours.d_model,
        intermediate_size=ours.d_ffn,
        num_hidden_layers=ours.n_layers,
        num_attention_heads=ours.n_heads,
        num_key_value_heads=ours.n_kv_heads,
        max_position_embeddings=2048,
        rope_parameters={"rope_type": "default", "rope_theta": ours.rope_theta},
        rms_norm_eps=ours.norm_eps,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
    )
    with torch.device("meta"):
        model: LlamaForCausalLM = LlamaForCausalLM(config)
    model.load_state_dict(_state(llama), strict=True, assign=True)
    model.tie_weights()
    # Rotary frequencies are no parameters: on the meta device they were not computed.
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    model.requires_grad_(requires_grad=False).train(mode=False)
    return model


def _state(llama: FrozenLlama) -> dict[str, torch.Tensor]:
    ours = llama.config
    d_q, d_kv = ours.n_heads * ours.d_head, ours.n_kv_heads * ours.d_head
    state = {
        "model.embed_tokens.weight": llama.embedding,
        "model.norm.weight": llama.norm,
        "lm_head.weight": llama.embedding,
    }
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
        state |= {f"model.layers.{number}.{name}.weight": values for name, values in of_layer.items()}
    return state
