"""Reads the folder that PEFT saves a LoRA adapter in.

What this program can compute is taken, by the settings that peft 0.21's ``LoraConfig`` has; whatever else an
adapter uses is refused by name. Only safetensors are read: a ``.bin`` file is a pickle, and opening one runs
whatever its maker put in.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.adapters.external_adapter import ExternalAdapter, Place, check_size, refused
from engine.adapters.layer_patterns import values_by_layer
from engine.adapters.peft_format import BLOCKS, CONFIG_FILE, TENSORS_FILE
from engine.formats.foreign_json import read_json
from engine.formats.lora import Float32
from engine.formats.safetensors_header import TensorSpan, parse_header, to_float32

_PICKLED_FILE = "adapter_model.bin"
_TENSOR = re.compile(r"(?:base_model\.model\.)?(?P<path>.+)\.lora_(?P<factor>[AB])\.weight", re.ASCII)
_PATH = re.compile(r"(?:model\.)?layers\.(?P<layer>\d+)\.(?P<block>\w+)\.(?P<name>\w+)", re.ASCII)
_MAX_TENSORS = 4096
"""Seven modules in each of 126 layers, the largest model there is, make 1,764."""
_SHOWN_CHARS = 200

_WITHOUT_EFFECT = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "ensure_weight_tying",
        "eva_config",
        "exclude_modules",
        "inference_mode",
        "layers_pattern",
        "layers_to_transform",
        "loftq_config",
        "lora_dropout",
        "megatron_config",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
        "runtime_config",
        "target_modules",
        "task_type",
    }
)
"""About training and loading; which layers are adapted is seen from the tensors."""
_OBEYED = frozenset({"peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern"})
_NAMED: Mapping[str, str] = {
    "use_dora": "DoRA",
    "modules_to_save": "layers saved whole",
    "bias": "trained biases",
    "lora_bias": "trained biases",
    "fan_in_fan_out": "transposed layers",
    "trainable_token_indices": "trained tokens",
    "layer_replication": "replicated layers",
    "alora_invocation_tokens": "activation by tokens (aLoRA)",
    "init_lora_weights": "a start that changes the base model's weights",
}
"""What the options that are not supported mean."""
_PLAIN_STARTS = (True, False, "gaussian", "orthogonal", "eva")
"""Ways to begin the training that leave the base model as it is; PiSSA, OLoRA and LoftQ do not."""


def read_peft(folder: Path) -> ExternalAdapter:
    """Read a PEFT folder.

    Raises:
        InvalidAdapter: it is none, it is damaged, or it uses what is not supported; the detail says what.
        OSError: a file cannot be read.
    """
    config = _read_config(folder)
    file = folder / TENSORS_FILE
    if not file.is_file():
        if (folder / _PICKLED_FILE).exists():
            raise refused(
                f"{_PICKLED_FILE} is a pickle, and opening a pickle may run any program. "
                "Have it saved again by PEFT with safe_serialization=True."
            )
        raise refused(f"{folder} has no {TENSORS_FILE}.")
    check_size(file)
    try:
        data: NDArray[np.uint8] = np.memmap(file, dtype=np.uint8, mode="r").view(np.ndarray)
        header = parse_header(data.data)
        pairs = _pairs(header.tensors)
        scalings = _scalings(config, [path for path, _A, _B in pairs.values()])
        use_rslora = bool(config.get("use_rslora"))
        layers = {
            place: _scaled(data, path, (span_A, span_B), scalings[path], use_rslora=use_rslora)
            for place, (path, span_A, span_B) in pairs.items()
        }
    except ValueError as exc:
        raise refused(f"{file}: {exc}.") from exc
    size_bytes = data.nbytes + (folder / CONFIG_FILE).stat().st_size
    return ExternalAdapter(layers, dict(header.metadata), file, size_bytes)


def _read_config(folder: Path) -> Mapping[str, object]:
    try:
        config = read_json(folder / CONFIG_FILE)
    except FileNotFoundError as exc:
        raise refused(f"{folder} has no {CONFIG_FILE}.") from exc
    except ValueError as exc:
        raise refused(f"{CONFIG_FILE} cannot be read: {exc}.") from exc
    if not isinstance(config, dict):
        raise refused(f"{CONFIG_FILE} holds no settings.")
    if config.get("peft_type") != "LORA":
        raise refused(f"It is of the kind {_short(config.get('peft_type'))}; only LORA is supported.")
    for option, value in config.items():
        if option not in _OBEYED | _WITHOUT_EFFECT and not _is_harmless(option, value):
            meaning = _NAMED.get(option, "an option this version of Loreleaf does not know")
            raise refused(f"It uses {meaning}, which is not supported ({option[:80]}: {_short(value)}).")
    return config


def _is_harmless(option: str, value: object) -> bool:
    """Whether the option does nothing with this value."""
    if option == "bias":
        return value == "none"
    if option == "init_lora_weights":
        return value in _PLAIN_STARTS
    return not value


def _pairs(tensors: tuple[TensorSpan, ...]) -> dict[Place, tuple[str, TensorSpan, TensorSpan]]:
    """The path of each adapted layer in the model, and its A and B."""
    if len(tensors) > _MAX_TENSORS:
        raise ValueError(f"it holds {len(tensors)} tensors; {_MAX_TENSORS} are possible")
    found: dict[Place, dict[str, tuple[str, TensorSpan]]] = {}
    for span in tensors:
        match = _TENSOR.fullmatch(span.name)
        place = _PATH.fullmatch(match["path"]) if match is not None else None
        if match is None or place is None or BLOCKS.get(place["name"]) != place["block"]:
            known = ", ".join(sorted(BLOCKS))
            raise ValueError(f"it holds {span.name[:200]}; only LoRA factors of {known} are supported")
        if len(span.shape) != 2:
            raise ValueError(f"{span.name} has the shape {span.shape}")
        factors = found.setdefault((place["name"], int(place["layer"])), {})
        if match["factor"] in factors:
            raise ValueError(f"it holds {span.name} under another name, too")
        factors[match["factor"]] = (match["path"], span)
    for (name, layer), factors in found.items():
        if factors.keys() != {"A", "B"}:
            raise ValueError(f"layer {layer} has only one factor of {name}")
    return {place: (pair["A"][0], pair["A"][1], pair["B"][1]) for place, pair in found.items()}


def _scalings(config: Mapping[str, object], paths: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Rank and lora_alpha of each layer, which patterns may make differ from layer to layer."""
    ranks, alphas = _by_layer(config, "rank_pattern", paths), _by_layer(config, "alpha_pattern", paths)
    return {
        path: (
            _number(ranks.get(path, config.get("r")), "r"),
            _number(alphas.get(path, config.get("lora_alpha")), "lora_alpha"),
        )
        for path in paths
    }


