import pytest

from engine.evaluation.metrics import Score, mean, normalise_answer, score


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Eiffel Tower!", "eiffel tower"),
        ("an apple a day", "apple day"),
        ("U.S.A.", "usa"),
        ("anthem theatre", "anthem theatre"),  # articles are whole words
        ("well-known", "wellknown"),
        ("  \n\t", ""),
        ("The", ""),
        ("Zürich’s", "zürich’s"),  # the official script knows ASCII punctuation only
    ],
)
def test_normalisation_is_that_of_the_official_script(text: str, normal: str) -> None:
    assert normalise_answer(text) == normal


@pytest.mark.parametrize(
    ("answer", "accepted", "recall", "f1", "exact"),
    [
        ("Denver Broncos", ["Denver Broncos"], 1, 1, 1),
        ("the Denver Broncos.", ["denver broncos"], 1, 1, 1),
        ("The team was Denver Broncos", ["Denver Broncos"], 1, 2 * 2 / (4 + 2), 0),
        ("Broncos", ["Denver Broncos"], 0.5, 2 / 3, 0),
        ("Carolina Panthers", ["Denver Broncos"], 0, 0, 0),
        ("", ["Denver Broncos"], 0, 0, 0),
        ("Broncos Denver", ["Denver Broncos"], 1, 1, 0),  # exact asks for the order
        ("12 12 12", ["12"], 1, 2 / 4, 0),  # a repeated word counts once
        ("12", ["12 12"], 0.5, 2 / 3, 0),
        ("", ["the"], 1, 1, 1),  # nothing is left of the reference: nothing is right
        ("something", ["the"], 0, 0, 0),
        ("1999", ["in 1999", "1999"], 1, 1, 1),
        # Each measure takes its own best reference.
        ("big red house on hill", ["red house", "small red house on hill"], 1, 2 * 4 / (5 + 5), 0),
    ],
)
def test_answers_are_scored_as_squad_does(
    answer: str, accepted: list[str], recall: float, f1: float, exact: float
) -> None:
    scored = score(answer, accepted)
    assert (scored.recall, scored.f1, scored.exact) == pytest.approx((recall, f1, exact))


def test_the_mean_is_taken_of_each_measure() -> None:
    assert mean([Score(1, 0.5, 0), Score(0, 0.5, 1)]) == Score(0.5, 0.5, 0.5)


def test_there_is_no_mean_of_nothing() -> None:
    with pytest.raises(ValueError, match="no scores"):
        mean([])
