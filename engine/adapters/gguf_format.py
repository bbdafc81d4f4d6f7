"""One adapter set as the bytes of a GGUF LoRA file, built in memory.

Two steps, because the first is slow and depends on one chunk alone: ``pack`` prepares a chunk's factors once
(alpha folded in, A brought to a fixed size and rounded to float16), ``write_adapter`` joins packed chunks in
milliseconds.

A is float16 and B float32: for twelve chunks against all in float16, that is 5 ms less to write (numpy rounds
slowly), 5 ms less per prompt, and a smaller error, for a quarter more memory. All in float32 is slower again.

llama.cpp computes y = W x + adapter_scale * alpha / r * B (A x) with r the rank of the module. The paper's
alpha is a plain factor, so it is folded into B here and the file says alpha = R, the largest rank in it: the
factor is 1. Parts may cover different modules; one with a smaller rank r has r / R folded into its B as well.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidAdapter
from engine.formats.lora import LoraFactors

Float16 = NDArray[np.float16]
Float32 = NDArray[np.float32]

MAGIC = b"GGUF"
VERSION = 3
ALIGNMENT = 32
TYPE_F32, TYPE_F16 = 0, 1
VALUE_UINT32, VALUE_FLOAT32, VALUE_STRING = 4, 6, 8

TENSOR_NAMES: Mapping[str, str] = {
    "down_proj": "ffn_down",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "k_proj": "attn_k",
    "o_proj": "attn_output",
    "q_proj": "attn_q",
    "v_proj": "attn_v",
}
"""transformers' names -> llama.cpp's, of every layer that an adapter may touch."""

_ROTATED = ("q_proj", "k_proj")
"""Layers whose rows llama.cpp keeps in an order of its own in some architectures; see AdapterTarget."""


_PEAK_EXPONENT = 6
"""The largest value of A in each layer is brought near 2 ** 6: a thousandth of what float16 can hold, and
values a millionth as large still have all their bits."""


@dataclass(frozen=True)
class PackedFactors:
    """One chunk's factors, ready to be joined.

    Attributes:
        modules: llama.cpp's tensor name, e.g. "ffn_down" -> (A, B), A (n_layers, r, d_in) float16,
            B (n_layers, d_out, r) float32.
    """

    modules: Mapping[str, tuple[Float16, Float32]]

    @property
    def size_bytes(self) -> int:
        """Memory held."""
        return sum(A.nbytes + B.nbytes for A, B in self.modules.values())


def pack(
    factors: LoraFactors, lora_alpha: float, interleaved: Mapping[str, int] | None = None
) -> PackedFactors:
    """Prepare factors for a set: alpha goes into B, and so does the size of A, layer by layer.

    Without that, float16 loses bits of values of A under 6e-5. The factor moved to B is a power of two, so it
    rounds nothing by itself.

    Args:
        factors: of one chunk, or of one imported adapter.
        lora_alpha: factor on their delta.
        interleaved: of the base model, see AdapterTarget; None if it is not known: queries and keys are
            then refused.

    Raises:
        InvalidAdapter: a module that GGUF adapters cannot carry, or values beyond float32.
    """
    modules: dict[str, tuple[Float16, Float32]] = {}
    for name, (A, B) in factors.modules.items():
        if name not in TENSOR_NAMES or (name in _ROTATED and interleaved is None):
            known = sorted(TENSOR_NAMES if interleaved is not None else TENSOR_NAMES.keys() - set(_ROTATED))
            detail = f"Adapters of {name} are not supported, only of {', '.join(known)}."
            raise InvalidAdapter("This adapter cannot be used for chatting.", detail)
        peak_A = np.abs(A).max(axis=(1, 2))  # (n_layers,)
        exponent = np.rint(np.log2(peak_A, out=np.zeros_like(peak_A), where=peak_A > 0)) - _PEAK_EXPONENT
        gain = np.exp2(exponent, dtype=np.float32)[:, None, None]
        with np.errstate(over="ignore"):
            packed_A = (A / gain).astype("<f2")
            packed_B = np.ascontiguousarray((B * (np.float32(lora_alpha) * gain)).transpose(0, 2, 1))
        if not (np.isfinite(packed_A).all() and np.isfinite(packed_B).all()):
            detail = f"Values of {name} are too large. Learn the note again."
            raise InvalidAdapter("A note's memory is damaged.", detail)
        tensor_name = TENSOR_NAMES[name]
        if interleaved is not None and tensor_name in interleaved:
            packed_B = interleave_rows(packed_B, interleaved[tensor_name])
        modules[tensor_name] = (packed_A, packed_B)
    return PackedFactors(modules)


def interleave_rows(rows: NDArray[Any], n_heads: int) -> NDArray[Any]:
    """Rows of queries or keys in llama.cpp's order: those of a head's two halves alternate.

    Args:
        rows: (..., n_heads * d_head, columns), in transformers' order.
        n_heads: of queries or of keys.

    Returns:
        the same shape; ``separate_rows`` undoes it.

    Source: ``permute`` in llama.cpp's convert_hf_to_gguf.py.
    """
    *leading, d_out, columns = rows.shape
    halves = rows.reshape(*leading, n_heads, 2, d_out // n_heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(-3, -2).reshape(rows.shape))


def separate_rows(rows: NDArray[Any], n_heads: int) -> NDArray[Any]:
    """Rows of queries or keys in transformers' order, from llama.cpp's; see ``interleave_rows``."""
    *leading, d_out, columns = rows.shape
    pairs = rows.reshape(*leading, n_heads, d_out // n_heads // 2, 2, columns)
    return np.ascontiguousarray(pairs.swapaxes(-3, -2).reshape(rows.shape))


def write_adapter(
    parts: Sequence[tuple[PackedFactors, float]],
    *,
    architecture: str,
    metadata: Mapping[str, str] | None = None,
) -> NDArray[np.uint8]:
    """Join packed factors along the rank, module by module, into one GGUF LoRA file.

    Args:
        parts: packed factors, each with the weight of its effect, in rank order. They need not cover the
            same modules.
        architecture: the base model's ``general.architecture``, e.g. "llama".
        metadata: further string values, e.g. {"general.name": "…"}.

    Returns:
        The file's bytes.

    Raises:
        ValueError: no parts.
        InvalidAdapter: they have different layers or widths.
    """
    if not parts:
        raise ValueError("an adapter needs at least one part")
    layout = _Layout.of([part for part, _weight in parts])
    header = _header(layout, architecture, metadata or {})
    start = _padded(len(header))
    file = np.zeros(start + layout.n_layers * layout.layer_bytes, dtype=np.uint8)
    file[: len(header)] = np.frombuffer(header, dtype=np.uint8)
    offset = start
    for name, module in layout.modules.items():
        A = _over_layers(file, offset, layout, (module.rank, module.d_in), np.dtype("<f2"))
        offset += module.A_bytes
        B = _over_layers(file, offset, layout, (module.d_out, module.rank), np.dtype("<f4"))
        offset += module.B_bytes
        row = 0
        for part, weight in parts:
            if name not in part.modules:
                continue
            packed_A, packed_B = part.modules[name]
            rows = slice(row, row + packed_A.shape[1])
            scale = weight * (module.rank / layout.rank)
            A[:, rows] = packed_A
            with np.errstate(over="ignore"):  # the validator refuses what overflows here
                B[:, :, rows] = packed_B if scale == 1.0 else packed_B * np.float32(scale)
            row = rows.stop
    return file


@dataclass(frozen=True)
class _Module:
    """Sizes of one module's tensors."""

    d_in: int
    d_out: int
    rank: int

    @property
    def A_bytes(self) -> int:
        return _padded(2 * self.rank * self.d_in)

    @property
    def B_bytes(self) -> int:
        return _padded(4 * self.rank * self.d_out)


