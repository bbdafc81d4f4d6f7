import hashlib
from pathlib import Path

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.adapters.gguf_format import pack, write_adapter
from engine.adapters.gguf_validation import validate_adapter
from engine.errors import InvalidAdapter
from engine.formats.lora import LoraFactors, concatenate
from engine.models.base_geometry import AdapterTarget
from tests.engine.adapters.adapters_at_random import random_factors

ALPHA = 45.254833995939045
# One factor rounded to 11 bits, summed over a few ranks.
FLOAT16_TOLERANCE = 1e-3


def read(file: NDArray[np.uint8], tmp_path: Path) -> gguf.GGUFReader:
    path = tmp_path / "adapter.gguf"
    path.write_bytes(file.tobytes())
    return gguf.GGUFReader(path)


def effect_in_llama_cpp(reader: gguf.GGUFReader, layer: int, name: str = "ffn_down") -> NDArray[np.float64]:
    """What llama.cpp adds to the weight (d_out, d_in): alpha / r * B A."""
    tensors = {tensor.name: tensor.data.astype(np.float64) for tensor in reader.tensors}
    A = tensors[f"blk.{layer}.{name}.weight.lora_a"]  # (r, d_in)
    B = tensors[f"blk.{layer}.{name}.weight.lora_b"]  # (d_out, r)
    alpha = reader.get_field("adapter.lora.alpha")
    assert alpha is not None
    effect: NDArray[np.float64] = float(alpha.contents()) / A.shape[0] * B @ A
    return effect


def test_llama_cpp_computes_alpha_times_the_weighted_sum_of_the_deltas(tmp_path: Path) -> None:
    parts = [random_factors(seed, rank=rank) for seed, rank in enumerate((3, 1, 4))]
    weights = (1.0, 0.25, 2.0)

    file = write_adapter(
        [(pack(part, ALPHA), weight) for part, weight in zip(parts, weights, strict=True)],
        architecture="llama",
    )

    reader = read(file, tmp_path)
    joined = concatenate([part.scaled(weight) for part, weight in zip(parts, weights, strict=True)])
    for layer in range(2):
        expected = ALPHA * joined.delta("down_proj", layer)
        error = np.abs(effect_in_llama_cpp(reader, layer) - expected).max()
        assert error < FLOAT16_TOLERANCE * np.abs(expected).max()


def test_the_file_says_what_it_is_and_keeps_further_texts(tmp_path: Path) -> None:
    packed = pack(random_factors(0), ALPHA)

    file = write_adapter([(packed, 1.0)], architecture="llama", metadata={"general.name": "Ein Garten"})

    reader = read(file, tmp_path)
    values = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    assert values == {
        "general.type": "adapter",
        "general.architecture": "llama",
        "adapter.type": "lora",
        "adapter.lora.alpha": 3.0,
        "general.name": "Ein Garten",
    }
    shapes = {tensor.name: (tensor.tensor_type.name, tensor.shape.tolist()) for tensor in reader.tensors}
    assert shapes["blk.1.ffn_down.weight.lora_a"] == ("F16", [12, 3])
    assert shapes["blk.1.ffn_down.weight.lora_b"] == ("F32", [3, 8])
    assert len(shapes) == 4


def test_several_modules_share_a_file(tmp_path: Path) -> None:
    down = random_factors(0).modules["down_proj"]
    up = random_factors(1, d_in=8, d_out=12).modules["down_proj"]
    factors = LoraFactors({"down_proj": down, "up_proj": up})

    reader = read(write_adapter([(pack(factors, 2.0), 1.0)], architecture="llama"), tmp_path)

    for layer in range(2):
        for name, ours in (("ffn_down", "down_proj"), ("ffn_up", "up_proj")):
            expected = 2.0 * factors.delta(ours, layer)
            error = np.abs(effect_in_llama_cpp(reader, layer, name) - expected).max()
            assert error < FLOAT16_TOLERANCE * np.abs(expected).max()


