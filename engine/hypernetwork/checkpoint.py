"""Reads checkpoints of the reference implementation, without its package and without arbitrary unpickling.

A checkpoint is a zip written by torch.save: tensors, and three configuration objects pickled by class. Only
the names below may be unpickled, as stubs without behaviour; a file that names anything else is refused
before anything runs.
Source: docs/doc-to-lora-spec.md, section 2; SakanaAI/doc-to-lora.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from engine.errors import ModelUnavailable
from engine.hypernetwork.config import HypernetworkConfig, TargetModule

CHECKPOINT_FILE = "pytorch_model.bin"
_ORIG_MOD = "_orig_mod."
"""Left by torch.compile in old checkpoints' names."""
_TRAINED_CHUNK_TOKENS = 512
"""Longest chunk in the second stage of the published training (docs/doc-to-lora-spec.md, section 3.2)."""
_GATE = "aggregator.perceiver.modality_projection.gate_proj.weight"
_ENCODER_KINDS = {
    "per_layer_activations": "per_layer",
    "early_exit": "early_exit",
    "embed_only": "embeddings",
}
_STORAGES = {
    "FloatStorage": torch.float32,
    "LongStorage": torch.int64,
    "BFloat16Storage": torch.bfloat16,
    "HalfStorage": torch.float16,
}


class _Stub:
    """Holds the attributes of a pickled configuration object."""

    def __init__(self, *args: object) -> None:
        if args:
            self.value = args[0]  # enums are pickled by value

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)