@dataclass(frozen=True)
class _Layout:
    """Where tensors lie: layer by layer, in each layer module by module, A before B, all padded alike."""

    n_layers: int
    modules: Mapping[str, _Module]

    @classmethod
    def of(cls, parts: Sequence[PackedFactors]) -> "_Layout":
        modules: dict[str, _Module] = {}
        n_layers = set()
        for part in parts:
            for name, (A, B) in part.modules.items():
                before = modules.get(name, _Module(A.shape[2], B.shape[1], 0))
                modules[name] = _Module(A.shape[2], B.shape[1], before.rank + A.shape[1])
                n_layers.add(A.shape[0])
                if (before.d_in, before.d_out) != (A.shape[2], B.shape[1]) or len(n_layers) > 1:
                    shapes = f"{A.shape} and {B.shape}, expected {before.d_in} -> {before.d_out}"
                    detail = f"Factors of {name} have the shapes {shapes} in {sorted(n_layers)} layers."
                    raise InvalidAdapter("Two notes' memories do not fit together.", detail)
        return cls(n_layers.pop(), modules)

    @property
    def rank(self) -> int:
        """The largest rank of a module; what the file's alpha says."""
        return max(module.rank for module in self.modules.values())

    @property
    def layer_bytes(self) -> int:
        """Distance from one layer's tensors to the same tensors of the next layer."""
        return sum(module.A_bytes + module.B_bytes for module in self.modules.values())


def _over_layers(
    file: NDArray[np.uint8], start: int, layout: _Layout, shape: tuple[int, int], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """All layers' tensors of one name as a single view into the file: (n_layers, *shape)."""
    strides = (layout.layer_bytes, dtype.itemsize * shape[1], dtype.itemsize)
    return np.ndarray((layout.n_layers, *shape), dtype, buffer=file.data, offset=start, strides=strides)


def _header(layout: _Layout, architecture: str, metadata: Mapping[str, str]) -> bytes:
    values = {
        "general.type": "adapter",
        "general.architecture": architecture,
        "adapter.type": "lora",
        **metadata,
    }
    n_tensors = 2 * layout.n_layers * len(layout.modules)
    header = bytearray(struct.pack("<4sIQQ", MAGIC, VERSION, n_tensors, len(values) + 1))
    for key, value in values.items():
        header += _string(key) + struct.pack("<I", VALUE_STRING) + _string(value)
    header += _string("adapter.lora.alpha") + struct.pack("<If", VALUE_FLOAT32, float(layout.rank))
    offset = 0
    for layer in range(layout.n_layers):
        for name, module in layout.modules.items():
            # GGUF lists the fastest axis first: numpy's (r, d_in) is ne = [d_in, r].
            for suffix, kind, ne, n_bytes in (
                ("lora_a", TYPE_F16, (module.d_in, module.rank), module.A_bytes),
                ("lora_b", TYPE_F32, (module.rank, module.d_out), module.B_bytes),
            ):
                header += _string(f"blk.{layer}.{name}.weight.{suffix}")
                header += struct.pack("<IQQIQ", 2, *ne, kind, offset)
                offset += n_bytes
    return bytes(header)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _padded(n_bytes: int) -> int:
    return (n_bytes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
