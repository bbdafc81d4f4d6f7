"""An encoder in four bits, as the reference trains: through bitsandbytes, which is not installed everywhere.

bitsandbytes computes on the CPU too. So what is shown here is that transformers, accelerate and bitsandbytes
load an encoder together; tests/gpu/test_cuda.py compares the latents on a GPU.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM, Gemma2Config, PreTrainedConfig, Qwen3Config

from engine.hypernetwork.loading import _load

SIZES: Any = {
    "hidden_size": 64,  # blocks of 64 weights share a scale
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 97,
}


@pytest.mark.parametrize("config", [Qwen3Config(**SIZES), Gemma2Config(**SIZES)], ids=["qwen3", "gemma2"])
def test_an_encoder_in_four_bits_is_near_the_one_it_was_made_from(
    config: PreTrainedConfig, tmp_path: Path
) -> None:
    bitsandbytes: Any = pytest.importorskip("bitsandbytes")
    torch.manual_seed(0)
    make: Any = AutoModelForCausalLM
    make.from_config(config).save_pretrained(tmp_path)
    cpu = torch.device("cpu")

    small: Any = _load(tmp_path, AutoModel, cpu, torch.bfloat16, in_nf4=True)

    assert isinstance(small.layers[0].mlp.down_proj, bitsandbytes.nn.Linear4bit)
    whole: Any = _load(tmp_path, AutoModel, cpu, torch.float32)
    ids = torch.tensor([[1, 2, 3, 4]])
    states, expected = small(ids).last_hidden_state.float(), whole(ids).last_hidden_state
    assert torch.cosine_similarity(states, expected, dim=-1).min() > 0.8
