"""What is said before an answer that does not stand on the notes."""

import json
from pathlib import Path

import pytest

from app.bootstrap import Application
from app.evaluation.answerable import Judged, auroc, fit
from app.evaluation.library import EvaluationFailed
from app.services.answers import AnswerEvent, AnswerText
from app.services.confidence import CALIBRATION_FILE, NOT_IN_NOTES, Calibration, Evidence
from tests.app.conftest import Bench
from tests.patience import PATIENCE_S

SURE = Calibration(intercept=-2.0, coverage=8.0, first_logprob=0.5, absent_logprob=-0.1, threshold=0.4)


@pytest.fixture
def application(bench: Bench) -> Application:
    """With a note about a pear tree, and a calibration for the models."""
    SURE.save(bench.home)
    application = bench.start()
    application.ingest.add_paths([bench.write("garden.md", "The pear tree was planted in 2011.")])
    bench.wait_ready("garden.md")
    return application


def test_a_question_about_no_note_is_answered_as_a_guess_from_the_first_word(
    bench: Bench, application: Application
) -> None:
    events: list[AnswerEvent] = []
    chat = application.chat.new_chat()
    answer = application.chat.ask(chat.id, "Who repairs bicycles?", on_event=events.append).result(PATIENCE_S)
    assert answer.preface == NOT_IN_NOTES
    assert answer.confidence is not None
    assert answer.confidence < SURE.threshold
    assert answer.answer == "echo: Who repairs bicycles?"  # the model's words are kept apart
    texts = [event.text for event in events if isinstance(event, AnswerText)]
    assert texts[0] == f"{NOT_IN_NOTES}\n\n"
    assert "".join(texts) == answer.text
    assert application.chat.turns(chat.id)[-1].text == answer.text


def test_a_question_whose_words_a_note_has_is_answered_without_a_doubt(application: Application) -> None:
    answer = application.chat.ask(None, "When was the pear tree planted?").result(PATIENCE_S)
    assert answer.preface == ""
    assert answer.text == answer.answer
    assert answer.confidence is not None
    assert answer.confidence > SURE.threshold


def test_an_unsure_first_word_is_a_reason_to_doubt(bench: Bench, application: Application) -> None:
    question = "When was the pear tree planted?"
    sure = application.chat.ask(None, question).result(PATIENCE_S).confidence
    bench.chat_engine.first_logprob = -6.0
    unsure = application.chat.ask(None, question).result(PATIENCE_S).confidence
    assert sure is not None
    assert unsure is not None
    assert unsure < sure


def test_a_refusal_that_comes_near_is_a_reason_to_doubt(bench: Bench, application: Application) -> None:
    question = "When was the pear tree planted?"
    far = application.chat.ask(None, question).result(PATIENCE_S).confidence
    bench.chat_engine.absent_logprob = -0.5
    near = application.chat.ask(None, question).result(PATIENCE_S).confidence
    assert far is not None
    assert near is not None
    assert near < far


def test_without_notes_or_calibration_nothing_is_said(bench: Bench) -> None:
    application = bench.start()
    answer = application.chat.ask(None, "Who repairs bicycles?").result(PATIENCE_S)
    assert (answer.preface, answer.evidence, answer.confidence) == ("", None, None)
    application.ingest.add_paths([bench.write("garden.md", "The pear tree was planted in 2011.")])
    bench.wait_ready("garden.md")
    answer = application.chat.ask(None, "Who repairs bicycles?").result(PATIENCE_S)
    assert answer.evidence is not None
    assert (answer.preface, answer.confidence) == ("", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"intercept": "x"}',
        '{"intercept": NaN}',
        "[" * 200_000,
        '{"intercept": 1' + "0" * 400 + "}",
    ],
    ids=range(7),
)
def test_a_damaged_calibration_is_none(tmp_path: Path, text: str) -> None:
    SURE.save(tmp_path)
    assert Calibration.load(tmp_path) == SURE
    raw = json.loads((tmp_path / CALIBRATION_FILE).read_text(encoding="utf-8"))
    (tmp_path / CALIBRATION_FILE).write_text(text, encoding="utf-8")
    assert Calibration.load(tmp_path) is None
    (tmp_path / CALIBRATION_FILE).write_text(json.dumps(raw | {"coverage": float("inf")}), encoding="utf-8")
    assert Calibration.load(tmp_path) is None


def test_the_area_counts_the_pairs_that_are_in_order() -> None:
    assert auroc([(True, 2.0), (True, 1.0), (False, 1.0), (False, 0.0)]) == (1 + 1 + 0.5 + 1) / 4


def test_the_fit_finds_the_weights_that_made_the_labels() -> None:
    judged = [
        Judged(has_note, Evidence(coverage, -1.0, -5.0))
        for coverage, n_with, n_without in ((0.2, 1, 9), (0.5, 5, 5), (0.8, 9, 1))
        for has_note, n in ((True, n_with), (False, n_without))
        for _ in range(n)
    ]
    found = fit(judged)
    for coverage, share in ((0.2, 0.1), (0.5, 0.5), (0.8, 0.9)):
        assert found.confidence(Evidence(coverage, -1.0, -5.0)) == pytest.approx(share, abs=0.01)


def test_one_kind_alone_cannot_be_fitted() -> None:
    with pytest.raises(EvaluationFailed, match="one kind"):
        fit([Judged(True, Evidence(0.5, -1.0, -5.0))])
