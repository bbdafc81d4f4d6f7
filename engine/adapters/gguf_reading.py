"""Reads a GGUF LoRA file that this or another program wrote, e.g. llama.cpp's convert_lora_to_gguf.py."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from engine.adapters.external_adapter import ExternalAdapter, Place, check_size, refused
from engine.adapters.gguf_format import TENSOR_NAMES, separate_rows
from engine.formats.gguf_header import TensorEntry, Value, read_header
from engine.formats.lora import Float32
from engine.models.base_geometry import AdapterTarget

_TENSOR = re.compile(r"blk\.(?P<layer>\d+)\.(?P<name>[a-z0-9_]+)\.weight\.lora_(?P<factor>[ab])")
_MODULE_NAMES = {ours: name for name, ours in TENSOR_NAMES.items()}
_KINDS = frozenset(
    {
        gguf.GGMLQuantizationType.F32,
        gguf.GGMLQuantizationType.F16,
        gguf.GGMLQuantizationType.BF16,
        gguf.GGMLQuantizationType.Q8_0,
    }
)
"""What the converter writes."""


def read_gguf(file: Path, target: AdapterTarget) -> ExternalAdapter:
    """Read a GGUF LoRA file.

    Args:
        file: the file.
        target: of the base model, whose order of rows the file's queries and keys have.

    Raises:
        InvalidAdapter: it is none, it is damaged, or it uses what is not supported; the detail says what.
        OSError: the file cannot be read.
    """
    check_size(file)
    try:
        header = read_header(file)
        _check_kind(header.values, target)
        data = np.memmap(file, dtype=np.uint8, mode="r").view(np.ndarray)
        lora_alpha = _alpha(header.values)
        layers = {
            place: _scaled(data, A, B, lora_alpha, target.interleaved.get(TENSOR_NAMES[place[0]], 0))
            for place, (A, B) in _pairs(header.tensors).items()
        }
    except (ValueError, OverflowError) as exc:
        raise refused(f"{file}: {exc}.") from exc
    return ExternalAdapter(layers, header.values, file, data.nbytes)


def _check_kind(values: Mapping[str, Value], target: AdapterTarget) -> None:
    expected = {"general.type": "adapter", "adapter.type": "lora"}
    for key, value in expected.items():
        if values.get(key) != value:
            raise ValueError(f"it is no LoRA adapter: {key} is {values.get(key)!r}")
    architecture = values.get("general.architecture")
    if architecture != target.architecture:
        raise ValueError(
            f"it was made for a base model of the architecture {architecture!r}, this one is "
            f"{target.architecture!r}"
        )
    if any(key.startswith("adapter.alora.") for key in values):
        raise ValueError("it uses activation by tokens (aLoRA), which is not supported")


def _alpha(values: Mapping[str, Value]) -> float:
    """lora_alpha; 0 means that the delta is not scaled, as in llama.cpp."""
    found = values.get("adapter.lora.alpha", 0.0)
    if not isinstance(found, int | float) or not math.isfinite(found):
        raise ValueError(f"adapter.lora.alpha is {found!r}")
    return float(found)


def _pairs(tensors: tuple[TensorEntry, ...]) -> dict[Place, tuple[TensorEntry, TensorEntry]]:
    """A and B of each adapted layer."""
    found: dict[Place, dict[str, TensorEntry]] = {}
    for entry in tensors:
        match = _TENSOR.fullmatch(entry.name)
        if match is None or match["name"] not in _MODULE_NAMES:
            known = ", ".join(sorted(_MODULE_NAMES))
            raise ValueError(f"it holds {entry.name}; only LoRA factors of {known} are supported")
        if len(entry.shape) != 2 or 0 in entry.shape:
            raise ValueError(f"{entry.name} has the shape {entry.shape}")
        factors = found.setdefault((_MODULE_NAMES[match["name"]], int(match["layer"])), {})
        if match["factor"] in factors:
            raise ValueError(f"it holds {entry.name} twice")
        factors[match["factor"]] = entry
    for (name, layer), pair in found.items():
        if pair.keys() != {"a", "b"}:
            raise ValueError(f"layer {layer} has only one factor of {name}")
    return {place: (pair["a"], pair["b"]) for place, pair in found.items()}


def _scaled(
    data: NDArray[np.uint8], entry_A: TensorEntry, entry_B: TensorEntry, lora_alpha: float, n_heads: int
) -> tuple[Float32, Float32]:
    """A (r, d_in) and B (r, d_out) of one layer, llama.cpp's scaling in B.

    Args:
        n_heads: of rows that are interleaved; 0 if they are in transformers' order.
    """
    A, B = _values(data, entry_A), _values(data, entry_B)  # (r, d_in), (d_out, r)
    if n_heads:
        if B.shape[0] % (2 * n_heads):
            raise ValueError(f"{entry_B.name} has {B.shape[0]} rows, the base model {n_heads} heads")
        B = separate_rows(B, n_heads)
    scaling = lora_alpha / B.shape[1] if lora_alpha else 1.0
    with np.errstate(over="ignore", invalid="ignore"):  # refused by whoever looks at the values
        return A, np.ascontiguousarray(B.T * np.float32(scaling))


def _values(data: NDArray[np.uint8], entry: TensorEntry) -> Float32:
    if entry.kind not in _KINDS:
        raise ValueError(f"{entry.name} has the type {entry.kind}, which is not supported")
    kind = gguf.GGMLQuantizationType(entry.kind)
    values_per_block, bytes_per_block = gguf.GGML_QUANT_SIZES[kind]
    if entry.shape[-1] % values_per_block:
        raise ValueError(f"{entry.name} has rows of {entry.shape[-1]} numbers")
    row_bytes = entry.shape[-1] // values_per_block * bytes_per_block
    end = entry.start + entry.shape[0] * row_bytes
    if end > data.size:
        raise ValueError(f"it ends at byte {data.size}, inside {entry.name}")
    rows = data[entry.start : end].reshape(entry.shape[0], row_bytes)
    return np.asarray(gguf.dequantize(rows, kind), dtype=np.float32)
