"""Reads the header of a safetensors file: strictly, and without its tensors' data.

The library's numpy functions know neither bfloat16 nor the metadata, and copy all of a file into memory.
Format: https://github.com/huggingface/safetensors#format. Nothing in such a file is ever run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.formats.foreign_json import parse_json
from engine.formats.lora import Float32

_MAX_HEADER_BYTES = 8 << 20
"""Room for seventy thousand tensors. The library accepts a hundred million bytes, of which Python makes
gigabytes."""
_MAX_AXES = 8
_ITEM_BYTES = {
    "BOOL": 1,
    "I8": 1,
    "U8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
}


@dataclass(frozen=True, slots=True)
class TensorSpan:
    """One tensor of the file.

    Attributes:
        dtype: as the format spells it, e.g. "BF16".
        start: byte of the file at which its data begins.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int

    @property
    def n_bytes(self) -> int:
        """Length of its data."""
        return math.prod(self.shape) * _ITEM_BYTES[self.dtype]


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """What stands before the tensors' data.

    Attributes:
        metadata: free texts.
        tensors: in the order of their data, which they tile without gaps.
        data_start: byte of the file at which the first begins.
    """

    metadata: Mapping[str, str]
    tensors: tuple[TensorSpan, ...]
    data_start: int


def parse_header(file: bytes | memoryview) -> SafetensorsHeader:
    """The header of a whole file.

    Raises:
        ValueError: it is not a safetensors file, or cut, or has gaps.
    """
    data_start = 8 + int.from_bytes(file[:8], "little")
    if len(file) < 8 or data_start > min(len(file), _MAX_HEADER_BYTES):
        raise ValueError(f"it has {len(file)} bytes and a header of {data_start}")
    entries = parse_json(bytes(file[8:data_start]))
    try:
        metadata = dict(entries.pop("__metadata__", {}))
        tensors = sorted(
            (_span(name, entry, data_start) for name, entry in entries.items()), key=lambda span: span.start
        )
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"its header is damaged: {exc}") from exc
    if not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its metadata are not texts")
    expected = data_start
    for span in tensors:
        if span.start != expected:
            raise ValueError(f"{span.name} begins at byte {span.start}, expected {expected}")
        expected += span.n_bytes
    if expected != len(file):
        raise ValueError(f"it has {len(file)} bytes, expected {expected}")
    return SafetensorsHeader(metadata, tuple(tensors), data_start)


def to_float32(file: NDArray[np.uint8], span: TensorSpan) -> Float32:
    """A tensor's values, in its shape.

    Raises:
        ValueError: it does not hold floating-point numbers of 16 or 32 bits.
    """
    raw = file[span.start : span.start + span.n_bytes]
    match span.dtype:
        case "F32":
            values: Float32 = raw.view("<f4").astype(np.float32)
        case "F16":
            values = raw.view("<f2").astype(np.float32)
        case "BF16":
            # The upper half of a float32.
            values = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
        case _:
            raise ValueError(f"{span.name} has the type {span.dtype}, expected F32, F16 or BF16")
    return values.reshape(span.shape)


def from_float32(values: Float32, dtype: str) -> NDArray[Any]:
    """Values rounded to the nearest of another type, as the bytes of a tensor.

    Args:
        values: finite.
        dtype: "F32", "F16" or "BF16".
    """
    if dtype == "BF16":
        bits = values.view(np.uint32)
        # To nearest, ties to even: what the lower half adds up to carries into the upper one.
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        return rounded.astype("<u2")
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype])


def _span(name: str, entry: Mapping[str, Any], data_start: int) -> TensorSpan:
    first, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    # A bool is an int to Python, but true is no size. More axes than numpy has would end in its error.
    is_sized = all(type(n) is int and n >= 0 for n in (*shape, first, end)) and len(shape) <= _MAX_AXES
    if entry["dtype"] not in _ITEM_BYTES or not is_sized:
        raise ValueError(
            f"{name[:80]} has the type {str(entry['dtype'])[:20]} and the shape {str(shape)[:80]}"
        )
    span = TensorSpan(name, entry["dtype"], shape, data_start + first)
    if end - first != span.n_bytes:
        raise ValueError(f"{name} has {end - first} bytes, expected {span.n_bytes}")
    return span
