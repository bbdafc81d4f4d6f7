from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.retrieval import MIN_WEIGHT, SHARPNESS, retrieve, shares
from storage.records import CandidateChunk


def candidate(chunk_id: int, score: float) -> CandidateChunk:
    return CandidateChunk(chunk_id, chunk_id, f"note {chunk_id}", Path(f"/{chunk_id}"), 0, "words", score)


CANDIDATES = st.lists(st.floats(0.0, 30.0)).map(
    lambda scores: [candidate(number, score) for number, score in enumerate(scores)]
)


def test_all_that_matter_take_part_while_they_fit() -> None:
    retrieved = retrieve([candidate(1, 2.5), candidate(2, 3.0)], budget=2)

    assert [chunk.candidate.chunk_id for chunk in retrieved] == [2, 1]


def test_the_most_relevant_take_part_when_there_are_too_many() -> None:
    retrieved = retrieve([candidate(1, 2.4), candidate(2, 3.0), candidate(3, 2.5)], budget=2)

    assert [chunk.candidate.chunk_id for chunk in retrieved] == [2, 3]


def test_chunks_without_a_word_of_the_question_are_not_drawn_by_lot() -> None:
    assert retrieve([candidate(number, 0.0) for number in range(9)], budget=4) == ()


def test_without_any_score_all_speak_equally_loud() -> None:
    retrieved = retrieve([candidate(1, 0.0), candidate(2, 0.0)], budget=4)

    assert [chunk.weight for chunk in retrieved] == [1.0, 1.0]


def test_a_less_relevant_chunk_has_a_lower_weight() -> None:
    retrieved = retrieve([candidate(1, 4.0), candidate(2, 3.0)], budget=4)

    assert [chunk.weight for chunk in retrieved] == [1.0, 0.75**SHARPNESS]


def test_a_chunk_of_negligible_weight_takes_no_part() -> None:
    retrieved = retrieve([candidate(1, 4.0), candidate(2, 1.0), candidate(3, 0.0)], budget=4)

    assert [chunk.candidate.chunk_id for chunk in retrieved] == [1]
    assert 0.25**SHARPNESS < MIN_WEIGHT


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="budget"):
        retrieve([], budget=0)


@given(CANDIDATES, st.integers(1, 8))
def test_shares_add_up_to_one_and_weights_stay_in_bounds(
    candidates: list[CandidateChunk], budget: int
) -> None:
    retrieved = retrieve(candidates, budget)

    assert len(retrieved) <= budget
    assert all(0 < chunk.weight <= 1 for chunk in retrieved)
    assert sum(shares([chunk.weight for chunk in retrieved])) == pytest.approx(1.0 if retrieved else 0.0)
    assert [chunk.weight for chunk in retrieved] == sorted(
        (chunk.weight for chunk in retrieved), reverse=True
    )


@given(CANDIDATES, st.integers(1, 8), st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(
    candidates: list[CandidateChunk], budget: int, random: object
) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert retrieve(shuffled, budget) == retrieve(candidates, budget)
