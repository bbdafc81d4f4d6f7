"""Reads checkpoints of the reference implementation, without its package and without arbitrary unpickling.

A checkpoint is a zip written by torch.save: tensors, and three configuration objects pickled by class. Only
the names below may be unpickled, as stubs without behaviour; a file that names anything else is refused
before anything runs.
Source: spec section 2; SakanaAI/doc-to-lora.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from engine.errors import ModelUnavailable
from engine.hypernetwork.config import HypernetworkConfig, TargetModule

_ORIG_MOD = "_orig_mod."
"""Left by torch.compile in old checkpoints' names."""
_STORAGES = {
    "FloatStorage": torch.float32,
    "LongStorage": torch.int64,
    "BFloat16Storage": torch.bfloat16,
    "HalfStorage": torch.float16,
}


class _Stub:
    """Holds the attributes of a pickled configuration object."""

    def __init__(self, *args: object) -> None:
        self.value = args[0] if args else None  # enums are pickled by value

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
        base_model: name of the base model it was trained for.
        encoder: the reference's CtxEncoderArguments as plain attributes.
        tensors: strict state dict of ``Hypernetwork(config)``.
    """

    base_model: str
    config: HypernetworkConfig
    encoder: dict[str, object]
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
    except (
        OSError,
        BadZipFile,
        StopIteration,
        KeyError,
        pickle.UnpicklingError,
        EOFError,
        ValueError,
    ) as exc:
        raise ModelUnavailable(
            "This hypernetwork file cannot be read.", f"{path}: {exc!r}. Download it again."
        ) from exc
    tensors = {name.removeprefix(_ORIG_MOD): tensor for name, tensor in content.items()}
    return Checkpoint(base_model, _config(hypernet, tensors), dict(vars(encoder)), tensors)


def _config(hypernet: _Stub, tensors: dict[str, Tensor]) -> HypernetworkConfig:
    """The reference's configuration objects in our terms; unsupported options are refused by name."""
    config = SimpleNamespace(**vars(hypernet))
    aggregator = SimpleNamespace(**vars(config.aggregator_config))
    lora = SimpleNamespace(**vars(config.lora_config))
    unsupported = {
        "per_rank_gen=False": not config.per_rank_gen,
        "use_per_rank_bias": getattr(config, "use_per_rank_bias", False),
        "use_light_weight_lora": config.use_light_weight_lora,
        "use_token_mixing": config.use_token_mixing,
        "extra_modules": bool(config.extra_modules),
        "an early-exit encoder": not aggregator.layer_to_layer_ctx_encoder,
    }
    named = [name for name, is_set in unsupported.items() if is_set]
    if named:
        raise ModelUnavailable("This hypernetwork cannot be used.", f"It was made with {', '.join(named)}.")
    d_in, d_out = config.feature_sizes
    return HypernetworkConfig(
        n_layers=aggregator.num_layers,
        d_encoder=aggregator.feature_size,
        d_latent=config.latent_size,
        lora_rank=lora.r,
        target_modules=tuple(
            TargetModule(name, d_in[name], d_out[name]) for name in sorted(lora.target_modules)
        ),
        lora_alpha=float(lora.lora_alpha),
        n_latents=aggregator.n_latent_queries,
        n_blocks=aggregator.num_blocks,
        n_self_attn_per_block=aggregator.num_self_attn_per_block,
        shared_weights=aggregator.shared_weights,
        n_pre_head_layers=getattr(config, "num_pre_head_layers", 4),
        per_layer_processing=config.per_layer_processing,
        use_bias=any(name.startswith("bias_A.") for name in tensors),
    )
