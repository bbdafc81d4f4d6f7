"""The sample notes that a first run learns, and the questions shown with them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

import app
from engine.training.personal_notes import vocabulary

SAMPLES = Path(app.__path__[0]) / "samples"
NOTES = sorted(path for path in SAMPLES.iterdir() if path.suffix in {".md", ".txt"})


def _questions() -> list[dict[str, str]]:
    questions: list[dict[str, str]] = json.loads((SAMPLES / "questions.json").read_text(encoding="utf-8"))
    return questions


def test_there_are_twelve_notes_with_three_questions_each() -> None:
    assert Counter(question["file"] for question in _questions()) == {path.name: 3 for path in NOTES}
    assert len(NOTES) == 12


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.stem)
def test_a_sample_note_is_short_enough_for_one_chunk(path: Path) -> None:
    assert 60 <= len(path.read_text(encoding="utf-8").split()) <= 180


@pytest.mark.parametrize("question", _questions(), ids=lambda question: question["question"])
def test_the_expected_answer_stands_in_exactly_one_sample_note(question: dict[str, str]) -> None:
    answer = re.compile(rf"(?<!\w){re.escape(question['answer'])}(?!\w)")
    found = [path.name for path in NOTES if answer.search(path.read_text(encoding="utf-8"))]
    assert question["file"] in found
    if len(question["answer"].split()) > 1:
        assert found == [question["file"]]


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.stem)
def test_people_and_places_of_the_samples_were_never_trained_on(path: Path) -> None:
    trained = {*vocabulary.FIRST_NAMES, *vocabulary.LAST_NAMES, *vocabulary.PET_NAMES, *vocabulary.CITIES}
    assert trained.isdisjoint(re.findall(r"\b[A-Z][a-z]+", path.read_text(encoding="utf-8")))
