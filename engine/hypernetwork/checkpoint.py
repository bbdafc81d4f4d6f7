"""Reads checkpoints of the reference implementation, without its package and without arbitrary unpickling.

A checkpoint is a zip written by torch.save: tensors, and three configuration objects pickled by class. What
the pickle describes is looked at as a whole, and the tensors are read only when they are those of the
configuration.
Source: docs/doc-to-lora-spec.md, section 2; SakanaAI/doc-to-lora.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from torch import Tensor

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import HypernetworkConfig, TargetModule
from engine.hypernetwork.checkpoint_file import CheckpointFile
from engine.hypernetwork.checkpoint_pickle import PickledObject, StoredTensor, read_pickle
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.reading import is_out_of_memory

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
_MAX_LAYERS = 1024
_SHARED_BYTES = 64 << 20
"""Small files may have one entry under many names."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a reference checkpoint holds.

    Attributes:
        config: with the names of the base model and of the context encoder.
        tensors: strict state dict of ``Hypernetwork(config)``.
    """

    config: HypernetworkConfig
    tensors: dict[str, Tensor]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read ``pytorch_model.bin`` of the reference.

    Raises:
        ModelUnavailable: the file is missing, damaged, names a forbidden global, has an option that is not
            supported, or tensors that are not those of its configuration.
    """
    try:
        with CheckpointFile(path) as file:
            return _read(file)
    except MemoryError as exc:
        raise _out_of_memory(path) from exc
    except (
        OSError,
        BadZipFile,
        KeyError,
        EOFError,
        ValueError,
        RuntimeError,  # NotImplementedError, of a zip's odder features, is one; so is torch's lack of memory
        OverflowError,
    ) as exc:
        if is_out_of_memory(exc):
            raise _out_of_memory(path) from exc
        raise ModelUnavailable(
            "This hypernetwork file cannot be read.",
            f"{path}: {type(exc).__name__}: {exc}. Download it again.",
        ) from exc


def _read(file: CheckpointFile) -> Checkpoint:
    content = dict(read_pickle(file.program))
    base_model = content.pop("base_model_name_or_path", None)
    hypernet, encoder = content.pop("hypernet_config", None), content.pop("ctx_encoder_args", None)
    if not isinstance(base_model, str):
        raise ValueError("it names no base model")  # noqa: TRY004  told like any other damage
    stored = _stored(content)
    config = _config(base_model, hypernet, encoder, stored, file)
    if not config.use_bias:
        stored = _without_bias(stored, config)
    _check_names_and_shapes(stored, config)
    n_bytes = sum(tensor.numbers.n_bytes for tensor in stored.values())
    if n_bytes > 2 * file.size_bytes + _SHARED_BYTES:
        raise ValueError(f"its tensors have {n_bytes:,} bytes and the file {file.size_bytes:,}")
    return Checkpoint(config, {name: file.read(tensor) for name, tensor in stored.items()})


def _stored(content: Mapping[str, object]) -> dict[str, StoredTensor]:
    """The hypernetwork's tensors by name."""
    stored: dict[str, StoredTensor] = {}
    for full_name, tensor in content.items():
        name = full_name.replace(_ORIG_MOD, "")
        if not isinstance(tensor, StoredTensor) or name in stored:
            raise ValueError(f"{name[:80]} is no tensor, or there twice")
        stored[name] = tensor
    return stored


def _without_bias(stored: Mapping[str, StoredTensor], config: HypernetworkConfig) -> dict[str, StoredTensor]:
    """The tensors less the bias block, which the reference always writes and ignores without ``use_bias``."""
    ignored = {f"bias_{factor}.{module.name}" for module in config.target_modules for factor in "AB"}
    return {name: tensor for name, tensor in stored.items() if name not in ignored}


def _check_names_and_shapes(stored: Mapping[str, StoredTensor], config: HypernetworkConfig) -> None:
    """That these are the tensors of ``Hypernetwork(config)``, before any is read."""
    with torch.device("meta"):
        expected = {name: tuple(t.shape) for name, t in Hypernetwork(config).state_dict().items()}
    if missing := [name for name in expected if name not in stored]:
        raise _unusable(f"It lacks {_listed(missing)}.")
    if unexpected := [name for name in stored if name not in expected]:
        raise _unusable(f"It has {_listed(unexpected)}, of which its configuration says nothing.")
    for name, tensor in stored.items():
        if tensor.shape != expected[name] or not tensor.numbers.dtype.is_floating_point:
            found = f"{tensor.numbers.dtype} of {tensor.shape}"
            raise _unusable(f"It has {found} as {name}; its configuration says {expected[name]}.")


