"""Writes checkpoints in the reference's format, pickled by its class names, without its package.

Source: docs/doc-to-lora-spec.md, section 2.
"""

import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.hypernetwork.hypernetwork import Hypernetwork

_CLASSES = {
    "HypernetConfig": "ctx_to_lora.modeling.hypernet",
    "AggregatorConfig": "ctx_to_lora.modeling.aggregator",
    "CtxEncoderArguments": "ctx_to_lora.configs",
    "LoraConfig": "peft.tuners.lora.config",
}
_ENCODER_TYPES = {
    "per_layer": "per_layer_activations",
    "early_exit": "early_exit",
    "embeddings": "embed_only",
}


def random_hypernetwork(config: HypernetworkConfig, seed: int = 0) -> Hypernetwork:
    """With values everywhere, also where a fresh one has zeros."""
    torch.manual_seed(seed)
    hypernetwork = Hypernetwork(config)
    with torch.no_grad():
        for name, parameter in hypernetwork.named_parameters():
            if name.startswith(("scaler_", "bias_B")):
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    return hypernetwork.requires_grad_(requires_grad=False)


def write_checkpoint(
    path: Path,
    hypernetwork: Hypernetwork,
    *,
    rename: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    change: Mapping[str, object] | None = None,
    more: Mapping[str, Tensor] | None = None,
    prefix: str = "",
    dtype: torch.dtype = torch.float32,
) -> None:
    """Save a hypernetwork as the reference's trainer does.

    Args:
        path: of the file.
        hypernetwork: what is saved.
        rename: other modules for the pickled classes, by class name.
        without: attributes of HypernetConfig that an old file lacks.
        change: other values for attributes, of whichever of the four classes has them.
        more: further tensors.
        prefix: before every tensor's name.
        dtype: of the tensors.
    """
    config = hypernetwork.config
    attributes = _attributes(config)
    for name, value in (change or {}).items():
        for values in attributes.values():
            if name in values:
                values[name] = value
    for name in without:
        del attributes["HypernetConfig"][name]
    modules = {**_CLASSES, **(rename or {})}
    with _pickled_by_name(modules) as classes:
        made = {name: _made(classes[name], values) for name, values in attributes.items()}
        made["HypernetConfig"].lora_config = made["LoraConfig"]
        made["HypernetConfig"].aggregator_config = made["AggregatorConfig"]
        content: OrderedDict[str, object] = OrderedDict(
            (prefix + name, tensor.to(dtype))
            for name, tensor in {**_tensors(hypernetwork), **(more or {})}.items()
        )
        content["base_model_name_or_path"] = config.base_model
        content["hypernet_config"] = made["HypernetConfig"]
        content["ctx_encoder_args"] = made["CtxEncoderArguments"]
        torch.save(content, path)


def _tensors(hypernetwork: Hypernetwork) -> dict[str, Tensor]:
    """As the reference has them: with a bias block also where ``use_bias`` is off and nothing reads it."""
    config, tensors = hypernetwork.config, dict(hypernetwork.state_dict())
    if not config.use_bias:
        for module in config.target_modules:
            shape = config.n_layers, config.lora_rank
            tensors[f"bias_A.{module.name}"] = torch.randn(*shape, module.d_in)
            tensors[f"bias_B.{module.name}"] = torch.zeros(*shape, module.d_out)
    return tensors


def _attributes(config: HypernetworkConfig) -> dict[str, dict[str, Any]]:
    return {
        "LoraConfig": {
            "r": config.lora_rank,
            "lora_alpha": config.lora_alpha,
            "lora_dropout": 0.0,
            "target_modules": {module.name for module in config.target_modules},
        },
        "AggregatorConfig": {
            "aggregator_type": "perceiver",
            "num_layers": config.n_layers,
            "num_modules": config.n_modules,
            "num_extra_modules": 0,
            "output_size": config.d_latent,
            "feature_size": config.d_encoder,
            "lora_r": config.lora_rank,
            "per_rank_gen": True,
            "n_latent_queries": config.n_latents,
            "num_blocks": config.n_blocks,
            "num_self_attn_per_block": config.n_self_attn_per_block,
            "shared_weights": config.shared_weights,
            "layer_to_layer_ctx_encoder": config.reads_each_layer,
        },
        "HypernetConfig": {
            "latent_size": config.d_latent,
            "use_light_weight_lora": False,
            "light_weight_latent_size": 128,
            "per_rank_gen": True,
            "use_per_rank_bias": False,
            "use_bias": config.use_bias,
            "per_layer_processing": config.per_layer_processing,
            "use_token_mixing": False,
            "num_pre_head_layers": config.n_pre_head_layers,
            "dropout_rate": 0.0,
            "extra_modules": None,
            "base_hidden_size": config.d_encoder,
            "layer_indices": torch.arange(config.n_layers),
            "feature_sizes": (
                {module.name: module.d_in for module in config.target_modules},
                {module.name: module.d_out for module in config.target_modules},
            ),
        },
        "CtxEncoderArguments": {
            "ctx_encoder_model_name_or_path": config.encoder_model or None,
            "ctx_encoder_type": _ENCODER_TYPES[config.encoder_kind],
            "layer_idx": config.encoder_layer if config.encoder_kind == "early_exit" else None,
            "quantize_ctx_encoder": config.encoder_in_nf4,
            "ctx_encoder_last_layer": config.encoder_layer or None if config.reads_each_layer else None,
        },
    }


@contextmanager
def _pickled_by_name(modules: Mapping[str, str]) -> Iterator[dict[str, type]]:
    """Classes that pickle as members of ``modules``, which exist only meanwhile."""
    before = dict(sys.modules)
    classes: dict[str, type] = {}
    try:
        for name, module in modules.items():
            classes[name] = type(name, (), {"__module__": module})
            for depth in range(1, module.count(".") + 2):
                parent = ".".join(module.split(".")[:depth])
                sys.modules[parent] = sys.modules.get(parent, ModuleType(parent))
            stand_in = ModuleType(module)
            setattr(stand_in, name, classes[name])
            sys.modules[module] = stand_in
        yield classes
    finally:
        sys.modules.clear()
        sys.modules.update(before)


def _made(kind: type, values: Mapping[str, object]) -> Any:  # noqa: ANN401  # a class made a moment ago
    made = kind()
    made.__dict__.update(values)
    return made