_STUBBED = {
    ("ctx_to_lora.modeling.hypernet", "HypernetConfig"),
    ("ctx_to_lora.modeling_utils", "HypernetConfig"),
    ("ctx_to_lora.modeling.aggregator", "AggregatorConfig"),
    ("ctx_to_lora.modeling.aggregator", "AGGREGATOR_TYPE"),
    ("ctx_to_lora.modeling.ctx_encoder", "CTX_ENCODER_TYPE"),
    ("ctx_to_lora.configs", "CtxEncoderArguments"),
    ("peft.tuners.lora.config", "LoraConfig"),
    ("peft.tuners.lora.config", "LoraRuntimeConfig"),
    ("peft.utils.peft_types", "PeftType"),
    ("peft.utils.peft_types", "TaskType"),
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a reference checkpoint holds.

    Attributes:
        config: with the names of the base model and of the context encoder.
        tensors: strict state dict of ``Hypernetwork(config)``.
    """

    config: HypernetworkConfig
    tensors: dict[str, Tensor]


class _Unpickler(pickle.Unpickler):
    """Unpickles tensors, containers and stubs only; storages land on the CPU whatever device they name."""

    _plain: ClassVar[dict[tuple[str, str], object]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("__builtin__", "set"): set,
        ("builtins", "set"): set,
    }

    def __init__(self, archive: ZipFile, root: str) -> None:
        super().__init__(archive.open(f"{root}/data.pkl"))
        self._archive, self._root = archive, root

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  # pickle's own signature
        if (module, name) in self._plain:
            return self._plain[(module, name)]
        if (module, name) in _STUBBED:
            return _Stub
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise ModelUnavailable(
            "This hypernetwork file is refused, because it could run programs.",
            f"It names {module}.{name}, which no Doc-to-LoRA checkpoint needs. "
            "Get the file from its publisher again.",
        )

    def persistent_load(self, pid: Any) -> Tensor:  # noqa: ANN401  # pickle's own signature
        _, dtype, key, _location, n_values = pid
        # Tensors stay writable: frombuffer over immutable bytes would warn and must not be written to.
        raw = bytearray(self._archive.read(f"{self._root}/data/{key}"))
        if not n_values:
            return torch.empty(0, dtype=dtype)
        return torch.frombuffer(raw, dtype=dtype, count=n_values)


def _rebuild_tensor(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_rest: object
) -> Tensor:
    return storage.as_strided(size, stride, offset).clone()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read ``pytorch_model.bin`` of the reference.

    Raises:
        ModelUnavailable: the file is missing, damaged, names a forbidden global, or has an option that is not
            supported.
    """
    try:
        with ZipFile(path) as archive:
            root = next(name for name in archive.namelist() if name.endswith("/data.pkl")).rpartition("/")[0]
            content = _Unpickler(archive, root).load()
        base_model = str(content.pop("base_model_name_or_path"))
        hypernet, encoder = content.pop("hypernet_config"), content.pop("ctx_encoder_args")
        tensors = {name.replace(_ORIG_MOD, ""): tensor for name, tensor in content.items()}
        config = _config(base_model, hypernet, encoder, tensors)
        HypernetworkConfig.from_json(config.to_json())  # sizes and types are checked there
    except (
        OSError,
        BadZipFile,
        StopIteration,
        KeyError,
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
        OverflowError,
    ) as exc:
        raise ModelUnavailable(
            "This hypernetwork file cannot be read.", f"{path}: {exc!r}. Download it again."
        ) from exc
    return Checkpoint(config, tensors)


def _config(
    base_model: str, hypernet: _Stub, encoder: _Stub, tensors: dict[str, Tensor]
) -> HypernetworkConfig:
    """The reference's configuration objects in our terms; what is not supported is refused by name.

    Attributes that old files lack have the reference's defaults for such files.
    """
    options = _Options(hypernet)
    aggregator, lora = _Options(options["aggregator_config"]), _Options(options["lora_config"])
    _refuse_unsupported(options, aggregator)
    d_in, d_out = options["feature_sizes"]
    n_layers = int(aggregator["num_layers"])
    _refuse_other_layers(options.get("layer_indices"), n_layers)
    d_encoder = int(aggregator["feature_size"])
    return HypernetworkConfig(
        n_layers=n_layers,
        d_encoder=d_encoder,
        d_latent=options["latent_size"],
        lora_rank=lora["r"],
        target_modules=tuple(
            TargetModule(name, d_in[name], d_out[name]) for name in sorted(lora["target_modules"])
        ),
        lora_alpha=float(lora["lora_alpha"]),
        n_latents=aggregator["n_latent_queries"],
        n_blocks=aggregator["num_blocks"],
        n_self_attn_per_block=aggregator["num_self_attn_per_block"],
        shared_weights=aggregator["shared_weights"],
        n_pre_head_layers=options.get("num_pre_head_layers", 4),
        per_layer_processing=options["per_layer_processing"],
        use_bias=options.get("use_bias", True),
        base_model=base_model,
        max_chunk_tokens=_TRAINED_CHUNK_TOKENS,
        projection_factor=tensors[_GATE].shape[0] // d_encoder,
        **_encoder_options(
            base_model, _Options(encoder), reads_each_layer=aggregator["layer_to_layer_ctx_encoder"]
        ),
    )


def _refuse_unsupported(options: "_Options", aggregator: "_Options") -> None:
    unsupported = {
        "per_rank_gen=False": not options["per_rank_gen"],
        "use_per_rank_bias": options.get("use_per_rank_bias", False),
        "use_light_weight_lora": options.get("use_light_weight_lora", False),
        "use_token_mixing": options.get("use_token_mixing", False),
        "extra_modules": bool(options.get("extra_modules")),
        "the aggregator “pooler”": _plain(aggregator.get("aggregator_type", "perceiver")) != "perceiver",
    }
    if named := [name for name, is_set in unsupported.items() if is_set]:
        raise _unusable(f"It was made with {', '.join(named)}, which no published checkpoint uses.")


def _refuse_other_layers(indices: object, n_layers: int) -> None:
    if indices is not None and [int(index) for index in indices] != list(range(n_layers)):  # type: ignore[attr-defined]
        raise _unusable(f"It adapts the layers {indices}, not all {n_layers}.")


def _encoder_options(base_model: str, encoder: "_Options", *, reads_each_layer: bool) -> dict[str, Any]:
    """The fields of HypernetworkConfig that begin with ``encoder_``."""
    kind = _plain(encoder.get("ctx_encoder_type", "per_layer_activations"))
    if kind not in _ENCODER_KINDS:
        raise _unusable(f"Its context encoder is of the kind {kind!r}.")
    if (kind == "per_layer_activations") != reads_each_layer:
        raise _unusable(f"Its encoder {kind!r} and layer_to_layer_ctx_encoder={reads_each_layer} do not fit.")
    layer = {"per_layer_activations": "ctx_encoder_last_layer", "early_exit": "layer_idx"}.get(kind)
    name = encoder.get("ctx_encoder_model_name_or_path") or ""
    return {
        "encoder_model": "" if name == base_model else name,
        "encoder_kind": _ENCODER_KINDS[kind],
        "encoder_layer": (encoder.get(layer) if layer else None) or 0,
        "encoder_in_nf4": bool(encoder.get("quantize_ctx_encoder", False)),
    }


class _Options:
    """A pickled configuration object, read by name."""

    def __init__(self, stub: object) -> None:
        self._values: dict[str, Any] = vars(stub) if isinstance(stub, _Stub) else {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  # whatever was pickled
        if name not in self._values:
            raise _unusable(f"Its configuration lacks {name}.")
        return self._values[name]

    def get(self, name: str, default: object = None) -> Any:  # noqa: ANN401  # whatever was pickled
        return self._values.get(name, default)


def _plain(value: object) -> object:
    """An enum's value: the reference's are unpickled as stubs that hold it."""
    return value.value if isinstance(value, _Stub) else value


def _unusable(detail: str) -> ModelUnavailable:
    return ModelUnavailable("This hypernetwork cannot be used.", detail)