def _listed(names: list[str]) -> str:
    shown = ", ".join(name[:80] for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _config(
    base_model: str,
    hypernet: object,
    encoder: object,
    stored: Mapping[str, StoredTensor],
    file: CheckpointFile,
) -> HypernetworkConfig:
    """The reference's configuration objects in our terms; what is not supported is refused by name.

    Attributes that old files lack have the reference's defaults for such files.
    """
    options = _Options(hypernet)
    aggregator, lora = options.record("aggregator_config"), options.record("lora_config")
    _refuse_unsupported(options, aggregator)
    n_layers = aggregator["num_layers"]
    _refuse_other_layers(options.anything("layer_indices"), n_layers, file)
    d_encoder = aggregator["feature_size"]
    return HypernetworkConfig(
        n_layers=n_layers,
        d_encoder=d_encoder,
        d_latent=options["latent_size"],
        lora_rank=lora["r"],
        target_modules=_target_modules(options, lora),
        lora_alpha=lora["lora_alpha"],
        n_latents=aggregator["n_latent_queries"],
        n_blocks=aggregator["num_blocks"],
        n_self_attn_per_block=aggregator["num_self_attn_per_block"],
        shared_weights=aggregator["shared_weights"],
        n_pre_head_layers=options.get("num_pre_head_layers", 4),
        per_layer_processing=options["per_layer_processing"],
        use_bias=options.get("use_bias", True),
        base_model=base_model,
        max_chunk_tokens=_TRAINED_CHUNK_TOKENS,
        projection_factor=_projection_factor(stored.get(_GATE), d_encoder),
        **_encoder_options(
            base_model, _Options(encoder), reads_each_layer=aggregator["layer_to_layer_ctx_encoder"]
        ),
    )


def _target_modules(options: "_Options", lora: "_Options") -> tuple[TargetModule, ...]:
    match options.anything("feature_sizes"), lora.anything("target_modules"):
        case (dict() as d_in, dict() as d_out), (set() | list()) as names if all(
            isinstance(name, str) and type(d_in.get(name)) is type(d_out.get(name)) is int for name in names
        ):
            return tuple(TargetModule(name, d_in[name], d_out[name]) for name in sorted(names))
    raise _unusable("Its configuration does not say which layers it adapts, and how large they are.")


def _projection_factor(gate: StoredTensor | None, d_encoder: object) -> int:
    if gate is None or len(gate.shape) != 2 or not isinstance(d_encoder, int) or d_encoder < 1:
        raise _unusable(f"It lacks {_GATE}, or its encoder's size.")
    return gate.shape[0] // d_encoder


def _refuse_unsupported(options: "_Options", aggregator: "_Options") -> None:
    unsupported = {
        "per_rank_gen=False": not options["per_rank_gen"],
        "use_per_rank_bias": options.get("use_per_rank_bias", False),
        "use_light_weight_lora": options.get("use_light_weight_lora", False),
        "use_token_mixing": options.get("use_token_mixing", False),
        "extra_modules": bool(options.anything("extra_modules")),
        "the aggregator “pooler”": aggregator.get("aggregator_type", "perceiver") != "perceiver",
    }
    if named := [name for name, is_set in unsupported.items() if is_set]:
        raise _unusable(f"It was made with {', '.join(named)}, which no published checkpoint uses.")


def _refuse_other_layers(indices: object, n_layers: object, file: CheckpointFile) -> None:
    if indices is None:
        return
    if not isinstance(indices, StoredTensor) or len(indices.shape) != 1:
        raise _unusable("Its configuration does not say which layers it adapts.")
    n_indices = indices.shape[0]
    found = file.read(indices).tolist() if n_indices <= _MAX_LAYERS else f"{n_indices} layers"
    if n_indices != n_layers or found != list(range(n_indices)):
        raise _unusable(f"It adapts the layers {str(found)[:200]}, not all {n_layers}.")


def _encoder_options(base_model: str, encoder: "_Options", *, reads_each_layer: object) -> dict[str, Any]:
    """The fields of HypernetworkConfig that begin with ``encoder_``."""
    kind = encoder.get("ctx_encoder_type", "per_layer_activations")
    if not isinstance(kind, str) or kind not in _ENCODER_KINDS:
        raise _unusable(f"Its context encoder is of the kind {str(kind)[:80]!r}.")
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

    def __init__(self, made: object) -> None:
        self._values = made.attributes if isinstance(made, PickledObject) else {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  # a number, a text or None
        if name not in self._values:
            raise _unusable(f"Its configuration lacks {name}.")
        return self.get(name)

    def get(self, name: str, default: object = None) -> Any:  # noqa: ANN401  # a number, a text or None
        """A plain value: containers may hold each other, and would take for ever to show or to compare."""
        value = self._values.get(name, default)
        if isinstance(value, PickledObject):  # an enum's member
            value = value.value
        if not isinstance(value, str | int | float | None):
            raise _unusable(f"Its configuration has no plain value as {name}.")
        return value

    def record(self, name: str) -> "_Options":
        """A configuration object inside of this one."""
        if not isinstance(self._values.get(name), PickledObject):
            raise _unusable(f"Its configuration lacks {name}.")
        return _Options(self._values[name])

    def anything(self, name: str) -> object:
        """Whatever was pickled; None if nothing was."""
        return self._values.get(name)


def _unusable(detail: str) -> ModelUnavailable:
    return ModelUnavailable("This hypernetwork cannot be used.", detail)


def _out_of_memory(path: Path) -> ModelUnavailable:
    return ModelUnavailable(
        "There is not enough memory to read this hypernetwork.",
        f"{path}: close other programs and try again.",
    )
