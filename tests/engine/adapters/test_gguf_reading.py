"""GGUF LoRA files, ours and as llama.cpp's converter writes them."""

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.adapters.external_adapter import fit
from engine.adapters.gguf_format import interleave_rows, pack, separate_rows, write_adapter
from engine.adapters.gguf_reading import read_gguf
from engine.errors import InvalidAdapter
from engine.formats.lora import LoraFactors
from engine.models.base_geometry import AdapterTarget, target_of
from tests.engine.tiny_adapters import SIZE, tiny_base, tiny_factors
from tests.engine.tiny_llama import random_llama

Kind = gguf.GGMLQuantizationType
NAMES = {"q_proj": "attn_q", "v_proj": "attn_v", "down_proj": "ffn_down"}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> AdapterTarget:
    return target_of(tiny_base(tmp_path_factory.mktemp("tiny"), random_llama(SIZE)))


def converted(
    file: Path,
    factors: LoraFactors,
    *,
    kind: Kind = Kind.F32,
    lora_alpha: float | None = 6.0,
    values: Mapping[str, str] | None = None,
    tensors: Mapping[str, NDArray[np.float32]] | None = None,
) -> Path:
    """As convert_lora_to_gguf.py writes an adapter; ``values`` and ``tensors`` come on top."""
    texts = {"general.type": "adapter", "adapter.type": "lora"} | dict(values or {})
    writer = gguf.GGUFWriter(file, texts.pop("general.architecture", "llama"))
    for key, value in texts.items():
        writer.add_string(key, value)
    if lora_alpha is not None:
        writer.add_float32("adapter.lora.alpha", lora_alpha)
    found: dict[str, NDArray[np.float32]] = {}
    for name, (A, B) in factors.modules.items():
        for layer in range(factors.n_layers):
            rows = B[layer].T
            found[f"blk.{layer}.{NAMES[name]}.weight.lora_a"] = A[layer]
            found[f"blk.{layer}.{NAMES[name]}.weight.lora_b"] = (
                interleave_rows(rows, SIZE.n_heads) if name == "q_proj" else np.ascontiguousarray(rows)
            )
    for name, array in (found | dict(tensors or {})).items():
        writer.add_tensor(name, gguf.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def assert_near(found: LoraFactors, expected: LoraFactors, scale: float, tolerance: float) -> None:
    assert found.modules.keys() == expected.modules.keys()
    for name in expected.modules:
        for layer in range(expected.n_layers):
            delta = scale * expected.delta(name, layer)
            assert np.abs(found.delta(name, layer) - delta).max() <= tolerance * np.abs(delta).max()


def test_a_file_of_ours_comes_back_with_rows_in_transformers_order(
    target: AdapterTarget, tmp_path: Path
) -> None:
    factors = tiny_factors(1)
    file = tmp_path / "ours.gguf"
    packed = pack(factors, 1.5, target.interleaved)
    file.write_bytes(write_adapter([(packed, 0.5)], architecture="llama").tobytes())

    assert_near(fit(read_gguf(file, target), target), factors, 0.75, 1e-3)


@pytest.mark.parametrize(
    ("kind", "tolerance"), [(Kind.F32, 1e-6), (Kind.F16, 2e-3), (Kind.BF16, 2e-2), (Kind.Q8_0, 2e-2)]
)
def test_a_file_of_the_converter_is_read_in_every_type_it_writes(
    kind: Kind, tolerance: float, target: AdapterTarget, tmp_path: Path
) -> None:
    # A rank of 32: quantised rows have blocks of that length.
    factors = tiny_factors(1, rank=32, names=list(NAMES))

    found = fit(read_gguf(converted(tmp_path / "other.gguf", factors, kind=kind), target), target)

    assert_near(found, factors, 6.0 / 32, tolerance)


@pytest.mark.parametrize("lora_alpha", [None, 0.0])
def test_without_alpha_the_factors_stand_as_they_are(
    lora_alpha: float | None, target: AdapterTarget, tmp_path: Path
) -> None:
    factors = tiny_factors(1, names=["down_proj"])
    file = converted(tmp_path / "other.gguf", factors, lora_alpha=lora_alpha)
    assert_near(fit(read_gguf(file, target), target), factors, 1.0, 1e-6)


def test_rows_are_interleaved_as_the_converter_does_it_and_back() -> None:
    weight = np.arange(4 * 16 * 3).reshape(64, 3)
    # LlamaModel.permute of convert_hf_to_gguf.py.
    expected = weight.reshape(4, 2, 64 // 4 // 2, 3).swapaxes(1, 2).reshape(weight.shape)
    np.testing.assert_array_equal(interleave_rows(weight, 4), expected)
    np.testing.assert_array_equal(separate_rows(expected, 4), weight)
    stacked = np.stack([weight, weight + 1])
    np.testing.assert_array_equal(separate_rows(interleave_rows(stacked, 4), 4), stacked)


EMBEDDING = np.ones((3, SIZE.d_model), np.float32)


@pytest.mark.parametrize(
    ("values", "tensors", "sentence"),
    [
        ({"general.type": "model"}, {}, "no LoRA adapter: general.type is 'model'"),
        ({"adapter.type": "control_vector"}, {}, "'control_vector'"),
        ({"general.architecture": "qwen3"}, {}, "architecture 'qwen3', this one is 'llama'"),
        ({"adapter.alora.invocation_tokens": "1"}, {}, "aLoRA"),
        (
            {},
            {"token_embd.weight.lora_a": EMBEDDING},
            "token_embd.weight.lora_a; only LoRA factors of attn_k",
        ),
        ({}, {"blk.0.attn_v.weight.lora_a": EMBEDDING}, "only one factor of v_proj"),
        ({}, {"blk.9.ffn_up.weight.lora_a": EMBEDDING, "blk.9.ffn_up.weight.lora_b": EMBEDDING.T}, "layer 9"),
        (
            {},
            {"blk.0.attn_v.weight.lora_a": EMBEDDING, "blk.0.attn_v.weight.lora_b": EMBEDDING.T},
            "v_proj takes 64 numbers and gives 64, that of the base model 64 and 32",
        ),
        (
            {},
            {"blk.0.attn_q.weight.lora_a": EMBEDDING, "blk.0.attn_q.weight.lora_b": EMBEDDING[:, :63].T},
            "63 rows, the base model 4 heads",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(
    values: dict[str, str],
    tensors: dict[str, NDArray[np.float32]],
    sentence: str,
    target: AdapterTarget,
    tmp_path: Path,
) -> None:
    factors = tiny_factors(1, names=["down_proj"])
    contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    file = converted(tmp_path / "other.gguf", factors, values=values, tensors=contiguous)

    with pytest.raises(InvalidAdapter, match=sentence):
        fit(read_gguf(file, target), target)


def test_integers_are_refused(target: AdapterTarget, tmp_path: Path) -> None:
    file = tmp_path / "other.gguf"
    packed = pack(tiny_factors(1, names=["down_proj"]), 1.0, target.interleaved)
    data = write_adapter([(packed, 1.0)], architecture="llama").tobytes()
    name = b"blk.0.ffn_down.weight.lora_a"
    at = data.index(name) + len(name) + 4 + 16
    file.write_bytes(data[:at] + int(Kind.I8).to_bytes(4, "little") + data[at + 4 :])

    with pytest.raises(InvalidAdapter, match="the type 24"):
        read_gguf(file, target)


def test_a_tensor_that_occurs_twice_is_refused(target: AdapterTarget, tmp_path: Path) -> None:
    file = tmp_path / "other.gguf"
    packed = pack(tiny_factors(1, names=["down_proj"]), 1.0, target.interleaved)
    data = write_adapter([(packed, 1.0)], architecture="llama").tobytes()
    file.write_bytes(data.replace(b"blk.1.ffn_down.weight.lora_a", b"blk.0.ffn_down.weight.lora_a"))

    with pytest.raises(InvalidAdapter, match="lora_a twice"):
        read_gguf(file, target)


@pytest.mark.parametrize("n_bytes", [0, 3, 20, 300, 2000, -1])
def test_a_file_that_is_cut_or_none_is_refused(n_bytes: int, target: AdapterTarget, tmp_path: Path) -> None:
    file = tmp_path / "cut.gguf"
    packed = pack(tiny_factors(1, names=["down_proj"]), 1.0, target.interleaved)
    data = write_adapter([(packed, 1.0)], architecture="llama").tobytes().rstrip(b"\0")
    file.write_bytes(data[:n_bytes])
    with pytest.raises(InvalidAdapter, match=r"cut\.gguf"):
        read_gguf(file, target)


def test_random_damage_is_refused_or_read_but_never_crashes(target: AdapterTarget, tmp_path: Path) -> None:
    packed = pack(tiny_factors(1, names=["down_proj"]), 1.0, target.interleaved)
    good = write_adapter([(packed, 1.0)], architecture="llama")
    random = np.random.default_rng(0)
    file = tmp_path / "mutant.gguf"
    n_read = 0
    for _ in range(300):
        mutant = good.copy()
        limit = 900 if random.random() < 0.7 else mutant.size
        for position in random.integers(0, limit, size=random.integers(1, 4)):
            mutant[position] = random.integers(0, 256)
        file.write_bytes(mutant.tobytes())
        try:
            fit(read_gguf(file, target), target)
            n_read += 1
        except InvalidAdapter:
            continue
    assert 30 < n_read < 270
