"""A strict check of GGUF LoRA bytes, run before llama.cpp sees any of them.

Why so strict: llama.cpp aborts the process on metadata of an unexpected type, crashes in decode on tensors
with three axes or odd types, and loads NaN without a word, after which every answer is NaN. Anything that is
not understood here is refused.
"""

import math
import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.adapters.gguf_format import (
    ALIGNMENT,
    MAGIC,
    TYPE_F16,
    TYPE_F32,
    VALUE_FLOAT32,
    VALUE_STRING,
    VALUE_UINT32,
    VERSION,
)
from engine.errors import InvalidAdapter
from engine.models.base_geometry import AdapterTarget

_MAX_VALUES = 64
_MAX_STRING_BYTES = 1 << 20
"""An export names every note it was made of: thousands have room."""
_TENSOR_NAME = re.compile(r"blk\.(0|[1-9][0-9]{0,4})\.([a-z0-9_]+)\.weight\.lora_(a|b)")
_ITEM_BYTES = {TYPE_F32: 4, TYPE_F16: 2}
_EXPONENT: dict[int, tuple[np.dtype[np.unsignedinteger[Any]], int]] = {
    TYPE_F32: (np.dtype("<u4"), 0x7F800000),
    TYPE_F16: (np.dtype("<u2"), 0x7C00),
}
"""How to read the bits of a number, and which of them are the exponent."""
_SCAN_ITEMS = 1 << 16
"""Items looked at in one step of the scan for NaN: small enough to stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    layer: int
    module: str
    factor: str
    shape: tuple[int, int]
    type: int
    offset: int

    @property
    def size_bytes(self) -> int:
        return self.shape[0] * self.shape[1] * _ITEM_BYTES[self.type]


def validate_adapter(data: bytes | NDArray[np.uint8], target: AdapterTarget) -> int:
    """Check that ``data`` is a LoRA file that llama.cpp can load and run on the base model without harm.

    Returns:
        The adapter's rank: the largest one of a module. In a module it is the same in all layers.

    Raises:
        InvalidAdapter: anything is wrong, missing, unknown or not finite; ``detail`` says what.
    """
    file = memoryview(data) if isinstance(data, bytes) else data.data
    cursor = _Cursor(file)
    n_tensors, alignment = _check_metadata(cursor, target)
    tensors = [_read_tensor(cursor, target) for _ in range(n_tensors)]
    rank = _check_pairs(tensors, target)
    start = -(-cursor.position // alignment) * alignment
    _check_data(file, tensors, start, alignment)
    return rank


class _Cursor:
    """Reads little-endian values one after the other; never beyond the end."""

    def __init__(self, file: memoryview) -> None:
        self._file = file
        self.position = 0

    def take(self, n_bytes: int) -> memoryview:
        end = self.position + n_bytes
        if end > len(self._file):
            raise _invalid(f"the file ends at byte {len(self._file)}, inside its header")
        piece = self._file[self.position : end]
        self.position = end
        return piece

    def unpack(self, layout: str) -> tuple[int, ...]:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def string(self) -> str:
        (n_bytes,) = self.unpack("Q")
        if n_bytes > _MAX_STRING_BYTES:
            raise _invalid(f"a text of {n_bytes} bytes in the header")
        try:
            return str(self.take(n_bytes), "utf-8")
        except UnicodeDecodeError as exc:
            raise _invalid("a text in the header is not UTF-8") from exc


def _check_metadata(cursor: _Cursor, target: AdapterTarget) -> tuple[int, int]:
    """Read the header up to the tensors' table; returns the number of tensors and the alignment."""
    if bytes(cursor.take(4)) != MAGIC:
        raise _invalid("it is not a GGUF file")
    (version,) = cursor.unpack("I")
    n_tensors, n_values = cursor.unpack("QQ")
    if version != VERSION:
        raise _invalid(f"GGUF version {version}, expected {VERSION}")
    if not 0 < n_tensors <= 2 * target.n_layers * len(target.modules) or n_values > _MAX_VALUES:
        raise _invalid(f"{n_tensors} tensors and {n_values} values")
    values: dict[str, str | int | float] = {}
    for _ in range(n_values):
        key = cursor.string()
        if key in values:
            raise _invalid(f"the value {key} occurs twice")
        values[key] = _read_value(cursor, key)
    required = {
        "general.type": "adapter",
        "general.architecture": target.architecture,
        "adapter.type": "lora",
    }
    for key, expected in required.items():
        if values.get(key) != expected:
            raise _invalid(f"{key} is {values.get(key)!r}, expected {expected!r}")
    alpha = values.get("adapter.lora.alpha")
    if not isinstance(alpha, float) or not math.isfinite(alpha) or alpha <= 0:
        raise _invalid(f"adapter.lora.alpha is {alpha!r}, expected a positive number")
    return n_tensors, ALIGNMENT


