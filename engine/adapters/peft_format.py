"""An adapter as the folder that PEFT and transformers load.

Layout: https://huggingface.co/docs/peft/developer_guides/checkpoint. PEFT computes
y = W x + lora_alpha / r * B (A x), while the paper's alpha is a plain factor: the folder says alpha * r.
engine.adapters.peft_reading reads such folders.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from engine.errors import InvalidAdapter
from engine.formats.atomic_files import make_private_folders, write_private
from engine.formats.lora import Float32, LoraFactors

CONFIG_FILE = "adapter_config.json"
TENSORS_FILE = "adapter_model.safetensors"
CARD_FILE = "README.md"

BLOCKS: Mapping[str, str] = {
    "down_proj": "mlp",
    "gate_proj": "mlp",
    "up_proj": "mlp",
    "k_proj": "self_attn",
    "o_proj": "self_attn",
    "q_proj": "self_attn",
    "v_proj": "self_attn",
}
"""Which part of a decoder block holds a module, in models like Llama."""


def peft_files(
    factors: LoraFactors,
    lora_alpha: float,
    *,
    base_model: str,
    metadata: Mapping[str, str] | None = None,
    card: str = "",
) -> dict[str, bytes]:
    """The files of the folder: name -> bytes.

    Args:
        factors: of all layers, without alpha.
        lora_alpha: the paper's factor on the delta.
        base_model: name on the Hugging Face hub, or a path, of the model they belong to.
        metadata: facts to keep in the tensors' file.
        card: the model card; none is written if it is empty.

    Raises:
        InvalidAdapter: a module whose place in the model is not known.
    """
    if unknown := sorted(factors.modules.keys() - BLOCKS.keys()):
        raise InvalidAdapter("This adapter cannot be exported.", f"It adapts {', '.join(unknown)}.")
    tensors: dict[str, Float32] = {}
    for name, (A, B) in factors.modules.items():
        for layer in range(factors.n_layers):
            place = f"base_model.model.model.layers.{layer}.{BLOCKS[name]}.{name}"
            tensors[f"{place}.lora_A.weight"] = np.ascontiguousarray(A[layer])  # (r, d_in)
            tensors[f"{place}.lora_B.weight"] = np.ascontiguousarray(B[layer].T)  # (d_out, r)
    ranks = {name: A.shape[1] for name, (A, _B) in factors.modules.items()}
    others = {name: rank for name, rank in ranks.items() if rank != factors.rank}
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "r": factors.rank,
        "lora_alpha": lora_alpha * factors.rank,
        "rank_pattern": others,
        "alpha_pattern": {name: lora_alpha * rank for name, rank in others.items()},
        "lora_dropout": 0.0,
        "target_modules": sorted(factors.modules),
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "inference_mode": True,
    }
    files = {
        CONFIG_FILE: (json.dumps(config, indent=2) + "\n").encode(),
        TENSORS_FILE: save(tensors, {"format": "pt", **(metadata or {})}),
    }
    return files | ({CARD_FILE: card.encode()} if card else {})


def write_peft(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into ``folder``, the config last: it makes the folder an adapter. Only its owner may
    read it.

    Raises:
        OSError: it cannot be written.
    """
    make_private_folders(folder)
    for name in sorted(files, key=lambda name: name == CONFIG_FILE):
        write_private(folder / name, files[name])
