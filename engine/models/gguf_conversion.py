"""Rewrite a quantised GGUF model as float16.

Imports numpy and gguf, so this module is imported only where a conversion really runs: the GUI process stays
free of both. Whoever changes the bytes written here raises ``embedded.CONVERTER_VERSION``.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from engine.formats.gguf_header import GgufHeader, TensorEntry, read_header

_ALIGNMENT = 32


def convert_to_float16(source: Path, target: Path, on_progress: Callable[[float], None]) -> None:
    """Write ``source`` to ``target`` with float16 matrices; vectors (norms) and their float32 stay.

    All metadata is kept byte for byte, tokenizer and chat template too; only ``general.file_type`` changes.
    The result depends on the source's bytes alone, on every platform: each value is one IEEE multiply and add
    in float32, rounded to float16.

    Args:
        source: GGUF file of a model.
        target: overwritten; not synced to disk.
        on_progress: called in this thread with the share done, 0 to 1.

    Raises:
        ValueError: ``source`` is not a GGUF model.
        OSError: reading or writing failed, e.g. the disk is full.
    """
    header = read_header(source)
    data = np.memmap(source, dtype=np.uint8, mode="r").view(np.ndarray)
    n_total = sum(_n_values(tensor) for tensor in header.tensors)
    n_done = 0
    with target.open("wb") as file:
        file.write(_metadata(data, header))
        file.write(_tensor_table(header))
        file.write(bytes(-file.tell() % _ALIGNMENT))
        for tensor in header.tensors:
            values = _dequantised(data, tensor)
            file.write(np.ascontiguousarray(values, dtype=_new_dtype(tensor)).data)
            file.write(bytes(-file.tell() % _ALIGNMENT))
            n_done += _n_values(tensor)
            on_progress(n_done / n_total)


def _n_values(tensor: TensorEntry) -> int:
    return int(np.prod(tensor.shape))


def _new_dtype(tensor: TensorEntry) -> np.dtype[Any]:
    # llama.cpp multiplies norms as float32 vectors; it has no float16 kernel for them.
    return np.dtype("<f4" if len(tensor.shape) == 1 else "<f2")


def _metadata(data: NDArray[np.uint8], header: GgufHeader) -> bytes:
    """Everything before the tensors' table, as it is in the source, with another file type."""
    metadata = bytearray(data[: header.values_end].tobytes())
    if (start := header.value_starts.get("general.file_type")) is not None:
        struct.pack_into("<I", metadata, start, int(gguf.LlamaFileType.MOSTLY_F16))
    return bytes(metadata)


def _tensor_table(header: GgufHeader) -> bytes:
    table = bytearray()
    offset = 0
    for tensor in header.tensors:
        name, dtype = tensor.name.encode(), _new_dtype(tensor)
        kind = gguf.GGMLQuantizationType.F32 if dtype.itemsize == 4 else gguf.GGMLQuantizationType.F16
        n_axes = len(tensor.shape)
        table += struct.pack("<Q", len(name)) + name
        table += struct.pack(f"<I{n_axes}QIQ", n_axes, *reversed(tensor.shape), int(kind), offset)
        offset += -(-_n_values(tensor) * dtype.itemsize // _ALIGNMENT) * _ALIGNMENT
    return bytes(table)


def _dequantised(data: NDArray[np.uint8], tensor: TensorEntry) -> NDArray[Any]:
    """The tensor's values, in its shape."""
    kind = gguf.GGMLQuantizationType(tensor.kind)
    values_per_block, bytes_per_block = gguf.GGML_QUANT_SIZES[kind]
    n_bytes = _n_values(tensor) // values_per_block * bytes_per_block
    stored = data[tensor.start : tensor.start + n_bytes]
    rows = stored.reshape(*tensor.shape[:-1], tensor.shape[-1] // values_per_block * bytes_per_block)
    return gguf.dequantize(rows, kind)
