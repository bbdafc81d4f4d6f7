import pytest

from engine.adapters.equal_weight import equal_weight


@pytest.mark.parametrize(("count", "weight"), [(1, 1.0), (4, 0.5), (64, 0.125)])
def test_the_sum_of_independent_deltas_stays_as_large_as_one(count: int, weight: float) -> None:
    assert equal_weight(count) == weight


def test_no_delta_has_no_weight() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        equal_weight(0)
