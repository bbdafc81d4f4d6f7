import hashlib

import numpy as np
import pytest

from engine.adapters.lora_f16 import ImportedLora, content_hash, decode, encode
from engine.errors import InvalidAdapter
from engine.formats.lora import LoraFactors
from tests.engine.adapters.adapters_at_random import random_factors

# Both factors are rounded to eleven bits.
FLOAT16_TOLERANCE = 2e-3


def assert_near(found: LoraFactors, expected: LoraFactors) -> None:
    assert found.modules.keys() == expected.modules.keys()
    for name in expected.modules:
        for layer in range(expected.n_layers):
            delta = expected.delta(name, layer)
            error = np.abs(found.delta(name, layer) - delta).max()
            assert error <= FLOAT16_TOLERANCE * np.abs(delta).max()


def test_factors_of_several_modules_come_back_up_to_float16() -> None:
    down, up = random_factors(0, rank=3).modules["down_proj"], random_factors(1, rank=5).modules["down_proj"]
    factors = LoraFactors({"down_proj": down, "up_proj": up})

    assert_near(decode(encode(ImportedLora(factors))).factors, factors)


@pytest.mark.parametrize("scale_A", [1e-30, 1e-8, 1.0, 1e15])
@pytest.mark.parametrize("scale_B", [1e-3, 1.0, 1e15])
def test_the_size_of_the_factors_costs_no_bits(scale_A: float, scale_B: float) -> None:
    A, B = random_factors(0).modules["down_proj"]
    factors = LoraFactors({"down_proj": (A * np.float32(scale_A), B * np.float32(scale_B))})

    found = decode(encode(ImportedLora(factors))).factors

    # In float64: the product of such numbers need not fit float32.
    (wide_A, wide_B), (found_A, found_B) = (
        tuple(array.astype(np.float64) for array in each.modules["down_proj"]) for each in (factors, found)
    )
    expected, product = wide_B[1].T @ wide_A[1], found_B[1].T @ found_A[1]
    assert np.abs(product - expected).max() <= FLOAT16_TOLERANCE * np.abs(expected).max()


def test_layers_without_effect_stay_without() -> None:
    A, B = (array.copy() for array in random_factors(0).modules["down_proj"])
    A[0] = 0.0
    B[1] = 0.0

    found = decode(encode(ImportedLora(LoraFactors({"down_proj": (A, B)})))).factors

    assert not found.delta("down_proj", 0).any()
    assert not found.delta("down_proj", 1).any()


def test_the_bias_block_is_remembered_and_can_be_left_out() -> None:
    factors = random_factors(0, rank=5)

    found = decode(encode(ImportedLora(factors, {"down_proj": 2}, "f" * 64)))

    assert (found.bias_ranks, found.hypernetwork_hash) == ({"down_proj": 2}, "f" * 64)
    A, B = factors.modules["down_proj"]
    assert_near(found.without_bias(), LoraFactors({"down_proj": (A[:, :3], B[:, :3])}))


@pytest.mark.parametrize("bias_ranks", [{"down_proj": 0}, {"down_proj": 5}, {"up_proj": 1}])
def test_a_bias_block_that_cannot_be_is_refused(bias_ranks: dict[str, int]) -> None:
    with pytest.raises(InvalidAdapter):
        ImportedLora(random_factors(0, rank=5), bias_ranks, "f" * 64)


def test_the_identity_is_the_hash_of_what_is_kept() -> None:
    data = encode(ImportedLora(random_factors(0)))
    assert content_hash(data) == hashlib.sha256(data[32:]).hexdigest()
    assert content_hash(encode(ImportedLora(random_factors(0)))) == content_hash(data)
    assert content_hash(encode(ImportedLora(random_factors(1)))) != content_hash(data)


@pytest.mark.parametrize("position", [0, 31, 32, 40, 200, -1])
def test_a_changed_byte_is_noticed(position: int) -> None:
    data = bytearray(encode(ImportedLora(random_factors(0))))
    data[position] ^= 4
    with pytest.raises(InvalidAdapter, match="import it again"):
        decode(bytes(data))


@pytest.mark.parametrize("body", [b"", b"{}", (2).to_bytes(8, "little") + b"{}"])
def test_bytes_that_another_version_wrote_are_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(InvalidAdapter, match="Import it again"):
        decode(hashlib.sha256(body).digest() + body)


def test_bytes_that_are_cut_are_refused() -> None:
    for data in (b"", encode(ImportedLora(random_factors(0)))[:100]):
        with pytest.raises(InvalidAdapter):
            decode(data)
