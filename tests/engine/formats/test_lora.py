import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.adapters.lora_sum import LoraSum
from engine.errors import InvalidAdapter
from engine.formats.lora import LoraFactors, concatenate
from tests.engine.adapters.adapters_at_random import random_factors

# float32 sums of a dozen products of numbers around 1
TOLERANCE = 1e-5


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(-2, 2, width=32)), min_size=1, max_size=5))
def test_the_effect_of_a_set_is_the_weighted_sum_of_the_effects_of_its_parts(
    ranks_and_weights: list[tuple[int, float]],
) -> None:
    parts = [random_factors(seed, rank=rank) for seed, (rank, _) in enumerate(ranks_and_weights)]
    weights = [weight for _, weight in ranks_and_weights]

    joined = concatenate([part.scaled(weight) for part, weight in zip(parts, weights, strict=True)])

    assert joined.rank == sum(rank for rank, _ in ranks_and_weights)
    for layer in range(joined.n_layers):
        expected = sum(
            np.float32(weight) * part.delta("down_proj", layer)
            for part, weight in zip(parts, weights, strict=True)
        )
        np.testing.assert_allclose(joined.delta("down_proj", layer), expected, atol=TOLERANCE * 10)


def test_the_delta_is_b_transposed_times_a() -> None:
    factors = random_factors(0)
    A, B = factors.modules["down_proj"]

    expected = np.einsum("ro,ri->oi", B[1], A[1])

    np.testing.assert_allclose(factors.delta("down_proj", 1), expected, atol=TOLERANCE)


def test_scaling_by_one_copies_nothing() -> None:
    factors = random_factors(0)
    assert factors.scaled(1.0) is factors


def test_parts_of_different_width_are_refused() -> None:
    with pytest.raises(InvalidAdapter):
        concatenate([random_factors(0, d_in=12), random_factors(1, d_in=10)])


def test_parts_may_cover_different_modules() -> None:
    down, up = random_factors(0, rank=3).modules["down_proj"], random_factors(1, rank=2).modules["down_proj"]
    parts = [LoraFactors({"down_proj": down}), LoraFactors({"up_proj": up}), LoraFactors({"down_proj": up})]

    joined = concatenate(parts)

    assert {name: A.shape[1] for name, (A, _B) in joined.modules.items()} == {"down_proj": 5, "up_proj": 2}
    assert joined.rank == 5
    expected = parts[0].delta("down_proj", 1) + parts[2].delta("down_proj", 1)
    np.testing.assert_allclose(joined.delta("down_proj", 1), expected, atol=TOLERANCE)
    np.testing.assert_array_equal(joined.delta("up_proj", 1), parts[1].delta("up_proj", 1))


def test_parts_with_different_layers_are_refused() -> None:
    deeper = LoraFactors({"up_proj": random_factors(1, n_layers=3).modules["down_proj"]})
    with pytest.raises(InvalidAdapter):
        concatenate([random_factors(0), deeper])


def test_factors_of_different_rank_do_not_make_an_adapter() -> None:
    A, B = random_factors(0).modules["down_proj"]
    with pytest.raises(InvalidAdapter):
        LoraFactors({"down_proj": (A, B[:, :2])})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    A, B = (array.copy() for array in random_factors(0).modules["down_proj"])
    B[1, 2, 3] = value
    with pytest.raises(InvalidAdapter, match="finite"):
        LoraFactors({"down_proj": (A, B)})


def test_large_values_that_are_finite_are_not_taken_for_infinite() -> None:
    A, B = (array.copy() for array in random_factors(0).modules["down_proj"])
    A[:] = np.finfo(np.float32).max
    assert LoraFactors({"down_proj": (A, B)}).rank == 3


def test_a_sum_of_more_ranks_than_a_layer_has_is_kept_as_its_delta() -> None:
    total = LoraSum()
    parts = [random_factors(seed, rank=5) for seed in range(7)]  # 35 ranks of a layer that has at most 8
    for part in parts:
        total.add(part)

    summed = total.result()

    assert total.is_folded
    assert summed.rank == 8
    for layer in range(2):
        expected = sum(part.delta("down_proj", layer) for part in parts)
        np.testing.assert_allclose(summed.delta("down_proj", layer), expected, atol=TOLERANCE * 10)


def test_a_sum_folds_layers_that_are_wider_than_their_input_too() -> None:
    total = LoraSum()
    parts = [random_factors(seed, rank=9, d_in=8, d_out=12) for seed in range(2)]
    for part in parts:
        total.add(part)
    expected = concatenate(parts).delta("down_proj", 1)
    np.testing.assert_allclose(total.result().delta("down_proj", 1), expected, atol=TOLERANCE * 10)


def test_a_small_sum_keeps_its_parts_apart() -> None:
    total = LoraSum()
    parts = [random_factors(seed, rank=2) for seed in range(3)]
    for part in parts:
        total.add(part)

    assert not total.is_folded
    np.testing.assert_array_equal(
        total.result().modules["down_proj"][0], concatenate(parts).modules["down_proj"][0]
    )
    assert not total.is_folded
