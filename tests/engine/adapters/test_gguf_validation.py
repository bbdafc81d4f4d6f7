import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.adapters.gguf_format import pack, write_adapter
from engine.adapters.gguf_validation import validate_adapter
from engine.errors import InvalidAdapter
from engine.models.base_geometry import AdapterTarget
from tests.engine.adapters.adapters_at_random import random_factors

TARGET = AdapterTarget("llama", 2, {"ffn_down": (12, 8), "ffn_up": (8, 12)})


def good_file() -> bytes:
    parts = [(pack(random_factors(seed), 10.0), 1.0) for seed in range(2)]
    return write_adapter(parts, architecture="llama").tobytes()


GOOD = good_file()


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(file: bytes) -> bytes:
        assert file.count(old) >= 1, f"the good file has no {old!r}"
        return file.replace(old, new, 1)

    return change


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def string_value(key: str, value: str) -> bytes:
    return text(key) + struct.pack("<I", 8) + text(value)


def tensor_entry(name: str, *axes: int, kind: int = 1) -> bytes:
    return text(name) + struct.pack(f"<I{len(axes)}QI", len(axes), *axes, kind)


A0, B0 = "blk.0.ffn_down.weight.lora_a", "blk.0.ffn_down.weight.lora_b"
ALPHA = text("adapter.lora.alpha")

BAD_FILES: dict[str, Callable[[bytes], bytes]] = {
    "an empty file": lambda _: b"",
    "another magic": replaced(b"GGUF", b"GGML"),
    "another version": replaced(struct.pack("<I", 3), struct.pack("<I", 2)),
    "no tensors": replaced(struct.pack("<Q", 4), struct.pack("<Q", 0)),
    "more tensors than the base has": replaced(struct.pack("<Q", 4), struct.pack("<Q", 4000)),
    "a text of absurd length": replaced(text("general.type"), struct.pack("<Q", 1 << 60) + b"general.type"),
    "not an adapter": replaced(
        string_value("general.type", "adapter"), string_value("general.type", "models!")
    ),
    "another architecture": replaced(text("llama"), text("gemma")),
    "another kind of adapter": replaced(text("lora"), text("dora")),
    "a value twice": replaced(text("adapter.type"), text("general.type")),
    "alpha as a 32-bit integer": replaced(ALPHA + struct.pack("<I", 6), ALPHA + struct.pack("<I", 4)),
    "alpha that is not a number": replaced(
        ALPHA + struct.pack("<If", 6, 6.0), ALPHA + struct.pack("<If", 6, float("nan"))
    ),
    "alpha zero": replaced(ALPHA + struct.pack("<If", 6, 6.0), ALPHA + struct.pack("<If", 6, 0.0)),
    "the type as a number": replaced(
        text("general.type") + struct.pack("<I", 8), text("general.type") + struct.pack("<I", 10)
    ),
    "a tensor the base does not have": replaced(text(A0), text(A0.replace("down", "gone"))),
    "a layer the base does not have": replaced(text(A0), text(A0.replace("blk.0", "blk.9"))),
    "an unknown suffix": replaced(text(A0), text(A0[:-1] + "c")),
    "a tensor twice": replaced(text(B0), text(A0)),
    "three axes": replaced(tensor_entry(A0, 12, 6), tensor_entry(A0, 12, 3, 2)),
    "one axis": replaced(struct.pack("<IQQ", 2, 12, 6), struct.pack("<IQQ", 1, 12, 6)),
    "transposed": replaced(tensor_entry(A0, 12, 6), tensor_entry(A0, 6, 12)),
    "another width": replaced(tensor_entry(A0, 12, 6), tensor_entry(A0, 13, 6)),
    "ranks that differ": replaced(tensor_entry(A0, 12, 6), tensor_entry(A0, 12, 5)),
    "rank zero": replaced(tensor_entry(A0, 12, 6), tensor_entry(A0, 12, 0)),
    "64-bit floats": replaced(tensor_entry(A0, 12, 6), tensor_entry(A0, 12, 6, kind=28)),
    "integers": replaced(tensor_entry(A0, 12, 6), tensor_entry(A0, 12, 6, kind=26)),
    "8-bit blocks": replaced(tensor_entry(A0, 12, 6), tensor_entry(A0, 12, 6, kind=8)),
    "a shifted tensor": replaced(
        tensor_entry(B0, 6, 8, kind=0) + struct.pack("<Q", 160),
        tensor_entry(B0, 6, 8, kind=0) + struct.pack("<Q", 32),
    ),
    "a byte missing": lambda file: file[:-1],
    "a byte too many": lambda file: file + b"\0",
}


def test_a_file_of_our_own_is_accepted() -> None:
    assert validate_adapter(GOOD, TARGET) == 6


def test_an_array_is_accepted_like_bytes() -> None:
    assert validate_adapter(np.frombuffer(GOOD, dtype=np.uint8), TARGET) == 6


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused(name: str) -> None:
    bad = BAD_FILES[name](GOOD)
    assert bad != GOOD
    with pytest.raises(InvalidAdapter):
        validate_adapter(bad, TARGET)


@pytest.mark.parametrize("n_bytes", [3, 4, 20, 60, 150, 300, 500, len(GOOD) - 32])
def test_a_file_cut_anywhere_is_refused(n_bytes: int) -> None:
    with pytest.raises(InvalidAdapter):
        validate_adapter(GOOD[:n_bytes], TARGET)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("position", [0, 1, -1])
@pytest.mark.parametrize("factor", ["A", "B"])
def test_a_single_value_that_is_not_finite_is_found(value: float, position: int, factor: str) -> None:
    file = bytearray(GOOD)
    # Two layers of A, 6 x 12 float16, padded to 160 bytes, and B, 8 x 6 float32.
    A: NDArray[np.float16] = np.frombuffer(file, "<f2", count=72, offset=len(GOOD) - 2 * (160 + 192))
    B: NDArray[np.float32] = np.frombuffer(file, "<f4", count=48, offset=len(GOOD) - 192)
    (A if factor == "A" else B)[position] = value
    with pytest.raises(InvalidAdapter, match="finite"):
        validate_adapter(bytes(file), TARGET)


def test_the_largest_finite_value_is_accepted() -> None:
    file = bytearray(GOOD)
    values: NDArray[np.float32] = np.frombuffer(file, dtype="<f4", offset=len(GOOD) - 192)
    values[:] = np.finfo(np.float32).max
    assert validate_adapter(bytes(file), TARGET) == 6


def test_an_adapter_that_skips_layers_is_refused() -> None:
    deeper = AdapterTarget("llama", 3, TARGET.modules)
    with pytest.raises(InvalidAdapter, match="incomplete"):
        validate_adapter(GOOD, deeper)


@settings(max_examples=400)
@given(
    position=st.integers(0, len(GOOD) - 1),
    replacement=st.binary(min_size=1, max_size=9),
)
def test_whatever_bytes_change_the_file_is_refused_or_still_harmless(
    position: int, replacement: bytes
) -> None:
    mutant = (GOOD[:position] + replacement + GOOD[position + len(replacement) :])[: len(GOOD)]
    try:
        rank = validate_adapter(mutant, TARGET)
    except InvalidAdapter:
        return
    # Accepted: then only numbers or texts that decide nothing differ, never the structure.
    assert rank == 6
    for needed in (b"GGUF\x03\0\0\0", string_value("general.type", "adapter"), tensor_entry(A0, 12, 6)):
        assert needed in mutant


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidAdapter):
        validate_adapter(data, TARGET)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_random_bytes_after_a_right_beginning_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidAdapter):
        validate_adapter(GOOD[:24] + data, TARGET)
