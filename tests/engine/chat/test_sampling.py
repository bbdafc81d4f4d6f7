import numpy as np
import pytest

from engine.chat.sampling import Sampler, Sampling, log_probabilities

LOGITS = np.log(np.array([0.05, 0.6, 0.05, 0.3], dtype=np.float32))


def test_temperature_zero_always_takes_the_likeliest_token() -> None:
    sampler = Sampler(Sampling())
    assert {sampler.choose(LOGITS) for _ in range(20)} == {1}


def test_the_same_seed_draws_the_same_tokens() -> None:
    first, second = (Sampler(Sampling(temperature=1.0, seed=5)) for _ in range(2))
    assert [first.choose(LOGITS) for _ in range(50)] == [second.choose(LOGITS) for _ in range(50)]


def test_draws_follow_the_probabilities() -> None:
    sampler = Sampler(Sampling(temperature=1.0, top_p=1.0, seed=0))
    counts = np.bincount([sampler.choose(LOGITS) for _ in range(4000)], minlength=4) / 4000
    # Four standard deviations of a share of 0.6 in 4000 draws.
    np.testing.assert_allclose(counts, [0.05, 0.6, 0.05, 0.3], atol=0.031)


def test_tokens_outside_top_p_are_never_drawn() -> None:
    sampler = Sampler(Sampling(temperature=1.0, top_p=0.85, seed=0))
    assert {sampler.choose(LOGITS) for _ in range(500)} == {1, 3}


def test_the_likeliest_token_is_kept_even_if_it_alone_exceeds_top_p() -> None:
    sampler = Sampler(Sampling(temperature=1.0, top_p=0.1, seed=0))
    assert {sampler.choose(LOGITS) for _ in range(50)} == {1}


def test_huge_logits_do_not_overflow() -> None:
    sampler = Sampler(Sampling(temperature=0.01, seed=0))
    assert sampler.choose(np.array([1e30, 3e38], dtype=np.float32)) == 1


@pytest.mark.parametrize("temperature", [-0.1, 11.0])
def test_a_temperature_outside_its_range_is_refused_with_its_value(temperature: float) -> None:
    with pytest.raises(ValueError, match=str(temperature)):
        Sampling(temperature=temperature)


@pytest.mark.parametrize("top_p", [0.0, 1.5])
def test_a_top_p_outside_its_range_is_refused_with_its_value(top_p: float) -> None:
    with pytest.raises(ValueError, match=str(top_p)):
        Sampling(top_p=top_p)


def test_a_tokens_log_probability_is_the_logarithm_of_its_share() -> None:
    # 700 would overflow without the peak taken away first.
    for logits in (LOGITS, LOGITS + np.float32(700)):
        found = log_probabilities(logits, range(4))
        assert np.exp(found) == pytest.approx([0.05, 0.6, 0.05, 0.3], abs=1e-4)