def _by_layer(config: Mapping[str, object], option: str, paths: Sequence[str]) -> dict[str, object]:
    patterns = config.get(option) or {}
    if not isinstance(patterns, dict):
        raise ValueError(f"{option} is {_short(patterns)}")  # noqa: TRY004  told like any other damage
    return values_by_layer(patterns, paths, option)


def _scaled(
    data: NDArray[np.uint8],
    path: str,
    spans: tuple[TensorSpan, TensorSpan],
    scaling: tuple[float, float],
    *,
    use_rslora: bool,
) -> tuple[Float32, Float32]:
    """A (r, d_in) and B (r, d_out) of one layer, PEFT's scaling in B."""
    (span_A, span_B), (rank, lora_alpha) = spans, scaling
    if (span_A.shape[0], span_B.shape[1]) != (rank, rank):
        shapes = f"{span_A.shape} and {span_B.shape}"
        raise ValueError(f"the factors of {path} have the shapes {shapes}, and the rank is {rank:g}")
    factor = lora_alpha / (math.sqrt(rank) if use_rslora else rank)
    B = to_float32(data, span_B).T  # (r, d_out)
    with np.errstate(over="ignore", invalid="ignore"):  # refused by whoever looks at the values
        return to_float32(data, span_A), np.ascontiguousarray(B * np.float32(factor))


def _short(value: object) -> str:
    """A value from the config in a message."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _number(value: object, option: str) -> float:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not math.isfinite(value)
        or value <= 0
    ):
        raise ValueError(f"{option} is {_short(value)}, expected a positive number")
    return value
