"""Reads the header of a GGUF file: its values and where its tensors lie.

The gguf package's reader makes an array of every single word of the vocabulary, which takes seconds; this one
takes a fifth of a second. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Scalar: TypeAlias = int | float | bool | str
Value: TypeAlias = Scalar | list[Scalar]

_MAGIC = b"GGUF"
_VERSION = 3
_STRING, _ARRAY = 8, 9
_MAX_AXES = 4
_MAX_VALUES = 1 << 16
_MAX_TENSORS = 1 << 16
_MAX_ITEMS = 1 << 22
"""Of all lists together: the largest vocabularies come to two million words, merges and types. Python needs
some sixty bytes for each, however few the file has."""
_MAX_TEXT_BYTES = 1 << 24
_MAX_HEADER_BYTES = 1 << 28
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Number of a type in the file -> how struct reads it."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One line of the tensors' table.

    Attributes:
        name: at most 64 characters.
        shape: slowest axis first, as numpy has it (the file has the reverse).
        kind: number of its type in ggml.
        start: byte of the file at which its data begins.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What stands before the tensors' data.

    Attributes:
        values: the metadata, in the file's order.
        value_starts: key -> byte of the file at which its value, after its type, begins.
        values_end: byte of the file after the last value.
        tensors: in the file's order.
    """

    values: Mapping[str, Value]
    value_starts: Mapping[str, int]
    values_end: int
    tensors: tuple[TensorEntry, ...]


def read_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a GGUF file of version 3, or cut inside its header, or the header is larger than
            that of any model, or has a name twice.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return _parse(data)
        except (struct.error, UnicodeDecodeError, KeyError) as exc:
            raise ValueError(f"{path.name} has a damaged header: {exc}") from exc


def _parse(data: mmap.mmap) -> GgufHeader:
    magic, version, n_tensors, n_values = struct.unpack_from("<4sIQQ", data, 0)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError(f"expected GGUF version {_VERSION}, got {magic!r} version {version}")
    if n_values > _MAX_VALUES or n_tensors > _MAX_TENSORS:
        raise ValueError(f"its header has {n_values} values and {n_tensors} tensors")
    n_items_left = _MAX_ITEMS
    position = struct.calcsize("<4sIQQ")
    values: dict[str, Value] = {}
    value_starts: dict[str, int] = {}
    for _ in range(n_values):
        key, position = _string(data, position)
        (kind,) = struct.unpack_from("<I", data, position)
        if key in values:
            raise ValueError(f"its header has {key[:80]!r} twice")
        value_starts[key] = position + 4
        value, position = _value(data, position + 4, kind, n_items_left)
        values[key] = value
        n_items_left -= len(value) if isinstance(value, list) else 0
        if position > _MAX_HEADER_BYTES:
            raise ValueError(f"its header has more than {_MAX_HEADER_BYTES:,} bytes")
    values_end = position
    names: set[str] = set()
    entries: list[tuple[str, tuple[int, ...], int, int]] = []
    for _ in range(n_tensors):
        name, position = _string(data, position)
        (n_axes,) = struct.unpack_from("<I", data, position)
        if n_axes > _MAX_AXES:
            raise ValueError(f"{name[:80]} has {n_axes} axes")
        *axes, kind, offset = struct.unpack_from(f"<{n_axes}QIQ", data, position + 4)
        position += 4 + 8 * n_axes + 12
        if name in names:
            raise ValueError(f"it holds {name[:80]} twice")
        names.add(name)
        entries.append((name, tuple(reversed(axes)), kind, offset))
    alignment = values.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise ValueError(f"general.alignment is {alignment!r}")
    data_start = -(-position // alignment) * alignment
    tensors = tuple(TensorEntry(name, shape, kind, data_start + at) for name, shape, kind, at in entries)
    return GgufHeader(values, value_starts, values_end, tensors)


def _string(data: mmap.mmap, position: int) -> tuple[str, int]:
    (n_bytes,) = struct.unpack_from("<Q", data, position)
    end = position + 8 + n_bytes
    if end > len(data) or n_bytes > _MAX_TEXT_BYTES:
        raise ValueError(f"a text of {n_bytes} bytes goes beyond the end of the file, or is no text")
    return data[position + 8 : end].decode("utf-8"), end


def _value(data: mmap.mmap, position: int, kind: int, n_items_left: int) -> tuple[Value, int]:
    if kind == _STRING:
        return _string(data, position)
    if kind != _ARRAY:
        layout = "<" + _SCALARS[kind]
        return struct.unpack_from(layout, data, position)[0], position + struct.calcsize(layout)
    item_kind, n_items = struct.unpack_from("<IQ", data, position)
    position += 12
    if n_items > n_items_left:
        raise ValueError(f"a list of {n_items} items")
    if item_kind == _STRING:
        texts: list[Scalar] = []
        for _ in range(n_items):
            text, position = _string(data, position)
            texts.append(text)
        return texts, position
    layout = f"<{n_items}{_SCALARS[item_kind]}"
    return list(struct.unpack_from(layout, data, position)), position + struct.calcsize(layout)