def _read_value(cursor: _Cursor, key: str) -> str | int | float:
    (kind,) = cursor.unpack("I")
    if key == "adapter.lora.alpha" and kind == VALUE_FLOAT32:
        return float(cursor.unpack("f")[0])
    if key == "general.alignment" and kind == VALUE_UINT32:
        (alignment,) = cursor.unpack("I")
        if alignment != ALIGNMENT:
            raise _invalid(f"general.alignment is {alignment}, expected {ALIGNMENT}")
        return alignment
    if key not in ("adapter.lora.alpha", "general.alignment") and kind == VALUE_STRING:
        return cursor.string()
    raise _invalid(f"the value {key} has the type {kind}")


def _read_tensor(cursor: _Cursor, target: AdapterTarget) -> _Tensor:
    name = cursor.string()
    match = _TENSOR_NAME.fullmatch(name)
    if match is None or int(match[1]) >= target.n_layers or match[2] not in target.modules:
        raise _invalid(f"the base model has no place for the tensor {name}")
    (n_axes,) = cursor.unpack("I")
    if n_axes != 2:
        raise _invalid(f"{name} has {n_axes} axes, expected 2")
    fast, slow, kind, offset = cursor.unpack("QQIQ")
    if kind not in _ITEM_BYTES:
        raise _invalid(f"{name} has the type {kind}, expected float16 or float32")
    return _Tensor(int(match[1]), match[2], match[3], (fast, slow), kind, offset)


def _check_pairs(tensors: list[_Tensor], target: AdapterTarget) -> int:
    """Every module present must have A and B in every layer, with the base's widths and one rank."""
    found = {(t.module, t.layer, t.factor): t for t in tensors}
    if len(found) != len(tensors):
        raise _invalid("a tensor occurs twice")
    largest = 0
    for module in {t.module for t in tensors}:
        d_in, d_out = target.modules[module]
        ranks = set()
        for layer in range(target.n_layers):
            A, B = found.get((module, layer, "a")), found.get((module, layer, "b"))
            if A is None or B is None:
                raise _invalid(f"layer {layer} of {module} is incomplete")
            if A.shape[0] != d_in or B.shape[1] != d_out:
                shapes = f"{A.shape} and {B.shape}"
                raise _invalid(f"layer {layer} of {module} has the shapes {shapes}, for {d_in} -> {d_out}")
            ranks |= {A.shape[1], B.shape[0]}
        if len(ranks) != 1 or min(ranks) < 1:
            raise _invalid(f"the ranks of {module} are {sorted(ranks)}, expected a single one")
        largest = max(largest, *ranks)
    return largest


def _check_data(file: memoryview, tensors: list[_Tensor], start: int, alignment: int) -> None:
    """The tensors must tile the rest of the file in their order, and hold finite numbers only."""
    expected = 0
    for tensor in tensors:
        if tensor.offset != expected:
            raise _invalid(f"a tensor starts at {tensor.offset}, expected {expected}")
        if start + expected + tensor.size_bytes > len(file):
            raise _invalid(f"the file ends at byte {len(file)}, inside its tensors")
        expected += -(-tensor.size_bytes // alignment) * alignment
    if start + expected != len(file):
        raise _invalid(f"it has {len(file)} bytes, expected {start + expected}")
    for kind in {tensor.type for tensor in tensors}:
        _check_finite(file, [t for t in tensors if t.type == kind], start, kind)


def _check_finite(file: memoryview, tensors: list[_Tensor], start: int, kind: int) -> None:
    dtype, exponent = _EXPONENT[kind]
    for tensor in tensors:
        n_items = tensor.shape[0] * tensor.shape[1]
        items = np.frombuffer(file, dtype=dtype, count=n_items, offset=start + tensor.offset)
        for first in range(0, n_items, _SCAN_ITEMS):
            # NaN and infinity are the numbers whose exponent bits are all ones.
            if int((items[first : first + _SCAN_ITEMS] & exponent).max()) == exponent:
                raise _invalid(f"layer {tensor.layer} of {tensor.module} holds a value that is not finite")


def _invalid(reason: str) -> InvalidAdapter:
    return InvalidAdapter("A note's memory is damaged.", f"Its adapter was refused: {reason}.")
