"""Copies a base model's GGUF file with an adapter's deltas added to the tensors it adapts."""

import struct
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import gguf
import numpy as np
from numpy.typing import NDArray

from engine.adapters.gguf_format import TENSOR_NAMES, VALUE_STRING, interleave_rows
from engine.errors import InvalidAdapter
from engine.formats.gguf_header import GgufHeader, TensorEntry, read_header
from engine.formats.lora import Float32, LoraFactors
from engine.models.base_geometry import AdapterTarget, target_of

_COPIED_BYTES = 1 << 24
_COUNTS_AT = 8
"""Byte of a GGUF file at which the numbers of tensors and of values stand."""

_Bytes = NDArray[np.uint8]


def merge_gguf(
    source: Path,
    out: Path,
    factors: LoraFactors,
    texts: Mapping[str, str],
    on_progress: Callable[[float], None],
) -> int:
    """Write ``source`` to ``out`` with the deltas in its weights; not synced to disk.

    Adapted tensors are written as float16, or float32 where they were; a quantised one is not quantised
    again, for that would round most of a delta away. All others are copied byte for byte, and so are the
    metadata, but for ``texts``.

    Args:
        source: GGUF of the base model.
        out: overwritten.
        factors: all scaling folded in.
        texts: metadata to be added, or changed where the key is there.
        on_progress: called with the share that is written, 0 to 1.

    Returns:
        how many tensors were changed.

    Raises:
        InvalidAdapter: the base model has no such layers, or a sum is beyond float16.
        ModelUnavailable: the base model's file is damaged.
        OSError: reading or writing failed, e.g. the disk is full.
    """
    target, header = target_of(source), read_header(source)
    data: _Bytes = np.memmap(source, dtype=np.uint8, mode="r").view(np.ndarray)
    adapted = _places(factors, target, header)
    n_total = sum(_stored_bytes(entry) for entry in header.tensors)
    n_done = 0
    with out.open("wb") as file:
        file.write(_metadata(data, header, texts))
        file.write(_tensor_table(header, adapted))
        for entry in header.tensors:
            file.write(bytes(-file.tell() % _alignment(header)))
            if entry.name in adapted:
                file.write(_merged(data, entry, factors, *adapted[entry.name], target).data)
            else:
                _copy(data, entry, file)
            n_done += _stored_bytes(entry)
            on_progress(n_done / n_total)
        file.write(bytes(-file.tell() % _alignment(header)))
    return len(adapted)


def _places(factors: LoraFactors, target: AdapterTarget, header: GgufHeader) -> dict[str, tuple[str, int]]:
    """Name of each tensor that changes -> module and layer of its delta."""
    if factors.n_layers != target.n_layers:
        detail = f"It has {target.n_layers} layers, the adapters have {factors.n_layers}."
        raise InvalidAdapter("The base model does not fit these adapters.", detail)
    shapes = {entry.name: entry.shape for entry in header.tensors}
    places: dict[str, tuple[str, int]] = {}
    for module, (A, B) in factors.modules.items():
        ours = TENSOR_NAMES.get(module, module)
        for layer in range(factors.n_layers):
            name = f"blk.{layer}.{ours}.weight"
            if ours not in target.modules or shapes.get(name) != (B.shape[2], A.shape[2]):
                detail = f"It has {shapes.get(name)} as {name}, the adapters have {B.shape[2], A.shape[2]}."
                raise InvalidAdapter("The base model does not fit these adapters.", detail)
            places[name] = (module, layer)
    return places


def _merged(
    data: _Bytes, entry: TensorEntry, factors: LoraFactors, module: str, layer: int, target: AdapterTarget
) -> NDArray[Any]:
    delta = factors.delta(module, layer)  # (d_out, d_in)
    if n_heads := target.interleaved.get(TENSOR_NAMES[module]):
        delta = interleave_rows(delta, n_heads)
    kind = gguf.GGMLQuantizationType(entry.kind)
    rows = _stored(data, entry).reshape(entry.shape[0], -1)
    merged: Float32 = gguf.dequantize(rows, kind).astype(np.float32) + delta
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(merged, dtype="<f4" if _new_kind(entry) == kind.F32 else "<f2")
    if not np.isfinite(stored).all():
        detail = f"A value of {entry.name} would be beyond float16."
        raise InvalidAdapter("These adapters are too strong to be merged.", detail)
    return stored


def _metadata(data: _Bytes, header: GgufHeader, texts: Mapping[str, str]) -> bytes:
    """Everything before the tensors' table, with ``texts`` in it."""
    pieces: list[bytes] = []
    position = _COUNTS_AT + 16
    known = {header.value_starts[key]: text for key, text in texts.items() if key in header.values}
    for start, text in sorted(known.items()):
        pieces += [data[position:start].tobytes(), _string(text)]
        position = start + 8 + int(data[start : start + 8].view("<u8")[0])
    pieces.append(data[position : header.values_end].tobytes())
    added = {key: text for key, text in texts.items() if key not in header.values}
    pieces += [_string(key) + struct.pack("<I", VALUE_STRING) + _string(text) for key, text in added.items()]
    counts = struct.pack("<QQ", len(header.tensors), len(header.values) + len(added))
    return data[:_COUNTS_AT].tobytes() + counts + b"".join(pieces)


def _tensor_table(header: GgufHeader, adapted: Collection[str]) -> bytes:
    table = bytearray()
    offset = 0
    for entry in header.tensors:
        kind = _new_kind(entry) if entry.name in adapted else entry.kind
        n_axes = len(entry.shape)
        table += _string(entry.name)
        table += struct.pack(f"<I{n_axes}QIQ", n_axes, *reversed(entry.shape), int(kind), offset)
        n_bytes = _n_bytes(entry.shape, kind)
        offset += n_bytes + -n_bytes % _alignment(header)
    return bytes(table)


def _new_kind(entry: TensorEntry) -> gguf.GGMLQuantizationType:
    """Of an adapted tensor."""
    kinds = gguf.GGMLQuantizationType
    return kinds.F32 if entry.kind == kinds.F32 else kinds.F16


def _copy(data: _Bytes, entry: TensorEntry, file: BinaryIO) -> None:
    stored = _stored(data, entry)
    for first in range(0, stored.size, _COPIED_BYTES):
        file.write(stored[first : first + _COPIED_BYTES].data)


def _stored(data: _Bytes, entry: TensorEntry) -> _Bytes:
    return data[entry.start : entry.start + _stored_bytes(entry)]


def _stored_bytes(entry: TensorEntry) -> int:
    return _n_bytes(entry.shape, entry.kind)


def _n_bytes(shape: tuple[int, ...], kind: int) -> int:
    values_per_block, bytes_per_block = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(kind)]
    return int(np.prod(shape)) // values_per_block * bytes_per_block


def _alignment(header: GgufHeader) -> int:
    return int(str(header.values.get("general.alignment", 32)))


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data