def test_parts_of_different_modules_and_ranks_share_a_file_with_one_alpha(tmp_path: Path) -> None:
    both = LoraFactors(
        {
            "down_proj": random_factors(0, rank=4).modules["down_proj"],
            "up_proj": random_factors(1, rank=2, d_in=8, d_out=12).modules["down_proj"],
        }
    )
    down = random_factors(2, rank=3)

    file = write_adapter([(pack(both, 2.0), 0.5), (pack(down, ALPHA), 1.0)], architecture="llama")

    reader = read(file, tmp_path)
    assert {tensor.name: tensor.shape.tolist() for tensor in reader.tensors if "lora_a" in tensor.name} == {
        f"blk.{layer}.{name}.weight.lora_a": shape
        for layer in range(2)
        for name, shape in (("ffn_down", [12, 7]), ("ffn_up", [8, 2]))
    }
    target = AdapterTarget("llama", 2, {"ffn_down": (12, 8), "ffn_up": (8, 12)})
    assert validate_adapter(file, target) == 7
    for layer in range(2):
        of_down = 0.5 * 2.0 * both.delta("down_proj", layer) + ALPHA * down.delta("down_proj", layer)
        of_up = 0.5 * 2.0 * both.delta("up_proj", layer)
        for name, expected in (("ffn_down", of_down), ("ffn_up", of_up)):
            error = np.abs(effect_in_llama_cpp(reader, layer, name) - expected).max()
            assert error < FLOAT16_TOLERANCE * np.abs(expected).max()


@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1e8, 1e30])
def test_values_beyond_float16_survive_in_either_factor(tmp_path: Path, scale: float) -> None:
    A, B = random_factors(0).modules["down_proj"]
    scale_of_A, scale_of_B = np.float32(scale), np.float32(1e-3)
    factors = LoraFactors({"down_proj": (A * scale_of_A, B * scale_of_B)})

    reader = read(write_adapter([(pack(factors, 1.0), 1.0)], architecture="llama"), tmp_path)

    expected = factors.delta("down_proj", 0)
    error = np.abs(effect_in_llama_cpp(reader, 0) - expected).max()
    assert error < FLOAT16_TOLERANCE * np.abs(expected).max()


def test_a_layer_without_effect_stays_without_effect(tmp_path: Path) -> None:
    A, B = (array.copy() for array in random_factors(0).modules["down_proj"])
    B[0] = 0.0

    file = write_adapter([(pack(LoraFactors({"down_proj": (A, B)}), ALPHA), 1.0)], architecture="llama")

    assert not effect_in_llama_cpp(read(file, tmp_path), 0).any()


def test_values_beyond_float32_are_refused() -> None:
    with pytest.raises(InvalidAdapter, match="too large"):
        pack(random_factors(0, scale=1e30), 1e30)


def test_queries_and_keys_are_refused_where_the_order_of_their_rows_is_not_known() -> None:
    factors = LoraFactors({"q_proj": random_factors(0).modules["down_proj"]})
    with pytest.raises(InvalidAdapter, match="q_proj are not supported, only of down_proj"):
        pack(factors, 1.0)


def test_layers_that_no_adapter_can_touch_are_refused() -> None:
    factors = LoraFactors({"lm_head": random_factors(0).modules["down_proj"]})
    with pytest.raises(InvalidAdapter, match=r"lm_head are not supported, only of .*q_proj"):
        pack(factors, 1.0, {})


@pytest.mark.parametrize("other", [{"d_in": 13}, {"d_out": 9}, {"n_layers": 3}])
def test_parts_of_different_shape_are_refused(other: dict[str, int]) -> None:
    parts = [(pack(random_factors(0), 1.0), 1.0), (pack(random_factors(0, **other), 1.0), 1.0)]
    with pytest.raises(InvalidAdapter, match="down"):
        write_adapter(parts, architecture="llama")


def test_the_bytes_of_the_format_have_not_changed() -> None:
    A = ((np.arange(2 * 3 * 12).reshape(2, 3, 12) - 30) / 64).astype(np.float32)
    B = ((np.arange(2 * 3 * 8).reshape(2, 3, 8) - 20) / 128).astype(np.float32)
    file = write_adapter([(pack(LoraFactors({"down_proj": (A, B)}), 2.0), 0.5)], architecture="llama")
    assert hashlib.sha256(file.tobytes()).hexdigest() == GOLDEN_SHA256


GOLDEN_SHA256 = "55ba34da3835186e265a5ed3b6f2b6e5b03e8727ce5014d3e5a9fe58365d3d1d"
